#!/usr/bin/env python3
"""The live PyTorch bridge of zoometer.

Runs inside the Python that the user has, builds each model on meta tensors (no
weight is ever initialised), runs it on them and writes down every ATen call with
its shapes and module scope (zoometer/_capture.py).

python/README.md describes the protocol. The script needs nothing but the standard
library, torch, the capture beside it and (for its zoo) torchvision.
"""

import sys

# Python puts the script's folder before all others: a temporary folder, a checkout or, for a script
# in memory, the root, whose modules must not shadow the real ones. Before any other import.
if __name__ == "__main__" and not sys.flags.isolated and not getattr(sys.flags, "safe_path", False):
    del sys.path[0]

import argparse
import contextlib
import functools
import gc
import hashlib
import importlib
import inspect
import json
import os
import sysconfig
import time
import traceback
import types
import warnings

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
USABLE = torch is not None and version_of(torch) >= OLDEST_TORCH
TracerBase = torch_fx.Tracer if USABLE else object


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


# --- The capture ----------------------------------------------------------------------


CAPTURE_TEXT = None  # the program that carries this script puts the text of zoometer/_capture.py here


@functools.lru_cache(maxsize=None)
def capture_module():
    """zoometer/_capture.py: the text that came with this script, else the file beside it.

    Never that of an installed package, which may have another version.
    """
    text = CAPTURE_TEXT
    if text is None:
        folder = os.path.dirname(os.path.abspath(__file__))
        with open(os.path.join(folder, "zoometer", "_capture.py"), encoding="utf-8") as stream:
            text = stream.read()
    module = types.ModuleType("zoometer_capture")
    exec(compile(text, "zoometer/_capture.py", "exec"), module.__dict__)
    return module


def type_name(value):
    kind = type(value)
    return kind.__module__ + "." + kind.__qualname__


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


class VerdictTracer(TracerBase):
    """torch.fx.Tracer with its usual leaves, that also notes where it failed."""

    def __init__(self):
        super().__init__()
        self.failed_path = None
        self.failed_operator = None

    def call_module(self, m, forward, args, kwargs):
        try:
            return super().call_module(m, forward, args, kwargs)
        except BaseException:
            self.failed_path = self.path_of_module(m) if self.failed_path is None \
                else self.failed_path
            raise

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


def fx_nodes(model):
    """The number of nodes of FX's graph of the model; Failure with FX's words if there is none."""
    tracer = VerdictTracer()
    try:
        with patched(tracing_patches()):
            return len(tracer.trace(model).nodes)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        code = fx_code(error)
        operator = tracer.failed_operator if code != "fx_trace_error" else None
        raise Failure(code, error, tracer.failed_path or "", operator)


def compact(value):
    return json.dumps(value, separators=(",", ":"))


# --- The model's state ----------------------------------------------------------------


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


# --- One model ------------------------------------------------------------------------


class Examination:
    """Everything that is done with one model; `record` fills as it goes.

    What was found before a failure stays in the record, the parameters above all.
    """

    def __init__(self, entry, options):
        self.entry = entry
        self.options = options
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
        if self.options.tracer == "fx":
            self.record["via"] = "fx"
            self.record["fx_nodes"] = fx_nodes(model)
        else:
            self.by_capture(model)

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

    def by_capture(self, model):
        capture = capture_module()
        inputs = self.inputs(model)
        if self.entry.task == "detection":  # a list of images
            inputs = [[torch.empty(inputs[0].shape[1:], device="meta")
                       for _ in range(inputs[0].shape[0])]]
        self.record["via"] = "capture"
        try:
            fields = capture.capture(model, inputs)
        except capture.CaptureError as error:
            failure = Failure(error.code, error, error.module, error.operator)
            failure.exception = error.exception
            raise failure
        fields.pop("inputs")
        captured = fields.pop("captured")
        self.record.update(fields)
        if not self.options.skip_graph:
            self.record["captured"] = captured

    def line(self):
        """The record as one line."""
        return compact(self.record)


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
        self.tracer = arguments.tracer
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
    trace.add_argument("--tracer", choices=("capture", "fx"), default="capture",
                       help="fx: torch.fx's own verdict, and no graph")
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
