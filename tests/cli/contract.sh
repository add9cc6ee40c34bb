#!/usr/bin/env bash
# The command line that scripts depend on.
. "$SOURCE_DIR/tests/cli/_lib.sh"

expect_output "zoometer " --version
expect_output "Usage: zoometer COMMAND" --help
expect_output "--input-shape" profile --help
expect_output "fvcore: 1 per multiply-accumulate" profile --help
expect_output "--max-depth" table --help
expect_output "--variant" parameters --help
expect_output "--registry" list --help

# every spelling of a shape is the same
reference=$("$ZOOMETER" profile resnet18 --input-shape 1,3,96,96 --format json | jq .totals)
for words in "--input-shape 1x3x96x96" "--input-shape 1 3 96 96" "--input-shape=1,3,96,96" "--input-shape x=1,3,96,96"; do
  expect "profile resnet18 $words" test "$("$ZOOMETER" profile resnet18 $words --format json | jq .totals)" = "$reference"
done
expect "options may come first" test "$("$ZOOMETER" profile --input-shape 1 3 96 96 resnet18 --format json | jq .totals)" = "$reference"
expect "batch 2 doubles the MACs" test \
  "$("$ZOOMETER" profile resnet18 --batch 2 --format json | jq .totals.macs)" = \
  "$((2 * $("$ZOOMETER" profile resnet18 --format json | jq .totals.macs)))"

# documents keep to their schemas
"$ZOOMETER" profile resnet50 --format json >profile.json
expect "profile.json" validate profile.json profile
"$ZOOMETER" profile vit_b_16 --convention fvcore --format json >fvcore.json
expect "fvcore.json" validate fvcore.json profile
"$ZOOMETER" parameters resnet18 --format json >parameters.json
expect "parameters.json" validate parameters.json parameters
expect "the contract's figures" jq -e '.totals.parameters == 25557032 and .totals.buffers == 53173 and
  .totals.macs == 4089184256 and (.modules[] | select(.path == "layer1.0.conv1") |
  .type == "Conv2d" and .calls == 1 and .parameters == 4096 and .macs == 12845056 and
  .output_shapes == [[1, 64, 56, 56]])' profile.json

# the totals of all formats agree
for model in resnet18 vit_b_16 swin_t; do
  json=$("$ZOOMETER" profile $model --format json | jq -r '[.totals | .parameters, .macs, .flops] | @csv')
  csv=$("$ZOOMETER" profile $model --format csv | awk -F, 'NR == 2 {print $4 "," $6 "," $7}')
  expect "$model: CSV has JSON's totals" test "$json" = "$csv"
done

# text for people: no colour and no bars in a pipe, nothing wider than the terminal
expect "no escape codes in a pipe" bash -c '! "$ZOOMETER" profile resnet18 | grep -q $'"'"'\x1b'"'"
for columns in 60 80 132; do
  script -qec "stty cols $columns; $ZOOMETER profile resnet50" /dev/null >terminal.txt </dev/null
  widest=$(sed 's/\x1b\[[0-9;]*m//g; s/\r$//' terminal.txt | sed -n '/^module/,/^total/p' | wc -L)
  expect "the tree fits $columns columns (is $widest)" test "$widest" -le "$columns"
done
expect "NO_COLOR is honoured" bash -c 'NO_COLOR=1 script -qec "$ZOOMETER profile resnet18" /dev/null </dev/null | { ! grep -q $'"'"'\x1b'"'"'; }'

finish
