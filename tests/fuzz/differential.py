#!/usr/bin/python3
"""differential.py ZOOMETER [--runs N] [--seed S]: files that two readers may understand differently.

Changes small ONNX files field by field (one twice, merged, in another order, missing, cut off, of another file, numbers
in another form, packed lists, groups and unknown fields), the JSON of programs and of safetensors headers member by
member, and a device's TOML line by line. What zoometer reads must be what `onnx` and Python's json and tomllib read:
names of inputs, outputs and weights, their sizes, and how many there are. What it refuses it may refuse. Prints each
difference, and how many files of each kind were read.
"""
import argparse
import collections
import json
import pathlib
import random
import struct
import subprocess
import tempfile
import tomllib
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


def overlong(value, chosen):
    """The same number in more bytes; ten at most, as protobuf reads."""
    longer = chosen.randrange(1, 11)
    if len(value) >= longer:
        return value
    return value[:-1] + bytes([value[-1] | 0x80]) + b'\x80' * (longer - len(value) - 1) + b'\0'


def unknown_field(chosen):
    """A field that no version has, of each kind; a group with one in it too."""
    number = chosen.choice([31, 100, 5000, (1 << 29) - 1])
    wire = chosen.choice([0, 1, 2, 3, 5])
    content = {0: b'\x05', 1: bytes(8), 2: b'\x02ab', 3: b'\x08\x01' + packed(number << 3 | 4), 5: bytes(4)}[wire]
    return packed(number << 3 | wire), content, -1


def changed_list(fields, at, chosen):
    """A list of numbers the other way: packed, or each number as a field of its own."""
    tag, value, wire = fields[at]
    try:
        number = varint(tag, 0)[0] >> 3
        if wire == 0:
            fields[at] = (packed(number << 3 | 2), value, 2)
        elif wire == 2:
            numbers, begin = [], 0
            while begin < len(value):
                end = varint(value, begin)[1]
                numbers.append((packed(number << 3), value[begin:end], 0))
                begin = end
            if chosen.random() < 0.5 and len(numbers) > 1:
                numbers[1:] = [(tag, b''.join(each[1] for each in numbers[1:]), 2)]  # half and half
            fields[at:at + 1] = numbers
    except ValueError:
        pass


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
    kind = chosen.randrange(11)
    if kind == 0:
        fields.insert(other, fields[at])
    elif kind == 1:
        fields[at], fields[other] = fields[other], fields[at]
    elif kind == 2:
        del fields[at]
    elif kind == 3 and wire == 0:
        fields.insert(at + 1, (tag, packed(chosen.choice([0, 1, 2, 7, 300, (1 << 64) - 1])), wire))
    elif kind == 4 and wire == 0:
        fields[at] = (tag, overlong(value, chosen), wire)
    elif kind == 5:
        fields[at] = (overlong(tag, chosen), value, wire)
    elif kind == 6:
        fields.insert(at, unknown_field(chosen))
    elif kind == 7:
        changed_list(fields, at, chosen)
    elif kind == 8 and wire == 2 and value:  # a message or a text that ends early
        fields[at] = (tag, value[:chosen.randrange(len(value))], wire)
    elif kind == 9 and wire == 2:  # the other member of a `oneof`, such as dim_param beside dim_value
        number = varint(tag, 0)[0] >> 3
        fields.insert(at + chosen.randrange(2), (packed((3 - number if number < 3 else number + 3) << 3 | 2), value, 2))
    elif kind == 10 and wire == 2:  # two halves, which are merged where the field may occur once
        try:
            parts = fields_of(value)
        except ValueError:
            return text_of(fields)
        cut = chosen.randrange(len(parts) + 1)
        fields[at:at + 1] = [(tag, text_of(parts[:cut]), 2), (tag, text_of(parts[cut:]), 2)]
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
            'outputs': [each.name for each in graph.output],
            # Real numbers only: integers may be packed, and are listed as what they stand for.
            'weights': {each.name: list(each.dims) for each in graph.initializer if each.data_type in (1, 10, 11, 16)}}


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


def seen_in_header(file):
    """Names and shapes of a safetensors file, as its specification has them; None if it is none."""
    def pairs(members):
        if len({name for name, _ in members}) != len(members):
            raise Twice
        return dict(members)

    def not_json(word):
        raise ValueError(word)

    try:
        size = struct.unpack('<Q', file[:8])[0]
        header = file[8:8 + size].decode('utf-8')
        if not header.startswith('{'):
            return None
        tensors = json.loads(header, object_pairs_hook=pairs, parse_constant=not_json)
        return {name: entry['shape'] for name, entry in tensors.items() if name != '__metadata__'}
    except Exception:
        return None


