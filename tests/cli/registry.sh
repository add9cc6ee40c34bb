#!/usr/bin/env bash
# zoometer registry: the curated list is shown, changed and compared; the user's file keeps its layout.
. "$SOURCE_DIR/tests/cli/_lib.sh"
config=$XDG_CONFIG_HOME/zoometer/registry.toml
all=$(size_of all)

run registry show
expect "without a file the built-in registry is shown" has "$out" "does not exist: the built-in registry applies"
expect "with its sizes" has "$out" "curated $(size_of curated), auto $(size_of auto), all $(size_of all)"
run registry show --format json
expect "as a document" json ".schema == \"zoometer.registry/1\" and (.curated | length == $(size_of curated)) and (.exists | not)"

run registry diff
expect "47 are missing" is "$(grep -c '^+ ' stdout.txt)" 47
expect "a difference is not a failure" is "$status" 0
run registry diff --strict
expect "unless it is asked for" is "$status" 1
run registry diff --no-skip --format json
expect "all against curated" json '.missing | length == 88'

run registry add convnext_large raft_small
expect "models are added" is "$status" 0
expect "after a test" has "$out" "added raft_small: "
expect "the file begins with a comment" has "$(head -n 1 "$config")" "# The user's registry"
run list --format json
expect "they are curated now" json '.models | length == 35'
run registry add convnext_large
expect "a second time changes nothing" has "$out" "already in the curated registry"
expect "and does not repeat the name" is "$(grep -c convnext_large "$config")" 1
run registry add convnext_lrge vgg11
expect "an unknown model is wrong usage" is "$status" 2
expect "and brings a suggestion" has "$err" "did you mean convnext_large?"
expect "nothing of such a line is done" lacks "$(cat "$config")" vgg11
run registry remove raft_small convnext_large
run list --format json
expect "what was added can be removed" json '.models | length == 33'
run registry remove raft_small
expect "what is not there cannot" is "$status" 2
run registry update --dry-run
expect "an update can be tried" has "$out" "46 models would be added"
run list --format json
expect "and changes nothing then" json '.models | length == 33'
run registry update
run list --format json
expect "an update takes all that trace but what was removed" json '.models | length == 79'
run registry update
expect "and then nothing" has "$out" "0 models added"

cat >"$config" <<'TOML'
# mine
registry = "curated"   # the usual
curated = [ # a list
  "resnet18", # small
  # the big one
  "resnet152" # no comma
  ]

[models.net]  # of my own
file = "net.onnx"
inputs = [
  [1, 3, 32, 32],
]

[models."odd name"]
file = "/models/odd.onnx"
TOML
run registry show
expect "own models are shown" has "$out" "net  file:$XDG_CONFIG_HOME/zoometer/net.onnx"
run list net --format json
expect "own models are listed" json '.models[0] | .source | startswith("file:")'
expect "with the inputs that are declared" json '.models[0].inputs[0].shape == [1, 3, 32, 32]'
run registry add vgg11
expect "an added name keeps what was there" is "$(cat "$config")" '# mine
registry = "curated"   # the usual
curated = [ # a list
  "resnet18", # small
  # the big one
  "resnet152", # no comma
  "vgg11",
  ]

[models.net]  # of my own
file = "net.onnx"
inputs = [
  [1, 3, 32, 32],
]

[models."odd name"]
file = "/models/odd.onnx"'
run registry remove net resnet18
expect "a removed name and a removed model, too" is "$(cat "$config")" '# mine

removed = [
  "resnet18",
]
registry = "curated"   # the usual
curated = [ # a list
  # small
  # the big one
  "resnet152", # no comma
  "vgg11",
  ]

[models."odd name"]
file = "/models/odd.onnx"'
run registry remove 'odd name'
expect "a quoted name can be removed" lacks "$(cat "$config")" odd
printf 'curated = ["resnet18", "vgg16"]' >"$config"
run registry add vgg11
run registry remove vgg16
run list --format csv
expect "a list on one line can be edited" is "$(cut -d, -f1 stdout.txt | tr '\n' ' ')" "name resnet18 vgg11 "
printf 'curated = []\n' >"$config"
run registry add vgg11
expect "so can an empty one" is "$status" 0
rm "$config"
ln -s "$PWD/linked.toml" "$config"
: >linked.toml
run registry add vgg11
expect "a link is kept" test -L "$config" -a -s linked.toml
rm "$config"

for name in vgg11 vgg13 resnext50_32x4d densenet169 maxvit_t googlenet; do "$ZOOMETER" registry add $name >/dev/null & done
wait
run list --format json
expect "many at once lose nothing" json '.models | length == 39'

