"""Families of hostile files: _hostile_families.py FOLDER SIZE... writes NAME.SIZE.ENDING of each, as .onnx or .tflite.

Each family makes one reader do much for few bytes: lists that are searched once per node, names that loops and
sequences repeat, keys that collide. At SIZE 2 a file is twice as large as at SIZE 1.
"""
import json
import pathlib
import random
import struct
import sys
import zipfile

sys.dont_write_bytecode = True

from _hostile_lite import GGUF, LITE  # noqa: E402


# -- protobuf by hand: `onnx` refuses some of these, and takes long for others ---------------------

def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out) + bytes([number])


def number(field, value):
    return varint(field << 3) + varint(value)


def part(field, data):
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def join(parts):
    return b''.join(parts)


def value_info(name, shape=None):
    dims = None if shape is None else join(part(1, number(1, size)) for size in shape)
    return part(1, name) + part(2, part(1, number(1, 1) + (b'' if dims is None else part(2, dims))))


def node(op, inputs, outputs, attributes=(), name='', domain=''):
    return (join(part(1, each) for each in inputs) + join(part(2, each) for each in outputs) + part(3, name) +
            part(4, op) + join(part(5, each) for each in attributes) + part(7, domain))


def tensor(name, shape, extra=b'', dtype=1):
    return join(number(1, size) for size in shape) + number(2, dtype) + (part(8, name) if name else b'') + extra


def graph(nodes, inputs, outputs, tensors=(), infos=()):
    return (join(part(1, each) for each in nodes) + part(2, 'g') + join(part(5, each) for each in tensors) +
            join(part(11, each) for each in inputs) + join(part(12, each) for each in outputs) +
            join(part(13, each) for each in infos))


def model(body, opsets=(('', 17),), functions=()):
    imports = join(part(8, (part(1, domain) if domain else b'') + number(2, version)) for domain, version in opsets)
    return number(1, 8) + part(7, body) + imports + join(part(25, each) for each in functions)


def function(nodes, defaults=()):
    return (part(1, 'f') + part(4, 'a') + part(5, 'b') + join(part(7, each) for each in nodes) +
            part(9, number(2, 17)) + part(10, 'f') + join(part(11, each) for each in defaults))


def graph_attribute(name, body):
    return part(1, name) + part(6, body) + number(20, 5)


def axis_0(name='axis'):
    return part(1, name) + number(3, 0) + number(20, 2)


X = [value_info('x', [1, 4])]
Y = [value_info('y')]
RELU = node('Relu', ['x'], ['y'])
F = (('', 17), ('f', 1))
SPLIT = node('SplitToSequence', ['x'], ['s'], [axis_0()])


def elements(count):
    return [value_info('x', [count])]


# -- ONNX ------------------------------------------------------------------------------------------

def opsets(n):
    nodes = [node('Q', ['x'], ['y%d' % i], domain='a') for i in range(100 * n)]
    return model(graph(nodes, X, [value_info('y0')]), [('', 17)] + [('a', 1)] * (200 * n))


def defaults(n):
    nodes = [node('LeakyRelu', ['a'], ['t%d' % i], [part(1, 'alpha') + part(21, 'zz') + number(20, 1)])
             for i in range(100 * n)] + [node('Relu', ['a'], ['b'])]
    given = [part(1, 'q%d' % i) + varint(2 << 3 | 5) + struct.pack('<f', 1) + number(20, 1) for i in range(200 * n)]
    return model(graph([node('f', ['x'], ['y'], domain='f')], X, Y), F, [function(nodes, given)])


def dequantised(n):
    count = 150 * n
    chain = [node('Transpose', ['x' if i == 0 else 't%d' % (i - 1)], ['t%d' % i]) for i in range(count)]
    last = 't%d' % (count - 1)
    products = [node('MatMul', [last, last], ['m%d' % i]) for i in range(count)]
    quantised = [node('QuantizeLinear', ['x', 'c'], ['q']), node('DequantizeLinear', ['q', 'c'], ['d'])]
    scale = tensor('c', [], varint(4 << 3 | 5) + struct.pack('<f', 1))
    return model(graph(chain + products + quantised, [value_info('x', [4, 4])], [value_info('m0')], [scale]))


def dotted_weight(n):
    nodes = [node('Relu', ['x'], ['q'], name='/m/Relu'), node('Relu', ['q'], ['y'], name='/m_1/Relu')]
    return model(graph(nodes, X, Y, [tensor('.'.join(['a'] * (2000 * n)), [1])]))


def unknown_operators(n):
    nodes = [node('U%d' % i, ['x'], ['y%d' % i], domain='u') for i in range(300 * n)]
    return model(graph(nodes, X, [value_info('y0')]))


def external(n):
    place = part(13, part(1, 'location') + part(2, 'external.bin')) + number(14, 1)
    return model(graph([RELU], X, Y, [tensor('w%d' % i, [1], place) for i in range(300 * n)]))


