#!/usr/bin/env python3
"""The live PyTorch bridge of zoometer.

Runs inside the Python that the user has, builds each model on meta tensors (no
weight is ever initialised), lets torch.fx say whether it can be traced, executes
the traced graph on meta tensors and writes every ATen call with its shapes and
module scope, in the JSON schema of torch.export's ExportedProgram.

python/README.md describes the protocol. The script is one self-contained file and
needs nothing but the standard library, torch and (for its zoo) torchvision.
"""

import sys

# Python puts the script's folder before all others: a temporary folder, a checkout or, for a script
# in memory, the root, whose modules must not shadow the real ones. Before any other import.
if __name__ == "__main__" and not sys.flags.isolated and not getattr(sys.flags, "safe_path", False):
    del sys.path[0]

import argparse
import contextlib
import gc
import hashlib
import importlib
import inspect
import io
import json
import math
import os
import sysconfig
import time
import traceback
import types
import warnings
import zipfile

PROTOCOL = 1
EXIT_DONE, EXIT_USAGE, EXIT_NO_TORCH, EXIT_INTERRUPTED = 0, 2, 3, 130
OLDEST_TORCH = (1, 13)
LONGEST_MESSAGE = 500


def take_over_stdout():
    """Send whatever models and imports print to stderr, C code included.

    Returns the stream that still reaches the real stdout, for our own JSON only.
    """
    results = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return results


RESULTS = take_over_stdout() if __name__ == "__main__" else sys.stdout


def import_or_error(name):
    """The module and None, or None and why it could not be imported.

    A broken torch raises OSError or worse, and `info` must still answer.
    """
    try:
        return importlib.import_module(name), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return None, first_line(error, with_type=True)


def first_line(error, with_type=False):
    """An exception's own words, without the pages that torch likes to append."""
    name = type(error).__name__
    lines = str(error).strip().splitlines()
    if not lines:
        return name
    words = lines[0] if len(lines[0]) <= LONGEST_MESSAGE else lines[0][:LONGEST_MESSAGE] + "..."
    return name + ": " + words if with_type else words


def version_of(module):
    """(1, 13) for "1.13.0a0"; (0, 0) if there is no such module."""
    numbers = getattr(module, "__version__", "0.0").split(".")[:2]
    return tuple(int("".join(c for c in n if c.isdigit()) or 0) for n in numbers)


warnings.simplefilter("ignore")
torch, TORCH_ERROR = import_or_error("torch")
if torch is not None:
    torch_fx, _ = import_or_error("torch.fx")
    dispatch, _ = import_or_error("torch.utils._python_dispatch")
USABLE = torch is not None and version_of(torch) >= OLDEST_TORCH
TracerBase = torch_fx.Tracer if USABLE else object
DispatchBase = dispatch.TorchDispatchMode if USABLE else object


class Failure(Exception):
    """What stopped one model: a stable code for programs, words for people."""

    def __init__(self, code, error, module=None, operator=None):
        super().__init__(code)
        self.code = code
        self.message = first_line(error, with_type=not isinstance(error, Exception))
        self.exception = type(error).__name__
        self.module = module
        self.operator = operator

    def fields(self):
        return {"reason_code": self.code, "message": self.message, "exception": self.exception,
                "module": self.module, "operator": self.operator}


@contextlib.contextmanager
def failing_as(code):
    """Turn whatever goes wrong inside into a Failure; only Control-C gets through."""
    try:
        yield
    except (KeyboardInterrupt, Failure):
        raise
    except BaseException as error:
        raise Failure(code, error)


# --- Sources: which models there are, and how to build them ---------------------------


class Entry:
    """One model of a source: how to build it and what it is likely to be fed."""

    def __init__(self, name, task, family, builder, shapes=None):
        self.name = name
        self.task = task
        self.family = family
        self.builder = builder
        self.shapes = shapes


TASK_OF_PACKAGE = {"segmentation": "segmentation", "detection": "detection", "video": "video",
                   "optical_flow": "optical_flow"}


def torchvision_entries(torchvision):
    """Every registered builder; its package determines its task."""
    builders = registered_builders(torchvision) or scanned_builders(torchvision)
    entries = []
    for name in sorted(builders):
        parts = builders[name].__module__.split(".")[2:]
        task = TASK_OF_PACKAGE.get(parts[0] if parts else "", "classification")
        entries.append(Entry(name, task, ".".join(parts), builders[name]))
    return entries


def registered_builders(torchvision):
    """list_models() and get_model_builder() exist since torchvision 0.14."""
    models = torchvision.models
    if not hasattr(models, "list_models"):
        return {}
    return {name: models.get_model_builder(name) for name in models.list_models()}


def scanned_builders(torchvision):
    """Before 0.14: public functions that offer pretrained weights are the builders."""
    models = torchvision.models
    packages = [models] + [getattr(models, package) for package in TASK_OF_PACKAGE
                           if hasattr(models, package)]
    found = {}
    for package in packages:
        for name, value in vars(package).items():
            if inspect.isfunction(value) and not name.startswith("_") \
                    and {"weights", "pretrained"} & set(inspect.signature(value).parameters):
                found[name] = value
    return found


def user_entries(module_name, function_name):
    """One factory by name, or those that the module names in ZOOMETER_MODELS."""
    module = importlib.import_module(module_name)
    table = getattr(module, "ZOOMETER_MODELS", None)
    table = table if isinstance(table, dict) else {}
    if function_name and function_name not in table:
        return [Entry(function_name, "unknown", module_name, getattr(module, function_name))]
    if not table:
        raise ValueError("module %s has no dict ZOOMETER_MODELS" % module_name)
    entries = []
    for name in [function_name] if function_name else table:
        row = table[name]
        factory, shapes = row if isinstance(row, tuple) else (row, None)
        entries.append(Entry(name, "unknown", module_name, factory, shapes))
    return entries


def load_entries(arguments):
    """The models of the chosen source, with the source's name and version."""
    if arguments.module:
        sys.path.insert(0, os.getcwd())
        name, _, function = arguments.module.partition(":")
        entries = user_entries(name, function)
        return entries, arguments.module, getattr(sys.modules[name], "__version__", None)
    torchvision = importlib.import_module("torchvision")
    return torchvision_entries(torchvision), "torchvision", torchvision.__version__


# --- What a model's definition depends on -----------------------------------------------


