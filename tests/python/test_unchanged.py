"""A module is left exactly as it was, whatever it does: over a hundred models of torchvision and our own."""

import copy
import random
import unittest
import unittest.mock

import zoometer

try:
    import torch
    import torch.nn.utils.parametrizations
    import torch.nn.utils.prune
    from torch import nn
except ImportError:
    raise unittest.SkipTest("no torch") from None


def tensor_state(tensor):
    """What can change of a tensor, and the tensor itself, whose bytes are compared with a copy."""
    return (id(tensor), tensor._version, tuple(tensor.shape), tensor.dtype, tensor.device,
            tensor.requires_grad, tensor.grad is None)


def tensors_of(model):
    """Parameters and buffers by name."""
    named = [*model.named_parameters(), *model.named_buffers()]
    return {name: value for name, value in named if not is_lazy(value)}


def is_lazy(tensor):
    return isinstance(tensor, (nn.parameter.UninitializedParameter, nn.parameter.UninitializedBuffer))


def structure_of(model):
    """Classes, flags, hooks, and attributes by identity; containers by what they have."""
    def of_value(value):
        if isinstance(value, dict):
            return [(key, id(each)) for key, each in value.items()]
        if isinstance(value, (list, set)):
            return (id(value), [id(each) for each in value])
        return value if isinstance(value, (bool, int, float, str)) else id(value)
    return {path: (type(module), id(module), {key: of_value(value) for key, value in vars(module).items()})
            for path, module in model.named_modules(remove_duplicate=False)}


def random_state():
    states = [torch.random.get_rng_state().tolist(), random.getstate()]
    try:
        import numpy
        states.append([part.tolist() if hasattr(part, "tolist") else part
                       for part in numpy.random.get_state()])
    except ImportError:
        pass
    return states


def bytes_of(tensor):
    """Its bytes as numbers: uninitialised memory may be NaN, which equals nothing."""
    plain = torch.view_as_real(tensor.detach()) if tensor.is_complex() else tensor.detach()
    return plain.contiguous().view(-1).view(torch.uint8)


# -- modules that change when they run ----------------------------------------------------------

class Counts(nn.Module):
    """Everything that a forward pass may write."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(8, 8)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self.register_buffer("mean", torch.zeros(8))
        self.calls, self.seen, self.last, self.cache = 0, [], None, {}

    def forward(self, x):
        self.steps += 1
        self.mean.mul_(0.9).add_(0.1 * x.mean(0))
        self.calls += 1
        self.seen.append(x)
        self.last = x
        self.cache["x"] = x
        self.late = nn.Parameter(torch.ones(3))
        self.register_buffer("table", torch.arange(8.0))
        with torch.no_grad():
            self.inner.weight.mul_(2)
        self.inner.weight.data.add_(1)
        self.inner.eval()
        self.inner.register_forward_hook(lambda *words: None)
        return self.inner(x) + self.table


class Draws(nn.Module):
    def forward(self, x):
        random.random()
        return x + torch.rand(8) * torch.randn_like(x).bernoulli()


class WritesInput(nn.Module):
    def forward(self, x):
        return x.add_(1).relu_()


class Moves(nn.Module):
    """Casts itself for the time of a call."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(8, 8)

    def forward(self, x):
        return self.inner.double()(x.double())


class Fails(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(8)
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return self.norm(x) @ torch.ones(9)


def tied():
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    model[1].weight = model[0].weight
    return model


def hooked():
    model = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8))
    model[0].register_forward_hook(lambda module, inputs, output: output * 2)
    model[0].register_forward_pre_hook(lambda module, inputs: None)
    model.register_forward_hook(lambda module, inputs, output: setattr(module, "kept", output))
    return model


def replaced():
    model = nn.Linear(8, 8)
    model.forward = lambda x: torch.relu(x @ model.weight)
    return model


def frozen():
    model = nn.Sequential(nn.Linear(8, 8), nn.ReLU(inplace=True), nn.Linear(8, 8))
    model[0].requires_grad_(False)
    return model


def parametrized(layer=nn.Linear):
    return nn.utils.parametrizations.spectral_norm(layer(8, 8))


def complex_parameter():
    model = nn.Module()
    model.weight = nn.Parameter(torch.ones(8, 8, dtype=torch.complex64))
    model.forward = lambda x: (x.to(torch.complex64) @ model.weight).real
    return model


