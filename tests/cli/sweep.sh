#!/usr/bin/env bash
# sweep: models over batches, resolutions and dtypes, to three formats, interrupted and shared out.
. "$SOURCE_DIR/tests/cli/_lib.sh"
export ZOOMETER_REGISTRY=all
axes=(--batch 1,2,5 --resolution 64,224,96x160 --dtype float32,int8)
models=(resnet18 'vit_b_*' alexnet raft_small r3d_18 fasterrcnn_resnet50_fpn)

run sweep "${models[@]}" "${axes[@]}" -o whole.csv
expect "exit status" is "$status" 0
expect "7 models x 3 x 3 x 2, those that do not fit with a reason" is "$err" "zoometer: wrote 126 rows to whole.csv, $(grep -c '"$' whole.csv) of them without figures"
expect "a line each" is "$(wc -l <whole.csv)" 127

# whatever the threads and the order of the words, the bytes are the same
"$ZOOMETER" sweep --jobs 1 --dtype int8,float32 --resolution 224,96x160,64,64 --batch 5,1,2 \
  fasterrcnn_resnet50_fpn 'vit_b_*' r3d_18 alexnet raft_small resnet18 resnet18 >one.csv 2>/dev/null
expect "one thread, other words" cmp whole.csv one.csv
"$ZOOMETER" sweep "${models[@]}" "${axes[@]}" --jobs 7 >seven.csv 2>/dev/null
expect "seven threads" cmp whole.csv seven.csv

# figures are those of profile
agrees() {
  local model=$1 batch=$2 resolution=$3 dtype=$4 shape=$5
  "$ZOOMETER" profile "$model" --input-shape "$shape" --dtype "$dtype" --format json |
    jq -r '.totals | "\(.parameters),\(.macs),\(.flops),\(.activations),\(.peak_activation_bytes),\(.peak_activation_bytes + .parameter_bytes),\(.bytes_read + .bytes_written)"' >expected.txt
  grep "^$model,$batch,$resolution,$dtype," whole.csv | cut -d, -f5-11 | cmp - expected.txt
}
expect "profile of resnet18" agrees resnet18 5 96x160 int8 5,3,96,160
expect "profile of a detector" agrees fasterrcnn_resnet50_fpn 2 224 float32 2,3,224,224
expect "profile of a clip" agrees r3d_18 2 64 float32 2,3,16,64,64
expect "figures that depend on a bound are marked" is "$(grep -c '^fasterrcnn.*,1,$' whole.csv)" 18
expect "a refused combination is a row with its reason" grep -q '^vit_b_16,1,96x160,float32,,,,,,,,,,,"vit_b_16: the image does not divide' whole.csv

# without axes: each model as it is
run sweep resnet18 raft_small --columns macs,nodes
expect "the model's own sizes" is "$out" "model,batch,resolution,dtype,macs,nodes,bounded,reason
raft_small,1,$("$ZOOMETER" profile raft_small --format json | jq -r '"\(.inputs[0].shape[2]),\(.inputs[0].dtype),\(.totals.macs),\(.totals.nodes)"'),0,
resnet18,1,224,float32,1814073344,69,0,"
run sweep --where 'name ~ "vgg*" and macs < 8G' --columns macs
expect "--where" is "$(cut -d, -f1 stdout.txt | paste -sd' ')" "model vgg11 vgg11_bn"
run sweep "$SOURCE_DIR/tests/data/onnx/light_squeezenet.onnx" nothing.onnx --batch 1,3 --columns macs 2>/dev/null
expect_error 2 "no such model or file: nothing.onnx" sweep nothing.onnx
run sweep "$SOURCE_DIR/tests/data/onnx/light_squeezenet.onnx" "$SOURCE_DIR/tests/data/pt2/resnet18.pt2" --batch 1,3 --columns macs
one=$(sed -n 's/.*squeezenet.onnx,1,224,float32,\([0-9]*\),.*/\1/p' stdout.txt)
expect "a file at another batch" grep -q "squeezenet.onnx,3,224,float32,$((3 * one)),0," stdout.txt
expect "a file of fixed sizes says so" grep -q 'resnet18.pt2,3,224,float32,,,".*exported for fixed sizes' stdout.txt
printf 'broken' >broken.onnx
run sweep broken.onnx --columns macs
expect "a file that cannot be read is a row" grep -q '^broken.onnx,,,,,,' stdout.txt

