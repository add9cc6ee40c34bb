"""Compares the PyTorch bridge with the live PyTorch.

Run with a Python that has torch and torchvision (Debian: /usr/bin/python3):

    /usr/bin/python3 tests/bridge/test_bridge.py
"""

import importlib.util
import json
import math
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
BRIDGE = os.path.join(HERE, os.pardir, os.pardir, "python", "zoometer_bridge.py")
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
warnings.simplefilter("ignore")
SKIPPED = 77  # the usual value of ctest's SKIP_RETURN_CODE

try:
    import torch
    import torchvision
    from replay import flat, replay
except ImportError as error:
    if __name__ != "__main__":
        raise unittest.SkipTest("no torch and torchvision here: %s" % error)
    print("skipped: no torch and torchvision here: %s" % error)
    sys.exit(SKIPPED)

def command(*words):
    return [sys.executable, BRIDGE] + list(words)


def parts():
    """The texts of the files that the bridge is made of, as the native program gives them to it."""
    folder = pathlib.Path(BRIDGE).parent / "zoometer"
    files = [*(folder / name for name in ("_rests.py", "_transformers.py", "_zoos.py")), *(folder / "_capture").glob("*.py")]
    return {file.relative_to(folder).as_posix(): file.read_text(encoding="utf-8") for file in files}


def run(*words, **options):
    """Run the bridge with its output captured; tests of user models run in this folder."""
    return subprocess.run(command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          cwd=HERE, universal_newlines=True, timeout=300, **options)


def carried_script():
    """The bridge with its parts in one text, as the native program carries it."""
    return "_PARTS = %r\n%s" % (parts(), pathlib.Path(BRIDGE).read_text(encoding="utf-8"))


def temporary_file():
    handle, path = tempfile.mkstemp(suffix=".jsonl")
    os.close(handle)
    return path


def read_events(path):
    """The events of a file; an incomplete last line is skipped, as a reader must do."""
    events = []
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            try:
                events.append(json.loads(line))
            except ValueError:
                continue
    return events


def trace(*words):
    """The events that a trace writes, and the finished process."""
    path = temporary_file()
    try:
        process = run("trace", "--output", path, *words)
        return read_events(path), process
    finally:
        os.remove(path)


def records(events):
    return {event["model"]: event for event in events if event["event"] == "model"}


def sizes_of(captured, value):
    return captured["types"][captured["values"][value]][1]


def operator_names(record):
    """The names of the operators of all calls, in order."""
    captured = record["captured"]
    return [captured["operators"][call[0]][1] for call in captured["calls"]]


def call_macs(captured, call):
    """Multiply-accumulates of one captured call."""
    number, _, given, outputs, _ = call
    name = captured["operators"][number][1]
    if name in ("conv2d", "conv3d"):
        positions = sizes_of(captured, outputs)
        return math.prod(sizes_of(captured, given[1])) * positions[0] * math.prod(positions[2:])
    if name == "linear":
        return math.prod(sizes_of(captured, given[0])) * sizes_of(captured, given[1])[0]
    if name in ("matmul", "bmm", "baddbmm"):
        left, right = given[1:3] if name == "baddbmm" else given[:2]
        return math.prod(sizes_of(captured, left)) * sizes_of(captured, right)[-1]
    if name == "scaled_dot_product_attention":
        query, key = sizes_of(captured, given[0]), sizes_of(captured, given[1])
        return 2 * math.prod(query) * key[-2]
    return 0


def total_macs(record):
    captured = record["captured"]
    return sum(call_macs(captured, call) for call in captured["calls"])


def module_calls(record):
    """[path, output shapes] of each module call, in the order in which they begin."""
    captured = record["captured"]
    return [[record["module_list"][module][0], [captured["types"][kind][1] for kind in kinds]]
            for _, module, kinds in captured["scopes"]]


def build_live(name):
    """The model with real weights; without the initialisers that take seconds."""
    options = {"weights": None}
    if name.startswith("lraspp"):
        options["weights_backbone"] = None
    if name == "googlenet":
        options["init_weights"] = False
    return torchvision.models.get_model(name, **options).eval()