def seen_in_toml(text):
    try:
        device = tomllib.loads(text.decode('utf-8-sig'))  # TOML ignores the mark that tomllib refuses
        return device['name'], float(device['memory']['bandwidth'])
    except Exception:
        return None


# -- comparison ----------------------------------------------------------------------------------------

def answer_of(zoometer, *words):
    done = subprocess.run([zoometer, *words, '--format', 'json'], capture_output=True, timeout=60)
    if done.returncode not in (0, 3):
        return 'status %d: %s' % (done.returncode, done.stderr.decode(errors='replace')[:200])
    return json.loads(done.stdout) if done.returncode == 0 else None


def weights_difference(seen, listed):
    """Parameters of the names that the other reader has, of other sizes."""
    for entry in listed['entries']:
        sizes = seen.get(entry['name'])
        if sizes is not None and sizes != entry['shape']:
            return f'the weight {entry["name"]} is {entry["shape"]}, and {sizes} for the other reader'
    return None


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


JSON_PIECES = [
    '"sizes": [{"as_int": 7}, {"as_int": 9}], ', '"x": 1, ', '"name": "x", ', '1, ', 'NaN, ', '{"as_int": 5}, ',
    '"as_int": 5, ', ' ', '\t', '{', '}', '"\\u0078": 2, ', '"\\u0073izes": [], ', '"\\u006e\\u0061me": "y", ',
    '"\\ud800": 1, ', '"\\udc00\\ud800": 1, ', '-Infinity, ', '1e400, ', '99999999999999999999, ', '-0, ', '01, ', '+1, ',
    '.5, ', '1., ', '0x10, ', '// c\n', '/* c */', ', ', '\ufeff', '"a\tb": 1, ', "'a': 1, ", '"": 1, ', '\u00a0', '\u2028',
    'true, ', 'True, ', 'null, ', '[' * 3000, '[' * 20 + ']' * 20 + ', ', '"\\x41": 1, ', '"\\', '\0', '\x0b', '"as_int": 4.0, ',
    '{"as_int": 4.0}, ', '{"as_int": 1e1}, ', '{"as_int": "4"}, ', '{"as_int": true}, ']


def changed_json(text, chosen):
    """A member once more, or a value of another form, at a place where members begin or at an end."""
    starts = [at for at in range(len(text)) if text[at] in '{[,']
    at = chosen.choice([*(each + 1 for each in starts), 0, len(text)])
    return text[:at] + chosen.choice(JSON_PIECES) + text[at:]


