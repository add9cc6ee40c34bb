"""Modules of unusual kinds are captured with the products that PyTorch's FlopCounterMode counts in a run on real
numbers, and are left as they were.

Arguments: the program (not used), and names of modules, by default all. The last line is "N passed, N failed".
"""

import collections
import dataclasses
import functools
import sys
import types
import warnings

import torch
import torch.nn.functional as F
import torch.nn.utils.prune
import zoometer
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint
from torch.utils.flop_counter import FlopCounterMode

import odd_programs
from odd_support import Of, lin, r

warnings.simplefilter("ignore")


def with_hooks():
    m = nn.Sequential(lin(), lin(8, 4))
    m[0].register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    m[1].register_forward_hook(lambda module, args, output: output @ torch.ones(4, 3))
    m.register_forward_hook(lambda module, args, kwargs, output: {"y": output}, with_kwargs=True)
    return m, (r(2, 8),)


def tied():
    m = nn.Module()
    m.table = nn.Embedding(10, 8)
    m.head = nn.Linear(8, 10, bias=False)
    m.head.weight = m.table.weight
    m.forward = types.MethodType(lambda self, ids: self.head(self.table(ids)), m)
    return m, (torch.arange(6).view(2, 3),)


def branches_on_shapes():
    def run(m, x):
        while x.shape[-1] > 8:
            x = m.halves(x) if x.shape[-1] == 16 else x[..., :16]
        return m.tall(x) if x.shape[0] > 3 else m.small(x)
    return Of(run, halves=lin(16, 8), tall=lin(8, 2), small=lin(8, 3)), (r(2, 40),)


def branches_on_data():
    def run(m, x):
        return m.first(x) if x.sum() > 1e9 else m.second(x)
    return Of(run, first=lin(8, 2), second=lin(8, 5)), (r(2, 8),)


def checks_of_data():
    def run(m, x):
        if not (x.sum() > 0):  # neither without values nor of zeros
            raise ValueError("x is not positive")
        return m.layer(x)
    return Of(run, layer=lin()), (torch.empty(2, 8, device="meta"),)


def tensors_of_numbers():
    def run(m, x):
        count = torch.div(x.shape[0], 2, rounding_mode="trunc")
        return m.layer(x.new_zeros((count + 1, 8)))
    return Of(run, layer=lin()), (r(8, 8),)


def steps_of_a_buffer():
    def run(m, x):
        for _ in range(int(m.steps)):
            x = m.layer(x)
        return x
    return Of(run, layer=lin(), steps=torch.tensor(3)), (r(2, 8),)


def dict_inputs():
    def run(m, batch, *, scale=None):
        return {"out": m.layer(batch["x"]["left"]) @ batch["weights"][0] * scale}
    return Of(run, layer=lin()), ({"x": {"left": r(2, 8)}, "weights": [r(8, 3)]},), {"scale": r(1)}


@dataclasses.dataclass
class Output:
    hidden: torch.Tensor
    parts: list = dataclasses.field(default_factory=list)


def dataclass_outputs():
    def run(m, x):
        hidden = m.layer(x)
        return Output(hidden, [hidden @ hidden.T])
    return Of(run, layer=lin()), (r(2, 8),)


Pair = collections.namedtuple("Pair", "left right")


def named_tuples():
    def run(m, pair):
        return Pair(m.layer(pair.left), pair.right @ pair.left.T)
    return Of(run, layer=lin()), (Pair(r(2, 8), r(3, 8)),)


def generators():
    def run(m, x):
        def steps():
            y = x
            for layer in m.layers:
                y = layer(y)
                yield y
        return sum(steps())
    return Of(run, layers=nn.ModuleList([lin(), lin(), lin()])), (r(2, 8),)


def buffers_made_in_forward():
    def run(m, x):
        if not hasattr(m, "mask"):
            m.register_buffer("mask", torch.tril(torch.ones(x.shape[1], x.shape[1])), persistent=False)
        return m.mask @ m.layer(x)
    return Of(run, layer=lin()), (r(2, 5, 8),)


