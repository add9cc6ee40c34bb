#!/usr/bin/env bash
# Names with control characters and markup through every reader and writer, and files that are deep,
# cyclic or of enormous sizes.
. "$SOURCE_DIR/tests/cli/_lib.sh"

/usr/bin/python3 - "$SOURCE_DIR/tests/data/pt2/mobilenet_v3_small.pt2" <<'END'
import json, sys, zipfile
import onnx
from onnx import TensorProto, helper

bad = 'a\x1b[31m\x07</script><b>&"\n,;\u202e\'é'
value = lambda name, shape, type=TensorProto.FLOAT: helper.make_tensor_value_info(name, type, shape)
def save(file, nodes, inputs, outputs, weights=()):
    graph = helper.make_graph(nodes, bad, inputs, outputs, list(weights))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15), helper.make_opsetid(bad, 1)], producer_name=bad)
    onnx.save(model, file)

weight = helper.make_tensor(bad + "w", TensorProto.FLOAT, [2, 3], bytes(24), raw=True)
save("names.onnx", [helper.make_node("Gemm", [bad + "x", bad + "w"], [bad + "h"], name=f"/{bad}/Gemm", transB=1),
                    helper.make_node("Relu", [bad + "h"], [bad + "y"], name=f"/{bad}/{bad}/Relu")],
     [value(bad + "x", [1, 3])], [value(bad + "y", [1, 2])], [weight])
save("unknown.onnx", [helper.make_node(bad, ["x"], ["y"], domain=bad)], [value("x", [1, 3])], [value("y", [1, 3])])
save("cycle.onnx", [helper.make_node("Add", ["x", "b"], ["a"]), helper.make_node("Relu", ["a"], ["b"])],
     [value("x", [1, 3])], [value("b", [1, 3])])
save("itself.onnx", [helper.make_node("Relu", ["y"], ["y"])], [value("x", [1])], [value("y", [1])])
save("large.onnx", [helper.make_node("Relu", ["x"], ["y"])], [value("x", [1 << 40, 1 << 40])], [value("y", None)])
save("billion.onnx", [helper.make_node("Relu", ["x"], ["y"])], [value("x", [1 << 30])], [value("y", [1 << 30])])
save("long_error.onnx", [helper.make_node("MatMul", ["x", "x"], ["y"], name="n" * 100000)], [value("x", [2, 3])],
     [value("y", None)])
shape = helper.make_tensor("s", TensorProto.INT64, [3], [1 << 20, 1 << 20, 1 << 20])
save("grown.onnx", [helper.make_node("Expand", ["x", "s"], ["y"])], [value("x", [1])], [value("y", None)], [shape])
save("filled.onnx", [helper.make_node("ConstantOfShape", ["s"], ["y"])], [], [value("y", None)],
     [helper.make_tensor("s", TensorProto.INT64, [1], [1 << 31])])

def edited(file, edit):
    with zipfile.ZipFile(sys.argv[1]) as real, zipfile.ZipFile(file, "w") as made:
        for name in real.namelist():
            data = real.read(name)
            if name.endswith(("model.json", "models/model.json")):
                program = json.loads(data)
                edit(program["graph_module"]["graph"])
                data = json.dumps(program).encode()
            made.writestr(name, data)

def rename(graph):
    text = json.dumps(graph)
    first = graph["nodes"][0]["outputs"][0]["as_tensor"]["name"]
    new = json.loads(text.replace(json.dumps(first), json.dumps(bad)))
    graph.clear()
    graph.update(new)
    graph["nodes"][0]["metadata"]["nn_module_stack"] = f"root,,torch.nn.Module;L,{bad},{bad}"

def swap(graph):
    graph["nodes"][0], graph["nodes"][1] = graph["nodes"][1], graph["nodes"][0]

def enlarge(graph):
    for meta in graph["tensor_values"].values():
        meta["sizes"] = [{"as_int": 1 << 40} for _ in meta["sizes"]]

edited("names.pt2", rename)
edited("cycle.pt2", swap)
edited("large.pt2", enlarge)
open("expected_name", "w").write(bad)
END

cat >written.py <<'END'
"""No writer lets a control character or markup of a name through."""
import csv, io, json, re, subprocess, sys, xml.dom.minidom

