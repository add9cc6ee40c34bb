#!/usr/bin/env bash
# Models in files: archives with several models, and unsupported formats.
. "$SOURCE_DIR/tests/cli/_lib.sh"
data=$SOURCE_DIR/tests/data

/usr/bin/python3 - "$data/pt2/mobilenet_v3_small.pt2" <<'END'
import pickle, struct, sys, zipfile

with zipfile.ZipFile(sys.argv[1]) as real, zipfile.ZipFile("two.pt2", "w", zipfile.ZIP_DEFLATED) as two:
    for name in real.namelist():
        text = real.read(name)
        if "/model" not in name:
            two.writestr(name, text)
        for other in ("first", "second"):
            if "/model" in name:
                two.writestr(name.replace("/model.", f"/{other}.").replace("/model_", f"/{other}_"), text)
with zipfile.ZipFile("script.pt", "w") as script:
    script.writestr("model/data.pkl", b"\x80\x02.")
    script.writestr("model/code/__torch__.py", "")
with zipfile.ZipFile("weights.pth", "w") as weights:
    weights.writestr("archive/data.pkl", b"\x80\x02.")
open("object.pkl", "wb").write(pickle.dumps({"a": 1}, 2))
header = b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
open("w.safetensors", "wb").write(struct.pack("<Q", len(header)) + header + bytes(4))
open("m.gguf", "wb").write(b"GGUF" + bytes(64))
open("nothing", "wb").write(b"no model at all")
END

expect_error 2 "the archive has several models" profile two.pt2
expect_error 2 "choose with --entry: first, second" profile two.pt2
expect_error 2 "the archive has no model third" profile two.pt2 --entry third
run profile two.pt2 --entry second --format json
expect "reads one of several models" json '.totals.parameters == 2542856'
run profile "$data/onnx/light_vgg19.onnx" --format json
expect "reads ONNX" json '.totals.macs == 19632062464 and .coverage.unknown == []'
# torch 2's exporter has folded the norms into the convolutions, and drops their biases of zeros.
products='[.modules[] | select(.macs > 0) | {path, macs, calls}] | sort_by(.path)'
run profile resnet18 --format json
products_of_the_model=$(jq -c "$products" stdout.txt)
run profile "$data/onnx/torch_resnet18.onnx" --format json
expect "reads an export of torch 2 as the model's own modules" is "$(jq -c "$products" stdout.txt)" "$products_of_the_model"
expect "counts the weights that the export has" json '.totals.parameters == 11689512 - 2 * 4800'
expect "takes the model's class from the export" json '.modules[0].type == "ResNet" and .coverage.unknown == []'
run profile "$data/tflite/audio_preprocessor_int8.tflite"
expect "says beside the MACs that they are not all" has "$(grep '^  MACs ' stdout.txt)" "without 9 unknown operators"
run parameters "$data/onnx/light_vgg19.onnx" --format json
expect "lists the weights of ONNX" json '.entries | length == 38'
run table "$data/onnx/light_vgg19.onnx"
expect "writes fvcore's table of ONNX" has "$out" "| 19.632G  |"

/usr/bin/python3 - <<'END'
import onnx
from onnx import TensorProto, helper

value = helper.make_tensor_value_info
scales = helper.make_tensor("scales", TensorProto.FLOAT, [4], [1, 1, 2, 2])
node = helper.make_node("Resize", ["x", "", "scales"], ["y"], mode="nearest", antialias=1)
graph = helper.make_graph([node], "antialiased", [value("x", TensorProto.FLOAT, [1, 3, 8, 8])],
                          [value("y", TensorProto.FLOAT, None)], [scales])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
open("antialiased.onnx", "wb").write(model.SerializeToString())
END
ignored="Resize antialias=1 was not taken into account (1 node)"
run profile antialiased.onnx
expect "notes what is not taken into account" has "$out" "note      $ignored"
run profile antialiased.onnx --format json
expect "in JSON, too" json ".notes | index(\"$ignored\") != null"
run profile antialiased.onnx --strict
expect "refuses it if asked to" is "$status" 1
expect "says why" has "$err" "$ignored"

expect_error 3 "TorchScript" profile script.pt
expect_error 3 "a PyTorch checkpoint" profile weights.pth
expect_error 3 "a Python pickle" profile object.pkl
expect_error 3 "the version of GGUF" profile m.gguf
expect_error 3 "nothing" profile nothing

run parameters w.safetensors
expect "lists weights without a graph" has "$out" "w     parameter     float32    (1,)"

finish
