#!/usr/bin/python3
# bench/tflite_files.py weights|operators FILE COUNT: TensorFlow Lite files for bench/gates
#
# weights: 64 dense layers with COUNT bytes of weights, as a file with holes. operators: a chain of
# COUNT operators. The families of tests/cli/growth.sh are written with the same functions.
import struct
import sys

ADD, CONCATENATION, FULLY_CONNECTED, CUSTOM = 0, 2, 9, 32


class Hole:
    """The data of a buffer: so many bytes that are not written."""

    def __init__(self, size):
        self.size = size


def number(kind, value):
    return struct.pack("<" + kind, value)


def numbers(values, kind="i"):
    """A vector of numbers."""
    return (len(values), struct.pack(f"<{len(values)}{kind}", *values))


def text(value):
    return (len(value), value.encode())


def place_at(out, start, end):
    struct.pack_into("<I", out, start, end - start)


def append_table(out, fields, holes):
    """Appends a table of the fields by their numbers in the schema: bytes are numbers, pairs vectors, dicts tables,
    lists vectors of tables. Returns its place."""
    count = max(fields, default=-1) + 1
    places, body, references = [0] * count, bytearray(4), []
    for field, value in fields.items():
        places[field] = len(body)
        if not isinstance(value, bytes):
            references.append((len(body), value))
        body += value if isinstance(value, bytes) else bytes(4)
    table_at = len(out) + 4 + 2 * count
    out += struct.pack(f"<HH{count}H", 4 + 2 * count, len(body), *places)
    struct.pack_into("<i", body, 0, table_at - (len(out) - 4 - 2 * count))
    out += body
    for place, value in references:
        append_field(out, table_at + place, value, holes)
    return table_at


def append_field(out, start, value, holes):
    if isinstance(value, Hole):
        holes.append((start, value.size))
    elif isinstance(value, dict):
        place_at(out, start, append_table(out, value, holes))
    else:
        place_at(out, start, len(out))
        if isinstance(value, tuple):
            out += struct.pack("<I", value[0]) + value[1]
            return
        first = len(out) + 4
        out += struct.pack("<I", len(value)) + bytes(4 * len(value))
        written = {}  # a table that is there several times is written once
        for index, each in enumerate(value):
            if id(each) not in written:
                written[id(each)] = append_table(out, each, holes)
            place_at(out, first + 4 * index, written[id(each)])


def tensor(shape, name="", buffer=0, kind=0):
    return {0: numbers(shape), 1: number("b", kind), 2: number("I", buffer), 3: text(name), 8: number("B", 1)}


def operator(code, inputs, outputs, **options):
    """With `options={field: value}` as its table of options."""
    table = {0: number("I", code), 1: numbers(inputs), 2: numbers(outputs)}
    return table | ({3: number("B", 1), 4: options["options"]} if options else {})


def subgraph(tensors, inputs, outputs, operators):
    return {0: tensors, 1: numbers(inputs), 2: numbers(outputs), 3: operators}


def code(builtin, custom=None):
    table = {0: number("b", min(builtin, 127)), 3: number("i", builtin)}
    return table | ({1: text(custom)} if custom else {})


def model(codes, subgraphs, buffers=({},), **more):
    """The bytes of a file, and the holes that follow them."""
    out, holes = bytearray(4) + b"TFL3", []
    root = {0: number("I", 3), 1: list(codes), 2: list(subgraphs), 4: list(buffers)} | more.get("fields", {})
    place_at(out, 0, append_table(out, root, holes))
    return bytes(out), holes


def write_weights(path, size):
    layers, width = 64, 1024
    depth = size // layers // 4 // width
    tensors, operators = [tensor([1, depth], "x")], []
    for layer in range(layers):
        tensors += [tensor([width, depth], f"layer{layer}/w", layer + 1), tensor([1, width], f"layer{layer}/y")]
        operators.append(operator(0, [0, 2 * layer + 1, -1], [2 * layer + 2]))
    graph = subgraph(tensors, [0], [2 * layer + 2 for layer in range(layers)], operators)
    buffers = [{}] + [{0: Hole(4 * width * depth)} for _ in range(layers)]
    out, holes = model([code(FULLY_CONNECTED)], [graph], buffers)
    out = bytearray(out)
    end = len(out)
    for start, length in holes:
        place_at(out, start, end)
        end += 4 + length
    with open(path, "wb") as file:
        file.write(out)
        end = len(out)
        for _, length in holes:
            file.seek(end)
            file.write(struct.pack("<I", length))
            end += 4 + length
        file.truncate(end)


def chain(count):
    """Each operator adds what came before to x."""
    tensors = [tensor([1, 64], "x")] + [tensor([1, 64], f"block{i // 10}/y{i}") for i in range(count)]
    operators = [operator(0, [0, i], [i + 1]) for i in range(count)]
    return model([code(ADD)], [subgraph(tensors, [0], [count], operators)])[0]


def write_operators(path, count):
    with open(path, "wb") as file:
        file.write(chain(count))


if __name__ == "__main__":
    {"weights": write_weights, "operators": write_operators}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
