"""What the package is, apart from what it counts: the import, the program, errors, threads."""

import importlib.metadata
import inspect
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import unittest

import zoometer

from support import ONNX, interruptible


class Import(unittest.TestCase):
    def test_imports_no_torch_and_nothing_heavy(self):
        """The import loads the core and a few files; what costs milliseconds is loaded when needed."""
        code = ("import sys; before = set(sys.modules); import zoometer; "
                "print(*sorted(set(sys.modules) - before))")
        done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        loaded = {name.partition(".")[0] for name in done.stdout.split()}
        heavy = {"torch", "numpy", "pandas", "json", "dataclasses", "inspect", "typing", "re", "ast",
                 "subprocess", "tempfile", "pathlib", "logging", "enum", "html"}
        self.assertEqual(loaded & heavy, set())
        self.assertLess(len(loaded), 20)

    def test_version_is_that_of_the_program(self):
        program = pathlib.Path(sysconfig.get_path("scripts"), "zoometer")
        done = subprocess.run([program, "--version"], check=True, capture_output=True, text=True)
        self.assertIn(zoometer.__version__, done.stdout)
        self.assertEqual(importlib.metadata.version("zoometer"), zoometer.__version__)

    def test_the_program_is_native(self):
        program = pathlib.Path(sysconfig.get_path("scripts"), "zoometer")
        self.assertEqual(program.read_bytes()[:4], b"\x7fELF")
        self.assertTrue(os.access(program, os.X_OK))

    def test_is_typed(self):
        folder = pathlib.Path(zoometer.__file__).parent
        self.assertTrue((folder / "py.typed").exists())
        self.assertIn("class Network", (folder / "_core.pyi").read_text())

    def test_every_public_name_has_a_docstring(self):
        for name in zoometer.__all__:
            if name == "__version__":
                continue
            public = getattr(zoometer, name)
            self.assertTrue(inspect.getdoc(public), name)
            if not inspect.isclass(public):
                continue
            for member, value in vars(public).items():
                if not member.startswith("_"):
                    self.assertTrue(inspect.getdoc(value), f"{name}.{member}")

    def test_every_public_function_is_annotated(self):
        for name in ("profile", "trace", "list_models", "sweep", "compare", "discover", "devices"):
            signature = inspect.signature(getattr(zoometer, name))
            self.assertIsNot(signature.return_annotation, inspect.Signature.empty, name)
            for parameter in signature.parameters.values():
                self.assertIsNot(parameter.annotation, inspect.Parameter.empty, f"{name} {parameter}")


class Errors(unittest.TestCase):
    def test_an_unknown_name_has_a_hint(self):
        with self.assertRaises(zoometer.UnknownNameError) as caught:
            zoometer.profile("resnet51")
        self.assertIsInstance(caught.exception, zoometer.Error)
        self.assertIsInstance(caught.exception, LookupError)
        self.assertEqual(caught.exception.code, "unknown_name")
        self.assertIn("resnet50", caught.exception.hint)
        self.assertEqual(str(caught.exception).count(caught.exception.hint), 1)
        self.assertIn("resnet50", str(caught.exception))

    def test_a_wrong_shape(self):
        with self.assertRaises(zoometer.Error) as caught:
            zoometer.profile("resnet50", input_shape=(1, 4, 224, 224))
        self.assertIn("4", str(caught.exception))

    def test_a_file_that_is_not_there(self):
        with self.assertRaises(zoometer.Error):
            zoometer.profile("/nowhere/model.onnx")

    def test_a_broken_file(self):
        with self.assertRaises(zoometer.MalformedError):
            zoometer.profile(ONNX.read_bytes()[:3000])

    def test_an_unknown_option(self):
        with self.assertRaises(zoometer.UsageError) as caught:
            zoometer.profile("resnet50", bach=2)
        self.assertIn("batch", caught.exception.hint)

    def test_inputs_for_a_name(self):
        with self.assertRaises(zoometer.UsageError):
            zoometer.profile("resnet50", 3)

    def test_something_that_is_no_model(self):
        with self.assertRaises(zoometer.UsageError):
            zoometer.profile(3)

    def test_an_unknown_convention_and_device(self):
        with self.assertRaises(zoometer.UnknownNameError):
            zoometer.profile("resnet18", convention="nobody").cost
        with self.assertRaises(zoometer.UnknownNameError) as caught:
            zoometer.profile("resnet18").roofline("H10")
        self.assertIn("H100", caught.exception.hint)

    def test_errors_pickle(self):
        """Processes that share work send errors to each other."""
        with self.assertRaises(zoometer.Error) as caught:
            zoometer.profile("resnet51")
        again = pickle.loads(pickle.dumps(caught.exception))
        self.assertEqual(type(again), type(caught.exception))
        self.assertEqual(again.hint, caught.exception.hint)


