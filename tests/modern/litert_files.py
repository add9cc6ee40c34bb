#!/usr/bin/env python3
"""LiteRT's interpreter: usage `litert_files.py ZOOMETER TFLITE_FOLDER [ARCHIVE]`.

Each operator is a small file whose results have the sizes that the interpreter gives them when it
runs: zoometer knows the operator, reads its options, and infers these sizes; MACs of products are
compared with what a rule of this file gives. Tensors of the files in the folder have the sizes that
the interpreter allocates. The files of operators are also written into the ARCHIVE, which is
tests/golden/litert_operators.zip, each named OPERATOR-MACS. The last line is "N passed, M failed".
"""

import json
import math
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

TYPES = {'float32': 0, 'int32': 2, 'uint8': 3, 'int64': 4, 'bool': 6, 'int16': 7, 'complex64': 8, 'int8': 9}
SAME, VALID = 0, 1
RELU, RELU6 = 1, 3
IMAGE = (2, 8, 9, 4)


class Input:
    """An operand that is no constant; with a scale it is quantised."""

    def __init__(self, *shape, kind='float32', scale=None):
        self.shape, self.kind, self.scale = shape, kind, scale


def ints(*numbers):
    return np.array(numbers, np.int32)


def one(number, kind=np.int32):
    return np.array(number, kind)


def ones(*shape):
    return np.ones(shape, np.float32)


class Quantised:
    """A constant of integers with a scale for each index of an axis, or one."""

    def __init__(self, array, axis=None):
        self.array, self.axis = array, axis


def quantisation(scales, axis=0):
    made = schema.QuantizationParametersT()
    made.scale, made.zeroPoint, made.quantizedDimension = [1.0] * scales, [0] * scales, axis
    return made


class File:
    """A file of one operator."""

    def __init__(self):
        self.tensors, self.inputs, self.buffers = [], [], [schema.BufferT()]

    def tensor(self, shape, kind, data=None, scales=0, axis=0):
        made = schema.TensorT()
        made.shape, made.type, made.hasRank = list(shape), TYPES[kind], True
        made.name = f't{len(self.tensors)}'
        if scales:
            made.quantization = quantisation(scales, axis)
        if data is not None:
            self.buffers.append(schema.BufferT())
            self.buffers[-1].data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            made.buffer = len(self.buffers) - 1
        self.tensors.append(made)
        return len(self.tensors) - 1

    def operand(self, operand):
        if operand is None:
            return -1
        if isinstance(operand, Input):
            index = self.tensor(operand.shape, operand.kind, scales=1 if operand.scale else 0)
            self.tensors[index].isVariable = operand.scale == 'state'
            if operand.scale != 'state':
                self.inputs.append(index)
            else:
                self.tensors[index].quantization = None
            return index
        if isinstance(operand, Quantised):
            scales = 1 if operand.axis is None else operand.array.shape[operand.axis]
            return self.tensor(operand.array.shape, str(operand.array.dtype), operand.array, scales, operand.axis or 0)
        return self.tensor(operand.shape, str(operand.dtype), operand)

    def write(self, code, options, operands, results):
        operator = schema.OperatorT()
        operator.inputs = [self.operand(each) for each in operands]
        quantised = any(isinstance(each, Input) and each.scale == 1 for each in operands)
        operator.outputs = [self.tensor((), kind, scales=1 if quantised and kind in ('int8', 'int16') else 0)
                            for kind in results]
        if options:
            name, fields = options
            table = getattr(schema, name + 'T')()
            for field, value in fields.items():
                assert hasattr(table, field), f'{name}.{field}'
                setattr(table, field, value)
            if hasattr(schema.BuiltinOptions, name):
                operator.builtinOptionsType, operator.builtinOptions = getattr(schema.BuiltinOptions, name), table
            else:
                operator.builtinOptions2Type, operator.builtinOptions2 = getattr(schema.BuiltinOptions2, name), table
        graph = schema.SubGraphT()
        graph.tensors, graph.inputs, graph.outputs = self.tensors, self.inputs, operator.outputs
        graph.operators = [operator]
        number = getattr(schema.BuiltinOperator, code)
        kind = schema.OperatorCodeT()
        kind.builtinCode, kind.deprecatedBuiltinCode, kind.version = number, min(number, 127), VERSIONS.get(code, 1)
        model = schema.ModelT()
        model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, [kind], [graph], self.buffers
        return model


