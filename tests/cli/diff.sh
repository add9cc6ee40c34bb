#!/usr/bin/env bash
# diff: two models module by module, and its gates.
. "$SOURCE_DIR/tests/cli/_lib.sh"
export ZOOMETER_REGISTRY=all

# The document's figures are those of the two profiles, in totals and in each module.
agree() {
  jq -en --slurpfile d "$1" --slurpfile a "$2" --slurpfile b "$3" '
    def figures: {parameters, buffers, macs, flops, activations, bytes_read, bytes_written, calls, type, output_shapes};
    def by_path(list): reduce list[] as $m ({}; .[$m.path] = ($m | figures));
    by_path($a[0].modules) as $before | by_path($b[0].modules) as $after | $d[0] as $diff
    | by_path([$diff.modules[].before | select(. != null)]) == $before
      and by_path([$diff.modules[].after | select(. != null)]) == $after
      and all(("parameters", "macs", "flops", "activations", "bytes_read", "bytes_written");
              . as $f | $diff.totals[$f] | .before == $a[0].totals[$f] and .after == $b[0].totals[$f]
                and .change == .after - .before)
      and $diff.totals.peak.before == $a[0].totals.peak_activation_bytes
      and $diff.totals.peak.after == $b[0].totals.peak_activation_bytes'
}
compare() {
  run diff "$1" "$2" --format json
  cp stdout.txt diff.json
  "$ZOOMETER" profile "$1" --format json >before.json
  "$ZOOMETER" profile "$2" --format json >after.json
  expect "$1 and $2: exit status" is "$status" 0
  expect "$1 and $2: the schema is followed" validate diff.json diff
  expect "$1 and $2: figures are those of profile" agree diff.json before.json after.json
  expect "$1 and $2: every parent comes before its child" jq -e '.modules | to_entries | all(.[]; .value.parent < .key)' diff.json
}
compare resnet50 resnext50_32x4d
compare vgg11 vgg11_bn
compare resnet50 fasterrcnn_resnet50_fpn
compare swin_t swin_v2_b
compare "$SOURCE_DIR/tests/data/pt2/resnet50.pt2" resnet50

run diff resnet18 resnet34 --format json
expect "depths 2,2,2,2 and 3,4,6,3: eight blocks more" json '[.modules[] | select(.state == "added" and .after.type == "BasicBlock").after.path] | sort == ["layer1.2", "layer2.2", "layer2.3", "layer3.2", "layer3.3", "layer3.4", "layer3.5", "layer4.2"]'
expect "and the others keep their names" json '.counts.renamed == 0 and .counts.moved == 0 and .counts.removed == 0'
run diff resnet50 resnet50 --format json
expect "nothing" json '.counts == {same: (.modules | length), changed: 0, added: 0, removed: 0, renamed: 0, moved: 0} and .operators == []'
run diff resnet50 resnet50
expect "nothing in words" has "$out" "no module differs"
run diff resnet50 fcn_resnet50@input-shape=1x3x224x224 --format json
expect "the backbone is found at its new place" json '[.modules[] | select(.moved) | [.before.path, .after.path]] | index([["layer4", "backbone.layer4"]]) != null'
run diff resnet50 fasterrcnn_resnet50_fpn --depth 1 --format json
expect "--depth" json '[.modules[].parent] | all(. <= 0)'

