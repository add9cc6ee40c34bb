"""Runs captured calls with real numbers, to compare them with the live model.

Calls run as they are, writes and views included. A record that forgot an argument, an alias or a
call gives another result.
"""

import torch

DTYPES = {1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64,
          6: torch.float16, 7: torch.float32, 8: torch.float64, 12: torch.bool,
          13: torch.bfloat16}


def argument_value(value, kind, values):
    """The Python value of an argument, by the letter of its kind (python/README.md)."""
    if value is None:
        return None
    if kind == "t":
        return value[0] if isinstance(value, list) else values[value]
    if kind == "T":
        return [None if item is None else values[item] for item in value]
    return DTYPES[value] if kind == "d" else value


def flat(value):
    """The items of nested lists, in order."""
    if not isinstance(value, (list, tuple)):
        return [value]
    return [item for part in value for item in flat(part)]


def run_call(call, operators, values):
    number, _, given, outputs, _ = call
    space, name, overload, _, kinds, _ = operators[number]
    # Strides without data may differ from those with data, which a view depends on.
    name = "reshape" if name in ("view", "_reshape_alias") else name
    function = getattr(getattr(getattr(torch.ops, space), name), overload)
    args, kwargs = [], {}
    for argument, kind, value in zip(function._schema.arguments, kinds, given):
        value = argument_value(value, kind, values)
        if not argument.kwarg_only:
            args.append(value)
        elif value is not None:
            kwargs[argument.name] = value
    results = flat(function(*args, **kwargs))
    for place, result in zip(flat(outputs), results):
        if place is not None:
            values[place] = result


def replay(captured, state, inputs):
    """The outputs of a captured run.

    state: tensors by their names in the model. inputs: in the order of the record's own.
    """
    values = {}
    for kind, name, value, *_ in captured["state"]:
        values.setdefault(value, state[name].detach().clone())
    for (_, value), tensor in zip(captured["inputs"], inputs):
        values[value] = tensor
    with torch.no_grad():
        for call in captured["calls"]:
            run_call(call, captured["operators"], values)
    return [values[value] for value in captured["outputs"]]