def concatenated_sequences(n):
    nodes = [SPLIT] + [node('ConcatFromSequence', ['s'], ['c%d' % i], [axis_0()]) for i in range(40 * n)]
    return model(graph(nodes, elements(400), [value_info('c0')]))


def unknown_of_sequences(n):
    nodes = [SPLIT] + [node('Foo', ['s'], ['c%d' % i], domain='u') for i in range(40 * n)]
    return model(graph(nodes, elements(400), [value_info('c0')]))


def returned_sequences(n):
    return model(graph([SPLIT], elements(300), [part(1, 's')] * (20 * n)))


def long_output_name(n):
    name = 's' * (2000 * n)
    split = node('SplitToSequence', ['x'], [name], [axis_0()])
    return model(graph([split], elements(300), [part(1, name)]))


def long_name_in_a_function(n):
    body = function([node('Relu', ['a'], ['b'], name='n' * (2000 * n))])
    calls = [node('f', ['x'], ['y%d' % i], domain='f') for i in range(200)]
    return model(graph(calls, X, [value_info('y0')]), F, [body])


def long_name_in_a_sequence_map(n):
    body = graph([node('Relu', ['e'], ['r'], name='n' * (1000 * n))], [part(1, 'e')], [part(1, 'r')])
    nodes = [SPLIT, node('SequenceMap', ['s'], ['t'], [graph_attribute('body', body)]),
             node('ConcatFromSequence', ['t'], ['y'], [axis_0()])]
    return model(graph(nodes, elements(300), Y))


def long_path(n):
    nodes = [node('Relu', ['a'], ['t%d' % i], name='/m%d/Relu' % i) for i in range(100)]
    nodes.append(node('Relu', ['a'], ['b']))
    call = node('f', ['x'], ['y'], domain='f', name='P' * (2000 * n))
    return model(graph([call], X, Y), F, [function(nodes)])


def one_wide_name(n):
    nodes = [node('Relu', ['x'], ['a%d' % i], name='/m%d/Relu' % i) for i in range(200 * n)]
    nodes.append(node('Relu', ['x'], ['b'], name='/' + 'W' * 5000 + '/Relu'))
    return model(graph(nodes, X, [value_info('b')]))


LOOP_INPUTS = [part(1, 'i'), part(1, 'c'), value_info('v', [1, 4])]


def loop(body, count):
    trips = tensor('n', [], part(9, struct.pack('<q', count)), 7)
    run = node('Loop', ['n', '', 'x'], ['y'], [graph_attribute('body', body)])
    return model(graph([run], X, Y, [trips]))


def loop_with_initializers(n):
    nodes = [node('Relu', ['v'], ['w']), node('Identity', ['c'], ['c2'])]
    tensors = [tensor('k%d' % i, [1]) for i in range(200 * n)]
    return loop(graph(nodes, LOOP_INPUTS, [part(1, 'c2'), value_info('w', [1, 4])], tensors), 30000)


def loop_with_types(n):
    nodes = [node('Foo', ['v'], ['w'], domain='u'), node('Identity', ['c'], ['c2'])]
    infos = [part(1, 'n%d' % i) for i in range(200 * n)]
    return loop(graph(nodes, LOOP_INPUTS, [part(1, 'c2'), value_info('w', [1, 4])], (), infos), 40000)


def loop_with_lists(n):
    pads = part(1, 'pads') + join(number(8, 0) for i in range(500 * n)) + number(20, 7)
    nodes = [node('Foo', ['v'], ['w'], [pads], domain='u'), node('Identity', ['c'], ['c2'])]
    return loop(graph(nodes, LOOP_INPUTS, [part(1, 'c2'), value_info('w', [1, 4])]), 500)


def murmur_blocks():
    """Pairs of 16 bytes that libstdc++'s hash takes to one state, whatever comes before and after."""
    mask = (1 << 64) - 1
    inverse = pow((0xC6A4A793 << 32) + 0x5BD1E995, -1, 1 << 64)

    def key_of(difference):
        value = (difference * inverse) & mask
        return ((value ^ (value >> 47)) * inverse) & mask

    chosen = random.Random(2)
    for _ in range(12):
        a, b = chosen.getrandbits(64), chosen.getrandbits(64)
        yield (struct.pack('<QQ', key_of(a), key_of(b)),
               struct.pack('<QQ', key_of(a ^ (1 << 63)), key_of(b ^ (1 << 63))))


def colliding_names(n):
    blocks = list(murmur_blocks())
    names = [join(pair[bits >> i & 1] for i, pair in enumerate(blocks)) for bits in range(800 * n)]
    return model(graph([RELU], X, Y, [tensor('', [1], part(8, name)) for name in names]))