# all formats have the same content
"$ZOOMETER" sweep "${models[@]}" "${axes[@]}" -o whole.jsonl 2>/dev/null
"$ZOOMETER" sweep "${models[@]}" "${axes[@]}" -o whole.sqlite 2>/dev/null
valid() {
  /usr/bin/python3 -c '
import json, sys, jsonschema
schema = json.load(open(sys.argv[2]))
for line in open(sys.argv[1]): jsonschema.validate(json.loads(line), schema)' "$1" "$SOURCE_DIR/docs/schema/sweep.schema.json"
}
expect "every line keeps to the schema" valid whole.jsonl
same_in_all() {
  /usr/bin/python3 -c '
import csv, json, sqlite3
table = list(csv.DictReader(open("whole.csv")))
lines = [json.loads(line) for line in open("whole.jsonl")]
base = sqlite3.connect("whole.sqlite")
base.row_factory = sqlite3.Row
rows = [dict(row) for row in base.execute("SELECT * FROM sweep ORDER BY rowid")]
assert lines == rows, "JSON lines and SQLite differ"
def text(value): return "" if value is None else (repr(value) if isinstance(value, float) else str(value))
for a, b in zip(table, lines, strict=True):
    assert list(a) == list(b)
    for key in a:
        assert a[key] == text(b[key]) or (isinstance(b[key], float) and float(a[key]) == b[key]), (a, b, key)
'
}
expect "CSV, JSON lines and SQLite agree" same_in_all
for from in csv jsonl sqlite; do
  "$ZOOMETER" sweep merge "whole.$from" -o "from_$from.csv"
  expect "$from to CSV" cmp whole.csv "from_$from.csv"
done
"$ZOOMETER" sweep merge whole.csv -o back.sqlite && "$ZOOMETER" sweep merge back.sqlite --format jsonl >back.jsonl
expect "CSV to SQLite to JSON lines" cmp whole.jsonl back.jsonl

# pages
data() { sed -n 's/^<script type="application\/json" id="data">\(.*\)<\/script>$/\1/p' "$1"; }
"$ZOOMETER" sweep "${models[@]}" "${axes[@]}" -o whole.html 2>/dev/null
expect "the page contains the rows" is "$(data whole.html | jq -c '.sweep | [.columns[].name] as $names | .rows[] | [$names, .] | transpose | map({key: .[0], value: .[1]}) | from_entries')" "$(jq -c . whole.jsonl)"
"$ZOOMETER" sweep merge whole.sqlite --format html >merged.html
expect "merge writes it, too" cmp whole.html merged.html
run report --sweep whole.jsonl -o report.html
expect "and report" cmp whole.html report.html
run report --sweep whole.jsonl
expect "beside a name of its own" is "$status $err" "0 zoometer: wrote whole.jsonl.html"
expect_error 3 "not a sweep" report --sweep "$SOURCE_DIR/README.md"
: >none.csv
expect_error 3 "not a sweep: it has no rows" report --sweep none.csv
expect_error 2 "report takes a model, two models, or --sweep FILE" report resnet18 --sweep whole.csv
expect_error 2 "report takes a model, two models, or --sweep FILE" report
expect_error 2 "--resume: expected a file of rows, got a page" sweep resnet18 --resume -o whole.html

# shards
for i in 1 2 3; do "$ZOOMETER" sweep "${models[@]}" "${axes[@]}" --shard "$i/3" -o "part$i.jsonl" 2>/dev/null; done
"$ZOOMETER" sweep merge part3.jsonl part1.jsonl part2.jsonl -o merged.csv
expect "shards joined are the whole" cmp whole.csv merged.csv
"$ZOOMETER" sweep merge whole.csv part2.jsonl -o twice.csv
expect "a duplicate stays once" cmp whole.csv twice.csv