class SourceFiles:
    """The source files of each model, so that a caller knows when to ask again.

    A module depends on the modules that its globals come from. Those of the standard
    library and of installed packages are left out, but for the source's own package.
    """

    def __init__(self, top_level):
        self.top_level = top_level
        installed = list(sysconfig.get_paths().values())
        installed.append(os.path.dirname(os.path.dirname(torch.__file__)))
        self.installed = tuple({os.path.realpath(path) + os.sep for path in installed})
        self.neighbours = {}
        self.digests = {}

    def file_of(self, name):
        """The module's file, or None for what is not watched."""
        path = getattr(sys.modules.get(name), "__file__", None)
        if not isinstance(path, str):
            return None
        path = os.path.realpath(path)
        if name.split(".")[0] == self.top_level:
            return path if not name.endswith(".version") else None
        return None if path.startswith(self.installed) else path

    def imported(self, name):
        """Names of the watched modules that a module's globals come from."""
        if name not in self.neighbours:
            module = sys.modules[name]
            found = set()
            for value in list(vars(module).values()):
                if isinstance(value, types.ModuleType):
                    # A package has its submodules as members whether or not it uses them.
                    if not value.__name__.startswith(name + "."):
                        found.add(value.__name__)
                elif isinstance(getattr(value, "__module__", None), str):
                    found.add(value.__module__)
            self.neighbours[name] = {other for other in found - {name} if self.file_of(other)}
        return self.neighbours[name]

    def closure(self, name):
        """All modules that a module depends on, itself included."""
        seen, todo = set(), [name]
        while todo:
            here = todo.pop()
            if here not in seen and self.file_of(here):
                seen.add(here)
                todo.extend(self.imported(here))
        return sorted(seen)

    def content(self, name):
        if name not in self.digests:
            with open(self.file_of(name), "rb") as stream:
                self.digests[name] = hashlib.sha256(stream.read()).hexdigest()
        return self.digests[name]

    def digest(self, name):
        """A text that changes when a source file of the module does; None if it has none."""
        names = self.closure(name)
        text = "\n".join(other + " " + self.content(other) for other in names)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32] if names else None

    def files(self):
        return sorted({self.file_of(name) for name in self.digests})


def describe(entries, source):
    """The source as in `begin`: its models and the files that define them."""
    sources = SourceFiles(source.partition(":")[0].split(".")[0])
    models = [{"name": entry.name, "task": entry.task, "family": entry.family,
               "digest": sources.digest(getattr(entry.builder, "__module__", None) or "")}
              for entry in entries]
    return {"models": models, "files": sources.files()}


# --- Building a model on meta tensors -------------------------------------------------

# Not arange, linspace or tensor: builders compute with what those return.
META_FACTORIES = ("empty", "zeros", "ones", "full", "rand", "randn")


def on_meta(factory):
    def build(*args, **kwargs):
        kwargs["device"] = "meta"
        kwargs.pop("pin_memory", None)
        return factory(*args, **kwargs)
    return build


@contextlib.contextmanager
def patched(replacements):
    """Replace attributes, given as (owner, name, value), and put them back."""
    saved = [(owner, name, getattr(owner, name)) for owner, name, _ in replacements]
    try:
        for owner, name, value in replacements:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in saved:
            setattr(owner, name, value)


def building_patches():
    """Factories go to meta, initialisers do nothing, weights are never downloaded."""
    patches = [(torch, name, on_meta(getattr(torch, name))) for name in META_FACTORIES]
    patches += [(torch.nn.init, name, lambda tensor, *args, **kwargs: tensor)
                for name in vars(torch.nn.init) if name.endswith("_") and name[0] != "_"]
    patches.append((torch.nn.Module, "load_state_dict", lambda *args, **kwargs: None))
    patches.append((torch.hub, "load_state_dict_from_url", lambda *args, **kwargs: {}))
    api = sys.modules.get("torchvision.models._api")
    if api is not None:
        patches.append((api.WeightsEnum, "get_state_dict", lambda *args, **kwargs: {}))
    return patches


def builder_arguments(builder, variant):
    """What to pass so that a builder gives the variant without its weights."""
    try:
        parameters = inspect.signature(builder).parameters
    except (TypeError, ValueError):
        return {}
    published = variant == "published"
    wanted = {"weights": "DEFAULT" if published else None, "weights_backbone": None,
              "pretrained": published, "pretrained_backbone": False}
    if "weights" in parameters:
        wanted.pop("pretrained")
        wanted.pop("pretrained_backbone")
    return {name: value for name, value in wanted.items() if name in parameters}


def build_model(entry, variant):
    """The model in eval mode with every parameter and buffer on meta."""
    if isinstance(entry.builder, torch.nn.Module):
        model = entry.builder
    else:
        arguments = builder_arguments(entry.builder, variant)
        with patched(building_patches()):
            model = entry.builder(**arguments)
    if not isinstance(model, torch.nn.Module):
        raise TypeError("the factory returned %s, not a torch.nn.Module" % type(model).__name__)
    move_to_meta(model)
    return model.eval()


def move_to_meta(model):
    """Move what was made by other means than the patched factories.

    A tensor that two modules share stays shared.
    """
    moved = {}
    for module in model.modules():
        for table in (module._parameters, module._buffers):
            for name, tensor in table.items():
                if tensor is None or tensor.is_meta:
                    continue
                if id(tensor) not in moved:
                    moved[id(tensor)] = tensor, on_meta_copy(tensor)
                table[name] = moved[id(tensor)][1]


def on_meta_copy(tensor):
    copy = tensor.detach().to("meta")
    if isinstance(tensor, torch.nn.Parameter):
        return torch.nn.Parameter(copy, tensor.requires_grad)
    return copy


# --- Inputs ---------------------------------------------------------------------------


def parse_shape(text):
    """"1,3,224,224" or "1x3x224x224", followed by ":int64" for another dtype."""
    sizes, _, dtype = text.partition(":")
    shape = [int(size) for size in sizes.replace("x", ",").split(",")]
    return {"shape": shape, "dtype": dtype or "float32"}


def normalised(shapes):
    """Shapes as in a file or a ZOOMETER_MODELS table, all in one form."""
    return [shape if isinstance(shape, dict) else
            parse_shape(shape) if isinstance(shape, str) else
            {"shape": list(shape), "dtype": "float32"} for shape in shapes]


def preset_size(builder):
    """The crop of the default weights' published transform, as [height, width]."""
    models = sys.modules["torchvision.models"]
    try:
        transforms = models.get_model_weights(builder).DEFAULT.transforms
        crop = transforms.keywords["crop_size"]
    except (AttributeError, KeyError, ValueError):
        return None
    return [crop, crop] if isinstance(crop, int) else list(crop)


def default_shapes(entry, variant, model):
    """A guess by task, for callers that name no input."""
    if entry.task == "segmentation":
        return [[1, 3, 520, 520]]
    if entry.task == "detection":
        return [[1, 3, 800, 800]]
    if entry.task == "optical_flow":
        return [[1, 3, 520, 960], [1, 3, 520, 960]]
    size = preset_size(entry.builder)
    if entry.task == "video":
        return [[1, 3, 16] + (size or [112, 112])]
    assumed = getattr(model, "image_size", None)
    if isinstance(assumed, int) and variant == "untrained":
        size = [assumed, assumed]
    return [[1, 3] + (size or [224, 224])]


def input_specs(entry, variant, model, given):
    """The inputs asked for, else those of the entry, else a guess."""
    return normalised(given or entry.shapes or default_shapes(entry, variant, model))


def meta_inputs(specs):
    """Empty tensors of the given shapes."""
    inputs = []
    for spec in specs:
        dtype = getattr(torch, spec["dtype"], None)
        if not isinstance(dtype, torch.dtype):
            raise ValueError("unknown dtype %s" % spec["dtype"])
        inputs.append(torch.empty(spec["shape"], dtype=dtype, device="meta"))
    return inputs


