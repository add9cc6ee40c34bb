#!/usr/bin/env python3
"""JAX itself: usage `jax_programs.py ZOOMETER [ARCHIVE]`.

Functions are exported with jax.export and read in three forms: what `serialize()` writes, portable
bytecode, and text. FLOPs by `--convention xla` are those of XLA's own cost analysis; MACs those of
the function's jaxpr (jax_products.py); operations and the sizes of results those of the module that
JAX made. The bytecode is also written into the ARCHIVE, which is tests/golden/jax_programs.zip, each
program named NAME-MACS-FLOPS. The last line is "N passed, M failed".
"""

import collections
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import jax
import jax.numpy as jnp
from jax import export, lax
from jax._src.interpreters import mlir as jax_mlir
from jax._src.lib import xla_client
from jax_products import macs

F32 = jnp.float32


def image(*shape):
    return jax.ShapeDtypeStruct(shape, F32)


def whole(*shape):
    return jax.ShapeDtypeStruct(shape, jnp.int32)


def convolution(x, kernel, strides=(1, 1), padding='SAME', **more):
    return lax.conv_general_dilated(x, kernel, strides, padding, dimension_numbers=('NHWC', 'HWIO', 'NHWC'), **more)


def mlp(weights, x):
    for weight, bias in weights[:-1]:
        x = jax.nn.relu(x @ weight + bias)
    return jax.nn.log_softmax(x @ weights[-1][0])


MLP = [(image(16, 32), image(32)), (image(32, 24), image(24)), (image(24, 10),)]


def pooled(x, kernel):
    y = lax.reduce_window(convolution(x, kernel), -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), 'VALID')
    return lax.reduce_window(y, 0.0, lax.add, (1, 3, 3, 1), (1, 2, 2, 1), 'SAME') / 9


def batch_norm(x, scale, bias):
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return (x - mean) * lax.rsqrt(variance + 1e-5) * scale + bias


def attention(weights, x):
    query, key, value = (jnp.einsum('bsd,dhe->bshe', x, weights[name]) for name in 'qkv')
    scores = jnp.einsum('bshe,bthe->bhst', query, key) / 8 ** 0.5
    scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, -1e9)
    return jnp.einsum('bhst,bthe,hed->bsd', jax.nn.softmax(scores), value, weights['o'])


ATTENTION = {name: image(16, 2, 8) for name in 'qkv'} | {'o': image(2, 8, 16)}


