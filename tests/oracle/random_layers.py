"""The same as random_operators.py for layers, quantised operators, those of ONNX Runtime, and control flow."""
import numpy as np
from onnx import TensorProto, helper

from random_operators import FLOATS, Refused, axis_of, integers, operator, since, until


# -- windows --------------------------------------------------------------------------------------------

def image(g, spatial, channels):
    return g.input([g.rng.randint(1, 2), channels] + [g.rng.randint(1 if g.rng.random() < 0.1 else 4, 9) for _ in range(spatial)])


def window(g, spatial, dilates=True):
    """kernel_shape and the attributes of a window."""
    kernel = [g.rng.randint(1, 3) for _ in range(spatial)]
    attributes = {'strides': [g.rng.randint(1, 3) for _ in range(spatial)] if g.rng.random() < 0.6 else None}
    if dilates and g.rng.random() < 0.3:
        attributes['dilations'] = [g.rng.randint(1, 2) for _ in range(spatial)]
    way = g.rng.random()
    if way < 0.5:
        attributes['pads'] = [g.rng.randint(0, n - 1) for n in kernel * 2]
    elif way < 0.7 and 'dilations' not in attributes:
        attributes['auto_pad'] = g.rng.choice(['SAME_UPPER', 'SAME_LOWER', 'VALID'])
    return kernel, attributes