# --- Module scopes --------------------------------------------------------------------


def type_name(value):
    kind = type(value)
    return kind.__module__ + "." + kind.__qualname__


def named_padding(module):
    """The padding of a convolution that has it by name; ATen's calls have numbers."""
    padding = getattr(module, "padding", None)
    if isinstance(padding, str) and getattr(module, "padding_mode", "zeros") == "zeros":
        return padding
    return ""


class Scope:
    """One call of one module; the chain of parents is the module stack of a node."""

    def __init__(self, parent, path, module, index):
        self.parent = parent
        self.path = path
        self.kind = type_name(module)
        self.padding = named_padding(module)
        self.index = index
        self.output = None
        self.inner = []
        self._stack = None
        self._metadata = None

    def stack(self):
        """The nn_module_stack text; a repeated call has "@N" in its key, as in torch."""
        if self._stack is None:
            repeat = "@%d" % self.index if self.index else ""
            own = "L__self__%s%s,%s,%s" % (self.path, repeat, self.path, self.kind)
            self._stack = own if self.parent is None else self.parent.stack() + ";" + own
        return self._stack

    def metadata(self):
        """The node metadata as JSON text, made once per call."""
        if self._metadata is None:
            metadata = {"nn_module_stack": self.stack()}
            if self.padding:
                metadata["padding"] = self.padding
            self._metadata = json.dumps(metadata)
        return self._metadata


class CallCounter:
    """How often each module path was called so far."""

    def __init__(self):
        self.counts = {}

    def open(self, parent, path, module):
        index = self.counts.get(path, 0)
        self.counts[path] = index + 1
        return Scope(parent, path, module, index)


# --- Tracing with torch.fx ------------------------------------------------------------


def iterate_proxy(self):
    """Proxy.__iter__ as later releases have it.

    torch 1.x takes the calling instruction by f_lasti // 2, which on Python 3.11 and
    later names another instruction, so that `a, b = proxy` fails.
    """
    frame = inspect.currentframe().f_back
    code = frame.f_code.co_code
    opcode, argument = code[frame.f_lasti], code[frame.f_lasti + 1]
    if opcode == UNPACK_SEQUENCE:
        return (self[index] for index in range(argument))
    return self.tracer.iter(self)


UNPACK_SEQUENCE = importlib.import_module("dis").opmap["UNPACK_SEQUENCE"]


def tracing_patches():
    if version_of(torch) >= (2, 0) or sys.version_info < (3, 11):
        return []
    return [(torch_fx.Proxy, "__iter__", iterate_proxy)]


class ScopeTracer(TracerBase):
    """torch.fx.Tracer with its usual leaves, that also notes the module scopes."""

    def __init__(self, model):
        super().__init__()
        self.calls = CallCounter()
        self.here = self.root_scope = self.calls.open(None, "", model)
        self.call_list = [self.root_scope]
        self.scope_of = {}
        self.without_gradient = set()
        self.failed_path = None
        self.failed_operator = None

    def create_node(self, *args, **kwargs):
        node = super().create_node(*args, **kwargs)
        self.scope_of[node] = self.here
        if not torch.is_grad_enabled():
            self.without_gradient.add(node)
        return node

    def call_module(self, m, forward, args, kwargs):
        outer = self.here
        scope = self.here = self.calls.open(outer, self.path_of_module(m), m)
        self.call_list.append(scope)
        try:
            scope.output = super().call_module(m, forward, args, kwargs)
            return scope.output
        except BaseException:
            self.failed_path = scope.path if self.failed_path is None else self.failed_path
            raise
        finally:
            self.here = outer

    def iter(self, obj):
        self.failed_operator = target_name(obj.node)
        return super().iter(obj)

    def to_bool(self, obj):
        self.failed_operator = target_name(obj.node)
        return super().to_bool(obj)


def target_name(node):
    """What a person calls the operation of an FX node."""
    return node.target if isinstance(node.target, str) else \
        getattr(node.target, "__name__", str(node.target))


FX_CODES = (("cannot be iterated", "fx_iteration"), ("control flow", "fx_control_flow"))


def fx_code(error):
    """A stable code for FX's verdict; the words have not changed since torch 1.8."""
    for words, code in FX_CODES:
        if words in str(error):
            return code
    return "fx_trace_error"


def fx_trace(model):
    """FX's graph of the model, in the tracer that knows its scopes."""
    tracer = ScopeTracer(model)
    try:
        with patched(tracing_patches()):
            tracer.trace(model)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        code = fx_code(error)
        operator = tracer.failed_operator if code != "fx_trace_error" else None
        raise Failure(code, error, tracer.failed_path or "", operator)
    return tracer


# --- Writing values in torch.export's schema ------------------------------------------


def enum_codes(owner, codes):
    """{torch.float32: 7, ...} for the names that this torch has."""
    return {getattr(owner, name): code for name, code in codes.items() if hasattr(owner, name)}


if USABLE:
    DTYPES = enum_codes(torch, {
        "uint8": 1, "int8": 2, "int16": 3, "int32": 4, "int64": 5, "float16": 6, "float32": 7,
        "float64": 8, "complex32": 9, "complex64": 10, "complex128": 11, "bool": 12,
        "bfloat16": 13, "uint16": 28, "float8_e4m3fn": 29, "float8_e5m2": 30,
        "float8_e4m3fnuz": 31, "float8_e5m2fnuz": 32})
    MEMORY_FORMATS = enum_codes(torch, {
        "contiguous_format": 1, "channels_last": 2, "channels_last_3d": 3, "preserve_format": 4})
    LAYOUTS = enum_codes(torch, {
        "sparse_coo": 1, "sparse_csr": 2, "sparse_csc": 3, "sparse_bsr": 4, "sparse_bsc": 5,
        "_mkldnn": 6, "strided": 7})