def block(weights, x):
    y = (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return x + jax.nn.gelu(attention(weights, y))


def recurrent(weight, inputs):
    def step(h, x):
        h = jnp.tanh(h @ weight + x)
        return h, h
    return lax.scan(step, jnp.zeros(inputs.shape[1:]), inputs)


def lstm(kernel, recurrent_kernel, inputs):
    def step(state, x):
        h, c = state
        i, f, g, o = jnp.split(x @ kernel + h @ recurrent_kernel, 4, -1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h
    zeros = jnp.zeros((inputs.shape[1], recurrent_kernel.shape[0]))
    return lax.scan(step, (zeros, zeros), inputs)[1]


def squared_error(weights, x, y):
    return ((mlp(weights, x) - y) ** 2).mean()


def training_step(weights, x, y):
    return jax.tree.map(lambda weight, change: weight - 0.01 * change, weights,
                        jax.grad(squared_error)(weights, x, y))


PROGRAMS = {
    'mlp': (mlp, MLP, image(8, 16)),
    'gradient': (jax.grad(squared_error), MLP, image(8, 16), image(8, 10)),
    'training_step': (training_step, MLP, image(8, 16), image(8, 10)),
    'convolution': (convolution, image(2, 14, 15, 3), image(3, 5, 3, 8)),
    'strided': (lambda x, k: convolution(x, k, (2, 3), 'VALID'), image(2, 14, 15, 3), image(3, 3, 3, 8)),
    'dilated': (lambda x, k: convolution(x, k, rhs_dilation=(2, 3)), image(2, 14, 15, 3), image(3, 3, 3, 8)),
    'grouped': (lambda x, k: convolution(x, k, feature_group_count=4), image(2, 14, 15, 8), image(3, 3, 2, 12)),
    'depthwise': (lambda x, k: convolution(x, k, feature_group_count=8), image(2, 14, 15, 8), image(3, 3, 1, 16)),
    'transposed': (lambda x, k: lax.conv_transpose(x, k, (2, 2), 'SAME'), image(2, 7, 9, 3), image(3, 3, 3, 8)),
    'convolution_1d': (lambda x, k: lax.conv_general_dilated(x, k, (2,), 'SAME', dimension_numbers=('NWC', 'WIO', 'NWC')),
                       image(2, 30, 4), image(5, 4, 6)),
    'convolution_3d': (lambda x, k: lax.conv_general_dilated(
        x, k, (1, 1, 1), 'VALID', dimension_numbers=('NDHWC', 'DHWIO', 'NDHWC')), image(1, 6, 7, 8, 2), image(2, 3, 3, 2, 4)),
    'kernel_gradient': (jax.value_and_grad(lambda k, x: convolution(x, k).sum()), image(3, 3, 3, 8), image(2, 14, 15, 3)),
    'pooled': (pooled, image(2, 14, 15, 3), image(3, 3, 3, 8)),
    'pool_gradient': (jax.grad(lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), 'VALID').sum()),
                      image(2, 14, 16, 3)),
    'batch_norm': (batch_norm, image(2, 6, 7, 5), image(5), image(5)),
    'attention': (attention, ATTENTION, image(3, 9, 16)),
    'block': (block, ATTENTION, image(3, 9, 16)),
    'block_gradient': (jax.grad(lambda w, x: block(w, x).sum()), ATTENTION, image(3, 9, 16)),
    'batched': (jax.vmap(jnp.matmul), image(5, 4, 6), image(5, 6, 3)),
    'einsum': (lambda x, y: jnp.einsum('abc,cda->bd', x, y), image(3, 4, 5), image(5, 6, 3)),
    'outer': (jnp.outer, image(7), image(9)),
    'half': (lambda x, y: (x.astype(jnp.bfloat16) @ y.astype(jnp.bfloat16)).astype(F32), image(4, 6), image(6, 3)),
    'whole_numbers': (lambda x, y: x @ y // 3 % 5 + (x << 1)[:, :3], whole(4, 6), whole(6, 3)),
    'unary': (lambda x: jnp.exp(x) + jnp.log1p(jnp.abs(x)) * jnp.sin(x) - jnp.tanh(x) / (1 + jnp.square(x)) + jnp.floor(x) +
              lax.rsqrt(jnp.abs(x) + 1) + jnp.sign(x) + lax.cbrt(x) + jnp.power(x, 3.5) + jnp.arctan2(x, x + 1), image(8, 9)),
    'activations': (lambda x: jax.nn.silu(x) + jax.nn.gelu(x, approximate=True) + jax.nn.elu(x) + jax.nn.softplus(x) +
                    jax.nn.leaky_relu(x) + jax.nn.hard_swish(x), image(8, 9)),
    'reductions': (lambda x: (x.sum(0), x.max(1), x.min(), x.prod(-1), jnp.any(x > 0, 0), jnp.all(x > 0), x.argmax(1),
                              jax.nn.logsumexp(x, 1)), image(8, 9)),
    'cumulative': (lambda x: (jnp.cumsum(x, 1), jnp.cumprod(x, 0), lax.cummax(x)), image(8, 9)),
    'moved': (lambda x: (x.T.reshape(6, 12), jnp.concatenate([x, x[::-1]], 1), jnp.pad(x, ((1, 2), (0, 3))), x[1::2, 2:5],
                         jnp.stack([x, x]), jnp.broadcast_to(x, (3, 8, 9)), jnp.roll(x, 2, 0)), image(8, 9)),
    'gathered': (lambda x, i: (x[i], jnp.take_along_axis(x, i[:, None], 1), x.at[i].add(1.0), x.at[:, i].max(0.0)),
                 image(8, 9), whole(8)),
    'slices': (lambda x, i: (lax.dynamic_slice(x, (i, 0), (3, 4)), lax.dynamic_update_slice(x, x[:2, :2], (i, i))),
               image(8, 9), whole()),
    'sorted': (lambda x: (jnp.sort(x, 1), jnp.argsort(x, 0)), image(8, 9)),
    'selected': (lambda x: (jnp.where(x > 0, x, -x), jnp.clip(x, 0, 1), jnp.nan_to_num(x)), image(8, 9)),
    'fourier': (lambda x: (jnp.fft.fft(x), jnp.fft.rfft2(x), jnp.fft.irfft(jnp.fft.rfft(x))), image(8, 16)),
    'recurrent': (recurrent, image(5, 5), image(7, 2, 5)),
    'lstm': (lstm, image(6, 32), image(8, 32), image(7, 3, 6)),
    'counted_loop': (lambda x: lax.fori_loop(0, 10, lambda i, x: x @ x, x), image(6, 6)),
    'mapped': (lambda x, w: lax.map(lambda row: row @ w, x), image(7, 5), image(5, 4)),
    'branches': (lambda x: lax.cond(x[0, 0] > 0, lambda x: x @ x @ x, lambda x: x + 1, x), image(6, 6)),
    'switched': (lambda i, x: lax.switch(i, [lambda x: x @ x, lambda x: x * 2, lambda x: x @ x @ x], x), whole(),
                 image(6, 6)),
}


def xla_flops(module):
    """What XLA's cost analysis counts before it optimises anything."""
    computation = xla_client._xla.mlir.mlir_module_to_xla_computation(jax_mlir.module_to_string(module),
                                                                      use_tuple_args=False, return_tuple=False)
    analysed = xla_client._xla.hlo_module_cost_analysis(jax.devices()[0].client, computation.as_hlo_module() if hasattr(
        computation, 'as_hlo_module') else computation)
    return round(analysed.get('flops', 0))


def operations(module):
    """How often each operation runs outside of regions, calls inlined, and whether there are regions; nothing where a
    loop or a branch decides it."""
    has_regions = False
    functions = {str(each.attributes['sym_name']).strip('"'): each for each in module.body.operations}

    def count(function):
        nonlocal has_regions
        for each in function.regions[0].blocks[0].operations:
            name = each.operation.name.split('.')[-1]
            if name in ('while', 'case'):
                raise ValueError(name)
            has_regions = has_regions or len(each.regions) > 0
            if name != 'return':
                yield name
            if name == 'call':
                yield from count(functions[str(each.attributes['callee']).lstrip('@')])
    try:
        return dict(collections.Counter(count(functions['main']))), has_regions
    except ValueError:
        return None


def profile(zoometer, path):
    done = subprocess.run([zoometer, 'profile', str(path), '--convention', 'xla', '--format', 'json'],
                          capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else done.stderr


def complaint(read, flops, products, counts, shapes):
    if isinstance(read, str):
        return read
    bad = []
    if read['coverage']['unknown']:
        bad.append(f"unknown: {read['coverage']['unknown']}")
    if read['totals']['cost'] != flops:
        bad.append(f"{read['totals']['cost']} FLOPs, XLA has {flops}")
    if read['totals']['macs'] != products:
        bad.append(f"{read['totals']['macs']} MACs, the jaxpr has {products}")
    own = [each['shape'] for each in read['outputs']]
    if own != shapes:
        bad.append(f'results {own}, JAX has {shapes}')
    ran = next(note for note in read['notes'] if note.startswith('operations that run: '))
    ran = {name: int(count) for count, name in re.findall(r'(\d+) (\w+)', ran)}
    if counts is not None:
        counts, has_regions = counts
        if ran != counts if not has_regions else any(ran.get(name, 0) < count for name, count in counts.items()):
            bad.append(f'operations {ran}, the module has {counts}')
    return '; '.join(bad)


def check(zoometer, folder, archive, name, function, arguments):
    exported = export.export(jax.jit(function))(*arguments)
    with jax_mlir.make_ir_context() as context:
        module = jax_mlir.ir.Module.parse(exported.mlir_module(), context)
        flops, counts = xla_flops(module), operations(module)
    products = macs(jax.make_jaxpr(function)(*arguments).jaxpr)
    shapes = [list(each.shape) for each in exported.out_avals]
    forms = {'jaxexport': exported.serialize(), 'mlirbc': exported.mlir_module_serialized,
             'mlir': exported.mlir_module().encode()}
    if archive:
        archive.writestr(zipfile.ZipInfo(f'{name}-{products}-{flops}'), forms['mlirbc'], zipfile.ZIP_DEFLATED, 9)
    bad = []
    for ending, content in forms.items():
        path = folder / f'program.{ending}'
        path.write_bytes(content)
        problem = complaint(profile(zoometer, path), flops, products, counts, shapes)
        if problem:
            bad.append(f'.{ending}: {problem}')
    return '; '.join(bad)


def main():
    zoometer = sys.argv[1]
    archive = zipfile.ZipFile(sys.argv[2], 'w') if len(sys.argv) > 2 else None
    passed, failed = 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        for name, (function, *arguments) in PROGRAMS.items():
            problem = check(zoometer, Path(scratch), archive, name, function, arguments)
            if problem:
                print(f'{name}: {problem}')
            passed, failed = passed + (not problem), failed + bool(problem)
    if archive:
        archive.close()
    print(f'{passed} passed, {failed} failed')


main()
