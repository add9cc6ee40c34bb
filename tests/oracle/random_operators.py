"""How random_graphs.py makes a node of each operator: a function of the graph, which chooses inputs and attributes."""
import numpy as np
from onnx import TensorProto, helper

CATALOGUE = {}
FLOATS = ('float32',)
WIDE_FLOATS = ('float32', 'float32', 'float32', 'float64', 'float16')
INTEGERS = ('int64', 'int32')
NUMBERS = FLOATS + INTEGERS


class Refused(Exception):
    """The node cannot be made of what there is, or ONNX Runtime does not take it."""


def operator(*names):
    def remember(function):
        for name in names:
            CATALOGUE[name] = (lambda g, f=function, n=name: f(g, n)) if len(names) > 1 else function
        return function

    return remember


def since(g, version):
    """The operator came with a version of ONNX, which a graph without nodes may still take."""
    if not g.nodes:
        g.opset = max(g.opset, version)
    if g.opset < version:
        raise Refused('not in this version')


def until(g, version):
    """The same for an operator that went."""
    if not g.nodes:
        g.opset = min(g.opset, version)
    if g.opset > version:
        raise Refused('not in this version any more')


def axis_of(g, x):
    if x.rank == 0:
        raise Refused('a scalar has no axis')
    return g.axis(x.rank)


def some_axes(g, rank, least=1):
    if rank < least:
        raise Refused('too few dimensions')
    axes = sorted(g.rng.sample(range(rank), g.rng.randint(least, rank)))
    return [a - rank if g.rng.random() < 0.4 else a for a in axes]


def integers(values):
    return np.array(values, np.int64)


# -- one result per element -------------------------------------------------------------------------

UNARY = ['Abs', 'Acos', 'Acosh', 'Asin', 'Asinh', 'Atan', 'Atanh', 'Ceil', 'Cos', 'Cosh', 'Erf', 'Exp', 'Floor', 'Identity',
         'Log', 'Neg', 'Reciprocal', 'Relu', 'Round', 'Sigmoid', 'Sign', 'Sin', 'Sinh', 'Softplus', 'Softsign', 'Sqrt',
         'Tan', 'Tanh', 'Elu', 'LeakyRelu', 'Selu', 'HardSigmoid', 'ThresholdedRelu', 'Shrink', 'Celu', 'Gelu', 'Mish',
         'HardSwish', 'IsNaN', 'IsInf', 'Swish']


@operator(*UNARY)
def unary(g, name):
    attributes = {'alpha': 0.3} if name in ('Elu', 'LeakyRelu', 'ThresholdedRelu', 'Celu') and g.rng.random() < 0.5 else {}
    g.add(name, [g.pick()], **attributes)


@operator('Not')
def logical_not(g):
    g.add('Not', [g.pick(('bool',))])


def partner(g, x, dtype=None):
    """A tensor that broadcasts with x."""
    dtype = dtype or x.dtype.name
    way = g.rng.random()
    fitting = [v for v in g.values if not v.is_sequence and v.dtype.name == dtype and all(
        broadcasts(a.shape, b.shape) for a, b in zip(x.arrays, v.arrays))]
    if fitting and way < 0.5:
        return g.rng.choice(fitting)
    shape = [1 if g.rng.random() < 0.3 else n for n in x.shape][g.rng.randint(0, x.rank):]
    shape = [g.rng.choice([2, 3]) if n == 1 and g.rng.random() < 0.3 else n for n in shape]
    if any(n != 1 and len({a.shape[-i - 1] for a in x.arrays}) > 1 for i, n in enumerate(reversed(shape))):
        shape = [1]
    if way < 0.75:
        return g.weight(g.numbers(shape, dtype, 1, 4))
    return g.input(shape, dtype, 1, 4)


def broadcasts(a, b):
    return all(m == n or 1 in (m, n) for m, n in zip(reversed(a), reversed(b)))