def number(value):
    """JSON has no infinity: newer serialisers write it as a string, and so do we."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def scalar_argument(value, schema_type):
    """The argument object of anything but tensors and lists."""
    if value is None:
        return {"as_none": True}
    if isinstance(value, bool):
        return {"as_bool": value}
    if isinstance(value, float) or isinstance(value, int) and "float" in schema_type:
        return {"as_float": number(float(value))}
    if isinstance(value, int):
        return {"as_int": value}
    if isinstance(value, torch.dtype):
        return {"as_scalar_type": DTYPES.get(value, 0)}
    if isinstance(value, torch.memory_format):
        return {"as_memory_format": MEMORY_FORMATS.get(value, 0)}
    if isinstance(value, torch.layout):
        return {"as_layout": LAYOUTS.get(value, 0)}
    if isinstance(value, torch.device):
        return {"as_device": {"type": value.type, "index": value.index}}
    if isinstance(value, complex):
        return {"as_complex": {"real": number(value.real), "imag": number(value.imag)}}
    return {"as_string": str(value)}


def list_argument(values, schema_type):
    """The argument object of a list without tensors; the schema decides the type of an empty one."""
    if values and isinstance(values[0], str):
        return {"as_strings": list(values)}
    if "bool" in schema_type or values and isinstance(values[0], bool):
        return {"as_bools": list(values)}
    if "float" in schema_type or any(isinstance(value, float) for value in values):
        return {"as_floats": [number(float(value)) for value in values]}
    return {"as_ints": [int(value) for value in values]}


def sizes_json(numbers):
    return "[" + ",".join('{"as_int":%d}' % n for n in numbers) + "]"


def tensor_reference(name):
    return '{"name":"%s"}' % name


def tensor_meta_json(dtype, requires_grad, sizes, strides, offset):
    return ('{"dtype":%d,"sizes":%s,"requires_grad":%s,"device":{"type":"meta","index":null},'
            '"strides":%s,"storage_offset":{"as_int":%d},"layout":7}'
            % (DTYPES.get(dtype, 0), sizes_json(sizes), "true" if requires_grad else "false",
               sizes_json(strides), offset))


class Plan:
    """What never changes about one operator: its target and its arguments' frames."""

    # Their defaults reach Python as bare ints of other enumerations.
    ENUM_ARGUMENTS = {"dtype", "layout", "memory_format"}
    # torch 1.x writes a reshape with the strides that it happens to have; later ones
    # write a view. (Name, number of arguments kept.)
    WRITTEN_AS = {"_reshape_alias": ("view", 2)}

    def __init__(self, func):
        namespace, name = func._schema.name.split("::")
        written_name, count = self.WRITTEN_AS.get(name, (name, None))
        self.name = written_name
        self.target = "torch.ops.%s.%s.%s" % (namespace, written_name, func._overloadname)
        self.head = '{"target":"%s","inputs":[' % self.target
        self.arguments = [self.frame(argument) for argument in func._schema.arguments[:count]]
        self.writes = [] if changes_no_data(func) else [
            (index, argument.name) for index, argument in enumerate(func._schema.arguments)
            if argument.alias_info is not None and argument.alias_info.is_write]
        self.takes_tensors = any("Tensor" in frame[3] for frame in self.arguments)

    def frame(self, argument):
        """(name, text before the value, text after it, schema type, default or None)."""
        before = '{"name":"%s","arg":' % argument.name
        after = ',"kind":%d}' % (2 if argument.kwarg_only else 1)
        schema_type = str(argument.type)
        default = None
        if argument.has_default_value():
            default = self.default_text(argument, before, after, schema_type)
        return argument.name, before, after, schema_type, default

    def default_text(self, argument, before, after, schema_type):
        value = argument.default_value
        if argument.name in self.ENUM_ARGUMENTS and value is not None:
            return None
        write = list_argument if isinstance(value, (list, tuple)) else scalar_argument
        return before + compact(write(value, schema_type)) + after


def changes_no_data(func):
    """as_strided_ and similar operators write a tensor's sizes, not its content."""
    return any(str(tag).endswith("inplace_view") for tag in getattr(func, "tags", ()))


def compact(value):
    return json.dumps(value, separators=(",", ":"))


# --- Recording ATen calls -------------------------------------------------------------


class Storage:
    """Memory that several tensors may share, with the value that now represents it.

    An in-place write raises the version; tensors that were made before it are stale
    and get a new name when they are next used.
    """

    def __init__(self, handle, base, geometry):
        self.handle = handle
        self.base = base
        self.geometry = geometry
        self.version = 0


def storage_of(tensor):
    return tensor.untyped_storage() if hasattr(tensor, "untyped_storage") else tensor._storage()


def geometry_of(tensor):
    return tuple(tensor.shape), tensor.stride(), tensor.storage_offset()


