"""The same as random_operators.py for the operators of ai.onnx.ml, those that only ONNX Runtime has, and rare ones of ONNX."""
import numpy as np
from onnx import TensorProto, helper

from random_operators import FLOATS, axis_of, integers, operator, since, until

MICROSOFT = {'domain': 'com.microsoft'}
LEARNING = {'domain': 'ai.onnx.ml'}


# -- ai.onnx.ml --------------------------------------------------------------------------------------------

def table(g, dtypes=FLOATS):
    """Rows of features."""
    return g.pick(dtypes, (2,), lambda v: 0 not in v.shape)


@operator('Scaler')
def scaler(g):
    x = table(g)
    count = g.rng.choice([1, x.shape[1]])
    g.add('Scaler', [x], **LEARNING, offset=[0.5] * count, scale=[2.0] * count)


@operator('Normalizer')
def normalizer(g):
    g.add('Normalizer', [table(g)], **LEARNING, norm=g.rng.choice(['MAX', 'L1', 'L2']))


@operator('Binarizer')
def binarizer(g):
    g.add('Binarizer', [table(g)], **LEARNING, threshold=0.1)


@operator('Imputer')
def imputer(g):
    g.add('Imputer', [table(g)], **LEARNING, imputed_value_floats=[0.5], replaced_value_float=1.0)


@operator('ArrayFeatureExtractor')
def array_feature_extractor(g):
    x = table(g)
    picked = [g.rng.randrange(x.shape[-1]) for _ in range(g.rng.randint(1, 3))]
    g.add('ArrayFeatureExtractor', [x, g.weight(integers(picked))], **LEARNING)


@operator('FeatureVectorizer')
def feature_vectorizer(g):
    first = table(g)
    rows = first.shape[0]
    second = g.input([rows, g.rng.randint(1, 3)])
    g.add('FeatureVectorizer', [first, second], **LEARNING, inputdimensions=[first.shape[1], second.shape[1]])


@operator('LabelEncoder')
def label_encoder(g):
    g.add('LabelEncoder', [g.pick(('int64',))], **LEARNING, keys_int64s=[0, 1, 2], values_floats=[0.5, 1.5, 2.5],
          default_float=0.0)


@operator('OneHotEncoder')
def one_hot_encoder(g):
    g.add('OneHotEncoder', [g.pick(('int64',), (1, 2))], **LEARNING, cats_int64s=[0, 1, 2, 5], zeros=1)


@operator('LinearRegressor')
def linear_regressor(g):
    x, targets = table(g), g.rng.randint(1, 3)
    g.add('LinearRegressor', [x], **LEARNING, coefficients=[0.5] * (targets * x.shape[1]), intercepts=[0.1] * targets,
          targets=targets)


@operator('LinearClassifier')
def linear_classifier(g):
    x, classes = table(g), g.rng.randint(2, 4)
    g.add('LinearClassifier', [x], outputs=2, **LEARNING, coefficients=[0.5] * (classes * x.shape[1]),
          intercepts=[0.1] * classes, classlabels_ints=list(range(classes)), post_transform='SOFTMAX')


@operator('TreeEnsembleRegressor')
def tree_ensemble_regressor(g):
    g.add('TreeEnsembleRegressor', [table(g)], **LEARNING, n_targets=2, nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2],
          nodes_featureids=[0, 0, 0], nodes_values=[0.1, 0.0, 0.0], nodes_modes=['BRANCH_LEQ', 'LEAF', 'LEAF'],
          nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0], target_treeids=[0, 0], target_nodeids=[1, 2],
          target_ids=[0, 1], target_weights=[1.0, 2.0])


@operator('TreeEnsembleClassifier')
def tree_ensemble_classifier(g):
    g.add('TreeEnsembleClassifier', [table(g)], outputs=2, **LEARNING, classlabels_int64s=[0, 1, 2], nodes_treeids=[0, 0, 0],
          nodes_nodeids=[0, 1, 2], nodes_featureids=[0, 0, 0], nodes_values=[0.1, 0.0, 0.0],
          nodes_modes=['BRANCH_LEQ', 'LEAF', 'LEAF'], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
          class_treeids=[0, 0], class_nodeids=[1, 2], class_ids=[0, 1], class_weights=[1.0, 2.0])


@operator('SVMRegressor')
def svm_regressor(g):
    x = table(g)
    count = g.rng.randint(1, 3)
    g.add('SVMRegressor', [x], **LEARNING, coefficients=[0.5] * count, support_vectors=[0.1] * (count * x.shape[1]),
          n_supports=count, rho=[0.2], kernel_type=g.rng.choice(['RBF', 'LINEAR', 'POLY']), kernel_params=[0.1, 0.0, 2.0])


# -- products ------------------------------------------------------------------------------------------------