class Kinds:
    """Makes a file of each kind, and says how zoometer and the other reader differ about it."""

    def __init__(self, zoometer, folder, chosen):
        self.zoometer, self.folder, self.chosen = zoometer, pathlib.Path(folder), chosen
        self.models = [file.read_bytes() for file in sorted((DATA / 'onnx' / 'kinds').glob('*.onnx'))
                       if file.stat().st_size < 4000]
        with zipfile.ZipFile(DATA / 'hostile' / 'json_key_twice.pt2') as archive:
            self.program = archive.read('m/models/model.json').decode().replace(
                '"sizes": [{"as_int": 1000}, {"as_int": 4000}], ', '')

    def put(self, name, data):
        file = self.folder / name
        file.write_bytes(data)
        return file

    def onnx(self):
        data = changed_message(self.chosen.choice(self.models), self.chosen)
        file = self.put('model.onnx', data)
        read = answer_of(self.zoometer, 'profile', file)
        if not isinstance(read, dict):
            return file, read, False
        problem = onnx_difference(data, read)
        if not problem and self.chosen.random() < 0.3:
            listed = answer_of(self.zoometer, 'parameters', file)
            problem = weights_difference(seen_by_onnx(data)['weights'], listed)
        return file, problem, True

    def pt2(self):
        text = changed_json(self.program, self.chosen).encode('utf-8')
        if self.chosen.random() < 0.05:
            text = text.decode('utf-8').encode(self.chosen.choice(['utf-8-sig', 'utf-16', 'utf-32']))
        file = self.folder / 'program.pt2'
        with zipfile.ZipFile(file, 'w') as archive:
            archive.writestr('m/archive_format', 'pt2')
            archive.writestr('m/models/model.json', text)
        read = answer_of(self.zoometer, 'profile', file)
        if not isinstance(read, dict):
            return file, read, False
        sizes, own = seen_by_json(text), read['inputs'][0]['shape']
        return file, None if sizes == own else f'{own}, and {sizes} for Python', True

    def safetensors(self):
        tensors = {'__metadata__': {'format': 'pt'},
                   'x': {'dtype': 'F32', 'shape': [2, 3], 'data_offsets': [0, 24]},
                   'y': {'dtype': 'F16', 'shape': [4], 'data_offsets': [24, 32]}}
        header = changed_json(json.dumps(tensors), self.chosen).encode('utf-8')
        header += self.chosen.choice([b'', b' ', b'      ', b'\n', b'\0', b'}', b' {}'])
        size = len(header) + self.chosen.choice([0] * 8 + [-1, 1])
        data = struct.pack('<Q', size) + header + bytes(32)
        file = self.put('weights.safetensors', data)
        read = answer_of(self.zoometer, 'parameters', file)
        if not isinstance(read, dict):
            return file, read, False
        own = {entry['name']: entry['shape'] for entry in read['entries']}
        seen = seen_in_header(data)
        return file, None if seen == own else f'{own}, and {seen} for the specification', True

    def toml(self):
        lines = ['name = "B"', 'title = "b"', '[peak]', 'float32 = 1e12', '[memory]', 'bandwidth = 100e9',
                 '[source]', 'peak = "p"', 'memory = "m"']
        pieces = ['name = "C"', '"name" = "C"', "'name' = 'C'", '"n\\u0061me" = "C"', 'memory.bandwidth = 2', '[memory]',
                  '[peak.float32]', '[[memory]]', 'bandwidth = 7', '"bandwidth" = 7', '# \r', 'name.x = 1', '\ufeff',
                  'memory = {bandwidth = 5}', 'bandwidth = inf', 'bandwidth = nan', 'bandwidth = 0x10', 'bandwidth = 1_0',
                  'title = "\\ud800"', 'title = """\n"""', '[ memory ]', '["memory"]', '= 1', 'name', 'x = 1979-05-27']
        at = self.chosen.randrange(len(lines) + 1)
        lines[at:at + self.chosen.randrange(2)] = [self.chosen.choice(pieces)]
        text = ('\n'.join(lines) + self.chosen.choice(['\n', '', '\r\n'])).encode('utf-8', 'surrogatepass')
        file = self.put('device.toml', text)
        read = answer_of(self.zoometer, 'roofline', 'alexnet', '--hardware', file, '--on', 'B,C')
        if not isinstance(read, dict):
            read = answer_of(self.zoometer, 'roofline', 'alexnet', '--hardware', file, '--on', 'B')
        if not isinstance(read, dict):
            return file, None, False  # names that the file does not have are a mistake of use, status 2
        device = read['devices'][0]
        own, seen = (device['name'], float(device['bandwidth'])), seen_in_toml(text)
        return file, None if own == seen else f'{own}, and {seen} for tomllib', True


def main():
    words = argparse.ArgumentParser()
    words.add_argument('zoometer')
    words.add_argument('--runs', type=int, default=1000)
    words.add_argument('--seed', type=int, default=1)
    given = words.parse_args()
    chosen = random.Random(given.seed)
    read, made, differences = collections.Counter(), collections.Counter(), 0
    with tempfile.TemporaryDirectory() as folder:
        kinds = Kinds(given.zoometer, folder, chosen)
        order = [kinds.onnx, kinds.onnx, kinds.pt2, kinds.onnx, kinds.safetensors, kinds.pt2, kinds.onnx, kinds.toml]
        for run in range(given.runs):
            make = order[run % len(order)]
            file, problem, is_read = make()
            made[make.__name__] += 1
            read[make.__name__] += is_read
            if problem:
                differences += 1
                kept = pathlib.Path(tempfile.gettempdir(), f'differs_{given.seed}_{run}{file.suffix}')
                kept.write_bytes(file.read_bytes())
                print(f'{kept}: {problem}')
    kinds_read = ', '.join(f'{read[name]} of {made[name]} {name}' for name in made)
    print(f'{given.runs} files, read: {kinds_read}; {differences} differ')
    return 1 if differences else 0


if __name__ == '__main__':
    raise SystemExit(main())
