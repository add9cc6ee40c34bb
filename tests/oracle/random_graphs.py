"""Random small ONNX graphs: what zoometer says of their outputs is compared with what ONNX Runtime computes.

usage: random_graphs.py --binary ZOOMETER [--seed N] [--count N] [--keep FOLDER] [--only OPERATOR]

Every operator that zoometer supports occurs, in several versions of the operator set, with sizes and axes as attributes,
weights, Constant nodes, inputs, or computed from shapes. A size that zoometer calls exact must be the real one, an upper
bound must not be exceeded by any of several inputs, and what it does not know must be rare. Graphs that fail are written
to FOLDER. The last line is "random_graphs: N of M ...".
"""
import argparse
import collections
import concurrent.futures
import json
import os
import random
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper

import random_contrib  # noqa: F401, its operators join the catalogue
import random_layers  # noqa: F401, the same
from random_operators import CATALOGUE, Refused

RUNS = 3  # with other numbers, for sizes that data decides

ort.set_default_logger_severity(4)


class Value:
    """A tensor of the graph, or a sequence of tensors (a list of arrays)."""

    def __init__(self, name, arrays, fixed=None):
        self.name = name
        self.arrays = arrays  # one for each run
        self.fixed = fixed  # the array, if it is a constant

    @property
    def array(self):
        return self.arrays[0]

    @property
    def is_sequence(self):
        return isinstance(self.array, list)

    @property
    def shape(self):
        return self.array.shape

    @property
    def rank(self):
        return self.array.ndim

    @property
    def dtype(self):
        return self.array.dtype


def onnx_type(array):
    return helper.np_dtype_to_tensor_dtype(array.dtype)


def value_info(name, value, with_shape=True):
    if isinstance(value, list):
        element = helper.make_tensor_type_proto(onnx_type(value[0]) if value else TensorProto.FLOAT, None)
        return helper.make_value_info(name, helper.make_sequence_type_proto(element))
    return helper.make_tensor_value_info(name, onnx_type(value), list(value.shape) if with_shape else None)


