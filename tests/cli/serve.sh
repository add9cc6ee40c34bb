#!/usr/bin/env bash
# `serve`, the registry of language models, and models of the stores on this machine.
. "$SOURCE_DIR/tests/cli/_lib.sh"

cat >config.json <<'JSON'
{"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 8,
 "num_key_value_heads": 2, "intermediate_size": 128, "vocab_size": 100, "torch_dtype": "bfloat16"}
JSON

# --- one way --------------------------------------------------------------------------------------
run serve config.json --prompt 16 --output 1 --batch 3 --on H100,L4 --format json
expect "it keeps to the schema" validate stdout.txt serve
expect "products of a step" json '.decode.macs == 3 * (2 * 34816 + 6400 + 2 * 2 * 64 * 17)'
expect "the same as profile's" is "$(jq .prefill.macs stdout.txt)" \
  "$("$ZOOMETER" profile config.json --tokens 16 --batch 3 --format json | jq .totals.macs)"
expect "both devices" json '[.devices[].device] == ["H100", "L4"] and all(.devices[]; .fits and .is_lower_bound)'
expect "capacities are binary" json '.devices[0].capacity == 85899345920 and .devices[1].capacity == 25769803776'
expect "the slower has the longer step" json '.devices[0].decode.seconds.total < .devices[1].decode.seconds.total'
expect "nine tenths may be used" json '.devices[0].budget == 77309411328'
expect_output "on H100: fits" serve config.json --on H100
expect_output "tokens per second     <= " serve config.json --on H100
run serve config.json --on H100 --efficiency 0.5 --format json
expect "with an efficiency it is an estimate" json '.devices[0].is_lower_bound | not'
run serve config.json --on H100 --devices 2 --tp 2 --format json
expect "what devices send" json '[.decode.collectives[].name] == ["all-reduce", "all-reduce", "all-reduce", "all-gather"]'
run serve config.json --on RTX4090 --tp 2
expect "links that are not known are noted" has "$out" "the links of RTX4090 are not known"
run serve config.json --format json
expect "without a device no times" json '.devices == [] and (.decode | has("seconds") | not)'

run serve config.json --on H100,L4 --format html
expect "a page with three charts" is "$(grep -c '<h2>' stdout.txt)" 3
expect "that is well formed" /usr/bin/python3 -c '
import sys
from html.parser import HTMLParser
HTMLParser().feed(open("stdout.txt").read())'
expect "without scripts" lacks "$out" "<script"

# --- several ways ---------------------------------------------------------------------------------
run serve config.json --on H100 --vary batch=1,2,4..256 --format json
expect "a table keeps to the schema" validate stdout.txt serve
expect "numbers continue by doubling" json '[.points[].value] == ["1","2","4","8","16","32","64","128","256"]'
expect "more sequences, more tokens" json '[.points[].devices[0].tokens_per_second] | . == sort'
run serve config.json --vary context=512,1024..2048 --format csv
expect "or by steps" is "$(cut -d, -f1 stdout.txt | tr '\n' ' ')" "context 512 1024 1536 2048 "
run serve config.json --on H100 --vary quant=bfloat16,fp8,Q4_K_M
expect "schemes have rows" has "$out" "Q4_K_M"
expect "256 points" is "$("$ZOOMETER" serve config.json --on H100 --vary batch=1..256 --format csv | wc -l)" 257
expect_error 2 "--vary: expected rising numbers around .., got 4..2" serve config.json --vary batch=4..2
expect_error 2 "--vary: expected at most 4096 values" serve config.json --vary batch=1..5000
expect_error 2 "--vary" serve config.json --vary speed=1
expect_error 2 "--vary: expected numbers of 1 to 2^40 for batch, got many" serve config.json --vary batch=many
expect_error 2 "--efficiency" serve config.json --on H100 --efficiency 1.5
expect_error 2 "--memory-utilization" serve config.json --on H100 --memory-utilization 0
expect_error 2 "--tp: expected a number that divides the 8 heads, got 3" serve config.json --tp 3
run serve config.json --prompt 3000
expect "a context that fits the model is not noted" lacks "$out" "was made for"
sed 's/}/, "max_position_embeddings": 2048}/' config.json >short.json
run serve short.json --prompt 3000
expect "one that is longer is" has "$out" "the model was made for contexts of at most 2048 tokens"
run serve short.json --prompt 100 --output 10
expect "only where it is used" lacks "$out" "was made for"
run serve short.json --prompt 100 --output 10 --on H100
expect "or fits" has "$out" "was made for"
expect_error 2 "serve: expected a language model that writes text" serve bert-base-uncased
expect_error 2 "serve: expected a language model that writes text" serve flux.1-dev
expect_error 2 "serve: expected a language model that writes text" serve "$SOURCE_DIR/tests/data/onnx/kinds/$(ls "$SOURCE_DIR/tests/data/onnx/kinds" | head -n 1)"

