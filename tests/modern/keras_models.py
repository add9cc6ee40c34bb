#!/usr/bin/env python3
"""Keras itself: usage `keras_models.py ZOOMETER [FOLDER]`.

Models are built, saved as .keras and as .h5, and read: parameters are `count_params()`, trainable
and not; every layer's results have the sizes that Keras gives them; MACs are those of the products
in the program that JAX runs for the model (jax_products.py). With FOLDER the configurations of the
eight networks of keras.applications are written there, as tests/data/keras/applications has them.
The last line is "N passed, M failed".
"""

import json
import math
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

os.environ['KERAS_BACKEND'] = 'jax'

import jax  # noqa: E402
import keras  # noqa: E402
from absl import logging  # noqa: E402
from jax_products import macs  # noqa: E402
from keras import layers  # noqa: E402

IMAGE = (20, 24, 3)
logging.set_verbosity(logging.ERROR)  # not about .h5 being old


def sequence(*parts, shape):
    return lambda: keras.Sequential([keras.Input(shape), *[make() for make in parts]])


def part(kind, *args, **kwargs):
    return lambda: getattr(layers, kind)(*args, **kwargs)


def functional(shape, build, **more):
    """build takes the input, or all of them."""
    def make():
        shapes = shape if isinstance(shape, list) else [shape]
        inputs = [keras.Input(each, **more) for each in shapes]
        return keras.Model(inputs, build(*inputs))
    return make


def residual(x):
    y = layers.Conv2D(8, 3, padding='same', use_bias=False)(x)
    y = layers.BatchNormalization()(y)
    y = layers.ReLU()(y)
    y = layers.Conv2D(3, 1)(y)
    return layers.Activation('gelu')(layers.Add()([x, y]))


def inception(x):
    towers = [layers.Conv2D(4, size, padding='same', activation='relu')(x) for size in (1, 3, 5)]
    towers.append(layers.MaxPooling2D(3, 1, 'same')(x))
    return layers.GlobalMaxPooling2D()(layers.Concatenate()(towers))


def squeeze_excite(x):
    x = layers.SeparableConv2D(16, 3, padding='same')(x)
    scale = layers.GlobalAveragePooling2D(keepdims=True)(x)
    scale = layers.Conv2D(4, 1, activation='swish')(scale)
    scale = layers.Conv2D(16, 1, activation='sigmoid')(scale)
    return layers.Multiply()([x, scale])


def u_net(x):
    down = layers.Conv2D(8, 3, padding='same', activation='relu')(x)
    low = layers.Conv2D(16, 3, padding='same', activation='relu')(layers.MaxPooling2D(2)(down))
    up = layers.Conv2DTranspose(8, 2, strides=2, padding='same')(low)
    return layers.Conv2D(2, 1)(layers.Concatenate()([up, down]))


def transformer(x):
    y = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(4, 8)(y, y)])
    y = layers.Dense(64, activation='gelu')(layers.LayerNormalization()(x))
    return layers.Add()([x, layers.Dense(32)(y)])


def cross_attention(query, value):
    x = layers.MultiHeadAttention(2, 8, output_shape=12)(query, value)
    return layers.GroupNormalization(3)(x)


def shared(left, right):
    """Two towers of the same layers."""
    dense = layers.Dense(16, activation='relu')
    norm = layers.LayerNormalization()
    return layers.Dot(1)([norm(dense(left)), norm(dense(right))])


def nested(x):
    inner = keras.Sequential([keras.Input((10,)), layers.Dense(8, activation='relu'), layers.Dropout(0.5),
                              layers.Dense(4)], name='inner')
    return layers.Average()([inner(x), layers.Dense(4)(x)])


def nested_functional(x):
    given = keras.Input((20, 24, 8))
    inner = keras.Model(given, layers.Conv2D(8, 3, padding='same')(given), name='block')
    return inner(inner(layers.Conv2D(8, 1)(x)))


def several_results(x):
    x = layers.Dense(16, activation='relu')(x)
    return [layers.Dense(4, activation='softmax', name='classes')(x), layers.Dense(1, name='value')(x)]


def recurrent_states(x):
    y, h, c = layers.LSTM(8, return_sequences=True, return_state=True)(x)
    return layers.Concatenate()([layers.GlobalAveragePooling1D()(y), h, c])


def encoder_decoder(source, target):
    _, h, c = layers.LSTM(16, return_state=True)(layers.Embedding(50, 12)(source))
    y = layers.LSTM(16, return_sequences=True)(layers.Embedding(60, 12)(target), initial_state=[h, c])
    return layers.Dense(60, activation='softmax')(y)


def operations(x):
    y = keras.ops.relu(x @ keras.ops.transpose(x, (0, 2, 1)))
    return keras.ops.mean(y[:, 1:, ::2] * 2.0 + 1.0, axis=-1, keepdims=True)


def frozen():
    model = keras.Sequential([keras.Input((10,)), layers.Dense(8), layers.BatchNormalization(), layers.Dense(4)])
    model.layers[0].trainable = False
    return model


def additive(query, value):
    x = layers.AdditiveAttention()([query, value])
    return layers.Attention(use_scale=True)([x, value])