# interruptions
for format in csv jsonl; do
  for bytes in 0 5 40 200 3000 9000 $(($(stat -c %s "whole.$format") - 1)); do
    head -c "$bytes" "whole.$format" >"cut.$format"
    "$ZOOMETER" sweep "${models[@]}" "${axes[@]}" --resume -o "cut.$format" 2>/dev/null
    expect "$format cut at byte $bytes continues" cmp "whole.$format" "cut.$format"
  done
done
run sweep "${models[@]}" "${axes[@]}" --resume -o cut.csv
expect "nothing to do" is "$err" "zoometer: wrote 0 rows to cut.csv; 126 existed"
sed -i 's/^alexnet,1,224,float32,[0-9]*/alexnet,1,224,float32,7/' cut.csv
(head -n 60 cut.csv) >kept.csv
"$ZOOMETER" sweep "${models[@]}" "${axes[@]}" --resume -o kept.csv 2>/dev/null
expect "what is there is kept as it is" grep -q '^alexnet,1,224,float32,7,' kept.csv
"$ZOOMETER" sweep "${models[@]}" --batch 1,5 --resolution 64,224,96x160 --dtype int8,float32 -o wider.csv 2>/dev/null
run sweep "${models[@]}" "${axes[@]}" --resume -o wider.csv
expect "a sweep can be widened" cmp whole.csv wider.csv
"$ZOOMETER" sweep resnet18 --batch 1,5 --resolution 64 --columns macs -o some.sqlite 2>/dev/null
"$ZOOMETER" sweep resnet18 --batch 1,2,5 --resolution 64 --columns macs --resume -o some.sqlite 2>/dev/null
"$ZOOMETER" sweep merge some.sqlite >some.csv
expect "so can a database" is "$(cut -d, -f2 some.csv | paste -sd' ')" "batch 1 2 5"
timeout -s KILL 0.15 "$ZOOMETER" sweep --batch 1,2,4,8 --resolution 128,224,256 -o killed.csv 2>/dev/null
"$ZOOMETER" sweep --batch 1,2,4,8 --resolution 128,224,256 --resume -o killed.csv 2>/dev/null
"$ZOOMETER" sweep --batch 1,2,4,8 --resolution 128,224,256 2>/dev/null >unkilled.csv
expect "a killed run continues" cmp killed.csv unkilled.csv

for pause in 0.02 0.05 0.1 0.2; do
  rm -f killed.sqlite
  timeout -s KILL $pause "$ZOOMETER" sweep --batch 1,2,4,8 --resolution 128,224,256 -o killed.sqlite 2>/dev/null
  run sweep --batch 1,2,4,8 --resolution 128,224,256 --resume -o killed.sqlite
  expect "a database continues after $pause s" is "$status" 0
  "$ZOOMETER" sweep merge killed.sqlite -o killed.csv
  expect "and is whole" cmp killed.csv unkilled.csv
done