# --- the registry ---------------------------------------------------------------------------------
run list --registry language --format json
expect "language models keep to the schema" validate stdout.txt list
expect "at least a hundred" json '.models | length >= 100'
expect "they are in no other registry" json 'all(.models[]; .registries == ["language"])'
run list --registry language 'llama-3.1-*' --where 'parameters > 100G'
expect "questions work" is "$(grep -c llama <<<"$out")" 1
run list
expect "a bare list has none" lacks "$out" "llama"
run list --registry all --format json
expect "nor has all" json '[.models[].family] | index("Llama") == null'
run list 'llama-3.2-*'
expect "a pattern that no other registry has" has "$out" "The curated registry has none of these: they are of the registry language."
expect "lists language models" is "$(grep -c '^llama-3.2-' <<<"$out")" 2
run list --family Llama --names
expect "so does a family" has "$out" "llama-3.1-405b"
expect_error 2 "no model has the name qwen*" list resnet18 'qwen*'
expect_error 2 "with --registry language" sweep 'llama-3.2-*'
expect_error 3 "did you mean llama-3.2-1b" profile llama-3.2-1
expect_error 2 "did you mean gpt2" profile gptt2
run profile Llama_3.2_1B --format json
expect "another spelling is found" json '.model == "llama-3.2-1b" and .totals.parameters == 1235814400'
touch GPT2
expect_error 3 "GPT2" profile GPT2
rm GPT2
run verify --registry language
expect "every row has the figures that it expects" is "$status" 0
expect "exceptions are shown" has "$out" "the published checkpoint has the heads of its pretraining, too"
expect "the others are counted" has "$out" "parameters: 171 of 171 agree"
run verify llama-3.3-70b --format json
expect "a row by its name" json '.models[0].published == {"expected": 70553706496, "ours": 70553706496, "verdict": "agrees"}'
expect_error 2 "no language models match llama-9" verify --registry language llama-9
expect_error 2 "takes no --registry" verify --live --registry language
run verify --registry curated
expect "weights of one registry" has "$out" "num_params: 49 of 49 agree"
run registry show
expect "the registry's size is shown" has "$out" "language 171"
mkdir -p "$XDG_CONFIG_HOME/zoometer"
printf '[models.mine]\nlanguage = "llama-9"\n' >"$XDG_CONFIG_HOME/zoometer/registry.toml"
expect_error 2 "no such language model: llama-9" profile mine
rm "$XDG_CONFIG_HOME/zoometer/registry.toml"
run profile llama-3.2-1b --format json
expect "a name is found" json '.totals.parameters == 1235814400'
run parameters gpt-oss-20b --format json
expect "its checkpoint, too" json '.counts.unique == 20914757184'
run parameters mimo-7b-rl
expect "with the layers for further tokens" has "$out" "model.mtp_layers.0.input_proj.weight"
expect "which its sum has, too" has "$out" "451 entries: 7833409536 parameters"
run diff llama-3.2-1b llama-3.2-3b
expect "two can be compared" is "$status" 0
run sweep smollm-135m --batch 1,2 --format csv
expect "sweeps take them" is "$(wc -l <stdout.txt)" 3
expect_output "fits" serve qwen3-30b-a3b --on H100
run serve gpt-oss-120b --engine vllm --format json
expect "a cache in the type of weights that are not quantised" json '.cache.bytes_per_token == 73728'

