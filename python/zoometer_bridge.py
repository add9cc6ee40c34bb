#!/usr/bin/env python3
"""The live PyTorch bridge of zoometer.

Runs inside the Python that the user has, builds each model on meta tensors (no
weight is ever initialised), runs it on them and writes down every ATen call with
its shapes and module scope (zoometer/_capture).

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
import fnmatch
import functools
import gc
import importlib
import importlib.machinery
import inspect
import json
import os
import time
import traceback
import types
import warnings

PROTOCOL = 2
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


class Parts:
    """Finds the parts of the bridge as modules of a package `zoometer_bridge`: their texts are in
    _PARTS where the native program runs it, else in files beside this one. They are none of the
    user's modules, whatever those are called, and none of an installed package of another version."""

    PACKAGE = "zoometer_bridge"
    TEXTS = globals().get("_PARTS")
    FOLDER = None if TEXTS else os.path.join(os.path.dirname(os.path.abspath(__file__)), "zoometer")

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        first, *rest = name.split(".")
        if first != cls.PACKAGE:
            return None
        text = cls.text_of("/".join(rest) + ".py") if rest else None
        is_package = text is None
        if is_package:
            text = cls.text_of("/".join(rest + ["__init__.py"])) if rest else ""
        if text is None:
            return None
        return importlib.machinery.ModuleSpec(name, cls(text), is_package=is_package)

    @classmethod
    def text_of(cls, file):
        if cls.TEXTS:
            return cls.TEXTS.get(file)
        try:
            with open(os.path.join(cls.FOLDER, file), encoding="utf-8") as stream:
                return stream.read()
        except FileNotFoundError:
            return None

    def __init__(self, text):
        self.text = text

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(compile(self.text, "<%s>" % module.__name__, "exec"), vars(module))


sys.meta_path.insert(0, Parts)


def load_part(name):
    """The part of that name."""
    return importlib.import_module("%s.%s" % (Parts.PACKAGE, name))


zoos = load_part("_zoos")
rests = load_part("_rests")

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


def load_source(arguments):
    """The chosen source: see _zoos.py."""
    name = "python:" + arguments.module if arguments.module else arguments.source
    return zoos.load_source(name)


def described(source):
    """The models of a source, as `list` and `begin` have them."""
    return [{"name": entry.name, "task": entry.task, "family": entry.family, "builder": entry.code}
            for entry in source.entries]


# --- Building a model on meta tensors -------------------------------------------------

# Not arange, linspace or tensor: builders compute with what those return.
META_FACTORIES = ("empty", "zeros", "ones", "full", "rand", "randn")


# What a builder makes with values where it computes with some: tensors of at most so many elements, and of
# all tensors together at most so many, the 2 GiB that a run on real values may take.
MOST_READ_ELEMENTS = 1 << 16
MOST_REAL_ELEMENTS = 1 << 29


def on_meta(factory):
    def build(*args, **kwargs):
        kwargs["device"] = "meta"
        kwargs.pop("pin_memory", None)
        return factory(*args, **kwargs)
    return build


def on_meta_if_large(factory):
    without_values = on_meta(factory)

    def build(*args, **kwargs):
        made = without_values(*args, **dict(kwargs))
        return made if made.numel() > MOST_READ_ELEMENTS else factory(*args, **kwargs)
    return build


def within(budget, factory):
    """A factory that takes the elements of what it makes from a list of one number."""
    without_values = on_meta(factory)

    def build(*args, **kwargs):
        budget[0] -= without_values(*args, **dict(kwargs)).numel()
        if budget[0] < 0:
            raise MemoryError("the builder computes with values, and makes more than %d of them"
                              % MOST_REAL_ELEMENTS)
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


# What initialisers of libraries' own call; on meta each takes up to a millisecond, and does nothing.
FILLING_METHODS = ("add_", "clamp_", "clamp_max_", "clamp_min_", "copy_", "div_", "erfinv_", "fill_",
                   "mul_", "normal_", "sub_", "trunc_", "uniform_", "zero_")


def filling_nothing(method):
    def fill(tensor, *args, **kwargs):
        if tensor.is_meta or tensor.numel() > MOST_READ_ELEMENTS:
            return tensor
        return method(tensor, *args, **kwargs)
    return fill


def factory_patches(changed):
    """Each factory as `changed` gives it."""
    return [(torch, name, changed(getattr(torch, name))) for name in META_FACTORIES]


def filling_patches():
    """Initialisers do nothing to tensors without values, or with more than a builder reads."""
    patches = [(torch.nn.init, name, filling_nothing(method))
               for name, method in vars(torch.nn.init).items() if name.endswith("_") and name[0] != "_"]
    patches += [(torch.Tensor, name, filling_nothing(getattr(torch.Tensor, name)))
                for name in FILLING_METHODS]
    return patches


