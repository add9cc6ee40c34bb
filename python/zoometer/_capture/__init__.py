"""Runs a PyTorch model on tensors without data, and writes down every ATen call that it makes.

These files need nothing but the standard library and torch (1.13, or 2.1 and newer): the package
`zoometer` imports them, and the native program carries their texts into the user's Python.
python/README.md describes the record.

    record(model, args, kwargs)   the record as bytes, for read_fx_record of the C++ library
    capture(model, args, kwargs)  the same as a dictionary of JSON values
    CaptureError                  why a model could not be captured

The model runs under a TorchDispatchMode, on twins of its parameters, buffers and inputs that have
shapes but no data; under inference_mode, so that composite operators arrive whole (one linear, one
attention, one LSTM). It is left as it was: values, training flags, hooks, buffers, devices,
versions and the state of the random generators.

    ways       which guard a model runs under, and when real values are the last resort
    run        the twins, the scopes of module calls, the document
    recorder   the dispatch mode: each call written down and run without data
    results    results of meta kernels, kept
    operators  what never changes about an operator
    higher_order  operators that take functions
    assumed    what only data decides: upper bounds and assumptions
    model      the tree of modules and what is put back
    tensors    types of tensors, tensors in containers
"""

import contextlib
import gc
import json
import threading
import time

from .run import CaptureError
from .ways import Capture

__all__ = ["CaptureError", "capture", "record"]

# One run at a time: it replaces Module.__call__ and the tensors of the model's modules.
LOCK = threading.RLock()


def record(model, args=(), kwargs=None, *, name=None):
    """The record of one run of `model(*args, **kwargs)`, as one line of JSON in UTF-8.

    model: an nn.Module (hooks, replaced forward, parametrizations, DataParallel, compiled,
    scripted, any device, training or eval) or any function of tensors. args, kwargs: tensors (real,
    meta, fake) in nested lists, tuples, dictionaries and dataclasses, numbers, None. name: what the
    record calls the model; its class if not given.

    Raises CaptureError, or what the model raises of BaseException (KeyboardInterrupt).
    """
    started = time.perf_counter()
    fields = {"event": "model", "model": name or type(model).__name__, "variant": "untrained",
              "status": "traceable", "via": "capture"}
    fields.update(capture(model, args, kwargs))
    fields["seconds"] = round(time.perf_counter() - started, 4)
    return json.dumps(fields, separators=(",", ":")).encode("utf-8")


def capture(model, args=(), kwargs=None):
    """The fields of a record that one run of the model gives: see record().

    "module_list", "state", "parameters", "buffers", "inputs" and "captured".
    """
    with LOCK, without_collections():
        return Capture(model, tuple(args), dict(kwargs or {})).run()


@contextlib.contextmanager
def without_collections():
    """Without the collector of cycles: it would look at all objects of the process again and again, while
    a run makes many and frees none."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
