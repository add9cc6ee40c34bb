#!/usr/bin/env bash
# What people type first, and what they paste elsewhere: names, inputs, endings, short forms, tables.
. "$SOURCE_DIR/tests/cli/_lib.sh"
net=$(find "$SOURCE_DIR/tests/data/pt2" -name '*.pt2' | head -n 1)

# fvcore's table, all levels, one ridge
run profile alexnet -f table
first=$out
run table alexnet
expect "profile -f table is fvcore's table" is "$first" "$out"
run table resnet18 --max-depth -1
expect "-1 shows all levels" has "$out" layer4.1.bn2
for command in "profile resnet18" "profile resnet18 -f csv" "diff resnet18 resnet34 --all" "roofline resnet18 --on A100"; do
  read -r -a words <<<"$command"
  run "${words[@]}" --depth -1
  all=$out
  run "${words[@]}" --depth 99
  expect "$command --depth -1 shows all levels" is "$all" "$out"
done
for command in profile "diff resnet18" roofline; do
  read -r -a words <<<"$command"
  expect "$command --depth -1 in JSON" is \
    "$("$ZOOMETER" "${words[@]}" alexnet --depth -1 -f json | md5sum)" "$("$ZOOMETER" "${words[@]}" alexnet -f json | md5sum)"
done
ridge=$("$ZOOMETER" roofline resnet18 --on A100 -f json | jq '.devices[0].ridge * 10 | round / 10')
expect_output "at $ridge FLOPs per byte (A100, float32)" profile resnet18

# a registry that does not hold the model
run profile resnext50_32x4d
expect "no note on a model of another registry" is "$status$err" 0
run list 'resnext*'
expect "list falls back to a wider registry" has "$out" resnext50_32x4d
expect "and says so in its output" has "$out" "The curated registry has none of these: they are of the registry auto."
expect "and nowhere else" is "$err" ""


# endings
"$ZOOMETER" profile alexnet -o x.json && expect "x.json is JSON" jq -e .totals.macs x.json
"$ZOOMETER" profile alexnet -o X.CSV && expect "X.CSV is CSV" grep -q '^path,type' X.CSV
"$ZOOMETER" profile alexnet -o x.html && expect "x.html is a page" grep -qi '<html' x.html
"$ZOOMETER" graph alexnet -o x.onnx && expect "x.onnx is ONNX" "$ZOOMETER" profile x.onnx
"$ZOOMETER" graph alexnet -o x.dot && expect "x.dot is dot" grep -q digraph x.dot
"$ZOOMETER" list -o x.md && expect "x.md is Markdown" grep -q '^| MODEL |' x.md
"$ZOOMETER" list -o x.tex && expect "x.tex is LaTeX" grep -q toprule x.tex
"$ZOOMETER" compare alexnet vgg11 -o t.html && expect "t.html is a table" grep -q '<table>' t.html
"$ZOOMETER" sweep alexnet -o x.jsonl 2>/dev/null && expect "x.jsonl has a line a row" jq -e .model x.jsonl
"$ZOOMETER" sweep alexnet -o s.md 2>/dev/null && expect "a sweep in Markdown" grep -q '^| alexnet |' s.md
for name in x.txt x.log x; do
  "$ZOOMETER" profile alexnet -o $name && expect "$name is text" grep -q '^coverage' $name
done
"$ZOOMETER" profile alexnet -f csv -o w.json && expect "-f wins over the ending" grep -q '^path,type' w.json
expect "a device gets text" bash -c '"$ZOOMETER" profile alexnet -o /dev/stdout | grep -q ^coverage'
expect_error 2 ".pdf" profile alexnet -o x.pdf
expect_error 2 ".pdf" report alexnet -o x.pdf
expect_error 2 ".svg" list -o x.svg
expect_error 2 ".onnx" explain alexnet -o x.onnx
expect_error 2 ".json" sweep alexnet -o x.json
expect_error 2 "--json and --csv contradict" profile alexnet --json --csv
for form in json csv markdown; do
  expect "--$form" is "$("$ZOOMETER" profile alexnet --$form | md5sum)" "$("$ZOOMETER" profile alexnet -f $form | md5sum)"
done

# names
for name in ResNet50 resnet_50 RESNET-50 torchvision.models.resnet50; do
  run profile $name --json
  expect "$name is resnet50" json '.model == "resnet50"'
