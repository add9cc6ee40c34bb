#!/usr/bin/env python3
"""OpenVINO's own files: usage `openvino_files.py ZOOMETER ONNX_FOLDER`.

Each operator is a small model that OpenVINO writes: zoometer knows it, reads its attributes, and
infers the sizes that OpenVINO inferred. Each light ONNX file that OpenVINO converts has as many MACs
as what it writes. The last line is "N passed, M failed".
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import Type
from openvino import opset1 as o1
from openvino import opset2 as o2
from openvino import opset7 as o7
from openvino import opset8 as o8
from openvino import opset9 as o9
from openvino import opset13 as o
from openvino import opset14 as o14
from openvino import opset15 as o15

IMAGE = (2, 8, 6, 6)


def parameter(*shape, kind=Type.f32):
    return o.parameter(list(shape), kind)


def ones(*shape):
    return o.constant(np.ones(shape, np.float32))


def zeros(*shape):
    return o.constant(np.zeros(shape, np.int64))


def ints(*numbers):
    return o.constant(np.array(numbers, np.int64))


def one(number, kind=np.int64):
    return o.constant(np.array(number, kind))


def real(number):
    return one(number, np.float32)


UNARY = ('abs acos acosh asin asinh atan atanh ceil cos cosh erf exp floor hsigmoid hswish log mish negative relu '
         'sigmoid sign sin sinh softplus softsign sqrt tan tanh is_finite is_inf is_nan swish round non_zero').split()
BINARY = ('add subtract multiply divide power mod floor_mod maximum minimum equal not_equal less less_equal greater '
          'greater_equal squared_difference').split()
LOGICAL = 'logical_and logical_or logical_xor'.split()
BITWISE = 'bitwise_and bitwise_or bitwise_xor'.split()
REDUCTIONS = 'reduce_mean reduce_sum reduce_max reduce_min reduce_prod reduce_l1 reduce_l2'.split()

# One operand of the size of IMAGE.
IMAGES = {
    'gelu': lambda x: o.gelu(x, 'ERF'),
    'elu': lambda x: o.elu(x, 1.0),
    'clamp': lambda x: o.clamp(x, 0.0, 6.0),
    'swish_beta': lambda x: o.swish(x, real(1.5)),
    'prelu': lambda x: o.prelu(x, ones(8)),
    'selu': lambda x: o.selu(x, real(1.6), real(1.05)),
    'hard_sigmoid': lambda x: o.hard_sigmoid(x, real(0.2), real(0.5)),
    'softmax': lambda x: o.softmax(x, 1),
    'log_softmax': lambda x: o.log_softmax(x, -1),
    'cum_sum': lambda x: o.cum_sum(x, one(1)),
    'lrn': lambda x: o.lrn(x, ints(1)),
    'mvn': lambda x: o.mvn(x, ints(2, 3), True, 1e-5, 'inside_sqrt'),
    'mvn_2': o2.mvn,
    'normalize_l2': lambda x: o.normalize_l2(x, ints(1), 1e-5, 'add'),
    'grn': lambda x: o.grn(x, 1e-5),
    'batch_norm': lambda x: o.batch_norm_inference(x, *[ones(8)] * 4, 1e-5),
    'batch_norm_1': lambda x: o1.batch_norm_inference(x, *[ones(8)] * 4, 1e-5),
    'group_norm': lambda x: o.group_normalization(x, ones(8), ones(8), 4, 1e-5),
    'convolution': lambda x: o.convolution(x, ones(4, 8, 3, 3), [2, 2], [1, 1], [1, 1], [1, 1]),
    'convolution_same': lambda x: o.convolution(x, ones(4, 8, 3, 3), [2, 2], [0, 0], [0, 0], [1, 1], 'same_upper'),
    'group_convolution': lambda x: o.group_convolution(x, ones(4, 3, 2, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1]),
    'transposed': lambda x: o.convolution_backprop_data(x, ones(8, 4, 3, 3), [2, 2], pads_begin=[1, 1],
                                                        pads_end=[1, 1], dilations=[1, 1], output_padding=[1, 1]),
    'transposed_same': lambda x: o.convolution_backprop_data(x, ones(8, 4, 3, 3), [2, 2], pads_begin=[0, 0],
                                                             pads_end=[0, 0], dilations=[1, 1], auto_pad='same_upper'),
    'transposed_shape': lambda x: o.convolution_backprop_data(x, ones(8, 4, 3, 3), [2, 2], ints(12, 12),
                                                              dilations=[1, 1]),
    'transposed_groups': lambda x: o.group_convolution_backprop_data(
        x, ones(4, 2, 3, 3, 3), [2, 2], pads_begin=[1, 1], pads_end=[1, 1], dilations=[1, 1]),
    'deformable': lambda x: o8.deformable_convolution(x, ones(2, 18, 6, 6), ones(4, 8, 3, 3), [1, 1], [1, 1], [1, 1],
                                                      [1, 1]),
    'matmul': lambda x: o.matmul(x, ones(6, 5), False, False),
    'matmul_a': lambda x: o.matmul(x, ones(6, 5), True, False),
    'matmul_b': lambda x: o.matmul(x, ones(5, 6), False, True),
    'einsum': lambda x: o.einsum([x, ones(6, 5)], 'abcd,de->abce'),
    'attention_mask': lambda x: o.scaled_dot_product_attention(x, x, x, ones(1, 1, 6, 6)),
    'inverse': lambda x: o14.inverse(x, False),
    'max_pool_floor': lambda x: o8.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [3, 3], 'floor'),
    'max_pool_ceil': lambda x: o8.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [3, 3], 'ceil'),
    'max_pool_1': lambda x: o1.max_pool(x, [3, 3], [0, 0], [0, 0], [2, 2], 'ceil'),
    'avg_pool_floor': lambda x: o1.avg_pool(x, [2, 2], [1, 1], [0, 0], [3, 3], True, 'floor'),
    'avg_pool_ceil': lambda x: o1.avg_pool(x, [2, 2], [1, 1], [0, 0], [3, 3], True, 'ceil'),
    'avg_pool_same': lambda x: o1.avg_pool(x, [2, 2], [0, 0], [0, 0], [3, 3], True, 'floor', 'same_upper'),
    'adaptive_avg': lambda x: o.adaptive_avg_pool(x, ints(2, 3)),
    'adaptive_max': lambda x: o.adaptive_max_pool(x, ints(2, 3)),
    'resize_1': lambda x: o1.interpolate(x, ints(12, 13), {'axes': [2, 3], 'mode': 'nearest', 'align_corners': False}),
    'resize_sizes': lambda x: o.interpolate(x, ints(2, 8, 12, 13), 'cubic', 'sizes'),
    'resize_scales': lambda x: o.interpolate(x, o.constant(np.array([1.5, 2], np.float32)), 'linear', 'scales',
                                             axes=ints(2, 3)),
    'resize_last': lambda x: o.interpolate(x, ints(12, 13), 'linear', 'sizes', axes=ints(1, 2)),
    'reshape': lambda x: o.reshape(x, ints(0, -1, 6), True),
    'transpose': lambda x: o.transpose(x, ints(0, 2, 3, 1)),
    'concat': lambda x: o.concat([x, x], 1),
    'split': lambda x: o.split(x, one(1), 4),
    'variadic_split': lambda x: o.variadic_split(x, one(1), ints(2, -1, 3)),
    'strided': lambda x: o.strided_slice(x, ints(0, 1, -4), ints(0, -1, 100), ints(1, 2, 1), [1, 0, 0], [1, 0, 0]),
    'strided_new': lambda x: o.strided_slice(x, ints(0, 0, 0), ints(0, 0, 3), ints(1, 1, 1), [0, 0, 0], [1, 0, 0],
                                             [0, 1, 0], [0, 0, 0], [0, 0, 0]),
    'strided_back': lambda x: o.strided_slice(x, ints(0, 0, 1), ints(0, 0, 5), ints(1, 1, -1), [1, 1, 1], [1, 1, 1],
                                              [0, 0, 0], [1, 0, 0], [0, 1, 0]),
    'slice': lambda x: o.slice(x, ints(1, -3), ints(2**63 - 1, -1), ints(2, 1), ints(1, -1)),
    'slice_back': lambda x: o.slice(x, ints(-1), ints(-2**63), ints(-1), ints(1)),
    'gather': lambda x: o.gather(x, ints(1, 2, -1), one(1)),
    'gather_one': lambda x: o.gather(x, one(1), one(2)),
    'gather_batches': lambda x: o.gather(x, zeros(2, 3), one(1), 1),
    'gather_elements': lambda x: o.gather_elements(x, zeros(2, 3, 6, 6), 1),
    'gather_nd': lambda x: o.gather_nd(x, zeros(2, 5, 2), 1),
    'scatter_elements': lambda x: o.scatter_elements_update(x, zeros(2, 3, 6, 6), ones(2, 3, 6, 6), one(1), 'sum'),
    'scatter': lambda x: o.scatter_update(x, ints(0, 1, 2), ones(2, 3, 6, 6), one(1)),
    'scatter_nd': lambda x: o.scatter_nd_update(x, zeros(5, 2), ones(5, 6, 6)),
    'pad': lambda x: o.pad(x, ints(0, 0, 1, 2), ints(0, 0, 3, 4), 'constant', real(0)),
    'pad_reflect': lambda x: o.pad(x, ints(0, 0, 1, 2), ints(0, 0, 3, 4), 'reflect'),
    'depth_to_space': lambda x: o.depth_to_space(x, 'blocks_first', 2),
    'space_to_depth': lambda x: o.space_to_depth(x, 'blocks_first', 2),
    'space_to_batch': lambda x: o.space_to_batch(x, ints(1, 1, 2, 2), zeros(4), zeros(4)),
    'batch_to_space': lambda x: o.batch_to_space(x, ints(1, 1, 2, 1), zeros(4), zeros(4)),
    'shuffle': lambda x: o.shuffle_channels(x, 1, 2),
    'patches': lambda x: o.extract_image_patches(x, [3, 3], [2, 2], [1, 1], 'VALID'),
    'patches_same': lambda x: o.extract_image_patches(x, [3, 3], [2, 2], [1, 1], 'SAME_UPPER'),
    'roll': lambda x: o.roll(x, ints(1), ints(1)),
    'reorg': lambda x: o.reorg_yolo(x, [2]),
    'reverse_sequence': lambda x: o.reverse_sequence(x, ints(1, 1), 0, 1),
    'topk': lambda x: o.topk(x, one(3), 1, 'max', 'value'),
    'topk_min': lambda x: o.topk(x, one(3), -1, 'min', 'value'),
    'unique': o.unique,
    'bucketize': lambda x: o.bucketize(x, ones(10)),
    'convert': lambda x: o.convert(x, 'f16'),
    'fake_quantize': lambda x: o.fake_quantize(x, real(0), real(1), real(0), real(1), 256),
    'fake_quantize_channels': lambda x: o.fake_quantize(x, *[ones(1, 8, 1, 1)] * 4, 16),
}

# One operand of other sizes.
SHAPED = {
    'convolution_1': ((2, 8, 16), lambda x: o.convolution(x, ones(4, 8, 3), [1], [0], [1], [2])),
    'convolution_3': ((2, 8, 6, 6, 6), lambda x: o.convolution(x, ones(4, 8, 3, 3, 3), [1] * 3, [1] * 3, [1] * 3,
                                                               [1] * 3)),
    'dft': ((2, 8, 6, 2), lambda x: o7.dft(x, ints(1, 2))),
    'idft': ((2, 8, 6, 2), lambda x: o7.idft(x, ints(1), ints(16))),
    'rdft': ((2, 8, 6), lambda x: o9.rdft(x, ints(1, 2))),
    'rdft_sizes': ((2, 8, 6), lambda x: o9.rdft(x, ints(1, 2), ints(4, 10))),
    'irdft': ((2, 8, 4, 2), lambda x: o9.irdft(x, ints(1, 2))),
    'stft': ((2, 64), lambda x: o15.stft(x, ones(16), one(16), one(8), True)),
    'squeeze': ((1, 8), lambda x: o.squeeze(x, ints(0))),
    'unsqueeze': ((2, 8), lambda x: o.unsqueeze(x, ints(0, 3))),
    'broadcast': ((2, 1), lambda x: o.broadcast(x, ints(4, 2, 8))),
    'broadcast_explicit': ((8,), lambda x: o.broadcast(x, ints(2, 8, 6), ints(1), 'explicit')),
    'tile': ((8, 2), lambda x: o.tile(x, ints(2, 3))),
    'tile_more': ((8, 2), lambda x: o.tile(x, ints(2, 3, 1))),
    'eye': ((6, 6), lambda x: o.add(x, o.eye(one(6, np.int32), one(6, np.int32), one(0, np.int32), 'f32'))),
    'random': ((6, 6), lambda x: o.add(x, o.random_uniform(ints(6, 6), real(0), real(1), 'f32'))),
    'range': ((6, 100), lambda x: o.add(x, o.range(real(0), real(100), real(1), 'f32'))),
}


def several_operands():
    """Name, parameters and operator of each model of more than one operand."""
    yield 'select', [parameter(2, 1, kind=Type.boolean), parameter(2, 8), parameter(8)], o.select
    yield 'attention', [parameter(2, 4, 10, 16), parameter(2, 4, 12, 16), parameter(2, 4, 12, 8)], \
        lambda q, k, v: o.scaled_dot_product_attention(q, k, v, causal=False)
    yield 'grid_sample', [parameter(2, 3, 8, 8), parameter(2, 5, 6, 2)], lambda x, grid: o.grid_sample(x, grid, {})
    yield 'nms', [parameter(1, 100, 4), parameter(1, 3, 100)], \
        lambda boxes, scores: o9.non_max_suppression(boxes, scores, one(10), real(0.5), real(0.1))
    yield 'roi_align', [parameter(1, 8, 20, 20), parameter(5, 4), parameter(5, kind=Type.i32)], \
        lambda x, boxes, images: o9.roi_align(x, boxes, images, 7, 7, 2, 0.0625, 'avg')
    yield 'roi_pooling', [parameter(1, 8, 20, 20), parameter(5, 5)], \
        lambda x, boxes: o2.roi_pooling(x, boxes, [6, 6], 0.0625, 'max')
    yield 'search_sorted', [parameter(2, 10), parameter(2, 3)], o15.search_sorted
    yield 'one_hot', [parameter(2, 3, kind=Type.i64)], lambda x: o.one_hot(x, one(10), real(1), real(0), -1)
    yield 'embedding_bag', [parameter(4, 6, kind=Type.i64)], lambda x: o.embedding_bag_packed_sum(ones(100, 16), x)
    yield 'shift', [parameter(2, 8, kind=Type.i32), parameter(8, kind=Type.i32)], o15.bitwise_left_shift
    for name in BINARY:
        yield name, [parameter(*IMAGE), parameter(8, 1, 1)], getattr(o, name)
    for name in LOGICAL:
        yield name, [parameter(2, 8, kind=Type.boolean), parameter(8, kind=Type.boolean)], getattr(o, name)
    for name in BITWISE:
        yield name, [parameter(2, 8, kind=Type.i32), parameter(8, kind=Type.i32)], getattr(o, name)


def recurrent():
    """Sequences and cells of 16 units on 8 features, with one bias or with one more for each candidate."""
    units, features = 16, 8
    for name, gates, more in (('lstm', 4, 0), ('gru', 3, 0), ('gru', 3, 1), ('rnn', 1, 0)):
        for directions in (1, 2):
            x = parameter(2, 10, features)
            states = [parameter(2, directions, units) for _ in range(2 if name == 'lstm' else 1)]
            lengths = o.constant(np.array([10, 10], np.int32))
            weights = [ones(directions, gates * units, features), ones(directions, gates * units, units),
                       ones(directions, (gates + more) * units)]
            settings = {'linear_before_reset': True} if more else {}
            made = getattr(o, name + '_sequence')(x, *states, lengths, *weights, units,
                                                  'forward' if directions == 1 else 'bidirectional', **settings)
            yield f'{name}_{more}_{directions}', [x, *states], lambda *_, made=made: made
        if name == 'rnn':
            continue  # its function for Python has no defaults
        x, states = parameter(2, features), [parameter(2, units) for _ in range(2 if name == 'lstm' else 1)]
        weights = [ones(gates * units, features), ones(gates * units, units), ones((gates + more) * units)]
        made = getattr(o, name + '_cell')(x, *states, *weights, units, **settings)
        yield f'{name}_cell_{more}', [x, *states], lambda *_, made=made: made


def packed(kind, has_zero):
    """x times integers of that type, with a scale and maybe a zero point for each row."""
    def constant(*shape):
        return ov.op.Constant(kind, ov.Shape(list(shape)), [1] * int(np.prod(shape)))

    def make(x):
        weight = o.convert(constant(32, 64), 'f32')
        if has_zero:
            weight = o.subtract(weight, o.convert(constant(32, 1), 'f32'))
        return o.matmul(x, o.multiply(weight, ones(32, 1)), False, True)
    return make


def models():
    for name in UNARY:
        yield name, [parameter(*IMAGE)], getattr(o, name)
    for name in REDUCTIONS:
        yield name, [parameter(*IMAGE)], lambda x, name=name: getattr(o, name)(x, ints(2, 3), False)
        yield name + '_kept', [parameter(*IMAGE)], lambda x, name=name: getattr(o, name)(x, ints(-1), True)
    for name, make in IMAGES.items():
        yield name, [parameter(*IMAGE)], make
    for name, (shape, make) in SHAPED.items():
        yield name, [parameter(*shape)], make
    for kind, has_zero in ((Type.u8, True), (Type.i8, False), (Type.u4, True), (Type.i4, False), (Type.nf4, False)):
        yield 'packed_' + kind.get_type_name(), [parameter(2, 64)], packed(kind, has_zero)
    yield from several_operands()
    yield from recurrent()


def profile(zoometer, path):
    done = subprocess.run([zoometer, 'profile', str(path), '--format', 'json'], capture_output=True, text=True,
                          check=False)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def complaint(read):
    """What is wrong with a model of one operator, or nothing."""
    if isinstance(read, str):
        return read
    if read['coverage']['unknown']:
        return f"unknown: {read['coverage']['unknown']}"
    bad = [note for note in read.get('notes', [])
           if 'other sizes' in note or 'not taken into account' in note or 'does not fit' in note]
    return '; '.join(bad)


def main():
    zoometer, onnx = sys.argv[1], Path(sys.argv[2])
    passed, failed = 0, 0

    def case(name, problem):
        nonlocal passed, failed
        if problem:
            print(f'{name}: {problem}')
        passed, failed = passed + (not problem), failed + bool(problem)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'model.xml'
        for name, parameters, make in models():
            node = make(*parameters)
            results = [o.result(node.output(i)) for i in range(node.get_output_size())]
            ov.serialize(ov.Model(results, parameters, name), path)
            case(name, complaint(profile(zoometer, path)))
        for origin in sorted(onnx.glob('light_*.onnx')):
            ov.serialize(ov.Core().read_model(origin), path)
            converted, first = profile(zoometer, path), profile(zoometer, origin)
            macs = [read['totals']['macs'] for read in (first, converted) if not isinstance(read, str)]
            case(origin.name, '' if len(macs) == 2 and macs[0] == macs[1] else f'MACs {macs}')
    print(f'{passed} passed, {failed} failed')


main()