@operator('Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min', 'Equal', 'Greater', 'Less', 'GreaterOrEqual', 'LessOrEqual', 'PRelu')
def binary(g, name):
    x = g.pick(FLOATS if name == 'PRelu' else NUMBERS)
    pair = [x, partner(g, x)]
    if name != 'PRelu':
        g.rng.shuffle(pair)
    elif np.broadcast_shapes(x.shape, pair[1].shape) != x.shape:
        raise Refused('the slope is no larger than x')
    g.add(name, pair)


@operator('Mod')
def modulo(g):
    x = g.pick(INTEGERS)
    g.add('Mod', [x, g.weight(np.array(3, x.dtype))])


@operator('And', 'Or', 'Xor')
def logical(g, name):
    x = g.pick(('bool',))
    g.add(name, [x, partner(g, x)])


@operator('BitwiseAnd', 'BitwiseOr', 'BitwiseXor')
def bitwise(g, name):
    since(g, 18)
    x = g.pick(INTEGERS)
    g.add(name, [x, partner(g, x)])


@operator('BitwiseNot')
def bitwise_not(g):
    since(g, 18)
    g.add('BitwiseNot', [g.pick(INTEGERS)])


@operator('BitShift')
def bit_shift(g):
    since(g, 11)
    x = g.pick(('uint8', 'uint32'))
    g.add('BitShift', [x, partner(g, x)], direction=g.rng.choice(['LEFT', 'RIGHT']))


@operator('Sum', 'Mean')
def variadic(g, name):
    x = g.pick()
    g.add(name, [x] + [partner(g, x) for _ in range(g.rng.randint(0, 2))])


@operator('Where')
def where(g):
    condition = g.pick(('bool',))
    x = partner(g, condition, 'float32')
    g.add('Where', [condition, x, partner(g, x)])


@operator('Cast')
def cast(g):
    x = g.pick(('float32', 'int64', 'int32', 'bool', 'float64'))
    g.add('Cast', [x], to=g.rng.choice([TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL,
                                       TensorProto.FLOAT16, TensorProto.DOUBLE]))


@operator('CastLike')
def cast_like(g):
    since(g, 15)
    g.add('CastLike', [g.pick(NUMBERS), g.pick(('int64', 'bool', 'float32'))])


@operator('Clip')
def clip(g):
    x = g.pick()
    if g.opset < 11:
        return g.add('Clip', [x], min=-1.0, max=1.0)
    low = g.scalar(np.float32(-1)) if g.rng.random() < 0.7 else None
    return g.add('Clip', [x, low, g.scalar(np.float32(1))])


@operator('Softmax', 'LogSoftmax', 'Hardmax')
def softmax(g, name):
    x = g.pick(WIDE_FLOATS if name == 'Softmax' else FLOATS, range(1, 5))
    g.add(name, [x], axis=axis_of(g, x) if g.rng.random() < 0.7 else None)


@operator('Dropout')
def dropout(g):
    g.add('Dropout', [g.pick()], outputs=g.rng.choice([1, 2]))


@operator('Bernoulli')
def bernoulli(g):
    since(g, 15)
    g.add('Bernoulli', [g.input([2, 3], low=0, high=1)])


# -- reductions and orders -----------------------------------------------------------------------------

@operator('ReduceL1', 'ReduceL2', 'ReduceLogSum', 'ReduceLogSumExp', 'ReduceMax', 'ReduceMean', 'ReduceMin', 'ReduceProd',
          'ReduceSum', 'ReduceSumSquare')
def reduction(g, name):
    x = g.pick(NUMBERS if name in ('ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceProd') else FLOATS)
    keeps = g.rng.choice([None, 0, 1])
    as_input = g.opset >= (13 if name == 'ReduceSum' else 18)
    if x.rank == 0 or g.rng.random() < 0.2:
        noop = g.rng.choice([None, 0, 1]) if as_input else None
        return g.add(name, [x], keepdims=keeps, noop_with_empty_axes=noop)
    axes = some_axes(g, x.rank)
    if as_input:
        return g.add(name, [x, g.constant(integers(axes))], keepdims=keeps)
    return g.add(name, [x], axes=axes, keepdims=keeps)