def counts_calls():
    def run(m, x):
        m.calls += 1
        m.history.append(x.shape)
        m.mean.mul_(0.9).add_(x.mean(0), alpha=0.1)
        return m.layer(x - m.mean)
    m = Of(run, layer=lin(), mean=torch.zeros(8))
    m.calls, m.history = 0, []
    return m, (r(2, 8),)


def nested_tensors():
    def run(m, x, y):
        both = torch.nested.nested_tensor([x, y], layout=torch.jagged)
        return m.layer(both).to_padded_tensor(0.0)
    return Of(run, layer=lin()), (r(3, 8), r(5, 8))


def sparse():
    def run(m, x):
        return torch.sparse.mm(m.adjacency, m.layer(x))
    eye = torch.eye(6).to_sparse()
    return Of(run, layer=lin(), adjacency=eye), (r(6, 8),)


def complex_numbers():
    def run(m, x):
        spectrum = torch.fft.rfft(m.layer(x), dim=1)
        return torch.fft.irfft(spectrum * torch.view_as_complex(m.filter), dim=1)
    return Of(run, layer=lin(), filter=nn.Parameter(r(5, 8, 2))), (r(2, 8, 8),)


def writes_through_views():
    def run(m, x):
        out = torch.zeros(2, 6, 8)
        out[:, ::2] = m.layer(x)
        out[:, 1::2].add_(1).mul_(out[:, ::2])
        return out.view(2, -1) @ m.weight
    return Of(run, layer=lin(), weight=nn.Parameter(r(48, 3))), (r(2, 3, 8),)


def autocast():
    def run(m, x):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return m.layer(x) @ m.layer(x).T
    return Of(run, layer=lin()), (r(2, 8),)


def checkpointed():
    def run(m, x):
        return checkpoint(m.inner, x, use_reentrant=False) + checkpoint(m.inner, x, use_reentrant=True)
    return Of(run, inner=nn.Sequential(lin(), nn.ReLU(), lin())), (r(2, 8),)


def vmapped():
    def run(m, x, weights):
        return torch.vmap(lambda w: F.linear(x, w))(weights) + torch.vmap(m.layer)(x.unsqueeze(1)).squeeze(1)
    return Of(run, layer=lin()), (r(2, 8), r(3, 8, 8))


def functional():
    def run(m, x):
        state = {name: value * 0.5 for name, value in m.layer.named_parameters()}
        return torch.func.functional_call(m.layer, state, (x,))
    return Of(run, layer=lin()), (r(2, 8),)


def stacked_ensemble():
    def run(m, x):
        state, buffers = torch.func.stack_module_state(list(m.members))
        base = m.members[0]
        return torch.vmap(lambda p, b: torch.func.functional_call(base, (p, b), (x,)))(state, buffers)
    return Of(run, members=nn.ModuleList([lin(), lin(), lin()])), (r(2, 8),)


def derivatives():
    def run(m, x):
        return torch.func.jvp(m.layer, (x,), (torch.ones_like(x),))[1]
    return Of(run, layer=lin()), (r(2, 8),)


def compiled_part():
    m = Of(lambda m, x: m.second(m.first(x)), first=lin(), second=lin())
    m.first.compile(backend="eager")
    m.second = torch.compile(m.second, backend="eager")
    return m, (r(2, 8),)


def scripted_part():
    return Of(lambda m, x: m.second(m.first(x)), first=torch.jit.script(nn.Sequential(lin(), nn.ReLU())),
              second=lin()), (r(2, 8),)


def traced_part():
    return Of(lambda m, x: m.second(m.first(x)), first=torch.jit.trace(lin(), r(2, 8)), second=lin()), (r(2, 8),)


