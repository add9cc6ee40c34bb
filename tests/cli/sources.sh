#!/usr/bin/env bash
# Every command that shows what models cost takes every kind of model: names, the user's own, files,
# folders, calls of families, models of Python. With --batch and --views, where they have a meaning.
. "$SOURCE_DIR/tests/cli/_lib.sh"
data=$SOURCE_DIR/tests/data
here=$PWD
mkdir -p torch torchvision language "$XDG_CONFIG_HOME/zoometer"
: >torch/__init__.py
: >torchvision/__init__.py
export FAKE_TORCH=$here/torch/__init__.py FAKE_MODELS='net fails' FAKE_GRAPH=$here/graph.json
# A convolution of 3 to 4 channels, 3 x 3, on 8 x 8: 4 * 6 * 6 * 27 MACs.
cat >graph.json <<'JSON'
"via":"fx","module_list":[["","Net"],["c","torch.nn.modules.conv.Conv2d"]],
"state":[["c.weight","parameter","float32",[4,3,3,3]],["c.bias","parameter","float32",[4]]],
"module_calls":[["",[[1,4,6,6]]],["c",[[1,4,6,6]]]],
"program":{"graph_module":{"graph":{
"inputs":[{"as_tensor":{"name":"w"}},{"as_tensor":{"name":"b"}},{"as_tensor":{"name":"x"}}],
"outputs":[{"as_tensor":{"name":"y"}}],
"nodes":[{"target":"torch.ops.aten.conv2d.default","inputs":[
{"name":"input","arg":{"as_tensor":{"name":"x"}}},{"name":"weight","arg":{"as_tensor":{"name":"w"}}},
{"name":"bias","arg":{"as_tensor":{"name":"b"}}}],"outputs":[{"as_tensor":{"name":"y"}}],"metadata":{}}],
"tensor_values":{
"w":{"dtype":7,"sizes":[{"as_int":4},{"as_int":3},{"as_int":3},{"as_int":3}]},
"b":{"dtype":7,"sizes":[{"as_int":4}]},
"x":{"dtype":7,"sizes":[{"as_int":1},{"as_int":3},{"as_int":8},{"as_int":8}]},
"y":{"dtype":7,"sizes":[{"as_int":1},{"as_int":4},{"as_int":6},{"as_int":6}]}},
"sym_int_values":{}},"signature":{"input_specs":[
{"parameter":{"arg":{"name":"w"},"parameter_name":"c.weight"}},
{"parameter":{"arg":{"name":"b"},"parameter_name":"c.bias"}},
{"user_input":{"arg":{"as_tensor":{"name":"x"}}}}],
"output_specs":[{"user_output":{"arg":{"as_tensor":{"name":"y"}}}}]}},
"opset_version":{},"range_constraints":{},"schema_version":{"major":8,"minor":0}}
JSON
ln -s "$SOURCE_DIR/tests/cli/_fake_python" good
cp "$data/onnx/light_squeezenet.onnx" squeezenet.onnx
cp "$data/pt2/mobilenet_v3_small.pt2" mobilenet.pt2
cat >language/config.json <<'JSON'
{"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64, "intermediate_size": 128,
 "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 100,
 "max_position_embeddings": 128, "rms_norm_eps": 1e-6, "hidden_act": "silu", "tie_word_embeddings": false}
JSON
cat >"$XDG_CONFIG_HOME/zoometer/registry.toml" <<TOML
python = "$here/good"
[models.half]
family = "resnet"
layers = [1, 1, 1, 1]
[models.own_file]
file = "$here/squeezenet.onnx"
[models.own_language]
file = "$here/language"
[models.own_python]
python = "module:net"
inputs = [[1, 3, 8, 8]]
TOML