@operator('FusedGemm')
def fused_gemm(g):
    k, n = g.rng.randint(1, 5), g.rng.randint(1, 4)
    flips = g.rng.choice([0, 1])
    g.add('FusedGemm', [g.input([3, k]), g.weight(g.numbers([n, k] if flips else [k, n])), g.weight(g.numbers([n]))],
          **MICROSOFT, transB=flips, activation='Relu')


@operator('FusedConv')
def fused_conv(g):
    g.add('FusedConv', [g.input([1, 2, 6, g.rng.randint(4, 7)]), g.weight(g.numbers([3, 2, 3, 3]))], **MICROSOFT,
          pads=[g.rng.randint(0, 1)] * 4, activation='Relu')


@operator('TransposeMatMul')
def transpose_matmul(g):
    g.add('TransposeMatMul', [g.input([4, 3]), g.input([4, g.rng.randint(1, 5)])], **MICROSOFT, transA=1)


@operator('MatMulInteger16')
def matmul_integer16(g):
    g.add('MatMulInteger16', [g.input([2, 3], 'int16'), g.input([3, g.rng.randint(1, 5)], 'int16')], **MICROSOFT)


@operator('QGemm')
def q_gemm(g):
    k, n = g.rng.randint(1, 5), g.rng.randint(1, 4)
    one, zero = np.array(0.1, np.float32), np.array(3, np.uint8)
    g.add('QGemm', [g.input([2, k], 'uint8', 0, 9), g.weight(one), g.weight(zero), g.weight(g.numbers([k, n], 'uint8', 0, 9)),
                    g.weight(one), g.weight(zero), None, g.weight(one), g.weight(zero)], **MICROSOFT)