def colliding_shapes(n):
    # Both halves of a size are the same, so that folding one onto the other gives what it gave before.
    return model(graph([RELU], X, Y, [tensor('w%d' % i, [i << 32 | i]) for i in range(1, 800 * n)]))


def pieces(n, type_of_sizes):
    """A Split into pieces of unequal sizes, each of which an operator reads."""
    count = 1000 * n
    sizes = [1 + i % 2 for i in range(count)]
    data = part(9, struct.pack('<%dq' % count, *sizes))
    outputs = ['o%d' % i for i in range(count)]
    nodes = [node('Split', ['x', 's'], outputs, [axis_0()])] + [node('Relu', [each], ['r' + each]) for each in outputs]
    tensors = [tensor('s', [count], data, 7)] if type_of_sizes == 'constant' else []
    inputs = [value_info('x', [sum(sizes), 4])]
    if not tensors:
        inputs.append(part(1, 's') + part(2, part(1, number(1, 7) + part(2, part(1, number(1, count))))))
    return model(graph(nodes, inputs, [value_info('ro0')], tensors))


def split_pieces(n):
    return pieces(n, 'constant')


def bounded_pieces(n):
    return pieces(n, 'input')


def joined_pieces(n):
    outputs = ['o%d' % i for i in range(1000 * n)]
    nodes = [node('Split', ['x'], outputs, [axis_0()]), node('Concat', outputs, ['y'], [axis_0()])]
    return model(graph(nodes, [value_info('x', [1000 * n, 4])], Y))


# -- programs of torch.export ----------------------------------------------------------------------

def meta(sizes):
    return {'dtype': 7, 'sizes': [size if isinstance(size, dict) else {'as_int': size} for size in sizes]}


def named(name):
    return {'as_tensor': {'name': name}}


def program(nodes=(), values=(), results=('y',), tree=None):
    first = {'target': 'torch.ops.aten.relu.default', 'inputs': [{'name': 'self', 'arg': named('x')}],
             'outputs': [named('y')], 'metadata': {}}
    calls = [] if tree is None else [{'fqn': '', 'signature': {'out_spec': json.dumps([1, tree])}}]
    return {'graph_module': {
        'graph': {'inputs': [named('x')], 'outputs': [named('y')], 'nodes': [first, *nodes],
                  'tensor_values': {'x': meta([1, 4]), 'y': meta([1, 4]), **dict(values)},
                  'sym_int_values': {}, 'sym_bool_values': {}},
        'signature': {'input_specs': [{'user_input': {'arg': named('x')}}],
                      'output_specs': [{'user_output': {'arg': named(each)}} for each in results]},
        'module_call_graph': calls}, 'range_constraints': {}, 'schema_version': {'major': 8, 'minor': 2}}


def archive(text, method=zipfile.ZIP_STORED, markers=0):
    def write(file):
        with zipfile.ZipFile(file, 'w', method) as made:
            for i in range(markers):
                made.writestr('%d/archive_format' % i, b'\0' * (1 << 16))
            made.writestr('m/archive_format', 'pt2')
            made.writestr('m/models/model.json', text if isinstance(text, str) else json.dumps(text))
    return write


def long_key_of_leaves(n):
    leaf = {'type': 'builtins.tuple', 'context': 'null', 'children_spec': [{'type': None}] * 200}
    tree = {'type': 'builtins.dict', 'context': json.dumps(['k' * (2000 * n)]), 'children_spec': [leaf]}
    return archive(program(results=('y', 'y'), tree=tree))


def missing_results(n):
    count = 100 * n
    names = ['o%d' % i for i in range(count)]
    wide = {'target': 'torch.ops.aten.relu.default', 'inputs': [{'name': '', 'arg': named('x')}] * 100,
            'outputs': [named(name) for name in names], 'metadata': {}}
    made = program([wide], {name: meta([]) for name in names})
    made['graph_module']['graph']['outputs'] = [named(name) for name in names]
    return archive(made)


def written_pieces(n):
    """Chunks of one tensor, each of which is written into: the others change with it."""
    count = 300 * n
    shape, pieces = meta([1, 4]), ['u%d' % i for i in range(count)]
    chunk = {'target': 'torch.ops.aten.chunk.default', 'metadata': {},
             'inputs': [{'name': 'self', 'arg': named('x')}, {'name': 'chunks', 'arg': {'as_int': count}}],
             'outputs': [{'as_tensors': [{'name': each} for each in pieces]}]}
    writes = [{'target': 'torch.ops.aten.relu_.default', 'inputs': [{'name': 'self', 'arg': named(each)}],
               'outputs': [named('r' + each)], 'metadata': {}} for each in pieces]
    values = {each: shape for piece in pieces for each in (piece, 'r' + piece)}
    return archive(program([chunk, *writes], {**values, 'x': meta([count, 4]), 'y': meta([count, 4])}))