def mixture():
    def run(m, x):
        weights, experts = m.gate(x).softmax(-1).topk(2, -1)
        out = torch.zeros_like(x)
        for number, expert in enumerate(m.experts):
            rows = torch.arange(x.shape[0]).repeat(2)[:4]
            out.index_add_(0, rows, expert(x[rows]) * weights[rows, experts[rows, 0] * 0 + number % 2, None])
        return out
    return Of(run, gate=lin(8, 3), experts=nn.ModuleList([lin(), lin(), lin()])), (r(5, 8),)


def einsums():
    def run(m, x):
        return torch.einsum("bld,hde,bme->bhlm", x, m.weight, x)
    return Of(run, weight=nn.Parameter(r(2, 8, 8))), (r(2, 5, 8),)


def scatters():
    def run(m, x, edges):
        message = m.layer(x[edges[0]])
        out = torch.zeros_like(x).scatter_add(0, edges[1][:, None].expand_as(message), message)
        return out.scatter_reduce(0, edges[1][:, None].expand_as(message), message, "amax") @ m.weight
    return Of(run, layer=lin(), weight=nn.Parameter(r(8, 4))), (r(5, 8), torch.tensor([[0, 1, 2], [1, 2, 3]]))


class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight):
        ctx.save_for_backward(x, weight)
        return x @ weight * 2

    @staticmethod
    def backward(ctx, gradient):
        x, weight = ctx.saved_tensors
        return 2 * gradient @ weight.T, 2 * x.T @ gradient


def custom_function():
    return Of(lambda m, x: Doubled.apply(x, m.weight), weight=nn.Parameter(r(8, 4))), (r(2, 8),)


@torch.library.custom_op("zoometer_odd::scaled", mutates_args=())
def scaled(x: torch.Tensor, factor: float) -> torch.Tensor:
    return x * factor


@scaled.register_fake
def _(x, factor):
    return torch.empty_like(x)


@torch.library.custom_op("zoometer_odd::plain", mutates_args=())
def plain(x: torch.Tensor) -> torch.Tensor:
    return x + 1


def custom_operator():
    return Of(lambda m, x: m.layer(torch.ops.zoometer_odd.scaled(x, 2.0)), layer=lin()), (r(2, 8),)


def custom_operator_without_fake():
    return Of(lambda m, x: m.layer(torch.ops.zoometer_odd.plain(x)), layer=lin()), (r(2, 8),)


def data_parallel():
    return nn.DataParallel(nn.Sequential(lin(), lin(8, 4))), (r(2, 8),)


def fake_quantised():
    m = nn.Sequential(torch.ao.quantization.FakeQuantize(), lin(), torch.ao.quantization.FakeQuantize())
    m(r(2, 8))
    return m, (r(2, 8),)


def weight_norms():
    m = nn.Sequential(nn.utils.parametrizations.weight_norm(lin()), nn.utils.parametrizations.spectral_norm(lin()),
                      nn.utils.parametrizations.orthogonal(lin()))
    return m, (r(2, 8),)


def pruned():
    m = nn.Sequential(lin(), lin())
    nn.utils.prune.l1_unstructured(m[0], "weight", 0.5)
    return m, (r(2, 8),)


def recurrent():
    def run(m, x):
        out, (h, _) = m.lstm(x)
        step = m.cell(out[:, -1], h[-1])
        return m.gru(out)[0].mean(1) + step
    return Of(run, lstm=nn.LSTM(8, 8, 2, batch_first=True), cell=nn.GRUCell(8, 8),
              gru=nn.GRU(8, 8, batch_first=True)), (r(2, 3, 8),)


def packed():
    def run(m, x):
        sequence = nn.utils.rnn.pack_padded_sequence(x, [5, 3], batch_first=True)
        return nn.utils.rnn.pad_packed_sequence(sequence, batch_first=True)[0] @ m.weight
    return Of(run, weight=nn.Parameter(r(8, 4))), (r(2, 5, 8),)


def transformers_layer():
    return nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval(), (r(2, 5, 8),)