def live_model(name):
    torch.manual_seed(0)
    model = build_live(name)
    for path, buffer in model.named_buffers():
        if path.endswith("running_mean") or path.endswith("running_var"):
            torch.nn.init.uniform_(buffer, 0.5, 1.5)
    return model


def live_state(model):
    state = dict(model.named_buffers())
    state.update(model.state_dict())
    return state


class TorchvisionModels(unittest.TestCase):
    """Several models, traced once for many checks."""

    MODELS = ("resnet18", "vit_b_16", "mobilenet_v2", "swin_t", "googlenet", "r3d_18",
              "lraspp_mobilenet_v3_large")
    BRANCHING = ("fasterrcnn_mobilenet_v3_large_320_fpn", "raft_small")

    @classmethod
    def setUpClass(cls):
        cls.events, cls.process = trace(*(cls.MODELS + cls.BRANCHING))
        cls.records = records(cls.events)

    def test_every_model_is_announced_and_recorded(self):
        self.assertEqual(self.process.returncode, 0, self.process.stderr)
        names = [event["event"] for event in self.events]
        count = len(self.MODELS) + len(self.BRANCHING)
        self.assertEqual(names, ["begin"] + ["start", "model"] * count + ["end"])
        self.assertEqual(self.events[0]["protocol"], 2)
        self.assertEqual(self.events[0]["torch"], torch.__version__)

    def test_models_are_captured(self):
        for name in self.MODELS + self.BRANCHING:
            with self.subTest(name):
                record = self.records[name]
                self.assertEqual((record["status"], record["via"]), ("traceable", "capture"),
                                 record["message"])

    def test_parameters_and_state_order(self):
        for name in self.MODELS:
            with self.subTest(name):
                record = self.records[name]
                model = build_live(name)
                self.assertEqual(record["parameters"],
                                 sum(p.numel() for p in model.parameters()))
                self.assertEqual(record["buffers"], sum(b.numel() for b in model.buffers()))
                expected = [(key, list(value.shape)) for key, value in model.state_dict().items()]
                self.assertEqual(self.recorded_state(record), expected)

    @staticmethod
    def recorded_state(record):
        captured = record["captured"]
        return [(name, sizes_of(captured, value))
                for _, name, value, persistent, _ in captured["state"] if persistent]

    def test_macs(self):
        known = {"resnet18": 1814073344, "vit_b_16": 17563828224, "mobilenet_v2": 300774272}
        for name, macs in known.items():
            with self.subTest(name):
                self.assertEqual(self.records[name]["inputs"],
                                 [{"shape": [1, 3, 224, 224], "dtype": "float32"}])
                self.assertEqual(total_macs(self.records[name]), macs)

    def test_composite_operators_are_one_call(self):
        names = operator_names(self.records["resnet18"])
        for name, count in (("linear", 1), ("adaptive_avg_pool2d", 1), ("batch_norm", 20)):
            self.assertEqual(names.count(name), count)

    def test_module_list_and_calls(self):
        for name in ("resnet18", "swin_t", "googlenet"):
            with self.subTest(name):
                record = self.records[name]
                model = live_model(name)
                modules = [[path, type(module).__module__ + "." + type(module).__qualname__]
                           for path, module in model.named_modules()]
                self.assertEqual(record["module_list"], modules)
                self.assertEqual(module_calls(record), self.live_calls(model))

    @staticmethod
    def live_calls(model):
        """[path, output shapes] in the order in which the calls begin."""
        calls, open_calls = [], []
        for path, module in model.named_modules():
            def begin(module, inputs, path=path):
                calls.append([path, None])
                open_calls.append(calls[-1])

            def end(module, inputs, output):
                open_calls.pop()[1] = [list(output.shape)]
            module.register_forward_pre_hook(begin)
            module.register_forward_hook(end)
        with torch.no_grad():
            model(torch.rand(1, 3, 224, 224))
        return calls

    def test_every_value_is_made_before_it_is_read(self):
        for name in self.MODELS:
            with self.subTest(name):
                captured = self.records[name]["captured"]
                made = {row[2] for row in captured["state"]} | set(captured["constants"])
                made |= {value for _, value in captured["inputs"]}
                for number, scope, given, outputs, _ in captured["calls"]:
                    kinds = captured["operators"][number][4]
                    for kind, value in zip(kinds, given):
                        if kind == "T" or kind == "t" and not isinstance(value, list):
                            self.assertLessEqual({item for item in flat(value) if item is not None},
                                                 made)
                    results = {value for value in flat(outputs) if value is not None}
                    self.assertFalse(made & results)
                    made |= results
                    self.assertLess(scope, len(captured["scopes"]))
                self.assertEqual(made, set(range(len(captured["values"]))))
                self.assertLessEqual(set(captured["outputs"]), made)

    def test_captured_calls_compute_what_the_models_compute(self):
        for name in ("resnet18", "mobilenet_v2", "swin_t"):
            with self.subTest(name):
                model = live_model(name)
                image = torch.rand(1, 3, 224, 224)
                with torch.no_grad():
                    expected = model(image.clone())
                outputs = replay(self.records[name]["captured"], live_state(model), [image])
                self.assertEqual(len(outputs), 1)
                torch.testing.assert_close(outputs[0], expected, rtol=1e-4, atol=1e-5)

    def test_what_data_decides_is_an_upper_bound(self):
        captured = self.records["fasterrcnn_mobilenet_v3_large_320_fpn"]["captured"]
        self.assertTrue(any(note.startswith("nms() keeps all boxes") for note in captured["notes"]))
        self.assertTrue(captured["bounded"])

    def test_the_verdict_of_fx(self):
        events, _ = trace("--tracer", "fx", "alexnet", *self.BRANCHING)
        found = records(events)
        self.assertEqual((found["alexnet"]["status"], found["alexnet"]["fx_nodes"]),
                         ("traceable", 24))
        detector = found[self.BRANCHING[0]]
        self.assertEqual(detector["reason_code"], "fx_iteration")
        self.assertTrue(detector["message"].startswith("Proxy object cannot be iterated"))
        self.assertEqual((detector["module"], detector["operator"]), ("", "images"))
        self.assertEqual(found["raft_small"]["reason_code"], "fx_control_flow")
        self.assertIn("cannot be used as inputs to control flow", found["raft_small"]["message"])


