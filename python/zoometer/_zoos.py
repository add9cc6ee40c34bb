"""Sources of models: what there is in an installed library, a folder or a module, and how to build it.

A part of the bridge. The top needs nothing but the standard library; torch is imported where it is.
"""

import functools
import importlib
import importlib.util
import inspect
import os
import sys

SOURCES = ("torchvision", "timm", "transformers")
HUB, PYTHON = "torch.hub:", "python:"
IMAGE = 224


class Entry:
    """One model of a source: how to build it and what it is likely to be fed.

    shapes: the inputs, as in ZOOMETER_MODELS; inputs_of: a function of the built model that gives
    them as [{"name", "shape", "dtype"}], where the source knows no sooner; others_of: a function of
    the model, these inputs and an error's words that gives further lists to try. by_name: whether
    inputs are keyword arguments. code: lines of imports and an expression of the builder, for a program.
    """

    def __init__(self, name, task, family, builder, shapes=None, inputs_of=None,
                 others_of=None, by_name=False, code=None):
        self.name = name
        self.task = task
        self.family = family
        self.builder = builder
        self.shapes = shapes
        self.inputs_of = inputs_of
        self.others_of = others_of
        self.by_name = by_name
        self.code = code


class Source:
    """The models of a source, in its own order; `entry` also gives those that are not listed."""

    def __init__(self, name, version, entries, entry=None):
        self.name = name
        self.version = version
        self.entries = entries
        self.by_name = {entry.name: entry for entry in entries}
        self.other = entry

    def entry(self, name):
        """The entry of that name, or None."""
        known = self.by_name.get(name)
        return known if known is not None or self.other is None else self.other(name)


def load_source(name):
    """The source of that name: "timm", "torch.hub:FOLDER", "python:MODULE[:FUNCTION]"."""
    if name == "torchvision":
        return torchvision_source()
    if name == "timm":
        return timm_source()
    if name == "transformers":
        return transformers_source()
    if name.startswith(HUB):
        return hub_source(name[len(HUB):])
    if name.startswith(PYTHON):
        return module_source(name[len(PYTHON):])
    raise ValueError("no source %s: there are %s, %sFOLDER and %sMODULE"
                     % (name, ", ".join(SOURCES), HUB, PYTHON))


# --- torchvision ----------------------------------------------------------------------

TASK_OF_PACKAGE = {"segmentation": "segmentation", "detection": "detection", "video": "video",
                   "optical_flow": "optical_flow"}


def torchvision_source():
    """Every registered builder; its package determines its task."""
    torchvision = importlib.import_module("torchvision")
    builders = registered_builders(torchvision) or scanned_builders(torchvision)
    entries = []
    for name in sorted(builders):
        parts = builders[name].__module__.split(".")[2:]
        task = TASK_OF_PACKAGE.get(parts[0] if parts else "", "classification")
        entries.append(Entry(name, task, ".".join(parts), builders[name]))
    return Source("torchvision", torchvision.__version__, entries)


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


# --- timm -----------------------------------------------------------------------------


def timm_source():
    """Every model of timm; a name may have the tag of its weights, whose sizes it then has."""
    timm = importlib.import_module("timm")

    def entry(name):
        base = name.partition(".")[0]
        if not timm.is_model(base):
            return None
        family = getattr(timm.models.model_entrypoint(base), "__module__", "timm")
        return Entry(name, "classification", family.split(".")[-1],
                     functools.partial(timm.create_model, name, pretrained=False),
                     inputs_of=timm_inputs, code=partial_code("timm", "timm.create_model", repr(name)))

    return Source("timm", timm.__version__, [entry(name) for name in timm.list_models()], entry)


def timm_inputs(model):
    """One image of the size that the model's weights were trained with."""
    config = getattr(model, "pretrained_cfg", None) or getattr(model, "default_cfg", None) or {}
    get = config.get if isinstance(config, dict) else functools.partial(getattr, config)
    size = get("input_size", None) or (3, IMAGE, IMAGE)
    return [{"shape": [1] + list(size), "dtype": dtype_of(model)}]


def dtype_of(model):
    """The type of the first floating parameter: what the model's inputs are."""
    for parameter in model.parameters():
        if parameter.is_floating_point():
            return str(parameter.dtype).split(".")[-1]
    return "float32"


# --- transformers ---------------------------------------------------------------------


def transformers_source():
    """Every architecture, built from its configuration's own defaults. The family is the
    configuration's `model_type`."""
    transformers = importlib.import_module("transformers")
    architectures = importlib.import_module("._transformers", __package__)
    entries = [Entry(name, task, kind, functools.partial(architectures.build, name, configuration),
                     inputs_of=lambda model: architectures.Inputs(model, dtype_of(model)).specs(),
                     others_of=lambda model, specs, message: architectures.Inputs(
                         model, dtype_of(model)).others(specs, message), by_name=True,
                     code="import transformers\nlambda: transformers.%s(transformers.%s())"
                     % (name, configuration))
               for name, configuration, kind, task in architectures.architectures()]
    return Source("transformers", transformers.__version__, entries)