# --- names of released files ----------------------------------------------------------------------
# Each line has the names of the index of a released checkpoint as a digest, and its configuration.
released=0
while IFS= read -r line; do
  mkdir -p released
  jq -c .config <<<"$line" >released/config.json
  names=$("$ZOOMETER" parameters released/config.json --format json | jq -r '.entries[].name' | LC_ALL=C sort)
  expect "the names of $(jq -r .name <<<"$line")" is "$(wc -l <<<"$names") $(sha256sum <<<"$names" | cut -d' ' -f1)" \
    "$(jq -r '"\(.tensors) \(.sha256)"' <<<"$line")"
  released=$((released + 1))
done <"$SOURCE_DIR/tests/data/language/index.jsonl"
expect "fifteen of them" is "$released" 15

# --- the hub's cache ------------------------------------------------------------------------------
export HF_HUB_CACHE=$PWD/hub
snapshot=hub/models--ORG--small/snapshots/0123456789abcdef
mkdir -p "$snapshot" hub/models--ORG--small/refs
cp config.json "$snapshot"
printf 0123456789abcdef >hub/models--ORG--small/refs/main
run profile hf:ORG/small --format json
expect "the branch main" json '.totals.parameters == 82752'
run profile hf:ORG/small@0123 --format json
expect "the start of a commit" json '.totals.parameters == 82752'
export HF_HUB_OFFLINE=1  # hub.sh has the network
expect_error 3 "hf:ORG/other was not fetched before" profile hf:ORG/other
expect_error 3 "hf:ORG/small@v2 was not fetched before" profile hf:ORG/small@v2
expect_error 2 "hf:: expected ORG/NAME" profile hf:../../etc
expect_error 2 "hf:: expected ORG/NAME" profile hf:a/b/c
expect_output "82752 parameters" parameters hf:ORG/small

# --- ollama's store -------------------------------------------------------------------------------
export OLLAMA_MODELS=$PWD/ollama
digest=$(printf '%064d' 7)
mkdir -p ollama/manifests/registry.ollama.ai/library/tiny ollama/blobs
printf '{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:%s"}]}' "$digest" \
  >ollama/manifests/registry.ollama.ai/library/tiny/latest
"$SOURCE_DIR/bench/weights_files.py" gguf "ollama/blobs/sha256-$digest" 10
expect_output "tensors" parameters ollama:tiny
expect_error 3 "ollama pull tiny:7b" profile ollama:tiny:7b
expect_error 2 "ollama:: expected MODEL" profile ollama:../x
printf '{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../x"}]}' \
  >ollama/manifests/registry.ollama.ai/library/tiny/bad
expect_error 3 "64 digits" profile ollama:tiny:bad

# --- a file of another type -----------------------------------------------------------------------
mkdir gguf
cp config.json gguf
run quant gguf --quant Q8_0 --format json
expect "the size of a file is not known" json '.schemes[0] | has("file_bytes") | not'
printf '{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}}' >gguf/tokenizer.json
run quant gguf --quant Q8_0 --format json
expect "a tokenizer says about how large it is" json '.schemes[0].file_bytes > .schemes[0].bytes + 2000'
expect "which is foreseen" json '.schemes[0].file_bytes_exact == false'
expect "it keeps to the schema" validate stdout.txt quant
expect "and noted" has "$out" "by the vocabulary in tokenizer.json"
rm gguf/tokenizer.json
/usr/bin/python3 - <<'PYTHON'
import struct
def text(value):
    return struct.pack("<Q", len(value)) + value.encode()
