"""Modules that run in unusual ways: higher-order operators, containers, wrappers, types. odd_modules.py profiles them."""

import collections
import concurrent.futures
import copy
import functools

import numpy
import torch
import torch.nn.functional as F
import torch.nn.utils.prune
import torchvision
from torch import nn
from torch._higher_order_ops.associative_scan import associative_scan
from torch._higher_order_ops.map import map as mapped
from torch._higher_order_ops.scan import scan
from torch._higher_order_ops.while_loop import while_loop
from torch.nn.attention.flex_attention import create_block_mask, flex_attention
from torch.nn.utils import parametrize

from odd_support import Of, lin, r


def packed_lstm():
    def run(m, x):
        sequence = nn.utils.rnn.pack_padded_sequence(x, [5, 3], batch_first=True)
        return nn.utils.rnn.pad_packed_sequence(m.lstm(sequence)[0], batch_first=True)[0]
    return Of(run, lstm=nn.LSTM(8, 8, batch_first=True)), (r(2, 5, 8),)


def projected_lstm():
    return nn.LSTM(8, 12, 2, bidirectional=True, proj_size=5, dropout=0.1), (r(4, 2, 8),)


def unbatched_gru():
    return nn.GRU(8, 6, bidirectional=True), (r(4, 8),)


def plain_rnn():
    return nn.RNN(8, 6, 2, nonlinearity="relu", bias=False), (r(4, 2, 8), r(2, 2, 6))


def dynamic_quantised():
    m = nn.Sequential(lin(), nn.ReLU(), lin())
    return torch.ao.quantization.quantize_dynamic(m, {nn.Linear}), (r(2, 8),)


def static_quantised():
    m = nn.Sequential(torch.ao.quantization.QuantStub(), nn.Conv2d(3, 4, 3), nn.ReLU(), torch.ao.quantization.DeQuantStub())
    m.eval()
    m.qconfig = torch.ao.quantization.get_default_qconfig("fbgemm")
    p = torch.ao.quantization.prepare(m)
    p(r(1, 3, 8, 8))
    return torch.ao.quantization.convert(p), (r(1, 3, 8, 8),)


class Lora(nn.Module):
    def __init__(self, base):
        super().__init__()
        self.base = base
        base.weight.requires_grad = False
        self.lora_A = nn.ModuleDict({"default": nn.Linear(8, 2, bias=False)})
        self.lora_B = nn.ModuleDict({"default": nn.Linear(2, 8, bias=False)})
        self.scaling = {"default": 2.0}
        self.dropout = nn.ModuleDict({"default": nn.Dropout(0.1)})

    def __getattr__(self, name):
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("base"), name)

    def forward(self, x, *args, **kwargs):
        y = self.base(x, *args, **kwargs)
        for name in self.lora_A:
            y = y + self.lora_B[name](self.lora_A[name](self.dropout[name](x))) * self.scaling[name]
        return y[..., :self.out_features]


def lora():
    return nn.Sequential(Lora(lin()), Lora(lin())), (r(2, 8),)


def whole_transformer():
    return nn.Transformer(8, 2, 2, 2, 16, batch_first=True), (r(2, 5, 8), r(2, 4, 8))


def fast_path_with_mask():
    m = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)
    return Of(lambda m, x, mask: m.e(x, src_key_padding_mask=mask), e=m), (r(2, 5, 8), torch.tensor([[False] * 5, [False] * 3 + [True] * 2]))


def attention_variants():
    def run(m, x, y):
        a = m.one(x, y, y[..., :4], need_weights=False)[0]
        b = m.two(x, x, x, attn_mask=torch.zeros(5, 5), average_attn_weights=False)
        return a + b[0], b[1]
    return Of(run, one=nn.MultiheadAttention(8, 2, kdim=6, vdim=4, batch_first=True),
              two=nn.MultiheadAttention(8, 2, add_bias_kv=True, add_zero_attn=True, batch_first=False)), (r(5, 2, 8), r(5, 3, 6))


def grouped_queries():
    def run(m, x):
        q, k, v = m.q(x).view(2, 5, 4, 4).transpose(1, 2), m.k(x).view(2, 5, 2, 4).transpose(1, 2), m.v(x).view(2, 5, 2, 4).transpose(1, 2)
        return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    return Of(run, q=lin(8, 16), k=lin(), v=lin()), (r(2, 5, 8),)