@operator('ArgMax', 'ArgMin')
def arg_extreme(g, name):
    x = g.pick(FLOATS, range(1, 5))
    g.add(name, [x], axis=axis_of(g, x), keepdims=g.rng.choice([None, 0, 1]))


@operator('CumSum')
def cumsum(g):
    since(g, 11)
    x = g.pick(NUMBERS, range(1, 5))
    g.add('CumSum', [x, g.constant(np.int64(axis_of(g, x)))])


@operator('TopK')
def top_k(g):
    x = g.pick(FLOATS, range(1, 5))
    axis = axis_of(g, x)
    most = min(a.shape[axis] for a in x.arrays)
    k = g.rng.randint(0, most) if g.rng.random() < 0.2 else g.rng.randint(min(1, most), most)
    if g.opset < 10:
        return g.add('TopK', [x], outputs=2, k=max(1, k), axis=axis)
    return g.add('TopK', [x, count_or(g, k, 1)], outputs=2, axis=axis)


# -- sizes that data decides -----------------------------------------------------------------------------

def data_count(g, rank):
    """A count that data decides: how many elements are above 0, or the largest of several such counts."""
    x = g.input([g.size() for _ in range(g.rng.choice([1, 2]))])
    above = g.add('Greater', [x, g.weight(np.float32(0.3))], keep=False)
    number = g.add('Cast', [above], to=g.rng.choice([TensorProto.INT64, TensorProto.FLOAT]), keep=False)
    axes = [x.rank - 1] if g.rng.random() < 0.4 else list(range(x.rank))
    if g.opset >= 13:
        total = g.add('ReduceSum', [number, g.weight(integers(axes))], keepdims=0, keep=False)
    else:
        total = g.add('ReduceSum', [number], axes=axes, keepdims=0, keep=False)
    if total.rank > 0:
        total = g.add('ReduceMax', [total], keepdims=0, keep=False)
    if total.dtype != np.int64:
        total = g.add('Cast', [total], to=TensorProto.INT64, keep=False)
    way = g.rng.random()
    if way < 0.2:
        total = g.add('Add', [total, g.weight(np.int64(1))], keep=False)
    elif way < 0.3:
        total = g.add('Sub', [g.weight(np.int64(int(np.prod(x.shape)))), total], keep=False)
    elif way < 0.4:
        total = g.add('Mul', [total, g.weight(np.int64(2))], keep=False)
    if rank == 1:
        total = g.add('Reshape', [total, g.weight(integers([1]))], keep=False)
    return total


def count_or(g, value, rank):
    """The number, or rarely a count that data decides."""
    if g.rng.random() < 0.15:
        return data_count(g, rank)
    return g.constant(integers([value]) if rank == 1 else np.int64(value))


@operator('NonZero')
def non_zero(g):
    x = g.pick(NUMBERS, range(1, 4))
    if g.rng.random() < 0.7:
        x = g.add('Relu', [g.pick(FLOATS, range(1, 4))], keep=False)
    found = g.add('NonZero', [x])
    if g.rng.random() < 0.4:
        g.add('GatherND', [x, g.add('Transpose', [found])])


@operator('Unique')
def unique(g):
    since(g, 11)
    x = g.input([g.size() + 1 for _ in range(g.rng.choice([1, 1, 2]))], 'int64')
    g.add('Unique', [x], outputs=4, axis=axis_of(g, x) if g.rng.random() < 0.5 else None)


@operator('Compress')
def compress(g):
    x = g.pick(FLOATS, range(1, 4))
    axis = g.rng.choice([None, axis_of(g, x)])
    length = min(a.size if axis is None else a.shape[axis] for a in x.arrays)
    condition = g.weight(g.numbers([length], 'bool')) if g.rng.random() < 0.3 else g.input([length], 'bool')
    g.add('Compress', [x, condition], axis=axis)