def symbols(n):
    expression = '+'.join('a%x' % i for i in range(500 * n))
    size = {'as_expr': {'expr_str': expression, 'hint': {'as_int': 4}}}
    nodes = [{'target': 'torch.ops.u.foo.default', 'inputs': [{'name': '', 'arg': named('x')}],
              'outputs': [named('q')], 'metadata': {}}]
    return archive(program(nodes, {'q': meta([size])}))


def call(target, inputs, output, stack=''):
    given = inputs.items() if isinstance(inputs, dict) else (('', each) for each in inputs)
    return {'target': 'torch.ops.' + target, 'outputs': [named(output)],
            'inputs': [{'name': name, 'arg': each if isinstance(each, dict) else named(each)} for name, each in given],
            'metadata': {'nn_module_stack': stack} if stack else {}}


def calls(count, target, stack=lambda i: '', first='x'):
    """A chain of one operator, whose results are as large as the input."""
    nodes = [call(target, ['c%d' % (i - 1) if i else first], 'c%d' % i, stack(i)) for i in range(count)]
    return nodes, {'c%d' % i: meta([1, 4]) for i in range(count)}


def stack_of(paths):
    return ';'.join('%s,%s,m.M' % (path or 'self', path) for path in paths)


def deep_modules(n):
    paths = ['.'.join(['a'] * depth) for depth in range(100)]
    return archive(program(*calls(100 * n, 'aten.relu.default', lambda i: stack_of(paths))))


def modules_called_again(n):
    return archive(program(*calls(1000 * n, 'aten.relu.default', lambda i: stack_of(['', 'a%d' % (i % 2)]))))


def unknown_calls(n):
    nodes = [call('u.f%d.default' % i, ['x'], 'q%d' % i) for i in range(500 * n)]
    return archive(program(nodes, {'q%d' % i: meta([1, 4]) for i in range(500 * n)}))


def open_sizes(n):
    """Results whose sizes are symbols of their own, each with a range."""
    count = 500 * n
    nodes = [call('u.f.default', ['x'], 'q%d' % i) for i in range(count)]
    made = program(nodes, {'q%d' % i: meta([{'as_expr': {'expr_str': 'u%d' % i}}]) for i in range(count)})
    made['range_constraints'] = {'u%d' % i: {'min_val': 2, 'max_val': 9} for i in range(count)}
    return archive(made)


def long_sizes(n):
    """The size of each result is an expression that ends with the one before it."""
    count, sizes, expression = 40 * n, [], 's0'
    for i in range(count):
        expression = 'Max(%d, %s)' % (i, expression) if i < 25 else expression
        sizes.append({'as_expr': {'expr_str': expression}})
    nodes = [call('aten.relu.default', ['x'], 'q%d' % i) for i in range(count)]
    return archive(program(nodes, {'q%d' % i: meta([size]) for i, size in enumerate(sizes)}))


def many_sizes(n):
    """A tensor of many dimensions, of which many views are made."""
    shape = [1] * 15 + [4]
    nodes = [call('aten.view.default', {'self': 'x', 'size': {'as_ints': shape}}, 'q%d' % i) for i in range(240 * n)]
    return archive(program(nodes, {'q%d' % i: meta(shape) for i in range(240 * n)}))


def long_lists(n):
    """Concatenations of one tensor with itself."""
    count = 200 * n
    values = {'q%d' % i: meta([200, 4]) for i in range(n)}
    values['last'] = meta([count, 4])
    nodes = [call('aten.cat.default', {'tensors': {'as_tensors': [{'name': 'x'}] * 200}, 'dim': {'as_int': 0}}, 'q%d' % i) for i in range(n)]
    nodes.append(call('aten.cat.default', {'tensors': {'as_tensors': [{'name': 'q%d' % i} for i in range(n)]}, 'dim': {'as_int': 0}}, 'last'))
    return archive(program(nodes, values))


def subgraph(name, nodes, values):
    last = nodes[-1]['outputs'][0]
    return {'as_graph': {'name': name, 'graph': {
        'inputs': [named('a')], 'outputs': [last], 'nodes': nodes,
        'tensor_values': {'a': meta([1, 4]), **values}, 'sym_int_values': {}, 'sym_bool_values': {}}}}


def branch_calls(count, steps):
    """Conditions one after the other, each with two branches of `steps` operators."""
    nodes, values = [], {}
    for i in range(count):
        branches = [subgraph('%s_%d' % (name, i), *calls(steps, 'aten.relu.default', first='a')) for name in 'tf']
        nodes.append(call('higher_order.cond', [{'as_bool': True}, *branches, {'as_tensors': [{'name': 'x'}]}], 'q%d' % i))
        values['q%d' % i] = meta([1, 4])
    return nodes, values


def branches(n):
    return archive(program(*branch_calls(50 * n, 10)))