MODELS = {
    'mlp': sequence(part('Dense', 64, activation='relu'), part('Dropout', 0.2), part('Dense', 10, activation='softmax'),
                    shape=(30,)),
    'lenet': sequence(part('Conv2D', 6, 5, activation='tanh'), part('AveragePooling2D', 2), part('Conv2D', 16, 5),
                      part('MaxPooling2D', 2, padding='same'), part('Flatten'), part('Dense', 10), shape=(28, 28, 1)),
    'strided': sequence(part('ZeroPadding2D', ((1, 2), (0, 1))), part('Conv2D', 8, (3, 5), strides=(2, 3)),
                        part('Cropping2D', ((1, 0), (0, 1))), part('UpSampling2D', (2, 3)), shape=IMAGE),
    'dilated': sequence(part('Conv2D', 8, 3, dilation_rate=(2, 1), padding='same'),
                        part('Conv2D', 8, 3, dilation_rate=2), shape=IMAGE),
    'grouped': sequence(part('Conv2D', 12, 3, groups=3), part('DepthwiseConv2D', 3, depth_multiplier=2, strides=2),
                        part('PReLU', shared_axes=[1, 2]), shape=IMAGE),
    'audio': sequence(part('Conv1D', 16, 9, strides=4, padding='causal'), part('BatchNormalization'),
                      part('LeakyReLU'), part('MaxPooling1D', 4), part('SeparableConv1D', 24, 3),
                      part('GlobalAveragePooling1D'), part('Dense', 4), shape=(400, 1)),
    'wave': sequence(part('Conv1DTranspose', 8, 5, strides=3, padding='same'),
                     part('Conv1DTranspose', 4, 4, strides=2), shape=(20, 6)),
    'volume': sequence(part('Conv3D', 4, 3, padding='same'), part('MaxPooling3D', 2), part('Conv3D', 8, 2),
                       part('GlobalAveragePooling3D'), part('Dense', 3), shape=(8, 10, 12, 2)),
    'volume_up': sequence(part('Conv3DTranspose', 4, 2, strides=2), shape=(4, 5, 6, 3)),
    'residual': functional(IMAGE, residual),
    'inception': functional(IMAGE, inception),
    'squeeze_excite': functional(IMAGE, squeeze_excite),
    'u_net': functional(IMAGE, u_net),
    'transformer': functional((10, 32), transformer),
    'cross_attention': functional([(7, 12), (9, 6)], cross_attention),
    'grouped_query': functional((10, 32), lambda x: layers.GroupQueryAttention(8, 4, 2)(x, x)),
    'additive': functional([(7, 6), (9, 6)], additive),
    'shared': functional([(10,), (10,)], shared),
    'nested': functional((10,), nested),
    'nested_functional': functional(IMAGE, nested_functional),
    'several_results': functional((10,), several_results),
    'text': sequence(part('Embedding', 100, 16), part('LSTM', 12), part('Dense', 1, activation='sigmoid'), shape=(20,)),
    'gru': sequence(part('GRU', 12, return_sequences=True), part('GRU', 5, reset_after=False), shape=(20, 6)),
    'rnn': sequence(part('SimpleRNN', 12, return_sequences=True), part('SimpleRNN', 5, use_bias=False), shape=(20, 6)),
    'bidirectional': sequence(lambda: layers.Bidirectional(layers.LSTM(8, return_sequences=True)),
                              lambda: layers.Bidirectional(layers.GRU(4), merge_mode='sum'), shape=(20, 6)),
    'recurrent_states': functional((20, 6), recurrent_states),
    'encoder_decoder': functional([(9,), (7,)], encoder_decoder, dtype='int32'),
    'time_distributed': sequence(lambda: layers.TimeDistributed(layers.Conv2D(4, 3, activation='relu')),
                                 lambda: layers.TimeDistributed(layers.Flatten()), part('LSTM', 5),
                                 shape=(6, 10, 12, 3)),
    'conv_lstm': sequence(part('ConvLSTM2D', 4, 3, padding='same', return_sequences=True),
                          part('ConvLSTM2D', 3, 2), shape=(5, 10, 12, 2)),
    'einsum': sequence(part('EinsumDense', 'abc,cde->abde', output_shape=(10, 4, 8), bias_axes='de'),
                       part('EinsumDense', 'abde,def->abf', output_shape=(10, 6)), shape=(10, 32)),
    'moved': sequence(part('Reshape', (12, -1)), part('Permute', (2, 1)), part('Dense', 5), part('Flatten'),
                      part('RepeatVector', 3), part('UnitNormalization'), part('RMSNormalization'), shape=(6, 8)),
    'operations': functional((10, 32), operations),
    'normalised': sequence(part('Rescaling', 1 / 255), part('GroupNormalization', 3), part('Conv2D', 4, 3),
                           part('BatchNormalization', scale=False), part('LayerNormalization', center=False),
                           shape=IMAGE),
    'frozen': frozen,
    'half': sequence(part('Dense', 16, dtype='mixed_float16'), part('Dense', 4, dtype='float32'), shape=(10,)),
}