# errors
expect_error 2 "--batch: expected sizes of at least 1: 1,2,4, got 0" sweep resnet18 --batch 1,0
expect_error 2 "--batch: expected sizes of at least 1: 1,2,4" sweep resnet18 --batch 1,
expect_error 2 "--resolution: expected sizes of at least 1: 128,224,320x480, got 12y" sweep resnet18 --resolution 12y
expect_error 2 "--dtype: expected one of float32, float16, bfloat16, float8, int8, int4, got int3" sweep resnet18 --dtype int3
expect_error 2 "--columns: no such figure: mac (did you mean macs?)" sweep resnet18 --columns mac
expect_error 2 "--columns: macs comes twice" sweep resnet18 --columns macs,macs
expect_error 2 "--shard: expected i/n with i from 1 to n, got 3/2" sweep resnet18 --shard 3/2
expect_error 2 "--jobs: expected 1 to 1024, got 0" sweep resnet18 --jobs 0
expect_error 2 "--resume needs --output FILE" sweep resnet18 --resume
expect_error 2 "--format sqlite needs --output FILE" sweep resnet18 --format sqlite
expect_error 2 "did you mean resnet18" sweep resnet118
expect_error 2 "--where: no such figure" sweep --where 'mac < 1'
expect_error 2 "has another format or other columns" sweep resnet18 --columns macs --resume -o whole.csv
expect_error 2 "has a row that is not part of this sweep: alexnet, batch 1" sweep resnet18 "${axes[@]}" --resume -o whole.csv
expect "and the file is as it was" cmp whole.csv one.csv
expect_error 3 "cannot write" sweep resnet18 -o nowhere/out.csv
expect_error 3 "cannot write" sweep resnet18 -o nowhere/out.sqlite
expect_error 3 "not a sweep" sweep merge "$SOURCE_DIR/README.md"
: >empty.csv
expect_error 3 "not a sweep: it has no rows" sweep merge empty.csv
printf '{"model": 1}\n' >other.jsonl
expect_error 3 "line 1: not a sweep" sweep merge other.jsonl
printf '%s\nfew,fields\n' "$(head -n 1 whole.csv)" >few.csv
expect_error 3 "line 2: expected 15 fields, got 2" sweep merge few.csv
(head -n 2 whole.jsonl; echo '{"model":"x"}') >mixed.jsonl
expect_error 3 "line 3: expected the members of the first line" sweep merge mixed.jsonl
(head -n 2 whole.jsonl; echo '{') >torn.jsonl
expect_error 3 "line 3: not a JSON object" sweep merge torn.jsonl
"$ZOOMETER" sweep resnet18 --columns macs -o macs.csv 2>/dev/null
expect_error 3 "macs.csv has other columns" sweep merge whole.csv macs.csv
expect_error 1 "the files differ in alexnet, batch 1, resolution 224, float32" sweep merge whole.csv kept.csv
/usr/bin/python3 -c 'import sqlite3; sqlite3.connect("foreign.sqlite").execute("CREATE TABLE sweep (model)")'
expect_error 3 "not a sweep: a SQLite database of another kind" sweep merge foreign.sqlite
/usr/bin/python3 - <<'PYTHON'
import shutil
import sqlite3
import struct


def copy(name, *statements):
    shutil.copy("whole.sqlite", name)
    base = sqlite3.connect(name)
    for statement in statements:
        base.execute(statement)
    base.commit()
    base.close()


columns = ", ".join(row[1] for row in sqlite3.connect("whole.sqlite").execute("PRAGMA table_info(sweep)"))
copy("view.sqlite", "ALTER TABLE sweep RENAME TO rows", "CREATE VIEW sweep AS SELECT * FROM rows")
copy("computed.sqlite", "CREATE TABLE rows AS SELECT * FROM sweep", "DROP TABLE sweep", "CREATE TABLE sweep ("
     + columns.replace("macs,", "macs AS (printf('%.*c', 1000000, 'x')),", 1) + ")")