form, text = sys.argv[1], sys.stdin.buffer.read().decode()
raw = re.findall(r"[\x00-\x08\x0b-\x1f\x7f]", text)
assert form in ("csv", "html") or not raw, f"control characters: {raw[:5]}"
assert form != "svg" or "<b>&" not in text, "markup"
if form == "json":
    json.loads(text)
if form == "csv":
    rows = list(csv.reader(io.StringIO(text)))
    assert len({len(row) for row in rows}) == 1, "rows of other lengths"
if form == "svg":
    xml.dom.minidom.parseString(text)
if form == "dot":
    subprocess.run(["dot", "-Tplain"], input=text.encode(), check=True, capture_output=True)
if form == "html":
    pages = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    assert len(pages) == 1 and json.loads(pages[0]), "the data ends early"
END
written() { "$ZOOMETER" "${@:2}" 2>stderr.txt | /usr/bin/python3 written.py "$1"; }
on_terminal() {
  script -qec "'$ZOOMETER' $*" /dev/null </dev/null | sed 's/\x1b\[[0-9;]*[mK]//g; s/\r//g' | /usr/bin/python3 written.py text
}
for file in names.onnx names.pt2; do
  expect "$file: profile, on a terminal" on_terminal profile $file
  expect "$file: memory, on a terminal" on_terminal profile $file --memory
  for form in text json csv html; do expect "$file: profile as $form" written $form profile $file --format $form; done
  for form in text json dot svg; do expect "$file: graph as $form" written $form graph $file --format $form; done
  expect "$file: table" written text table $file
  expect "$file: parameters" written text parameters $file
  expect "$file: parameters as JSON" written json parameters $file --format json
  expect "$file: report" written html report $file -o -
  expect "$file: roofline" written text roofline $file --device a100
  expect "$file: explain" written text explain $file
  expect "$file: diff" written text diff $file resnet18
  expect "$file: diff as JSON" written json diff $file resnet18 --format json
  run graph $file --format onnx -o again.onnx
  expect "$file: written as ONNX" is "$status" 0
  expect "$file: and read again" written text profile again.onnx
  expect "$file: which onnx accepts" /usr/bin/python3 -c 'import onnx; onnx.checker.check_model("again.onnx")'
done
expect "an unknown operator" written text profile unknown.onnx
expect "an unknown operator as JSON" written json profile unknown.onnx --format json
cp names.onnx "$(cat expected_name | tr -d '/\n')"
expect "a file's own name" written text discover --source .
expect "a file's own name as JSON" written json discover --source . --format json
expect "a sweep's row" written csv sweep names.onnx "$(cat expected_name | tr -d '/\n')" --columns macs

# readers: cyclic, enormous
expect_error 3 "cycle.onnx" profile cycle.onnx
expect_error 3 "itself.onnx" profile itself.onnx
expect_error 3 "a tensor is too large" --max-time 10 profile large.onnx
run --max-time 10 --max-memory 200M profile grown.onnx
expect "nor what is expanded" test "$status" = 0 -o "$status" = 3
run --max-time 10 --max-memory 200M profile billion.onnx --format json
expect "a billion elements take no memory" json '.totals.bytes_written == 4294967296'
run --max-time 10 --max-memory 200M profile filled.onnx --format json
expect "nor do those that are filled in" test "$status" = 0 -o "$status" = 3
expect_error 3 "cycle.pt2" profile cycle.pt2
expect_error 3 "large.pt2" --max-time 10 profile large.pt2