macs_of() { "$ZOOMETER" profile "$1" --format json | jq -r .totals.macs; }
for model in resnet18 half own_file own_language own_python squeezenet.onnx ./squeezenet.onnx \
  "$here/squeezenet.onnx" mobilenet.pt2 language language/ language/config.json \
  'resnet(layers=[1,1,1,1])' python:module:net torchvision:net; do
  macs=$(macs_of "$model")
  run sweep "$model" --columns macs --format jsonl
  expect "sweep $model" is "$status $(jq -r '"\(.model) \(.macs) \(.reason)"' stdout.txt)" "0 $model $macs null"
  run list "$model" --show macs --format json
  expect "list $model" is "$status $(jq -r '.models[] | "\(.name) \(.macs)"' stdout.txt)" "0 $model $macs"
  run roofline "$model" --format json
  expect "roofline $model" is "$status $(jq -r .model stdout.txt)" "0 $model"
  run report "$model" -o page.html
  expect "report $model" is "$status" 0
  run diff "$model" "$model" --format json
  expect "diff $model" is "$status $(jq -r '"\(.before.model) \(.after.model)"' stdout.txt)" "0 $model $model"
done
run report language/
expect "the page of a folder is named after it" test -s language.html

# A list shows the figures of the user's own models of Python that the cache has, and runs no Python for them.
known() { "$ZOOMETER" list own_python --format json "$@" | jq -r '.models[] | "\(.parameters) \(.macs)"'; }
export FAKE_LOG=$here/runs.txt
: >runs.txt
expect "figures that the cache has" is "$(known)" "112 3888"
expect "without a run" is "$(wc -l <runs.txt)" 0
expect "none without the cache" is "$(known --no-cache)" "null null"
echo "# changed" >torch/__init__.py
expect "none of what has changed" is "$(known)" "null null"
expect "no run either" lacks "$(cat runs.txt)" trace
expect "which are asked for" is "$(known --show macs)" "112 3888"
expect "and kept" is "$(known)" "112 3888"
# Models of a source that are named, or that a pattern means, are asked for in one run, whose graphs have all figures.
figures() { jq -r '.models[] | "\(.name) \(.parameters) \(.macs) \(.figures.flops)"' stdout.txt | sort | xargs; }
for words in "timm:net timm:other" "timm:*"; do
  : >runs.txt
  # shellcheck disable=SC2086
  FAKE_MODELS='net other' run list $words --show flops --no-cache --format json
  expect "the figures of $words" is "$(figures)" "timm:net 112 3888 7920 timm:other 112 3888 7920"
  expect "$words: in one run" is "$(grep -c ' trace ' runs.txt)" 1
done
: >runs.txt
run list timm:net timm:fails --show macs
expect "a named model that cannot be traced is an error" has "$status $err" "3 "
expect "with its reason" has "$err" "symbolically traced"
unset FAKE_LOG

# what cannot be swept is a row with its reason, and the sweep continues
printf 'broken' >broken.onnx
mkdir empty
cat >>"$XDG_CONFIG_HOME/zoometer/registry.toml" <<TOML
[models.own_missing]
file = "$here/nothing.onnx"
[models.own_failing]
python = "module:fails"
TOML
run sweep resnet18 broken.onnx empty own_missing own_failing half --columns macs --format jsonl
expect "the sweep ends well" is "$status" 0
expect "each is a row" is "$(jq -r 'select(.reason) | .model' stdout.txt | paste -sd' ')" "broken.onnx empty own_failing own_missing"
expect "without a path of this machine" lacks "$(jq -r 'select(.model == "own_missing") | .reason' stdout.txt)" "$here"
expect "the others have figures" is "$(jq -r 'select(.reason | not) | .model' stdout.txt | paste -sd' ')" "half resnet18"
run sweep --batch 1 --columns macs
expect "the whole registry" is "$status" 0
expect "a model of Python is named by its function" is "$(macs_of python:module:net)" 3888
expect_error 2 "no such model or file: nothing.onnx" sweep nothing.onnx
expect_error 2 "no model has the name nothing.onnx" list nothing.onnx