# options of both sides and of one
run diff resnet18 resnet18@batch=4 --format json
expect "one side's batch" json '.before.inputs[0].shape[0] == 1 and .after.inputs[0].shape[0] == 4 and .totals.macs.relative == 3 and .totals.parameters.change == 0'
run diff resnet18 resnet34@batch=1 --batch 2 --format json
expect "both sides' batch, and a side's own" json '.before.inputs[0].shape[0] == 2 and .after.inputs[0].shape[0] == 1'
run diff vit_b_16@untrained vit_b_16@input-shape=1x3x224x224@dtype=float16 --format json
expect "several options" json '.before.variant == "untrained" and .after.variant == "published" and .totals.memory.after * 2 == .totals.memory.before'
run diff quantized_resnet18 quantized_resnet18@quantize --format json
expect "a word without a value" json '.totals.parameter_bytes.relative < -0.5'
run diff fasterrcnn_resnet50_fpn fasterrcnn_resnet50_fpn@proposals=100@detections=10 --format json
expect "the real numbers of a detector" json '.totals.macs.relative < 0 and .counts.added == 0'
cp "$SOURCE_DIR/tests/data/pt2/resnet18.pt2" 'a@b.pt2'
run diff 'a@b.pt2' resnet18 --format json
expect "a file with @ in its name" json '.before.model == "a@b.pt2"'
expect_error 2 "expected one of published, untrained, entry, dim, trips, value, quantize, input-shape, batch" diff resnet18 resnet18@batc=4
expect_error 2 "did you mean batch or batch-axis?" diff resnet18 resnet18@batc=4
expect_error 2 "--batch: expected a number, got many" diff resnet18 resnet18@batch=many
expect_error 2 "got dtype=float1" diff resnet18 resnet18@dtype=float1
expect_error 2 "got batch" diff resnet18 resnet18@batch
expect_error 2 "at least 1, got 0" diff resnet18 resnet18@batch=0
expect_error 2 "did you mean resnet18" diff resnet18 resnet118
expect_error 2 "after" diff resnet18

# pages
data() { sed -n 's/^<script type="application\/json" id="data">\(.*\)<\/script>$/\1/p' "$1"; }
"$ZOOMETER" diff vgg11 vgg11_bn --format json >vgg.json
"$ZOOMETER" diff vgg11 vgg11_bn --format html -o vgg.html
expect "the page contains the document" is "$(data vgg.html | jq -S .diff)" "$(jq -S . vgg.json)"
run report vgg11 vgg11_bn
expect "report of two models" is "$status $err" "0 zoometer: wrote vgg11_vgg11_bn.html"
expect "is the same page" cmp vgg.html vgg11_vgg11_bn.html
run report resnet18 resnet18@batch=2 -o sides.html
expect "with options of a side" is "$(data sides.html | jq -c '.diff.after.inputs[0].shape')" "[2,3,224,224]"

# gates
run diff resnet50 resnext50_32x4d --fail-on 'macs > +4%' --fail-on 'macs > +200M' --fail-on 'removed > 0' --format json
expect "gates that pass" is "$status $err" "0 "
run diff resnet50 resnext50_32x4d --fail-on 'macs > +1%' --fail-on 'macs > +100M' --fail-on 'parameters > 20M or parameters > +0' --format json
expect "gates that do not" is "$status" 1
expect "the document is still written" json '.totals.macs.change == 141295616'
expect "each is reported with its figures" is "$err" "zoometer: --fail-on macs > +1%: holds: macs 4089184256 -> 4230479872: +141295616 (+3.46%)
zoometer: --fail-on macs > +100M: holds: macs 4089184256 -> 4230479872: +141295616 (+3.46%)
zoometer: --fail-on parameters > 20M or parameters > +0: holds: parameters 25557032 -> 25028904: -528128 (-2.07%)"
run diff vgg11 vgg11_bn --fail-on 'buffers > +1%' --fail-on 'added >= 8' -o out.txt
expect "from nothing to something is more than any percentage" is "$status $err" "1 zoometer: --fail-on buffers > +1%: holds: buffers 0 -> 5512: +5512 (from 0)
zoometer: --fail-on added >= 8: holds: added is 8"
run diff resnet18 resnet34 --fail-on 'macs > 2 * before.macs'
expect "figures before by name" is "$status" 1
run diff resnet18 resnet34 --fail-on 'change.macs < 0 or relative.macs < 0 or changed == 0'
expect "changes by name" is "$status" 0
expect_error 2 "--fail-on: no such figure: mac (did you mean macs?)" diff resnet18 resnet34 --fail-on 'mac > 1'
expect_error 2 "--fail-on: expected a condition" diff nothing nothing --fail-on 'macs'

finish
