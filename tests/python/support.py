"""What the tests of the package share."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parents[2]
ONNX = SOURCE / "tests/data/onnx/light_resnet50.onnx"
PROGRAM = os.environ.get("ZOOMETER", "zoometer")


def text_of(*words):
    """What the native program prints into a pipe, at its full width."""
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return subprocess.run(
        [PROGRAM, *map(str, words)], check=True, capture_output=True, text=True, env=environment
    ).stdout


def command_line(*words):
    """The JSON document that the native program writes."""
    return json.loads(text_of(*words, "--format", "json"))


@contextlib.contextmanager
def interruptible():
    """SIGINT raises KeyboardInterrupt, also where Python was started with the signal ignored, as in the
    background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
