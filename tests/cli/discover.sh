#!/usr/bin/env bash
# zoometer discover over the built-in models: which trace, which are missing from curated, generated code.
. "$SOURCE_DIR/tests/cli/_lib.sh"

all=$(size_of all) auto=$(size_of auto) curated=$(size_of curated)
run discover
expect "discover is done" is "$status" 0
expect "the totals" has "$out" "$all models, $auto traceable, 0 failed, $((all - auto)) skipped"
expect "what is missing from curated" has "$out" "missing from the curated registry ($((auto - curated))):"
row() { awk -v family="$1" '$1 == family { print $2 }' stdout.txt; }
for family in ResNet:5 EfficientNet:11 RegNet:15 ViT:5 Swin:6 MobileNet:3 VGG:8 DenseNet:4 ConvNeXt:4 \
  ResNeXt:3 WideResNet:2 MNASNet:4 ShuffleNetV2:4 SqueezeNet:2 AlexNet:1 GoogLeNet:1; do
  expect "the family ${family%:*}" is "$(row "${family%:*}")" "${family#*:}"
done

run discover --format json
expect "the document follows its schema" validate stdout.txt discovery
expect "the counts" json ".total == $all and .traceable == $auto and .failed == 0 and .skipped == $((all - auto))"
expect "the counts are those of the models" json "[.models[] | select(.status == \"traceable\")] | length == $auto"
expect "what is missing" json ".missing_from_curated | length == $((auto - curated))"
expect "a skipped model says why" json '.models[] | select(.name == "raft_large")
  | .status == "skipped" and .reason == "skip_pattern" and .message == "raft"'
expect "figures are those of profile" is \
  "$(jq '.models[] | select(.name == "vit_b_16") | [.nodes, .parameters, .macs]' -c stdout.txt)" \
  "$("$ZOOMETER" profile vit_b_16 --format json | jq '.totals | [.nodes, .parameters, .macs]' -c)"

run discover --no-skip --format json
expect "everything traces" json ".total == $all and .traceable == $all"
run list --registry all --format json
jq -c '.models[] | [.name, .parameters, .macs]' stdout.txt | sort >rows.txt
run discover --no-skip --format json
jq -c '.models[] | [.name, .parameters, .macs]' stdout.txt | sort >found.txt
expect "every row's figures are those of its trace" diff rows.txt found.txt

run discover --skip-patterns resnet vgg --format json
expect "own patterns replace the usual ones" json '.skipped == ([.models[]
  | select(.name | test("resnet|vgg"))] | length) and all(.models[]; .message == null or (.message | test("resnet|vgg")))'
run discover --no-skip --skip-patterns raft
expect "contradicting options are wrong usage" is "$status" 2

run discover 'resnet*' vgg16 --verbose
expect "some models only" has "$out" "6 models, 6 traceable"
expect "verbose has a line per model" is "$(grep -c ' traceable ' stdout.txt)" 6
run discover resnt50
expect "an unknown model is wrong usage" is "$status" 2
expect "and brings a suggestion" has "$err" "did you mean resnet50?"

run discover --test-model raft_large
expect "one model, which no pattern skips" is "$status" 0
expect "and its figures" has "$out" "raft_large is traceable: "
run discover --test-model no_such_model
expect "a test of nothing is wrong usage" is "$status" 2

run discover --generate-code
cp stdout.txt generated.py
echo 'print(len(MODEL_REGISTRY), MODEL_REGISTRY["resnet18"].__name__)' >>generated.py
expect "the Python is grouped" has "$out" "# EfficientNet"
expect "the Python runs" is "$(/usr/bin/python3 generated.py 2>&1)" "$auto resnet18"
run discover --generate-code python --no-skip
cp stdout.txt generated.py
echo 'print(len(MODEL_REGISTRY))' >>generated.py
expect "the Python of all models runs, too" is "$(/usr/bin/python3 generated.py 2>&1)" 118

run discover --generate-code toml
mkdir -p "$XDG_CONFIG_HOME/zoometer"
cp stdout.txt "$XDG_CONFIG_HOME/zoometer/registry.toml"
run list --registry curated --format json
expect "the TOML is a curated registry" json '.models | length == 80'
run discover
expect "from which nothing is missing then" has "$out" "Nothing is missing from the curated registry."
rm "$XDG_CONFIG_HOME/zoometer/registry.toml"

run discover --generate-code cpp
{
  cat stdout.txt
  echo 'static_assert(model_registry.size() == 80 && model_registry.back() != "");'
} >generated.cpp
expect "the C++ compiles" g++ -std=c++20 -Wall -Wextra -Werror -fsyntax-only generated.cpp
run discover --generate-code rust
expect "another language is wrong usage" is "$status" 2

run profile convnext_large --format json
expect "a model of another registry can be profiled" is "$status" 0
expect "without a note, as no registry was asked for" is "$err" ""
run profile convnext_large --format json --registry curated
expect "with a note where one was" has "$err" "convnext_large is not in the curated registry; it is in auto"
run profile convnext_large --format json --registry auto
expect "no note in its own registry" is "$err" ""
run table raft_small --registry curated
expect "the note names all" has "$err" "it is in all"

finish