def without_device(plain_to):
    """Module.to that changes the element type only."""
    def to(module, *args, **kwargs):
        kept = [value for value in args if not isinstance(value, (str, int, torch.device))]
        dtype = {"dtype": kwargs["dtype"]} if "dtype" in kwargs else {}
        return plain_to(module, *kept, **dtype) if kept or dtype else module
    return to


def staying_on_meta(plain_to):
    """Tensor.to that changes the element type only of a tensor that has no data to copy."""
    def to(tensor, *args, **kwargs):
        if not tensor.is_meta:
            return plain_to(tensor, *args, **kwargs)
        wanted = [getattr(value, "dtype", value) for value in [*args, *kwargs.values()]]
        dtypes = [value for value in wanted if isinstance(value, torch.dtype)]
        return plain_to(tensor, dtypes[0]) if dtypes else tensor
    return to


def loading_patches():
    """Weights are never downloaded, and modules and tensors without data stay where they are."""
    patches = [(torch.nn.Module, "to", without_device(torch.nn.Module.to)),
               (torch.Tensor, "to", staying_on_meta(torch.Tensor.to))]
    patches += [(torch.nn.Module, name, lambda module, *args: module) for name in ("cuda", "cpu")]
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


NEEDS_VALUES = ("meta", "Meta", "item()", "device")


def built(builder, arguments):
    """What a builder makes: on meta; where it computes with values, small tensors on the CPU, and in
    the end all of them."""
    for patches in (factory_patches(on_meta) + filling_patches(),
                    factory_patches(on_meta_if_large) + filling_patches()):
        try:
            with patched(loading_patches() + patches):
                return builder(**arguments)
        except Exception as error:
            if not any(word in str(error) for word in NEEDS_VALUES):
                raise
    budget = [MOST_REAL_ELEMENTS]
    with patched(loading_patches() + factory_patches(functools.partial(within, budget))):
        return builder(**arguments)


def build_model(entry, variant):
    """The model in eval mode with every parameter and buffer on meta."""
    if isinstance(entry.builder, torch.nn.Module):
        model = entry.builder
    else:
        model = built(entry.builder, builder_arguments(entry.builder, variant))
    if isinstance(model, tuple) and len(model) == 2:  # with its inputs
        model, examples = model
        if entry.shapes is None and all(isinstance(x, torch.Tensor) for x in examples):
            entry.shapes = [{"shape": list(x.shape), "dtype": str(x.dtype).split(".")[-1]}
                            for x in examples]
    if not isinstance(model, torch.nn.Module):
        raise TypeError("the factory returned %s, not a torch.nn.Module" % type(model).__name__)
    move_to_meta(model)
    return model.eval()


def move_to_meta(model):
    """Move what was made by other means than the patched factories, but for buffers of few whole numbers,
    which may decide what runs.

    A tensor that two modules share stays shared.
    """
    moved = {}
    keeps_values = load_part("_capture.run").keeps_values
    for module in model.modules():
        for table in (module._parameters, module._buffers):
            for name, tensor in table.items():
                if tensor is None or tensor.is_meta or is_lazy(tensor) or \
                        table is module._buffers and keeps_values(tensor):
                    continue
                if id(tensor) not in moved:
                    moved[id(tensor)] = tensor, on_meta_copy(tensor)
                table[name] = moved[id(tensor)][1]


def is_lazy(tensor):
    """Whether a tensor has no shape until its module runs."""
    return isinstance(tensor, torch.nn.parameter.UninitializedTensorMixin)


def on_meta_copy(tensor):
    copy = tensor.detach().to("meta")
    if isinstance(tensor, torch.nn.Parameter):
        return torch.nn.Parameter(copy, tensor.requires_grad)
    return copy


# --- Inputs ---------------------------------------------------------------------------


def preset_size(builder):
    """The crop of the default weights' published transform, as [height, width]."""
    models = sys.modules.get("torchvision.models")
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
    """The inputs asked for, else those of the entry, else a guess. Those asked for get from the
    entry's what they leave out: dtypes, the rest of an image's shape and, where inputs are keyword
    arguments, names in its order."""
    own = entry.shapes
    if own is None and entry.inputs_of is not None:
        own = entry.inputs_of(model)
    if not given:
        return zoos.input_list(default_shapes(entry, variant, model) if own is None else own)
    specs = zoos.input_list(given)
    if own is None:
        return specs
    known = zoos.input_list(own)
    by_name = {each["name"]: each for each in known if each.get("name")}
    for place, (spec, asked) in enumerate(zip(specs, given)):
        usual = by_name.get(spec["name"]) if by_name and spec.get("name") else \
            known[place] if place < len(known) else None
        if usual is None:
            continue
        spec["shape"] = zoos.whole_image(spec["shape"], list(usual["shape"]))
        if not zoos.is_typed(asked):
            spec["dtype"] = usual["dtype"]
        if entry.by_name:
            spec.setdefault("name", usual.get("name"))
    return specs