class Commands(unittest.TestCase):
    """info, list, and the options of trace."""

    def test_info(self):
        answer = json.loads(run("info").stdout)
        self.assertEqual(answer["protocol"], 2)
        self.assertEqual(answer["torch"], torch.__version__)
        self.assertEqual(answer["torchvision"], torchvision.__version__)
        self.assertTrue(answer["usable"])
        self.assertIsNone(answer["reason_code"])

    def test_list(self):
        answer = json.loads(run("list").stdout)
        models = {model["name"]: model for model in answer["models"]}
        self.assertEqual(list(models), torchvision.models.list_models())
        self.assertEqual(answer["source_version"], torchvision.__version__)
        tasks = {"resnet18": "classification", "quantized_resnet18": "classification",
                 "fcn_resnet50": "segmentation", "r3d_18": "video", "raft_small": "optical_flow",
                 "fcos_resnet50_fpn": "detection"}
        self.assertEqual({name: models[name]["task"] for name in tasks}, tasks)
        self.assertEqual(models["vit_b_16"]["family"], "vision_transformer")

    def test_builders_are_found_without_list_models(self):
        specification = importlib.util.spec_from_file_location("bridge", BRIDGE)
        bridge = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(bridge)
        expected = {name for name in torchvision.models.list_models()
                    if not name.startswith("quantized_")}
        self.assertEqual(set(bridge.zoos.scanned_builders(torchvision)), expected)

    def test_the_script_may_come_through_a_pipe(self):
        process = subprocess.run([sys.executable, "-", "info"], input=carried_script().encode(),
                                 stdout=subprocess.PIPE, timeout=60)
        self.assertEqual(json.loads(process.stdout)["protocol"], 2)

    def test_modules_beside_the_script_are_not_imported(self):
        with tempfile.TemporaryDirectory() as folder:
            script = os.path.join(folder, "zoometer_bridge.py")
            pathlib.Path(script).write_text(carried_script(), encoding="utf-8")
            for name in ("argparse", "json", "torch"):
                (pathlib.Path(folder) / (name + ".py")).write_text("raise SystemExit('shadowed')")
            process = subprocess.run([sys.executable, script, "info"], stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, timeout=60)
        self.assertNotIn(b"shadowed", process.stderr)
        self.assertIn(b'"torch"', process.stdout)

    def test_wrong_usage(self):
        self.assertEqual(run("trace").returncode, 2)
        self.assertEqual(run("trace", "--output", "/nonexistent/file").returncode, 2)
        self.assertEqual(run("explain").returncode, 2)

    def test_verdict_only(self):
        events, _ = trace("--skip-graph", "alexnet")
        record = records(events)["alexnet"]
        self.assertEqual(record["status"], "traceable")
        self.assertEqual(record["parameters"], 61100840)
        self.assertNotIn("captured", record)

    def test_variants(self):
        parameters = {}
        for variant in ("untrained", "published"):
            events, _ = trace("--variant", variant, "--skip-graph", "googlenet")
            parameters[variant] = records(events)["googlenet"]["parameters"]
        self.assertEqual(parameters, {"untrained": 13004888, "published": 6624904})

    def test_input_shapes(self):
        events, _ = trace("--input-shape", "2x3x64x64", "resnet18")
        record = records(events)["resnet18"]
        self.assertEqual(module_calls(record)[0], ["", [[2, 1000]]])

    def test_input_shapes_from_a_file(self):
        path = temporary_file()
        with open(path, "w", encoding="utf-8") as stream:
            json.dump({"resnet18": [[1, 3, 32, 32]], "alexnet": ["1,3,64,64"]}, stream)
        events, _ = trace("--inputs", path, "resnet18", "alexnet")
        os.remove(path)
        shapes = [record["inputs"][0]["shape"] for record in records(events).values()]
        self.assertEqual(shapes, [[1, 3, 32, 32], [1, 3, 64, 64]])

    def test_inputs_get_from_the_entry_what_they_leave_out(self):
        path = temporary_file()
        with open(path, "w", encoding="utf-8") as stream:
            json.dump({"resnet18": ["64"], "embeds": [{"shape": [4, 9]}]}, stream)
        events, _ = trace("--inputs", path, "embeds", "--module", "sample_models")
        inputs = records(events)["embeds"]["inputs"]
        self.assertEqual(inputs, [{"shape": [4, 9], "dtype": "int64"}])
        events, _ = trace("--inputs", path, "resnet18")
        os.remove(path)
        self.assertEqual(records(events)["resnet18"]["inputs"][0]["shape"], [1, 3, 64, 64])

    def test_an_input_that_does_not_fit(self):
        events, _ = trace("--input-shape", "1,4,224,224", "resnet18")
        record = records(events)["resnet18"]
        self.assertEqual((record["status"], record["reason_code"]), ("failed", "shape_error"))
        self.assertEqual(record["module"], "conv1")
        self.assertEqual(record["operator"], "torch.ops.aten.conv2d.default")
        self.assertIn("channel", record["message"])

    def test_an_unknown_model(self):
        events, process = trace("resnet1", "squeezenet1_1")
        self.assertEqual(process.returncode, 0)
        found = records(events)
        self.assertEqual(found["resnet1"]["reason_code"], "unknown_model")
        self.assertEqual(found["squeezenet1_1"]["status"], "traceable")

    def test_a_python_whose_torch_is_broken(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "torch.py"), "w", encoding="utf-8") as stream:
                stream.write("print('noise')\nraise OSError('libtorch.so is missing')\n")
            environment = dict(os.environ, PYTHONPATH=folder)
            answer = json.loads(run("info", env=environment).stdout)
            self.assertEqual((answer["torch"], answer["reason_code"]), (None, "no_torch"))
            self.assertIn("libtorch.so is missing", answer["torch_error"])
            path = os.path.join(folder, "trace.jsonl")
            process = run("trace", "--output", path, "resnet18", env=environment)
            self.assertEqual(process.returncode, 3)
            self.assertEqual(read_events(path)[-1]["reason_code"], "no_torch")
            self.assertEqual(run("list", env=environment).returncode, 3)


