"""What never changes about ATen's operators, read from their schemas once."""

import torch

from .assumed import ANSWERS
from .shapes import SHAPES
from .tensors import twin_of


def enum_codes(owner, codes):
    """{torch.float32: 7, ...} for the names that this torch has."""
    return {getattr(owner, name): code for name, code in codes.items() if hasattr(owner, name)}


# As in torch.export's schema.
DTYPES = enum_codes(torch, {
    "uint8": 1, "int8": 2, "int16": 3, "int32": 4, "int64": 5, "float16": 6, "float32": 7,
    "float64": 8, "complex32": 9, "complex64": 10, "complex128": 11, "bool": 12, "bfloat16": 13,
    "uint16": 28, "float8_e4m3fn": 29, "float8_e5m2": 30, "float8_e4m3fnuz": 31,
    "float8_e5m2fnuz": 32, "float8_e8m0fnu": 33, "uint32": 34, "uint64": 35})

# Letters for the kinds of arguments: t(ensor), T: tensors, i(nteger or a list of them), f(loat), b(ool),
# n(umber), s(tring), d(type), x: others.
KINDS = (("Tensor", "t"), ("ScalarType", "d"), ("Scalar", "n"), ("float", "f"), ("bool", "b"),
         ("int", "i"), ("SymInt", "i"), ("str", "s"), ("number", "n"), ("complex", "x"))

# Their defaults reach Python as bare integers of other enumerations.
ENUM_ARGUMENTS = {"dtype", "layout", "memory_format", "device"}


def kind_of(argument):
    text = str(argument.type)
    if argument.name == "dtype":
        return "d"
    if argument.name in ENUM_ARGUMENTS or "Generator" in text or "Device" in text:
        return "x"
    if "Tensor" in text and "List" in text:
        return "T"
    return next((letter for word, letter in KINDS if word in text), "x")


def plain(value):
    """A default value as JSON has it."""
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, float, str)) else None


# Results that depend on what memory holds, or on more than the types of the arguments.
IMPURE = {"_local_scalar_dense", "nonzero", "item", "is_nonzero", "equal", "masked_select",
          "unique_dim", "unique_consecutive", "_unique2", "_unique", "resize_", "set_", "empty_like",
          "lift_fresh", "lift", "lift_fresh_copy", "bincount", "repeat_interleave", "resolve_conj",
          "resolve_neg", "detach"}

# In-place operators that change a tensor's sizes, not its content.
RESHAPES_ITSELF = {"resize_", "set_", "as_strided_", "t_", "transpose_", "unsqueeze_", "squeeze_",
                   "swapaxes_", "swapdims_", "resize_as_", "detach_", "requires_grad_"}


def detach(tensor):
    """torch gives a factory's result a version by detaching it, which an inference tensor refuses."""
    if not tensor.is_inference():
        return torch.ops.aten.detach.default(tensor)
    with torch.inference_mode(False):
        result = twin_of(tensor, tensor.device)
        return result if result.is_meta else result.copy_(tensor)


class Operator:
    """What never changes about one operator."""

    __slots__ = ("run", "index", "space", "name", "overload", "names", "kinds", "defaults", "keeps",
                 "in_place", "written", "answer", "place_of", "target", "shape_of", "makes",
                 "is_composite", "parts", "runs_as_given", "func")

    def __init__(self, func, index):
        schema = func._schema
        self.run = detach if schema.name == "aten::detach" else \
            func._op if schema.name.startswith("aten::") else func
        self.func = func  # keeps its id
        self.index = index
        self.space, self.name = schema.name.split("::")
        self.overload = func._overloadname
        self.target = "torch.ops.%s.%s.%s" % (self.space, self.name, self.overload)
        arguments = schema.arguments
        self.names = [argument.name for argument in arguments]
        self.place_of = {name: place for place, name in enumerate(self.names)}
        self.kinds = "".join(kind_of(argument) for argument in arguments)
        self.defaults = [plain(argument.default_value)
                         if argument.has_default_value() and argument.name not in ENUM_ARGUMENTS
                         else None for argument in arguments]
        self.written = [place for place, argument in enumerate(arguments)
                        if argument.alias_info is not None and argument.alias_info.is_write]
        aten = self.space == "aten" and self.name not in IMPURE
        self.in_place = aten and self.written == [0] and self.name.endswith("_") \
            and len(schema.returns) == 1 and self.name not in RESHAPES_ITSELF
        # Whether its results depend on the types of its arguments, so that they are kept.
        self.keeps = self.in_place or aten and not self.written and len(schema.returns) > 0
        self.answer = ANSWERS.get(self.name) if self.space in ("aten", "torchvision") else None
        self.shape_of = SHAPES.get("%s.%s" % (self.name, self.overload)) \
            if self.space == "aten" else None
        self.is_composite = torch._C._dispatch_has_kernel_for_dispatch_key(
            func.name(), "CompositeImplicitAutograd")
        self.parts = func.decompose
        self.makes = not set("tT") & set(self.kinds)
        # Whether it runs with the arguments that it is given, see Recorder.execute.
        self.runs_as_given = self.shape_of is None and "device" not in self.names

    def row(self):
        return [self.space, self.name, self.overload, self.names, self.kinds, self.defaults]


OPERATORS = {}  # of the process, by the id of torch's object, whose hash is a function in Python


def operator_of(func):
    operator = OPERATORS.get(id(func))
    if operator is None:
        operator = OPERATORS[id(func)] = Operator(func, len(OPERATORS))
    return operator