def completed(specs):
    """Inputs without names that are images whose batch or channels are left out, or None."""
    usual = [1, 3, zoos.IMAGE, zoos.IMAGE]
    whole = [dict(spec, shape=zoos.whole_image(spec["shape"], usual)) for spec in specs]
    are_images = all(not spec.get("name") and spec["dtype"] == "float32" for spec in specs)
    return whole if are_images and whole != specs else None


def meta_inputs(specs):
    """Empty tensors of the given shapes; those whose values decide what runs have them."""
    inputs = []
    for spec in specs:
        dtype = getattr(torch, spec["dtype"], None)
        if not isinstance(dtype, torch.dtype):
            raise ValueError("unknown dtype %s" % spec["dtype"])
        inputs.append(torch.tensor(spec["values"], dtype=dtype) if "values" in spec
                      else torch.empty(spec["shape"], dtype=dtype, device="meta"))
    return inputs


def placed(model, names, inputs, by_name):
    """Positional and keyword arguments of forward() from inputs with names or None.

    A name that forward() has not is refused. A part of an argument ("images.0"), as a record names
    it, takes its position.
    """
    parameters = inspect.signature(model.forward).parameters
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
    args, named = [], {}
    for name, tensor in zip(names, inputs):
        kind = parameters[name].kind if name in parameters else None
        if name and (by_name or takes_any or kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD,
                                                      inspect.Parameter.KEYWORD_ONLY)):
            named[name] = tensor
        elif not name or kind is not None or name.partition(".")[0] in parameters:
            args.append(tensor)
        else:
            raise ValueError("forward() has no input %s; it has %s" % (name, ", ".join(parameters)))
    return args, named


# --- The capture ----------------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def capture_module():
    """zoometer/_capture, which needs torch."""
    return load_part("_capture")


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
            if tensor is not None and not is_lazy(tensor):
                yield "parameter", prefix + name, tensor, True
        for name, tensor in module._buffers.items():
            if tensor is not None and not is_lazy(tensor):
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
            return specs

    def captured(self, model, specs):
        """What one run on inputs of these specifications gives."""
        capture = capture_module()
        with failing_as("input_error"):
            inputs, named = placed(model, [spec.get("name") for spec in specs], meta_inputs(specs),
                                   self.entry.by_name)
        if self.entry.task == "detection" and self.entry.inputs_of is None:  # a list of images
            inputs = [[torch.empty(inputs[0].shape[1:], device="meta")
                       for _ in range(inputs[0].shape[0])]]
        self.record["via"] = "capture"
        try:
            return capture.capture(model, inputs, named)
        except capture.CaptureError as error:
            failure = Failure(error.code, error, error.module, error.operator)
            failure.exception = error.exception
            raise failure

    def on_other_inputs(self, model, specs, failure):
        """What the first of other inputs on which the model runs gives, or the first failure."""
        if self.options.shapes_for(self.entry.name):
            whole = completed(specs)  # as built-in models take 3,224,224 and 224
            others = [whole] if whole else []
        else:
            others = self.entry.others_of(model, specs, failure.message) if self.entry.others_of else []
        for other in others:
            try:
                fields = self.captured(model, other)
                self.record["inputs"] = other
                return fields
            except Failure:
                pass
        raise failure

    def by_capture(self, model):
        specs = self.inputs(model)
        try:
            fields = self.captured(model, specs)
        except Failure as failure:
            fields = self.on_other_inputs(model, specs, failure)
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


def environment(wants_torchvision=True):
    """The Python and the versions: in `info`, and first in every trace. Without
    `wants_torchvision`, torchvision is named only where it is imported already."""
    if torch is None:
        torchvision, torchvision_error = None, TORCH_ERROR
    elif wants_torchvision:
        torchvision, torchvision_error = import_or_error("torchvision")
    else:
        torchvision, torchvision_error = sys.modules.get("torchvision"), None
    if torch is None:
        reason = "no_torch"
    elif not USABLE:
        reason = "torch_too_old"
    else:
        reason = "no_torchvision" if torchvision is None and wants_torchvision else None
    return {"protocol": PROTOCOL, "python": ".".join(map(str, sys.version_info[:3])),
            "executable": sys.executable,
            "torch": getattr(torch, "__version__", None), "torch_error": TORCH_ERROR,
            "torchvision": getattr(torchvision, "__version__", None),
            "torchvision_error": torchvision_error,
            "usable": USABLE, "reason_code": reason}