def deep_branches(n):
    """A condition in a branch of a condition, ten deep, beside which others stand."""
    nodes, values = calls(50 * n, 'aten.relu.default', first='a')
    for depth in range(10):
        body = subgraph('t%d' % depth, nodes, values)
        other = subgraph('f%d' % depth, *calls(1, 'aten.relu.default', first='a'))
        nodes = [call('higher_order.cond', [{'as_bool': True}, body, other, {'as_tensors': [{'name': 'a'}]}], 'd')]
        values = {'d': meta([1, 4])}
    nodes[0]['inputs'][3]['arg'] = {'as_tensors': [{'name': 'x'}]}
    return archive(program(nodes, values))


def scan_of_many_steps(n):
    body = subgraph('scan', *calls(50 * n, 'aten.relu.default', first='a'))
    node = call('higher_order.scan', [body, {'as_tensors': []}, {'as_tensors': [{'name': 'w'}]}, {'as_tensors': []}], 'q')
    made = program([node], {'w': meta([1 << 20, 1, 4]), 'q': meta([1 << 20, 1, 4])})
    made['graph_module']['graph']['inputs'].append(named('w'))
    made['graph_module']['signature']['input_specs'].append({'user_input': {'arg': named('w')}})
    return archive(made)


def one_weight_for_many(n):
    """Parameters that are one tensor of the file, each read by an operator."""
    count = 300 * n
    made = program(*calls(count, 'aten.relu.default'))
    graph = made['graph_module']['graph']
    for i in range(count):
        graph['inputs'].append(named('p%d' % i))
        graph['tensor_values']['p%d' % i] = meta([1, 4])
        graph['nodes'][i + 1]['inputs'].append({'name': '', 'arg': named('p%d' % i)})
        spec = {'parameter': {'arg': {'name': 'p%d' % i}, 'parameter_name': 'm.w%d' % i}}
        made['graph_module']['signature']['input_specs'].append(spec)
    return archive(made)


def markers(n):
    return archive(program(), zipfile.ZIP_DEFLATED, 10 * n)


def many_numbers(n):
    return archive('{"a":[1%s]}' % (',1' * (100000 * n)), zipfile.ZIP_DEFLATED)


# -- pairs of files, for `diff` ---------------------------------------------------------------------

def weights_in_modules(n, path):
    """A module for each weight, named by `path`, all of the same structure: more than `diff` aligns."""
    count = 2500 * n
    nodes = [node('Add', ['x' if i == 0 else 'y%d' % (i - 1), path(i) + '.weight'], ['y%d' % i],
                  name='/' + path(i).replace('.', '/') + '/Add') for i in range(count)]
    return model(graph(nodes, X, [value_info('y0')], [tensor(path(i) + '.weight', [4]) for i in range(count)]))


def renamed_before(n):
    return weights_in_modules(n, 'a{}'.format)


def renamed_after(n):
    return weights_in_modules(n, 'b{}'.format)


def moved_before(n):
    return weights_in_modules(n, 'a{}.layer'.format)


def moved_after(n):
    return weights_in_modules(n, 'b{}.layer'.format)


def unlike_weights(n, name):
    """Weights of one module, and operators of other names."""
    nodes = [node('%s%d' % (name, i), ['x'], ['y%d' % i], domain='u') for i in range(300 * n)]
    return model(graph([RELU, *nodes], X, Y, [tensor('%s%d' % (name, i), [1]) for i in range(1000 * n)]))


def unlike_before(n):
    return unlike_weights(n, 'a')


def unlike_after(n):
    return unlike_weights(n, 'b')


# -- configurations of language models, for `quant` -------------------------------------------------

def configuration(layers, **more):
    sizes = {'model_type': 'qwen3_moe', 'hidden_size': 64, 'num_attention_heads': 4, 'num_key_value_heads': 4,
             'intermediate_size': 64, 'moe_intermediate_size': 64, 'vocab_size': 100, 'num_experts': 4,
             'num_experts_per_tok': 2, 'head_dim': 16, 'num_hidden_layers': layers}
    return json.dumps({**sizes, **more}).encode()


def quantised(names):
    return configuration(200, quantization_config={'quant_method': 'fp8', 'modules_to_not_convert': names})


def names_left_alone(n):
    return quantised(['model.layers.%d.mlp.none' % i for i in range(2000 * n)])


def patterns_left_alone(n):
    return quantised(['*a*b*%d' % i for i in range(100 * n)])


def expressions_left_alone(n):
    return quantised(['re:.*(a|b).*(c|d).*%d' % i for i in range(20 * n)])


def one_long_expression(n):
    return quantised(['re:' + '(a)' * (10000 * n)])


def many_keys(n):
    return configuration(100, **{'key%d' % i: 1 for i in range(5000 * n)})


def long_list(n):
    return configuration(100, mlp_only_layers=[1 << 20] * (5000 * n))


def many_values(n):
    return configuration(2, unused=[[]] * (20000 * n))