# Of operators whose first version does not have what a case asks for.
VERSIONS = {'FULLY_CONNECTED': 5, 'BATCH_MATMUL': 2, 'STRIDED_SLICE': 2, 'ADD': 2, 'TRANSPOSE_CONV': 3, 'BROADCAST_TO': 2}


def packed(model):
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b'TFL3')
    return bytes(builder.Output())


def run(content):
    """The interpreter after it ran on ones."""
    interpreter = Interpreter(model_content=content,
                              experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    interpreter.allocate_tensors()
    for given in interpreter.get_input_details():
        interpreter.set_tensor(given['index'], np.ones(given['shape'], given['dtype']))
    interpreter.invoke()
    return interpreter


# -- operators -----------------------------------------------------------------------------------------

def conv(**more):
    return 'Conv2DOptions', {'strideW': 1, 'strideH': 1, 'dilationWFactor': 1, 'dilationHFactor': 1, **more}


def depthwise(**more):
    return 'DepthwiseConv2DOptions', {'strideW': 1, 'strideH': 1, 'dilationWFactor': 1, 'dilationHFactor': 1, **more}


def volume(**more):
    return 'Conv3DOptions', {'strideD': 1, 'strideW': 1, 'strideH': 1, 'dilationDFactor': 1, 'dilationWFactor': 1,
                             'dilationHFactor': 1, **more}


def pool(width, height, stride, padding):
    return 'Pool2DOptions', {'filterWidth': width, 'filterHeight': height, 'strideW': stride, 'strideH': stride,
                             'padding': padding}


def products():
    """Name, operator, options, operands, types of results, MACs from the sizes of operands and results."""
    x, f32 = Input(*IMAGE), ['float32']
    filters = ones(6, 3, 2, 4)

    def by_filter(operands, out):
        return math.prod(out[0]) * math.prod(operands[1][1:])

    def by_window(operands, out):
        return math.prod(out[0]) * math.prod(operands[1][1:3])

    def transposed(operands, _out):
        return math.prod(operands[2]) * math.prod(operands[1][:3])

    def dense(operands, _out):
        return math.prod(operands[0]) * operands[1][0]

    for name, options in {'valid': conv(padding=VALID), 'same': conv(padding=SAME),
                          'stride': conv(padding=SAME, strideW=3, strideH=2),
                          'stride_valid': conv(padding=VALID, strideW=2, strideH=2),
                          'dilation': conv(padding=VALID, dilationWFactor=3, dilationHFactor=2),
                          'dilation_same': conv(padding=SAME, dilationWFactor=2, dilationHFactor=2),
                          'relu6': conv(padding=SAME, fusedActivationFunction=RELU6)}.items():
        yield 'conv_' + name, 'CONV_2D', options, [x, filters, ones(6)], f32, by_filter
    yield 'conv_groups', 'CONV_2D', conv(padding=SAME), [x, ones(6, 3, 3, 2), ones(6)], f32, by_filter
    yield 'conv_int8', 'CONV_2D', conv(padding=SAME, fusedActivationFunction=RELU), \
        [Input(*IMAGE, kind='int8', scale=1), Quantised(np.ones((6, 3, 2, 4), np.int8), 0),
         Quantised(np.ones(6, np.int32), 0)], ['int8'], by_filter
    for name, options in {'valid': depthwise(padding=VALID, depthMultiplier=2),
                          'same': depthwise(padding=SAME, depthMultiplier=2, strideW=2, strideH=3),
                          'dilation': depthwise(padding=VALID, depthMultiplier=2, dilationWFactor=2)}.items():
        yield 'depthwise_' + name, 'DEPTHWISE_CONV_2D', options, [x, ones(1, 3, 3, 8), ones(8)], f32, by_window
    for name, size, options in (('same', (2, 16, 18, 5), {'padding': SAME}), ('valid', (2, 17, 19, 5), {'padding': VALID}),
                                ('odd', (2, 15, 17, 5), {'padding': SAME})):
        yield 'transpose_' + name, 'TRANSPOSE_CONV', ('TransposeConvOptions', {'strideW': 2, 'strideH': 2, **options}), \
            [ints(*size), ones(5, 3, 3, 4), x], f32, transposed
    yield 'conv_3d', 'CONV_3D', volume(padding=SAME, strideD=2), [Input(1, 5, 6, 7, 3), ones(2, 3, 3, 3, 4)], f32, \
        lambda operands, out: math.prod(out[0]) * math.prod(operands[1][:4])
    yield 'conv_3d_valid', 'CONV_3D', volume(padding=VALID), [Input(1, 5, 6, 7, 3), ones(2, 3, 3, 3, 4), ones(4)], f32, \
        lambda operands, out: math.prod(out[0]) * math.prod(operands[1][:4])
    yield 'conv_3d_transpose', 'CONV_3D_TRANSPOSE', volume(padding=SAME, strideD=2, strideH=2, strideW=2), \
        [ints(1, 10, 12, 14, 4), ones(2, 2, 2, 4, 3), Input(1, 5, 6, 7, 3)], f32, \
        lambda operands, _out: math.prod(operands[2]) * math.prod(operands[1][:4])
    yield 'dense', 'FULLY_CONNECTED', ('FullyConnectedOptions', {}), [Input(5, 8), ones(3, 8), ones(3)], f32, dense
    yield 'dense_flat', 'FULLY_CONNECTED', ('FullyConnectedOptions', {}), [Input(2, 3, 8), ones(3, 8), None], f32, dense
    yield 'dense_rows', 'FULLY_CONNECTED', ('FullyConnectedOptions', {}), [Input(2, 3, 4), ones(3, 12), None], f32, dense
    yield 'dense_kept', 'FULLY_CONNECTED', ('FullyConnectedOptions', {'keepNumDims': True}), \
        [Input(2, 3, 8), ones(5, 8), None], f32, dense
    yield 'dense_hybrid', 'FULLY_CONNECTED', ('FullyConnectedOptions', {}), \
        [Input(5, 8), Quantised(np.ones((3, 8), np.int8)), ones(3)], f32, dense
    yield 'dense_int8', 'FULLY_CONNECTED', ('FullyConnectedOptions', {}), \
        [Input(5, 8, kind='int8', scale=1), Quantised(np.ones((3, 8), np.int8)), Quantised(np.ones(3, np.int32))], \
        ['int8'], dense
    for adjoint_x in (False, True):
        for adjoint_y in (False, True):
            yield f'matmul_{adjoint_x}_{adjoint_y}', 'BATCH_MATMUL', \
                ('BatchMatMulOptions', {'adjX': adjoint_x, 'adjY': adjoint_y}), \
                [Input(2, 1, *((6, 4) if adjoint_x else (4, 6))), Input(3, *((5, 6) if adjoint_y else (6, 5)))], f32, \
                lambda _operands, out: math.prod(out[0]) * 6
    yield 'svdf', 'SVDF', ('SVDFOptions', {'rank': 2, 'fusedActivationFunction': RELU}), \
        [Input(3, 10), ones(8, 10), ones(8, 5), ones(4), Input(3, 40, scale='state')], f32, \
        lambda _operands, _out: 3 * 8 * (10 + 5)
    yield 'rnn', 'RNN', ('RNNOptions', {'fusedActivationFunction': RELU}), \
        [Input(3, 10), ones(8, 10), ones(8, 8), ones(8), Input(3, 8, scale='state')], f32, \
        lambda _operands, _out: 3 * 8 * (10 + 8)
    for time_major in (False, True):
        shape = (7, 3) if time_major else (3, 7)
        yield f'sequence_rnn_{time_major}', 'UNIDIRECTIONAL_SEQUENCE_RNN', \
            ('SequenceRNNOptions', {'timeMajor': time_major, 'fusedActivationFunction': RELU}), \
            [Input(*shape, 10), ones(8, 10), ones(8, 8), ones(8), Input(3, 8, scale='state')], f32, \
            lambda _operands, _out: 7 * 3 * 8 * (10 + 8)
        yield f'sequence_lstm_{time_major}', 'UNIDIRECTIONAL_SEQUENCE_LSTM', \
            ('UnidirectionalSequenceLSTMOptions', {'timeMajor': time_major, 'fusedActivationFunction': 4}), \
            [Input(*shape, 10), *[ones(8, 10)] * 4, *[ones(8, 8)] * 4, None, None, None, *[ones(8)] * 4, None, None,
             Input(3, 8, scale='state'), Input(3, 8, scale='state')], f32, \
            lambda _operands, _out: 7 * 3 * 4 * 8 * (10 + 8)
    yield 'sequence_lstm_projection', 'UNIDIRECTIONAL_SEQUENCE_LSTM', \
        ('UnidirectionalSequenceLSTMOptions', {'fusedActivationFunction': 4}), \
        [Input(3, 7, 10), *[ones(8, 10)] * 4, *[ones(8, 5)] * 4, None, None, None, *[ones(8)] * 4, ones(5, 8), None,
         Input(3, 5, scale='state'), Input(3, 8, scale='state')], f32, \
        lambda _operands, _out: 7 * 3 * (4 * 8 * (10 + 5) + 8 * 5)
    yield 'embedding', 'EMBEDDING_LOOKUP', None, [Input(5, kind='int32'), ones(10, 4)], f32, None
    for kind in ('AVERAGE_POOL_2D', 'MAX_POOL_2D', 'L2_POOL_2D'):
        for name, options in {'valid': pool(2, 3, 2, VALID), 'same': pool(3, 3, 2, SAME)}.items():
            yield f'{kind}_{name}', kind, options, [x], f32, None
    yield 'resize_bilinear', 'RESIZE_BILINEAR', ('ResizeBilinearOptions', {}), [x, ints(13, 5)], f32, None
    yield 'resize_nearest', 'RESIZE_NEAREST_NEIGHBOR', ('ResizeNearestNeighborOptions', {}), [x, ints(13, 5)], f32, None


UNARY = {'ABS': 'Abs', 'NEG': 'Neg', 'EXP': 'Exp', 'LOG': None, 'SQRT': None, 'RSQRT': None, 'SIN': None, 'COS': 'Cos',
         'SQUARE': 'Square', 'ROUND': None, 'FLOOR': None, 'CEIL': None, 'SIGN': None, 'RELU': None, 'RELU6': None,
         'RELU_N1_TO_1': None, 'RELU_0_TO_1': None, 'ELU': None, 'HARD_SWISH': 'HardSwish', 'GELU': 'Gelu',
         'LOGISTIC': None, 'TANH': None, 'LEAKY_RELU': 'LeakyRelu', 'SOFTMAX': 'Softmax', 'LOG_SOFTMAX': 'LogSoftmax',
         'ZEROS_LIKE': 'ZerosLike', 'L2_NORMALIZATION': 'L2Norm', 'LOCAL_RESPONSE_NORMALIZATION': 'LocalResponseNormalization'}
BINARY = {'ADD': 'Add', 'SUB': 'Sub', 'MUL': 'Mul', 'DIV': 'Div', 'MAXIMUM': 'MaximumMinimum', 'MINIMUM': 'MaximumMinimum',
          'SQUARED_DIFFERENCE': 'SquaredDifference', 'POW': 'Pow', 'FLOOR_DIV': 'FloorDiv', 'FLOOR_MOD': 'FloorMod'}
COMPARISONS = {'EQUAL': 'Equal', 'NOT_EQUAL': 'NotEqual', 'LESS': 'Less', 'LESS_EQUAL': 'LessEqual', 'GREATER': 'Greater',
               'GREATER_EQUAL': 'GreaterEqual'}
REDUCTIONS = ('MEAN', 'SUM', 'REDUCE_PROD', 'REDUCE_MAX', 'REDUCE_MIN')


def options_of(name, **fields):
    return (name + 'Options', fields) if name else None


def elementwise():
    x, f32 = Input(*IMAGE), ['float32']
    for code, name in UNARY.items():
        yield code, code, options_of(name), [x], f32, None
    for code, name in BINARY.items():
        yield code, code, options_of(name), [x, Input(9, 1)], f32, None
        yield code + '_wide', code, options_of(name), [Input(8, 1, 4), Input(1, 9, 1)], f32, None
    yield 'atan2', 'ATAN2', ('ATan2Options', {}), [x, x], f32, None
    yield 'add_int8', 'ADD', ('AddOptions', {}), [Input(2, 4, kind='int8', scale=1)] * 2, ['int8'], None
    for code, name in COMPARISONS.items():
        yield code, code, options_of(name), [x, Input(9, 4)], ['bool'], None
    for code in ('LOGICAL_AND', 'LOGICAL_OR'):
        name = 'LogicalAnd' if code.endswith('AND') else 'LogicalOr'
        yield code, code, options_of(name), [Input(3, 4, kind='bool'), Input(4, kind='bool')], ['bool'], None
    yield 'LOGICAL_NOT', 'LOGICAL_NOT', options_of('LogicalNot'), [Input(3, 4, kind='bool')], ['bool'], None
    for code, name in (('BITWISE_XOR', 'BitwiseXor'), ('RIGHT_SHIFT', 'RightShift')):
        yield code, code, options_of(name), [Input(3, 4, kind='int32'), Input(4, kind='int32')], ['int32'], None
    for code in REDUCTIONS:
        yield code, code, ('ReducerOptions', {}), [x, ints(1, 2)], f32, None
        yield code + '_kept', code, ('ReducerOptions', {'keepDims': True}), [x, ints(-1)], f32, None
    for code in ('REDUCE_ANY', 'REDUCE_ALL'):
        yield code, code, ('ReducerOptions', {}), [Input(3, 4, kind='bool'), ints(0)], ['bool'], None
    yield 'arg_max', 'ARG_MAX', ('ArgMaxOptions', {'outputType': TYPES['int64']}), [x, one(2)], ['int64'], None
    yield 'arg_min', 'ARG_MIN', ('ArgMinOptions', {'outputType': TYPES['int32']}), [x, one(-1)], ['int32'], None
    yield 'prelu', 'PRELU', None, [x, ones(1, 1, 4)], f32, None
    yield 'cumsum', 'CUMSUM', ('CumsumOptions', {}), [x, one(1)], f32, None
    yield 'add_n', 'ADD_N', ('AddNOptions', {}), [x, x, x], f32, None
    yield 'cast', 'CAST', ('CastOptions', {'inDataType': 0, 'outDataType': 2}), [x], ['int32'], None
    yield 'select', 'SELECT', ('SelectOptions', {}), [Input(3, 4, kind='bool'), Input(3, 4), Input(3, 4)], f32, None
    yield 'select_v2', 'SELECT_V2', ('SelectV2Options', {}), [Input(3, 1, kind='bool'), Input(4), Input(2, 1, 1)], f32, None
    yield 'quantize', 'QUANTIZE', ('QuantizeOptions', {}), [Input(3, 4, scale=1)], ['int8'], None
    yield 'dequantize', 'DEQUANTIZE', ('DequantizeOptions', {}), [Input(3, 4, kind='int8', scale=1)], f32, None
    yield 'fake_quant', 'FAKE_QUANT', ('FakeQuantOptions', {'min': -1.0, 'max': 1.0, 'numBits': 8}), [x], f32, None


def strided(begin, end, strides, **masks):
    return ('StridedSliceOptions', masks), [Input(*IMAGE), ints(*begin), ints(*end), ints(*strides)]


def movements():
    x, f32 = Input(*IMAGE), ['float32']
    numbers = np.zeros((2, 3), np.int32)
    yield 'reshape', 'RESHAPE', ('ReshapeOptions', {'newShape': [2, -1]}), [x, ints(2, -1)], f32
    yield 'reshape_option', 'RESHAPE', ('ReshapeOptions', {'newShape': [72, 8]}), [x], f32
    yield 'squeeze', 'SQUEEZE', ('SqueezeOptions', {'squeezeDims': [0, -1]}), [Input(1, 3, 1, 1)], f32
    yield 'squeeze_all', 'SQUEEZE', ('SqueezeOptions', {}), [Input(1, 3, 1, 2)], f32
    yield 'expand_dims', 'EXPAND_DIMS', ('ExpandDimsOptions', {}), [x, one(-1)], f32
    yield 'shape', 'SHAPE', ('ShapeOptions', {'outType': TYPES['int32']}), [x], ['int32']
    yield 'concatenation', 'CONCATENATION', ('ConcatenationOptions', {'axis': -1}), [x, Input(2, 8, 9, 3)], f32
    yield 'pack', 'PACK', ('PackOptions', {'axis': 1, 'valuesCount': 3}), [x, x, x], f32
    yield 'unpack', 'UNPACK', ('UnpackOptions', {'axis': -2, 'num': 9}), [x], f32 * 9
    yield 'split', 'SPLIT', ('SplitOptions', {'numSplits': 2}), [one(1), x], f32 * 2
    yield 'split_v', 'SPLIT_V', ('SplitVOptions', {'numSplits': 3}), [x, ints(2, -1, 3), one(1)], f32 * 3
    yield 'slice', 'SLICE', ('SliceOptions', {}), [x, ints(0, 1, 2, 0), ints(-1, 3, -1, 2)], f32
    for name, (options, operands) in {
            'plain': strided((0, 1, 2, 0), (2, 8, 9, 4), (1, 2, 3, 1)),
            'begin_mask': strided((1, 1, 2, 2), (2, 8, 9, 4), (1, 2, 3, 1), beginMask=9),
            'end_mask': strided((0, 1, 2, 0), (1, 2, 3, 1), (1, 1, 1, 1), endMask=6),
            'shrink': strided((1, 1, 2, 0), (2, 8, 9, 4), (1, 1, 1, 1), shrinkAxisMask=5),
            'new_axis': strided((0, 0, 0), (2, 0, 8), (1, 1, 1), newAxisMask=2),
            'ellipsis': strided((0, 0, 1), (1, 0, 3), (1, 1, 1), ellipsisMask=2),
            'back': strided((-1, -1, -1, -1), (-3, -9, -4, -5), (-1, -2, -1, -1)),
            'few': strided((1,), (2,), (1,))}.items():
        yield 'strided_' + name, 'STRIDED_SLICE', options, operands, f32
    yield 'transpose', 'TRANSPOSE', ('TransposeOptions', {}), [x, ints(0, 3, 1, 2)], f32
    yield 'pad', 'PAD', ('PadOptions', {}), [x, np.array([[0, 0], [1, 2], [0, 3], [0, 0]], np.int32)], f32
    yield 'pad_v2', 'PADV2', ('PadV2Options', {}), [x, np.array([[0, 0], [1, 2], [0, 3], [0, 0]], np.int32), one(1, np.float32)], f32
    yield 'mirror_pad', 'MIRROR_PAD', ('MirrorPadOptions', {'mode': 0}), \
        [x, np.array([[0, 0], [1, 2], [3, 0], [0, 0]], np.int32)], f32
    yield 'tile', 'TILE', ('TileOptions', {}), [x, ints(1, 2, 1, 3)], f32
    yield 'broadcast_to', 'BROADCAST_TO', ('BroadcastToOptions', {}), [Input(1, 4), ints(2, 3, 4)], f32
    yield 'gather', 'GATHER', ('GatherOptions', {'axis': 2}), [x, numbers], f32
    yield 'gather_batch', 'GATHER', ('GatherOptions', {'axis': 1, 'batchDims': 1}), [x, numbers], f32
    yield 'gather_nd', 'GATHER_ND', ('GatherNdOptions', {}), [x, np.zeros((5, 2), np.int32)], f32
    yield 'scatter_nd', 'SCATTER_ND', ('ScatterNdOptions', {}), \
        [np.zeros((5, 1), np.int32), Input(5, 3), ints(6, 3)], f32
    yield 'space_to_depth', 'SPACE_TO_DEPTH', ('SpaceToDepthOptions', {'blockSize': 2}), [Input(1, 4, 6, 3)], f32
    yield 'depth_to_space', 'DEPTH_TO_SPACE', ('DepthToSpaceOptions', {'blockSize': 2}), [Input(1, 4, 6, 8)], f32
    yield 'space_to_batch', 'SPACE_TO_BATCH_ND', ('SpaceToBatchNDOptions', {}), \
        [Input(1, 4, 5, 3), ints(2, 3), np.array([[0, 0], [1, 0]], np.int32)], f32
    yield 'batch_to_space', 'BATCH_TO_SPACE_ND', ('BatchToSpaceNDOptions', {}), \
        [Input(6, 4, 5, 3), ints(2, 3), np.array([[1, 0], [0, 2]], np.int32)], f32
    yield 'reverse', 'REVERSE_V2', ('ReverseV2Options', {}), [x, ints(1)], f32
    yield 'reverse_sequence', 'REVERSE_SEQUENCE', ('ReverseSequenceOptions', {'seqDim': 1, 'batchDim': 0}), [x, ints(1, 2)], f32
    yield 'update_slice', 'DYNAMIC_UPDATE_SLICE', ('DynamicUpdateSliceOptions', {}), \
        [x, Input(1, 2, 3, 4), ints(0, 0, 0, 0)], f32
    yield 'fill', 'FILL', ('FillOptions', {}), [ints(2, 3), one(1, np.float32)], f32
    yield 'range', 'RANGE', ('RangeOptions', {}), [one(2), one(11), one(2)], ['int32']
    yield 'one_hot', 'ONE_HOT', ('OneHotOptions', {'axis': 1}), \
        [Input(2, 3, kind='int32'), one(7), one(1, np.float32), one(0, np.float32)], f32
    yield 'top_k', 'TOPK_V2', ('TopKV2Options', {}), [x, one(3)], ['float32', 'int32']
    yield 'matrix_diag', 'MATRIX_DIAG', ('MatrixDiagOptions', {}), [Input(2, 3)], f32
    yield 'matrix_set_diag', 'MATRIX_SET_DIAG', ('MatrixSetDiagOptions', {}), [Input(2, 3, 3), Input(2, 3)], f32
    yield 'dilate', 'DILATE', ('DilateOptions', {}), [Input(3, 4), ints(2, 3), one(0, np.float32)], f32


def cases():
    yield from products()
    yield from elementwise()
    for name, code, options, operands, results in movements():
        yield name, code, options, operands, results, None


def profile(zoometer, path, *more):
    done = subprocess.run([zoometer, 'profile', str(path), '--format', 'json', *more], capture_output=True, text=True,
                          check=False)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def complaint(read, results, macs):
    """What is wrong with a file of one operator, or nothing."""
    if isinstance(read, str):
        return read
    if read['coverage']['unknown']:
        return f"unknown: {read['coverage']['unknown']}"
    bad = [note for note in read['notes'] if re.search('other sizes|not taken into account|does not fit|depend on data',
                                                       note)]
    shapes = [output['shape'] for output in read['outputs']]
    if shapes != results:
        bad.append(f'results {shapes}, the interpreter has {results}')
    if read['totals']['macs'] != macs:
        bad.append(f"{read['totals']['macs']} MACs, expected {macs}")
    return '; '.join(bad)


def check_operator(zoometer, path, archive, name, code, options, operands, results, macs):
    file = File()
    model = file.write(code, options, operands, results)
    try:
        interpreter = run(packed(model))
    except (RuntimeError, ValueError) as error:
        return f'the interpreter: {error}'
    graph = model.subgraphs[0]
    sizes = [[int(size) for size in interpreter.get_tensor(output).shape] for output in graph.operators[0].outputs]
    for output, shape in zip(graph.operators[0].outputs, sizes):
        graph.tensors[output].shape = shape
    path.write_bytes(packed(model))
    shapes = [[] if index < 0 else list(graph.tensors[index].shape) for index in graph.operators[0].inputs]
    expected = macs(shapes, sizes) if macs else 0
    if archive:
        entry = zipfile.ZipInfo(f'{name}-{expected}')  # of 1980, so that the archive does not change by itself
        archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    return complaint(profile(zoometer, path), sizes, expected)


def check_file(zoometer, path):
    """The results of a real file, and the inputs, as the interpreter has them."""
    content = path.read_bytes()
    interpreter = Interpreter(model_content=content,
                              experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    interpreter.allocate_tensors()
    signatures = sorted(interpreter.get_signature_list())
    entry = ['--entry', signatures[0]] if len(signatures) > 1 else []
    read = profile(zoometer, path, *entry)
    if isinstance(read, str):
        return read
    if entry:
        runner = interpreter.get_signature_runner(signatures[0])
        details = list(runner.get_input_details().values()), list(runner.get_output_details().values())
    else:
        details = interpreter.get_input_details(), interpreter.get_output_details()
    for key, wanted in zip(('inputs', 'outputs'), details):
        own = sorted(each['shape'] for each in read[key])
        sizes = sorted([int(size) for size in each['shape']] for each in wanted)
        if own != sizes:
            return f'{key} {own}, the interpreter has {sizes}'
    return ''


# The files that the interpreter prepares without data: dynamic_shapes.bin has sizes that follow from it alone.
FILES = ('hello_world_int8.tflite', 'trained_lstm_int8.tflite', 'simple_add_dynamic_shape.tflite',
         'multi_signature_model.tflite', 'l2_norm_composite.tflite')


def main():
    zoometer, folder = sys.argv[1], Path(sys.argv[2])
    archive = zipfile.ZipFile(sys.argv[3], 'w') if len(sys.argv) > 3 else None
    passed, failed = 0, 0

    def case(name, problem):
        nonlocal passed, failed
        if problem:
            print(f'{name}: {problem}')
        passed, failed = passed + (not problem), failed + bool(problem)

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / 'model.tflite'
        for each in cases():
            case(each[0], check_operator(zoometer, path, archive, *each))
    if archive:
        archive.close()
    for name in FILES:
        case(name, check_file(zoometer, folder / name))
    print(f'{passed} passed, {failed} failed')


main()