class Threads(unittest.TestCase):
    def test_threads_profile_at_once(self):
        names = ["resnet18", "vit_b_16", "swin_t", "mobilenet_v2"] * 8
        expected = {name: zoometer.profile(name).macs for name in set(names)}
        found, errors = [], []

        def work(name):
            try:
                found.append((name, zoometer.profile(name).macs))
                with self.assertRaises(zoometer.UnknownNameError):
                    zoometer.profile(name + "_x")
            except BaseException as error:
                errors.append(error)
        threads = [threading.Thread(target=work, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(errors, [])
        self.assertEqual([expected[name] for name, _ in found], [macs for _, macs in found])

    def test_other_threads_run_during_a_sweep(self):
        """The interpreter's lock is released while the core works."""
        counted, done = [0], threading.Event()

        def count():
            while not done.is_set():
                counted[0] += 1
                time.sleep(0.0005)
        thread = threading.Thread(target=count)
        thread.start()
        rows = zoometer.sweep(["swin_*", "vit_*"], batches=range(1, 9), take=lambda row: None)
        done.set()
        thread.join()
        self.assertEqual(rows, [])
        self.assertGreater(counted[0], 3)

    def test_control_c_ends_a_sweep(self):
        """The sweep has hours of work; the signal comes when its first row is there."""
        seen = []

        def take(row):
            if not seen:
                os.kill(os.getpid(), signal.SIGINT)
            seen.append(row)
        with interruptible(), self.assertRaises(KeyboardInterrupt):
            zoometer.sweep([], batches=range(1, 100000), take=take)
        self.assertLess(len(seen), 1000)

    def test_an_exception_of_the_callback_ends_a_sweep(self):
        def take(row):
            raise ZeroDivisionError(row.model)
        with self.assertRaises(ZeroDivisionError):
            zoometer.sweep([], batches=range(1, 100000), take=take)


class Leaks(unittest.TestCase):
    WORK = """
import sys, zoometer
from zoometer import _core
_core.set_leak_warnings(True)
def work():
    p = zoometer.profile("resnet18")
    results = [p.total, p.modules, p.operators, p.explain(), p.memory(), p.training(), p.roofline("H100"),
               p.diff(zoometer.profile("resnet34")).modules, p.stored_as("float16").total, p._repr_html_()]
    results += [zoometer.sweep("vgg11", batches=[1, 2]), zoometer.list_models("vgg*"), zoometer.devices()]
    try:
        zoometer.profile("resnet51")
    except zoometer.Error as error:
        results.append(error)
    results.append(results)  # a cycle, which the interpreter's collector finds
work()
assert "torch" not in sys.modules
"""

    def leaks_of(self, more):
        done = subprocess.run([sys.executable, "-c", self.WORK + more], check=True, capture_output=True, text=True)
        return done.stderr

    def test_nothing_outlives_the_interpreter(self):
        """Warnings are off for users, whose modules may keep what they like. Without such modules nothing is left."""
        self.assertEqual(self.leaks_of(""), "")

    def test_a_leak_would_be_seen(self):
        more = "import ctypes; ctypes.pythonapi.Py_IncRef(ctypes.py_object(zoometer.trace('vgg11')))"
        self.assertIn("nanobind: leaked 1 instances!", self.leaks_of(more))


class Files(unittest.TestCase):
    def test_a_failed_write_leaves_the_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "there.html")
            path.write_text("before")
            with self.assertRaises(zoometer.Error):
                zoometer.profile("resnet18").save(pathlib.Path(folder, "model.unknown"))
            with self.assertRaises(zoometer.Error):
                zoometer.profile("resnet18").report(pathlib.Path(folder, "no", "there.html"))
            self.assertEqual(path.read_text(), "before")


if __name__ == "__main__":
    unittest.main()