# -- OpenVINO IR -------------------------------------------------------------------------------------

class Ir:
    """A net whose layers have ids from 0 on, one output each, and Parameter 0 of (1, 4)."""

    def __init__(self):
        self.inputs, self.text, self.edges = [], [], []
        self.layer('Parameter', [], data='shape="1,4" element_type="f32"')

    def layer(self, kind, sources, name='', data='', inside='', shape=(1, 4), element='FP32'):
        own = len(self.inputs)
        ports = ''.join('<port id="%d"/>' % i for i in range(len(sources)))
        dims = ''.join('<dim>%d</dim>' % size for size in shape)
        output = '' if kind == 'Result' else ('<output><port id="%d" precision="%s">%s</port></output>' %
                                              (len(sources), element, dims))
        self.text.append('<layer id="%d" name="%s" type="%s" version="opset1"><data %s/>%s%s%s</layer>' % (
            own, name or 'l%d' % own, kind, data, '<input>%s</input>' % ports if sources else '', output, inside))
        self.edges += ['<edge from-layer="%d" from-port="%d" to-layer="%d" to-port="%d"/>' % (
            source, self.inputs[source] if source < own else 1, own, i) for i, source in enumerate(sources)]
        self.inputs.append(len(sources))
        return own

    def constant(self, shape, place, name=''):
        size = 4
        for each in shape:
            size *= each
        return self.layer('Const', [], name, 'element_type="f32" shape="" offset="%d" size="%d"' % (place, size),
                          shape=shape)

    def parts(self):
        return '<layers>%s</layers><edges>%s</edges>' % (''.join(self.text), ''.join(self.edges))

    def net(self, result):
        self.layer('Result', [result])
        return ('<net name="n" version="11">%s</net>' % self.parts()).encode()


def ir_layers_that_do_not_fit(n):
    ir = Ir()
    wide = ir.constant((1, 3), 0)
    return ir.net([ir.layer('Add', [0, wide]) for i in range(1000 * n)][0])


def ir_unsorted(n):
    ir = Ir()
    count = 1000 * n
    for i in range(count):
        ir.layer('ReLU', [i + 2 if i + 1 < count else 0])
    return ir.net(1)


def ir_many_ports(n):
    ir = Ir()
    return ir.net(ir.layer('Concat', [0] * (2000 * n), data='axis="0"', shape=(2000 * n, 4)))


def ir_names_of_one_kind(n):
    ir = Ir()
    constants = [ir.constant((1, 4), 16 * i, 'w') for i in range(1000 * n)]
    return ir.net([ir.layer('Add', [0, each]) for each in constants][0])


def ir_one_place(n):
    ir = Ir()
    constants = [ir.constant((1, 4), 0) for i in range(1000 * n)]
    return ir.net([ir.layer('Add', [0, each]) for each in constants][0])


def ir_unread_attributes(n):
    ir = Ir()
    return ir.net([ir.layer('ReLU', [0], data=' '.join('a%d_%d="1"' % (i, k) for k in range(50)))
                   for i in range(100 * n)][0])


def ir_deep_names(n):
    ir = Ir()
    return ir.net([ir.layer('ReLU', [0], '/'.join('m%d' % (i * k % 7) for k in range(60))) for i in range(200 * n)][0])


def ir_branches(n):
    """An If in both branches of an If, four deep: the branches of each are read to be compared."""
    def branch(depth):
        ir = Ir()
        last = ir.layer('ReLU', [0])
        for _ in range(10 * n):
            last = ir.layer('ReLU', [last])
        if depth > 0:
            maps = ''.join('<%s_port_map><input external_port_id="0" internal_layer_id="0"/></%s_port_map>' %
                           (side, side) for side in ('then', 'else'))
            bodies = ''.join('<%s_body>%s</%s_body>' % (side, branch(depth - 1), side) for side in ('then', 'else'))
            ir.layer('If', [last], inside=maps + bodies)
        return ir.parts()
    return ('<net name="n" version="11">%s</net>' % branch(4)).encode()


def ir_results_of_many(n):
    """A layer of many inputs and many results whose sizes are those of the file."""
    ir = Ir()
    count = 300 * n
    own = ir.layer('VariadicSplit', [0] * count)
    port = '<port id="%d" precision="FP32"><dim>1</dim><dim>4</dim></port>'
    ir.text[own] = ir.text[own].replace('<output>', '<output>' + port % count, 1).replace(
        '<port id="%d" precision="FP32"><dim>1</dim><dim>4</dim></port></output>' % count,
        ''.join(port % (count + i) for i in range(1, count)) + '</output>', 1)
    for i in range(1, count):
        reader = ir.layer('ReLU', [0])
        ir.edges[-1] = '<edge from-layer="%d" from-port="%d" to-layer="%d" to-port="0"/>' % (own, count + i, reader)
    return ir.net(own)