# the registry
mkdir -p "$XDG_CONFIG_HOME/zoometer"
registry=$XDG_CONFIG_HOME/zoometer/registry.toml
printf '[models."a\\u001b[31mb"]\nfile = "names.onnx"\n' >"$registry"
expect "a name in the registry" written text list --registry all
expect "on a terminal" on_terminal list --registry all
expect "as JSON" written json list --registry all --format json
expect "and in the sources" written text list --sources
printf 'curated = %s%s\n' "$(printf '[%.0s' {1..5000})" "$(printf ']%.0s' {1..5000})" >"$registry"
expect_error 3 "registry.toml" list
printf '[%sa]\n' "$(printf 'a.%.0s' {1..5000})" >"$registry"
expect_error 3 "registry.toml" list
printf 'curated = ["\x1b[31m"]\n' >"$registry"
expect_error 3 "registry.toml" list
rm "$registry"
# What occurs twice and may occur once: other readers merge it, or take the last one.
twice=$SOURCE_DIR/tests/data/hostile
for file in shape tensor type; do expect_error 3 "has a field twice that it may have once" profile "$twice/${file}_twice.onnx"; done
expect_error 3 "Flatten '' has the attribute 'axis' twice" profile "$twice/attribute_twice.onnx"
expect_error 3 'a JSON object has the name "sizes" twice' profile "$twice/json_key_twice.pt2"
run profile "$twice/dim_value_then_name.onnx" --dim N=3 --format json
expect "of a number and a name of a dimension the last one counts" has "$out" '"shape": [3, 4]'
run profile "$twice/bidi.onnx"
expect "marks of direction are escaped" has "$out" '\u202e'

# What the program reads beside models: no waiting for a pipe, no endless device, no deep nesting.
mkfifo pipe && mkdir -p piped/zoometer && mkfifo piped/zoometer/registry.toml
/usr/bin/python3 -c 'print("[" + ".".join(["a"] * 30000) + "]\nb = " + "[" * 70 + "]" * 70)' >deep.toml
/usr/bin/python3 -c 'print("[a]\nb = " + "[" * 70 + "]" * 70)' >brackets.toml
expect_error 3 "pipe: cannot read: it is not a regular file" roofline resnet18 --hardware pipe
expect_error 3 "it is not a regular file" roofline resnet18 --hardware /dev/zero
expect_error 3 "cannot open the plug-in: not a regular file" list --plugin pipe
expect_error 3 "deep.toml: line 1: nested too deeply" roofline resnet18 --hardware deep.toml
expect_error 3 "brackets.toml: line 2: nested too deeply" roofline resnet18 --hardware brackets.toml
XDG_CONFIG_HOME=$PWD/piped expect_error 3 "it is not a regular file" profile resnet18

# A cache whose lock another process holds is not waited for: the answer comes without it.
mkdir -p held/zoometer models && head -c 5000 /dev/urandom >held/zoometer/cache.sqlite3 && cp large.onnx models
flock -o held/zoometer/.cache.lock sleep 60 &
holder=$!
until flock -n held/zoometer/.cache.lock true; [ $? -ne 0 ]; do sleep 0.1; done
XDG_CACHE_HOME=$PWD/held run discover --source models
expect "a lock of the cache is not waited for" has "$status $err" "0 zoometer: answers are not kept: "
kill $holder

# A standard stream that is closed is no place for another file.
"$ZOOMETER" graph resnet18 --format svg -o open.svg
"$ZOOMETER" graph resnet18 --format svg -o closed.svg <&-
expect "a picture is whole without standard input" cmp open.svg closed.svg
"$ZOOMETER" profile resnet18 >&- 2>closed.txt
expect "a closed standard output is an error" is "$? $(grep -c 'cannot write' closed.txt)" "3 1"

# -- files that make a reader do much -----------------------------------------------------------

# at_most_once NAME WORDS...: an answer or status 3 within 256 MiB, whatever the file (the time only ends a loop).
bounded() {
  run --max-time 100 --max-memory 256M "$@"
  [ "$status" = 0 ] || { [ "$status" = 3 ] && lacks "$err" "out of memory" && lacks "$err" "--max-time"; } ||
    { echo "status $status: ${err:0:300}"; return 1; }
}
/usr/bin/python3 "$SOURCE_DIR/tests/cli/_hostile_families.py" . 20
for file in *.20.onnx *.20.pt2; do
  expect "$file: profile is bounded" bounded profile "$file"
  expect "$file: and as JSON" bounded profile "$file" --format json
  expect "$file: and its page" bounded profile "$file" --format html
  expect "$file: and its graph" bounded graph "$file"
  expect "$file: and its table" bounded table "$file"
  expect "$file: and its parameters" bounded parameters "$file"
done
for file in *_before.20.onnx; do
  expect "$file: diff is bounded" bounded diff "$file" "${file/_before/_after}"
  expect "$file: and of the file with itself" bounded diff "$file" "$file"