def flatten_tensors(value):
    """The tensors in nested containers, in order."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, dict):
        return [tensor for item in value.values() for tensor in flatten_tensors(item)]
    if isinstance(value, (list, tuple)):
        return [tensor for item in value for tensor in flatten_tensors(item)]
    if hasattr(value, "__dataclass_fields__"):
        return flatten_tensors(vars(value))
    return []


class Node:
    """One recorded call, with its text around the outputs, whose names come last."""

    def __init__(self, name, head, outputs, tail, droppable=False):
        self.name = name
        self.head = head
        self.outputs = outputs
        self.tail = tail
        self.droppable = droppable


def node_tail(name, metadata):
    return '],"metadata":%s,"is_hop_single_tensor_return":null,"name":"%s"}' % (metadata, name)


class Recorder(DispatchBase):
    """Writes down each ATen call as a node of an exported program.

    The graph is in single assignment form: an in-place operator gives a new name to
    its tensor, and a write through a view is followed by an as_strided_scatter into
    the value that was viewed, as torch's own functionalisation does it.
    """

    MARK = "_zoometer_value"

    def __init__(self):
        super().__init__()
        self.scope = None
        self.operator = None
        self.nodes = []
        self.values = {}
        self.used = set()
        self.storages = {}
        self.constants = []
        self._names = {}
        self._plans = {}
        self._meta_texts = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        self.operator = func
        plan = self.plan(func)
        inputs = self.inputs_json(plan, args, kwargs)
        result = META_SHIMS.get(plan.target, func)(*args, **kwargs)
        written = {id(args[index]) if index < len(args) else id(kwargs.get(name))
                   for index, name in plan.writes}
        self.add_node(plan, inputs, result, written)
        self.operator = None
        return result

    def plan(self, func):
        plan = self._plans.get(func)
        if plan is None:
            plan = self._plans[func] = Plan(func)
        return plan

    # Names

    def unique(self, stem):
        """stem, stem_1, stem_2 ... each given once."""
        count = self._names.get(stem, 0)
        self._names[stem] = count + 1
        if not count:
            return stem
        name = "%s_%d" % (stem, count)
        return self.unique(name) if name in self._names else self.claim(name)

    def claim(self, name):
        self._names[name] = 1
        return name

    def add_value(self, name, tensor):
        """Note a tensor's dtype and shape under a name, and whether it is a trained parameter."""
        key = (tensor.dtype, tensor.requires_grad) + geometry_of(tensor)
        text = self._meta_texts.get(key)
        if text is None:
            text = self._meta_texts[key] = tensor_meta_json(*key)
        self.values[name] = text

    def declare(self, name, tensor):
        """Name a tensor that exists before the graph runs."""
        self.add_value(name, tensor)
        self.bind(name, tensor, written=False)

    def bind(self, name, tensor, written):
        """Let a tensor be known by a name from now on."""
        handle = storage_of(tensor)
        storage = self.storages.get(handle._cdata)
        if storage is None:
            storage = Storage(handle, name, geometry_of(tensor))
            self.storages[handle._cdata] = storage
        elif written:
            self.write_through(storage, name, tensor)
        setattr(tensor, self.MARK, (storage, storage.version, name))

    def write_through(self, storage, name, tensor):
        """After a write, the memory's own value changes with the view that was written."""
        storage.version += 1
        geometry = geometry_of(tensor)
        if geometry == storage.geometry:
            storage.base = name
            return
        self.used.update((storage.base, name))
        storage.base = self.add_synthetic(
            "as_strided_scatter", [("self", storage.base), ("src", name)], geometry,
            self.values[storage.base])

    def name_of(self, tensor):
        """The name of a tensor's current value."""
        handle = storage_of(tensor)
        storage = self.storages.get(handle._cdata)
        if storage is None:
            return self.add_constant(tensor)
        mark = getattr(tensor, self.MARK, None)
        if mark is not None and mark[0] is storage and mark[1] == storage.version:
            return mark[2]
        name = self.refreshed(storage, tensor)
        setattr(tensor, self.MARK, (storage, storage.version, name))
        return name

    def refreshed(self, storage, tensor):
        """A stale or nameless tensor, expressed by the value of its memory."""
        geometry = geometry_of(tensor)
        if geometry == storage.geometry:
            return storage.base
        self.add_value("", tensor)
        text = self.values.pop("")
        self.used.add(storage.base)
        return self.add_synthetic("as_strided", [("self", storage.base)], geometry, text)

    def add_constant(self, tensor):
        """A tensor that neither the model's state nor the graph made."""
        name = self.unique("c_lifted_tensor_%d" % len(self.constants))
        self.constants.append(name)
        self.declare(name, tensor)
        return name

    # Nodes

    def add_node(self, plan, inputs, result, written):
        """The node comes first: binding a written view adds another one after it."""
        name = self.unique(plan.name)
        outputs = []
        self.nodes.append(Node(name, plan.head + inputs + '],"outputs":[', outputs,
                               node_tail(name, self.scope.metadata()),
                               droppable=not plan.takes_tensors))
        outputs.extend(self.outputs_of(name, result, written))

    def outputs_of(self, name, result, written):
        """Names of the results, nested as the operator returned them."""
        if isinstance(result, torch.Tensor):
            self.add_value(name, result)
            self.bind(name, result, id(result) in written)
            return [name]
        if isinstance(result, list):
            return [[self.output_name("getitem", item, written) for item in result]]
        if isinstance(result, tuple):
            return [self.output_name("getitem", item, written) for item in result]
        return []

    def output_name(self, stem, item, written):
        if not isinstance(item, torch.Tensor):
            return None
        name = self.unique(stem)
        self.add_value(name, item)
        self.bind(name, item, id(item) in written)
        return name

    def add_synthetic(self, operator, tensors, geometry, value_text):
        """A node that represents aliasing and was never executed; its metadata says so."""
        name = self.unique(operator)
        inputs = [('{"name":"%s","arg":{"as_tensor":%s},"kind":1}' % (argument,
                                                                     tensor_reference(value)))
                  for argument, value in tensors]
        for argument, value in zip(("size", "stride", "storage_offset"), geometry):
            write = scalar_argument if isinstance(value, int) else list_argument
            inputs.append('{"name":"%s","arg":%s,"kind":1}' % (argument, compact(write(value, ""))))
        self.values[name] = value_text
        head = '{"target":"torch.ops.aten.%s.default","inputs":[%s],"outputs":[' \
            % (operator, ",".join(inputs))
        metadata = {"synthetic": "true", "nn_module_stack": self.scope.stack()}
        self.nodes.append(Node(name, head, [name], node_tail(name, compact(metadata))))
        return name

    # Arguments

    def inputs_json(self, plan, args, kwargs):
        """All arguments with their schema names, the defaults spelled out."""
        texts = []
        for index, (name, before, after, schema_type, default) in enumerate(plan.arguments):
            if index < len(args):
                value = args[index]
            elif name in kwargs:
                value = kwargs[name]
            elif default is not None:
                texts.append(default)
                continue
            else:
                continue
            texts.append(before + self.argument_json(value, schema_type) + after)
        return ",".join(texts)

    def argument_json(self, value, schema_type):
        if isinstance(value, torch.Tensor):
            return '{"as_tensor":%s}' % self.reference(value)
        if not isinstance(value, (list, tuple)):
            return compact(scalar_argument(value, schema_type))
        if "Optional[Tensor]" in schema_type:
            return '{"as_optional_tensors":[%s]}' % ",".join(
                '{"as_none":true}' if item is None else '{"as_tensor":%s}' % self.reference(item)
                for item in value)
        if "Tensor" in schema_type:
            return '{"as_tensors":[%s]}' % ",".join(self.reference(item) for item in value)
        return compact(list_argument(value, schema_type))

    def reference(self, tensor):
        name = self.name_of(tensor)
        self.used.add(name)
        return tensor_reference(name)