def ir_comments(n):
    return (b'<net name="n" version="11"><layers>' + b'<!-- -->' * (20000 * n) +
            Ir().net(0)[len('<net name="n" version="11"><layers>'):])


# -- Keras -------------------------------------------------------------------------------------------

def keras_model(layers, last):
    return json.dumps({'class_name': 'Functional', 'config': {
        'name': 'm', 'layers': layers, 'input_layers': [['x', 0, 0]], 'output_layers': [[last, 0, 0]]}}).encode()


def keras_layer(kind, name, sources, **config):
    nodes = [[[each, 0, 0, {}] for each in sources]] if sources else []
    return {'class_name': kind, 'name': name, 'config': {'name': name, **config}, 'inbound_nodes': nodes}


def keras_input():
    return keras_layer('InputLayer', 'x', [], batch_input_shape=[None, 4])


def keras_unsorted(n):
    count = 500 * n
    layers = [keras_layer('Dense', 'd%d' % i, ['d%d' % (i - 1) if i else 'x'], units=4) for i in range(count)]
    return keras_model(list(reversed(layers)) + [keras_input()], 'd%d' % (count - 1))


def keras_calls(n):
    """One layer that is called very often."""
    shared = keras_layer('Dense', 'd', ['x'], units=4)
    shared['inbound_nodes'] = [[['x', 0, 0, {}]] for _ in range(1000 * n)]
    return keras_model([keras_input(), shared], 'd')


def keras_wide(n):
    layers = [keras_layer('Dense', 'd%d' % i, ['x'], units=4) for i in range(300 * n)]
    joined = keras_layer('Concatenate', 'c', [each['name'] for each in layers], axis=-1)
    return keras_model([keras_input(), *layers, joined], 'c')


def keras_unknown(n):
    layers = [keras_layer('Mine%d' % i, 'u%d' % i, ['x'], **{'k%d' % k: k for k in range(20)}) for i in range(300 * n)]
    return keras_model([keras_input(), *layers], 'u0')


def keras_settings(n):
    return keras_model([keras_input(), keras_layer('Dense', 'd', ['x'], units=4,
                                                   **{'k%d' % i: [i] * 5 for i in range(1000 * n)})], 'd')


# -- StableHLO as text --------------------------------------------------------------------------------

def program_text(operations, aliases=''):
    return (aliases + 'module {\n func.func @main(%a: tensor<f32>) -> tensor<f32> {\n' + operations +
            '  return %a : tensor<f32>\n }\n}\n').encode()


def hlo_shared_location(n):
    """One location of many parts, which each operation has."""
    parts = ', '.join('"x%d"' % i for i in range(1000 * n))
    return program_text(''.join('  %%%d = stablehlo.tanh %%a : tensor<f32> loc(#l)\n' % i for i in range(1000 * n)),
                        '#l = loc(fused[%s])\n' % parts)


def hlo_aliases(n):
    return program_text(''.join('  %%%d = stablehlo.tanh %%a : tensor<f32> loc(#l%d)\n' % (i, i)
                                for i in range(1000 * n)),
                        ''.join('#l%d = loc("m%d/f")\n' % (i, i) for i in range(1000 * n)))


def hlo_attributes(n):
    return program_text('  %%0 = stablehlo.tanh %%a {%s} : tensor<f32>\n' %
                        ', '.join('x%d = [%d]' % (i, i) for i in range(1000 * n)))


def hlo_nested_lists(n):
    return program_text('  %%0 = stablehlo.tanh %%a {x = %s%s%s} : tensor<f32>\n' %
                        ('[' * 40, ', '.join(['1'] * (3000 * n)), ']' * 40))


def hlo_called(n):
    """Functions that call each other: each doubles the work of the one before."""
    functions = ''.join(' func.func @f%d(%%a: tensor<f32>) -> tensor<f32> {\n'
                        '  %%0 = call @f%d(%%a) : (tensor<f32>) -> tensor<f32>\n'
                        '  %%1 = call @f%d(%%0) : (tensor<f32>) -> tensor<f32>\n'
                        '  return %%1 : tensor<f32>\n }\n' % (i + 1, i, i) for i in range(40))
    padding = ''.join('  %%%d = stablehlo.tanh %%a : tensor<f32>\n' % (i + 1) for i in range(1000 * n))
    return ('module {\n func.func @f0(%a: tensor<f32>) -> tensor<f32> {\n' + padding +
            '  return %a : tensor<f32>\n }\n' + functions + ' func.func @main(%a: tensor<f32>) -> tensor<f32> {\n'
            '  %0 = call @f40(%a) : (tensor<f32>) -> tensor<f32>\n  return %0 : tensor<f32>\n }\n}\n').encode()


TYPE = 'tensor<4xf32>'