@operator('Conv')
def conv(g):
    spatial, groups = g.rng.choice([1, 2, 2, 3]), g.rng.choice([1, 1, 2])
    channels = groups * g.rng.randint(1, 2)
    kernel, attributes = window(g, spatial)
    made = groups * g.rng.randint(1, 3)
    weight = g.weight(g.numbers([made, channels // groups] + kernel))
    bias = [g.weight(g.numbers([made]))] if g.rng.random() < 0.5 else []
    g.add('Conv', [image(g, spatial, channels), weight] + bias, group=groups, kernel_shape=g.rng.choice([None, kernel]),
          **attributes)


@operator('ConvTranspose')
def conv_transpose(g):
    spatial = g.rng.choice([1, 2])
    kernel, attributes = window(g, spatial)
    if g.rng.random() < 0.3 and 'auto_pad' not in attributes and attributes.get('strides'):
        attributes['output_padding'] = [s - 1 for s in attributes['strides']]
    g.add('ConvTranspose', [image(g, spatial, 2), g.weight(g.numbers([2, 3] + kernel))], **attributes)


@operator('MaxPool', 'AveragePool', 'LpPool')
def pool(g, name):
    spatial = g.rng.choice([1, 2, 2, 3])
    dilates = name == 'MaxPool' and g.opset >= 10 or name == 'AveragePool' and g.opset >= 19 or name == 'LpPool' and g.opset >= 18
    kernel, attributes = window(g, spatial, dilates)
    if (name != 'LpPool' and g.opset >= 10 or g.opset >= 18) and g.rng.random() < 0.3 and 'auto_pad' not in attributes:
        attributes['ceil_mode'] = 1
    if name == 'AveragePool' and g.rng.random() < 0.3:
        attributes['count_include_pad'] = 1
    outputs = 2 if name == 'MaxPool' and g.rng.random() < 0.2 else 1
    g.add(name, [image(g, spatial, 2)], outputs=outputs, kernel_shape=kernel, **attributes)


@operator('GlobalAveragePool', 'GlobalMaxPool', 'GlobalLpPool')
def global_pool(g, name):
    g.add(name, [image(g, g.rng.choice([1, 2, 3]), 2)])


@operator('MaxUnpool')
def max_unpool(g):
    x = image(g, 2, 1)
    values, places = g.add('MaxPool', [x], outputs=2, kernel_shape=[2, 2], strides=[2, 2])
    g.add('MaxUnpool', [values, places], kernel_shape=[2, 2], strides=[2, 2])


@operator('Resize')
def resize(g):
    since(g, 11)
    x = g.pick(FLOATS, [3, 4], lambda v: 0 not in v.shape)
    mode = g.rng.choice(['nearest', 'nearest', 'linear']) if x.rank == 4 else 'nearest'
    roi = None if g.opset >= 13 else g.weight(np.zeros([0], np.float32))
    if g.rng.random() < 0.6:
        scales = [1.0, 1.0] + [g.rng.choice([0.3, 0.5, 0.6, 0.7, 0.9, 1.3, 1.5, 2.0, 2.3, 3.0]) for _ in range(x.rank - 2)]
        return g.add('Resize', [x, roi, g.weight(np.array(scales, np.float32))], mode=mode)
    empty = None if g.opset >= 13 else g.weight(np.zeros([0], np.float32))
    if g.opset >= 18 and g.rng.random() < 0.5:
        sizes = [g.rng.randint(1, 8) for _ in range(x.rank - 2)]
        policy = g.rng.choice([None, 'stretch', 'not_larger', 'not_smaller'])
        return g.add('Resize', [x, None, None, g.constant(integers(sizes))], mode=mode, axes=list(range(2, x.rank)),
                     keep_aspect_ratio_policy=policy)
    sizes = list(x.shape[:2]) + [g.rng.randint(1, 8) for _ in range(x.rank - 2)]
    return g.add('Resize', [x, roi, empty, g.constant(integers(sizes))], mode=mode)


@operator('Upsample')
def upsample(g):
    until(g, 9)
    x = g.pick(FLOATS, [4])
    g.add('Upsample', [x, g.weight(np.array([1, 1, 2, g.rng.choice([1.5, 2, 3])], np.float32))], mode='nearest')


@operator('GridSample')
def grid_sample(g):
    since(g, 16)
    x = image(g, 2, 2)
    g.add('GridSample', [x, g.input([x.shape[0], g.size(), g.size(), 2], low=-1, high=1)])


@operator('AffineGrid')
def affine_grid(g):
    since(g, 20)
    batch = g.rng.randint(1, 2)
    g.add('AffineGrid', [g.input([batch, 2, 3]), g.constant(integers([batch, 2, g.size(), g.size()]))])


@operator('RoiAlign')
def roi_align(g):
    since(g, 10)
    x = image(g, 2, 2)
    boxes = g.input([g.size(), 4], low=0, high=3)
    g.add('RoiAlign', [x, boxes, g.given([np.zeros([boxes.shape[0]], np.int64)] * 3)],
          output_height=g.rng.randint(1, 3), output_width=g.rng.choice([None, 2]), sampling_ratio=g.rng.choice([None, 2]))


@operator('DeformConv')
def deform_conv(g):
    since(g, 19)
    height = g.rng.randint(3, 6)
    g.add('DeformConv', [g.input([1, 2, height, 5]), g.weight(g.numbers([3, 2, 2, 2])), g.input([1, 8, height - 1, 4])])


# -- normalisation and losses -----------------------------------------------------------------------------

@operator('BatchNormalization')
def batch_normalization(g):
    x = g.pick(FLOATS, range(2, 5), lambda v: v.shape[1] > 0)
    g.add('BatchNormalization', [x] + [g.weight(g.numbers([x.shape[1]], low=0.5, high=2)) for _ in range(4)])


@operator('InstanceNormalization')
def instance_normalization(g):
    x = g.pick(FLOATS, [3, 4], lambda v: v.shape[1] > 0)
    g.add('InstanceNormalization', [x] + [g.weight(g.numbers([x.shape[1]])) for _ in range(2)])


@operator('LayerNormalization')
def layer_normalization(g):
    since(g, 17)
    x = g.pick(FLOATS, range(1, 5))
    axis = axis_of(g, x)
    sizes = list(x.shape)[axis:]
    g.add('LayerNormalization', [x] + [g.weight(g.numbers(sizes)) for _ in range(g.rng.choice([1, 2]))],
          outputs=g.rng.choice([1, 1, 3]), axis=axis)


@operator('RMSNormalization')
def rms_normalization(g):
    since(g, 23)
    x = g.pick(FLOATS, range(1, 5))
    g.add('RMSNormalization', [x, g.weight(g.numbers([x.shape[-1]]))])


@operator('GroupNormalization')
def group_normalization(g):
    since(g, 21)
    x = g.input([g.rng.randint(1, 2), 4, g.size()])
    g.add('GroupNormalization', [x, g.weight(g.numbers([4])), g.weight(g.numbers([4]))], num_groups=2)


@operator('LRN')
def lrn(g):
    g.add('LRN', [image(g, 2, 3)], size=3)


@operator('LpNormalization')
def lp_normalization(g):
    x = g.pick(FLOATS, range(1, 5))
    g.add('LpNormalization', [x], axis=axis_of(g, x))


@operator('MeanVarianceNormalization')
def mean_variance_normalization(g):
    x = g.pick(FLOATS, [4])
    g.add('MeanVarianceNormalization', [x], axes=g.rng.choice([None, [0, 2, 3]]))


@operator('SoftmaxCrossEntropyLoss', 'NegativeLogLikelihoodLoss')
def loss(g, name):
    since(g, 12)
    batch, classes = g.rng.randint(1, 4), g.rng.randint(2, 4)
    rest = [g.size()] if g.rng.random() < 0.4 else []
    outputs = 2 if name == 'SoftmaxCrossEntropyLoss' and g.rng.random() < 0.4 else 1
    g.add(name, [g.input([batch, classes] + rest), g.input([batch] + rest, 'int64', 0, classes - 0.01)], outputs=outputs,
          reduction=g.rng.choice([None, 'none', 'sum', 'mean']))


# -- recurrent ------------------------------------------------------------------------------------------

@operator('LSTM', 'GRU', 'RNN')
def recurrent(g, name):
    gates = {'LSTM': 4, 'GRU': 3, 'RNN': 1}[name]
    length, batch, features, hidden = g.size(), g.rng.randint(1, 3), g.rng.randint(1, 4), g.rng.randint(1, 3)
    directions = g.rng.choice([1, 2])
    inputs = [g.input([length, batch, features]), g.weight(g.numbers([directions, gates * hidden, features])),
              g.weight(g.numbers([directions, gates * hidden, hidden]))]
    if g.rng.random() < 0.5:
        inputs.append(g.weight(g.numbers([directions, 2 * gates * hidden])))
    g.add(name, inputs, outputs=3 if name == 'LSTM' else 2, hidden_size=hidden,
          direction='bidirectional' if directions == 2 else g.rng.choice([None, 'reverse']))


# -- signals --------------------------------------------------------------------------------------------

@operator('DFT')
def dft(g):
    since(g, 17)
    x = g.input([g.rng.randint(1, 2), g.rng.randint(2, 8), 1])
    onesided = g.rng.choice([None, 1])
    if g.opset >= 20:
        return g.add('DFT', [x, None, g.constant(np.int64(1))], onesided=onesided)
    return g.add('DFT', [x], axis=1, onesided=onesided)


@operator('STFT')
def stft(g):
    since(g, 17)
    x = g.input([g.rng.randint(1, 2), g.rng.randint(8, 16), 1])
    g.add('STFT', [x, g.constant(np.int64(g.rng.randint(1, 4))), g.weight(g.numbers([4])), None],
          onesided=g.rng.choice([None, 0, 1]))


# -- quantised ------------------------------------------------------------------------------------------

def quantised(g, shape, dtype='uint8'):
    low, high = (0, 255) if dtype == 'uint8' else (-128, 127)
    return g.input(shape, dtype, low, high)


def scale(g):
    return g.weight(np.float32(0.1))


def zero(g, dtype='uint8'):
    return g.weight(np.array(3, dtype))


@operator('QuantizeLinear')
def quantize_linear(g):
    since(g, 10)
    g.add('QuantizeLinear', [g.pick(), scale(g)] + ([zero(g, g.rng.choice(['uint8', 'int8']))] if g.rng.random() < 0.7 else []))


@operator('DequantizeLinear')
def dequantize_linear(g):
    since(g, 10)
    x = g.pick(('uint8', 'int8'))
    g.add('DequantizeLinear', [x, scale(g)] + ([zero(g, x.dtype.name)] if g.rng.random() < 0.7 else []))


@operator('DynamicQuantizeLinear')
def dynamic_quantize_linear(g):
    since(g, 11)
    g.add('DynamicQuantizeLinear', [g.pick(test=lambda v: 0 not in v.shape)], outputs=3)


@operator('MatMulInteger')
def matmul_integer(g):
    since(g, 10)
    x = g.pick(('uint8',), range(1, 4))
    g.add('MatMulInteger', [x, g.weight(g.numbers([x.shape[-1], g.size()], 'int8', -9, 9))])


@operator('ConvInteger')
def conv_integer(g):
    since(g, 10)
    kernel, attributes = window(g, 2, False)
    g.add('ConvInteger', [quantised(g, [1, 2, 6, 5]), g.weight(g.numbers([3, 2] + kernel, 'uint8', 0, 9))], **attributes)


@operator('QLinearConv')
def qlinear_conv(g):
    since(g, 10)
    kernel, attributes = window(g, 2, False)
    g.add('QLinearConv', [quantised(g, [1, 2, 6, 5]), scale(g), zero(g), g.weight(g.numbers([3, 2] + kernel, 'uint8', 0, 9)),
                          scale(g), zero(g), scale(g), zero(g)], **attributes)


@operator('QLinearMatMul')
def qlinear_matmul(g):
    since(g, 10)
    x = g.pick(('uint8',), range(2, 4))
    g.add('QLinearMatMul', [x, scale(g), zero(g), g.weight(g.numbers([x.shape[-1], g.size()], 'uint8', 0, 9)), scale(g),
                            zero(g), scale(g), zero(g)])


@operator('QLinearAdd', 'QLinearMul')
def qlinear_binary(g, name):
    x = g.pick(('uint8',), range(1, 4))
    y = g.weight(g.numbers([g.rng.choice([1, n]) for n in x.shape], 'uint8', 0, 9))
    g.add(name, [x, scale(g), zero(g), y, scale(g), zero(g), scale(g), zero(g)], domain='com.microsoft')


@operator('QLinearSigmoid', 'QLinearLeakyRelu')
def qlinear_unary(g, name):
    g.add(name, [g.pick(('uint8',), range(1, 4)), scale(g), zero(g), scale(g), zero(g)], domain='com.microsoft')


@operator('QLinearGlobalAveragePool')
def qlinear_global_pool(g):
    g.add('QLinearGlobalAveragePool', [quantised(g, [1, 2, 4, g.size()]), scale(g), zero(g), scale(g), zero(g)],
          domain='com.microsoft')


@operator('QLinearAveragePool')
def qlinear_pool(g):
    kernel, attributes = window(g, 2, False)
    g.add('QLinearAveragePool', [quantised(g, [1, 2, 6, 5]), scale(g), zero(g), scale(g), zero(g)], domain='com.microsoft',
          kernel_shape=kernel, **attributes)


@operator('QLinearConcat')
def qlinear_concat(g):
    shape = [2, g.size()]
    g.add('QLinearConcat', [scale(g), zero(g), quantised(g, shape), scale(g), zero(g), quantised(g, shape), scale(g), zero(g)],
          domain='com.microsoft', axis=g.rng.choice([0, 1]))


@operator('QLinearSoftmax')
def qlinear_softmax(g):
    g.add('QLinearSoftmax', [quantised(g, [2, 3]), scale(g), zero(g), scale(g), zero(g)], domain='com.microsoft', axis=-1,
          opset=13)


@operator('MatMulNBits')
def matmul_nbits(g):
    n, k = g.rng.choice([3, 8]), g.rng.choice([16, 32, 48])
    blocks = (k + 15) // 16
    packed = g.weight(np.zeros([n, blocks, 8], np.uint8))
    g.add('MatMulNBits', [g.input([g.size() or 1, k]), packed, g.weight(np.ones([n * blocks], np.float32))],
          domain='com.microsoft', K=k, N=n, bits=4, block_size=16)


@operator('DynamicQuantizeMatMul', 'MatMulIntegerToFloat')
def float_of_integer_product(g, name):
    k, n = g.rng.randint(1, 4), g.rng.randint(1, 4)
    weight = g.weight(g.numbers([k, n], 'uint8', 0, 9))
    if name == 'DynamicQuantizeMatMul':
        g.add(name, [g.input([2, k]), weight, scale(g), zero(g)], domain='com.microsoft')
    else:
        g.add(name, [quantised(g, [2, k]), weight, scale(g), scale(g), zero(g), zero(g)], domain='com.microsoft')


# -- of ONNX Runtime ------------------------------------------------------------------------------------

@operator('FastGelu', 'BiasGelu', 'QuickGelu')
def contributed_unary(g, name):
    x = g.pick(FLOATS, range(1, 4))
    g.add(name, [x] + ([g.weight(g.numbers([x.shape[-1]]))] if name == 'BiasGelu' else []), domain='com.microsoft')


@operator('FusedMatMul')
def fused_matmul(g):
    a, b, c = (g.rng.randint(1, 4) for _ in range(3))
    flips_a, flips_b = g.rng.choice([0, 1]), g.rng.choice([0, 1])
    g.add('FusedMatMul', [g.input([2, b, a] if flips_a else [2, a, b]), g.input([2, c, b] if flips_b else [2, b, c])],
          domain='com.microsoft', transA=flips_a, transB=flips_b)


@operator('SkipLayerNormalization', 'SkipSimplifiedLayerNormalization')
def skip_layer_normalization(g, name):
    shape = [g.rng.randint(1, 2), g.rng.randint(1, 3), 4]
    g.add(name, [g.input(shape), g.input(shape), g.weight(g.numbers([4]))], domain='com.microsoft')


@operator('MultiHeadAttention')
def multi_head_attention(g):
    length = g.rng.randint(1, 4)
    g.add('MultiHeadAttention', [g.input([2, length, 8]), g.input([2, 3, 8]), g.input([2, 3, 8])], domain='com.microsoft',
          num_heads=2)


@operator('GroupQueryAttention')
def group_query_attention(g):
    past, new = g.rng.randint(0, 3), g.rng.randint(1, 1)
    cache = [g.input([1, 2, past, 16]) for _ in range(2)]
    inputs = [g.input([1, new, 64]), g.input([1, new, 32]), g.input([1, new, 32])] + cache
    inputs += [g.given([np.array([past + new - 1], np.int32)] * 3), g.weight(np.array(past + new, np.int32))]
    g.add('GroupQueryAttention', inputs, outputs=3, domain='com.microsoft', num_heads=4, kv_num_heads=2)


@operator('Attention')
def attention(g):
    since(g, 23)
    heads, length, keys = g.rng.randint(1, 3), g.rng.randint(1, 4), g.rng.randint(1, 5)
    g.add('Attention', [g.input([1, heads, length, 4]), g.input([1, heads, keys, 4]), g.input([1, heads, keys, 4])])


@operator('RotaryEmbedding')
def rotary_embedding(g):
    since(g, 23)
    length = g.rng.randint(1, 4)
    g.add('RotaryEmbedding', [g.input([1, 2, length, 8]), g.weight(g.numbers([1, length, 4])), g.weight(g.numbers([1, length, 4]))])


# -- control flow ----------------------------------------------------------------------------------------

def tensor_type(value):
    return helper.make_tensor_value_info(value, TensorProto.FLOAT, None)


@operator('If')
def branch(g):
    x = g.pick()
    then = helper.make_graph([helper.make_node('Relu', [x.name], ['t'])], 'then', [], [tensor_type('t')])
    other = helper.make_graph([helper.make_node('Abs', [x.name], ['a']), helper.make_node('Neg', ['a'], ['e'])], 'else', [],
                              [tensor_type('e')])
    condition = g.scalar(np.array(g.rng.random() < 0.5)) if g.rng.random() < 0.5 else g.input([], 'bool')
    g.add('If', [condition], then_branch=then, else_branch=other)


def loop_body(grows):
    nodes = [helper.make_node('Identity', ['c'], ['co']), helper.make_node('Relu', ['v'], ['r'])]
    nodes.append(helper.make_node('Concat', ['r', 'r'], ['vo'], axis=0) if grows else helper.make_node('Neg', ['r'], ['vo']))
    nodes.append(helper.make_node('ReduceMax', ['r'], ['s'], keepdims=0))
    return helper.make_graph(nodes, 'body', [helper.make_tensor_value_info('i', TensorProto.INT64, []),
                                             helper.make_tensor_value_info('c', TensorProto.BOOL, []), tensor_type('v')],
                             [helper.make_tensor_value_info('co', TensorProto.BOOL, []), tensor_type('vo'), tensor_type('s')])


@operator('Loop')
def loop(g):
    since(g, 13)
    grows = g.rng.random() < 0.2
    x = g.pick(FLOATS, range(1, 4), lambda v: 0 not in v.shape)
    trips = g.weight(np.int64(g.rng.randint(0, 4)))
    condition = g.weight(np.array(True)) if g.rng.random() < 0.6 else None
    g.add('Loop', [trips, condition, x], outputs=2, body=loop_body(grows))


@operator('Scan')
def scan(g):
    length, width = g.size(), g.size() or 1
    inner = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [width]) for name in ('s', 'x', 'so', 'y')]
    body = helper.make_graph([helper.make_node('Add', ['s', 'x'], ['so']), helper.make_node('Neg', ['so'], ['y'])], 'body',
                             inner[:2], inner[2:])
    g.add('Scan', [g.input([width]), g.input([length, width])], outputs=2, body=body, num_scan_inputs=1)


@operator('SequenceConstruct')
def sequence_construct(g):
    since(g, 11)
    shape = [g.size() for _ in range(g.rng.randint(1, 3))]
    g.add('SequenceConstruct', [g.input(shape) for _ in range(g.rng.randint(1, 3))])


@operator('SplitToSequence')
def split_to_sequence(g):
    since(g, 11)
    x = g.pick(FLOATS, range(1, 4), lambda v: 0 not in v.shape)
    axis = axis_of(g, x)
    way = g.rng.random()
    inputs = [x] if way < 0.5 else [x, g.weight(np.int64(g.rng.randint(1, 3)))]
    g.add('SplitToSequence', inputs, axis=axis, keepdims=g.rng.choice([None, 0, 1]) if way < 0.5 else None)


@operator('SequenceAt', 'SequenceErase')
def sequence_at(g, name):
    since(g, 11)
    split_to_sequence(g)
    sequence = g.pick_sequence()
    g.add(name, [sequence, g.scalar(np.int64(g.rng.choice([0, -1])))])


@operator('SequenceInsert')
def sequence_insert(g):
    since(g, 11)
    split_to_sequence(g)
    sequence = g.pick_sequence()
    g.add('SequenceInsert', [sequence, g.input(list(sequence.array[0].shape))])


@operator('SequenceLength')
def sequence_length(g):
    since(g, 11)
    split_to_sequence(g)
    g.add('SequenceLength', [g.pick_sequence()])


@operator('ConcatFromSequence')
def concat_from_sequence(g):
    since(g, 11)
    split_to_sequence(g)
    sequence = g.pick_sequence()
    new = g.rng.choice([0, 1])
    g.add('ConcatFromSequence', [sequence], axis=g.axis(max(1, sequence.array[0].ndim + new)), new_axis=new)