class UsersModels(unittest.TestCase):
    """The factories of sample_models.py, some of which misbehave."""

    @classmethod
    def setUpClass(cls):
        cls.events, cls.process = trace(
            "--module", "sample_models", "quiet", "noisy", "raises", "exits", "no_module",
            "depends_on_data", "writes_through_views", "encoder", "embeds", "cell", "adapted",
            "initialises_itself", "reads_few_values", "reads_many_values")
        cls.records = records(cls.events)

    def test_list(self):
        answer = json.loads(run("list", "--module", "sample_models").stdout)
        self.assertEqual(answer["source"], "python:sample_models")
        noisy = next(model for model in answer["models"] if model["name"] == "noisy")
        self.assertEqual((noisy["task"], noisy["family"]), ("unknown", "sample_models"))
        self.assertTrue(noisy["builder"].startswith("import sample_models\nsample_models.ZOOMETER_MODELS"))

    def test_one_function(self):
        events, _ = trace("--module", "sample_models:Quiet", "--input-shape", "2,8")
        self.assertEqual(records(events)["Quiet"]["status"], "traceable")

    def test_a_module_that_is_not_there(self):
        events, process = trace("--module", "no_such_module")
        self.assertEqual(process.returncode, 3)
        self.assertEqual(events[-1]["reason_code"], "no_module")

    def test_noise_goes_to_stderr(self):
        self.assertEqual(self.process.stdout, "")
        for words in ("noise from Python", "noise from C", "while it is traced"):
            self.assertIn(words, self.process.stderr)
        self.assertEqual(self.records["noisy"]["status"], "traceable")

    def test_factories_that_fail_do_not_stop_the_others(self):
        for name, message in (("raises", "this factory"), ("exits", "SystemExit: 3"),
                              ("no_module", "the factory returned str, not a torch.nn.Module")):
            with self.subTest(name):
                record = self.records[name]
                self.assertEqual(record["reason_code"], "build_error")
                self.assertEqual(record["message"], message)

    def test_shared_state_is_one_value(self):
        record = self.records["quiet"]
        self.assertEqual((record["parameters"], record["buffers"]), (84, 1))
        rows = {row[1]: row for row in record["captured"]["state"]}
        self.assertEqual(rows["scale"][3], 0)  # not persistent
        self.assertEqual(rows["second.weight"][2], rows["first.weight"][2])
        self.assertEqual([path for path, _ in module_calls(record)], ["", "first", "second"])
        self.assertIn(["unused", "torch.nn.modules.linear.Linear"], record["module_list"])

    def test_an_operator_whose_result_depends_on_data(self):
        captured = self.records["depends_on_data"]["captured"]
        self.assertEqual(captured["notes"], ["nonzero() selects all elements (in inner)"])
        (value, places), = captured["bounded"]
        self.assertEqual((sizes_of(captured, value), places), ([16, 2], [0]))

    def test_writes_through_views(self):
        captured = self.records["writes_through_views"]["captured"]
        sample_models = __import__("sample_models")
        x = torch.rand(3, 4)
        outputs = replay(captured, {}, [x])
        torch.testing.assert_close(outputs[0], sample_models.WritesThroughViews()(x))

    def test_frozen_parameters_and_what_runs_without_gradients(self):
        record = self.records["adapted"]
        trained = [name for _, name, _, _, gradient in record["captured"]["state"] if gradient]
        self.assertEqual(trained, ["encoder.weight", "encoder.bias", "down.weight", "up.weight"])
        without = [call[4] for call in record["captured"]["calls"]]
        self.assertEqual(list(zip(operator_names(record), without)),
                         [("linear", 1), ("relu", 1), ("linear", 0), ("linear", 0), ("linear", 0),
                          ("add", 0)])

    def test_children_of_a_layer_have_scopes(self):
        record = self.records["encoder"]
        calls = dict(map(tuple, ((path, str(shapes)) for path, shapes in module_calls(record))))
        self.assertEqual(calls["encoder.layers.1.linear1"], "[[1, 5, 32]]")
        # Per layer: in_proj, out_proj, two products over 4 heads of 4, two linear layers.
        layer = 5 * 16 * 48 + 5 * 16 * 16 + 2 * 4 * 5 * 5 * 4 + 2 * 5 * 16 * 32
        self.assertEqual(total_macs(record), 2 * layer)

    def test_integer_inputs_and_optional_arguments(self):
        record = self.records["embeds"]
        self.assertEqual(record["inputs"], [{"shape": [1, 7], "dtype": "int64"}])
        self.assertEqual(module_calls(record)[-1], ["table", [[1, 7, 16]]])

    def test_initialisers_fill_only_what_has_values(self):
        record = self.records["initialises_itself"]
        self.assertEqual(record["parameters"], 8 * 8 + 8 * 5 + 5)
        self.assertEqual(module_calls(record), [["", [[2, 5]]], ["head", [[2, 5]]]])

    def test_builders_that_read_values(self):
        record = self.records["reads_few_values"]
        self.assertEqual(record["parameters"], 8 + 1 + (1 << 30) + (1 << 15))
        self.assertEqual(module_calls(record)[-1], ["head", [[2, 1]]])
        record = self.records["reads_many_values"]
        self.assertEqual(record["reason_code"], "build_error")
        self.assertIn("the builder computes with values", record["message"])

    def test_a_module_called_twice(self):
        calls = [path for path, _ in module_calls(self.records["cell"])]
        self.assertEqual(calls, ["", "cell", "cell"])


