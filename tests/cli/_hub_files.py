#!/usr/bin/env python3
"""_hub_files.py FOLDER: the repositories that hub.sh fetches from. Weights are whole, though small."""
import json
import os
import struct
import sys

os.chdir(sys.argv[1])
config = {"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 8,
          "num_key_value_heads": 2, "intermediate_size": 128, "vocab_size": 100, "torch_dtype": "bfloat16"}


def put(name, data):
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(name, "wb") as file:
        file.write(data if isinstance(data, bytes) else json.dumps(data).encode())


def safetensors(shapes, padding=0):
    header, at = {}, 0
    for name, shape in shapes.items():
        size = 2
        for each in shape:
            size *= each
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode() + b" " * padding
    return struct.pack("<Q", len(text)) + text + bytes(at)


def text_of(text):
    return struct.pack("<Q", len(text)) + text.encode()


def gguf(vocabulary):
    string, array, u32 = 8, 9, 4
    keys = [text_of("general.architecture") + struct.pack("<I", string) + text_of("llama")]
    sizes = {"embedding_length": 64, "block_count": 2, "feed_forward_length": 128, "vocab_size": 100,
             "attention.head_count": 8, "attention.head_count_kv": 2}
    for name, value in sizes.items():
        keys.append(text_of("llama." + name) + struct.pack("<II", u32, value))
    words = b"".join(text_of(f"word{i}") for i in range(vocabulary))
    keys.append(text_of("tokenizer.ggml.tokens") + struct.pack("<IIQ", array, string, vocabulary) + words)
    tensor = text_of("token_embd.weight") + struct.pack("<IQQIQ", 2, 64, 100, 0, 0)
    start = b"GGUF" + struct.pack("<IQQ", 3, 1, len(keys)) + b"".join(keys) + tensor
    return start + bytes(-len(start) % 32) + bytes(4 * 64 * 100)


layer = {"self_attn.q_proj": [64, 64], "self_attn.k_proj": [16, 64], "self_attn.v_proj": [16, 64],
         "self_attn.o_proj": [64, 64], "mlp.gate_proj": [128, 64], "mlp.up_proj": [128, 64],
         "mlp.down_proj": [64, 128], "input_layernorm": [64], "post_attention_layernorm": [64]}
shards = [{"model.embed_tokens.weight": [100, 64], "model.norm.weight": [64], "lm_head.weight": [100, 64]}]
for i in range(2):
    shards.append({f"model.layers.{i}.{name}.weight": shape for name, shape in layer.items()})
everything = {name: shape for shard in shards for name, shape in shard.items()}
names = [f"model-{i + 1:05d}-of-00003.safetensors" for i in range(3)]
index = {"metadata": {"total_size": 2 * 82752},
         "weight_map": {name: file for file, shard in zip(names, shards) for name in shard}}

# One file of weights, in the ways in which servers give it.
for kind in ("small", "direct", "private", "changing", "changed", "longer", "shifted", "cut", "cutalways", "unlisted", "slow"):
    put(f"ORG/{kind}/config.json", config)
    # A header that is longer than the first range.
    long = 200_000 if kind in ("cut", "cutalways", "changing", "changed", "shifted") else 0
    put(f"ORG/{kind}/model.safetensors", safetensors(everything, long))
for kind in ("rangeless", "endless"):
    put(f"ORG/{kind}/config.json", config)
    put(f"ORG/{kind}/model.safetensors", safetensors(everything, 200_000))
put("ORG/gatedfiles/config.json", config)
put("ORG/gatedfiles/model.safetensors", safetensors(everything))
put("ORG/bare/model.safetensors", safetensors(everything))

put("ORG/sharded/config.json", config)
put("ORG/sharded/model.safetensors.index.json", index)
for file, shard in zip(names, shards):
    put(f"ORG/sharded/{file}", safetensors(shard))
put("ORG/evil/config.json", config)
put("ORG/evil/model.safetensors.index.json", {"weight_map": {"a": "../../../x.safetensors"}})

for quantisation in ("Q4_K_M", "Q8_0"):
    put(f"ORG/ggufs/m-{quantisation}.gguf", gguf(10))
put("ORG/ggufs/mmproj-m-f16.gguf", b"GGUF")
put("ORG/onegguf/m.gguf", gguf(300_000))  # longer than the first range
put("ORG/pickles/config.json", config)
put("ORG/pickles/pytorch_model.bin", b"\x80\x02")
put("ORG/onlypickles/pytorch_model.bin", b"\x80\x02")
put("ORG/graphs/onnx/model.onnx", b"\x08\x07")
put("ORG/pointer/config.json", config)
put("ORG/pointer/model.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n")
put("ORG/portal/config.json", b"<html>log in</html>")
put("ORG/adapter/adapter_config.json", {"peft_type": "LORA", "r": 4, "base_model_name_or_path": "ORG/small"})
key = "base_model.model.model.layers.1.self_attn.q_proj.lora_"
put("ORG/adapter/adapter_model.safetensors", safetensors({key + "A.weight": [4, 64], key + "B.weight": [64, 4]}))