@operator('NonMaxSuppression')
def non_max_suppression(g):
    since(g, 10)
    count, classes, batch = g.size() + 1, g.rng.randint(1, 3), g.rng.randint(1, 2)
    boxes = g.input([batch, count, 4], low=0, high=1)
    scores = g.input([batch, classes, count], low=0, high=1)
    most = g.constant(integers([g.rng.randint(1, 4)])) if g.rng.random() < 0.8 else None
    g.add('NonMaxSuppression', [boxes, scores, most, g.scalar(np.float32(0.3))])


@operator('Range')
def range_of_numbers(g):
    since(g, 11)
    if g.rng.random() < 0.5:
        return g.add('Range', [g.weight(np.int64(0)), data_count(g, 0), g.weight(np.int64(1))])
    low, step = g.rng.randint(-3, 3), g.rng.choice([1, 1, 2, 3, -1])
    end = low + step * g.rng.randint(0, 5) + g.rng.choice([0, 0, 1])
    dtype = g.rng.choice([np.int64, np.int64, np.int32, np.float32])
    return g.add('Range', [g.scalar(dtype(low)), g.scalar(dtype(end)), g.scalar(dtype(step))])


# -- constants ------------------------------------------------------------------------------------------

@operator('Constant')
def constant_node(g):
    since(g, 12)
    way = g.rng.randrange(4)
    if way == 0:
        return g.add('Constant', [], value_ints=[1, 2, 3])
    if way == 1:
        return g.add('Constant', [], value_float=1.5)
    if way == 2:
        return g.add('Constant', [], value_floats=[1.0, 2.0])
    return g.add('Constant', [], value_int=3)


@operator('ConstantOfShape')
def constant_of_shape(g):
    sizes = [g.size() for _ in range(g.rng.randint(0, 3))]
    value = g.rng.choice([None, helper.make_tensor('v', TensorProto.INT64, [1], [7])])
    shape = g.constant(integers(sizes)) if g.rng.random() < 0.8 or g.opset < 13 else data_count(g, 1)
    g.add('ConstantOfShape', [shape], value=value)


@operator('EyeLike')
def eye_like(g):
    g.add('EyeLike', [g.pick(FLOATS, [2])], k=g.rng.choice([None, 1, -1]))


@operator('RandomNormal', 'RandomUniform')
def random_of_shape(g, name):
    g.add(name, [], shape=[g.size() for _ in range(g.rng.randint(1, 3))])


@operator('RandomNormalLike', 'RandomUniformLike')
def random_like(g, name):
    g.add(name, [g.pick()])


@operator('Multinomial')
def multinomial(g):
    g.add('Multinomial', [g.input([2, 4])], sample_size=g.rng.randint(1, 4))


# -- movement -------------------------------------------------------------------------------------------

def as_list(g, name, values, version):
    """A list that is an attribute before a version and an input from then on."""
    if g.opset < version:
        return [], {name: values}
    return [g.constant(integers(values))], {}


@operator('Concat')
def concat(g):
    x = g.pick(NUMBERS, range(1, 5))
    axis = axis_of(g, x)
    parts = [x]
    for _ in range(g.rng.randint(0, 2)):
        if g.rng.random() < 0.3:
            parts.append(x)
            continue
        shape = list(x.shape)
        shape[axis] = g.size()
        parts.append(g.input(shape, x.dtype.name))
    g.add('Concat', parts, axis=axis)


@operator('Reshape')
def reshape(g):
    x = g.pick(NUMBERS)
    if len({a.size for a in x.arrays}) > 1 or g.rng.random() < 0.3:
        sizes = [-1] if g.rng.random() < 0.5 or x.rank == 0 or 0 in x.shape else [0, -1]
        return g.add('Reshape', [x, g.constant(integers(sizes))])
    left = x.array.size
    sizes = []
    while left > 1 and g.rng.random() < 0.8:
        divisor = g.rng.choice([n for n in range(1, left + 1) if left % n == 0])
        sizes.append(divisor)
        left //= divisor
    sizes.append(left)
    if left != 0 and g.rng.random() < 0.5:
        sizes[g.rng.randrange(len(sizes))] = -1
    if 0 in sizes and g.opset >= 14:
        return g.add('Reshape', [x, g.constant(integers(sizes))], allowzero=1)
    return g.add('Reshape', [x, g.constant(integers(sizes))])