done
expect_output '"efficientnet_b0"' profile efficientnet-b0 --json
run profile torchvision.models.quantization.resnet50 --json
expect "quantised ones, too" json '.model == "quantized_resnet50"'
run profile torchvision.models.detection.fcos_resnet50_fpn --json
expect "detectors, too" json '.model == "fcos_resnet50_fpn"'
run list ResNet-50 --names
expect "list knows the spellings" is "$out" resnet50
run resnet18
bare=$out
run profile resnet18
expect "a model alone is profiled" is "$bare" "$out"
expect_error 2 "did you mean profile?" proflie resnet18
expect_error 2 "did you mean resnet18" resnet1b
expect_error 2 "did you mean parameters?" params resnet18
run help profile
expect "help of a command" has "$out" --depth
for word in -V version; do expect_output "$("$ZOOMETER" --version)" $word; done
mkdir -p "$XDG_CONFIG_HOME/zoometer"
config="$XDG_CONFIG_HOME/zoometer/registry.toml"
"$ZOOMETER" registry add ResNet-50 --from "$net" >/dev/null
run profile resnet_50
expect "two matches are an error that lists both" has "$status $err" "2 zoometer: resnet_50 means several models: ResNet-50, resnet50"
run profile resnet50 --json
expect "an exact name wins" json '.source == "builtin"'
run profile ResNet-50 --json
expect "of one's own, too" json '.model == "ResNet-50"'
rm "$config"
export ZOOMETER_PYTHON=/nonexistent
run profile torchvision:resnet50
unset ZOOMETER_PYTHON
expect "the built-in model is offered" has "$err" "resnet50 alone is the built-in model"

# inputs
whole=$("$ZOOMETER" profile resnet18 --json --input-shape 1,3,160,160 | md5sum)
for shape in 3,160,160 160 '(1, 3, 160, 160)' '[1,3,160,160]' '1, 3, 160, 160' '(3,160,160)' 1x3x160x160; do
  expect "--input-shape $shape" is "$("$ZOOMETER" profile resnet18 --json --input-shape "$shape" | md5sum)" "$whole"
done
expect "--input_shape" is "$("$ZOOMETER" profile resnet18 --json --input_shape 3,160,160 | md5sum)" "$whole"
expect "a detector's image" is "$("$ZOOMETER" profile fcos_resnet50_fpn --json --input-shape 3,320,320 | md5sum)" \
  "$("$ZOOMETER" profile fcos_resnet50_fpn --json --input-shape 1,3,320,320 | md5sum)"
onnx=$SOURCE_DIR/tests/data/onnx/light_squeezenet.onnx
for shape in 3,224,224 224; do
  expect "an ONNX file's image: $shape" is "$("$ZOOMETER" profile "$onnx" --json --input-shape $shape | jq .totals)" \
    "$("$ZOOMETER" profile "$onnx" --json --input-shape 1,3,224,224 | jq .totals)"
done
batch=$("$ZOOMETER" profile resnet18 --json --batch 4 | md5sum)
for option in "--batch-size 4" "-b 4" "--batch_size=4"; do
  read -r -a words <<<"$option"
  expect "$option" is "$("$ZOOMETER" profile resnet18 --json "${words[@]}" | md5sum)" "$batch"
