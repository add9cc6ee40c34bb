#!/usr/bin/env bash
# Expressions: list --where, --sort, --pareto and --show, and profile --assert.
. "$SOURCE_DIR/tests/cli/_lib.sh"

names() { jq -r '[.models[].name] | join(" ")' stdout.txt; }

# --where
run list --where 'macs < 1G and parameters < 5M and task == "classification"' --format json
expect "every row fits" json '.models | length > 0 and all(.[]; .macs < 1e9 and .parameters < 5e6 and .task == "classification")'
expect "and no fitting one is left out" is "$(names)" \
  "$("$ZOOMETER" list --format json | jq -r '[.models[] | select(.macs < 1e9 and .parameters < 5e6 and .task == "classification").name] | join(" ")')"
expect "the schema is followed" validate stdout.txt list
run list --where 'macs < 1G' --format json
expect "what the table shows already needs no column" json 'all(.models[]; has("figures") | not)'
run list --where 'name ~ "RESNET*" and not name in ("resnet18", "resnet34")' --format json
expect "names by pattern and by list" is "$(names)" "resnet50 resnet101 resnet152"
run list --where '4G < macs < 4.2G' --format json
expect "a range" json '.models | length > 0 and all(.[]; .macs > 4e9 and .macs < 4.2e9)'
run list --registry all --where 'flops > 2 * macs + 1G' --format json
expect "what takes a trace" json '.models | length > 0 and all(.[]; .figures.flops > 2 * .macs + 1e9)'
run list --registry all --where 'top1 == none' --format json
expect "models without that accuracy" json '.models | length > 0 and all(.[]; .figures.top1 == null and .task != "classification")'
run list --registry all --where 'top1 > 88%' --show dataset,weights --format json
expect "percentages" json '[.models[] | [.name, .figures.top1, .figures.dataset]] == [["regnet_y_128gf", 88.228, "IMAGENET1K"], ["vit_h_14", 88.552, "IMAGENET1K"]]'
run list --registry all --where 'year == 2014 and task ~ "class*"' --format json
expect "by year" is "$(names)" "alexnet googlenet vgg11 vgg11_bn vgg13 vgg13_bn vgg16 vgg16_bn vgg19 vgg19_bn"
run list --where 'macs < 0'
expect "no row is an empty list" is "$status $(wc -l <stdout.txt)" "0 1"

# figures are those of profile
run list resnet50 --show peak,memory,traffic,intensity,flops,activations,nodes,buffers,unknown --format json
cp stdout.txt list.json
run profile resnet50 --format json
expect "figures are those of profile" jq -e --slurpfile list list.json '.totals as $t | $list[0].models[0].figures
  | .peak == $t.peak_activation_bytes and .memory == $t.peak_activation_bytes + $t.parameter_bytes
    and .traffic == $t.bytes_read + $t.bytes_written and .intensity == $t.intensity and .flops == $t.flops
    and .activations == $t.activations and .nodes == $t.nodes and .buffers == $t.buffers and .unknown == 0' stdout.txt

# --sort
run list --registry all --sort top1:desc --format json
expect "highest first, unknown last" json '[.models[].figures.top1] | . == (map(select(. != null)) | sort | reverse) + map(select(. == null))'
run list --registry all --sort top1 --format json
expect "lowest first, unknown last" json '[.models[].figures.top1] | . == (map(select(. != null)) | sort) + map(select(. == null))'
run list --registry all --sort task,macs:desc --format json
expect "two keys" json '[.models[] | [.task, -.macs]] | . == sort'
run list --sort macs/parameters --format json
expect "an expression" json '[.models[].figures["macs/parameters"]] | . == sort'
run list 'resnet*' --sort name --reverse --format json
expect "the other way round" is "$(names)" "resnet152 resnet101 resnet50 resnet34 resnet18"

# --pareto
run list --registry all --pareto macs,top1 --format json
cp stdout.txt front.json
expect "the models without accuracy are reported" has "$err" "left out without macs,top1"
run list --registry all --show top1,dataset --where 'top1 != none' --format json
expect "the front is what a plain search finds" jq -e --slurpfile front front.json '[.models[] | {name, macs} + .figures]
  | . as $all | map(. as $m | select(all($all[]; .dataset != $m.dataset or .macs > $m.macs or .top1 < $m.top1
      or (.macs == $m.macs and .top1 == $m.top1)))) | map(.name) | sort == ([$front[0].models[].name] | sort)' stdout.txt
run list --pareto macs:desc,parameters --format json
expect "an order of one's own" json '[.models[].name] | index("efficientnet_b7") != null'

# formats
run list resnet18 resnet50 --show flops,weights,peak --format csv
expect "csv" is "$out" "name,family,task,source,input,parameters,macs,flops,weights,peak
resnet18,ResNet,classification,builtin,1x3x224x224,11689512,1814073344,3637807080,ResNet18_Weights.IMAGENET1K_V1,$("$ZOOMETER" profile resnet18 --format json | jq .totals.peak_activation_bytes)
resnet50,ResNet,classification,builtin,1x3x224x224,25557032,4089184256,8217433576,ResNet50_Weights.IMAGENET1K_V2,$("$ZOOMETER" profile resnet50 --format json | jq .totals.peak_activation_bytes)"
run list resnet18 --show peak,year
expect "text has titles and units" has "$out" "PEAK"
expect "a year is a year" has "$out" "2015"

# errors point at their place
run list --where 'macs < 1G and parmeters < 5M'
expect "an unknown figure is wrong usage" is "$status" 2
expect "it is pointed at" is "$err" "zoometer: --where: no such figure: parmeters (did you mean parameters?)
  macs < 1G and parmeters < 5M
                ^^^^^^^^^"
expect_error 2 'write a text in quotes: "video"' list --where 'task == video'
expect_error 2 "expected a condition" list --where macs
expect_error 2 "a figure, got a condition: macs < 1" list --sort 'macs < 1'
expect_error 2 "expected asc or desc after the colon, got down" list --sort macs:down
expect_error 2 "--pareto: no such figure: top2 (did you mean top1?)" list --pareto macs,top2
expect_error 2 "--show: empty expression" list --show macs,
expect_error 3 "--where: expected at most 4096 bytes" list --where "macs < 1$(printf '%5000s' '')"
expect_error 2 "nested more than 100 deep" list --where "$(printf '(%.0s' {1..3000})"

# --assert
run profile resnet50 --assert 'macs <= 4.2G' --assert 'peak < 200MiB and unknown == 0' --format json
expect "gates that hold" is "$status $err" "0 "
run profile resnet50 --assert 'macs <= 4G' --assert 'nodes > 1' --assert 'parameters == 1 or intensity > 100' --format json
expect "a gate that does not" is "$status" 1
expect "the profile is still written" json '.totals.macs == 4089184256'
expect "each is reported with its values" is "$err" "zoometer: --assert macs <= 4G: does not hold: macs is 4089184256 (4.089 G)
zoometer: --assert parameters == 1 or intensity > 100: does not hold: parameters is 25557032 (25.56 M), intensity is $(jq .totals.intensity stdout.txt)"
run profile resnet50 --convention torch --assert 'cost == 8178368512' --format json
expect "the convention's cost" is "$status $err" "0 "
run profile resnet50 --assert 'cost < 1'
expect "a gate on nothing does not pass" is "$status" 1
expect "and says so" has "$err" "--assert cost < 1: cannot be decided: cost is unknown"
expect_error 2 "--assert: no such figure: mac (did you mean macs?)" profile resnet50 --assert 'mac < 1'
expect_error 2 "--assert: expected a condition" profile no_such_model --assert 'macs'

finish