@operator('Squeeze')
def squeeze(g):
    x = g.pick(NUMBERS, range(1, 5), lambda v: 1 in v.shape)
    if g.rng.random() < 0.3:
        return g.add('Squeeze', [x])
    ones = [i for i, n in enumerate(x.shape) if n == 1 and all(a.shape[i] == 1 for a in x.arrays)]
    if not ones:
        raise Refused('nothing to squeeze')
    axes = g.rng.sample(ones, g.rng.randint(1, len(ones)))
    inputs, attributes = as_list(g, 'axes', [a - x.rank if g.rng.random() < 0.3 else a for a in axes], 13)
    return g.add('Squeeze', [x] + inputs, **attributes)


@operator('Unsqueeze')
def unsqueeze(g):
    x = g.pick(NUMBERS, range(0, 4))
    count = g.rng.randint(1, 2)
    rank = x.rank + count
    axes = g.rng.sample(range(rank), count)
    inputs, attributes = as_list(g, 'axes', [a - rank if g.opset >= 11 and g.rng.random() < 0.3 else a for a in axes], 13)
    g.add('Unsqueeze', [x] + inputs, **attributes)


@operator('Flatten')
def flatten(g):
    x = g.pick()
    axis = g.rng.randint(0 if g.opset < 11 else -x.rank, x.rank)
    g.add('Flatten', [x], axis=axis)


@operator('Transpose')
def transpose(g):
    x = g.pick(NUMBERS)
    order = list(range(x.rank))
    g.rng.shuffle(order)
    g.add('Transpose', [x], perm=order if g.rng.random() < 0.7 and order else None)


@operator('Expand')
def expand(g):
    x = g.pick(NUMBERS)
    sizes = [g.rng.choice([1, n]) if n != 1 else g.size() for n in x.shape]
    sizes = [g.size() for _ in range(g.rng.randint(0, 2))] + sizes[0 if g.rng.random() < 0.7 else 1:]
    g.add('Expand', [x, g.constant(integers(sizes))])


@operator('Split')
def split(g):
    x = g.pick(FLOATS, range(1, 5))
    axis = axis_of(g, x)
    length = x.shape[axis]
    if len({a.shape[axis] for a in x.arrays}) > 1:
        since(g, 18)
        return g.add('Split', [x], outputs=2, axis=axis, num_outputs=2)
    if g.rng.random() < 0.5 and length > 0:
        parts = g.rng.choice([n for n in range(1, length + 1) if length % n == 0 or g.opset >= 18])
        return g.add('Split', [x], outputs=parts, axis=axis, num_outputs=parts if g.opset >= 18 else None)
    first = g.rng.randint(0, length)
    inputs, attributes = as_list(g, 'split', [first, length - first], 13)
    return g.add('Split', [x] + inputs, outputs=2, axis=axis, **attributes)


@operator('Slice')
def slice_of(g):
    x = g.pick(NUMBERS, range(1, 5))
    axes = some_axes(g, x.rank)
    starts, ends, steps = [], [], []
    for axis in axes:
        length = x.shape[axis]
        starts.append(g.rng.randint(-length - 1, length))
        ends.append(g.rng.choice([g.rng.randint(-length - 1, length + 1), 2**31 - 1, 2**63 - 1]))
        steps.append(g.rng.choice([1, 1, 1, 2, -1]) if g.opset >= 10 else 1)
    if g.opset < 10:
        return g.add('Slice', [x], axes=axes, starts=starts, ends=ends)
    if len(axes) == 1 and g.rng.random() < 0.3:
        end = data_count(g, 1)
        return g.add('Slice', [x, g.weight(integers([0])), end, g.weight(integers(axes))])
    inputs = [x, g.constant(integers(starts)), g.constant(integers(ends)), g.constant(integers(axes))]
    if any(step != 1 for step in steps):
        inputs.append(g.constant(integers(steps)))
    return g.add('Slice', inputs)