def attention_of_two():
    def run(m, x, y):
        return m.attention(x, y, y, need_weights=True)
    return Of(run, attention=nn.MultiheadAttention(8, 2, batch_first=True)), (r(2, 5, 8), r(2, 7, 8))


def convolutions():
    return nn.Sequential(nn.Conv1d(8, 8, 3, padding="same", groups=2), nn.ConvTranspose1d(8, 4, 3, stride=2),
                         nn.Unflatten(1, (4, 1)), nn.Conv2d(4, 6, 1), nn.PixelShuffle(1)), (r(2, 8, 9),)


def unfolded():
    def run(m, x):
        return m.weight @ F.unfold(x, 3)
    return Of(run, weight=nn.Parameter(r(4, 18))), (r(2, 2, 6, 6),)


def bilinear():
    return nn.Bilinear(4, 5, 6), (r(2, 4), r(2, 5))


def products():
    def run(m, x):
        outer = torch.outer(x[0], x[1])
        return torch.linalg.multi_dot([x, outer, m.weight]) + torch.addmm(m.bias, x, m.weight)
    return Of(run, weight=nn.Parameter(r(8, 4)), bias=nn.Parameter(r(4))), (r(3, 8),)


def solves():
    def run(m, x):
        return torch.linalg.solve(x @ x.mT + torch.eye(4), m.layer(x))
    return Of(run, layer=lin()), (r(2, 4, 8),)


def groups():
    def run(m, x):
        return torch._grouped_mm(x, m.weight, offs=torch.tensor([3, 4, 6], dtype=torch.int32))
    return Of(run, weight=nn.Parameter(r(3, 8, 16))), (r(6, 8),)


def sorts():
    def run(m, x):
        values, order = m.layer(x).sort(dim=1)
        return torch.gather(x, 1, order) @ values.mT
    return Of(run, layer=lin()), (r(2, 5, 8),)


def lazily():
    m = nn.Sequential(nn.LazyLinear(8), nn.LazyBatchNorm1d(), lin())
    m(r(2, 6))
    return m, (r(2, 6),)


def embedding_bags():
    def run(m, ids):
        return m.head(m.bag(ids, torch.tensor([0, 3])))
    return Of(run, bag=nn.EmbeddingBag(10, 8), head=lin()), (torch.arange(6),)


def partial_forward():
    m = lin()
    m.forward = functools.partial(F.linear, weight=m.weight[:4])
    return m, (r(2, 8),)


def functions_of_torch_function():
    class Tagged(torch.Tensor):
        pass

    def run(m, x):
        return m.layer(x.as_subclass(Tagged)).as_subclass(torch.Tensor)
    return Of(run, layer=lin()), (r(2, 8),)


def gradients_inside():
    def run(m, x):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            energy = m.layer(x).square().sum()
            return torch.autograd.grad(energy, x)[0]
    return Of(run, layer=lin()), (r(2, 8),)


def arrays_of_numpy():
    def run(m, x):
        places = torch.from_numpy(m.places)
        return m.layer(x[:, places])
    m = Of(run, layer=lin(3, 4))
    m.places = torch.tensor([0, 2, 4]).numpy()
    return m, (r(2, 8),)


MODULES = [with_hooks, tied, branches_on_shapes, branches_on_data, checks_of_data, tensors_of_numbers,
           steps_of_a_buffer, dict_inputs, dataclass_outputs, named_tuples, generators, buffers_made_in_forward,
           counts_calls, nested_tensors, sparse, complex_numbers, writes_through_views, autocast, checkpointed, vmapped,
           functional, stacked_ensemble, derivatives, compiled_part, scripted_part, traced_part, mixture, einsums,
           scatters, custom_function, custom_operator, custom_operator_without_fake, data_parallel, fake_quantised,
           weight_norms, pruned, recurrent, packed, transformers_layer, attention_of_two, convolutions, unfolded,
           bilinear, products, solves, groups, sorts, lazily, embedding_bags, partial_forward,
           functions_of_torch_function, gradients_inside, arrays_of_numpy, *odd_programs.MODULES]

