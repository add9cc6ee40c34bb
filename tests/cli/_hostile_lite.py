"""Families of hostile TensorFlow Lite and GGUF files, for _hostile_families.py."""
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / 'bench'))

import tflite_files as lite  # noqa: E402
import weights_files as weights  # noqa: E402


# -- TensorFlow Lite ------------------------------------------------------------------------------------

def lite_chain(operators, tensors, inputs, outputs, codes=(lite.ADD,), **more):
    codes = [each if isinstance(each, dict) else lite.code(each) for each in codes]
    return lite.model(codes, [lite.subgraph(tensors, inputs, outputs, operators)], **more)[0]


def lite_operators_that_do_not_fit(n):
    tensors = [lite.tensor([1, 4]), lite.tensor([1, 3])] + [lite.tensor([1, 4]) for _ in range(1000 * n)]
    return lite_chain([lite.operator(0, [0, 1], [2 + i]) for i in range(1000 * n)], tensors, [0, 1], [2])


def lite_unsorted(n):
    count = 1000 * n
    return lite_chain([lite.operator(0, [0, i], [i + 1]) for i in reversed(range(count))],
                      [lite.tensor([1, 4], 't%d' % i) for i in range(count + 1)], [0], [count])


def lite_unknown(n):
    count = 500 * n
    tensors = [lite.tensor([1, 4], 't%d' % i) for i in range(count + 1)]
    return lite_chain([lite.operator(i, [0], [i + 1]) for i in range(count)], tensors, [0], [1],
                      [lite.code(lite.CUSTOM, 'custom%d' % i) for i in range(count)])


def lite_many_operands(n):
    tensors = [lite.tensor([1, 4], 't'), lite.tensor([1, 8000 * n])]
    options = {0: lite.number('i', 1)}
    return lite_chain([lite.operator(0, [0] * (2000 * n), [1], options=options)], tensors, [0], [1], [lite.CONCATENATION])


def lite_results_of_many(n):
    """UNPACK of a wide tensor, whose results are made one by one."""
    count = 1000 * n
    tensors = [lite.tensor([count, 4])] + [lite.tensor([4]) for _ in range(count)]
    options = {0: lite.number('i', count), 1: lite.number('i', 0)}
    return lite_chain([lite.operator(0, [0], list(range(1, count + 1)), options=options)], tensors, [0], [1], [88])


def lite_names(n):
    """Inputs and outputs that a signature names."""
    count = 1000 * n
    tensors = [lite.tensor([1, 4], 't%d' % i) for i in range(count)]
    maps = [{0: lite.text('name%d' % i), 1: lite.number('I', i)} for i in range(count)]
    signature = {0: maps, 1: maps, 2: lite.text('main'), 4: lite.number('I', 0)}
    return lite_chain([], tensors, range(count), range(count), fields={7: [signature]})


def lite_signatures(n):
    signatures = [{2: lite.text('entry%d' % i), 4: lite.number('I', 0)} for i in range(3000 * n)]
    return lite_chain([], [lite.tensor([1])], [0], [0], fields={7: signatures})


def lite_one_buffer(n):
    count = 1000 * n
    tensors = [lite.tensor([1, 4], 'x')] + [lite.tensor([1, 4], 'w', 1) for _ in range(count)]
    tensors += [lite.tensor([1, 4], 'y') for _ in range(count)]
    operators = [lite.operator(0, [0, 1 + i], [1 + count + i]) for i in range(count)]
    return lite_chain(operators, tensors, [0], [1 + count], buffers=[{}, {0: lite.text('x' * 16)}])


def lite_deep_names(n):
    names = ['/'.join('m%d' % (i * k % 7) for k in range(60)) for i in range(200 * n)]
    tensors = [lite.tensor([1, 4], 'x')] + [lite.tensor([1, 4], name) for name in names]
    return lite_chain([lite.operator(0, [0, 0], [i + 1]) for i in range(200 * n)], tensors, [0], [1])


def lite_shared_tables(n):
    """Subgraphs that are the same table, each with many tensors."""
    shared = lite.subgraph([lite.tensor([1], 't')] * (300 * n), [0], [0], [])
    return lite.model([lite.code(lite.ADD)], [shared] * (300 * n))[0]


def lite_calls(n):
    """Subgraphs that call each other: each doubles the work of the one before."""
    one = [lite.tensor([1, 4], 'a'), lite.tensor([1, 4], 'b'), lite.tensor([1, 4], 'c')]
    leaf = lite.subgraph([lite.tensor([1, 4], 't%d' % i) for i in range(1000 * n + 1)], [0], [1000 * n],
                         [lite.operator(0, [i, i], [i + 1]) for i in range(1000 * n)])
    calls = [lite.subgraph(one, [0], [2], [lite.operator(1, [i], [i + 1], options={0: lite.number('I', depth + 1)})
                                          for i in range(2)]) for depth in range(30)]
    return lite.model([lite.code(lite.ADD), lite.code(31)], calls + [leaf])[0]


# -- GGUF ------------------------------------------------------------------------------------------------

def gguf_words(n):
    return weights.gguf_file(8000 * n)


def gguf_tensors(n):
    tensors = [weights.text_of('blk.%d.x%d.weight' % (i % 16, i)) + struct.pack('<IQIQ', 1, 4, 0, 32 * i)
               for i in range(2000 * n)]
    return weights.gguf_file(1, tensors)


def gguf_keys(n):
    keys = [weights.text_of('key%05d' % i) + struct.pack('<II', 4, i) for i in range(500 * n)]
    return weights.gguf_file(1, keys=keys)


LITE = [lite_operators_that_do_not_fit, lite_unsorted, lite_unknown, lite_many_operands, lite_results_of_many, lite_names,
        lite_signatures, lite_one_buffer, lite_deep_names, lite_shared_tables, lite_calls]
GGUF = [gguf_words, gguf_tensors, gguf_keys]
