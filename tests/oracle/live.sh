#!/usr/bin/env bash
# The live source with the real PyTorch: what is captured of its models against the native graphs,
# module by module; and how long the second answer takes.
. "$SOURCE_DIR/tests/cli/_lib.sh"
python=/usr/bin/python3
if ! $python -c 'import torchvision' 2>/dev/null; then
  fail "PyTorch and torchvision are needed"
  finish
  exit
fi
milliseconds() {
  local begin=$EPOCHREALTIME
  "$ZOOMETER" "$@" >/dev/null 2>&1
  local end=$EPOCHREALTIME
  echo $(((${end/./} - ${begin/./}) / 1000))
}

cold=$(milliseconds discover --source torchvision --python $python)
run discover --source torchvision --python $python --format json
expect "the document keeps to its schema" validate stdout.txt discovery
expect "all can be captured" json '.source == "torchvision" and .total == 118 and .traceable == 118
  and .failed == 0 and .skipped == 0'
expect "the interpreter is named" json '.notes[0] | startswith("/usr/bin/python3: Python ")'

warm=$cold
for _ in 1 2 3 4 5 6 7 8; do
  next=$(milliseconds discover --source torchvision --python $python)
  [ "$next" -lt "$warm" ] && warm=$next
done
echo "discover --source torchvision: $cold ms, then $warm ms"
expect "the second answer takes less than a hundredth" test $((warm * 100)) -le "$cold"

run discover --source torchvision --python $python --tracer fx --format json
expect "torch.fx traces fewer" json '.traceable == 104 and .failed == 14
  and ([.models[] | select(.status == "failed") | .reason] | unique - ["fx_control_flow", "fx_iteration", "fx_trace_error"] == [])'

# Two independent ways to one figure, for every model and every module.
run verify --live --python $python
echo "$(tail -n 2 stdout.txt | head -n 1), $(tail -n 1 stdout.txt)"
expect "all agree" is "$status" 0
expect "the graphs" is "$(tail -n 1 stdout.txt)" "live: 118 of 118 agree"
expect "the state dicts" is "$(tail -n 2 stdout.txt | head -n 1)" "state dicts: 118 of 118 agree"
run verify --live --python $python --format json
expect "the document keeps to its schema" validate stdout.txt live_verification
expect "every module is compared" json '[.models[].modules] | add == 36682'
expect "both reported their figures" json '[.models[] | select(.via == "capture")
  | select(.parameters.native == .parameters.live and .macs.native == .macs.live)] | length == 118'
expect "torchvision 0.14 lacks three" has "$err" "not in torchvision: swin3d_b, swin3d_s, swin3d_t"

# A model of one's own, by its Python factory.
cat >my_models.py <<'PY'
import torch

def small():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(8 * 30 * 30, 10))

def loud():
    print("hello from the factory")
    return small()

def endless():
    while True:
        pass

def crash():
    import ctypes
    ctypes.string_at(0)

def broken():
    raise RuntimeError("no such weights")

ZOOMETER_MODELS = {name: (globals()[name], [[1, 3, 32, 32]]) for name in ("small", "loud", "endless", "crash", "broken")}
PY
run profile python:my_models:small --python $python --input-shape 1,3,32,32 --format json
expect "a factory can be profiled" json '.source == "python" and .totals.macs == 266400 and .totals.parameters == 72234'
run profile python:my_models:small --python $python --input-shape 1,3,32,32 --batch 2 --format json
expect "with a batch" json '.totals.macs == 532800'
run profile python:my_models:small --python $python --format json
expect "a table's entry brings its input" json '.totals.macs == 266400'
run profile python:my_models:small --python $python --batch 2 --format json
expect "with a batch" json '.totals.macs == 532800 and (.notes | any(test("--batch 2 sets axis 0 of")))'
run sweep python:my_models:small --python $python --batch 1,2 --columns macs --format jsonl
expect "it can be swept" is "$(jq -r .macs stdout.txt | paste -sd' ')" "266400 532800"
run list python:my_models:small --show macs --format json
expect "and listed" json '.models[0].macs == 266400'
run discover --source python:my_models --python $python --time-limit 3 --format json
expect "a module of factories can be discovered" json '.total == 5 and .traceable == 2 and .failed == 3'
expect "one that prints" json '.models[] | select(.name == "loud") | .note | test("hello from the factory")'
expect "one that never ends" json '.models[] | select(.name == "endless") | .reason == "time_limit"'
expect "one that kills the interpreter" json '.models[] | select(.name == "crash")
  | .reason == "crash" and (.message | test("Segmentation fault"))'
expect "one that raises" json '.models[] | select(.name == "broken")
  | .reason == "build_error" and .message == "no such weights"'
# Low-rank adaptation: the numbers are saved_tensors_hooks' for the same module in training mode.
cat >adapted.py <<'PY'
import torch

class Adapted(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.base = torch.nn.Linear(64, 64).requires_grad_(False)
        self.down, self.up = torch.nn.Linear(64, 4, bias=False), torch.nn.Linear(4, 64, bias=False)
        self.head = torch.nn.Linear(64, 8)

    def forward(self, x):
        for _ in range(2):
            x = torch.relu(self.base(x) + self.up(self.down(x)))
        return self.head(x)
PY
run profile python:adapted:Adapted --python $python --input-shape 4,64 --training --optimizer adam --format json
expect "frozen parameters have no gradient and no state" json '.training.trainable_parameters == 1032
  and .training.gradient_bytes == 4128 and .training.optimizer_state_bytes == 8256'
expect "and nothing is kept for them" json '.training.saved_bytes == 2176'
sed -i 's/Conv2d(3, 8, 3)/Conv2d(3, 8, 3, bias=False)/' my_models.py
run profile python:my_models:small --python $python --input-shape 1,3,32,32 --format json
expect "an edited file is asked again" json '.totals.parameters == 72226'
mkdir -p "$XDG_CONFIG_HOME/zoometer"
cat >"$XDG_CONFIG_HOME/zoometer/registry.toml" <<TOML
python = "$python"
[models.mine]
python = "my_models:small"
inputs = [[1, 3, 32, 32]]
[models.theirs]
torchvision = "resnet18"
TOML
run list mine theirs --format json
expect "own models are listed with their source" json '[.models[].source] == ["python:my_models:small", "torchvision:resnet18"]'
run registry add ours --from python:my_models:loud --input-shape 1,3,32,32
expect "one can be added by a command" has "$out" "added ours: "
run profile ours --format json
expect "and profiled then" json '.totals.macs == 266400'
run registry update --source python:my_models --time-limit 3
expect "all new ones of a source can be added" has "$out" "+ small"
run profile small --format json
expect "and profiled then, too" json '.totals.macs == 266400'
run profile mine --format json
expect "an own model has a name" json '.model == "mine" and .totals.macs == 266400'
run profile theirs --format json
expect "so can have one of torchvision" json '.totals.macs == 1814073344'
run discover mine theirs --format json
expect "own models are discovered beside the built-in ones" json '.traceable == 2'
mkdir torch
echo 'raise RuntimeError("a folder of that name")' >torch/__init__.py
run profile torchvision:resnet34 --python $python --format json
expect "a folder named torch is not taken for PyTorch" json '.totals.macs == 3663761408'
finish
