#!/usr/bin/env bash
# profile --memory, --dtype and --training.
. "$SOURCE_DIR/tests/cli/_lib.sh"

validate() {
  /usr/bin/python3 -c '
import json, sys, jsonschema
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' "$1" "$SOURCE_DIR/docs/schema/$2.schema.json"
}

# memory over time
run profile resnet18 --memory --format json
expect "memory is done" is "$status" 0
expect "memory's schema" validate stdout.txt profile
expect "the peak is the profile's" json '.memory.activations.bytes == .totals.peak_activation_bytes and .memory.parameter_bytes == .totals.parameter_bytes'
expect "the peak is the timeline's" json '.memory | .activations.bytes == ([.timeline[].alive_bytes] | max) and
  .timeline[.activations.node.index].alive_bytes == .activations.bytes'
expect "the tensors alive make up the peak" json '.memory | .activations.bytes == ([.alive_at_peak[].bytes] | add)'
expect "together is the largest sum" json '.memory | .together.bytes == .parameter_bytes + ([.timeline[] | .alive_bytes + .workspace_bytes] | max)'
expect "one entry per node" json '(.memory.timeline | length) == .totals.nodes and [.memory.timeline[].index] == [range(.totals.nodes)]'
expect "hand-computed" json '.memory | .activations == {"bytes": 7024640, "node": {"index": 1, "op": "batch_norm", "module": "bn1"}} and .workspace.bytes == 7375872'
run profile resnet18 --format json
expect "no memory unless asked for" json '.memory == null'
for model in vit_b_16 swin_t maskrcnn_resnet50_fpn raft_small quantized_resnet18; do
  run profile $model --memory --format json
  expect "$model: schema" validate stdout.txt profile
  expect "$model: peak and parts" json '.memory | .activations.bytes == ([.alive_at_peak[].bytes] | add) and .held_by_callers.bytes >= .activations.bytes'
done
expect_error 2 "--memory: expected --format text or json, got csv" profile resnet18 --memory --format csv
for columns in 60 80 132; do
  script -qec "stty cols $columns; $ZOOMETER profile resnet50 --memory" /dev/null >terminal.txt </dev/null
  widest=$(sed 's/\x1b\[[0-9;]*m//g; s/\r$//' terminal.txt | sed -n '/^bytes alive/,/^alive at/p' | wc -L)
  expect "the plot fits $columns columns (is $widest)" test "$widest" -le "$columns"
done

# other dtypes
run profile resnet18 --format json
cp stdout.txt float32.json
for words in "float16 2" "bfloat16 2" "int8 4"; do
  set -- $words
  run profile resnet18 --dtype "$1" --format json
  for field in bytes_read bytes_written peak_activation_bytes; do
    expect "$1 divides $field" test "$(($(jq ".totals.$field" stdout.txt) * $2))" = "$(jq ".totals.$field" float32.json)"
  done
  expect "$1 keeps integers" json '.totals.parameter_bytes == (11689512 + 9620 - 20) * '$((4 / $2))' + 20 * 8'
  expect "$1 keeps the counts" test "$(jq -c '.totals | [.macs, .flops, .parameters, .nodes]' stdout.txt)" = "$(jq -c '.totals | [.macs, .flops, .parameters, .nodes]' float32.json)"
  expect "$1 is reported" json '.notes[0] | contains("'"$1"'")'
  expect "$1 is the inputs'" json '.inputs[0].dtype == "'"$1"'"'
done
run profile resnet18 --dtype float32 --format json
expect "float32 is what resnet18 has" test "$(jq -c .totals stdout.txt)" = "$(jq -c .totals float32.json)"
expect_error 2 "expected one of float32, float16, bfloat16, float8, int8, int4, got float17" profile resnet18 --dtype float17

# a training step
run profile llama-3.2-1b --training --depth 0
expect "logits of one token are a note" grep -q "note .*--logits all for a loss over all tokens" stdout.txt
run profile llama-3.2-1b --training --depth 0 --logits all
expect "logits of all are none" bash -c '! grep -q "logits of the last" stdout.txt'
run profile resnet18 --training --format json
expect "training's schema" validate stdout.txt profile
# Every layer but the first has a gradient of its input: 118,013,952 MACs of conv1 less than twice.
expect "backward" json '.training | .macs == 1814073344 and .backward_macs == 2 * .macs - 118013952'
expect "the sum" json '.training | .total_bytes == .weight_bytes + .gradient_bytes + .master_weight_bytes + .optimizer_state_bytes + .peak_activations.bytes'
expect "SGD keeps nothing" json '.training | .optimizer == "sgd" and .optimizer_state_bytes == 0 and .gradient_bytes == 4 * 11689512'
expect "operators add up" json '.training | .saved_bytes == ([.operators[].saved_bytes] | add) and .backward_macs == ([.operators[].backward_macs] | add)'
for words in "momentum 1" "adam 2" "adamw 2"; do
  set -- $words
  run profile resnet18 --training --optimizer "$1" --format json
  expect "$1" json '.training | .optimizer == "'"$1"'" and .optimizer_state_bytes == '"$2"' * 4 * 11689512'
done
run profile resnet18 --training --dtype float16 --optimizer adam --format json
expect "16 bits" json '.training | .gradient_bytes == 2 * 11689512 and .master_weight_bytes == 0 and .optimizer_state_bytes == 4 * 11689512'
run profile resnet18 --training --dtype float16 --optimizer adam --master float32 --state-dtype float32 --format json
expect "16 bits with master weights" json '.training | .gradient_bytes == 2 * 11689512 and .master_weight_bytes == 4 * 11689512 and .optimizer_state_bytes == 8 * 11689512'
expect_output "a float32 copy of the parameters" profile resnet18 --training --dtype bfloat16 --master float32
for model in vit_b_16 swin_t maskrcnn_resnet50_fpn raft_small quantized_resnet18; do
  run profile $model --registry all --training --memory --format json
  expect "$model: training's schema" validate stdout.txt profile
  expect "$model: backward is at most twice" json '.training | .backward_macs <= 2 * .macs and .backward_macs >= .macs / 2'
done
run profile resnet18 --format json
expect "no training unless asked for" json '.training == null'
expect_error 2 "--optimizer needs --training" profile resnet18 --optimizer adam
expect_error 2 "--training: expected --format text or json, got csv" profile resnet18 --training --format csv
expect_error 2 "--training: expected --dtype float32, float16 or bfloat16, got int8" profile resnet18 --training --dtype int8
expect_error 2 "expected one of sgd, momentum, adam, adamw" profile resnet18 --training --optimizer adem

finish
