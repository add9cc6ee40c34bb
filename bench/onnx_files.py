#!/usr/bin/python3
"""Writes ONNX files of a given size, in bytes or in nodes.

`weights FILE MIB` writes a chain of matrix products whose weights take so many MiB; the file is
sparse, so that it takes next to nothing of the disk. `nodes FILE COUNT` writes a residual network
of so many nodes (1 x 1 convolutions, batch norms, activations and sums), with names, scopes and
weights as exporters write them.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

Message = bytes


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def head(field: int, length: int) -> bytes:
    """The key and length of a field of bytes."""
    return varint(field << 3 | 2) + varint(length)


def block(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return head(field, len(data)) + data


def node(op: str, inputs: Iterable[str], output: str, name: str) -> Message:
    message = b"".join(block(1, i) for i in inputs) + block(2, output) + block(3, name)
    return block(1, message + block(4, op))


def value(field: int, name: str, shape: Iterable[int]) -> Message:
    """An input (field 11) or output (12) of the graph, float32."""
    dims = b"".join(block(1, number(1, size)) for size in shape)
    return block(field, block(1, name) + block(2, block(1, number(1, 1) + block(2, dims))))


def tensor_head(name: str, shape: Iterable[int], length: int) -> Message:
    """A float32 tensor up to its data, which takes `length` bytes."""
    dims = b"".join(number(1, size) for size in shape)
    return dims + number(2, 1) + block(8, name) + head(9, length)


def tensor(name: str, shape: list[int]) -> Message:
    elements = 1
    for size in shape:
        elements *= size
    return block(5, tensor_head(name, shape, 4 * elements) + bytes(4 * elements))


def write_model(file: BinaryIO, parts: list[bytes | int]) -> None:
    """Writes a model with these parts of a graph; a number is a hole of so many zeros."""
    length = sum(part if isinstance(part, int) else len(part) for part in parts)
    file.write(number(1, 8) + block(2, "zoometer-bench") + block(8, block(1, "") + number(2, 17)))
    file.write(head(7, length))
    for part in parts:
        if isinstance(part, int):
            file.seek(part, 1)
        else:
            file.write(part)
    file.truncate()


def write_weights(file: BinaryIO, mebibytes: int) -> None:
    """Products with square matrices of 16 MiB (2048 x 2048)."""
    size = 2048
    bytes_each = 4 * size * size
    layers = mebibytes * 1024 * 1024 // bytes_each
    parts: list[bytes | int] = [value(11, "x", [1, size]), value(12, f"x{layers}", [1, size])]
    for i in range(layers):
        source = "x" if i == 0 else f"x{i}"
        parts.append(node("MatMul", [source, f"layer{i}.weight"], f"x{i + 1}", f"/layer{i}/MatMul"))
    for i in range(layers):
        start = tensor_head(f"layer{i}.weight", [size, size], bytes_each)
        parts += [head(5, len(start) + bytes_each) + start, bytes_each]
    write_model(file, parts)


def write_nodes(file: BinaryIO, count: int) -> None:
    channels = 8
    parts: list[bytes | int] = [value(11, "x", [1, channels, 16, 16])]
    weights: list[bytes | int] = []
    last, written = "x", 0
    while written < count:
        stage, index = written // 400, written // 4 % 100
        path = f"layer{stage}.{index}"
        scope = f"/layer{stage}/{path}"
        statistics = ("weight", "bias", "running_mean", "running_var")
        names = [f"{path}.conv.weight", *(f"{path}.bn.{name}" for name in statistics)]
        steps = [
            ("Conv", [last, names[0]], f"{path}.c", f"{scope}/conv/Conv"),
            ("BatchNormalization", [f"{path}.c", *names[1:]], f"{path}.b", f"{scope}/bn/Norm"),
            ("Relu", [f"{path}.b"], f"{path}.r", f"{scope}/relu/Relu"),
            ("Add", [f"{path}.r", last], f"{path}.s", f"{scope}/Add"),
        ]
        for step in steps[: count - written]:
            parts.append(node(*step))
            last = step[2]
        weights.append(tensor(names[0], [channels, channels, 1, 1]))
        weights += [tensor(name, [channels]) for name in names[1:]]
        written += len(steps)
    write_model(file, [*parts, value(12, last, [1, channels, 16, 16]), *weights])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=["weights", "nodes"])
    parser.add_argument("file", type=Path)
    parser.add_argument("amount", type=int, help="MiB of weights, or nodes")
    arguments = parser.parse_args()
    write = write_weights if arguments.kind == "weights" else write_nodes
    with arguments.file.open("wb") as file:
        write(file, arguments.amount)


if __name__ == "__main__":
    main()