done
for pair in fp16:float16 half:float16 bf16:bfloat16 fp8:float8; do
  expect "--dtype ${pair%:*}" is "$("$ZOOMETER" profile resnet18 --json --dtype "${pair%:*}" | md5sum)" \
    "$("$ZOOMETER" profile resnet18 --json --dtype "${pair#*:}" | md5sum)"
done
full=$("$ZOOMETER" profile alexnet --json | jq .totals.parameter_bytes)
expect "int4 is half a byte" is "$("$ZOOMETER" profile alexnet --json --dtype int4 | jq .totals.parameter_bytes)" $((full / 8))
expect "a side takes fp16" "$ZOOMETER" diff resnet18 resnet18@dtype=fp16
expect "sweep takes half and int4" "$ZOOMETER" sweep alexnet --dtype half,int4
expect_error 2 "one of float32" profile resnet18 --dtype float33

# queries
run list --sort -macs --names
expect "--sort -macs is downwards" is "$out" "$("$ZOOMETER" list --sort macs:desc --names)"
run list --where 'params < 10M' --sort params --names
expect "params is parameters" is "$out" "$("$ZOOMETER" list --where 'parameters < 10M' --sort parameters --names)"
run profile resnet18 --assert 'params < 10M'
expect "--assert knows it, too" is "$status" 1
expect "with the figure" has "$err" "params is 11689512"
expect "--fail-on knows mem" "$ZOOMETER" diff resnet18 resnet18 --fail-on 'mem > +1%'
run list --where 'mem < 100M' --sort mem --names alexnet resnet18
expect "mem is memory" is "$out" "$("$ZOOMETER" list --where 'memory < 100M' --sort memory --names alexnet resnet18)"
run list --where 'name ~ "resnet"'
expect "~ without a pattern gets a hint" has "$err" '"*resnet*"'
run list --where 'name = "resnet*"'
expect "= with a pattern gets a hint" has "$err" '~ "resnet*"'
run list --where 'top1 > 0.75' --names
expect "a share gets a hint" has "$err" "write 75%"
expect "and keeps every model that has the figure" is "$status" 0
run list --where '0.75 < top1 and name != "top1 < 0.5"' --names
expect "on either side" is "$err" "zoometer: --where: top1 is a percentage: for 0.75 write 75%"
run list --where 'name ~ "^resnet.*"'
expect "a regular expression gets a hint" has "$err" "a pattern of * and ?"
run list --where 'name ~ "resnet*" and macs < 1k'
expect "a pattern gets none" is "$err" ""
run list --where 'top1 > 75%' --names
expect "a percentage gets none" is "$err" ""

# several models
run compare resnet18 resnet50 vgg11 --json
expect "a document of the comparison" json '.schema == "zoometer.compare/1" and ([.models[].name] == ["resnet18", "resnet50", "vgg11"])'
expect "with the figures of profile" is "$(jq '.models[1].totals.macs' stdout.txt)" "$("$ZOOMETER" profile resnet50 --json | jq .totals.macs)"
expect "that follows its schema" validate stdout.txt compare
exact=$("$ZOOMETER" profile resnet18 --batch 100000003 --json | grep -oE '"flops": [0-9]+' | head -n 1)
run compare resnet18@batch=100000003 --json
expect "exact beyond the digits of a double" has "$out" "$exact"
run compare resnet18@batch=100000003 --csv
expect "also in a table" has "$out" ",${exact#*: },"
run compare resnet50 "$net" --json
expect "missing figures are null" json '.models[1].totals.top1 == null'
run profile resnet18 resnet50
several=$out
run compare resnet18 resnet50
expect "profile of several models compares them" is "$several" "$out"
expect "with ratios" has "$out" x
run compare resnet18 vgg11 alexnet --sort -params --json
expect "sorted" json '[.models[].name] == ["vgg11", "alexnet", "resnet18"]'
expect_error 2 "one of parameters" compare resnet18 alexnet --sort size

# a table of modules
run profile resnet18 --sort macs --top 3 --csv --columns macs
expect "the largest come first" is "$(cut -d, -f2 stdout.txt | sed -n 2,4p | sort -rnc 2>&1)" ""
expect "and no more" is "$(wc -l <stdout.txt)" 5
run profile resnet18 --group-by type --csv --columns macs
expect "groups sum up to the total" is "$(sed '1d;$d' stdout.txt | cut -d, -f2 | paste -sd+ | bc)" "$(tail -1 stdout.txt | cut -d, -f2)"
run profile resnet18 --group-by operator
expect "by operator" has "$out" conv2d
run profile resnet18 --columns 'kernel,input shape,output shape,params,% params,MACs,% MACs,memory,% memory,time' --sort macs --top 1
expect "all columns" has "$out" 7x7
run profile resnet18 --units exact --columns params
expect "exact integers" has "$out" 11689512
expect_error 2 "one of type" profile resnet18 --columns nothing
expect_error 2 "--format text" profile resnet18 --sort macs --json

# tables for papers
for command in "list resnet18" "profile resnet18" "table resnet18" "explain resnet18" "diff resnet18 resnet34" "compare resnet18 vgg11" "roofline resnet18" "sweep resnet18"; do
  read -r -a words <<<"$command"
  for format in markdown latex html-table csv; do
    "$ZOOMETER" "${words[@]}" -f $format >"${words[0]}.$format" 2>stderr.txt
    expect "$command in $format" test -s "${words[0]}.$format"
  done
  expect "$command: each row of Markdown has as many cells" is "$(sed 's/\\|//g' "${words[0]}.markdown" | tr -cd '|\n' | sort -u | wc -l)" 1
done
# Names that LaTeX would read otherwise are escaped.
cat >names.py <<'PY'
import onnx
from onnx import TensorProto, helper
names = ["50%_of_$x & y#1", "a{b}~c^d\\e", "<f|g>[h] 'i' \"j\"", "é ß µ × ≤ 模"]
value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3])
nodes = [helper.make_node("Relu", ["x" if i == 0 else f"v{i - 1}"], [f"v{i}"], name=f"/{name}/relu")
         for i, name in enumerate(names)]