def flex():
    def run(m, q):
        return flex_attention(q, q, q, score_mod=lambda s, b, h, i, j: s + (i - j))
    return Of(run), (r(1, 2, 128, 16),)


def flex_block_mask():
    def run(m, q):
        mask = create_block_mask(lambda b, h, i, j: i >= j, None, None, 128, 128, device=q.device)
        return flex_attention(q, q, q, block_mask=mask)
    return Of(run), (r(1, 2, 128, 16),)


def weighted_bags():
    def run(m, ids, weights):
        return m.head(m.bag(ids, per_sample_weights=weights)) + m.two(ids)
    return Of(run, bag=nn.EmbeddingBag(10, 8, mode="sum"), two=nn.EmbeddingBag(10, 8, mode="max", max_norm=1.0), head=lin()), (torch.arange(6).view(2, 3), r(2, 3))


def ctc():
    def run(m, x, targets):
        logp = m.layer(x).log_softmax(-1)
        return F.ctc_loss(logp, targets, torch.tensor([6, 6]), torch.tensor([3, 2]))
    return Of(run, layer=lin()), (r(6, 2, 8), torch.tensor([[1, 2, 3], [1, 2, 0]]))


def losses():
    def run(m, x, y):
        z = m.layer(x)
        return F.cross_entropy(z, y, label_smoothing=0.1) + F.triplet_margin_loss(z, z + 1, z - 1) + F.kl_div(z.log_softmax(-1), z.softmax(-1), reduction="batchmean")
    return Of(run, layer=lin()), (r(4, 8), torch.tensor([0, 1, 2, 3]))


def sync_norm():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.SyncBatchNorm(4)), (r(1, 3, 8, 8),)


def old_norms():
    return nn.Sequential(nn.utils.weight_norm(nn.Conv1d(8, 8, 3)), nn.utils.spectral_norm(nn.Conv1d(8, 4, 1))), (r(2, 8, 9),)


def masks_of_pruning():
    m = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), lin(144, 8))
    nn.utils.prune.ln_structured(m[0], "weight", 0.5, n=2, dim=0)
    nn.utils.prune.random_unstructured(m[2], "bias", 2)
    return m, (r(1, 3, 8, 8),)


def parametrised_cached():
    class Symmetric(nn.Module):
        def forward(self, w):
            return w.triu() + w.triu(1).mT
    layer = lin()
    parametrize.register_parametrization(layer, "weight", Symmetric())
    def run(m, x):
        with parametrize.cached():
            return m.layer(m.layer(x))
    return Of(run, layer=layer), (r(2, 8),)



class Result:
    def __init__(self, y, more):
        self.y, self.more = y, more


def custom_result():
    return Of(lambda m, x: Result(m.layer(x), [m.layer(x * 2)]), layer=lin()), (r(2, 8),)


def yields():
    def run(m, x):
        for layer in m.layers:
            x = layer(x)
            yield x
    return Of(run, layers=nn.ModuleList([lin(), lin()])), (r(2, 8),)


def conditional():
    def run(m, x):
        return torch.cond(x.sum() > 0, lambda x: m.a(x), lambda x: m.a(x) * 2, (x,))
    return Of(run, a=lin(), b=lin()), (r(2, 8),)


def forks():
    def run(m, x):
        future = torch.jit.fork(m.a, x)
        return m.b(x) + torch.jit.wait(future)
    return Of(run, a=lin(), b=lin()), (r(2, 8),)


def threads():
    def run(m, x):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            return sum(pool.map(lambda layer: layer(x), m.layers))
    return Of(run, layers=nn.ModuleList([lin(), lin(), lin()])), (r(2, 8),)


def saved_hooks():
    def run(m, x):
        with torch.autograd.graph.save_on_cpu(), torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
            return m.a(x)
    return Of(run, a=lin()), (r(2, 8),)


def copies_inside():
    def run(m, x):
        return copy.deepcopy(m.a)(x) + copy.copy(m.a)(x)
    return Of(run, a=lin()), (r(2, 8),)


def modules_made_inside():
    def run(m, x):
        return nn.Linear(8, 4)(m.a(x))
    return Of(run, a=lin()), (r(2, 8),)


def user_dict():
    m = Of(lambda m, batch: m.a(batch["x"]) + batch["y"], a=lin())
    return m, (collections.UserDict(x=r(2, 8), y=r(2, 8)),)


