#!/usr/bin/python3
# bench/weights_files.py index|gguf FILE COUNT: files of weights for bench/gates
#
# index: model.safetensors.index.json with COUNT tensors of experts, as of a mixture of 10^12
# parameters. gguf: a file without tensors and with a vocabulary of COUNT words.
import json
import struct
import sys


def write_index(path, count):
    parts = ("gate_proj", "up_proj", "down_proj")
    names = {}
    for number in range(count):
        layer, rest = divmod(number, 896 * 9)
        expert, part = divmod(rest, 9)
        kind = ("weight_packed", "weight_scale", "weight_shape")[part % 3]
        name = f"language_model.model.layers.{layer}.block_sparse_moe.experts.{expert}.{parts[part // 3]}.{kind}"
        names[name] = f"model-{layer + 1:05d}-of-00096.safetensors"
    with open(path, "w") as file:
        json.dump({"metadata": {"total_size": 0}, "weight_map": names}, file, indent=2)


def text_of(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def gguf_file(count, tensors=(), keys=()):
    """The bytes of a file with a vocabulary of `count` words, and descriptions of tensors and keys as they are."""
    string, array, u32 = 8, 9, 4
    keys = list(keys) + [text_of("general.architecture") + struct.pack("<I", string) + text_of("llama")]
    for name, value in (
        ("embedding_length", 2048),
        ("block_count", 16),
        ("feed_forward_length", 8192),
        ("attention.head_count", 32),
        ("attention.head_count_kv", 8),
    ):
        keys.append(text_of("llama." + name) + struct.pack("<II", u32, value))
    words = b"".join(text_of(f"word{i}") for i in range(count))
    keys.append(
        text_of("tokenizer.ggml.tokens") + struct.pack("<IIQ", array, string, count) + words
    )
    counts = struct.pack("<IQQ", 3, len(tensors), len(keys))
    return b"GGUF" + counts + b"".join(keys) + b"".join(tensors)


def write_gguf(path, count):
    with open(path, "wb") as file:
        file.write(gguf_file(count))


if __name__ == "__main__":
    {"index": write_index, "gguf": write_gguf}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