@operator('Tile')
def tile(g):
    x = g.pick(FLOATS, range(1, 4))
    g.add('Tile', [x, g.constant(integers([g.rng.randint(0 if g.rng.random() < 0.1 else 1, 3) for _ in range(x.rank)]))])


@operator('Pad')
def pad(g):
    x = g.pick(FLOATS, range(1, 5))
    mode = g.rng.choice([None, 'constant', 'edge', 'reflect'])
    pads = [g.rng.randint(0, 2) for _ in range(2 * x.rank)]
    if g.opset < 11:
        return g.add('Pad', [x], pads=pads, mode=mode)
    if g.opset >= 18 and g.rng.random() < 0.4:
        axes = some_axes(g, x.rank)
        return g.add('Pad', [x, g.constant(integers(pads[:2 * len(axes)])), None, g.constant(integers(axes))], mode=mode)
    if g.rng.random() < 0.3:
        pads[0] = -min(1, x.shape[0])
        mode = None
    return g.add('Pad', [x, g.constant(integers(pads))], mode=mode)


@operator('CenterCropPad')
def center_crop_pad(g):
    since(g, 18)
    x = g.pick(FLOATS, range(1, 4))
    axes = some_axes(g, x.rank)
    g.add('CenterCropPad', [x, g.constant(integers([g.size() for _ in axes]))], axes=axes)


@operator('DepthToSpace')
def depth_to_space(g):
    x = g.input([g.rng.randint(1, 2), 4 * g.rng.randint(1, 3), g.size(), g.size()])
    mode = g.rng.choice(['DCR', 'CRD']) if g.opset >= 11 else None
    g.add('DepthToSpace', [x], blocksize=2, mode=mode)


@operator('SpaceToDepth')
def space_to_depth(g):
    g.add('SpaceToDepth', [g.input([g.rng.randint(1, 2), g.size(), 2 * g.rng.randint(1, 3), 4])], blocksize=2)


@operator('Shape')
def shape_of(g):
    x = g.pick(NUMBERS)
    if g.opset >= 15 and g.rng.random() < 0.5:
        return g.add('Shape', [x], start=g.rng.randint(-x.rank - 1, x.rank), end=g.rng.randint(-x.rank - 1, x.rank + 1))
    return g.add('Shape', [x])


@operator('Size')
def size_of(g):
    g.add('Size', [g.pick()])


@operator('Trilu')
def trilu(g):
    since(g, 14)
    x = g.pick(FLOATS, range(2, 5))
    g.add('Trilu', [x] + ([g.constant(np.int64(1))] if g.rng.random() < 0.5 else []), upper=g.rng.choice([0, 1]))


@operator('ReverseSequence')
def reverse_sequence(g):
    since(g, 10)
    x = g.input([3, 2, g.size()])
    g.add('ReverseSequence', [x, g.constant(integers([1, 2]))], batch_axis=1, time_axis=0)


# -- indices --------------------------------------------------------------------------------------------

def indices(g, length, shape):
    if length == 0:
        raise Refused('no element')
    numbers = np.array([g.rng.randrange(-length if g.opset >= 11 else 0, length) for _ in range(int(np.prod(shape)))], np.int64)
    return numbers.reshape(shape)


@operator('Gather')
def gather(g):
    x = g.pick(NUMBERS, range(1, 5))
    axis = axis_of(g, x)
    length = min(a.shape[axis] for a in x.arrays)
    g.add('Gather', [x, g.constant(indices(g, length, [g.size() for _ in range(g.rng.randint(0, 2))]))], axis=axis)


@operator('GatherElements')
def gather_elements(g):
    since(g, 11)
    x = g.pick(FLOATS, range(1, 4))
    axis = axis_of(g, x)
    shape = [g.rng.randint(0, min(a.shape[i] for a in x.arrays)) for i in range(x.rank)]
    g.add('GatherElements', [x, g.constant(indices(g, min(a.shape[axis] for a in x.arrays), shape))], axis=axis)