def ordered_and_default_dicts():
    m = Of(lambda m, a, b: m.a(a["x"]) + m.a(b["y"]["z"]), a=lin())
    return m, (collections.OrderedDict(x=r(2, 8)), collections.defaultdict(dict, y={"z": r(2, 8)}))


class Bag:
    def __init__(self, **kw):
        self.__dict__.update(kw)


def plain_objects():
    m = Of(lambda m, bag: m.a(bag.x) + bag.inner.y, a=lin())
    return m, (Bag(x=r(2, 8), inner=Bag(y=r(2, 8))),)


def strings_and_none():
    m = Of(lambda m, x, mode, nothing=None, flag=True, *, name: m.a(x) if mode == "a" and flag and name else x, a=lin())
    return m, (r(2, 8), "a", None), {"name": "n", "flag": True}


def circular_padding():
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, padding_mode="circular", dilation=2), nn.ConvTranspose2d(4, 2, 3, stride=2, output_padding=1), nn.ReflectionPad2d(2),
                         nn.Conv2d(2, 2, 3, padding_mode="reflect", padding=1)), (r(1, 3, 16, 16).to(memory_format=torch.channels_last),)


def samples_grids():
    def run(m, x):
        theta = m.loc(x.flatten(1)).view(-1, 2, 3)
        return m.conv(F.grid_sample(x, F.affine_grid(theta, x.shape, align_corners=False), align_corners=False))
    return Of(run, loc=lin(192, 6), conv=nn.Conv2d(3, 2, 3)), (r(2, 3, 8, 8),)


def spectrograms():
    def run(m, x):
        s = torch.stft(x, 64, 16, window=m.window, return_complex=True)
        return torch.istft(s * 2, 64, 16, window=m.window) @ m.weight
    return Of(run, window=torch.hann_window(64), weight=nn.Parameter(r(256, 3))), (r(2, 256),)


def distributions():
    def run(m, x):
        d = torch.distributions.Normal(m.mean(x), F.softplus(m.std(x)))
        z = d.rsample()
        c = torch.distributions.Categorical(logits=m.mean(x))
        return z, d.log_prob(z).sum(-1), c.sample(), c.entropy()
    return Of(run, mean=lin(), std=lin()), (r(2, 8),)


def to_lists():
    def run(m, x, lengths):
        return [m.a(x[i, :n]) for i, n in enumerate(lengths.tolist())]
    return Of(run, a=lin()), (r(2, 5, 8), torch.tensor([5, 3]))


def floats_of_data():
    def run(m, x):
        scale = float(x.abs().max())
        return m.a(x / max(scale, 1e-6)) * int(x.shape[0] * 1.0)
    return Of(run, a=lin()), (r(2, 8),)


def numpys():
    def run(m, x):
        y = m.a(x).detach().cpu().numpy()
        return torch.from_numpy(numpy.maximum(y, 0)) @ m.w
    return Of(run, a=lin(), w=nn.Parameter(r(8, 3))), (r(2, 8),)


def selects_by_mask():
    def run(m, x):
        mask = x[..., 0] > 0
        out = torch.zeros_like(x)
        out[mask] = m.a(x[mask])
        return out, m.a(torch.masked_select(x, mask[..., None]).view(-1, 8)), torch.unique(x), mask.nonzero()
    return Of(run, a=lin()), (r(2, 5, 8).abs(),)


def adaptive_softmax():
    m = nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10])
    return Of(lambda m, x: m.a.log_prob(x), a=m), (r(3, 8),)


def decompositions():
    def run(m, x):
        s = x @ x.mT + 3 * torch.eye(4)
        u, d, v = torch.linalg.svd(s)
        q, _ = torch.linalg.qr(s)
        return torch.linalg.cholesky(s) + torch.linalg.inv(s) + torch.linalg.eigh(s)[1] + u @ v + q, torch.linalg.det(s)
    return Of(run), (r(2, 4, 4),)


def empty_batch():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), lin(144, 2)), (r(0, 3, 8, 8),)



def devices_inside():
    def run(m, x):
        y = torch.zeros(2, 8, device=x.device) + torch.arange(8, device=next(m.parameters()).device)
        if x.is_cuda:
            y = y.cuda()
        return m.a(x.to("cpu", non_blocking=True) + y.cpu())
    return Of(run, a=lin()), (r(2, 8),)


def pointers():
    def run(m, x):
        seen = {x.data_ptr(), x.untyped_storage().data_ptr()}
        return m.a(x) if seen else x
    return Of(run, a=lin()), (r(2, 8),)