graph = helper.make_graph(nodes, "g", [value("x")], [value(f"v{len(names) - 1}")])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), "50%_$x#&.onnx")
PY
/usr/bin/python3 names.py
"$ZOOMETER" profile '50%_$x#&.onnx' -f latex >names.latex
expect "names are escaped" grep -qF '50\%\_of\_\$x \& y\#1' names.latex
"$ZOOMETER" compare '50%_$x#&.onnx' resnet18 -f latex >compared.latex
"$ZOOMETER" parameters alexnet -f latex >parameters.latex
"$ZOOMETER" discover 'resnet*' -f latex >discover.latex
{
  echo '\documentclass{article}\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\usepackage{booktabs}\begin{document}'
  for table in *.latex; do printf '\\input{%s}\n\n' "$table"; done
  echo '\end{document}'
} >paper.tex
expect "pdflatex compiles the tables" pdflatex -interaction=nonstopmode -halt-on-error paper.tex
expect "all of them" is "$(tr -d '\n' <paper.log | grep -o '(\./[a-z]*\.latex' | wc -l)" "$(find . -maxdepth 1 -name '*.latex' | wc -l)"

# CSV for every table
for command in "list resnet18" "profile resnet18" "table resnet18" "explain resnet18" "diff resnet18 resnet34" \
  "compare resnet18 vgg11" "roofline resnet18" "roofline --list" "sweep resnet18" "parameters resnet18" "discover resnet18" \
  "registry list" "verify resnet18" "cache status" "list --sources" "quant qwen2.5-7b" "serve qwen2.5-7b --vary batch=1,2"; do
  read -r -a words <<<"$command"
  run "${words[@]}" -f csv
  expect "$command in CSV: each row has as many fields" /usr/bin/python3 -c '
import csv, sys
rows = list(csv.reader(open("stdout.txt", newline="")))
assert len(rows) > 1 or "cache" in sys.argv, rows
assert {len(row) for row in rows} == {len(rows[0])}, rows
assert not [cell for row in rows for cell in row if cell != cell.strip()], rows' "${words[@]}"
done
run table resnet18 -f csv
expect "fvcore's table in CSV has the names as they are" has "$out" "
layer1.0.conv1,36.864K,0.116G"

# standard input
expect "a file" is "$("$ZOOMETER" profile - --json <"$net" | jq .totals)" "$("$ZOOMETER" profile "$net" --json | jq .totals)"
expect "a name" is "$(echo resnet18 | "$ZOOMETER" profile - --json | jq .model)" '"resnet18"'
expect "nothing" bash -c '"$ZOOMETER" profile - </dev/null 2>err.txt; [ $? = 3 ] && grep -q "standard input" err.txt'

# terminals
for width in 60 80; do
  for command in "profile resnet18" "explain resnet18" "profile --help" "--help" "list"; do
    read -r -a words <<<"$command"
    COLUMNS=$width "$ZOOMETER" "${words[@]}" >narrow.txt
    expect "$command fits into $width columns" is "$(/usr/bin/python3 -c 'import sys; [print(l) for l in open("narrow.txt", encoding="utf-8").read().split("\n") if len(l) > int(sys.argv[1])]' $width)" ""
  done