class Graph:
    """A graph that grows node by node. Each node is run when it is added, so that all are valid."""

    def __init__(self, rng, opset):
        self.rng = rng
        self.opset = opset
        self.nodes = []
        self.inputs = []
        self.initializers = []
        self.values = []  # that later nodes may read
        self.outputs = []
        self.kinds = []
        self.is_dynamic = False  # a size or an axis is an input
        self.count = 0

    def name(self, prefix='v'):
        self.count += 1
        return f'{prefix}{self.count}'

    # -- making values ------------------------------------------------------------------------

    def numbers(self, shape, dtype='float32', low=-2.0, high=2.0):
        dtype = np.dtype(dtype)
        if dtype == np.bool_:
            return np.array([self.rng.random() < 0.5 for _ in range(int(np.prod(shape)))], bool).reshape(shape)
        numbers = np.array([self.rng.uniform(low, high) for _ in range(int(np.prod(shape)))]).reshape(shape)
        return numbers.astype(dtype)

    def input(self, shape, dtype='float32', low=-2.0, high=2.0):
        arrays = [self.numbers(shape, dtype, low, high) for _ in range(RUNS)]
        value = Value(self.name('x'), arrays)
        self.inputs.append(value)
        self.values.append(value)
        return value

    def given(self, arrays):
        """An input with these numbers, which no later node reads."""
        value = Value(self.name('x'), arrays)
        self.inputs.append(value)
        return value

    def weight(self, array):
        array = np.asarray(array)
        value = Value(self.name('w'), [array] * RUNS, array)
        self.initializers.append(onnx.numpy_helper.from_array(array, value.name))
        return value

    def constant(self, array):
        """A constant that is an initializer or a node, or rarely something that only the run knows."""
        array = np.asarray(array)
        way = self.rng.random()
        if way < 0.5:
            return self.weight(array)
        if way < 0.8 or array.dtype != np.int64 or array.ndim > 1:
            name = self.name('c')
            self.nodes.append(helper.make_node('Constant', [], [name], value=onnx.numpy_helper.from_array(array)))
            return Value(name, [array] * RUNS, array)
        if way < 0.93 and array.ndim == 1 and array.size > 0 and (array >= 0).all():
            return self.from_shape(array)
        self.is_dynamic = True
        return self.given([array] * RUNS)

    def from_shape(self, array):
        """The numbers as sizes of a tensor, so that they are known only after arithmetic of shapes."""
        if np.prod(array.astype(float) + 1) > 100_000:
            return self.weight(array)
        source = self.given([np.zeros(array + 1, np.float32)] * RUNS)
        shape, one, result = self.name(), self.weight(np.array([1], np.int64)), self.name()
        self.nodes.append(helper.make_node('Shape', [source.name], [shape]))
        self.nodes.append(helper.make_node('Sub', [shape, one.name], [result]))
        return Value(result, [array] * RUNS, array)

    def scalar(self, array):
        return self.constant(np.asarray(array))

    def pick(self, dtypes=('float32',), ranks=range(0, 5), test=None, fresh=0.25):
        """A value to read: one that is there, or a new input."""
        fitting = [v for v in self.values if not v.is_sequence and v.dtype.name in dtypes and v.rank in ranks and
                   all(a.ndim == v.rank for a in v.arrays) and (test is None or test(v))]
        if fitting and self.rng.random() > fresh:
            return self.rng.choice(fitting[-6:])
        for _ in range(20):
            shape = [self.size() for _ in range(self.rng.choice(list(ranks)))]
            dtype = self.rng.choice(list(dtypes))
            made = Value('', [np.zeros(shape, dtype)])
            if test is None or test(made):
                return self.input(shape, dtype)
        raise Refused('no value fits')

    def size(self):
        return self.rng.choice([0, 1, 1, 2, 2, 3, 3, 4, 5] if self.rng.random() < 0.15 else [1, 2, 2, 3, 3, 4, 5, 6])

    def pick_sequence(self):
        fitting = [v for v in self.values if v.is_sequence and v.array]
        if not fitting:
            raise Refused('no sequence')
        return self.rng.choice(fitting)

    def axis(self, rank):
        axis = self.rng.randrange(rank)
        return axis - rank if self.rng.random() < 0.4 else axis

    # -- adding nodes -----------------------------------------------------------------------------

    def add(self, op_type, inputs, outputs=1, domain='', keep=True, **attributes):
        """Adds a node and runs it. Raises Refused where ONNX Runtime does not take it."""
        names = [v.name if v is not None else '' for v in inputs]
        results = [self.name() for _ in range(outputs)]
        attributes = {k: v for k, v in attributes.items() if v is not None}
        node = helper.make_node(op_type, names, results, domain=domain, **attributes)
        arrays = self.run(node, [v for v in inputs if v is not None])
        self.nodes.append(node)
        self.kinds.append(op_type)
        made = []
        for name, of_runs in zip(results, arrays):
            value = Value(name, of_runs)
            made.append(value)
            if keep:
                self.values.append(value)
                self.outputs.append(value)
        return made[0] if outputs == 1 else made

    def captured(self, node, known):
        names = {v.name for v in known}
        found = []

        def look(graph, inner):
            inner = inner | {i.name for i in graph.input} | {t.name for t in graph.initializer}
            for each in graph.node:
                for name in each.input:
                    if name and name not in inner and name not in names:
                        names.add(name)
                        found.extend(v for v in self.values if v.name == name)
                for attribute in each.attribute:
                    if attribute.type == onnx.AttributeProto.GRAPH:
                        look(attribute.g, inner)
                inner |= set(each.output)

        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                look(attribute.g, set())
        return found

    def run(self, node, read):
        read = list({v.name: v for v in read + self.captured(node, read)}.values())
        outputs = [helper.make_empty_tensor_value_info(name) for name in node.output if name]
        constants = [onnx.numpy_helper.from_array(v.fixed, v.name) for v in read if v.fixed is not None]
        graph = helper.make_graph([node], 'g', [value_info(v.name, v.array, False) for v in read if v.fixed is None],
                                  outputs, constants)
        try:
            session = make_session(self.model(graph))
            runs = [session.run(None, {v.name: v.arrays[k] for v in read if v.fixed is None}) for k in range(RUNS)]
        except Exception as error:
            raise Refused(str(error)) from error
        by_output = [list(arrays) for arrays in zip(*runs)]
        for arrays in by_output:
            if any(not isinstance(a, (np.ndarray, list)) or isinstance(a, np.ndarray) and a.size > 20_000 for a in arrays):
                raise Refused('too large, or no tensor')
        return by_output

    def model(self, graph):
        opsets = [helper.make_opsetid('', self.opset), helper.make_opsetid('com.microsoft', 1),
                  helper.make_opsetid('ai.onnx.ml', 3)]
        model = helper.make_model(graph, opset_imports=opsets)
        model.ir_version = 8 if self.opset < 19 else 10
        return model

    def whole(self):
        outputs = [helper.make_empty_tensor_value_info(v.name) for v in self.outputs]
        return self.model(helper.make_graph(self.nodes, 'g', [value_info(v.name, v.array) for v in self.inputs], outputs,
                                            self.initializers))


