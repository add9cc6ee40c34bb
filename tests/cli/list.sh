# zoometer list: which models there are, without tracing any.
. "$SOURCE_DIR/tests/cli/_lib.sh"

run list --format json
expect "list is done" is "$status" 0
expect "nothing but the list is written" is "$err" ""
expect "the schema is named" json '.schema == "zoometer.list/1"'
expect "curated is the standard" json '.registry == "curated"'
expect "every curated model is a built-in one" json 'all(.models[]; .source == "builtin")'
expect "a row knows its figures" json '.models[] | select(.name == "resnet50")
  | .family == "ResNet" and .task == "classification" and .parameters == 25557032
    and .macs == 4089184256 and .inputs[0].shape == [1, 3, 224, 224]'
expect "a row knows its registries" json '.models[] | select(.name == "resnet50")
  | .registries == ["curated", "auto", "all"]'

fewer=0
for kind in curated auto all; do
  run list --registry $kind --format json
  expect "$kind has more models than the registry before it" json ".models | length > $fewer"
  fewer=$(jq '.models | length' stdout.txt)
  expect "every parameter and MAC of $kind is known" \
    json 'all(.models[]; .parameters > 0 and .macs > 0 and (.inputs | length) > 0)'
done
expect "list.json follows its schema" validate stdout.txt list

run list 'resnet*'
expect "text has titles" has "$out" "PARAMETERS"
expect "resnet18 comes before resnet101" is "$(awk '{ print $1 }' stdout.txt | tr '\n' ' ')" \
  "MODEL resnet18 resnet34 resnet50 resnet101 resnet152 "

run list resnet18 resnet34 --sort macs --reverse --format csv
expect "csv is exact" is "$out" "name,family,task,source,input,parameters,macs
resnet34,ResNet,classification,builtin,1x3x224x224,21797672,3663761408
resnet18,ResNet,classification,builtin,1x3x224x224,11689512,1814073344"

run list --family mobilenet --registry all --format json
expect "a family has its versions" json '[.models[].name]
  == ["mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small"]'
run list --family MobileNetV2 --format json
expect "an exact family" json '[.models[].name] == ["mobilenet_v2"]'

run list raft_large
expect "a model of another registry is not an error" is "$status" 0
expect "it is shown" has "$out" "The curated registry has none of these: they are of the registry all."
run list raft_large --registry curated
expect "but not where a registry is asked for" has "$err" "1 with --registry all"
run list raft_large --registry all
expect "it is in all" has "$out" "raft_large"

run list 'resnt50'
expect "an unknown name is wrong usage" is "$status" 2
expect "an unknown name brings a suggestion" has "$err" "did you mean resnet50?"
run list 'rafft*'
expect "an unknown pattern is wrong usage" is "$status" 2
run list --family convnex
expect "an unknown family is wrong usage" is "$status" 2
expect "an unknown family brings a suggestion" has "$err" "did you mean ConvNeXt?"
run list --task clasification
expect "an unknown task is wrong usage" is "$status" 2
expect "an unknown task brings a suggestion" has "$err" "did you mean classification?"
run list --sort size
expect "an unknown key is wrong usage" is "$status" 2
run list --registry everything
expect "an unknown registry is wrong usage" is "$status" 2
expect "the registries are named" has "$err" "curated, auto, all or language"

ZOOMETER_REGISTRY=auto run list --format json
expect "the variable chooses the registry" json '.registry == "auto"'
ZOOMETER_REGISTRY=auto run list --format json --registry all
expect "the option takes precedence" json '.registry == "all"'
ZOOMETER_REGISTRY=any run list
expect "a wrong variable is named" has "$err" "ZOOMETER_REGISTRY"

mkdir -p "$XDG_CONFIG_HOME/zoometer"
config=$XDG_CONFIG_HOME/zoometer/registry.toml
printf 'registry = "auto"\n' >"$config"
run list --format json
expect "the file chooses the registry" json '.registry == "auto"'
printf 'curated = ["resnet18", "vgg16"]\n' >"$config"
run list --format json
expect "the file replaces the curated list" json '[.models[].name] == ["resnet18", "vgg16"]'
printf 'skip_patterns = ["vgg"]\n' >"$config"
run list 'vgg*' --registry auto
expect "so no vgg is in auto" lacks "$out" vgg16
printf 'curated = [\n  "resnet18"\n  "vgg16"\n]\n' >"$config"
run list
expect "a broken file cannot be read" is "$status" 3
expect "its place is reported" has "$err" "registry.toml: line 3"
printf 'curatd = []\n' >"$config"
run list
expect "an unknown key brings a suggestion" has "$err" "did you mean curated?"
printf 'curated = "resnet18"\n' >"$config"
run list
expect "a wrong kind is reported" has "$err" 'expected an array of strings, got "resnet18"'
rm "$config"

COLUMNS=40 run list --output list.txt
expect "a file gets no more than the list" is "$out" ""
expect "and gets it whole" has "$(cat list.txt)" "resnet18"
run list --format json --output list.json
expect "a JSON file is a document" has "$(jq -r .schema list.json)" zoometer.list/1

finish