# As many elements as the model: 82,752 with both tables.
tensors = {"a": 82752}
infos = b"".join(text(n) + struct.pack("<IQIQ", 1, size, 0, 0) for n, size in tensors.items())
keys = text("general.architecture") + struct.pack("<I", 8) + text("llama")
header = b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + keys + infos
header += bytes(-len(header) % 32)
open("gguf/m-F32.gguf", "wb").write(header + bytes(4 * 82752))
PYTHON
run quant gguf/config.json --quant F16 --quant awq --format json
expect "with another file of the model it is" json '.schemes[0].file_bytes == 128 + 165504 + 2 * 64 * 5'
expect "to the byte" json '.schemes[0].file_bytes_exact'
expect "of GGUF only" json '.schemes[1] | has("file_bytes") | not'
run quant gguf/config.json --quant F16
expect "the text shows it" has "$out" "bytes of the file"

# --- adapters -------------------------------------------------------------------------------------
mkdir adapter
printf '{"peft_type": "LORA", "r": 4, "base_model_name_or_path": "ORG/small"}' >adapter/adapter_config.json
# write_adapter MODULE INPUTS [OUTPUTS [A B]]: an adapter of rank 4; 64 outputs, lora_A.weight and lora_B.weight.
write_adapter() {
  /usr/bin/python3 - "$@" <<'PYTHON'
import json, struct, sys
module, inputs = sys.argv[1], int(sys.argv[2])
outputs = int(sys.argv[3]) if len(sys.argv) > 3 else 64
down, up = sys.argv[4:6] if len(sys.argv) > 5 else ("lora_A.weight", "lora_B.weight")
header, at = {}, 0
for name, shape in {down: [4, inputs], up: [outputs, 4]}.items():
    size = 4 * shape[0] * shape[1]
    header[f"base_model.model.{module}.{name}"] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + size]}
    at += size
text = json.dumps(header).encode()
open("adapter/adapter_model.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + bytes(at))
PYTHON
}
macs=$("$ZOOMETER" profile config.json --format json | jq .totals.macs)
write_adapter model.layers.1.self_attn.q_proj 64
run profile adapter --format json
expect "an adapter is on top of its model" json '.totals.parameters == 82752 + 2 * 4 * 64'
expect "its products are counted" json ".totals.macs == $macs + 128 * 512"
expect "nothing is left out" json '[.notes[] | select(contains("not part of the graph"))] == []'
expect_output "model.layers.1.self_attn.q_proj.lora_A.weight" parameters adapter
write_adapter model.layers.1.self_attn.q_proj 32
expect_output "1 of the adapter's tensors have other shapes than the layers" profile adapter
write_adapter lm_head 64 100
run profile adapter --format json
expect "an adapter of the head" json ".totals.macs == $macs + 4 * 164 and .totals.parameters == 82752 + 4 * 164"
write_adapter model.embed_tokens 100 64 lora_embedding_A lora_embedding_B
run profile adapter --format json
expect "one of the embedding is only listed" json ".totals.macs == $macs and .totals.parameters == 82752 + 4 * 164"
expect "a token multiplies one row" json '[.notes[] | select(contains("256 of the adapter"))] | length == 1'
write_adapter model.layers.0.mlp.experts 64
expect_output "change the weights of experts before tokens pass" profile adapter
write_adapter lm_head 64 100 weight other.weight
expect_output "replace the model's own" profile adapter
write_adapter lm_head 64 100 base_layer.weight lora_B.weight
expect_output "1 of the adapter's tensors are copies of the model's own" profile adapter
run serve adapter --format json
expect "its bytes are served with the model's" json '.weights.bytes == 2 * 82752 + 4 * 4 * 100'
run quant adapter --quant int8 --format json
expect "and stay as they are in any scheme" json '.schemes[0].by_dtype.float32 >= 4 * 100'
sed -i 's/small/nothing/' adapter/adapter_config.json
expect_output "ORG/nothing, which is not on this machine" profile adapter

finish