def make_session(model):
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model.SerializeToString(), options, providers=['CPUExecutionProvider'])


# Operators whose outputs have sizes that data decides, often or always.
BY_DATA = ['NonZero', 'Unique', 'Compress', 'NonMaxSuppression', 'Range', 'Slice', 'ConstantOfShape', 'OneHot', 'TopK', 'Expand']
OPSETS = [9, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24]


def make_graph(seed, only):
    """A graph of 1 to 6 nodes, each of an operator by chance; the first one in turn, so that all occur. A quarter begins with
    sizes that data decides, and has more nodes, which read them."""
    rng = random.Random(seed)
    graph = Graph(rng, rng.choice(OPSETS))
    kinds = sorted(CATALOGUE)
    first = only or kinds[seed % len(kinds)]
    wanted = rng.randint(1, 6)
    if seed % 4 == 3 and not only:
        first, wanted = rng.choice(BY_DATA), rng.randint(4, 10)
    for attempt in range(4 * wanted):
        kind = first if not graph.outputs else rng.choice(BY_DATA if wanted > 6 and rng.random() < 0.2 else kinds)
        state = (len(graph.nodes), len(graph.inputs), len(graph.initializers), len(graph.values), len(graph.outputs),
                 len(graph.kinds), graph.is_dynamic)
        try:
            CATALOGUE[kind](graph)
        except (Refused, ValueError):
            for items, length in zip((graph.nodes, graph.inputs, graph.initializers, graph.values, graph.outputs,
                                      graph.kinds), state):
                del items[length:]
            graph.is_dynamic = state[-1]
            continue
        if len(graph.kinds) >= wanted:
            break
    return graph


def read_by_zoometer(binary, path):
    done = subprocess.run([binary, 'profile', path, '--format', 'json', '--depth', '0'], capture_output=True, text=True,
                          timeout=60)
    if done.returncode != 0:
        return None, f'status {done.returncode}: {done.stderr.strip()[:300]}'
    return json.loads(done.stdout), ''


def element_name(array):
    return {'bool': 'bool', 'str': 'string', 'object': 'string'}.get(array.dtype.name, array.dtype.name)


def differences(graph, document):
    """What zoometer says wrongly of each output, and how many it does not know."""
    said = collections.defaultdict(list)
    for output in document['outputs']:
        said[output['name']].append(output)
    wrong, unknown = [], 0
    for value in graph.outputs:
        if value.is_sequence:
            continue
        if not said[value.name]:
            wrong.append(f'{value.name}: missing')
            continue
        output = said[value.name][0]
        shape = output['shape']
        real = [list(a.shape) for a in value.arrays]
        is_bound, is_guess = output.get('bound', False), output.get('assumed', False)
        if shape is None or None in shape:
            unknown += 1
        if shape is None:
            continue
        for sizes in real:
            fits = len(sizes) == len(shape) and all(
                want is None or is_guess or got == want or is_bound and got < want for got, want in zip(sizes, shape))
            if not fits:
                wrong.append(f'{value.name}: zoometer {"<= " if is_bound else ""}{shape}, ONNX Runtime {sizes}')
                break
        else:
            if shape is not None and output['dtype'] != element_name(value.array):
                wrong.append(f'{value.name}: zoometer {output["dtype"]}, ONNX Runtime {value.dtype}')
    return wrong, unknown


