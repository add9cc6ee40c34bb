#!/usr/bin/env bash
# The formats of `graph`.
. "$SOURCE_DIR/tests/cli/_lib.sh"

expect_output "--format" graph --help
expect_output "%0   conv1                  conv2d(x, conv1.weight) -> float32 (1, 64, 112, 112)  stride=(2, 2)" graph resnet18
expect_output "subgraph cluster_" graph resnet18 --format dot

# JSON
"$ZOOMETER" graph raft_small --format json >raft.json
expect "raft.json" /usr/bin/python3 -c '
import json, sys, jsonschema
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' raft.json "$SOURCE_DIR/docs/schema/graph.schema.json"
for model in resnet18 maskrcnn_resnet50_fpn; do
  expect "$model: the nodes' MACs add up to the profile's" test \
    "$("$ZOOMETER" graph $model --format json | jq '[.nodes[].macs] | add')" = \
    "$("$ZOOMETER" profile $model --format json | jq .totals.macs)"
done

# pictures
"$ZOOMETER" graph resnet18 --format svg --output drawn.svg
expect "drawn.svg is XML with a box per block" /usr/bin/python3 -c '
import sys, xml.dom.minidom
text = open(sys.argv[1]).read()
xml.dom.minidom.parseString(text)
assert text.count("BasicBlock") == 8, text.count("BasicBlock")' drawn.svg
expect "deeper means more boxes" test \
  "$("$ZOOMETER" graph resnet18 --format dot --depth 3 | wc -l)" -gt "$("$ZOOMETER" graph resnet18 --format dot --depth 1 | wc -l)"
"$ZOOMETER" graph alexnet --format png --depth 1 >drawn.png
expect "a PNG file is one" test "$(head -c 4 drawn.png | tail -c 3)" = PNG
"$ZOOMETER" graph alexnet --format pdf --depth 1 --output drawn.pdf
expect "a PDF file is one" test "$(head -c 4 drawn.pdf)" = %PDF
mkdir empty
message=$(PATH=$PWD/empty "$ZOOMETER" graph resnet18 --format svg 2>&1)
expect "the message says what to install" test $? = 3 -a "${message#*apt-get install graphviz}" != "$message"

# invalid combinations of options
expect_error 2 "--depth: expected --format dot, svg, png or pdf, got text" graph resnet18 --depth 2
expect_error 2 "--depth: expected at least 0, got -1" graph resnet18 --format dot --depth=-1
expect_error 2 "expected one of" graph resnet18 --format gif

finish