def seeds_inside():
    def run(m, x):
        torch.manual_seed(7)
        g = torch.Generator().manual_seed(3)
        return m.a(x + torch.randn(2, 8, generator=g)) + torch.rand_like(x)
    return Of(run, a=lin()), (r(2, 8),)


def default_types():
    def run(m, x):
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            return m.a(x).double() @ torch.ones(8, 2)
        finally:
            torch.set_default_dtype(before)
    return Of(run, a=lin()), (r(2, 8),)


def int8_products():
    def run(m, x):
        return torch._int_mm(x, m.w.t())
    return Of(run, w=torch.ones(16, 32, dtype=torch.int8)), (torch.ones(32, 32, dtype=torch.int8),)


def int4_like():
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("qweight", torch.zeros(8, 4, dtype=torch.uint8))
            self.register_buffer("scales", torch.ones(8, 1))

        def forward(self, x):
            low, high = self.qweight & 15, self.qweight >> 4
            w = (torch.stack([low, high], -1).view(8, 8).to(x.dtype) - 8) * self.scales
            return F.linear(x, w)
    return nn.Sequential(Packed(), Packed()), (r(2, 8),)


class Scaled(torch.Tensor):
    """A wrapper, as of quantised weights."""
    @staticmethod
    def __new__(cls, data, scale):
        return torch.Tensor._make_wrapper_subclass(cls, data.shape, dtype=scale.dtype, device=data.device)

    def __init__(self, data, scale):
        self.inner, self.scale = data, scale

    def __tensor_flatten__(self):
        return ["inner", "scale"], None

    @classmethod
    def __tensor_unflatten__(cls, tensors, meta, size, stride):
        return cls(tensors["inner"], tensors["scale"])

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        if func in (torch.ops.aten.detach.default, torch.ops.aten.alias.default):
            return cls(func(args[0].inner), args[0].scale)
        plain = lambda a: a.inner.to(a.scale.dtype) * a.scale if isinstance(a, Scaled) else a
        return func(*[plain(a) for a in args], **{k: plain(v) for k, v in (kwargs or {}).items()})

    def __repr__(self, *_, **__):
        return "Scaled"


def wrapper_weights():
    m = lin()
    m.weight = nn.Parameter(Scaled(torch.ones(8, 8, dtype=torch.int8), torch.ones(8, 1)), requires_grad=False)
    return m, (r(2, 8),)


class Logged(torch.Tensor):
    calls = []

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.calls.append(getattr(func, "__name__", ""))
        return super().__torch_function__(func, types, args, kwargs or {})


def function_subclass_parameters():
    m = lin()
    m.weight = nn.Parameter(m.weight.detach().as_subclass(Logged))
    return m, (r(2, 8),)


def overridden_call():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = lin()

        def __call__(self, x):
            return super().__call__(x * 2) @ torch.ones(8, 3)

        def forward(self, x):
            return self.a(x)
    return nn.Sequential(Odd()), (r(2, 8),)


def backward_hooks():
    m = nn.Sequential(lin(), nn.ReLU(), lin())
    m[0].register_full_backward_hook(lambda module, i, o: None)
    m.register_full_backward_pre_hook(lambda module, o: None)
    return m, (r(2, 8).requires_grad_(),)


def strange_inputs():
    def run(m, x, y, z, b):
        return m.a(x) + m.a(y) + m.a(z.float()) * b
    return Of(run, a=lin()), (r(8, 2).T, r(1, 8).expand(2, 8), r(2, 8).half(), torch.ones(2, 8, dtype=torch.bool))


def decorated():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = lin()

        @torch.no_grad()
        def forward(self, x):
            return self.inner(x)

        @torch.inference_mode()
        def inner(self, x):
            return self.a(x)
    return Odd(), (r(2, 8),)


def compiled_whole():
    return torch.compile(nn.Sequential(lin(), nn.ReLU(), lin()), backend="eager"), (r(2, 8),)


def compiled_inner_function():
    f = torch.compile(lambda x, w: torch.relu(x @ w), backend="eager")
    return Of(lambda m, x: f(x, m.w), w=nn.Parameter(r(8, 4))), (r(2, 8),)


def scripted_loops():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = lin()

        def forward(self, x):
            i = 0
            while i < 3:
                if bool(x.sum() > 1e9):
                    x = x - 1
                x = self.a(x)
                i += 1
            return x
    return torch.jit.script(Odd()), (r(2, 8),)