done
"$ZOOMETER" profile resnet152 --depth 9 2>stderr.txt | head -c 1 >/dev/null
expect "a closed pipe is silent" is "${PIPESTATUS[0]}$(cat stderr.txt)" 0
timeout -s INT 0.5 "$ZOOMETER" sweep --registry all --batch 1,2,4,8,16,32,64 --resolution 128,160,192,224,256,288,320 --jobs 1 -o stopped.csv 2>stderr.txt
expect "Ctrl-C says how a sweep continues" has "$(cat stderr.txt)" "the same command with --resume continues from the rows in stopped.csv.part"
timeout -s INT 0.5 "$ZOOMETER" sweep --registry all --batch 1,2,4,8,16,32,64 --resolution 128,160,192,224,256,288,320 --jobs 1 -o stopped.html 2>stderr.txt
expect "or that a page cannot" has "$(cat stderr.txt)" "a page has all rows or none; a sweep to FILE.csv can continue with --resume"
expect_error 2 "--depth takes a whole number, got all" profile resnet18 --depth all
expect_error 2 "--time-limit takes a number above 0, got soon" profile resnet18 --time-limit soon
expect_error 2 "did you mean --format" profile resnet18 --formt json
expect_error 2 "zoometer: --depth is given more than once" profile resnet18 --depth 1 --depth 2
expect_error 2 "zoometer: --depth takes a value" profile resnet18 --depth
expect_error 2 "zoometer: no such option: --dtype" table resnet18 --dtype fp16
expect_error 2 "zoometer: unexpected word: a" table resnet18 a b
expect_error 2 "zoometer: --strict takes no value, got maybe" profile resnet18 --strict=maybe
expect_error 2 "zoometer: models are missing" registry rm
expect_error 2 "zoometer: --strict: expected one model, got 2" profile resnet18 resnet34 --strict
expect_error 2 "zoometer: --sort: expected one of type" profile resnet18 --sort size
# words that cannot be meant are 2, files that cannot be read 3
for words in "--batch 0" "--batch -1" "--batch x" "--input-shape ," "--depth -2" "--depth 1.5" "--top 0" "--units m" "--columns x" "--group-by x" "--assert macs<" "--max-time x" "-z"; do
  read -r -a wrong <<<"$words"
  expect_error 2 "zoometer: " profile resnet18 "${wrong[@]}"
done
for file in missing.onnx missing/ . /dev/null; do expect_error 3 "cannot read the file" profile $file; done
expect_error 3 "cannot write" profile resnet18 -o missing/x.txt

# the README's first screen, and its length
screen=$(head -n 32 "$SOURCE_DIR/README.md")
for text in "import zoometer; zoometer.profile" "profile config.json" "compare resnet50 vit_b_16" "profile resnet50" ./check; do
  expect "the first screen of the README shows $text" has "$screen" "$text"
done
expect "the README is short" test "$(wc -l <"$SOURCE_DIR/README.md")" -le 207

# registry
run registry list
shown=$out
run registry show
expect "registry list" is "$shown" "$out"
run registry rm alexnet -f json
expect "registry rm" json '.removed == ["alexnet"]'
expect "that follows its schema" validate stdout.txt registry_change
run registry update --dry-run --json
expect "update remembers removals" json '.unchanged == ["alexnet"] and (.added | index("alexnet") | not)'
run registry add AlexNet --json
expect "until the model is added again" json '.added == ["alexnet"]'
expect "which the file shows" lacks "$(sed -n '/removed/,/]/p' "$config")" alexnet
expect "rm knows the spellings" has "$("$ZOOMETER" registry rm VGG-16)" "removed vgg16"
run registry list --json
expect "removals are listed" json '.removed == ["vgg16"]'
expect "and follow the schema" validate stdout.txt registry
expect "the file names the torchvision whose models it has" grep -qx 'torchvision = "0.26"' "$config"
"$ZOOMETER" registry add vgg16 >/dev/null
run registry use auto
expect_error 2 "expected curated, auto, all or language, got none" registry use none
expect "registry use" has "$("$ZOOMETER" registry show --json | jq -r .registry)" auto
# a list made from an older torchvision
printf 'torchvision = "0.15"\nremoved = ["vgg11"]\ncurated = ["alexnet"]\n' >"$config"
run registry list
expect "registry list says that zoometer has models of a newer one" has "$out" "torchvision    0.15; 0.26 has 78 models that this list lacks"
run registry list --json
expect "and names them" json '.torchvision == "0.15" and (.missing | length == 78 and (index("vgg11") | not) and index("vgg16"))'
run registry update --dry-run
expect "so does update" has "$out" "torchvision 0.26 has models that this registry, made from 0.15, lacks"
"$ZOOMETER" registry update >/dev/null
expect "which then records the newer one" grep -qx 'torchvision = "0.26"' "$config"
run registry list
expect "and lacks nothing" has "$out" "torchvision    0.26
"
rm "$config"
for name in '' 'a*' 'a,b' ../x -x 'a b' 'a@b'; do
  "$ZOOMETER" registry add --from "$net" -- "$name" >stdout.txt 2>stderr.txt
  expect "the name '$name' is refused" is "$?" 2