# Where FlopCounterMode has no formula: the products that there are.
OTHERS = {
    "checks_of_data": 2 * 64,
    "sparse": 6 * 8 * 8 + 6 * 6 * 8,  # as if the matrix were dense
    "weight_norms": 3 * 2 * 64 + 8 * 64 + 64 + 8,  # with two products of a matrix and a vector, and of two vectors
    "recurrent": 2 * 3 * 2 * 512 + 2 * 3 * 384 + 2 * 384,
    "groups": 6 * 8 * 16,
    "bilinear": 2 * 6 * (4 * 5 + 5),
    "gradients_inside": 2 * 2 * 64,  # raises within FlopCounterMode
    **odd_programs.OTHERS,
}
# Operators without a formula, by module.
UNKNOWN = {
    "derivatives": {"aten::_efficientzerotensor", "prims::add"},
    "weight_norms": {"aten::matrix_exp"},
    "packed": {"aten::_pack_padded_sequence"},
    "custom_operator": {"zoometer_odd::scaled"},
    "custom_operator_without_fake": {"zoometer_odd::plain"},
    **odd_programs.UNKNOWN,
}
REFUSED = {"nested_tensors": "nested tensors"}


def snapshot(model):
    """All that must be as it was, in a form that compares."""
    rows = [torch.get_rng_state().tolist(), model.training]
    for name, module in model.named_modules():
        rows.append((name, sorted(module.__dict__), module.training, len(module._forward_hooks)))
        for table in (module._parameters, module._buffers):
            for key, value in table.items():
                if value is not None:
                    version = None if value.is_inference() else value._version
                    content = str(value) if type(value.data) is not torch.Tensor else value.detach().to_dense().tolist()
                    rows.append((key, id(value), version, value.requires_grad, str(value.device), content))
        rows.append(str({key: value for key, value in module.__dict__.items()
                         if isinstance(value, (int, float, str, list, tuple))}))
    return rows


def counted(model, args, kwargs):
    """Twice the products of a run on real numbers, of a copy."""
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        model(*args, **kwargs)
    return counter.get_total_flops() // 2


def evaluated(model):
    """In eval mode; an exported program has one mode only."""
    return model if isinstance(model, torch.fx.GraphModule) else model.eval()


def differences(make):
    model, args, *rest = make()
    kwargs = rest[0] if rest else {}
    evaluated(model)
    before = snapshot(model)
    found = []
    try:
        p = zoometer.profile(model, *args, **kwargs)
    except zoometer.CaptureError as error:
        wanted = REFUSED.get(make.__name__)
        same = snapshot(model) == before
        return [] if wanted and wanted in error.hint and same else [f"{error} ({error.hint}), unchanged: {same}"]
    if snapshot(model) != before:
        found.append("the module was changed")
    wanted = OTHERS.get(make.__name__)
    if wanted is None:
        other, other_args, *rest = make()
        wanted = counted(evaluated(other), other_args, rest[0] if rest else {})
    if p.macs != wanted:
        found.append(f"{p.macs} MACs, not {wanted}")
    unknown = {each.name for each in p.coverage.unknown}
    if unknown != UNKNOWN.get(make.__name__, set()):
        found.append(f"unknown operators {unknown}")
    own = odd_programs.PARAMETERS.get(make.__name__, sum(each.numel() for each in model.parameters()))
    if p.parameters != own:
        found.append(f"{p.parameters} parameters, not {own}")
    return found


def main():
    wanted = sys.argv[2:]
    passed = failed = 0
    for make in MODULES:
        if wanted and make.__name__ not in wanted:
            continue
        try:
            found = differences(make)
        except Exception as error:  # the others still run
            found = [f"{type(error).__name__}: {str(error)[:300]}"]
        if found:
            failed += 1
            print(make.__name__ + ":", "; ".join(found), flush=True)
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed")


main()
