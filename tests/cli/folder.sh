#!/usr/bin/env bash
# zoometer discover --source DIR: every file below a folder is tried, and the results are cached.
. "$SOURCE_DIR/tests/cli/_lib.sh"
mkdir -p zoo/sub/deep
cp "$SOURCE_DIR/tests/data/pt2/mobilenet_v2.pt2" zoo/sub/deep/net.pt2
cp "$SOURCE_DIR/tests/data/onnx/light_squeezenet.onnx" zoo/
head -c 5000 zoo/sub/deep/net.pt2 >zoo/cut.pt2
: >zoo/empty
echo "no model" >zoo/notes.txt
ln -s .. zoo/sub/loop
ln -s sub/deep/net.pt2 zoo/linked.pt2
mkfifo zoo/pipe
find zoo -exec touch -d '1 hour ago' {} +

run discover --source zoo --format json
expect "a folder is discovered" is "$status" 0
expect "the document follows its schema" validate stdout.txt discovery
expect "every file of every depth is tried, links to folders and pipes are not" json '[.models[].name]
  == ["cut.pt2", "empty", "light_squeezenet.onnx", "linked.pt2", "notes.txt", "sub/deep/net.pt2"]'
expect "those that can be read" json '[.models[] | select(.status == "traceable") | .family] == ["ONNX", "torch.export", "torch.export"]'
expect "the figures are the file's" is "$(jq '.models[] | select(.name == "sub/deep/net.pt2") | [.nodes, .parameters, .macs]' -c stdout.txt)" \
  "$("$ZOOMETER" profile zoo/sub/deep/net.pt2 --format json | jq '.totals | [.nodes, .parameters, .macs]' -c)"
expect "a damaged file says why" json '.models[0] | .reason == "malformed" and (.message | test("invalid zip archive"))'
expect "and so does a file that is not a model" json '.models[] | select(.name == "notes.txt") | .reason == "unsupported"'
expect "no file is missing from the curated registry" json '.missing_from_curated == []'
run discover --source zoo
expect "the text gives each reason once" has "$out" "unsupported: unknown file format, failed (2):"
expect "with its files" has "$out" "  empty, notes.txt"
expect "and does not mention the curated registry" lacks "$out" "curated"

# the result of a file is cached until the file changes
expect "the answers are kept" is "$("$ZOOMETER" cache status --format json | jq '.kinds[] | select(.kind == "file").entries')" 6
seconds() { jq '.models[] | select(.name == "sub/deep/net.pt2") | .seconds' stdout.txt; }
run discover --source zoo --format json
first=$(seconds)
run discover --source "$PWD/zoo/" --format json
expect "the second time nothing is read, however the folder is written" is "$(seconds)" "$first"
cp "$SOURCE_DIR/tests/data/pt2/resnet50.pt2" zoo/sub/deep/net.pt2
run discover --source zoo --format json
expect "a changed file is read again" json '.models[] | select(.name == "sub/deep/net.pt2") | .parameters == 25557032'
rm zoo/empty
run discover --source zoo --format json
expect "a removed one is no longer listed" json '.total == 5'

# some of them only
run discover --source zoo 'sub/*' --format json
expect "a pattern" json '[.models[].name] == ["sub/deep/net.pt2"]'
run discover --source zoo --skip-patterns pt2 --format json
expect "skip patterns" json '.skipped == 3 and .traceable == 1'
run discover --source zoo --test-model sub/deep/net.pt2
expect "one file is tested" has "$out" "sub/deep/net.pt2 is traceable: "
run discover --source zoo --test-model cut.pt2
expect "one that fails is status 1" is "$status" 1
expect "with advice" has "$out" "advice    write the file again"
run discover --source nowhere
expect "a missing folder is wrong usage" is "$status" 2
expect "and says so" has "$err" "no such source or folder: nowhere"
mkdir bare
run discover --source bare
expect "an empty folder has no models" has "$out" "bare: 0 models, 0 traceable, 0 failed, 0 skipped"

# Each level needs a descriptor. The sanitizers need some of their own to look at memory.
mkdir -p "deep/$(printf '%s/' {1..30})"
if ! grep -q __asan_init "$ZOOMETER"; then
  (
    ulimit -n 25
    expect_error 3 "deep: cannot read the folder: Too many open files" discover --source deep
    finish >counted.txt
  )
  expect "a folder that cannot be read to its end is reported" has "$(cat counted.txt)" "0 failed"
fi
finish
