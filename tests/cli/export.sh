#!/usr/bin/env bash
# `graph --format onnx`: the written files and the errors.
. "$SOURCE_DIR/tests/cli/_lib.sh"

python() { /usr/bin/python3 "$@"; }

# Every built-in model passes ONNX's own checker, shape inference included.
mkdir models
for model in $("$ZOOMETER" list --registry all --format json | jq -r '.models[].name'); do
  expect "$model" "$ZOOMETER" graph "$model" --registry all --format onnx --output "models/$model.onnx"
done
cat >check.py <<'PYTHON'
import sys
import onnx

bad = 0
for path in sys.argv[1:]:
    try:
        onnx.checker.check_model(onnx.load(path), full_check=True)
    except Exception as error:
        bad += 1
        print(f"FAILED: {path}: {str(error)[:300]}")
print(len(sys.argv) - 1 - bad, bad)
PYTHON
python check.py models/*.onnx | tee checked.txt
read -r checked refused < <(tail -n 1 checked.txt)
passed=$((passed + ${checked:-0})) failed=$((failed + ${refused:-1}))
expect "all models were checked" test "$checked" = "$(size_of all)"

# A language model of the registry, by its name.
expect "a language model" "$ZOOMETER" graph smollm2-135m --format onnx --output language.onnx
expect "has its tensors" bash -c '"$ZOOMETER" profile language.onnx --format json | jq -e ".totals.parameters == 134515008"'

# Attention and rotated pairs are basic operators, which ONNX's checker knows.
mkdir languages
for model in qwen3-0.6b gemma-2-2b gpt2; do
  run graph $model --format onnx --output languages/$model.onnx
  expect "$model is written" test "$status" -eq 0
  expect "$model needs no domain of ours" bash -c '! grep -q "no ONNX equivalent" stderr.txt'
  expect "$model: what is not written is a note" grep -q "factors that cost no product" stderr.txt
done
python check.py languages/*.onnx | tee checked.txt
expect "the checker takes them" grep -qx "3 0" checked.txt
run graph qwen3-0.6b --decode --context 4096 --format onnx --output decode.onnx
expect "a cache" bash -c '"$ZOOMETER" profile decode.onnx --format json | jq -e "[.inputs[].shape[-2]] | max == 4095"'

# A file whose nodes are in another order is copied with its nodes in order.
expect "a file out of order" "$ZOOMETER" graph "$SOURCE_DIR/tests/data/onnx/kinds/nodes_out_of_order.onnx" --format onnx --output ordered.onnx
run profile ordered.onnx
expect "is in order then" bash -c '! grep -q "not in topological order" stdout.txt'

# Names are torch.onnx's, parameters keep theirs; without weights they are inputs.
cat >names.py <<'PYTHON'
import json, subprocess, sys
import onnx

binary, path, kind = sys.argv[1:]
model = onnx.load(path, load_external_data=False)
entries = json.loads(subprocess.check_output([binary, "parameters", "resnet18", "--format", "json"]))["entries"]
wanted = [(entry["name"], entry["shape"]) for entry in entries]
if kind == "inputs":
    sizes = lambda port: [d.dim_value for d in port.type.tensor_type.shape.dim]
    found = [(port.name, sizes(port)) for port in model.graph.input][1:]
    assert not model.graph.initializer
else:
    found = [(tensor.name, list(tensor.dims)) for tensor in model.graph.initializer]
    assert [port.name for port in model.graph.input] == ["x"]
assert found == wanted, (found, wanted)
names = {node.name for node in model.graph.node}
assert {"/conv1/Conv", "/layer1/layer1.0/conv1/Conv", "/layer2/layer2.0/downsample/downsample.0/Conv",
        "/layer1/layer1.0/Add", "/fc/Gemm"} <= names, names
assert {"/layer1/layer1.0/relu/Relu", "/layer1/layer1.0/relu_1/Relu"} <= names, names
assert len(names) == len(model.graph.node), "duplicate name"
assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
metadata = {entry.key: entry.value for entry in model.metadata_props}
assert "layer1.0.conv1\tConv2d\n" in metadata["zoometer.modules"]
assert "bn1.running_mean\tbuffer\n" in metadata["zoometer.parameters"]
PYTHON
expect "parameters as inputs" python names.py "$ZOOMETER" models/resnet18.onnx inputs
random() { "$ZOOMETER" graph resnet18 --format onnx --random-weights "$@"; }
random >inline.onnx
expect "parameters as initializers" python names.py "$ZOOMETER" inline.onnx initializers
expect "inline weights" python check.py inline.onnx
random --external-data --output external.onnx
expect "parameters in another file" python names.py "$ZOOMETER" external.onnx initializers
expect "external weights" python -c 'import onnx; onnx.checker.check_model("external.onnx")'
expect "both have the same numbers" python -c '
import onnx
from onnx.numpy_helper import to_array
a, b = (onnx.load(p).graph.initializer for p in ("inline.onnx", "external.onnx"))
assert all((to_array(x) == to_array(y)).all() for x, y in zip(a, b, strict=True))
weight = to_array(a[0])
assert 0.03 < weight.std() < 0.3 and abs(weight.mean()) < 0.01, (weight.mean(), weight.std())'
expect "the model without its weights is small" test "$(stat -c %s external.onnx)" -lt 300000
expect "a seed gives the same numbers" cmp <(random --seed 0) inline.onnx
expect "another seed gives others" eval '! cmp -s <(random --seed 1) inline.onnx'
expect "a model is read back with its weights" test \
  "$("$ZOOMETER" profile external.onnx --format json | jq .totals.parameters)" = 11689512

# Weights of a file, by name.
cat >tensors.py <<'PYTHON'
"""The initializers of the model that is named first, to write as safetensors, changed or not."""
import json, struct, sys
import onnx
from onnx.numpy_helper import to_array

kinds = {1: "F32", 3: "I8", 7: "I64"}
header, parts, offset = {"__metadata__": {"format": "pt"}}, [], 0
for tensor in onnx.load(sys.argv[1]).graph.initializer:
    data = to_array(tensor).tobytes()
    header[tensor.name] = {"dtype": kinds[tensor.data_type], "shape": list(tensor.dims),
                           "data_offsets": [offset, offset + len(data)]}
    parts.append(data)
    offset += len(data)

def write(path, change=None, text=None, length=None):
    changed = {key: dict(value) for key, value in header.items()}
    if change: change(changed)
    text = json.dumps(changed).encode() if text is None else text
    open(path, "wb").write(struct.pack("<Q", len(text) if length is None else length) + text + b"".join(parts))

def drop(name): return lambda h: h.pop(name)
def put(name, **fields): return lambda h: h[name].update(fields)
PYTHON
cat >weights.py <<'PYTHON'
from tensors import *

write("whole.safetensors")
write("uncounted.safetensors", drop("bn1.num_batches_tracked"))
write("missing.safetensors", drop("fc.weight"))
write("shape.safetensors", put("fc.weight", shape=[512, 1000]))
write("dtype.safetensors", put("fc.bias", dtype="I32"))
write("unknown.safetensors", put("fc.bias", dtype="Q7"))
write("sizeless.safetensors", put("fc.bias", shape=[-1000]))
write("outside.safetensors", put("fc.bias", data_offsets=[offset, offset + 4000]))
write("bytes.safetensors", put("fc.bias", shape=[999]))
write("list.safetensors", lambda h: h.__setitem__("fc.bias", []))
write("text.safetensors", text=b"[1, 2]")
write("long.safetensors", length=1 << 40)
text = json.dumps(header).encode()
twice = b'{"fc.bias": ' + json.dumps(header["fc.bias"]).encode() + b", " + text[1:]
write("twice.safetensors", text=twice)
open("short.safetensors", "wb").write(b"1234")
PYTHON
python weights.py inline.onnx
load() { "$ZOOMETER" graph resnet18 --format onnx --weights "$1" --output "$2"; }
expect "weights by name" load whole.safetensors named.onnx
expect "they are the file's" cmp named.onnx inline.onnx
expect "a counter may be missing" load uncounted.safetensors uncounted.onnx
refuse() { expect_error 3 "$2" graph resnet18 --format onnx --output refused.onnx --weights "$1.safetensors"; }
refuse nowhere "nowhere.safetensors: cannot read the file"
refuse missing "the weights do not match the model: fc.weight: expected float32 (1000, 512), got no such tensor"
refuse shape "fc.weight: expected float32 (1000, 512), got float32 (512, 1000)"
refuse dtype "fc.bias: expected float32 (1000,), got int32 (1000,)"
refuse unknown "the tensor fc.bias has an unknown dtype"
refuse sizeless "the tensor fc.bias has no shape"
refuse outside "the tensor fc.bias is outside of the file"
refuse bytes "the tensor fc.bias has a size that does not match its shape"
refuse list "the tensor fc.bias is not an object"
refuse text "the header is not a JSON object"
refuse long "the header would have 1099511627776 bytes; is it a safetensors file?"
refuse twice "duplicate tensor fc.bias"
refuse short "the file is too short for the length of its header"
expect "a refused model leaves no file" test ! -e refused.onnx

# int8 networks, with the scales of their weights beside them
mkdir int8
for model in $("$ZOOMETER" list 'quantized_*' --registry all --format json | jq -r '.models[].name'); do
  int8() { "$ZOOMETER" graph "$model" --registry all --quantize --format onnx --output "$@"; }
  expect "$model in int8" int8 "int8/$model.onnx"
  expect "$model in int8 with weights" int8 "int8/$model.weights.onnx" --random-weights
done
python check.py int8/*.onnx | tee checked.txt
read -r checked refused < <(tail -n 1 checked.txt)
passed=$((passed + ${checked:-0})) failed=$((failed + ${refused:-1}))
expect "all int8 models were checked" test "$checked" = 24
cat >int8.py <<'PYTHON'
from tensors import *

write("integers.safetensors")
write("scaleless.safetensors", drop("conv1.weight_scale"))
write("wide.safetensors", put("conv1.weight", dtype="U8"))
PYTHON
python int8.py int8/quantized_resnet18.weights.onnx
int8() { "$ZOOMETER" graph quantized_resnet18 --registry all --quantize --format onnx --weights "$1" --output "$2"; }
expect "integers and scales by name" int8 integers.safetensors integers.onnx
expect "they are the file's" cmp integers.onnx int8/quantized_resnet18.weights.onnx
expect_error 3 "conv1.weight_scale: expected float32 (64,), got no such tensor" \
  graph quantized_resnet18 --registry all --quantize --format onnx --weights scaleless.safetensors --output refused.onnx
expect_error 3 "conv1.weight: expected int8 (64, 3, 7, 7), got uint8 (64, 3, 7, 7)" \
  graph quantized_resnet18 --registry all --quantize --format onnx --weights wide.safetensors --output refused.onnx
expect "a refused model leaves no file" test ! -e refused.onnx

# invalid combinations of options
expect_error 2 "--format onnx, got text" graph resnet18 --random-weights
expect_error 2 "--random-weights and --weights exclude each other" \
  graph resnet18 --format onnx --random-weights --weights whole.safetensors
expect_error 2 "--seed needs --random-weights" graph resnet18 --format onnx --seed 3
expect_error 2 "--external-data needs --random-weights or --weights" graph resnet18 --format onnx --external-data -o a.onnx
expect_error 2 "--external-data needs --output FILE" graph resnet18 --format onnx --random-weights --external-data
expect_error 3 "an ONNX model has at most 2 GiB" graph vit_h_14 --registry all --format onnx --random-weights -o large.onnx

expect "a terminal gets no binary" python -c '
import os, pty, sys
out = bytearray()
def read(fd):
    data = os.read(fd, 65536)
    out.extend(data)
    return data
status = os.waitstatus_to_exitcode(pty.spawn([sys.argv[1], "graph", "resnet18", "--format", "onnx"], read))
assert status == 2 and b"cannot write a binary file to a terminal" in out, (status, bytes(out[:200]))' "$ZOOMETER"

# notes on operators that cannot be written
expect_error 3 "No such file or directory" graph resnet18 --format onnx --random-weights --external-data -o nowhere/a.onnx
finish
