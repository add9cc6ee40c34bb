#!/usr/bin/env bash
# Messages that no other test meets: entries of the user's registry, programs that cannot be run,
# interpreters that end early.
. "$SOURCE_DIR/tests/cli/_lib.sh"
mkdir -p "$XDG_CONFIG_HOME/zoometer"
registry=$XDG_CONFIG_HOME/zoometer/registry.toml
onnx=$SOURCE_DIR/tests/data/onnx/light_squeezenet.onnx

# entry TEXT LINES...: a registry of these lines is refused with that text.
entry() {
  local text=$1
  shift
  printf '%s\n' "$@" >"$registry"
  expect_error 3 "$text" list --registry all
}
entry 'expected a string' '[models.mine]' 'file = 7'
entry 'task: expected one of classification, ' '[models.mine]' 'file = "a"' 'task = "cooking"'
entry 'inputs: expected an array of shapes, got a boolean' '[models.mine]' 'python = "a:b"' 'inputs = true'
entry 'inputs: expected an array of shapes, got a number' '[models.mine]' 'python = "a:b"' 'inputs = 1.5'
entry 'inputs: expected an array of shapes, got a date' '[models.mine]' 'python = "a:b"' 'inputs = 2026-01-01'
entry 'inputs: expected shapes like [1, 3, 224, 224]' '[models.mine]' 'python = "a:b"' 'inputs = [7]'
entry 'inputs: expected sizes of at least 1' '[models.mine]' 'python = "a:b"' 'inputs = [[1, 0]]'
entry 'dtype: expected a dtype like float32 or int64' '[models.mine]' 'python = "a:b"' 'inputs = [{shape = [1], dtype = "float"}]'
entry 'inputs.size: expected the keys name, shape and dtype' '[models.mine]' 'python = "a:b"' 'inputs = [{size = [1]}]'
entry 'inputs: expected a shape' '[models.mine]' 'python = "a:b"' 'inputs = [{name = "x"}]'
printf '%s\n' '[models.mine]' 'python = "a:b"' 'inputs = [{name = "tokens", shape = [1, 128], dtype = "int64"}, [1, 3]]' >"$registry"
run list mine --registry all --format json
expect "inputs with names and types are taken" json '.models[0] | .source == "python:a:b"'
expect_error 2 'python:package.module:function' profile python:module
expect_error 2 'python:package.module:function' profile python::make

# edits
printf 'models.mine.file = "%s"\ncurated = ["resnet18"]\nmodels.mine.task = "other"\n' "$onnx" >"$registry"
cp "$registry" before.toml
expect_error 3 'cannot remove [models.mine] as it is written: remove it by hand' registry remove mine
expect "and the file is as it was" cmp before.toml "$registry"
printf 'models = {mine = {file = "%s"}, other = {file = "%s"}}\n' "$onnx" "$onnx" >"$registry"
expect_error 3 'cannot remove [models.mine] as it is written: remove it by hand' registry remove mine
expect "nor are its neighbours lost" grep -q other "$registry"
rm "$registry"
expect_error 3 'cannot open the plug-in: No such file' list --plugin nowhere.so
echo text >text.so
expect_error 3 'text.so: not a plug-in: ' list --plugin text.so
expect_error 3 'not a plug-in: expected a shared library that exports zoometer_plugin' list --plugin "$(ls /lib/*/libz.so.1 /lib64/libz.so.1 2>/dev/null | head -n 1)"

# sweeps
/usr/bin/python3 - <<'END'
import onnx
from onnx import TensorProto, helper
value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3])
graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "flat", [value("x")], [value("y")])
onnx.save(helper.make_model(graph), "flat.onnx")
END
expect_output "no input is an image or a clip: there is no resolution to set" sweep flat.onnx --resolution 64

expect_error 2 "no published weights match resnet81 (did you mean resnet18" verify resnet81

# Graphviz's program
mkdir programs
printf '#!/bin/sh\necho "no memory for this" >&2\nexit 3\n' >programs/dot
chmod +x programs/dot
PATH=$PWD/programs:$PATH expect_error 3 "dot failed with status 3: no memory for this" graph alexnet --format svg
printf 'no program' >programs/dot
rm programs/dot
mkdir programs/dot
without_dot() { env PATH="$PWD/programs" "$ZOOMETER" graph alexnet --format svg >stdout.txt 2>err.txt; }
without_dot
expect "a dot that cannot be run" has "$? $(<err.txt)" "3 zoometer: "

# interpreters
ln -s "$SOURCE_DIR/tests/cli/_fake_python" good
mkdir torch torchvision
: >torch/__init__.py
: >torchvision/__init__.py
export FAKE_TORCH=$PWD/torch/__init__.py FAKE_LOG=$PWD/log
FAKE_STOP=yes run discover --python "$PWD/good"
expect "an interpreter that ends before the first model" is "$status" 3
expect "and its output is reported" has "$err" "cannot run the bridge: exit status 4; 1 line printed, the last: killed by its user"
cat >mute <<'END'
#!/bin/bash
[ "$1" = -c ] && exec "${0%/*}/good" "$@"
printf '%s\n' '{"event":"begin","python":"3.11.2"}' '{"event":"end"}' >"$4"
END
chmod +x mute
expect_error 3 "the bridge reported no models" discover --python "$PWD/mute"
mkdir shims
ln -s "$PWD/good" shims/good
PATH=$PWD/shims:$PATH run discover --python good good last --format json
expect "an interpreter by its name on the PATH" is "$status" 0
expect "the first of that name is taken" json '.traceable == 2 and (.notes[0] | test("shims/good: Python"))'
run discover --python no_such_python
expect "a name that is not there" has "$err" "no_such_python does not run"
# The sanitizers need descriptors of their own to look at memory.
if ! grep -q __asan_init "$ZOOMETER"; then
  (
    ulimit -n 5
    "$ZOOMETER" discover --python "$PWD/good" >stdout.txt 2>stderr.txt
  )
  expect "no descriptor is left for a pipe" has "$(cat stderr.txt)" "Too many open files"
fi
finish
