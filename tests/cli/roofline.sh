#!/usr/bin/env bash
# roofline: devices, bounds, fusion, formats, files of one's own, wrong words.
. "$SOURCE_DIR/tests/cli/_lib.sh"

near() { /usr/bin/python3 -c 'import sys; a, b = map(float, sys.argv[1:]); sys.exit(abs(a - b) > 1e-9 * abs(b))' "$1" "$2"; }

# one device
run roofline resnet50 --on H100 --format json
expect "done" is "$status" 0
expect "the schema" validate stdout.txt roofline
expect "float32 on CUDA cores" json '.devices[0] | .computes_in == "float32" and .peak == 66.9e12 and .bandwidth == 3.35e12'
"$ZOOMETER" profile resnet50 --format json >profile.json
expect "work is the profile's" is "$(jq -c '.devices[0].totals | [.macs, .flops, .bytes]' stdout.txt)" \
  "$(jq -c '.totals | [.macs, .flops, .bytes_read + .bytes_written]' profile.json)"
expect "the bound is the sum of maxima" near "$(jq '.devices[0].lower_bound_seconds' stdout.txt)" \
  "$(jq '[.groups[] | [.flops / 66.9e12, (.bytes.weights + .bytes.boundary + .bytes.between) / 3.35e12] | max] | add' stdout.txt)"
expect "overlapped" near "$(jq '.devices[0].overlapped_seconds' stdout.txt)" \
  "$(jq '[([.groups[].flops] | add) / 66.9e12, (.compulsory | .weights + .boundary) / 3.35e12] | max' stdout.txt)"
expect "kinds add up" near "$(jq '[.devices[0].operators[].seconds] | add' stdout.txt)" "$(jq '.devices[0].lower_bound_seconds' stdout.txt)"
expect "the root is all" near "$(jq '.devices[0].modules[0].seconds' stdout.txt)" "$(jq '.devices[0].lower_bound_seconds' stdout.txt)"
expect "compulsory weights are all that run" json '.compulsory.weights == (25557032 + 53120) * 4'
run roofline resnet50 --on H100 --format csv
expect "a line per operator" test "$(wc -l <stdout.txt)" = "$(($(jq '.totals.nodes' profile.json) + 1))"
expect "the CSV adds up" near "$(/usr/bin/python3 -c 'import csv; print(sum(float(r["seconds"]) for r in csv.DictReader(open("stdout.txt"))))')" \
  "$("$ZOOMETER" roofline resnet50 --on H100 --format json | jq '.devices[0].lower_bound_seconds')"

# several devices, types
run roofline resnet18 --on H100,jetson-agx-orin --dtype float16 --format json
expect "both devices" json '[.devices[].name] == ["H100", "Orin"] and all(.devices[]; .computes_in == "float16")'
expect "the note" json '.notes[0] | contains("float16")'
run roofline resnet18 --on M2 --dtype bfloat16 --format json
expect "a wider type" json '.devices[0] | .type == "bfloat16" and .computes_in == "float32"'
expect_output "float32 for bfloat16" roofline resnet18 --on M2 --dtype bfloat16
"$ZOOMETER" profile resnet18 --format json >profile18.json
bytes=$(jq '.totals | .bytes_read + .bytes_written' profile18.json)
run roofline resnet18 --on A100 --dtype tf32 --format json
expect "tf32 keeps bytes" json '.devices[0] | .computes_in == "tf32" and .peak == 156e12 and .totals.bytes == '"$bytes"
run roofline resnet18 --on RTX4090 --dtype float8 --format json
expect "float8" json '.devices[0] | .peak == 330.3e12'
for dtype in float32 int8 int4; do expect_output "lower bound" roofline resnet18 --on A100 --dtype $dtype; done
run roofline quantized_resnet18 --quantize --on EdgeTPU --format json
expect "a quantised model needs no --dtype" json '.devices[0] | .computes_in == "int8" and .activations_stay and (.weights_stay | not)'
expect_output "EdgeTPU keeps activations on the chip" roofline quantized_resnet18 --quantize --on EdgeTPU
run roofline squeezenet1_0 --on Xeon --cache --format json
expect "a cache keeps all" json '.devices[0] | .weights_stay and .activations_stay and .totals.moved_bytes < .totals.bytes / 20'
expect_output "Xeon8480+ keeps weights and activations on the chip" roofline squeezenet1_0 --on Xeon --cache