def pooled_size(size, kernel, stride, padding, dilation, ceil_mode):
    """The output length of a pooling window along one dimension."""
    reach = size + 2 * padding - dilation * (kernel - 1) - 1
    length = (reach + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (length - 1) * stride >= size + padding:
        length -= 1
    return length


def max_pool3d_with_indices(self, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False):
    """torch 1.13 has no meta kernel for it."""
    def three(value):
        values = [value] if isinstance(value, int) else list(value)
        return values * 3 if len(values) == 1 else values
    kernel = three(kernel_size)
    windows = zip(self.shape[-3:], kernel, three(stride) if stride else kernel, three(padding),
                  three(dilation))
    sizes = [pooled_size(*window, ceil_mode) for window in windows]
    values = self.new_empty(list(self.shape[:-3]) + sizes)
    return values, torch.empty_like(values, dtype=torch.int64)


def repeat_interleave(self, repeats, dim=None, **options):
    """torch's own asks for the values of `repeats`, though it is a number that we know."""
    if not isinstance(repeats, int) or dim is None:
        return PLAIN_REPEAT_INTERLEAVE(self, repeats, dim, **options)
    dim %= self.dim()
    sizes = list(self.shape)
    repeated = self.unsqueeze(dim + 1).expand(sizes[:dim + 1] + [repeats] + sizes[dim + 1:])
    return repeated.reshape(sizes[:dim] + [sizes[dim] * repeats] + sizes[dim + 1:])


META_SHIMS = {}
FUNCTION_SHIMS = {}
if USABLE and version_of(torch) < (2, 0):
    PLAIN_REPEAT_INTERLEAVE = torch.repeat_interleave
    META_SHIMS["torch.ops.aten.max_pool3d_with_indices.default"] = max_pool3d_with_indices
    FUNCTION_SHIMS[torch.repeat_interleave] = repeat_interleave


def execution_patches():
    """The shims for what is called by name, inside leaves or as a tensor's method."""
    return [(owner, function.__name__, shim) for function, shim in FUNCTION_SHIMS.items()
            for owner in (torch, torch.Tensor)]


# --- Executing an FX graph on meta tensors --------------------------------------------


def detached(result):
    """What a function returns under no_grad, in which the executor runs everything."""
    if isinstance(result, torch.Tensor):
        return result.detach() if result.is_floating_point() else result
    if type(result) in (list, tuple):
        return type(result)(detached(item) for item in result)
    return result


class Executor:
    """Runs a traced graph node by node and sets the recorder's scope.

    The graph is interpreted as fx.Interpreter does it, without the GraphModule that
    it wants: generating and compiling its code takes longer than the run.
    """

    def __init__(self, model, tracer, recorder):
        self.model = model
        self.tracer = tracer
        self.recorder = recorder
        self.paths = {module: path for path, module in model.named_modules()}
        self.modules = dict(model.named_modules())
        self.leaf = None
        self.call = torch.nn.Module.__call__
        self.values = {}

    def run(self, inputs):
        """Execute and return what the model returns."""
        feed = list(inputs)
        result = None
        patches = execution_patches() + [(torch.nn.Module, "__call__", self.nested_call())]
        with torch.no_grad(), explicit_attention(), patched(patches), self.recorder:
            for node in self.tracer.graph.nodes:
                result = self.values[node] = self.step(node, feed)
        return result

    def step(self, node, feed):
        scope = self.recorder.scope = self.tracer.scope_of[node]
        try:
            if node.op == "placeholder":
                return self.placeholder(node, feed)
            result = self.evaluate(node, scope)
            if node.op.startswith("call_") and node in self.tracer.without_gradient:
                return detached(result)
            return result
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise self.failure(error, node)

    def failure(self, error, node):
        """Where it happened: the innermost scope and the ATen operator, if one ran."""
        scope = self.recorder.scope or self.tracer.root_scope
        func = self.recorder.operator
        if isinstance(error, InputError):
            code = "input_error"
        elif isinstance(error, NotImplementedError) and func:
            code = "unknown_operator"
        else:
            code = "shape_error"
        operator = self.recorder.plan(func).target if func else target_name(node)
        return Failure(code, error, scope.path, operator)

    @staticmethod
    def placeholder(node, feed):
        if node.target.startswith("**"):
            return {}
        if node.target.startswith("*"):
            rest, feed[:] = tuple(feed), []
            return rest
        if feed:
            return feed.pop(0)
        if node.args:
            return node.args[0]
        raise InputError("forward() needs an input for its argument '%s'" % node.target)

    def evaluate(self, node, scope):
        args, kwargs = self.argument(node.args), self.argument(node.kwargs)
        if node.op == "call_function":
            return FUNCTION_SHIMS.get(node.target, node.target)(*args, **kwargs)
        if node.op == "call_method":
            return getattr(args[0], node.target)(*args[1:], **kwargs)
        if node.op == "call_module":
            self.leaf = scope
            return self.call(self.modules[node.target], *args, **kwargs)
        if node.op == "get_attr":
            return self.attribute(node.target)
        return args[0]

    def argument(self, value):
        """Values for nodes; FX's immutable lists become lists that a function may change."""
        if isinstance(value, torch_fx.Node):
            return self.values[value]
        if isinstance(value, tuple):
            return tuple(self.argument(item) for item in value)
        if isinstance(value, list):
            return [self.argument(item) for item in value]
        if isinstance(value, dict):
            return {key: self.argument(item) for key, item in value.items()}
        if isinstance(value, slice):
            return slice(*map(self.argument, (value.start, value.stop, value.step)))
        return value

    def attribute(self, target):
        """A parameter, a buffer, or a constant that FX kept on the root module."""
        value = self.model
        for part in target.split("."):
            value = getattr(value, part)
        if isinstance(value, torch.Tensor) and not value.is_meta:
            return value.to("meta")
        return value

    def nested_call(self):
        """Module.__call__ that opens a scope for the children that leaves call."""
        executor, plain_call = self, self.call

        def call(module, *args, **kwargs):
            path = executor.paths.get(module)
            if path is None:
                return plain_call(module, *args, **kwargs)
            recorder = executor.recorder
            outer = recorder.scope
            scope = recorder.scope = executor.tracer.calls.open(outer, path, module)
            executor.leaf.inner.append(scope)
            scope.output = plain_call(module, *args, **kwargs)
            recorder.scope = outer
            return scope.output
        return call

    def module_calls(self, result):
        """[path, output shapes] of each module call, in the order in which they began."""
        self.tracer.root_scope.output = result
        calls = []
        for scope in self.tracer.call_list:
            for called in [scope] + scope.inner:
                calls.append([called.path, self.shapes(called.output)])
        return calls

    def shapes(self, output):
        """Shapes of a module's output, which the tracer knows as proxies only."""
        return [list(tensor.shape) for tensor in flatten_tensors(self.concrete(output))]

    def concrete(self, value):
        if isinstance(value, torch_fx.Proxy):
            return self.values[value.node]
        if isinstance(value, dict):
            return {key: self.concrete(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.concrete(item) for item in value]
        return value


class InputError(Exception):
    """The inputs given do not fit the model's forward()."""


def explicit_attention():
    """torch 2 would choose a fused kernel, whose products are invisible."""
    attention, _ = import_or_error("torch.nn.attention")
    if attention is None or not hasattr(attention, "sdpa_kernel"):
        return contextlib.suppress()
    return attention.sdpa_kernel(attention.SDPBackend.MATH)


# --- The exported program -------------------------------------------------------------


def state_of(model):
    """(kind, name, tensor, persistent) of all state, in state_dict order."""
    for path, module in named_modules_with_repeats(model):
        prefix = path + "." if path else ""
        for name, tensor in module._parameters.items():
            if tensor is not None:
                yield "parameter", prefix + name, tensor, True
        for name, tensor in module._buffers.items():
            if tensor is not None:
                persistent = name not in module._non_persistent_buffers_set
                yield "buffer", prefix + name, tensor, persistent


def named_modules_with_repeats(module, path=""):
    """Unlike named_modules(), a module registered twice appears twice, as in state_dict()."""
    yield path, module
    for name, child in module._modules.items():
        if child is not None:
            yield from named_modules_with_repeats(child, path + "." + name if path else name)


def declare_state(model, recorder):
    """Name all state; what is shared keeps its first name. Returns the input specs."""
    specs = []
    for kind, path, tensor, persistent in state_of(model):
        known = storage_of(tensor)._cdata in recorder.storages
        if known and hasattr(tensor, Recorder.MARK):
            name = recorder.name_of(tensor)
        else:
            name = recorder.unique("%s_%s" % (kind[0], path.replace(".", "_")))
            recorder.declare(name, tensor)
        spec = {"arg": {"name": name}, kind + "_name": path}
        if kind == "buffer":
            spec["persistent"] = persistent
        specs.append({kind: spec})
    return specs


def declare_inputs(graph, inputs, recorder):
    """Name the user's inputs after the arguments of forward(). Returns the names."""
    targets = [node.target.lstrip("*") for node in graph.nodes if node.op == "placeholder"]
    names = []
    for index, tensor in enumerate(inputs):
        stem = targets[index] if index < len(targets) else "input"
        name = recorder.unique(stem)
        recorder.declare(name, tensor)
        names.append(name)
    return names


class Program:
    """The text of an exported program, from what was recorded."""

    def __init__(self, recorder, state_specs, input_names, result):
        self.recorder = recorder
        self.state_specs = state_specs
        self.input_names = input_names
        self.output_names = [recorder.name_of(tensor) for tensor in flatten_tensors(result)]
        recorder.used.update(self.output_names)

    def json(self):
        signature = self.signature()
        nodes = ",".join(self.node_json(node) for node in self.needed_nodes())
        values = ",".join('"%s":%s' % item for item in self.recorder.values.items())
        graph = ('{"inputs":%s,"outputs":%s,"nodes":[%s],"tensor_values":{%s},"sym_int_values":{},'
                 '"sym_bool_values":{},"sym_float_values":{},"is_single_tensor_return":false,'
                 '"custom_obj_values":{}}'
                 % (compact(self.inputs(signature)), compact(as_tensors(self.output_names)),
                    nodes, values))
        return ('{"graph_module":{"graph":%s,"signature":%s,"module_call_graph":[],"metadata":{}},'
                '"opset_version":{},"range_constraints":{},"schema_version":{"major":8,"minor":0},'
                '"verifiers":[],"torch_version":%s}'
                % (graph, compact(signature), json.dumps(torch.__version__)))

    def needed_nodes(self):
        """All but factories whose result is unused, such as batch_norm's reserve."""
        for node in self.recorder.nodes:
            if node.droppable and not self.recorder.used.intersection(node.outputs):
                for name in node.outputs:
                    self.recorder.values.pop(name)
                continue
            yield node

    def signature(self):
        constants = [{"tensor_constant": {"arg": {"name": name},
                                          "tensor_constant_name": name[len("c_"):]}}
                     for name in self.recorder.constants]
        inputs = [{"user_input": {"arg": argument}} for argument in as_tensors(self.input_names)]
        outputs = [{"user_output": {"arg": argument}} for argument in as_tensors(self.output_names)]
        return {"input_specs": self.state_specs + constants + inputs, "output_specs": outputs}

    @staticmethod
    def inputs(signature):
        """The graph's inputs; shared state is one input with several specs."""
        names = []
        for spec in signature["input_specs"]:
            argument = next(iter(spec.values()))["arg"]
            names.append(argument.get("as_tensor", argument)["name"])
        return as_tensors(dict.fromkeys(names))

    def node_json(self, node):
        outputs = []
        for index, output in enumerate(node.outputs):
            if isinstance(output, list):
                names = ",".join(tensor_reference(name) for name in output)
                outputs.append('{"as_tensors":[%s]}' % names)
            elif output is None:
                outputs.append('{"as_none":true}')
            else:
                name = self.final_name(node, index, output)
                outputs.append('{"as_tensor":%s}' % tensor_reference(name))
        return node.head + ",".join(outputs) + node.tail

    def final_name(self, node, index, name):
        """An unused one of several results is NODE_unused_I, as torch names it."""
        if len(node.outputs) == 1 or name in self.recorder.used:
            return name
        unused = "%s_unused_%d" % (node.name, index)
        self.recorder.values[unused] = self.recorder.values.pop(name)
        return unused


def as_tensors(names):
    return [{"as_tensor": {"name": name}} for name in names]


# --- torch.export, where FX fails -----------------------------------------------------


def export_program(model, entry, inputs):
    """The program's JSON text by torch.export; a second way that torch 2 has."""
    if entry.task == "detection":
        inputs = [[image for image in inputs[0]]]
    with failing_as("export_error"), torch.no_grad(), explicit_attention():
        program = torch.export.export(model, tuple(inputs), strict=False)
    return serialised(program)


def serialised(program):
    """torch's own JSON of a program: from its archive, else from its serialiser."""
    try:
        return archived_json(program)
    except KeyboardInterrupt:
        raise
    except BaseException:
        return internal_json(program)


def strict_json(text):
    """One line of JSON; older torch writes bare Infinity, which is none."""
    return compact(json.loads(text, parse_constant=str))


def archived_json(program):
    stream = io.BytesIO()
    torch.export.save(program, stream)
    with zipfile.ZipFile(stream) as archive:
        for name in archive.namelist():
            if name.endswith("serialized_exported_program.json") \
                    or "models/" in name and name.endswith(".json"):
                return strict_json(archive.read(name).decode("utf-8"))
    raise ValueError("the archive holds no program")


def internal_json(program):
    """torch.export.save also needs the weights, which meta and fake tensors lack."""
    with failing_as("serialization_error"):
        serialize = importlib.import_module("torch._export.serde.serialize")
        artifact = serialize.ExportedProgramSerializer().serialize(program)
        tree = serialize._dataclass_to_dict(artifact.exported_program)
        return strict_json(json.dumps(tree, cls=serialize.EnumEncoder))


# --- One model ------------------------------------------------------------------------


class Examination:
    """Everything that is done with one model; `record` fills as it goes.

    What was found before a failure stays in the record, the parameters above all.
    """

    def __init__(self, entry, options):
        self.entry = entry
        self.options = options
        self.program = None
        self.record = {"event": "model", "model": entry.name, "family": entry.family,
                       "task": entry.task, "variant": options.variant, "status": "failed",
                       "via": None, "reason_code": None, "message": None, "exception": None,
                       "module": None, "operator": None, "fx_nodes": None, "seconds": None,
                       "parameters": None, "buffers": None, "inputs": None}

    def run(self):
        started = time.perf_counter()
        try:
            self.examine()
            self.record["status"] = "traceable"
        except Failure as failure:
            self.record.update(failure.fields())
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            traceback.print_exc()
            self.record.update(Failure("internal_error", error).fields())
        self.record["seconds"] = round(time.perf_counter() - started, 4)

    def examine(self):
        torch.set_default_dtype(torch.float32)
        model = self.build()
        self.record["module_list"] = [[path, type_name(module)]
                                      for path, module in model.named_modules()]
        self.record["state"] = [[path, kind, str(tensor.dtype).split(".")[-1], list(tensor.shape)]
                                for kind, path, tensor, persistent in state_of(model) if persistent]
        try:
            self.by_fx(model)
        except Failure as failure:
            if self.options.skip_graph or not hasattr(torch, "export"):
                raise
            self.by_export(model, failure)

    def build(self):
        with failing_as("build_error"):
            model = build_model(self.entry, self.options.variant)
            self.count_state(model)
            return model

    def count_state(self, model):
        """Elements of parameters and of buffers, shared ones once."""
        sizes = {id(tensor): (kind, tensor.numel()) for kind, _, tensor, _ in state_of(model)}
        for wanted in ("parameter", "buffer"):
            self.record[wanted + "s"] = sum(size for kind, size in sizes.values()
                                            if kind == wanted)

    def inputs(self, model):
        with failing_as("input_error"):
            given = self.options.shapes_for(self.entry.name)
            specs = self.record["inputs"] = input_specs(self.entry, self.options.variant, model,
                                                        given)
            return meta_inputs(specs)

    def by_fx(self, model):
        tracer = fx_trace(model)
        self.record["via"] = "fx"
        self.record["fx_nodes"] = len(tracer.graph.nodes)
        if self.options.skip_graph:
            return
        inputs = self.inputs(model)
        recorder = Recorder()
        state_specs = declare_state(model, recorder)
        input_names = declare_inputs(tracer.graph, inputs, recorder)
        executor = Executor(model, tracer, recorder)
        result = executor.run(inputs)
        self.record["module_calls"] = executor.module_calls(result)
        self.program = Program(recorder, state_specs, input_names, result).json()

    def by_export(self, model, fx_failure):
        """A second try; FX's verdict stays in the record either way."""
        self.record["fx"] = fx_failure.fields()
        try:
            self.program = export_program(model, self.entry, self.inputs(model))
        except Failure as failure:
            self.record["export"] = failure.fields()
            raise fx_failure
        self.record["via"] = "export"

    def line(self):
        """The record as one line; the program is text already."""
        text = compact(self.record)
        return text if self.program is None else text[:-1] + ',"program":' + self.program + "}"


# --- Commands -------------------------------------------------------------------------


class Output:
    """A file of JSON lines, each on disk before the next model is begun."""

    MARK = b"\x1e\n"

    def __init__(self, path, append, marks):
        self.marks = marks
        self.stream = open(path, "a" if append else "w", encoding="utf-8")
        if append and torn(path):
            self.stream.write("\n")

    def write(self, line):
        if self.marks:
            sys.stderr.flush()
            os.write(2, self.MARK)
        self.stream.write(line + "\n")
        self.stream.flush()

    def event(self, name, **fields):
        self.write(compact(dict({"event": name}, **fields)))


def torn(path):
    """Whether a run that was killed left half a line at the end."""
    with open(path, "rb") as stream:
        content = stream.seek(0, os.SEEK_END)
        if not content:
            return False
        stream.seek(-1, os.SEEK_END)
        return stream.read(1) != b"\n"


def answer(arguments, document):
    """One JSON document, to the file asked for or to the real stdout."""
    text = json.dumps(document)
    if not arguments.output:
        print(text, file=RESULTS, flush=True)
        return
    with open(arguments.output, "w", encoding="utf-8") as stream:
        stream.write(text + "\n")


def environment():
    """The Python and the versions: in `info`, and first in every trace."""
    torchvision, torchvision_error = import_or_error("torchvision") if torch is not None \
        else (None, TORCH_ERROR)
    if torch is None:
        reason = "no_torch"
    elif not USABLE:
        reason = "torch_too_old"
    else:
        reason = "no_torchvision" if torchvision is None else None
    return {"protocol": PROTOCOL, "python": ".".join(map(str, sys.version_info[:3])),
            "executable": sys.executable,
            "torch": getattr(torch, "__version__", None), "torch_error": TORCH_ERROR,
            "torchvision": getattr(torchvision, "__version__", None),
            "torchvision_error": torchvision_error,
            "usable": USABLE, "reason_code": reason}


def run_info(arguments):
    answer(arguments, environment())
    return EXIT_DONE


def entries_or_explanation(arguments):
    """The source's entries and no error, or the error that a caller can show."""
    if not USABLE:
        code = "no_torch" if torch is None else "torch_too_old"
        return None, {"reason_code": code, "message": TORCH_ERROR or "torch %s is older than %s"
                      % (torch.__version__, ".".join(map(str, OLDEST_TORCH)))}
    try:
        return load_entries(arguments), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        code = "no_module" if arguments.module else "no_torchvision"
        return None, {"reason_code": code, "message": first_line(error, with_type=True)}


def run_list(arguments):
    loaded, error = entries_or_explanation(arguments)
    if error:
        answer(arguments, dict({"protocol": PROTOCOL, "models": []}, **error))
        return EXIT_NO_TORCH
    entries, source, version = loaded
    models = [{"name": entry.name, "task": entry.task, "family": entry.family}
              for entry in entries]
    answer(arguments, {"protocol": PROTOCOL, "source": source, "source_version": version,
                       "models": models})
    return EXIT_DONE


class TraceOptions:
    """What `trace` was asked for, checked before the first model is built."""

    def __init__(self, arguments):
        self.variant = arguments.variant
        self.skip_graph = arguments.skip_graph
        self._shapes = [parse_shape(text) for text in arguments.input_shape]
        self._by_model = {}
        if arguments.inputs:
            with open(arguments.inputs, encoding="utf-8") as stream:
                self._by_model = json.load(stream)

    def shapes_for(self, name):
        return self._shapes or self._by_model.get(name)


def unknown_model(name):
    return Entry(name, None, None, None)


def run_trace(arguments):
    options = TraceOptions(arguments)
    output = Output(arguments.output, arguments.append, arguments.marks)
    loaded, error = entries_or_explanation(arguments)
    if error:
        output.event("begin", **environment())
        output.event("error", **error)
        return EXIT_NO_TORCH
    entries, source, version = loaded
    output.event("begin", source=source, source_version=version, **environment(),
                 **describe(entries, source))
    known = {entry.name: entry for entry in entries}
    names = arguments.models or list(known)
    gc.freeze()
    gc.disable()
    started = time.perf_counter()
    for name in names:
        trace_one(known.get(name), name, options, output)
        gc.collect()
    output.event("end", models=len(names), seconds=round(time.perf_counter() - started, 3))
    return EXIT_DONE


def trace_one(entry, name, options, output):
    """Announce a model, so that a crash has a name, examine it, and write it down."""
    output.event("start", model=name)
    examination = Examination(entry or unknown_model(name), options)
    if entry is None:
        error = KeyError("no model %s in this source" % name)
        examination.record.update(Failure("unknown_model", error).fields())
    else:
        examination.run()
    output.write(examination.line())


def parse_arguments(words):
    parser = argparse.ArgumentParser(prog="zoometer_bridge", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.required = True
    info = commands.add_parser("info", help="what this Python has")
    info.set_defaults(run=run_info)
    listing = commands.add_parser("list", help="the models of a source")
    listing.set_defaults(run=run_list)
    trace = commands.add_parser("trace", help="verdict and graph of each model")
    trace.set_defaults(run=run_trace)
    for command in (info, listing):
        command.add_argument("--output", metavar="FILE")
    for command in (listing, trace):
        command.add_argument("--module", metavar="NAME",
                             help="instead of torchvision: a module with ZOOMETER_MODELS, or"
                                  " MODULE:FUNCTION")
    trace.add_argument("models", nargs="*", metavar="MODEL", help="default: all of the source")
    trace.add_argument("--output", metavar="FILE", required=True)
    trace.add_argument("--append", action="store_true", help="append to an existing FILE")
    trace.add_argument("--marks", action="store_true",
                       help="write \\x1e and a line break to stderr before each event")
    trace.add_argument("--variant", choices=("untrained", "published"), default="untrained")
    trace.add_argument("--skip-graph", action="store_true", help="the verdict only")
    trace.add_argument("--input-shape", action="append", default=[], metavar="N,C,H,W[:DTYPE]",
                       help="once per input; holds for every model named")
    trace.add_argument("--inputs", metavar="FILE.json", help="{model: [shape, ...]}")
    return parser.parse_args(words)


def main(words):
    arguments = parse_arguments(words)
    try:
        return arguments.run(arguments)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except (OSError, ValueError) as error:
        print("zoometer_bridge: " + first_line(error, with_type=True), file=sys.stderr)
        return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
