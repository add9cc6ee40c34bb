#!/usr/bin/env bash
# The scripts that zoometer replaces still work: links to the binary, with their flags.
. "$SOURCE_DIR/tests/cli/_lib.sh"
zoometer=$ZOOMETER
for name in discover_models profile_graph show_fvcore_table; do
  ln -s "$zoometer" "$name"
  expect "the build makes $name" test "$(readlink -f "$(dirname "$zoometer")/$name")" = "$(readlink -f "$zoometer")"
done
as() { # NAME WORDS...: `run`, by a script's name
  ZOOMETER=$PWD/$1 run "${@:2}"
}

# show_fvcore_table: fvcore's own output, to the byte
for table in "$SOURCE_DIR"/tests/golden/fvcore/tables/*.txt; do
  name=$(basename "$table" .txt)
  words=()
  [[ $name == deeplab* ]] && words=(--input-shape 1 3 224 224)  # fvcore was run at this size
  as show_fvcore_table --model "${name%.depth*}" --max-depth "${name##*.depth}" "${words[@]}"
  printf '%s\n' "$(cat "$table")" >wanted.txt
  expect "show_fvcore_table of $name is fvcore's" diff wanted.txt stdout.txt
done
as show_fvcore_table --model resnet18 --input-shape 2 3 96 96 --max-depth 1
"$zoometer" table resnet18 --max-depth 1 --input-shape 2,3,96,96 >wanted.txt
expect "show_fvcore_table takes a shape" diff wanted.txt stdout.txt
as show_fvcore_table --max-depth 1
expect "show_fvcore_table needs a model" is "$status" 2
expect "and says so" has "$err" "--model NAME is missing"

# profile_graph
as profile_graph --list
"$zoometer" list >wanted.txt
expect "profile_graph lists the models" diff wanted.txt stdout.txt
as profile_graph --model resnet18
expect "profile_graph profiles without weights" has "$out" "resnet18  (builtin, untrained)"
as profile_graph --model efficientnet_b1
expect "at 224 pixels, as it did" has "$out" "x 1x3x224x224"
as profile_graph --model efficientnet_b1 --input-shape 4 3 240 240 --showshape
expect "profile_graph takes a shape" has "$out" "x 4x3x240x240"
as profile_graph --model r3d_18
expect "a video model gets its own input" has "$out" "x 1x3x16x112x112"
as profile_graph --model resnt18
expect "an unknown model is wrong usage" is "$status" 2
expect "with a suggestion" has "$err" "did you mean resnet18?"
for ending in png pdf svg dot; do
  as profile_graph --model alexnet --visualize "out.$ending"
  expect "profile_graph draws .$ending" test "$status" = 0 -a -s "out.$ending"
  expect "and says so" has "$err" "wrote out.$ending"
  expect "and profiles" has "$out" "alexnet"
done
expect "the picture is one" test "$(head -c 4 out.png | tail -c 3)" = PNG
expect "the page is one" test "$(head -c 4 out.pdf)" = %PDF
expect "the drawing is one" grep -q '<svg' out.svg
expect "the graph is one" grep -q '^digraph' out.dot
as profile_graph --model alexnet --visualize out.gif
expect "another ending is wrong usage" is "$status" 2
expect "that names those it knows" has "$err" ".png, .pdf, .svg or .dot"

# discover_models
as discover_models
expect "discover_models shows the totals" has "$out" "$(size_of all) models, $(size_of auto) traceable, 0 failed,"
for flag in --verbose -v; do
  as discover_models $flag
  expect "discover_models $flag has a line per model" is "$(grep -c ' traceable ' stdout.txt)" 80
done
for flag in --generate-code -g; do
  as discover_models $flag
  expect "discover_models $flag writes Python" is "$(/usr/bin/python3 -c 'exec(open("stdout.txt").read()); print(len(MODEL_REGISTRY))')" 80
done
as discover_models --test-model vgg16
expect "discover_models tests a model" has "$out" "vgg16 is traceable: "
as discover_models --skip-patterns resnet vgg
expect "discover_models takes patterns" has "$out" " 0 failed, "
skipped=$(sed -n 's/.* \([0-9]*\) skipped$/\1/p' stdout.txt | head -n 1)
expect "instead of the usual ones" is "$skipped" "$("$zoometer" list --registry all --format json | jq '[.models[].name | select(test("resnet|vgg"))] | length')"

for name in discover_models profile_graph show_fvcore_table; do
  as $name --help
  expect "$name --help shows its flags" has "$out" "$name"
  as $name --no-such-flag
  expect "$name refuses other flags" is "$status" 2
done
finish