# fusion
run roofline resnet18 --on A100 --fuse --format json
expect "the fused schema" validate stdout.txt roofline
expect "groups are named" json '[.devices[0].operators[].op] | contains(["conv2d + batch_norm + relu", "conv2d + batch_norm + add + relu"])'
expect "each node once" json '([.groups[].nodes[]] | sort) == [range(69)]'
expect "fewer bytes, the same work" json '.devices[0].totals | .bytes < '"$bytes"' / 1.5 and .flops == '"$(jq .totals.flops profile18.json)"
expect_output "attention" roofline swin_t --on A100 --fuse

# all devices
run roofline mobilenet_v2 --format json
expect "all that compute float32" json '(.devices | length) == 17 and (.left_out | length) == 6'
expect_output "EdgeTPU is left out: conv2d in features.0.0 is float32" roofline mobilenet_v2
expect_output "sizes that depend on data are taken at their upper bound" roofline fasterrcnn_resnet50_fpn --registry all
expect_output "of memory, and the model needs" roofline vit_h_14 --batch 400 --on L4
expect_output "FLOP/s attained over FLOPs per byte" roofline resnet18 --on A100 --plot
for columns in 60 80 132; do
  script -qec "stty cols $columns; $ZOOMETER roofline resnet18 --on A100,Orin --plot" /dev/null >terminal.txt </dev/null
  widest=$(sed 's/\x1b\[[0-9;]*m//g; s/\r$//' terminal.txt | sed '/^lower bound  each/,$d; /^  [a-z] /d' | wc -L)
  expect "it fits $columns columns (is $widest)" test "$widest" -le "$columns"
done

# devices
run roofline --list --format json
expect "the devices' schema" validate stdout.txt devices
expect "a source for each" json 'all(.devices[]; .source.peak and .source.memory)'
expect_output "Raspberry Pi 5" roofline --list

# of one's own
cat >mine.toml <<'TOML'
name = "Mine"
[peak]
float32 = 1e12
[memory]
bandwidth = 100e9
TOML
run roofline resnet18 --hardware mine.toml --format json
expect "a file's device" json '.devices[0].name == "Mine" and (.devices | length) == 1'
mkdir -p config/zoometer/hardware
sed 's/Mine/A100/; s/1e12/2e12/' mine.toml >config/zoometer/hardware/a100.toml
expect "the user's file takes the place" is "$(XDG_CONFIG_HOME=$PWD/config "$ZOOMETER" roofline resnet18 --on a100 --format json | jq '.devices[0].peak == 2e12')" true
echo 'name = 3' >bad.toml

# wrong words
expect_error 2 "no such device: H10 (did you mean H100" roofline resnet18 --on H10
expect_error 2 "zoometer roofline --list names every device" roofline resnet18 --on zzzzzzzz
expect_error 2 "no such device: " roofline resnet18 --on H100,,A100
expect_error 2 "EdgeTPU computes in int8, and conv2d in conv1 is float32 (--dtype takes the model in another type)" roofline resnet18 --on EdgeTPU
expect_error 3 "no such file: nowhere.toml" roofline resnet18 --hardware nowhere.toml
expect_error 3 "bad.toml: line 1: name: expected a string, got an integer" roofline resnet18 --hardware bad.toml
expect_error 2 "--plot: expected --format text, got json" roofline resnet18 --on A100 --plot --format json
expect_output "name,device,float32" roofline --list --format csv
expect_error 2 "expected one of" roofline resnet18 --on A100 --dtype float17
expect_error 2 "see zoometer roofline --help" roofline

finish