done
for file in *.20.json; do
  expect "$file: profile is bounded" bounded profile "$file"
  case $file in keras_*) continue ;; esac
  expect "$file: and its schemes" bounded quant "$file"
  expect "$file: and serving it" bounded serve "$file" --on H100
  expect "$file: and its parameters" bounded parameters "$file" --format json
done

# Few bytes that say much: experts whose tensors have names of their own, one file of weights under many names.
mkdir -p experts weights
/usr/bin/python3 - <<'END'
import json, struct
def safetensors(path, header):
    open(path, "wb").write(struct.pack("<Q", len(header)) + header)
sizes = {"model_type": "qwen3_moe", "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 16,
         "intermediate_size": 64, "moe_intermediate_size": 64, "vocab_size": 100, "num_experts_per_tok": 2}
json.dump({**sizes, "num_experts": 1 << 30, "num_hidden_layers": 8}, open("experts/config.json", "w"))
json.dump({**sizes, "num_experts": 4, "num_hidden_layers": 1024}, open("layers.json", "w"))
embedding = {"model.embed_tokens.weight": {"dtype": "BF16", "shape": [100, 64], "data_offsets": [0, 12800]}}
safetensors("experts/model.safetensors", json.dumps(embedding).encode())
safetensors("weights/m.safetensors", b'{"__metadata__":{"a":"' + b"x" * 1000000 + b'"}}')
names = {"w%d" % i: "./" * i + "m.safetensors" for i in range(1500)}
json.dump({"metadata": {}, "weight_map": names}, open("weights/model.safetensors.index.json", "w"))
END
expect_error 3 "tensors of experts: expected at most 524288, got 25769803776" profile experts/model.safetensors
expect_error 3 "tensors of experts: expected at most 524288, got 25769803776" parameters experts/config.json
expect "one file under many names is read once" bounded --max-time 10 profile weights/model.safetensors.index.json
for words in "profile layers.json" "quant layers.json" "serve layers.json --on H100 --format html" "compare layers.json layers.json" \
  "diff layers.json layers.json" "profile layers.json --training" "roofline layers.json --on H100 --fuse"; do
  # shellcheck disable=SC2086
  expect "a thousand layers: $words" bounded $words
done
run profile long_error.onnx
expect "a message with a long name is short" test "$status" = 3 -a "${#err}" -lt 4100
run profile one_wide_name.20.onnx
expect "a long name does not make every line as long" test "${#out}" -lt 6000000
expect "and is cut" has "$out" "WWW..."

# -- a process that can only read -----------------------------------------------------------------

mkdir -p shut && cp names.onnx shut
run profile shut/names.onnx
expected=$out
run profile shut/names.onnx --sandbox
expect "--sandbox gives the same answer" is "$status $out" "0 $expected"
run profile shut/names.onnx --sandbox -o shut.txt
expect "also into a file" is "$status $(cat shut.txt)" "0 $expected"
echo before >kept.txt
run profile cycle.onnx --sandbox -o kept.txt
expect "a refused file leaves the output alone" is "$status $(cat kept.txt)" "3 before"
expect_error 3 "cycle.onnx" profile cycle.onnx --sandbox
expect_error 2 "--sandbox: expected a file" profile resnet18 --sandbox

# -- the cache ------------------------------------------------------------------------------------

# No file that is mapped: who cuts it off would end the program.
mkdir -p cut && export XDG_CACHE_HOME=$PWD/cut
run discover --source models
expect "the cache has no shared memory" is "$(ls cut/zoometer | grep -c -e -shm -e -wal)" 0
mkdir -p open/zoometer && chmod 777 open/zoometer
XDG_CACHE_HOME=$PWD/open run discover --source models
expect "a cache folder that others may write to is not used" has "$status $err" "another user may write to it"
# A cache of an earlier version had a write-ahead log.
/usr/bin/python3 -c '
import sqlite3
db = sqlite3.connect("cut/zoometer/cache.sqlite3", isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute("DELETE FROM entries WHERE 0")'
run discover --source models
expect "an earlier cache is read" is "$status $err" "0 "
expect "and is one without a log from then on" is "$(ls cut/zoometer | grep -c -e -shm -e -wal)" 0
unset XDG_CACHE_HOME

finish