# A tree whose branches all lead to one leaf: each of its rows is there many times.
copy("shared.sqlite")
with open("shared.sqlite", "r+b") as file:
    pages = bytearray(file.read())
    page = 4096 * next(n for n in range(1, len(pages) // 4096) if pages[4096 * n] == 5)
    (count,) = struct.unpack_from(">H", pages, page + 3)
    for cell in struct.unpack_from(f">{count}H", pages, page + 12):
        pages[page + cell:page + cell + 4] = pages[page + 8:page + 12]
    file.seek(0)
    file.write(pages)
PYTHON
expect_error 3 "not a sweep: a SQLite database of another kind" sweep merge view.sqlite
expect_error 3 "not a sweep: a SQLite database of another kind" sweep merge computed.sqlite
expect_error 3 "SQLite: the database is damaged or cannot be read: " sweep merge shared.sqlite
printf '{"model": %s}\n' "$(printf '[%.0s' {1..50000})$(printf ']%.0s' {1..50000})" >deep.jsonl
expect_error 3 "line 1: not a sweep" sweep merge deep.jsonl
mkdir folder.sqlite
expect_error 3 "cannot write: Is a directory" sweep resnet18 -o folder.sqlite
expect_error 3 "cannot write" sweep merge whole.csv -o folder.sqlite
expect "nothing is left beside it" is "$(echo folder.sqlite*)" folder.sqlite
run sweep 'raft*' --registry curated --columns macs
expect "a pattern that only another registry fits" is "$err" "zoometer: no model of the curated registry is raft*"
mkdir -p "$XDG_CONFIG_HOME/zoometer"
printf '[models.mine]\npython = "package.module:make"\n' >"$XDG_CONFIG_HOME/zoometer/registry.toml"
printf '[models.half]\nfamily = "resnet"\nlayers = [1, 1, 1, 1]\n' >>"$XDG_CONFIG_HOME/zoometer/registry.toml"
run sweep mine half --batch 1,2 --columns macs --python ./none
expect "a model of Python that cannot be traced is a row with its reason" grep -q '^mine,2,,,,,.*none' stdout.txt
expect "a family has a row for each batch" is "$(grep -c '^half,.*,0,$' <<<"$out")" 2
run sweep 'resnet(layers=[1,1,1,1])' --columns macs
expect "a family needs no name" is "$status" 0
rm "$XDG_CONFIG_HOME/zoometer/registry.toml"

# A sweep's files: reading writes nothing, one sweep at a time writes one, links are not followed.
"$ZOOMETER" sweep resnet18 --batch 1,2 -o foreign.sqlite 2>/dev/null
echo "my only key" >victim
/usr/bin/python3 - <<'PYTHON'
import pathlib, struct
database = pathlib.Path("foreign.sqlite").read_bytes()
page, magic = struct.unpack(">H", database[16:18])[0], bytes.fromhex("d9d505f920a163d7")
name = bytes(pathlib.Path("victim").resolve())
journal = (magic + struct.pack(">IIIII", 0, 0, len(database) // page, 512, page)).ljust(512, b"\0")
journal += struct.pack(">I", 0x40000000 // page + 1) + name + struct.pack(">II", len(name), sum(name)) + magic
pathlib.Path("foreign.sqlite-journal").write_bytes(journal)
PYTHON
expect_error 3 "the sweep that writes it was interrupted" sweep merge foreign.sqlite -o merged.csv
expect_error 3 "not the journal of an interrupted sweep" sweep resnet18 --batch 1,2 --resume -o foreign.sqlite
expect "a journal removes no other file" is "$(cat victim)" "my only key"
mkdir links && ln -s ../victim links/o.csv.part && mkfifo links/p.csv.part
"$ZOOMETER" sweep resnet18 --columns macs -o links/o.csv 2>/dev/null
"$ZOOMETER" sweep resnet18 --columns macs -o links/p.csv 2>/dev/null
expect "a link with the name of a part is not followed" is "$(cat victim)" "my only key"
expect "and the output is a file" test -f links/o.csv -a ! -L links/o.csv -a -f links/p.csv
ln -s ../victim links/q.csv.part
expect_error 3 "cannot write" sweep resnet18 --columns macs --resume -o links/q.csv
: >held.csv.part
flock held.csv.part "$ZOOMETER" sweep resnet18 --columns macs -o held.csv >held.txt 2>&1
expect "a second sweep is refused with who writes" has "$(cat held.txt)" "held.csv.part: another sweep is writing it (process "
for cell in '</script>' 99999999999999999999 '"1,
2"' 1.5 inf 0x10 007; do
  printf 'model,batch,resolution,dtype,macs,bounded,reason\nresnet18,1,224,float32,%s,0,\n' "$cell" >numbers.csv
  expect_error 3 "numbers.csv: line 2: macs: expected an integer of 64 bits" sweep merge numbers.csv -o numbers.html
done
printf 'model,batch,resolution,dtype,macs,bounded,reason\n=model(),1,224,float32,5,0,\n' >formula.csv
run sweep merge formula.csv
expect "a name that is a formula is marked as text" has "$out" "'=model(),1,224,float32,5,0,"
"$ZOOMETER" sweep merge formula.csv -o again.csv 2>/dev/null
run sweep merge again.csv
expect "and its mark is no part of the name" has "$out" "
'=model(),1,"
(echo before && "$ZOOMETER" sweep resnet18 --columns macs -o /dev/stdout 2>/dev/null) >log
(echo before && "$ZOOMETER" profile resnet18 -o /dev/stdout) >>log
expect "an open descriptor is appended to" is "$(grep -c '^before' log) $(grep -c '^resnet18' log)" "2 2"

finish