# With the published multiply-adds (millions, as the papers round them) and zoometer's own model of the same MACs, where
# there are any. Keras's ResNet50 has the strides of the first publication, torchvision's those of a later one.
APPLICATIONS = {'ResNet50': (None, None), 'MobileNet': (569, None), 'MobileNetV2': (300, 'mobilenet_v2'),
                'NASNetMobile': (564, None), 'DenseNet121': (None, 'densenet121'),
                'EfficientNetB0': (390, 'efficientnet_b0'), 'VGG16': (None, 'vgg16'), 'InceptionV3': (None, None)}


def profile(zoometer, model, *more):
    done = subprocess.run([zoometer, 'profile', str(model), '--format', 'json', *more], capture_output=True, text=True,
                          check=False)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def of_batch(shape):
    return [1 if size is None else size for size in shape]


def program_macs(model):
    """MACs of the program that JAX runs for a batch of one."""
    inputs = [jax.ShapeDtypeStruct(of_batch(each.shape), each.dtype) for each in model.inputs]

    def call(trainable, others, *given):
        return model.stateless_call(trainable, others, list(given) if len(given) > 1 else given[0], training=False)[0]
    weights = [[jax.ShapeDtypeStruct(each.shape, each.dtype) for each in of]
               for of in (model.trainable_variables, model.non_trainable_variables)]
    return macs(jax.make_jaxpr(call)(*weights, *inputs).jaxpr)


def layer_shapes(model):
    """The sizes of the results of each layer that is called once."""
    for layer in model.layers:
        if isinstance(layer, (layers.InputLayer, layers.Dropout)) or len(layer._inbound_nodes) != 1:
            continue
        yield layer.name, [of_batch(each.shape) for each in keras.tree.flatten(layer.output)]


def elements(variables):
    return sum(math.prod(each.shape) for each in variables)


def complaint(model, read, expected_macs):
    if isinstance(read, str):
        return read
    bad = []
    if read['coverage']['unknown']:
        bad.append(f"unknown: {read['coverage']['unknown']}")
    trainable, others = elements(model.trainable_weights), elements(model.non_trainable_weights)
    if trainable + others != model.count_params():
        bad.append('count_params() is not the sum of the weights')
    if f'as Keras counts them: {trainable} trainable parameters and {others} others' not in read['notes']:
        bad.append(f'expected {trainable} trainable parameters and {others} others')
    bad += [note for note in read['notes'] if re.search('other sizes|not taken into account', note)]
    if read['totals']['macs'] != expected_macs:
        bad.append(f"{read['totals']['macs']} MACs, the program has {expected_macs}")
    results = [of_batch(each.shape) for each in model.outputs]
    if [each['shape'] for each in read['outputs']] != results:
        bad.append(f"results {[each['shape'] for each in read['outputs']]}, Keras has {results}")
    own = {module['path']: module['output_shapes'] for module in read['modules']}
    for name, shapes in layer_shapes(model):
        if own.get(name) != shapes:
            bad.append(f'{name}: results {own.get(name)}, Keras has {shapes}')
    return '; '.join(bad)


def write_configuration(model, path):
    """The archive without weights."""
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(zipfile.ZipInfo('metadata.json'), json.dumps({'keras_version': keras.__version__}))
        archive.writestr(zipfile.ZipInfo('config.json'), json.dumps(json.loads(model.to_json()), separators=(',', ':')),
                         zipfile.ZIP_DEFLATED, 9)


def check(zoometer, folder, model):
    expected, bad = program_macs(model), []
    for ending in ('keras', 'h5'):
        path = folder / f'model.{ending}'
        model.save(path)
        problem = complaint(model, profile(zoometer, path), expected)
        if problem:
            bad.append(f'.{ending}: {problem}')
    return '; '.join(bad)


def check_application(zoometer, folder, name):
    """Published figures, and the same network among zoometer's own. Its weights are not written."""
    model = getattr(keras.applications, name)(weights=None)
    path = folder / f'{name}.keras'
    write_configuration(model, path)
    read = profile(zoometer, path)
    problem = complaint(model, read, program_macs(model))
    if problem:
        return problem
    macs_read, (published, own) = read['totals']['macs'], APPLICATIONS[name]
    if published and abs(macs_read / 1e6 - published) > 0.015 * published:
        return f'{macs_read} MACs, published {published} M'
    if own and profile(zoometer, own)['totals']['macs'] != macs_read:
        return f"{macs_read} MACs, {own} has {profile(zoometer, own)['totals']['macs']}"
    return ''


def main():
    zoometer, configurations = sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else None
    passed, failed = 0, 0

    def case(name, problem):
        nonlocal passed, failed
        if problem:
            print(f'{name}: {problem}', flush=True)
        passed, failed = passed + (not problem), failed + bool(problem)

    with tempfile.TemporaryDirectory() as scratch:
        for name, make in MODELS.items():
            keras.utils.clear_session()
            case(name, check(zoometer, Path(scratch), make()))
        for name in APPLICATIONS:
            keras.utils.clear_session()
            case(name, check_application(zoometer, configurations or Path(scratch), name))
    print(f'{passed} passed, {failed} failed')


main()