def exported():
    return torch.export.export(nn.Sequential(lin(), nn.ReLU(), lin()), (r(2, 8),)).module(), (r(2, 8),)


def graph_module():
    return torch.fx.symbolic_trace(nn.Sequential(lin(), nn.ReLU(), lin())), (r(2, 8),)


def parameter_tables():
    def run(m, x):
        for w in m.list:
            x = x @ w
        return x @ m.table["a"]
    m = Of(run)
    m.list = nn.ParameterList([r(8, 8), r(8, 8)])
    m.table = nn.ParameterDict({"a": r(8, 3)})
    return m, (r(2, 8),)


def inner_gradients():
    return Of(lambda m, x: torch.func.grad(lambda y: m.a(y).sum())(x), a=lin()), (r(2, 8),)


def trains_inside():
    def run(m, x):
        with torch.enable_grad():
            w = m.w.detach().clone().requires_grad_()
            for _ in range(2):
                g, = torch.autograd.grad(((x @ w) ** 2).sum(), w)
                w = w - 0.1 * g
        return x @ w
    return Of(run, w=nn.Parameter(r(8, 4))), (r(2, 8),)


def stores_modules_in_lists():
    m = Of(lambda m, x: m.hidden[0](m.a(x)), a=lin())
    m.hidden = [lin()]
    return m, (r(2, 8),)


def weak_and_properties():
    class Odd(nn.Module):
        __slots__ = ("extra",)

        def __init__(self):
            super().__init__()
            self.a = lin()
            self.extra = 3

        @property
        def layer(self):
            return self.a

        @functools.cached_property
        def table(self):
            return torch.ones(8, 2)

        def forward(self, x):
            return self.layer(x) @ self.table * self.extra
    return Odd(), (r(2, 8),)


def caches_functions():
    @functools.lru_cache
    def positions(n):
        return torch.arange(n, dtype=torch.float32)
    m = Of(lambda m, x: m.a(x + positions(8)), a=lin())
    return m, (r(2, 8),)


def inference_parameters():
    with torch.inference_mode():
        m = nn.Sequential(lin(), nn.BatchNorm1d(8))
    return m, (r(2, 8),)


def while_loops():
    def run(m, x):
        return while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, m.a(y)), (torch.tensor(0), x))[1]
    return Of(run, a=lin()), (r(2, 8),)


def scans():
    def run(m, x):
        return scan(lambda c, y: (c + y, c * y), torch.zeros(8), m.a(x))[1]
    return Of(run, a=lin()), (r(4, 8),)


def samples_tokens():
    def run(m, ids):
        for _ in range(3):
            logits = m.head(m.table(ids))[:, -1]
            ids = torch.cat([ids, torch.multinomial(logits.softmax(-1), 1)], 1)
            if bool((ids[:, -1] == 99).all()):
                break
        return ids
    return Of(run, table=nn.Embedding(10, 8), head=lin(8, 10)), (torch.arange(6).view(2, 3),)


def float8():
    def run(m, x):
        a = x.to(torch.float8_e4m3fn)
        b = m.w.to(torch.float8_e4m3fn)
        return torch._scaled_mm(a, b.t(), scale_a=torch.tensor(1.0), scale_b=torch.tensor(1.0), out_dtype=torch.bfloat16)
    return Of(run, w=nn.Parameter(r(16, 32))), (r(16, 32),)


def deform():
    return Of(lambda m, x, o: torchvision.ops.deform_conv2d(x, o, m.w) @ m.v, w=nn.Parameter(r(4, 3, 3, 3)), v=nn.Parameter(r(6, 2))), (r(1, 3, 8, 8), r(1, 18, 6, 6))


def roi_and_nms():
    def run(m, x, boxes):
        keep = torchvision.ops.nms(boxes, boxes[:, 0], 0.5)
        return m.a(torchvision.ops.roi_align(x, [boxes[keep]], 2).flatten(1))
    return Of(run, a=lin(12, 3)), (r(1, 3, 8, 8), torch.tensor([[0., 0, 4, 4], [1, 1, 7, 7]]))


def inplace_parameters():
    def run(m, x):
        m.w.data.clamp_(-1, 1)
        m.w.data = m.w.data * 2
        return x @ m.w
    return Of(run, w=nn.Parameter(r(8, 4))), (r(2, 8),)