@operator('GatherND')
def gather_nd(g):
    since(g, 11)
    x = g.pick(FLOATS, range(1, 4))
    batch = g.rng.choice([0, 0, 1]) if g.opset >= 12 and x.rank >= 2 else 0
    depth = g.rng.randint(1, x.rank - batch)
    lead = list(x.shape[:batch]) + [g.size() for _ in range(g.rng.randint(0, 2))]
    length = min([1000] + [min(a.shape[batch:batch + depth]) for a in x.arrays])
    g.add('GatherND', [x, g.constant(indices(g, length, lead + [depth]))], batch_dims=batch or None)


@operator('ScatterElements')
def scatter_elements(g):
    since(g, 11)
    x = g.pick(FLOATS, range(1, 4))
    axis = axis_of(g, x)
    shape = [g.rng.randint(1, max(1, min(a.shape[i] for a in x.arrays))) for i in range(x.rank)]
    where_to = g.constant(indices(g, min(a.shape[axis] for a in x.arrays), shape))
    g.add('ScatterElements', [x, where_to, g.input(shape)], axis=axis)


@operator('ScatterND')
def scatter_nd(g):
    since(g, 11)
    x = g.pick(FLOATS, range(1, 4))
    if len({a.shape for a in x.arrays}) > 1:
        raise Refused('sizes differ')
    depth = g.rng.randint(1, x.rank)
    lead = [g.size()]
    where_to = g.constant(indices(g, min(x.shape[:depth]), lead + [depth]))
    g.add('ScatterND', [x, where_to, g.input(lead + list(x.shape[depth:]))])


@operator('OneHot')
def one_hot(g):
    x = g.input([g.size() for _ in range(g.rng.randint(0, 2))], 'int64', 0, 4)
    depth = count_or(g, g.rng.randint(1, 5), 0)
    g.add('OneHot', [x, depth, g.weight(np.array([0, 1], np.float32))], axis=g.axis(x.rank + 1) if g.rng.random() < 0.7 else None)


# -- products -------------------------------------------------------------------------------------------

@operator('MatMul')
def matmul(g):
    x = g.pick(WIDE_FLOATS, range(1, 5))
    inner = x.shape[-1]
    shape = [inner] if g.rng.random() < 0.2 else [inner, g.size()]
    if len(shape) == 2 and x.rank > 2 and g.rng.random() < 0.4:
        shape = [g.rng.choice([1, n]) for n in x.shape[:-2]] + shape
    g.add('MatMul', [x, g.weight(g.numbers(shape, x.dtype)) if g.rng.random() < 0.5 else g.input(shape, x.dtype.name)])


@operator('Gemm')
def gemm(g):
    x = g.pick(FLOATS, [2])
    flips_x, flips_w = g.rng.choice([None, 0, 1]), g.rng.choice([None, 0, 1])
    rows, inner = (x.shape[1], x.shape[0]) if flips_x else x.shape
    columns = g.size()
    weight = g.weight(g.numbers([columns, inner] if flips_w else [inner, columns]))
    bias_shape = g.rng.choice([[columns], [1, columns], [rows, columns], [1], []])
    bias = [] if g.opset >= 11 and g.rng.random() < 0.3 else [g.weight(g.numbers(bias_shape))]
    g.add('Gemm', [x, weight] + bias, transA=flips_x, transB=flips_w, alpha=g.rng.choice([None, 0.5]))


@operator('Einsum')
def einsum(g):
    since(g, 12)
    a, b, c, d = (g.rng.randint(1, 4) for _ in range(4))
    equation, *shapes = g.rng.choice([
        ('ij,jk->ik', (a, b), (b, c)), ('bij,bjk->bik', (a, b, c), (a, c, d)), ('ij->ji', (a, b)), ('ij->', (a, b)),
        ('ij,kj->ikj', (a, b), (c, b)), ('...ij,...jk->...ik', (a, b, c), (c, d)), ('ii->i', (a, a)), ('i,j->ij', (a,), (b,)),
        ('bhqd,bhkd->bhqk', (a, b, c, d), (a, b, 3, d)), ('ij,jk', (a, b), (b, c))])
    g.add('Einsum', [g.input(list(shape)) for shape in shapes], equation=equation)