# --batch follows one rule in all of them, also where it is not the first axis (docs/files.md)
cp "$data/onnx/kinds/batch_second.onnx" "$data/onnx/kinds/batch_and_table.onnx" "$data/pt2/kinds/batch_and_table.pt2" .
macs() { # WORDS...: of a profile
  "$ZOOMETER" profile "$@" --format json | jq -r .totals.macs
}
expect "the axis named batch" is "$(macs batch_second.onnx --batch 8)" 8448
expect "as --dim has it" is "$(macs batch_second.onnx --dim batch=8)" 8448
expect "a table stays" is "$(macs batch_and_table.onnx --batch 8) $(macs batch_and_table.pt2 --batch 8)" "131072 131072"
expect "the axis that the user names" is "$(macs batch_second.onnx --batch 8 --batch-axis x=0)" 10240
expect "from the end" is "$(macs batch_second.onnx --batch 8 --batch-axis x=-2)" 8448
run profile batch_and_table.onnx --batch 8
expect "a note says what was set" has "$out" "--batch 8 sets axis 0 of x (batch, 16, 32); unchanged: positions (16, 32)"
run sweep batch_*.onnx batch_and_table.pt2 --batch 1,8 --columns macs --format jsonl
expect "in a sweep" is "$(jq -r '"\(.model) \(.batch) \(.macs)"' stdout.txt | paste -sd,)" \
  "batch_and_table.onnx 1 16384,batch_and_table.onnx 8 131072,batch_and_table.pt2 1 16384,batch_and_table.pt2 8 131072,batch_second.onnx 1 1056,batch_second.onnx 8 8448"
expect "which notes it, too" has "$err" "batch_second.onnx: --batch sets axis 1 of x (time, batch, 32)"
run sweep batch_second.onnx --batch 1,8 --dim time=4 --columns macs --format jsonl
expect "with --dim" is "$(jq -r .macs stdout.txt | paste -sd' ')" "$(macs batch_second.onnx --dim time=4) $(macs batch_second.onnx --dim time=4 --dim batch=8)"
run sweep batch_second.onnx --input-shape 4 2 32 --columns macs --format jsonl
expect "with --input-shape" is "$(jq -r '"\(.batch) \(.macs)"' stdout.txt)" "2 $(macs batch_second.onnx --input-shape 4,2,32)"
run sweep batch_second.onnx --batch 8 --batch-axis x=0 --columns macs --format jsonl
expect "with --batch-axis" is "$(jq -r .macs stdout.txt)" 10240
run diff batch_second.onnx@batch=8 batch_second.onnx@batch=8@batch-axis=x=0 --format json
expect "in diff" json '.totals.macs.before == 8448 and .totals.macs.after == 10240'
run roofline batch_second.onnx --batch 8 -o bounds.json
expect "in roofline" is "$status" 0
run report batch_second.onnx --batch 8 -o page.html
expect "in report" is "$status" 0
expect_error 2 "no input X (did you mean x?)" profile batch_second.onnx --batch 8 --batch-axis X=1
expect_error 2 "expected an axis of x (time, batch, 32), got 3" profile batch_second.onnx --batch 8 --batch-axis x=3
expect_error 2 "expected INPUT=AXIS like x=1, got 1" profile batch_second.onnx --batch 8 --batch-axis 1
expect_error 2 "--batch-axis needs --batch" profile batch_second.onnx --batch-axis x=1
expect_error 2 "--batch-axis needs --batch" sweep batch_second.onnx --batch-axis x=1
expect_error 2 "--batch and --dim set the size batch" profile batch_second.onnx --batch 8 --dim batch=2
expect_error 2 "expected a model with inputs of its own, got a language model" profile language --batch 2 --batch-axis input_ids=0

# --views, wherever traffic or the peak is shown
traffic() { # VIEWS
  "$ZOOMETER" profile batch_second.onnx --views "$1" --format json | jq -r '.totals.bytes_read + .totals.bytes_written'
}
for views in torch none; do
  run sweep batch_second.onnx --columns traffic --views $views --format jsonl
  expect "sweep --views $views" is "$(jq -r .traffic stdout.txt)" "$(traffic $views)"
  run list batch_second.onnx --show traffic --views $views --format json
  expect "list --views $views" is "$(jq -r '.models[0].figures.traffic' stdout.txt)" "$(traffic $views)"
done
expect "copies cost" test "$(traffic none)" -gt "$(traffic torch)"
run diff batch_second.onnx batch_second.onnx@views=none --fail-on 'traffic > +0'
expect "diff of one side" is "$status" 1
run diff batch_second.onnx batch_second.onnx@views=none --views none --fail-on 'traffic > +0'
expect "diff of both" is "$status" 0
run report batch_second.onnx --views none -o -
expect "report" has "$out" "views are copies"
expect_error 2 "expected one of torch, none, got all" sweep resnet18 --views all
finish