@operator('MatMulBnb4')
def matmul_bnb4(g):
    k, n, block = 32, g.rng.choice([2, 4]), 16
    g.add('MatMulBnb4', [g.input([2, g.rng.randint(1, 3), k]), g.weight(g.numbers([n * k // 2], 'uint8', 0, 250)),
                         g.weight(g.numbers([n * k // block]))], **MICROSOFT, K=k, N=n, block_size=block, quant_type=1)


@operator('GatherBlockQuantized')
def gather_block_quantized(g):
    rows, width, block = g.rng.randint(2, 4), 32, 16
    indices = g.input([g.rng.randint(1, 3), 2], 'int64', 0, rows)
    g.add('GatherBlockQuantized', [g.weight(g.numbers([rows, width // 2], 'uint8', 0, 250)), indices,
                                   g.weight(g.numbers([rows, width // block]))], **MICROSOFT, bits=4, block_size=block,
          gather_axis=0, quantize_axis=1)


@operator('QAttention')
def q_attention(g):
    hidden, length = 8, g.rng.randint(1, 4)
    one, zero = np.array(0.1, np.float32), np.array(3, np.uint8)
    g.add('QAttention', [g.input([2, length, hidden], 'uint8', 0, 9), g.weight(g.numbers([hidden, 3 * hidden], 'uint8', 0, 9)),
                         g.weight(g.numbers([3 * hidden])), g.weight(one), g.weight(one), None, g.weight(zero),
                         g.weight(zero)], **MICROSOFT, num_heads=2)


@operator('DynamicQuantizeLSTM')
def dynamic_quantize_lstm(g):
    size, hidden = 3, g.rng.randint(1, 4)
    weights = [g.weight(g.numbers([1, rows, 4 * hidden], 'uint8', 0, 9)) for rows in (size, hidden)]
    quantisation = [g.weight(np.array([0.1], np.float32)), g.weight(np.array([3], np.uint8))]
    g.add('DynamicQuantizeLSTM', [g.input([g.rng.randint(1, 4), 2, size])] + weights + [None] * 5 + quantisation * 2,
          outputs=g.rng.randint(1, 3), **MICROSOFT, hidden_size=hidden)


@operator('MoE')
def mixture(g):
    rows, hidden, inner, experts = g.rng.randint(1, 4), 8, 16, 4
    weights = [g.weight(g.numbers(shape)) for shape in ([experts, inner, hidden], [experts, hidden, inner])]
    g.add('MoE', [g.input([rows, hidden]), g.input([rows, experts]), weights[0], None, weights[1]], **MICROSOFT, k=2,
          activation_type='relu')


# -- layers and elements -----------------------------------------------------------------------------------------

@operator('CDist')
def cdist(g):
    width = g.rng.randint(1, 4)
    g.add('CDist', [g.input([3, width]), g.input([g.rng.randint(1, 5), width])], **MICROSOFT,
          metric=g.rng.choice(['euclidean', 'sqeuclidean']))


@operator('ExpandDims')
def expand_dims(g):
    x = g.pick(FLOATS, range(1, 4))
    g.add('ExpandDims', [x, g.weight(np.array(g.rng.randint(-x.rank - 1, x.rank), np.int32))], **MICROSOFT)


@operator('Inverse')
def inverse(g):
    size = g.rng.randint(1, 4)
    g.add('Inverse', [g.input([g.rng.randint(1, 3), size, size])], **MICROSOFT)


@operator('Det')
def determinant(g):
    size = g.rng.randint(1, 4)
    g.add('Det', [g.input([g.rng.randint(1, 3), size, size] if g.rng.random() < 0.7 else [size, size])])


@operator('QLinearWhere')
def q_linear_where(g):
    shape = [2, g.rng.randint(1, 4)]
    one, zero = g.weight(np.array(0.1, np.float32)), g.weight(np.array(3, np.uint8))
    g.add('QLinearWhere', [g.input(shape, 'bool'), g.input(shape, 'uint8', 0, 9), one, zero,
                           g.input(g.rng.choice([shape, shape[1:]]), 'uint8', 0, 9), one, zero, one, zero], **MICROSOFT)


@operator('SimplifiedLayerNormalization')
def simplified_layer_normalization(g):
    x = g.pick(FLOATS, range(1, 4), lambda v: 0 not in v.shape)
    g.add('SimplifiedLayerNormalization', [x, g.weight(g.numbers([x.shape[-1]]))], axis=-1)


@operator('MaxRoiPool')
def max_roi_pool(g):
    boxes = np.array([[0, 0, 0, 3, 3], [0, 1, 1, 4, 4]], np.float32)[:g.rng.randint(1, 2)]
    g.add('MaxRoiPool', [g.input([1, 2, 6, 6]), g.weight(boxes)], pooled_shape=[g.rng.randint(1, 3), 2])


@operator('Col2Im')
def col2im(g):
    since(g, 18)
    height, width, kernel = g.rng.randint(3, 5), g.rng.randint(3, 5), [2, g.rng.randint(1, 2)]
    blocks = (height - kernel[0] + 1) * (width - kernel[1] + 1)
    g.add('Col2Im', [g.input([1, 3 * kernel[0] * kernel[1], blocks]), g.constant(integers([height, width])),
                     g.constant(integers(kernel))])


@operator('HannWindow', 'HammingWindow', 'BlackmanWindow')
def signal_window(g, name):
    since(g, 17)
    g.add(name, [g.scalar(np.array(g.rng.randint(1, 12), np.int64))], periodic=g.rng.choice([0, 1]),
          output_datatype=g.rng.choice([None, TensorProto.DOUBLE]))


@operator('MelWeightMatrix')
def mel_weight_matrix(g):
    since(g, 17)
    g.add('MelWeightMatrix', [g.scalar(np.array(g.rng.randint(2, 6), np.int64)), g.scalar(np.array(32, np.int64)),
                              g.weight(np.array(8000, np.int64)), g.weight(np.array(10.0, np.float32)),
                              g.weight(np.array(3000.0, np.float32))])


@operator('Scatter')
def old_scatter(g):
    until(g, 10)
    x = g.pick(FLOATS, range(1, 4), lambda v: 0 not in v.shape)
    axis = axis_of(g, x)
    shape = [g.rng.randint(1, n) for n in x.shape]
    g.add('Scatter', [x, g.input(shape, 'int64', 0, 1), g.input(shape)], axis=axis)


@operator('UnfoldTensor')
def unfold_tensor(g):
    x = g.pick(FLOATS, range(1, 4), lambda v: min(v.shape) >= 2)
    g.add('UnfoldTensor', [x], **MICROSOFT, dim=g.rng.randrange(x.rank), size=2, step=g.rng.randint(1, 2))


@operator('TensorScatter')
def tensor_scatter(g):
    since(g, 24)
    rows = g.rng.randint(4, 6)
    g.add('TensorScatter', [g.input([2, rows, 3]), g.input([2, g.rng.randint(1, 3), 3]), g.weight(integers([0, 1]))],
          axis=1)


# -- optional values and sequences ---------------------------------------------------------------------------------

@operator('OptionalHasElement')
def optional_has_element(g):
    since(g, 18)
    g.add('OptionalHasElement', [g.pick()])


@operator('OptionalGetElement')
def optional_get_element(g):
    since(g, 18)
    g.add('OptionalGetElement', [g.pick()])


@operator('SequenceMap')
def sequence_map(g):
    since(g, 17)
    element = helper.make_tensor_type_proto(TensorProto.FLOAT, None)
    body = helper.make_graph([helper.make_node('Neg', ['each'], ['result'])], 'body',
                             [helper.make_value_info('each', element)], [helper.make_value_info('result', element)])
    sequence = g.add('SequenceConstruct', [g.pick(), g.pick()])
    g.add('SequenceMap', [sequence], body=body)