def swaps_parameters():
    def run(m, x):
        saved = m.a.weight
        m.a.weight = nn.Parameter(saved * 2)
        y = m.a(x)
        m.a.weight = saved
        return y
    return Of(run, a=lin()), (r(2, 8),)


def hooks_that_keep():
    m = nn.Sequential(lin(), nn.ReLU(), lin())
    kept = m.kept = []
    m[1].register_forward_hook(lambda module, args, out: kept.append(out))
    return m, (r(2, 8),)


def closures_over_tensors():
    w = r(8, 4)
    return Of(lambda m, x: m.a(x) @ w, a=lin()), (r(2, 8),)


def distributed():
    """A process group of this process alone, which stays."""
    import torch.distributed as dist
    if not dist.is_initialized():
        dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    return dist


def data_parallel_of_processes():
    distributed()
    return nn.parallel.DistributedDataParallel(nn.Sequential(lin(), lin(8, 4))), (r(2, 8),)


def packed_input():
    sequence = nn.utils.rnn.pack_padded_sequence(r(2, 5, 8), [5, 3], batch_first=True)
    return nn.LSTM(8, 8, batch_first=True), (sequence,)


def maps():
    return Of(lambda m, x: mapped(lambda row: m.a(row), x), a=lin()), (r(4, 2, 8),)


def products_of_a_scan():
    return Of(lambda m, x: associative_scan(torch.matmul, x, 0, combine_mode="generic")), (r(8, 4, 4),)


MODULES = [packed_lstm, projected_lstm, unbatched_gru, plain_rnn, dynamic_quantised, static_quantised, lora,
           whole_transformer, fast_path_with_mask, attention_variants, grouped_queries, flex, flex_block_mask,
           weighted_bags, ctc, losses, sync_norm, old_norms, masks_of_pruning, parametrised_cached, custom_result,
           yields, conditional, forks, threads, saved_hooks, copies_inside, modules_made_inside, user_dict,
           ordered_and_default_dicts, plain_objects, strings_and_none, circular_padding, samples_grids, spectrograms,
           distributions, to_lists, floats_of_data, numpys, selects_by_mask, adaptive_softmax, decompositions,
           empty_batch, devices_inside, pointers, seeds_inside, default_types, int8_products, int4_like,
           wrapper_weights, function_subclass_parameters, overridden_call, backward_hooks, strange_inputs, decorated,
           compiled_whole, compiled_inner_function, scripted_loops, exported, graph_module, parameter_tables,
           inner_gradients, trains_inside, stores_modules_in_lists, weak_and_properties, caches_functions,
           inference_parameters, while_loops, scans, samples_tokens, float8, deform, roi_and_nms, inplace_parameters,
           swaps_parameters, hooks_that_keep, closures_over_tensors, data_parallel_of_processes, packed_input, maps,
           products_of_a_scan]

# Where FlopCounterMode has no formula, or does not run: the products that there are.
OTHERS = {
    "old_norms": 2 * 7 * 8 * 8 * 3 + 2 * 7 * 4 * 8 + 4 * 8 + 4,  # with a product of a matrix and a vector, and of two vectors
    "samples_grids": 2 * 192 * 6 + 2 * 64 * 6 + 2 * 36 * 2 * 27,  # with that of an affine grid
    "int8_products": 32 * 16 * 32,
    "inner_gradients": 2 * 2 * 64,
    "inference_parameters": 2 * 64,
    "maps": 4 * 2 * 64,
    "while_loops": 3 * 128,
    "scans": 4 * 64,
    "flex": 2 * 2 * 128 * 128 * 16,
    "flex_block_mask": 2 * 2 * 128 * 128 * 16,
    "deform": 36 * 4 * 27 + 36 * 4 * 2,
}
# Operators without a formula, by module.
UNKNOWN = {
    "packed_lstm": {"aten::_pack_padded_sequence"},
    "dynamic_quantised": {"quantized::linear_dynamic"},
    "static_quantised": {"quantized::conv2d.new", "aten::dequantize.self", "aten::quantize_per_tensor"},
    "weighted_bags": {"aten::embedding_renorm_"},
    "ctc": {"aten::_ctc_loss.Tensor"},
    "spectrograms": {"aten::unfold_backward"},
    "decompositions": {"aten::linalg_eigh", "aten::linalg_svd"},
    "roi_and_nms": {"torchvision::roi_align"},
}
# Parameters, where buffers are some: integers that are multiplied are a weight.
PARAMETERS = {"int8_products": 16 * 32}
