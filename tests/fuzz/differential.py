#!/usr/bin/python3
"""differential.py ZOOMETER [--runs N] [--seed S]: files that two readers may understand differently.

Changes small ONNX files field by field (one twice, in another order, missing, of another file) and the JSON of programs
member by member. What zoometer reads must be what `onnx` and Python's json read: names of inputs and outputs, their
sizes, the number of weights. What it refuses it may refuse. Prints each difference, and the number of files.
"""
import argparse
import json
import pathlib
import random
import subprocess
import tempfile
import zipfile

import onnx

DATA = pathlib.Path(__file__).parent.parent / 'data'


# -- protobuf, as a tree of fields ------------------------------------------------------------------

def varint(data, at):
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields_of(data):
    """Pairs of a tag's bytes and a value's; lengths are separate, so that a value may change its size."""
    fields, at = [], 0
    while at < len(data):
        start = at
        tag, at = varint(data, at)
        wire, tag_bytes = tag & 7, data[start:at]
        if tag >> 3 == 0 or wire not in (0, 1, 2, 5):
            raise ValueError
        begin = at
        if wire == 0:
            _, at = varint(data, at)
        elif wire == 2:
            size, begin = varint(data, at)
            at = begin + size
        else:
            at += 8 if wire == 1 else 4
        if at > len(data):
            raise ValueError
        fields.append((tag_bytes, data[begin:at], wire))
    return fields


def packed(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def text_of(fields):
    return b''.join(tag + (packed(len(value)) if wire == 2 else b'') + value for tag, value, wire in fields)


def changed_message(data, chosen, depth=0):
    try:
        fields = fields_of(data)
    except ValueError:
        return data
    if not fields:
        return data
    at = chosen.randrange(len(fields))
    tag, value, wire = fields[at]
    if wire == 2 and depth < 8 and chosen.random() < 0.75:
        fields[at] = (tag, changed_message(value, chosen, depth + 1), wire)
        return text_of(fields)
    other = chosen.randrange(len(fields))
    kind = chosen.randrange(5)
    if kind == 0:
        fields.insert(other, fields[at])
    elif kind == 1:
        fields[at], fields[other] = fields[other], fields[at]
    elif kind == 2:
        del fields[at]
    elif kind == 3 and wire == 0:
        fields.insert(at + 1, (tag, packed(chosen.choice([0, 1, 2, 7, 300, (1 << 64) - 1])), wire))
    else:
        fields[at] = (tag, fields[other][1] if fields[other][2] == wire else value, wire)
    return text_of(fields)


# -- what other readers say --------------------------------------------------------------------------

def seen_by_onnx(data):
    """Names and sizes as `onnx` reads them; None if it reads nothing."""
    try:
        graph = onnx.load_model_from_string(data).graph
    except Exception:  # google.protobuf.message.DecodeError and others
        return None
    weights = {each.name for each in graph.initializer}

    def sizes(info):
        kind = info.type
        if kind.WhichOneof('value') != 'tensor_type' or not kind.tensor_type.HasField('shape'):
            return None
        return [dim.dim_value if dim.WhichOneof('value') == 'dim_value' else None
                for dim in kind.tensor_type.shape.dim]

    return {'inputs': [(each.name, sizes(each)) for each in graph.input if each.name not in weights],
            'outputs': [each.name for each in graph.output]}


class Twice(Exception):
    pass


def seen_by_json(text):
    def pairs(members):
        if len({name for name, _ in members}) != len(members):
            raise Twice
        return dict(members)

    try:
        program = json.loads(text, object_pairs_hook=pairs)
        values = program['graph_module']['graph']['tensor_values']
        return [size.get('as_int') for size in values['x']['sizes']]
    except Exception:
        return None


# -- comparison ----------------------------------------------------------------------------------------

def profile(zoometer, file):
    done = subprocess.run([zoometer, 'profile', file, '--format', 'json'], capture_output=True, timeout=60)
    if done.returncode not in (0, 3):
        return 'status %d: %s' % (done.returncode, done.stderr.decode(errors='replace')[:200])
    return json.loads(done.stdout) if done.returncode == 0 else None


def onnx_difference(data, read):
    seen = seen_by_onnx(data)
    if seen is None:
        return 'onnx refuses the file'
    names = [each['name'] for each in read['inputs']]
    for name, sizes in seen['inputs']:
        if name not in names:
            continue  # a weight that the file gives no elements of, or a sequence
        own = read['inputs'][names.index(name)]['shape']
        if sizes is None or any(size is not None and size < 0 for size in sizes):
            continue
        if len(sizes) != len(own) or any(size is not None and size != is_size for size, is_size in zip(sizes, own)):
            return f'the input {name} is {own}, and {sizes} for onnx'
    outputs = [each['name'] for each in read['outputs']]
    missing = set(seen['outputs']) ^ set(outputs)
    return f'outputs {outputs}, and {seen["outputs"]} for onnx' if missing else None


def changed_program(text, chosen):
    """A member once more, or a value of another type, at a place of the text where members begin."""
    starts = [at for at in range(len(text)) if text[at] in '{[,']
    at = chosen.choice(starts) + 1
    piece = chosen.choice(['"sizes": [{"as_int": 7}, {"as_int": 9}], ', '"x": 1, ', '"name": "x", ', '1, ', 'NaN, ',
                           '{"as_int": 5}, ', '"as_int": 5, ', ' ', '\t', '{', '}', '"\\u0078": 2, '])
    return text[:at] + piece + text[at:]


def main():
    words = argparse.ArgumentParser()
    words.add_argument('zoometer')
    words.add_argument('--runs', type=int, default=1000)
    words.add_argument('--seed', type=int, default=1)
    given = words.parse_args()
    chosen = random.Random(given.seed)
    models = [file.read_bytes() for file in sorted((DATA / 'onnx' / 'kinds').glob('*.onnx'))
              if file.stat().st_size < 4000]
    with zipfile.ZipFile(DATA / 'hostile' / 'json_key_twice.pt2') as archive:
        program = archive.read('m/models/model.json').decode().replace(
            '"sizes": [{"as_int": 1000}, {"as_int": 4000}], ', '')
    differences = read = 0
    with tempfile.TemporaryDirectory() as folder:
        for run in range(given.runs):
            if run % 3 < 2:
                file = pathlib.Path(folder, 'model.onnx')
                data = changed_message(chosen.choice(models), chosen)
                file.write_bytes(data)
                is_other = onnx_difference
            else:
                file = pathlib.Path(folder, 'program.pt2')
                data = changed_program(program, chosen)
                with zipfile.ZipFile(file, 'w') as archive:
                    archive.writestr('m/archive_format', 'pt2')
                    archive.writestr('m/models/model.json', data)

                def is_other(text, answer):
                    sizes = seen_by_json(text)
                    own = answer['inputs'][0]['shape']
                    return None if sizes == own else f'{own}, and {sizes} for Python'

            answer = profile(given.zoometer, file)
            read += isinstance(answer, dict)
            problem = is_other(data, answer) if isinstance(answer, dict) else answer
            if problem:
                differences += 1
                kept = pathlib.Path(tempfile.gettempdir(), f'differs_{given.seed}_{run}{file.suffix}')
                kept.write_bytes(file.read_bytes())
                print(f'{kept}: {problem}')
    print(f'{given.runs} files, {read} read, {differences} differ')
    return 1 if differences else 0


if __name__ == '__main__':
    raise SystemExit(main())
