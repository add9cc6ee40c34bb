"""Executes a recorded program with real numbers, to compare it with the live model.

Every node is run as a function of its named inputs alone: an in-place operator works
on copies. A program that forgot an alias or an argument gives another result.
"""

import torch

DTYPES = {1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64,
          6: torch.float16, 7: torch.float32, 8: torch.float64, 12: torch.bool,
          13: torch.bfloat16}
MEMORY_FORMATS = {1: torch.contiguous_format, 2: torch.channels_last,
                  3: torch.channels_last_3d, 4: torch.preserve_format}


def operator(target):
    """The callable of "torch.ops.aten.add.Tensor".

    A view is run as a reshape: strides on meta may differ from those on the CPU.
    """
    _, _, namespace, name, overload = target.split(".")
    name = "reshape" if name == "view" else name
    return getattr(getattr(getattr(torch.ops, namespace), name), overload)


def argument_value(argument, values):
    """The Python value of an argument object."""
    (kind, value), = argument.items()
    if kind == "as_none":
        return None
    if kind == "as_tensor":
        return values[value["name"]]
    if kind == "as_tensors":
        return [values[item["name"]] for item in value]
    if kind == "as_optional_tensors":
        return [argument_value(item, values) for item in value]
    if kind == "as_float":
        return float(value)
    if kind == "as_scalar_type":
        return DTYPES[value]
    if kind == "as_memory_format":
        return MEMORY_FORMATS[value]
    if kind == "as_layout":
        return torch.strided
    if kind == "as_device":
        return torch.device("cpu")
    return value


def run_node(node, values):
    """The results of one node, as a list in the order of its outputs."""
    function = operator(node["target"])
    written = {argument.name for argument in function._schema.arguments
               if argument.alias_info is not None and argument.alias_info.is_write}
    args, kwargs = [], {}
    for entry in node["inputs"]:
        value = argument_value(entry["arg"], values)
        if entry["name"] in written:
            value = value.clone()
        if entry["kind"] == 1:
            args.append(value)
        else:
            kwargs[entry["name"]] = value
    result = function(*args, **kwargs)
    return list(result) if isinstance(result, tuple) else [result]


def state_values(program, state):
    """The model's parameters and buffers under their names in the graph."""
    values = {}
    for spec in program["graph_module"]["signature"]["input_specs"]:
        (kind, body), = spec.items()
        if kind in ("parameter", "buffer"):
            values[body["arg"]["name"]] = state[body[kind + "_name"]]
    return values


def input_names(program):
    return [spec["user_input"]["arg"]["as_tensor"]["name"]
            for spec in program["graph_module"]["signature"]["input_specs"]
            if "user_input" in spec]


def replay(program, state, inputs):
    """The program's outputs for real inputs; shapes are checked on the way."""
    graph = program["graph_module"]["graph"]
    values = state_values(program, state)
    values.update(zip(input_names(program), inputs))
    for node in graph["nodes"]:
        for output, result in zip(node["outputs"], run_node(node, values)):
            names = output.get("as_tensors") or [output["as_tensor"]]
            results = result if "as_tensors" in output else [result]
            for name, tensor in zip(names, results):
                check_shape(graph, node, name["name"], tensor)
                values[name["name"]] = tensor
    return [values[output["as_tensor"]["name"]] for output in graph["outputs"]]


def check_shape(graph, node, name, tensor):
    recorded = [size["as_int"] for size in graph["tensor_values"][name]["sizes"]]
    if "_unused_" not in name and recorded != list(tensor.shape):
        raise AssertionError("%s %s: recorded %s, ran %s"
                             % (node["target"], name, recorded, list(tensor.shape)))