class Interruption(unittest.TestCase):
    """The file of an interpreter that died."""

    def setUp(self):
        self.path = temporary_file()

    def tearDown(self):
        os.remove(self.path)

    def trace(self, *words):
        return run("trace", "--module", "sample_models", "--output", self.path, *words)

    def test_a_crash_names_its_model(self):
        process = self.trace("quiet", "crashes", "embeds")
        self.assertEqual(process.returncode, 7)
        events = read_events(self.path)
        self.assertEqual(events[-1], {"event": "start", "model": "crashes"})
        self.assertEqual(list(records(events)), ["quiet"])

    def test_a_killed_run_keeps_what_it_had_and_goes_on(self):
        process = subprocess.Popen(
            command("trace", "--module", "sample_models", "--output", self.path, "quiet",
                    "never_ends", "embeds"), cwd=HERE, stdout=subprocess.DEVNULL)
        deadline = time.time() + 60
        while "never_ends" not in [event.get("model") for event in read_events(self.path)]:
            self.assertLess(time.time(), deadline, "the bridge did not get that far")
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertEqual(list(records(read_events(self.path))), ["quiet"])
        with open(self.path, "a", encoding="utf-8") as stream:
            stream.write('{"event":"model","model":"never_e')
        self.assertEqual(self.trace("--append", "embeds").returncode, 0)
        events = read_events(self.path)
        self.assertEqual(list(records(events)), ["quiet", "embeds"])
        self.assertEqual(events[-1]["event"], "end")

    def test_control_c(self):
        process = subprocess.Popen(
            command("trace", "--module", "sample_models", "--output", self.path, "never_ends"),
            cwd=HERE, stdout=subprocess.DEVNULL,
            # In the background of a shell the signal is ignored, which a process inherits.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        self.addCleanup(process.kill)
        deadline = time.time() + 60
        while len(read_events(self.path)) < 2:
            self.assertLess(time.time(), deadline, "the bridge did not get that far")
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=30), 130)


if __name__ == "__main__":
    unittest.main()