def try_graph(seed, words):
    """One graph: its operators, what is wrong, and how many outputs are not known of how many."""
    graph = make_graph(seed, words.only)
    result = {'seed': seed, 'kinds': graph.kinds, 'wrong': [], 'unknown': 0, 'outputs': len(graph.outputs),
              'is_dynamic': graph.is_dynamic}
    if not graph.outputs:
        return result
    model = graph.whole().SerializeToString()
    with tempfile.NamedTemporaryFile(suffix='.onnx') as file:
        file.write(model)
        file.flush()
        document, problem = read_by_zoometer(words.binary, file.name)
    if document is None:
        result['wrong'] = [problem]
    else:
        result['wrong'], result['unknown'] = differences(graph, document)
    if words.keep and (result['wrong'] or result['unknown']):
        name = f'{seed}{"" if result["wrong"] else "_unknown"}.onnx'
        with open(os.path.join(words.keep, name), 'wb') as file:
            file.write(model)
    return result


def work(words, seeds):
    """Tries the graphs of these seeds in this process: a line of JSON each."""
    for seed in seeds:
        print(json.dumps(try_graph(seed, words)), flush=True)


def results_of(words, seeds):
    """The same in another process, since ONNX Runtime dies of some nodes: those seeds are left out."""
    crashes = 0
    while seeds and crashes < 50:
        command = [sys.executable, __file__, *sys.argv[1:], '--work', ','.join(map(str, seeds))]
        done = subprocess.run(command, capture_output=True, text=True)
        results = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{')]
        yield from results
        if done.returncode == 0:
            return
        if 'Traceback' in done.stderr:
            raise RuntimeError(done.stderr)
        seeds = seeds[len(results) + 1:]
        crashes += 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--binary', required=True)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--count', type=int, default=2400)
    parser.add_argument('--keep', help='a folder for graphs that fail or have outputs that are not known')
    parser.add_argument('--only', help='an operator that every graph begins with')
    parser.add_argument('--work', help=argparse.SUPPRESS)
    words = parser.parse_args()
    if words.keep:
        os.makedirs(words.keep, exist_ok=True)
    if words.work:
        return work(words, [int(seed) for seed in words.work.split(',')])
    seeds = list(range(words.seed, words.seed + words.count))
    stripes = [seeds[k:k + 150] for k in range(0, len(seeds), 150)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        results = [r for stripe in pool.map(lambda each: list(results_of(words, each)), stripes) for r in stripe]
    return report(words, [result for result in results if result['kinds']])


def report(words, results):
    kinds, unexplained = collections.Counter(), collections.Counter()
    good = 0
    for result in results:
        kinds.update(set(result['kinds']))
        if result['unknown'] and not result['is_dynamic']:
            unexplained[' '.join(result['kinds'])] += 1
        good += not result['wrong']
        if result['wrong']:
            print(f'seed {result["seed"]} ({" ".join(result["kinds"])}): {result["wrong"][0]}')
    for used, count in unexplained.most_common(10):
        print(f'not known although no size is an input: {count} x {used}')
    unknown = sum(result['unknown'] for result in results)
    print(f'{len(kinds)} kinds of operators; {sum(r["outputs"] for r in results)} outputs, {unknown} not known, '
          f'{sum(unexplained.values())} graphs with one although no size is an input')
    missing = [kind for kind in CATALOGUE if kind not in kinds]
    is_whole = words.only is None and words.count >= 2000
    if is_whole and missing:
        print('operators that no graph has:', ' '.join(missing))
    problems = is_whole and (missing or len(results) < 2000) or sum(unexplained.values()) > len(results) // 50
    if problems:
        good = min(good, len(results) - 1)
    print(f'random_graphs: {good} of {len(results)} graphs as in ONNX Runtime')
    return 0 if good == len(results) > 0 else 1


if __name__ == '__main__':
    sys.exit(main())