cat >"$config" <<'TOML'
[models.resnet18]
file = "net.onnx"
TOML
run list
expect "a taken name is an error" is "$status" 3
expect "that names both" has "$err" "duplicate name resnet18: built in, and $config, line 1"
printf '[models.net]\nfile = "a.onnx"\npython = "a:b"\n' >"$config"
run list
expect "a model has one origin" has "$err" "one of the keys file, torchvision, timm, transformers, hub, python, hf, ollama, language and family"
printf '[models.net]\nfile = "a.onnx"\ninputs = [[1, 0]]\n' >"$config"
run list
expect "sizes are positive" has "$err" "line 3: inputs: expected sizes of at least 1, got 0"
printf '[models.net]\nfile = "a.onnx"\nshape = [1]\n' >"$config"
run list
expect "unknown keys are reported" has "$err" "models.net.shape"
mkdir zoo
: >zoo/one.onnx
: >zoo/two.pt2
printf 'folders = ["%s"]\n' "$PWD/zoo" >"$config"
run list one two --format json
expect "each file of a folder is a model" json '[.models[].source] == ["file:'"$PWD"'/zoo/one.onnx", "file:'"$PWD"'/zoo/two.pt2"]'
printf 'folders = ["/no/such/folder"]\n' >"$config"
run list
expect "a missing folder is a note" has "$err" "$config, line 1: there is no folder /no/such/folder"
expect "the other models are there" has "$out" resnet18
mkdir -p "$(dirname "$config")/beside"
: >"$(dirname "$config")/beside/near.onnx"
printf 'folders = ["beside"]\n' >"$config"
run list near --format json
expect "a folder is relative to the file" json '.models[0].name == "near"'
rm -r "$(dirname "$config")/beside"
mkdir links
ln -s /no/such/file links/dangling.onnx
printf 'folders = ["%s"]\n' "$PWD/links" >"$config"
run list --registry all --format json
expect "a dangling link in a folder is not a model and not an error" is "$status $(jq '.models | length' stdout.txt) $err" "0 $all "
rm "$config"

# models of one's own, from files
net=$(find "$SOURCE_DIR/tests/data/pt2" -name '*.pt2' | head -n 1)
run registry add mine --from "$net"
expect "a file is added under a name" has "$out" "added mine: "
run list mine --format json
expect "it is listed with its source" json '.models[0].source | startswith("file:/")'
run discover mine resnet18 --format json
expect "and discovered beside the built-in models" json '.traceable == 2 and .missing_from_curated == []'
run profile mine --format json
expect "and profiled" json '.model == "mine" and .totals.nodes > 0'
run registry add mine --from "$net"
expect "a taken name is wrong usage" is "$status" 2
expect "with the place of the other one" has "$err" "the name mine is taken: $config, line "
run registry add resnet18 --from "$net"
expect "a built-in name, too" has "$err" "the name resnet18 is taken: built in"
run registry add one two --from "$net"
expect "a file is one model" has "$err" "--from: expected one name, got 2"
echo nothing >nothing.onnx
run registry add nothing --from nothing.onnx
expect "what cannot be read is not added" is "$status" 1
run list nothing
expect "and is not there" is "$status" 2
cp "$net" zoo/mine.pt2
printf 'folders = ["%s"]\n' "$PWD/zoo" >>"$config"
cat "$config" >both.toml
{ printf 'folders = ["%s"]\n' "$PWD/zoo"; sed '/^folders/d' both.toml; } >"$config"
run list
expect "a file whose name an entry has is left out" is "$status" 0
expect "with a warning that names the folder's file" has "$err" "$PWD/zoo/mine.pt2 is left out: the name mine is taken: "
expect "and the entry" has "$err" "$config, line "
sed -i '/^folders/d' "$config"
run registry remove mine
run list mine
expect "it can be removed" is "$status" 2
: >zoo/one.pt2
printf 'folders = ["%s"]\n' "$PWD/zoo" >"$config"
run list
expect "so is the second of two files of one name" has "$err" "$PWD/zoo/one.pt2 is left out: the name one is taken: $PWD/zoo/one.onnx"
rm "$config" zoo/one.pt2
printf 'folders = ["%s"]\n' "$PWD/zoo" >"$config"
run discover --format json mine two
expect "a file that cannot be read fails with its reason" json '[.models[] | [.name, .status]] == [["mine", "traceable"], ["two", "failed"]]'
run list --sources --format json
expect "the sources keep to their schema" validate stdout.txt sources
expect "each file is one, with its age" json '[.sources[] | select(.name | startswith("file:")) | .age_seconds < 600] == [true, true, true]'
expect "the built-in models have a version" json '.sources[0] | .name == "builtin" and .models == '$all' and .version != ""'
expect "torchvision was not asked" json '.sources[] | select(.name == "torchvision") | .is_current | not'
run list --sources resnet18
expect "names and sources do not go together" is "$status" 2
run registry update --source "$PWD/zoo"
expect "files are added by their folder" has "$err" "folders = [\"$PWD/zoo\"]"
rm "$config"

run registry
expect "no action is wrong usage" is "$status" 2
run registry ad
expect "a wrong one brings a suggestion" has "$err" "did you mean add"
run registry --help
expect "help names the actions" has "$out" "diff"
finish
