"""Runs a PyTorch model on tensors without data, and writes down every ATen call that it makes.

One self-contained file that needs nothing but the standard library and torch (1.13, or 2.1 and
newer): the package `zoometer` imports it, and the native program carries its text into the user's
Python. python/README.md describes the record.

    record(model, args, kwargs)   the record as bytes, for read_fx_record of the C++ library
    capture(model, args, kwargs)  the same as a dictionary of JSON values
    CaptureError                  why a model could not be captured

The model runs under a TorchDispatchMode, on twins of its parameters, buffers and inputs that have
shapes but no data; under inference_mode, so that composite operators arrive whole (one linear, one
attention, one LSTM). It is left as it was: values, training flags, hooks, buffers, devices,
versions and the state of the random generators.
"""

import collections
import contextlib
import functools
import inspect
import json
import random
import sys
import threading
import types

import torch
from torch.utils._python_dispatch import TorchDispatchMode

FORMAT = 1  # of the record's "captured"
LONGEST_MESSAGE = 500
Tensor, Parameter, Module = torch.Tensor, torch.nn.Parameter, torch.nn.Module


class CaptureError(Exception):
    """Why a model could not be captured.

    code: stable text for programs ("input_error", "shape_error", "unknown_operator", "capture_error",
    "lazy_module"). message: for people. exception: the Python type of the cause. module: path of the
    innermost module that was running ("" is the model). operator: "torch.ops.aten.NAME.OVERLOAD" or
    None. hint: what to do about it, or None.
    """

    def __init__(self, code, message, exception=None, module=None, operator=None, hint=None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.exception = exception
        self.module = module
        self.operator = operator
        self.hint = hint

    def fields(self):
        return {"reason_code": self.code, "message": self.message, "exception": self.exception,
                "module": self.module, "operator": self.operator}


def record(model, args=(), kwargs=None, *, name=None):
    """The record of one run of `model(*args, **kwargs)`, as one line of JSON in UTF-8.

    model: an nn.Module (hooks, replaced forward, parametrizations, DataParallel, compiled,
    scripted, any device, training or eval) or any function of tensors. args, kwargs: tensors (real,
    meta, fake) in nested lists, tuples, dictionaries and dataclasses, numbers, None. name: what the
    record calls the model; its class if not given.

    Raises CaptureError, or what the model raises of BaseException (KeyboardInterrupt).
    """
    captured = capture(model, args, kwargs)
    captured["model"] = name or captured["model"]
    return json.dumps(captured, separators=(",", ":")).encode("utf-8")


def capture(model, args=(), kwargs=None):
    """The record as a dictionary: see record()."""
    raise NotImplementedError