def run_info(arguments):
    answer(arguments, environment())
    return EXIT_DONE


def source_or_explanation(arguments):
    """The source and no error, or the error that a caller can show."""
    if not USABLE:
        code = "no_torch" if torch is None else "torch_too_old"
        return None, {"reason_code": code, "message": TORCH_ERROR or "torch %s is older than %s"
                      % (torch.__version__, ".".join(map(str, OLDEST_TORCH)))}
    try:
        return load_source(arguments), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        code = "no_torchvision" if arguments.source == "torchvision" and not arguments.module \
            else "no_module"
        return None, {"reason_code": code, "message": first_line(error, with_type=True)}


def run_list(arguments):
    source, error = source_or_explanation(arguments)
    if error:
        answer(arguments, dict({"protocol": PROTOCOL, "models": []}, **error))
        return EXIT_NO_TORCH
    answer(arguments, {"protocol": PROTOCOL, "source": source.name,
                       "source_version": source.version, "models": described(source)})
    return EXIT_DONE


class TraceOptions:
    """What `trace` was asked for, checked before the first model is built."""

    def __init__(self, arguments):
        self.variant = arguments.variant
        self.skip_graph = arguments.skip_graph
        self.tracer = arguments.tracer
        self._shapes = [zoos.parse_shape(text) for text in arguments.input_shape]
        self._by_model = {}
        if arguments.inputs:
            with open(arguments.inputs, encoding="utf-8") as stream:
                self._by_model = json.load(stream)

    def shapes_for(self, name):
        return self._shapes or self._by_model.get(name)


# Objects in cycles that wait to be freed: to look for them takes as long as a small model.
MOST_GARBAGE = 1 << 19


def unknown_model(name):
    return zoos.Entry(name, None, None, None)


def chosen(source, arguments):
    """The names to trace: those given or all, where a pattern fits."""
    names = arguments.models or [entry.name for entry in source.entries]
    if arguments.match:
        names = [name for name in names
                 if any(fnmatch.fnmatchcase(name, pattern) for pattern in arguments.match)]
    return names


def run_trace(arguments):
    options = TraceOptions(arguments)
    output = Output(arguments.output, arguments.append, arguments.marks)
    torch_folder = os.path.dirname(torch.__file__) if USABLE else None
    reads = rests.Reads([folder for folder in (torch_folder, Parts.FOLDER) if folder])
    reads.begin()
    source, error = source_or_explanation(arguments)
    about = environment(arguments.source == "torchvision" and not arguments.module)
    if error:
        output.event("begin", **about)
        output.event("error", **error)
        return EXIT_NO_TORCH
    output.event("begin", source=source.name, source_version=source.version, models=described(source),
                 rests=reads.news(), **about)
    names = chosen(source, arguments)
    gc.freeze()
    gc.disable()
    started = time.perf_counter()
    for name in names:
        trace_one(source.entry(name), name, options, output, reads)
        if gc.get_count()[0] > MOST_GARBAGE:
            gc.collect()
    output.event("end", models=len(names), seconds=round(time.perf_counter() - started, 3))
    return EXIT_DONE


def trace_one(entry, name, options, output, reads):
    """Announce a model, so that a crash has a name, examine it, and write it down. What it reads is
    written before the next line, so that a crash has that, too."""
    output.event("start", model=name)
    reads.report = lambda: output.event("reads", **reads.news())
    examination = Examination(entry or unknown_model(name), options)
    if entry is None:
        error = KeyError("no model %s in this source" % name)
        examination.record.update(Failure("unknown_model", error).fields())
    else:
        examination.run()
    reads.report = None
    news = reads.news()
    if news["files"] or news["variables"] or news["unseen"]:
        output.event("reads", **news)
    output.write(examination.line())


def parse_arguments(words):
    parser = argparse.ArgumentParser(prog="zoometer_bridge", description="The live PyTorch bridge of zoometer.")
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
        command.add_argument("--source", default="torchvision", metavar="NAME",
                             help="torchvision (default), timm, transformers, torch.hub:FOLDER or"
                                  " python:MODULE[:FUNCTION]")
        command.add_argument("--module", metavar="NAME", help="the same as --source python:NAME")
    trace.add_argument("models", nargs="*", metavar="MODEL", help="default: all of the source")
    trace.add_argument("--match", action="append", default=[], metavar="PATTERN",
                       help="only models whose names fit, with * and ?; repeatable")
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