# --- torch.hub ------------------------------------------------------------------------


def hub_source(folder):
    """The entry points of a folder's hubconf.py; nothing is fetched."""
    folder = os.path.abspath(folder)
    path = os.path.join(folder, "hubconf.py")
    if not os.path.isfile(path):
        raise FileNotFoundError("no file %s" % path)
    sys.path.insert(0, folder)
    sys.argv = [path]
    specification = importlib.util.spec_from_file_location("hubconf", path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    missing = [name for name in getattr(module, "dependencies", ())
               if importlib.util.find_spec(name) is None]
    if missing:
        raise ModuleNotFoundError("hubconf.py needs %s" % ", ".join(missing))
    entries = [Entry(name, "unknown", family_of(value, "hubconf"), value,
                     code=partial_code("torch", "torch.hub.load", "%r, %r, source='local'"
                                       % (folder, name)))
               for name, value in vars(module).items() if callable(value) and name[0] != "_"
               and not inspect.isclass(value)]
    return Source(HUB + folder, None, entries)


# --- a module of the user's own -------------------------------------------------------


def module_source(word):
    """A module with a table ZOOMETER_MODELS, with list_models() and create_model(), or with
    functions and classes that make a model without arguments; or one of them by its name."""
    module_name, _, function_name = word.partition(":")
    sys.path.insert(0, os.getcwd())
    sys.argv = [module_name]  # a module that parses its arguments has none
    module = importlib.import_module(module_name)
    table = getattr(module, "ZOOMETER_MODELS", None)
    table = table if isinstance(table, dict) else {}

    def other(name):
        builder = getattr(module, name, None)
        if callable(builder):
            return Entry(name, "unknown", family_of(builder, module_name), builder,
                         code=attribute_code(module, name))
        create = getattr(module, "create_model", None)
        return pair_entry(module, name, create) if callable(create) else None

    if table:
        entries = [table_entry(name, row, module_name) for name, row in table.items()]
    elif callable(getattr(module, "list_models", None)) \
            and callable(getattr(module, "create_model", None)):
        entries = [pair_entry(module, name, module.create_model) for name in module.list_models()]
    else:
        entries = factories(module)
    source = Source(PYTHON + word, getattr(module, "__version__", None), entries, other)
    if function_name:
        found = source.entry(function_name)
        if found is None:
            getattr(module, function_name)  # Python's own words
        source = Source(PYTHON + word, source.version, [found])
    elif not entries:
        raise ValueError("module %s has no dict ZOOMETER_MODELS, no list_models() with create_model(),"
                         " and no function or class that makes a model without arguments" % module_name)
    return source


def table_entry(name, row, module_name):
    """NAME: builder, or NAME: (builder, inputs). A builder is called, is a module that exists, or is
    named as "package.module:function". A row that is neither fails when it is built."""
    builder, shapes = row, None
    if isinstance(row, (tuple, list)):
        if not 1 <= len(row) <= 2:
            return broken_entry(name, module_name, "expected a builder, or (builder, inputs), got %d"
                                " things" % len(row))
        builder, shapes = (tuple(row) + (None,))[:2]
    if isinstance(builder, str):
        builder = functools.partial(call_named, builder)
    if not callable(builder):
        return broken_entry(name, module_name,
                            "%s cannot be called" % type(builder).__name__)
    family = row_family(builder, module_name)
    code = "import %s\n%s.ZOOMETER_MODELS[%r]%s" % (module_name, module_name, name,
                                                  "[0]" if builder is not row else "")
    return Entry(str(name), "unknown", family, builder, shapes, by_name=isinstance(shapes, dict),
                 code=code)


def row_family(builder, module_name):
    if isinstance(builder, functools.partial) and builder.func is call_named:
        return builder.args[0].partition(":")[0]
    return family_of(builder, module_name)


def broken_entry(name, module_name, why):
    def build():
        raise TypeError("ZOOMETER_MODELS[%r]: %s" % (name, why))
    return Entry(str(name), "unknown", module_name, build)


def call_named(word):
    """The result of "package.module:function", called without arguments."""
    module_name, _, function = word.partition(":")
    return getattr(importlib.import_module(module_name), function)()


def pair_entry(module, name, create):
    arguments = {"pretrained": False} if "pretrained" in parameters_of(create) else {}
    return Entry(name, "unknown", module.__name__, functools.partial(create, name, **arguments),
                 inputs_of=configured_inputs,
                 code=partial_code(module.__name__, module.__name__ + ".create_model", repr(name)))


def partial_code(module_name, function, arguments):
    return "import functools\nimport %s\nfunctools.partial(%s, %s)" % (module_name, function, arguments)


def attribute_code(module, name):
    return "import %s\n%s.%s" % (module.__name__, module.__name__, name)


def configured_inputs(model):
    """The size that a model names as timm's do; None to guess."""
    return timm_inputs(model) if hasattr(model, "pretrained_cfg") or hasattr(model, "default_cfg") \
        else None


def factories(module):
    """The module's own public functions and nn.Module classes that need no argument, in its order."""
    torch = importlib.import_module("torch")
    public = getattr(module, "__all__", None)
    package = module.__name__.split(".")[0]
    found = []
    for name, value in list(vars(module).items()):
        if name.startswith("_") or public is not None and name not in public:
            continue
        own = getattr(value, "__module__", None) or ""
        if own != module.__name__ and (public is None or own.split(".")[0] != package):
            continue
        if inspect.isclass(value):
            if not issubclass(value, torch.nn.Module):
                continue
        elif not inspect.isfunction(value) or not may_make_model(value, torch):
            continue
        if needs_no_argument(value):
            found.append(Entry(name, "unknown", own, value, code=attribute_code(module, name)))
    return found


def may_make_model(function, torch):
    """What a function is annotated to return, if anything, is a module."""
    returned = getattr(function, "__annotations__", {}).get("return", torch.nn.Module)
    return isinstance(returned, str) or inspect.isclass(returned) and issubclass(returned, torch.nn.Module)


def parameters_of(function):
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return {}


def needs_no_argument(function):
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return all(parameter.default is not inspect.Parameter.empty
               or parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
               for parameter in parameters)


def family_of(builder, module_name):
    """The module that defines what is called in the end, of a partial or a bound method, too."""
    while isinstance(builder, functools.partial):
        builder = builder.func
    builder = inspect.unwrap(builder) if callable(builder) else builder
    return getattr(builder, "__module__", None) or module_name


# --- Inputs ---------------------------------------------------------------------------


def parse_shape(text):
    """"1,3,224,224" or "1x3x224x224", followed by ":int64" for another dtype."""
    sizes, _, dtype = text.partition(":")
    shape = [int(size) for size in sizes.replace("x", ",").split(",")]
    return {"shape": shape, "dtype": dtype} if dtype else {"shape": shape}


def is_typed(given):
    """Whether what a caller gives as an input has a dtype."""
    if isinstance(given, str):
        return ":" in given
    return bool(given.get("dtype")) if isinstance(given, dict) else hasattr(given, "dtype")


def whole_image(shape, usual):
    """A shape with what users leave out of those of images, which are `usual` by default: the batch,
    or all but the side of a square. As the native program has it for its own models."""
    if len(usual) >= 4 and len(shape) + 1 == len(usual):
        return [1] + shape
    if len(usual) == 4 and len(shape) == 1:
        return usual[:2] + shape * 2
    return shape


def input_list(given):
    """Inputs as [{"name" or none, "shape", "dtype"}], from whatever a table or a file has: a shape, a
    list of shapes, of texts like "1x128:int64", of tensors, of {"shape", "dtype", "name", "values"}, or a
    dictionary of these by the names of the arguments. Raises ValueError."""
    if isinstance(given, dict) and "shape" not in given:
        return [dict(one_input(value), name=str(name)) for name, value in given.items()]
    if isinstance(given, (list, tuple)) and not all(isinstance(size, int) for size in given):
        return [one_input(value) for value in given]
    return [one_input(given)]


def one_input(value):
    if isinstance(value, str):
        value = parse_shape(value)
    elif isinstance(value, (list, tuple)):
        value = {"shape": value}
    elif not isinstance(value, dict):
        if not hasattr(value, "shape") or not hasattr(value, "dtype"):
            raise ValueError("%s is no input: a shape, a text like 1x128:int64 or a tensor is"
                             % type(value).__name__)
        value = {"shape": value.shape, "dtype": value.dtype}
    sizes = list(value["shape"])
    if not all(isinstance(size, int) and not isinstance(size, bool) for size in sizes):
        raise ValueError("the shape %s has something else than integers" % (sizes,))
    spec = {"shape": sizes, "dtype": dtype_name(value.get("dtype", "float32"))}
    if value.get("name"):
        spec["name"] = str(value["name"])
    if "values" in value:
        spec["values"] = value["values"]
    return spec


def dtype_name(dtype):
    """"int64" of torch.int64, "long", numpy's and its own."""
    torch = importlib.import_module("torch")
    name = str(dtype).split(".")[-1]
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise ValueError("unknown dtype %s" % name)
    return str(found).split(".")[-1]