done
expect "nothing was written" test ! -e "$config"
mkdir zoo
cp "$net" zoo/resnet18.pt2
cp "$net" zoo/mine.pt2
printf 'folders = ["%s"]\n' "$PWD/zoo" >"$config"
run list mine --names
expect "a file whose name is taken is left out with a warning" has "$err" "$PWD/zoo/resnet18.pt2 is left out: the name resnet18 is taken: built in"
expect "and the others are there" is "$status $out" "0 mine"
run registry remove mine
expect "a folder's model is not removed" is "$status" 2
expect "but the folder is named" has "$err" "mine is a file of the folder $PWD/zoo"
rm "$config"

# defaults
printf 'format = "json"\n[profile]\ndepth = 0\n' >"$XDG_CONFIG_HOME/zoometer/config.toml"
run profile resnet18
expect "a default format and depth" json '.modules | length == 1'
run profile resnet18 -f text
expect "an option wins" has "$out" "coverage"
printf '[profile]\ndept = 0\n' >"$XDG_CONFIG_HOME/zoometer/config.toml"
expect_error 3 "config.toml: line 2: the command has no option --dept" profile resnet18
rm "$XDG_CONFIG_HOME/zoometer/config.toml"

expect_output "zoometer   " doctor
expect_output "config     not there" doctor

# completions know values, and models after every command
"$ZOOMETER" completions bash >completion.bash
complete_bash() {
  bash -c 'PATH=$(dirname "$ZOOMETER"):$PATH; . ./completion.bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _zoometer zoometer "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"; echo "${COMPREPLY[@]}"' _ zoometer "$@"
}
for words in "profile --registry|auto" "list --task|detection" "list --sort|macs" "roofline --on|H100" "diff --format|html-table" \
  "profile --dtype|bfloat16" "profile --convention|fvcore" "compare --sort|seconds"; do
  read -r -a typed <<<"${words%|*}"
  expect "bash completes ${words%|*}" has " $(complete_bash "${typed[@]}" "") " " ${words#*|} "
  for shell in zsh fish; do
    expect "$shell knows the values of ${words%|*}" has "$("$ZOOMETER" completions $shell | grep -- "${typed[1]#--}")" "${words#*|}"
  done
done
for command in profile diff compare report explain sweep list verify "registry rm"; do
  read -r -a typed <<<"$command"
  expect "bash completes models after $command" has " $(complete_bash "${typed[@]}" "resnet1") " " resnet18 "
done

# generated code
cat >"$config" <<TOML
[models.mine]
file = "$net"
[models."odd \"name"]
torchvision = "resnet34"
TOML
run discover 'resnet18' mine 'odd*' -g python
cp stdout.txt generated.py
echo 'print(sorted(MODEL_REGISTRY), sorted(MODEL_FILES))' >>generated.py
expect "the Python with models of one's own runs" has "$(/usr/bin/python3 generated.py 2>&1)" "'resnet18'] ['mine']"
expect "and names the version of torchvision that has the models" has "$out" 'TORCHVISION_VERSION = "0.26"'
mkdir -p newer/torchvision/models
echo '__version__ = "9.9"' >newer/torchvision/__init__.py
printf 'def list_models(): return ["resnet18", "vgg11", "resnet9000"]\nresnet18 = None\n' >newer/torchvision/models/__init__.py
run discover resnet18 -g python
cp stdout.txt alone.py
expect "a newer torchvision with other models is reported" has "$(PYTHONPATH=newer /usr/bin/python3 alone.py 2>&1)" \
  "torchvision 9.9 has models that this registry, made from 0.26, lacks: resnet9000"
expect "one without is not" is "$(/usr/bin/python3 alone.py 2>&1)" ""
run discover resnet18 mine -g toml
expect "so does the TOML" has "$out" 'torchvision = "0.26"'
cp stdout.txt "$config"
run profile mine --json
expect "the TOML keeps their entries" json '.totals.nodes > 0'
run discover resnet18 mine 'odd*' -g cpp
expect "the C++ compiles" bash -c 'g++ -std=c++20 -fsyntax-only -x c++ - <stdout.txt'
mkdir "dir"
cp "$net" "dir/a\"b.pt2"
for language in python cpp toml; do
  "$ZOOMETER" discover --source dir -g $language >"dir.$language" 2>stderr.txt
done
expect "a folder as Python" /usr/bin/python3 dir.python
expect "a folder as C++" bash -c 'g++ -std=c++20 -fsyntax-only -x c++ dir.cpp'
cp dir.toml "$config"
run list 'a*b.pt2' --names
expect "a folder as TOML" is "$out" 'a"b.pt2'
rm "$config"

finish