def hlo_function(name, operations, result, head=''):
    return 'func.func %s@%s(%%x: %s) -> %s {\n%s\nreturn %%%s : %s\n}\n' % (
        head, name, TYPE, TYPE, '\n'.join(operations), result, TYPE)


def hlo_module(*functions):
    return ('module @m {\n%s}\n' % ''.join(functions)).encode()


def hlo_chain(n):
    operations = ['%%v%d = stablehlo.abs %%%s : %s loc("a/m%d/abs"(#l))' % (i, 'v%d' % (i - 1) if i else 'x', TYPE, i)
                  for i in range(500 * n)]
    return hlo_module(hlo_function('main', operations, 'v%d' % (500 * n - 1), 'public '))[:-2] + b'}\n#l = loc(unknown)\n'


def hlo_functions(n):
    names = range(200 * n)
    calls = ['%%v%d = call @f%d(%%x) : (%s) -> %s' % (i, i, TYPE, TYPE) for i in names]
    return hlo_module(hlo_function('main', calls, 'v0', 'public '), *[
        hlo_function('f%d' % i, ['%%y = stablehlo.abs %%x : %s' % TYPE], 'y', 'private ') for i in names])


def hlo_calls(n):
    """One function of many operations that is called again and again: refused, in bounded time."""
    body = ['%%y%d = stablehlo.abs %%x : %s' % (i, TYPE) for i in range(100 * n)]
    calls = ['%%v%d = call @f(%%x) : (%s) -> %s' % (i, TYPE, TYPE) for i in range(200 * n)]
    return hlo_module(hlo_function('main', calls, 'v0', 'public '), hlo_function('f', body, 'y0', 'private '))


def hlo_constants(n):
    operations = ['%%c%d = stablehlo.constant dense<[%d.0, 1.0, 2.0, 3.0]> : %s\n%%v%d = stablehlo.add %%x, %%c%d : %s' % (
        i, i, TYPE, i, i, TYPE) for i in range(300 * n)]
    return hlo_module(hlo_function('main', operations, 'v0', 'public '))


def hlo_custom_calls(n):
    operations = ['%%v%d = stablehlo.custom_call @u%d(%%x) : (%s) -> %s' % (i, i, TYPE, TYPE) for i in range(300 * n)]
    return hlo_module(hlo_function('main', operations, 'v0', 'public '))


def hlo_long_list(n):
    numbers = ', '.join(['1.0'] * (10000 * n))
    operations = ['%%c = stablehlo.constant dense<[%s]> : tensor<%dxf32>' % (numbers, 10000 * n)]
    return hlo_module(hlo_function('main', operations, 'x', 'public '))


ONNX = [opsets, unknown_operators, defaults, dequantised, dotted_weight, external, concatenated_sequences, unknown_of_sequences,
        returned_sequences, long_output_name, long_name_in_a_function, long_name_in_a_sequence_map, long_path,
        one_wide_name, loop_with_initializers, loop_with_types, loop_with_lists, colliding_names, colliding_shapes,
        split_pieces, bounded_pieces, joined_pieces]
OPENVINO = [ir_layers_that_do_not_fit, ir_unsorted, ir_many_ports, ir_names_of_one_kind, ir_one_place,
            ir_unread_attributes, ir_deep_names, ir_branches,
            ir_results_of_many, ir_comments]
KERAS = [keras_unsorted, keras_calls, keras_wide, keras_unknown, keras_settings]
STABLEHLO = [hlo_shared_location, hlo_aliases, hlo_attributes, hlo_nested_lists, hlo_called, hlo_chain, hlo_functions,
             hlo_calls, hlo_constants, hlo_custom_calls, hlo_long_list]
PROGRAMS = [long_key_of_leaves, missing_results, written_pieces, symbols, markers, many_numbers, deep_modules,
            modules_called_again, unknown_calls, open_sizes, long_sizes, many_sizes, long_lists,
            branches, deep_branches, scan_of_many_steps, one_weight_for_many]
PAIRS = [renamed_before, renamed_after, moved_before, moved_after, unlike_before, unlike_after]
CONFIGURATIONS = [names_left_alone, patterns_left_alone, expressions_left_alone, one_long_expression, many_keys,
                  long_list, many_values]


def main():
    folder = pathlib.Path(sys.argv[1])
    (folder / 'external.bin').write_bytes(bytes(4))
    (folder / 'least.onnx').write_bytes(model(graph([RELU], X, Y)))
    for size in map(int, sys.argv[2:]):
        for ending, families in (('onnx', ONNX + PAIRS), ('xml', OPENVINO), ('json', KERAS + CONFIGURATIONS),
                                 ('mlir', STABLEHLO), ('tflite', LITE), ('gguf', GGUF)):
            for make in families:
                (folder / f'{make.__name__}.{size}.{ending}').write_bytes(make(size))
        for make in PROGRAMS:
            make(size)(folder / f'{make.__name__}.{size}.pt2')


main()