OWN = {
    "counts": Counts, "draws": Draws, "writes_input": WritesInput, "moves": Moves, "fails": Fails,
    "tied": tied, "hooked": hooked, "replaced": replaced, "frozen": frozen,
    "parametrized": parametrized, "complex": complex_parameter,
    "batch_norm": lambda: nn.BatchNorm1d(8),
    "instance_norm": lambda: nn.InstanceNorm1d(4, track_running_stats=True),
    "dropout": lambda: nn.Sequential(nn.Dropout(), nn.AlphaDropout(), nn.RReLU()),
    "spectral_norm": lambda: nn.utils.spectral_norm(nn.Linear(8, 8)),
    "weight_norm": lambda: nn.utils.weight_norm(nn.Linear(8, 8)),
    "pruned": lambda: nn.utils.prune.l1_unstructured(nn.Linear(8, 8), "weight", 0.5),
    "lstm": lambda: nn.LSTM(8, 4, 2, dropout=0.5, bidirectional=True),
    "gru": lambda: nn.GRU(8, 4), "rnn": lambda: nn.RNN(8, 4), "cell": lambda: nn.LSTMCell(8, 4),
    "encoder": lambda: nn.TransformerEncoderLayer(8, 2, 16),
    "lazy": lambda: nn.Sequential(nn.LazyLinear(4), nn.LazyBatchNorm1d()),
    "parallel": lambda: nn.DataParallel(nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8))),
    "scripted": lambda: torch.jit.script(nn.Sequential(nn.Linear(8, 8), nn.Dropout())),
    "traced_graph": lambda: torch.fx.symbolic_trace(nn.Sequential(nn.Linear(8, 8), nn.Dropout())),
    "double": lambda: nn.Linear(8, 8).double(), "bfloat16": lambda: nn.Linear(8, 8).bfloat16(),
    "meta": lambda: nn.Linear(8, 8, device="meta"),
    "embedding": lambda: nn.Embedding(8, 8, max_norm=1.0),
}

# Of torchvision: whatever has at most this many parameters, which a copy of all is then fast for.
MOST_PARAMETERS = 30_000_000


class Unchanged(unittest.TestCase):
    def check(self, model, *inputs):
        before, structure = tensors_of(model), structure_of(model)
        # Tensors without data have no bytes to compare.
        copies = {name: bytes_of(value).clone() for name, value in before.items()
                  if value.device.type != "meta"}
        states = {name: tensor_state(value) for name, value in before.items()}
        given = [(tensor_state(each), each.clone()) for each in inputs]
        drawn = random_state()
        try:
            zoometer.profile(model, *inputs)
        except zoometer.CaptureError:
            self.assertIsInstance(model, Fails)  # it is left as it was, too
        after = tensors_of(model)
        self.assertEqual(states, {name: tensor_state(value) for name, value in after.items()})
        for name, copied in copies.items():
            self.assertTrue(torch.equal(copied, bytes_of(after[name])), name)
        self.assertEqual(structure, structure_of(model))
        for (state, copied), each in zip(given, inputs):
            self.assertEqual(state, tensor_state(each))
            self.assertTrue(torch.equal(copied, each))
        self.assertEqual(drawn, random_state())

    def test_modules_of_our_own(self):
        for name, build in OWN.items():
            for is_training in (True, False):
                with self.subTest(name, is_training=is_training):
                    model = build().train(is_training)
                    dtype = next((each.dtype for each in model.parameters()
                                  if not is_lazy(each) and not each.is_complex()), torch.float32)
                    x = (torch.zeros(4, 8, dtype=torch.int64) if name == "embedding"
                         else torch.randn(4, 8).to(dtype))
                    self.check(model, x)

    def test_objects_that_a_module_holds(self):
        class Statistics:
            def __init__(self):
                self.calls, self.shapes, self.last = 0, [], None

        class Cache:
            def __init__(self):
                self.statistics, self.entries = Statistics(), {}

        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.cache, self.all = Cache(), [Statistics()]

            def forward(self, x):
                for each in (self.cache.statistics, self.all[0]):
                    each.calls += 1
                    each.shapes.append(x.shape)
                    each.last = x
                self.cache.entries["x"] = self.cache.late = x
                return x * 2
        model = Model()
        zoometer.profile(model, torch.randn(4, 8))
        for each in (model.cache.statistics, model.all[0]):
            self.assertEqual(vars(each), {"calls": 0, "shapes": [], "last": None})
        self.assertEqual((model.cache.entries, sorted(vars(model.cache))), ({}, ["entries", "statistics"]))

    def test_a_copy_is_as_good(self):
        """What was profiled can be copied and run as before."""
        model = Counts()
        zoometer.profile(model, torch.randn(4, 8))
        copy.deepcopy(model)(torch.randn(4, 8))
        self.assertEqual((model.calls, int(model.steps)), (0, 0))

    def test_models_of_torchvision(self):
        try:
            import torchvision
        except ImportError:
            self.skipTest("no torchvision")
        names = [each.name for each in zoometer.list_models() if (each.parameters or 0) <= MOST_PARAMETERS]
        checked = 0
        with unittest.mock.patch.multiple(torch.nn.init, **{
                name: lambda tensor, *words, **named: tensor
                for name in dir(torch.nn.init) if name.endswith("_") and not name.startswith("_")}):
            for name in names:
                build = getattr(torchvision.models, name, None)
                if build is None:
                    continue
                with self.subTest(name):
                    self.check(build(weights=None), torch.randn(1, 3, 224, 224) if name != "inception_v3"
                               else torch.randn(2, 3, 299, 299))
                    checked += 1
        self.assertGreaterEqual(checked + 2 * len(OWN), 100)


if __name__ == "__main__":
    unittest.main()
