"""Small modules of every ATen operator that zoometer translates, with several settings each: for
exported_values.py. A module is a function of its example inputs, or an nn.Module."""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.ao.quantization.fx._decomposed  # declares torch.ops.quantized_decomposed
import torch.nn.functional as F
from torch import nn

Case = tuple[str, Callable[..., Any], tuple[Any, ...]]

_seed = torch.Generator().manual_seed(18)


def r(*sizes: int) -> torch.Tensor:
    return torch.randn(*sizes, generator=_seed)


def u(*sizes: int) -> torch.Tensor:
    return torch.rand(*sizes, generator=_seed) * 0.9 + 0.05


def n(*sizes: int, low: int = -5, high: int = 6, dtype: torch.dtype = torch.int64) -> torch.Tensor:
    return torch.randint(low, high, sizes, generator=_seed).to(dtype)


def b(*sizes: int) -> torch.Tensor:
    return torch.rand(*sizes, generator=_seed) > 0.5


class Cache(nn.Module):
    def __init__(self, write: Callable[..., Any]) -> None:
        super().__init__()
        self.register_buffer("keys", r(1, 8, 4))
        self.write = write

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.write(self.keys, *inputs)


class Layer(nn.Module):
    """A layer and what is to be done with its results."""

    def __init__(self, layer: nn.Module, take: Callable[..., Any] = lambda y: y) -> None:
        super().__init__()
        self.layer = layer.eval()
        self.take = take

    def forward(self, *inputs: torch.Tensor) -> Any:
        return self.take(self.layer(*inputs))


def unary() -> list[Case]:
    x, p, w = r(3, 4) * 3, u(3, 4) * 4 + 0.1, u(3, 4) * 1.8 - 0.9
    i, t = n(3, 4), b(3, 4)
    cases: list[Case] = []
    for name in ("abs ceil cos cosh erf erfc exp exp2 expm1 floor frac neg relu round sigmoid sign sin sinc sinh tan "
                 "tanh trunc square isnan isinf isfinite signbit sgn logical_not rad2deg deg2rad positive").split():
        cases.append((name, getattr(torch, name), (x,)))
    for name in "log log2 log10 log1p sqrt rsqrt reciprocal digamma lgamma".split():
        cases.append((name, getattr(torch, name), (p,)))
    for name in "asin acos atan atanh asinh logit".split():
        cases.append((name, getattr(torch, name), (w,)))
    cases.append(("acosh", torch.acosh, (p + 1,)))
    for name in ("erfinv ndtr log_ndtr i0 i0e i1 expit entr erfcx xlog1py").split():
        f = getattr(torch.special, name)
        cases.append((f"special.{name}", f, (u(3, 4), u(3, 4)) if name == "xlog1py" else (u(3, 4),)))
    for name in "abs neg sign square logical_not relu bitwise_not sqrt exp sin sigmoid rsqrt reciprocal tanh log1p erf".split():
        f = getattr(torch, name)
        arg = i.abs() + 1 if name in ("sqrt", "rsqrt", "reciprocal", "log1p") else i
        cases.append((f"{name} of integers", f, (arg,)))
    cases += [
        ("bitwise_not of booleans", torch.bitwise_not, (t,)),
        ("logical_not of booleans", torch.logical_not, (t,)),
        ("exp of booleans", torch.exp, (t,)),
        ("round decimals 1", lambda x: torch.round(x / 7, decimals=1), (x,)),
        ("round decimals -1", lambda x: torch.round(x * 7, decimals=-1), (x,)),
        ("clamp both", lambda x: x.clamp(-1, 2), (x,)),
        ("clamp min", lambda x: x.clamp(min=-1), (x,)),
        ("clamp max", lambda x: x.clamp(max=1.5), (x,)),
        ("clamp of integers", lambda x: x.clamp(-2, 3), (i,)),
        ("clamp of integers by a real", lambda x: x.clamp(-2.5, 1.5), (i,)),
        ("clamp by tensors", lambda x, lo, hi: x.clamp(lo, hi), (x, r(4) - 2, r(4) + 2)),
        ("clamp int32", lambda x: x.clamp(max=2), (i.int(),)),
        ("nan_to_num", lambda x: torch.nan_to_num(x / 0.0, nan=1.0, posinf=5.0, neginf=-7.0), (torch.tensor([1.0, 0.0, -2.0]),)),
        ("nan_to_num defaults", lambda x: torch.nan_to_num(x), (r(4),)),
        ("isposinf", lambda x: torch.isposinf(x / 0.0), (torch.tensor([1.0, 0.0, -2.0]),)),
        ("isneginf", lambda x: torch.isneginf(x / 0.0), (torch.tensor([1.0, 0.0, -2.0]),)),
        ("isnan of nan", lambda x: torch.isnan(x / 0.0), (torch.tensor([1.0, 0.0, -2.0]),)),
        ("cumsum", lambda x: x.cumsum(1), (x,)),
        ("cumsum of booleans", lambda x: x.cumsum(0), (t,)),
        ("cumsum of int32", lambda x: x.cumsum(-1), (i.int(),)),
        ("cumsum dtype", lambda x: x.cumsum(1, dtype=torch.float32), (i,)),
        ("cumprod", lambda x: x.cumprod(1), (x,)),
        ("cumprod of integers", lambda x: x.cumprod(0), (i,)),
        ("cummax", lambda x: x.cummax(1), (x,)),
        ("cummin", lambda x: x.cummin(0), (x,)),
        ("logcumsumexp", lambda x: x.logcumsumexp(1), (x,)),
        ("polygamma", lambda x: torch.polygamma(1, x), (p,)),
        ("angle", torch.angle, (x,)),
        ("to float16 and back", lambda x: x.half().float(), (x,)),
        ("to int64", lambda x: x.long(), (x,)),
        ("to bool", lambda x: x.bool(), (x,)),
        ("to uint8", lambda x: x.abs().to(torch.uint8), (x,)),
        ("to float64", lambda x: x.double() * 2, (x,)),
        ("to type_as", lambda x, y: x.type_as(y), (x, i)),
        ("float of integers", lambda x: x.float(), (i,)),
        ("clone", lambda x: x.clone(), (x,)),
        ("contiguous of transposed", lambda x: x.t().contiguous(), (x,)),
    ]
    return cases


def activations() -> list[Case]:
    x = r(3, 4) * 3
    y = r(2, 3, 4)
    return [
        ("relu6", F.relu6, (x * 3,)),
        ("leaky_relu", F.leaky_relu, (x,)),
        ("leaky_relu slope", lambda x: F.leaky_relu(x, 0.2), (x,)),
        ("elu", F.elu, (x,)),
        ("elu alpha", lambda x: F.elu(x, 0.5), (x,)),
        ("selu", F.selu, (x,)),
        ("celu", F.celu, (x,)),
        ("celu alpha", lambda x: F.celu(x, 2.0), (x,)),
        ("gelu", F.gelu, (x,)),
        ("gelu tanh", lambda x: F.gelu(x, approximate="tanh"), (x,)),
        ("silu", F.silu, (x,)),
        ("mish", F.mish, (x,)),
        ("hardswish", F.hardswish, (x * 2,)),
        ("hardsigmoid", F.hardsigmoid, (x * 2,)),
        ("hardtanh", F.hardtanh, (x,)),
        ("hardtanh limits", lambda x: F.hardtanh(x, -0.5, 2), (x,)),
        ("softplus", F.softplus, (x,)),
        ("softplus beta", lambda x: F.softplus(x, beta=2), (x,)),
        ("softplus threshold", lambda x: F.softplus(x, beta=1, threshold=1), (x,)),
        ("softplus beta threshold", lambda x: F.softplus(x, beta=3, threshold=2), (x,)),
        ("softplus large", F.softplus, (x * 30,)),
        ("softsign", F.softsign, (x,)),
        ("tanhshrink", F.tanhshrink, (x,)),
        ("hardshrink", F.hardshrink, (x,)),
        ("hardshrink lambd", lambda x: F.hardshrink(x, 1.5), (x,)),
        ("softshrink", F.softshrink, (x,)),
        ("softshrink lambd", lambda x: F.softshrink(x, 1.5), (x,)),
        ("threshold", lambda x: F.threshold(x, 0.3, 20), (x,)),
        ("logsigmoid", F.logsigmoid, (x,)),
        ("logsigmoid large", F.logsigmoid, (x * 40,)),
        ("glu", lambda x: F.glu(x, 1), (x,)),
        ("glu last", F.glu, (x,)),
        ("prelu", lambda x: F.prelu(x, torch.tensor([0.3])), (x,)),
        ("prelu channels", Layer(nn.PReLU(3)), (y,)),
        ("prelu channels 4d", Layer(nn.PReLU(3)), (r(2, 3, 4, 5),)),
        ("rrelu", lambda x: F.rrelu(x), (x,)),
        ("rrelu limits", lambda x: F.rrelu(x, 0.1, 0.5), (x,)),
        ("softmax", lambda x: x.softmax(-1), (x,)),
        ("softmax 0", lambda x: x.softmax(0), (x,)),
        ("softmax dtype", lambda x: x.softmax(1, dtype=torch.float32), (n(3, 4),)),
        ("softmin", lambda x: F.softmin(x, 1), (x,)),
        ("log_softmax", lambda x: x.log_softmax(1), (x,)),
        ("softmax of a scalar", lambda x: x.sum().softmax(0), (x,)),
        ("dropout", lambda x: F.dropout(x, 0.5, training=False), (x,)),
        ("alpha_dropout", lambda x: F.alpha_dropout(x, 0.5, training=False), (x,)),
        ("normalize", lambda x: F.normalize(x, dim=1), (x,)),
        ("normalize p1", lambda x: F.normalize(x, p=1.0, dim=1), (x,)),
        ("normalize p3", lambda x: F.normalize(x, p=3.0, dim=0), (x,)),
        ("cosine_similarity", lambda x, y: F.cosine_similarity(x, y, dim=1), (x, r(3, 4))),
        ("pairwise_distance", lambda x, y: F.pairwise_distance(x, y), (x, r(3, 4))),
        ("pairwise_distance p1", lambda x, y: F.pairwise_distance(x, y, p=1.0), (x, r(3, 4))),
        ("cdist", lambda x, y: torch.cdist(x, y), (x, r(5, 4))),
        ("cdist p1", lambda x, y: torch.cdist(x, y, p=1.0), (x, r(5, 4))),
        ("cdist inf", lambda x, y: torch.cdist(x, y, p=math.inf), (x, r(5, 4))),
        ("cdist p3", lambda x, y: torch.cdist(x, y, p=3.0), (r(2, 3, 4), r(2, 5, 4))),
        ("pdist", lambda x: F.pdist(x), (x,)),
        ("pdist p1", lambda x: F.pdist(x, p=1.0), (x,)),
    ]


def pairs() -> list[Case]:
    x, y, i, j, t, s = r(3, 4), r(3, 4), n(3, 4), n(3, 4), b(3, 4), b(3, 4)
    nz = n(3, 4, low=1)
    cases: list[Case] = []
    for name in "add sub mul div maximum minimum pow eq ne lt le gt ge atan2 hypot logaddexp logaddexp2 copysign fmod remainder floor_divide heaviside fmax fmin true_divide xlogy nextafter".split():
        f = getattr(torch, name)
        positive = name in ("pow", "xlogy")
        cases.append((f"{name}", f, (x.abs() + 0.1 if positive else x, y.abs() + 0.2 if name in ("xlogy", "fmod") else y)))
        cases.append((f"{name} broadcast", f, (x.abs() + 0.1 if positive else x, u(4))))
    for name in "add sub mul div maximum minimum eq ne lt le gt ge floor_divide remainder fmod true_divide pow atan2".split():
        f = getattr(torch, name)
        a = n(3, 4, low=0, high=4) if name == "pow" else i
        c = n(3, 4, low=0, high=4) if name == "pow" else nz
        cases.append((f"{name} of integers", f, (a, c)))
        cases.append((f"{name} of int32 and int64", f, (a.int(), c)))
        cases.append((f"{name} of integers and reals", f, (a, u(3, 4) + 0.5)))
        cases.append((f"{name} of reals and integers", f, (u(3, 4) + 0.5, c)))
    for name in "add sub mul div eq lt ge floor_divide remainder fmod pow".split():
        f = getattr(torch, name)
        cases.append((f"{name} of reals and a number", lambda x, f=f: f(x, 2), (u(3, 4),)))
        cases.append((f"{name} of integers and a number", lambda x, f=f: f(x, 2), (i.abs(),)))
        cases.append((f"{name} of integers and a real number", lambda x, f=f: f(x, 1.5), (i.abs(),)))
        cases.append((f"{name} of int32 and a number", lambda x, f=f: f(x, 3), (i.int().abs(),)))
    for name in "add mul maximum minimum eq ne lt".split():
        f = getattr(torch, name)
        cases.append((f"{name} of booleans", f, (t, s)))
        cases.append((f"{name} of booleans and reals", f, (t, x)))
        cases.append((f"{name} of booleans and integers", f, (t, i)))
    for name in "bitwise_and bitwise_or bitwise_xor logical_and logical_or logical_xor".split():
        f = getattr(torch, name)
        cases.append((f"{name} of booleans", f, (t, s)))
        cases.append((f"{name} of integers", f, (i, j)))
    cases += [
        ("bitwise_and with a number", lambda x: x & 3, (i,)),
        ("shift left", lambda x: x << 2, (i.abs(),)),
        ("shift right", lambda x: x >> 1, (i.abs(),)),
        ("shift right negative", lambda x: x >> 1, (i,)),
        ("rsub", lambda x: 3 - x, (x,)),
        ("rsub of integers", lambda x: 3 - x, (i,)),
        ("rsub of a real", lambda x: 1.5 - x, (i,)),
        ("rdiv", lambda x: 1 / x, (u(3, 4),)),
        ("rdiv of integers", lambda x: 2 / x, (nz,)),
        ("rpow", lambda x: 2 ** x, (x,)),
        ("rpow of integers", lambda x: 2 ** x, (i.abs(),)),
        ("rfloordiv", lambda x: 7 // x, (nz,)),
        ("div trunc", lambda x, y: torch.div(x, y, rounding_mode="trunc"), (x * 5, u(3, 4))),
        ("div trunc of integers", lambda x, y: torch.div(x, y, rounding_mode="trunc"), (i, nz)),
        ("div trunc of large integers", lambda x: torch.div(x, 3, rounding_mode="trunc"), (i * (2 ** 40 + 1),)),
        ("div floor", lambda x, y: torch.div(x, y, rounding_mode="floor"), (x * 5, u(3, 4))),
        ("div floor of integers", lambda x, y: torch.div(x, y, rounding_mode="floor"), (i, nz)),
        ("div floor of integers and a number", lambda x: torch.div(x, 4, rounding_mode="floor"), (i,)),
        ("div trunc of integers and a number", lambda x: torch.div(x, 4, rounding_mode="trunc"), (i,)),
        ("add alpha", lambda x, y: torch.add(x, y, alpha=2.5), (x, y)),
        ("add alpha of integers", lambda x, y: torch.add(x, y, alpha=3), (i, j)),
        ("sub alpha", lambda x, y: torch.sub(x, y, alpha=0.5), (x, y)),
        ("rsub alpha", lambda x, y: torch.rsub(x, y, alpha=2), (x, y)),
        ("add of float64 and float32", torch.add, (x.double(), y)),
        ("mul of float16 and float32", torch.mul, (x.half(), y)),
        ("add of uint8", torch.add, (i.abs().to(torch.uint8), j.abs().to(torch.uint8))),
        ("mul of int8", torch.mul, (i.to(torch.int8), j.to(torch.int8))),
        ("add of int16 and int8", torch.add, (i.short(), j.to(torch.int8))),
        ("add of a scalar tensor", lambda x, y: x + y.sum(), (x, y)),
        ("add of an integer and a scalar real tensor", lambda x, y: x + y.sum(), (i, y)),
        ("add of int32 and a scalar int64 tensor", lambda x, y: x + y.sum(), (i.int(), j)),
        ("div of booleans", lambda x, y: x / (y + 1.0), (t, s)),
        ("lerp", lambda x, y: torch.lerp(x, y, 0.3), (x, y)),
        ("lerp weight", torch.lerp, (x, y, u(3, 4))),
        ("addcmul", lambda x, y, z: torch.addcmul(x, y, z, value=0.5), (x, y, r(3, 4))),
        ("addcdiv", lambda x, y, z: torch.addcdiv(x, y, z, value=2), (x, y, u(3, 4))),
        ("where", torch.where, (t, x, y)),
        ("where of a number", lambda c, x: torch.where(c, x, 0.5), (t, x)),
        ("where of numbers", lambda c: torch.where(c, 1.0, 0.0), (t,)),
        ("where of integers and reals", torch.where, (t, i, x)),
        ("where of an integer and a number", lambda c, x: torch.where(c, x, 7), (t, i)),
        ("where broadcast", torch.where, (b(3, 1), r(4), r(3, 4))),
        ("masked_fill", lambda x, m: x.masked_fill(m, -1e9), (x, t)),
        ("masked_fill inf", lambda x, m: x.masked_fill(m, float("-inf")).softmax(-1), (x, b(3, 1) & b(1, 4))),
        ("masked_fill of integers", lambda x, m: x.masked_fill(m, 7), (i, t)),
        ("masked_fill tensor", lambda x, m, v: x.masked_fill(m, v.sum()), (x, t, y)),
        ("masked_fill broadcast", lambda x, m: x.masked_fill(m, 2.0), (x, b(4))),
        ("isclose", lambda x, y: torch.isclose(x, y, rtol=0.5, atol=0.2), (x, y)),
        ("isclose equal_nan", lambda x, y: torch.isclose(x, y, equal_nan=True), (x, x.clone())),
        ("ldexp", torch.ldexp, (x, n(3, 4, low=0))),
        ("float_power", lambda x: torch.float_power(x, 2), (x,)),
        ("pow half", lambda x: x ** 0.5, (u(3, 4),)),
        ("pow -1", lambda x: x ** -1, (u(3, 4),)),
        ("gcd", torch.gcd, (i, j)),
        ("special.xlogy", torch.special.xlogy, (u(3, 4), u(3, 4))),
        ("special.zeta", lambda x: torch.special.zeta(x + 2, x + 1), (u(3, 4),)),
    ]
    return cases


def reductions() -> list[Case]:
    x, i, t = r(3, 4, 5), n(3, 4, 5), b(3, 4, 5)
    cases: list[Case] = []
    for name in "sum mean prod amax amin std var logsumexp norm all any argmax argmin median max min nansum nanmean count_nonzero aminmax std_mean var_mean nanmedian".split():
        f = getattr(torch, name)
        if name != "logsumexp":
            cases.append((name, f, (x,)))
        if name in ("norm",):
            continue
        cases.append((f"{name} dim", lambda x, f=f: f(x, dim=1), (x,)))
        if name != "count_nonzero":
            cases.append((f"{name} keepdim", lambda x, f=f: f(x, dim=-1, keepdim=True), (x,)))
        if name in "sum mean amax amin std var logsumexp nansum nanmean count_nonzero std_mean var_mean all any".split():
            cases.append((f"{name} dims", lambda x, f=f: f(x, dim=(0, 2)), (x,)))
    for name in "sum prod amax amin all any argmax argmin max min count_nonzero median".split():
        f = getattr(torch, name)
        cases.append((f"{name} of integers", lambda x, f=f: f(x, dim=1), (i,)))
        cases.append((f"{name} of int32", f, (i.int(),)))
        if name not in ("median", "argmax", "argmin"):
            cases.append((f"{name} of booleans", lambda x, f=f: f(x, dim=1), (t,)))
    cases += [
        ("sum of booleans to a number", lambda x: x.sum(), (t,)),
        ("sum dtype", lambda x: x.sum(1, dtype=torch.float32), (i,)),
        ("sum of uint8", lambda x: x.sum(1), (i.abs().to(torch.uint8),)),
        ("mean dtype", lambda x: x.mean(1, dtype=torch.float32), (i,)),
        ("mean of booleans", lambda x: x.float().mean(), (t,)),
        ("var biased", lambda x: x.var(1, unbiased=False), (x,)),
        ("var correction 2", lambda x: x.var(1, correction=2), (x,)),
        ("std biased", lambda x: x.std(unbiased=False), (x,)),
        ("std correction 0 dims", lambda x: x.std((1, 2), correction=0, keepdim=True), (x,)),
        ("var_mean correction", lambda x: torch.var_mean(x, 1, correction=0), (x,)),
        ("norm p1", lambda x: x.norm(1, dim=1), (x,)),
        ("norm p2", lambda x: x.norm(2, dim=(1, 2)), (x,)),
        ("norm inf", lambda x: torch.linalg.vector_norm(x, math.inf, dim=1), (x,)),
        ("norm -inf", lambda x: torch.linalg.vector_norm(x, -math.inf, dim=1), (x,)),
        ("norm 0", lambda x: torch.linalg.vector_norm(x.round(), 0, dim=1), (x,)),
        ("norm 3", lambda x: torch.linalg.vector_norm(x, 3, dim=1, keepdim=True), (x,)),
        ("norm 0.5", lambda x: torch.linalg.vector_norm(x, 0.5), (x,)),
        ("norm fro", lambda x: x.norm("fro"), (x,)),
        ("matrix_norm", lambda x: torch.linalg.matrix_norm(x), (x,)),
        ("matrix_norm 1", lambda x: torch.linalg.matrix_norm(x, 1), (x,)),
        ("argmax flat keepdim", lambda x: x.argmax(), (x,)),
        ("max with indices used", lambda x: x.max(1), (x,)),
        ("max indices only", lambda x: x.max(1)[1], (x,)),
        ("max of two", torch.max, (r(3, 4), r(3, 4))),
        ("topk", lambda x: x.topk(2), (x,)),
        ("topk smallest dim", lambda x: x.topk(2, dim=1, largest=False), (x,)),
        ("sort", lambda x: x.sort(), (x,)),
        ("sort descending", lambda x: x.sort(1, descending=True), (x,)),
        ("sort stable", lambda x: x.sort(stable=True, dim=0), (x,)),
        ("sort of integers", lambda x: x.sort(1)[0], (i,)),
        ("sort of int32", lambda x: x.sort(1)[0], (i.int(),)),
        ("argsort", lambda x: x.argsort(1), (x,)),
        ("argsort descending", lambda x: x.argsort(1, descending=True), (x,)),
        ("msort", torch.msort, (x,)),
        ("kthvalue", lambda x: x.kthvalue(2), (x,)),
        ("mode", lambda x: x.mode(1)[0], (i,)),
        ("quantile", lambda x: x.quantile(0.3, 1), (x,)),
        ("quantile of all", lambda x: x.quantile(0.5), (x,)),
        ("quantile keepdim", lambda x: x.quantile(0.7, 2, keepdim=True), (x,)),
        ("quantile lower", lambda x: x.quantile(0.3, 1, interpolation="lower"), (x,)),
        ("quantile several", lambda x: x.quantile(torch.tensor([0.1, 0.5]), 1), (x,)),
        ("nanquantile", lambda x: x.nanquantile(0.3, 1), (x,)),
        ("diff", lambda x: x.diff(), (x,)),
        ("diff 2 dim", lambda x: x.diff(2, 1), (x,)),
        ("diff prepend", lambda x, y: x.diff(dim=2, prepend=y), (x, r(3, 4, 1))),
        ("searchsorted", lambda s, x: torch.searchsorted(s, x), (r(8).sort()[0], r(3, 4))),
        ("searchsorted right", lambda s, x: torch.searchsorted(s, x, right=True), (torch.arange(8.0), n(3, 4, low=0, high=8).float())),
        ("bucketize", lambda x, s: torch.bucketize(x, s), (r(3, 4), r(8).sort()[0])),
        ("bucketize right int32", lambda x, s: torch.bucketize(x, s, right=True, out_int32=True), (r(3, 4), r(8).sort()[0])),
        ("isin", lambda x, y: torch.isin(x, y), (n(3, 4), n(3))),
        ("histc", lambda x: torch.histc(x, 5, -2, 2), (r(30),)),
        ("one_hot", lambda x: F.one_hot(x, 6), (n(3, 4, low=0),)),
        ("trace", torch.trace, (r(4, 4),)),
        ("renorm", lambda x: torch.renorm(x, 2, 0, 1.0), (r(3, 4),)),
        ("unique", lambda x: torch.unique(x), (n(12),)),
        ("bincount", lambda x: torch.bincount(x, minlength=6), (n(9, low=0, high=6),)),
        ("trapezoid", lambda x: torch.trapezoid(x), (r(3, 4),)),
    ]
    return cases


def layouts() -> list[Case]:
    x, i, t = r(3, 4, 5), n(3, 4, 5), b(3, 4, 5)
    image = r(2, 4, 6, 6)
    return [
        ("view", lambda x: x.view(12, 5), (x,)),
        ("view -1", lambda x: x.view(-1, 2), (r(3, 4),)),
        ("reshape of transposed", lambda x: x.transpose(0, 1).reshape(-1), (x,)),
        ("flatten", lambda x: x.flatten(1), (x,)),
        ("unflatten", lambda x: x.unflatten(1, (2, 2)), (x,)),
        ("squeeze", lambda x: x.squeeze(), (r(1, 3, 1, 4),)),
        ("squeeze dim", lambda x: x.squeeze(2), (r(1, 3, 1, 4),)),
        ("squeeze dims", lambda x: x.squeeze((0, 2)), (r(1, 3, 1, 4),)),
        ("squeeze none", lambda x: x.squeeze(1), (r(1, 3, 1, 4),)),
        ("unsqueeze", lambda x: x.unsqueeze(1), (x,)),
        ("unsqueeze -1", lambda x: x.unsqueeze(-1), (x,)),
        ("permute", lambda x: x.permute(2, 0, 1), (x,)),
        ("transpose", lambda x: x.transpose(-1, 0), (x,)),
        ("t", lambda x: x.t(), (r(3, 4),)),
        ("mT", lambda x: x.mT, (x,)),
        ("movedim", lambda x: x.movedim(0, 2), (x,)),
        ("movedim several", lambda x: x.movedim((0, 1), (2, 0)), (x,)),
        ("expand", lambda x: x.expand(3, -1, 4), (r(1, 5, 1),)),
        ("expand new", lambda x: x.expand(2, 3, 4), (r(3, 4),)),
        ("expand_as", lambda x, y: x.expand_as(y), (r(4, 1), x)),
        ("as_strided", lambda x: x.as_strided((2, 3), (3, 1), 1), (x,)),
        ("as_strided overlap", lambda x: x.as_strided((3, 3), (1, 2)), (x,)),
        ("slice", lambda x: x[1:, :2, 1:4], (x,)),
        ("slice step", lambda x: x[:, ::2], (x,)),
        ("slice negative", lambda x: x[:, -3:-1], (x,)),
        ("select", lambda x: x[1], (x,)),
        ("select -1", lambda x: x[..., -1], (x,)),
        ("narrow", lambda x: x.narrow(1, 1, 2), (x,)),
        ("split", lambda x: x.split(2, 1), (x,)),
        ("split rest", lambda x: x.split(2, 2), (x,)),
        ("split sizes", lambda x: x.split([1, 3], 1), (x,)),
        ("chunk", lambda x: x.chunk(3, 2), (x,)),
        ("unbind", lambda x: x.unbind(1), (x,)),
        ("tensor_split", lambda x: x.tensor_split(3, 2), (x,)),
        ("tensor_split places", lambda x: x.tensor_split((1, 3), 1), (x,)),
        ("hsplit", lambda x: torch.hsplit(x, 2), (x,)),
        ("vsplit", lambda x: torch.vsplit(x, 3), (x,)),
        ("unfold", lambda x: x.unfold(1, 2, 1), (x,)),
        ("unfold step", lambda x: x.unfold(2, 2, 2), (x,)),
        ("index_select", lambda x, k: x.index_select(1, k), (x, n(3, low=0, high=4))),
        ("index_select int32", lambda x, k: x.index_select(1, k), (x, n(3, low=0, high=4).int())),
        ("gather", lambda x, k: x.gather(1, k), (x, n(3, 2, 5, low=0, high=4))),
        ("gather smaller", lambda x, k: x.gather(2, k), (x, n(2, 3, 2, low=0, high=5))),
        ("take_along_dim", lambda x, k: torch.take_along_dim(x, k, 1), (x, n(3, 2, 5, low=0, high=4))),
        ("take_along_dim broadcast", lambda x, k: torch.take_along_dim(x, k, 1), (x, n(1, 2, 1, low=0, high=4))),
        ("take", lambda x, k: x.take(k), (x, n(2, 3, low=0, high=60))),
        ("embedding", lambda k, w: F.embedding(k, w), (n(2, 3, low=0, high=7), r(7, 4))),
        ("embedding layer", Layer(nn.Embedding(7, 4)), (n(2, 3, low=0, high=7),)),
        ("embedding padding", Layer(nn.Embedding(7, 4, padding_idx=0)), (n(2, 3, low=0, high=7),)),
        ("embedding_bag", Layer(nn.EmbeddingBag(7, 4)), (n(2, 3, low=0, high=7),)),
        ("embedding_bag sum", Layer(nn.EmbeddingBag(7, 4, mode="sum")), (n(2, 3, low=0, high=7),)),
        ("embedding_bag max", Layer(nn.EmbeddingBag(7, 4, mode="max")), (n(2, 3, low=0, high=7),)),
        ("index", lambda x, k: x[k], (x, n(4, low=0, high=3))),
        ("index negative", lambda x, k: x[k], (x, n(4, low=-3, high=3))),
        ("index second", lambda x, k: x[:, k], (x, n(4, low=0, high=4))),
        ("index last", lambda x, k: x[..., k], (x, n(2, 2, low=0, high=5))),
        ("index two", lambda x, k, l: x[k, l], (x, n(4, low=0, high=3), n(4, low=0, high=4))),
        ("index two last", lambda x, k, l: x[:, k, l], (x, n(4, low=0, high=4), n(4, low=0, high=5))),
        ("index apart", lambda x, k, l: x[k, :, l], (x, n(4, low=0, high=3), n(4, low=0, high=5))),
        ("index broadcast", lambda x, k, l: x[k, l], (x, n(4, 1, low=0, high=3), n(3, low=0, high=4))),
        ("index mask", lambda x, m: x[m], (x, b(3))),
        ("index_put", lambda x, k, v: x.index_put((k,), v), (x, torch.tensor([2, 0]), r(2, 4, 5))),
        ("index_put broadcast", lambda x, k, v: x.index_put((k,), v), (x, torch.tensor([2, 0]), r(5))),
        ("index_put two", lambda x, k, l, v: x.index_put((k, l), v), (x, torch.tensor([2, 0]), torch.tensor([1, 3]), r(2, 5))),
        ("index_put second axis", lambda x, k, v: torch.ops.aten.index_put(x, [None, k], v), (x, torch.tensor([3, 0]), r(3, 2, 5))),
        ("index_put accumulate", lambda x, k, v: x.index_put((k,), v, accumulate=True), (x, torch.tensor([2, 2]), r(2, 4, 5))),
        ("index_put mask", lambda x, m: torch.ops.aten.index_put(x, [m], torch.tensor(2.0)), (x, t)),
        ("nonzero", torch.nonzero, (n(3, 4, low=0, high=2),)),
        ("argwhere", torch.argwhere, (n(3, 4, low=0, high=2),)),
        ("masked_select", torch.masked_select, (x, t)),
        ("masked_select broadcast", torch.masked_select, (x, b(5))),
        ("masked_scatter", lambda x, m, s: x.masked_scatter(m, s), (x, t, r(60))),
        ("scatter", lambda x, k, s: x.scatter(1, k, s), (x, torch.tensor([0, 2]).reshape(1, 2, 1).expand(3, 2, 5), r(3, 2, 5))),
        ("scatter value", lambda x, k: x.scatter(1, k, 3.5), (x, n(3, 2, 5, low=0, high=4))),
        ("scatter smaller indices", lambda x, k, s: x.scatter(1, k, s), (x, n(2, 1, 3, low=0, high=4), r(3, 4, 5))),
        ("scatter_add", lambda x, k, s: x.scatter_add(1, k, s), (x, n(3, 2, 5, low=0, high=4), r(3, 2, 5))),
        ("scatter_reduce amax", lambda x, k, s: x.scatter_reduce(1, k, s, "amax"), (x, n(3, 2, 5, low=0, high=4), r(3, 2, 5))),
        ("scatter_reduce prod", lambda x, k, s: x.scatter_reduce(1, k, s, "prod"), (x, n(3, 2, 5, low=0, high=4), r(3, 2, 5))),
        ("scatter_reduce mean", lambda x, k, s: x.scatter_reduce(1, k, s, "mean"), (x, n(3, 2, 5, low=0, high=4), r(3, 2, 5))),
        ("scatter_reduce sum without self", lambda x, k, s: x.scatter_reduce(1, k, s, "sum", include_self=False), (x, n(3, 2, 5, low=0, high=4), r(3, 2, 5))),
        ("index_copy", lambda x, k, s: x.index_copy(1, k, s), (x, torch.tensor([3, 0]), r(3, 2, 5))),
        ("index_add", lambda x, k, s: x.index_add(1, k, s), (x, torch.tensor([3, 3]), r(3, 2, 5))),
        ("index_add alpha", lambda x, k, s: x.index_add(0, k, s, alpha=2), (x, torch.tensor([2]), r(1, 4, 5))),
        ("index_fill", lambda x, k: x.index_fill(1, k, 2.5), (x, torch.tensor([3, 0]))),
        ("index_reduce amin", lambda x, k, s: x.index_reduce(1, k, s, "amin"), (x, torch.tensor([3, 3]), r(3, 2, 5))),
        ("put", lambda x, k, s: x.put(k, s), (x, torch.tensor([3, 9, 20]), r(3))),
        ("select_scatter", lambda x, s: x.select_scatter(s, 1, 2), (x, r(3, 5))),
        ("slice_scatter", lambda x, s: x.slice_scatter(s, 1, 1, 3), (x, r(3, 2, 5))),
        ("slice_scatter step", lambda x, s: x.slice_scatter(s, 1, 0, 4, 2), (x, r(3, 2, 5))),
        ("diagonal_scatter", lambda x, s: x.diagonal_scatter(s), (r(4, 4), r(4))),
        ("as_strided_scatter", lambda x, s: x.as_strided_scatter(s, (2, 2), (1, 2)), (r(3, 3), r(2, 2))),
        ("cat", lambda x, y: torch.cat((x, y), 1), (x, r(3, 2, 5))),
        ("cat of types", lambda x, y: torch.cat((x, y), 0), (x, i)),
        ("cat of an empty one", lambda x: torch.cat((torch.zeros(0), x), 0), (x,)),
        ("stack", lambda x, y: torch.stack((x, y), -1), (x, r(3, 4, 5))),
        ("hstack", lambda x, y: torch.hstack((x, y)), (x, r(3, 2, 5))),
        ("vstack", lambda x, y: torch.vstack((x, y)), (r(4), r(4))),
        ("dstack", lambda x, y: torch.dstack((x, y)), (r(3, 4), r(3, 4))),
        ("column_stack", lambda x, y: torch.column_stack((x, y)), (r(4), r(4, 2))),
        ("block_diag", lambda x, y: torch.block_diag(x, y), (r(2, 3), r(3, 2))),
        ("meshgrid", lambda x, y: torch.meshgrid(x, y, indexing="ij"), (r(3), r(4))),
        ("meshgrid xy", lambda x, y: torch.meshgrid(x, y, indexing="xy"), (r(3), r(4))),
        ("cartesian_prod", lambda x, y: torch.cartesian_prod(x, y), (r(3), r(4))),
        ("broadcast_tensors", lambda x, y: torch.broadcast_tensors(x, y), (r(3, 1), r(4))),
        ("pad", lambda x: F.pad(x, (1, 2)), (x,)),
        ("pad value 2", lambda x: F.pad(x, (1, 2, 0, 1), value=2.5), (x,)),
        ("pad negative", lambda x: F.pad(x, (-1, 2)), (x,)),
        ("pad reflect", lambda x: F.pad(x, (1, 2), mode="reflect"), (x,)),
        ("pad reflect 2d", lambda x: F.pad(x, (1, 2, 0, 1), mode="reflect"), (image,)),
        ("pad replicate", lambda x: F.pad(x, (1, 2), mode="replicate"), (x,)),
        ("pad circular", lambda x: F.pad(x, (1, 2), mode="circular"), (x,)),
        ("pad of integers", lambda x: F.pad(x, (1, 2), value=3), (i,)),
        ("pad of booleans", lambda x: F.pad(x, (1, 2), value=True), (t,)),
        ("roll", lambda x: x.roll(1, 1), (x,)),
        ("roll flat", lambda x: x.roll(2), (x,)),
        ("roll several", lambda x: x.roll((1, -2), (0, 2)), (x,)),
        ("repeat", lambda x: x.repeat(2, 1, 3), (x,)),
        ("repeat new", lambda x: x.repeat(2, 1, 1, 1), (x,)),
        ("tile", lambda x: x.tile((2,)), (x,)),
        ("repeat_interleave", lambda x: x.repeat_interleave(2, 1), (x,)),
        ("repeat_interleave flat", lambda x: x.repeat_interleave(3), (x,)),
        ("flip", lambda x: x.flip(1), (x,)),
        ("flip two", lambda x: x.flip(0, 2), (x,)),
        ("rot90", lambda x: x.rot90(1, (1, 2)), (x,)),
        ("rot90 3", lambda x: x.rot90(3), (x,)),
        ("tril", lambda x: x.tril(), (x,)),
        ("tril 1", lambda x: x.tril(1), (x,)),
        ("triu -1", lambda x: x.triu(-1), (x,)),
        ("triu of booleans", lambda x: x.triu(1), (t,)),
        ("pixel_shuffle", lambda x: F.pixel_shuffle(x, 2), (image,)),
        ("pixel_unshuffle", lambda x: F.pixel_unshuffle(x, 2), (image,)),
        ("channel_shuffle", lambda x: F.channel_shuffle(x, 2), (image,)),
        ("unfold image", lambda x: F.unfold(x, 2), (image,)),
        ("unfold image settings", lambda x: F.unfold(x, (2, 3), dilation=2, padding=1, stride=2), (image,)),
        ("fold", lambda x: F.fold(x, (4, 4), 2, stride=2), (r(1, 8, 4),)),
        ("fold overlapping", lambda x: F.fold(x, (4, 5), (2, 2), padding=1, dilation=1), (r(1, 8, 30),)),
        ("diag", torch.diag, (r(4),)),
        ("diag offset", lambda x: torch.diag(x, 1), (r(4),)),
        ("diag of a matrix", torch.diag, (r(4, 4),)),
        ("diag_embed", torch.diag_embed, (r(3, 4),)),
        ("diagonal", lambda x: x.diagonal(0, 1, 2), (r(2, 4, 5),)),
        ("diagonal offset", lambda x: x.diagonal(1), (r(4, 5),)),
        ("zeros", lambda x: x[:2, :2, 0] + torch.zeros(2, 2), (x,)),
        ("ones_like", lambda x: torch.ones_like(x) + x, (x,)),
        ("zeros_like of integers", lambda x: torch.zeros_like(x) + x, (i,)),
        ("full", lambda x: torch.full((2, 3), 2.5) * x.sum(), (x,)),
        ("full of integers", lambda x: torch.full((2, 3), 7) + x.sum(), (i,)),
        ("full_like dtype", lambda x: torch.full_like(x, 3, dtype=torch.int64), (x,)),
        ("new_zeros", lambda x: x.new_zeros(2, 2) + x.sum(), (x,)),
        ("new_full", lambda x: x.new_full((2,), 3.0) + x.sum(), (x,)),
        ("fill", lambda x: torch.fill(x, 2.0), (x,)),
        ("arange", lambda x: torch.arange(5) + x.sum(), (i,)),
        ("arange of reals", lambda x: torch.arange(0.5, 3.2, 0.7) + x.sum(), (x,)),
        ("arange step", lambda x: torch.arange(1, 10, 3) + x.sum(), (i,)),
        ("arange down", lambda x: torch.arange(10, 0, -3) + x.sum(), (i,)),
        ("arange as reals", lambda x: torch.arange(4, dtype=torch.float32) * x.sum(), (x,)),
        ("linspace", lambda x: torch.linspace(-1, 1, 5) * x.sum(), (x,)),
        ("linspace of one", lambda x: torch.linspace(-1, 1, 1) * x.sum(), (x,)),
        ("logspace", lambda x: torch.logspace(0, 2, 4) * x.sum(), (x,)),
        ("logspace base", lambda x: torch.logspace(0, 2, 4, base=2) * x.sum(), (x,)),
        ("eye", lambda x: torch.eye(3, 5) * x.sum(), (x,)),
        ("tril_indices", lambda x: torch.tril_indices(3, 3) + x.sum(), (i,)),
        ("scalar_tensor", lambda x: torch.scalar_tensor(2.5) + x, (x,)),
        ("pad_sequence", lambda x, y: nn.utils.rnn.pad_sequence([x, y], batch_first=True), (r(3, 4), r(2, 4))),
        ("vander", lambda x: torch.vander(x), (r(4),)),
        ("atleast_3d", lambda x: torch.atleast_3d(x), (r(4),)),
    ]


def writes() -> list[Case]:
    """Writes through views and into buffers."""
    x = torch.arange(12.0).reshape(3, 4)

    def of(write: Callable[..., Any]) -> Callable[..., Any]:
        def module(x: torch.Tensor, *more: torch.Tensor) -> Any:
            y = x * 2
            result = write(y, x, *more)
            return y if result is None else result
        return module

    def several(y: torch.Tensor, x: torch.Tensor) -> None:
        y[:, 1:3] = x[:, :2] + 10
        y[0].mul_(5)

    def view_sees(y: torch.Tensor, x: torch.Tensor) -> Any:
        a, c = y.t(), y[1:]
        y[:, 0] = 7
        return a, c, y

    def view_of_view(y: torch.Tensor, x: torch.Tensor) -> Any:
        a = y[1:]
        a[:, 2].add_(x[1:, 0])
        return a, y

    def swap(y: torch.Tensor, x: torch.Tensor) -> Any:
        first = y[0].clone()
        y[0] = y[1]
        y[1] = first

    def pieces(y: torch.Tensor, x: torch.Tensor) -> Any:
        a, c = y.chunk(2, 1)
        a.add_(1)
        c.mul_(2)
        a[0].zero_()

    def joined(x: torch.Tensor) -> torch.Tensor:
        o = torch.zeros(3, 8)
        o[:, :4] = x
        o[:, 4:] = x * 3
        return o

    def loop(x: torch.Tensor) -> torch.Tensor:
        o = torch.empty(3, 4)
        for k in range(3):
            o[k] = x[k] * k
        return o

    def alias(y: torch.Tensor, x: torch.Tensor) -> Any:
        z = y
        z += 1
        w = y.detach()
        w[0, 0] = 100
        return y, z, w

    def before_and_after(y: torch.Tensor, x: torch.Tensor) -> Any:
        before = y.sum()
        y[1] = 0
        return before, y.sum()

    cases: list[Case] = [
        ("write input", lambda x: [x[1:].mul_(2), x.sum()][1], (x,)),
        ("write two inputs", lambda x, y: [x.add_(1), y[0].copy_(x[1]), x * y][2], (x, x + 1)),
        ("write slices", of(several), (x,)),
        ("write last column", of(lambda y, x: [y[..., 0].add_(1)] and None), (x,)),
        ("write += column", of(lambda y, x: y.__setitem__((..., 0), y[..., 0] + 1)), (x,)),
        ("write through view -1", of(lambda y, x: [y.view(-1)[::2].zero_()] and None), (x,)),
        ("write into zeros", joined, (x,)),
        ("write in a loop", loop, (x,)),
        ("write seen by views", of(view_sees), (x,)),
        ("write through a view of a view", of(view_of_view), (x,)),
        ("write swap", of(swap), (x,)),
        ("write chunks", of(pieces), (x,)),
        ("write aliases", of(alias), (x,)),
        ("write before and after", of(before_and_after), (x,)),
        ("write transposed", of(lambda y, x: [y.t()[1].mul_(3)] and None), (x,)),
        ("write permuted", of(lambda y, x: [y.permute(1, 0)[:2, 1:].fill_(3)] and None), (x,)),
        ("write unsqueezed", of(lambda y, x: [y.unsqueeze(0)[0, 1].neg_()] and None), (x,)),
        ("write squeezed", of(lambda y, x: [y[:1].squeeze(0).neg_()] and None), (x,)),
        ("write diagonal", of(lambda y, x: [y.diagonal().zero_()] and None), (x,)),
        ("write unbind", of(lambda y, x: [y.unbind(0)[1].add_(5)] and None), (x,)),
        ("write split", of(lambda y, x: [y.split([1, 3], 1)[1].relu_()] and None), (x - 5,)),
        ("write narrow", of(lambda y, x: [y.narrow(1, 1, 2).copy_(x[:, :2])] and None), (x,)),
        ("write step", of(lambda y, x: y.__setitem__((slice(None), slice(None, None, 2)), x[:, 1::2])), (x,)),
        ("write broadcast", of(lambda y, x: y.__setitem__((slice(1, None),), x[0])), (x,)),
        ("write number", of(lambda y, x: y.__setitem__((slice(None), 2), 9.0)), (x,)),
        ("write of another type", of(lambda y, x, k: y.__setitem__((slice(None), 2), k)), (x, n(3))),
        ("write mask", of(lambda y, x: y.__setitem__(x > 5, 1.0)), (x,)),
        ("write masked_fill_", of(lambda y, x: [y[1:].masked_fill_(x[1:] > 6, -1)] and None), (x,)),
        ("write index", of(lambda y, x, k: y.__setitem__(k, 1.5)), (x, torch.tensor([0, 2]))),
        ("write index in a view", of(lambda y, x, k: y[:, 1:].__setitem__(k, 1.5)), (x, torch.tensor([0, 2]))),
        ("write index of columns", of(lambda y, x, k: y.__setitem__((slice(None), k), x[:, :2])), (x, torch.tensor([3, 1]))),
        ("write += index", of(lambda y, x, k: y.__setitem__(k, y[k] + x[k])), (x, torch.tensor([0, 2]))),
        ("write scatter_", of(lambda y, x, k: [y.scatter_(1, k, 7.0)] and None), (x, n(3, 2, low=0, high=4))),
        ("write index_add_", of(lambda y, x, k: [y[:, 1:].index_add_(0, k, x[:2, 1:])] and None), (x, torch.tensor([0, 2]))),
        ("write relu_", of(lambda y, x: [y.sub_(6).relu_()] and None), (x,)),
        ("write clamp_ row", of(lambda y, x: [y[1].clamp_(max=9)] and None), (x,)),
        ("write into input", lambda x: x.add(0).add_(1), (x,)),
        ("write view as flat", of(lambda y, x: [y.reshape(-1)[3:6].copy_(x[0, :3])] and None), (x,)),
        ("write expand source", of(lambda y, x: [y[:, 1:].copy_(x[:, :1].expand(3, 3))] and None), (x,)),
        ("write lerp_", of(lambda y, x: [y[0].lerp_(x[1], 0.5)] and None), (x,)),
        ("write addcmul_", of(lambda y, x: [y[0].addcmul_(x[1], x[2])] and None), (x,)),
        ("write view then read view", of(lambda y, x: [y[0].zero_(), y[0:2] * 1][1]), (x,)),
        ("write triu_", of(lambda y, x: [y[:, :3].triu_()] and None), (x,)),
    ]
    k = r(1, 1, 4)
    cases += [
        ("cache slice", Cache(lambda c, k: [c.__setitem__((slice(None), slice(3, 4)), k), k @ c.transpose(1, 2)][1]), (k,)),
        ("cache index_copy_", Cache(lambda c, k, p: [c.index_copy_(1, p, k), k @ c.transpose(1, 2)][1]), (k, torch.tensor([2]))),
        ("cache index", Cache(lambda c, k, p: [c.__setitem__((slice(None), p), k), k @ c.transpose(1, 2)][1]), (k, torch.tensor([2]))),
        ("cache copy_", Cache(lambda c, k: [c.copy_(c.roll(-1, 1)), c.sum(1) + k][1]), (k,)),
        ("cache add_", Cache(lambda c, k: [c.add_(1), c * k][1]), (k,)),
        ("cache view before the write", Cache(lambda c, k: [v := c[:, :4], c[:, 1:2].copy_(k), v * 2][2]), (k,)),
    ]
    return cases


def products() -> list[Case]:
    a, c = r(3, 4), r(4, 5)
    return [
        ("mm", torch.mm, (a, c)),
        ("matmul", torch.matmul, (r(2, 3, 4), c)),
        ("matmul broadcast", torch.matmul, (r(2, 1, 3, 4), r(5, 4, 2))),
        ("matmul vector", torch.matmul, (a, r(4))),
        ("matmul vectors", torch.matmul, (r(4), r(4))),
        ("matmul vector first", torch.matmul, (r(3), a)),
        ("matmul of integers", torch.matmul, (n(3, 4), n(4, 5))),
        ("matmul of int32", torch.matmul, (n(3, 4).int(), n(4, 5).int())),
        ("bmm", torch.bmm, (r(2, 3, 4), r(2, 4, 5))),
        ("mv", torch.mv, (a, r(4))),
        ("dot", torch.dot, (r(4), r(4))),
        ("vdot", torch.vdot, (r(4), r(4))),
        ("outer", torch.outer, (r(3), r(4))),
        ("addmm", torch.addmm, (r(5), a, c)),
        ("addmm factors", lambda b, x, y: torch.addmm(b, x, y, beta=0.5, alpha=2), (r(3, 5), a, c)),
        ("addmm beta 0", lambda b, x, y: torch.addmm(b, x, y, beta=0), (r(3, 5), a, c)),
        ("addmm of integers", torch.addmm, (n(5), n(3, 4), n(4, 5))),
        ("baddbmm", lambda b, x, y: torch.baddbmm(b, x, y, beta=0.5, alpha=2), (r(2, 3, 5), r(2, 3, 4), r(2, 4, 5))),
        ("addbmm", lambda b, x, y: torch.addbmm(b, x, y, beta=0.5, alpha=2), (r(3, 5), r(2, 3, 4), r(2, 4, 5))),
        ("addmv", torch.addmv, (r(3), a, r(4))),
        ("addr", torch.addr, (r(3, 4), r(3), r(4))),
        ("linear", F.linear, (r(2, 3, 4), r(5, 4), r(5))),
        ("linear no bias", F.linear, (r(2, 3, 4), r(5, 4))),
        ("linear vector", F.linear, (r(4), r(5, 4), r(5))),
        ("linear layer", Layer(nn.Linear(4, 5)), (r(3, 4),)),
        ("bilinear", Layer(nn.Bilinear(3, 4, 5)), (r(2, 3), r(2, 4))),
        ("einsum product", lambda x, y: torch.einsum("ij,jk->ik", x, y), (a, c)),
        ("einsum batched", lambda x, y: torch.einsum("bij,bkj->bik", x, y), (r(2, 3, 4), r(2, 5, 4))),
        ("einsum heads", lambda x, y: torch.einsum("bqhd,bkhd->bhqk", x, y), (r(2, 3, 2, 4), r(2, 5, 2, 4))),
        ("einsum outer", lambda x, y: torch.einsum("i,j->ij", x, y), (r(3), r(4))),
        ("einsum implicit", lambda x, y: torch.einsum("ij,jk", x, y), (a, c)),
        ("einsum trace", lambda x: torch.einsum("ii", x), (r(4, 4),)),
        ("einsum diagonal", lambda x: torch.einsum("ii->i", x), (r(4, 4),)),
        ("einsum transpose", lambda x: torch.einsum("ij->ji", x), (a,)),
        ("einsum sum", lambda x: torch.einsum("ijk->k", x), (r(2, 3, 4),)),
        ("einsum ellipsis", lambda x, y: torch.einsum("...ij,...jk->...ik", x, y), (r(2, 3, 4), r(2, 4, 5))),
        ("einsum ellipsis broadcast", lambda x, y: torch.einsum("...ij,jk->...ik", x, y), (r(2, 3, 4), c)),
        ("einsum three", lambda x, y, z: torch.einsum("ij,jk,kl->il", x, y, z), (a, c, r(5, 2))),
        ("einsum sum of one", lambda x, y: torch.einsum("ijk,jl->il", x, y), (r(2, 3, 4), r(3, 5))),
        ("einsum hadamard", lambda x, y: torch.einsum("ij,ij->ij", x, y), (a, r(3, 4))),
        ("einsum scalar", lambda x, y: torch.einsum("ij,ij->", x, y), (a, r(3, 4))),
        ("einsum repeated", lambda x, y: torch.einsum("iij,j->ij", x, y), (r(3, 3, 4), r(4))),
        ("einsum capital", lambda x, y: torch.einsum("bIj,bjK->bIK", x, y), (r(2, 3, 4), r(2, 4, 5))),
        ("tensordot", lambda x, y: torch.tensordot(x, y, dims=([1, 2], [0, 1])), (r(2, 3, 4), r(3, 4, 5))),
        ("kron", torch.kron, (r(2, 3), r(3, 2))),
        ("inner", torch.inner, (r(2, 3), r(4, 3))),
        ("cross", lambda x, y: torch.linalg.cross(x, y), (r(4, 3), r(4, 3))),
        ("chain_matmul", lambda x, y, z: torch.linalg.multi_dot([x, y, z]), (a, c, r(5, 2))),
        ("matrix_power", lambda x: torch.linalg.matrix_power(x, 3), (r(4, 4),)),
        ("inverse", torch.linalg.inv, (r(4, 4) + 4 * torch.eye(4),)),
        ("det", torch.linalg.det, (r(4, 4) + 4 * torch.eye(4),)),
        ("cholesky", torch.linalg.cholesky, (torch.eye(4) * 3 + 0.5,)),
        ("qr", torch.linalg.qr, (r(4, 3),)),
        ("svd", lambda x: torch.linalg.svdvals(x), (r(4, 3),)),
        ("solve", torch.linalg.solve, (r(4, 4) + 4 * torch.eye(4), r(4, 2))),
        ("triangular_solve", lambda a, y: torch.linalg.solve_triangular(a, y, upper=True), (r(4, 4).triu() + 4 * torch.eye(4), r(4, 2))),
        ("matrix_exp", torch.matrix_exp, (r(4, 4) * 0.2,)),
    ]


def layers() -> list[Case]:
    line, image, volume = r(2, 4, 9), r(2, 4, 8, 7), r(1, 4, 5, 6, 5)
    q, k, v = r(2, 4, 6, 8), r(2, 4, 5, 8), r(2, 4, 5, 8)
    sdp = F.scaled_dot_product_attention
    norm = nn.BatchNorm2d(4)
    with torch.no_grad():
        norm.weight.copy_(u(4)), norm.bias.copy_(r(4)), norm.running_mean.copy_(r(4)), norm.running_var.copy_(u(4))
    cases: list[Case] = [
        ("conv1d", Layer(nn.Conv1d(4, 6, 3)), (line,)),
        ("conv1d same", Layer(nn.Conv1d(4, 6, 3, padding="same")), (line,)),
        ("conv1d same even", Layer(nn.Conv1d(4, 6, 4, padding="same")), (line,)),
        ("conv2d", Layer(nn.Conv2d(4, 6, 3, stride=2, padding=1)), (image,)),
        ("conv2d groups", Layer(nn.Conv2d(4, 8, 3, groups=2, dilation=2, bias=False)), (image,)),
        ("conv2d depthwise", Layer(nn.Conv2d(4, 4, 3, groups=4, padding=(1, 0))), (image,)),
        ("conv2d unbatched", Layer(nn.Conv2d(4, 6, 3)), (r(4, 8, 7),)),
        ("conv2d reflect", Layer(nn.Conv2d(4, 6, 3, padding=1, padding_mode="reflect")), (image,)),
        ("conv2d circular", Layer(nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular")), (image,)),
        ("conv2d valid", Layer(nn.Conv2d(4, 6, 3, padding="valid")), (image,)),
        ("conv3d", Layer(nn.Conv3d(4, 6, 3, padding=1)), (volume,)),
        ("conv_transpose1d", Layer(nn.ConvTranspose1d(4, 6, 3, stride=2)), (line,)),
        ("conv_transpose2d", Layer(nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1)), (image,)),
        ("conv_transpose2d groups", Layer(nn.ConvTranspose2d(4, 6, 3, groups=2, dilation=2)), (image,)),
        ("conv_transpose3d", Layer(nn.ConvTranspose3d(4, 2, 2, stride=2)), (volume,)),
        ("batch_norm", Layer(norm), (image,)),
        ("batch_norm 1d", Layer(nn.BatchNorm1d(4, eps=1e-2)), (r(3, 4),)),
        ("batch_norm plain", Layer(nn.BatchNorm2d(4, affine=False)), (image,)),
        ("batch_norm of the batch", Layer(nn.BatchNorm2d(4, track_running_stats=False)), (image,)),
        ("layer_norm", Layer(nn.LayerNorm(7)), (image,)),
        ("layer_norm two axes", Layer(nn.LayerNorm((8, 7), eps=1e-3)), (image,)),
        ("layer_norm plain", lambda x: F.layer_norm(x, (7,)), (image,)),
        ("layer_norm no bias", Layer(nn.LayerNorm(7, bias=False)), (image,)),
        ("rms_norm", Layer(nn.RMSNorm(7)), (image,)),
        ("rms_norm eps", lambda x: F.rms_norm(x, (8, 7), eps=1e-2), (image,)),
        ("group_norm", Layer(nn.GroupNorm(2, 4)), (image,)),
        ("group_norm plain", lambda x: F.group_norm(x, 4, eps=1e-2), (image,)),
        ("instance_norm", Layer(nn.InstanceNorm2d(4)), (image,)),
        ("instance_norm affine", Layer(nn.InstanceNorm2d(4, affine=True)), (image,)),
        ("instance_norm running", Layer(nn.InstanceNorm2d(4, track_running_stats=True)), (image,)),
        ("local_response_norm", lambda x: F.local_response_norm(x, 3), (image,)),
        ("local_response_norm even", lambda x: F.local_response_norm(x, 4, alpha=0.1, beta=0.5, k=2), (image,)),
        ("max_pool1d", lambda x: F.max_pool1d(x, 3), (line,)),
        ("max_pool2d", lambda x: F.max_pool2d(x, 3, 2, 1), (image,)),
        ("max_pool2d ceil", lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), (image,)),
        ("max_pool2d dilation", lambda x: F.max_pool2d(x, 2, 1, dilation=2), (image,)),
        ("max_pool2d indices", lambda x: F.max_pool2d(x, 2, return_indices=True), (image,)),
        ("max_pool2d unbatched", lambda x: F.max_pool2d(x, 2), (r(4, 8, 7),)),
        ("max_pool3d", lambda x: F.max_pool3d(x, 2), (volume,)),
        ("avg_pool1d", lambda x: F.avg_pool1d(x, 3, 2), (line,)),
        ("avg_pool2d", lambda x: F.avg_pool2d(x, 3, 2, 1), (image,)),
        ("avg_pool2d no padding counted", lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), (image,)),
        ("avg_pool2d ceil", lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True), (image,)),
        ("avg_pool2d ceil padded", lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), (image,)),
        ("avg_pool2d divisor", lambda x: F.avg_pool2d(x, 2, divisor_override=3), (image,)),
        ("avg_pool2d divisor padded", lambda x: F.avg_pool2d(x, 3, 2, 1, divisor_override=5), (image,)),
        ("avg_pool3d", lambda x: F.avg_pool3d(x, 2), (volume,)),
        ("avg_pool3d divisor", lambda x: F.avg_pool3d(x, 2, divisor_override=3), (volume,)),
        ("lp_pool2d", lambda x: F.lp_pool2d(x, 2, 2), (image,)),
        ("adaptive_avg_pool1d", lambda x: F.adaptive_avg_pool1d(x, 3), (line,)),
        ("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, (4, 7)), (image,)),
        ("adaptive_avg_pool2d one", lambda x: F.adaptive_avg_pool2d(x, 1), (image,)),
        ("adaptive_avg_pool2d uneven", lambda x: F.adaptive_avg_pool2d(x, (3, 4)), (image,)),
        ("adaptive_max_pool2d", lambda x: F.adaptive_max_pool2d(x, (3, 4)), (image,)),
        ("adaptive_max_pool2d indices", lambda x: F.adaptive_max_pool2d(x, 2, return_indices=True), (r(2, 4, 8, 6),)),
        ("max_unpool2d", lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2), (r(2, 4, 8, 6),)),
        ("attention", sdp, (q, k, v)),
        ("attention causal", lambda q, k, v: sdp(q, k, v, is_causal=True), (q, q, q)),
        ("attention causal rectangular", lambda q, k, v: sdp(q, k, v, is_causal=True), (q, k, v)),
        ("attention mask", sdp, (q, k, v, r(6, 5))),
        ("attention boolean mask", sdp, (q, k, v, torch.ones(6, 5, dtype=torch.bool).tril())),
        ("attention mask per head", sdp, (q, k, v, r(2, 1, 6, 5))),
        ("attention scale", lambda q, k, v: sdp(q, k, v, scale=0.5), (q, k, v)),
        ("attention grouped", lambda q, k, v: sdp(q, k, v, enable_gqa=True), (r(1, 4, 6, 8), r(1, 2, 6, 8), r(1, 2, 6, 8))),
        ("attention grouped causal", lambda q, k, v: sdp(q, k, v, is_causal=True, enable_gqa=True), (r(1, 4, 6, 8), r(1, 2, 6, 8), r(1, 2, 6, 8))),
        ("attention grouped mask", lambda q, k, v, m: sdp(q, k, v, m, enable_gqa=True), (r(1, 4, 6, 8), r(1, 2, 5, 8), r(1, 2, 5, 8), r(6, 5))),
        ("attention one key head", lambda q, k, v: sdp(q, k, v, enable_gqa=True), (r(2, 4, 6, 8), r(2, 1, 6, 8), r(2, 1, 6, 8))),
        ("attention values of another size", sdp, (q, k, r(2, 4, 5, 3))),
        ("attention three axes", sdp, (r(4, 6, 8), r(4, 5, 8), r(4, 5, 8))),
        ("attention dropout", lambda q, k, v: sdp(q, k, v, dropout_p=0.0), (q, k, v)),
        ("multihead attention", Layer(nn.MultiheadAttention(8, 2), lambda y: y[0]), (r(5, 2, 8), r(5, 2, 8), r(5, 2, 8))),
        ("multihead attention weights", Layer(nn.MultiheadAttention(8, 2, batch_first=True)), (r(2, 5, 8), r(2, 5, 8), r(2, 5, 8))),
        ("transformer layer", Layer(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)), (r(2, 5, 8),)),
        ("lstm", Layer(nn.LSTM(4, 6)), (r(5, 2, 4),)),
        ("lstm batch first two layers", Layer(nn.LSTM(4, 6, 2, batch_first=True), lambda y: y[0]), (r(2, 5, 4),)),
        ("lstm bidirectional", Layer(nn.LSTM(4, 6, bidirectional=True)), (r(5, 2, 4),)),
        ("lstm no bias", Layer(nn.LSTM(4, 6, bias=False), lambda y: y[0]), (r(5, 2, 4),)),
        ("lstm projection", Layer(nn.LSTM(4, 6, proj_size=3), lambda y: y[0]), (r(5, 2, 4),)),
        ("gru", Layer(nn.GRU(4, 6)), (r(5, 2, 4),)),
        ("gru bidirectional", Layer(nn.GRU(4, 6, 2, bidirectional=True), lambda y: y[0]), (r(5, 2, 4),)),
        ("rnn", Layer(nn.RNN(4, 6)), (r(5, 2, 4),)),
        ("rnn relu", Layer(nn.RNN(4, 6, nonlinearity="relu")), (r(5, 2, 4),)),
        ("lstm cell", Layer(nn.LSTMCell(4, 6)), (r(2, 4),)),
        ("gru cell", Layer(nn.GRUCell(4, 6)), (r(2, 4),)),
        ("rnn cell", Layer(nn.RNNCell(4, 6)), (r(2, 4),)),
        ("rnn relu cell", Layer(nn.RNNCell(4, 6, nonlinearity="relu")), (r(2, 4),)),
    ]
    small = torch.arange(20.0).reshape(1, 1, 5, 4)
    for mode in ("nearest", "nearest-exact", "bilinear", "bicubic"):
        for size in ((7, 5), (3, 2), (10, 8)):
            cases.append((f"interpolate {mode} {size}", lambda x, m=mode, s=size: F.interpolate(x, size=s, mode=m), (small,)))
        for factor in (1.7, 2.0, 0.6, (1.3, 2.1)):
            cases.append((f"interpolate {mode} by {factor}", lambda x, m=mode, f=factor: F.interpolate(x, scale_factor=f, mode=m), (small,)))
            cases.append((f"interpolate {mode} by {factor} recomputed", lambda x, m=mode, f=factor: F.interpolate(x, scale_factor=f, mode=m, recompute_scale_factor=True), (small,)))
        if mode.startswith("bi"):
            cases.append((f"interpolate {mode} corners", lambda x, m=mode: F.interpolate(x, size=(7, 5), mode=m, align_corners=True), (small,)))
            cases.append((f"interpolate {mode} corners by 1.7", lambda x, m=mode: F.interpolate(x, scale_factor=1.7, mode=m, align_corners=True), (small,)))
            for size in ((3, 2), (7, 5), (2, 7)):
                cases.append((f"interpolate {mode} antialias {size}", lambda x, m=mode, s=size: F.interpolate(x, size=s, mode=m, antialias=True), (small,)))
            cases.append((f"interpolate {mode} antialias by 0.6", lambda x, m=mode: F.interpolate(x, scale_factor=0.6, mode=m, antialias=True), (small,)))
    cases += [
        ("interpolate nearest 1d", lambda x: F.interpolate(x, size=7), (line,)),
        ("interpolate nearest 1d by 1.5", lambda x: F.interpolate(x, scale_factor=1.5), (line,)),
        ("interpolate nearest-exact 1d", lambda x: F.interpolate(x, size=7, mode="nearest-exact"), (line,)),
        ("interpolate linear", lambda x: F.interpolate(x, size=7, mode="linear"), (line,)),
        ("interpolate trilinear", lambda x: F.interpolate(x, size=(4, 7, 6), mode="trilinear"), (volume,)),
        ("interpolate nearest 3d", lambda x: F.interpolate(x, scale_factor=2), (volume,)),
        ("interpolate area", lambda x: F.interpolate(x, size=(3, 4), mode="area"), (image,)),
        ("affine_grid", lambda t: F.affine_grid(t, (1, 2, 4, 5)), (r(1, 2, 3),)),
        ("affine_grid corners", lambda t: F.affine_grid(t, (1, 2, 4, 5), align_corners=True), (r(1, 2, 3),)),
        ("affine_grid 3d", lambda t: F.affine_grid(t, (1, 2, 3, 4, 5)), (r(1, 3, 4),)),
    ]
    grid = u(2, 3, 3, 2) * 2.4 - 1.2
    for mode in ("bilinear", "nearest", "bicubic"):
        for padding in ("zeros", "border", "reflection"):
            for corners in (False, True):
                cases.append((f"grid_sample {mode} {padding} {corners}",
                              lambda x, g, m=mode, p=padding, c=corners: F.grid_sample(x, g, m, p, c), (image, grid)))
    return cases


def losses() -> list[Case]:
    x, y, t = r(3, 5), r(3, 5), n(3, low=0, high=5)
    p, q = u(3, 5), u(3, 5)
    sign = torch.tensor([1.0, -1.0, 1.0])
    cases: list[Case] = []
    for reduction in ("mean", "sum", "none"):
        def add(name: str, f: Callable[..., Any], args: tuple[Any, ...], reduction: str = reduction, **settings: Any) -> None:
            cases.append((f"{name} {reduction}", lambda *a: f(*a, reduction=reduction, **settings), args))
        add("mse", F.mse_loss, (x, y))
        add("l1", F.l1_loss, (x, y))
        add("smooth_l1", F.smooth_l1_loss, (x, y))
        add("smooth_l1 beta", F.smooth_l1_loss, (x, y), beta=0.3)
        add("huber", F.huber_loss, (x, y))
        add("huber delta", F.huber_loss, (x, y), delta=0.4)
        add("cross_entropy", F.cross_entropy, (x, t))
        add("cross_entropy smoothing", F.cross_entropy, (x, t), label_smoothing=0.2)
        add("cross_entropy ignored", F.cross_entropy, (x, torch.tensor([1, 2, 4])), ignore_index=2)
        add("cross_entropy weights", F.cross_entropy, (x, t), weight=u(5))
        add("cross_entropy shares", F.cross_entropy, (x, y.softmax(1)))
        add("cross_entropy image", F.cross_entropy, (r(2, 3, 4, 5), n(2, 4, 5, low=0, high=3)))
        add("nll", F.nll_loss, (x, t))
        add("bce", F.binary_cross_entropy, (p, q))
        add("bce weights", F.binary_cross_entropy, (p, q), weight=u(3, 5))
        add("bce logits", F.binary_cross_entropy_with_logits, (x, q))
        add("bce logits large", F.binary_cross_entropy_with_logits, (x * 100, q))
        add("bce logits pos_weight", F.binary_cross_entropy_with_logits, (x, q), pos_weight=u(5))
        add("kl_div", F.kl_div, (x.log_softmax(1), q))
        add("kl_div log", F.kl_div, (x.log_softmax(1), y.log_softmax(1)), log_target=True)
        add("poisson", F.poisson_nll_loss, (x, q))
        add("poisson full", F.poisson_nll_loss, (p, q * 3), log_input=False, full=True)
        add("hinge_embedding", F.hinge_embedding_loss, (x, y.sign()))
        add("margin_ranking", F.margin_ranking_loss, (r(3), r(3), sign), margin=0.2)
        add("soft_margin", F.soft_margin_loss, (x, y.sign()))
        add("multi_margin", F.multi_margin_loss, (x, t))
        add("multi_margin p2", F.multi_margin_loss, (x, t), p=2, margin=0.5)
        add("multilabel_margin", F.multilabel_margin_loss, (x, torch.tensor([[1, 3, -1, 0, 2]] * 3)))
        add("multilabel_soft_margin", F.multilabel_soft_margin_loss, (x, b(3, 5).float()))
        add("triplet", F.triplet_margin_loss, (x, y, r(3, 5)))
        add("cosine_embedding", F.cosine_embedding_loss, (x, y, sign), margin=0.1)
    return cases


def signals() -> list[Case]:
    x = r(2, 16)
    return [
        ("fft", lambda x: torch.view_as_real(torch.fft.fft(x)), (x,)),
        ("rfft", lambda x: torch.view_as_real(torch.fft.rfft(x)), (x,)),
        ("rfft ortho", lambda x: torch.view_as_real(torch.fft.rfft(x, norm="ortho")), (x,)),
        ("rfft n", lambda x: torch.view_as_real(torch.fft.rfft(x, n=10)), (x,)),
        ("irfft", lambda x: torch.fft.irfft(torch.fft.rfft(x)), (x,)),
        ("fft2", lambda x: torch.view_as_real(torch.fft.fft2(x)), (r(2, 4, 6),)),
        ("ifft", lambda x: torch.view_as_real(torch.fft.ifft(torch.fft.fft(x))), (x,)),
        ("fftshift", lambda x: torch.fft.fftshift(x), (x,)),
        ("fftfreq", lambda x: torch.fft.fftfreq(6) * x.sum(), (x,)),
        ("rfftfreq", lambda x: torch.fft.rfftfreq(6, 0.5) * x.sum(), (x,)),
        ("stft", lambda x: torch.view_as_real(torch.stft(x, 8, 4, window=torch.hann_window(8), return_complex=True)), (x,)),
        ("stft plain", lambda x: torch.view_as_real(torch.stft(x, 8, 4, center=False, window=torch.ones(8), onesided=False, return_complex=True)), (x,)),
        ("hann_window", lambda x: torch.hann_window(6) * x.sum(), (x,)),
        ("hamming_window", lambda x: torch.hamming_window(6, periodic=False) * x.sum(), (x,)),
        ("blackman_window", lambda x: torch.blackman_window(6) * x.sum(), (x,)),
        ("bartlett_window", lambda x: torch.bartlett_window(6) * x.sum(), (x,)),
        ("kaiser_window", lambda x: torch.kaiser_window(6, True, 5.0) * x.sum(), (x,)),
        ("complex", lambda x, y: torch.view_as_real(torch.complex(x, y) * torch.complex(y, x)), (x, r(2, 16))),
        ("polar", lambda x, y: torch.view_as_real(torch.polar(x.abs(), y)), (x, r(2, 16))),
        ("real and imag", lambda x: torch.view_as_complex(x).real + torch.view_as_complex(x).imag, (r(3, 2),)),
        ("abs of complex", lambda x: torch.view_as_complex(x).abs(), (r(3, 2),)),
        ("conj", lambda x: torch.view_as_real(torch.view_as_complex(x).conj().resolve_conj()), (r(3, 2),)),
    ]


def vision() -> list[Case]:
    q = torch.ops.quantized_decomposed
    return [
        ("fake_quantize per tensor", lambda x: torch.fake_quantize_per_tensor_affine(x, 0.1, 3, 0, 255), (r(3, 4),)),
        ("fake_quantize narrow", lambda x: torch.fake_quantize_per_tensor_affine(x, 0.1, 0, -8, 7), (r(3, 4),)),
        ("fake_quantize one sign", lambda x: torch.fake_quantize_per_tensor_affine(x, 0.1, 0, -127, 127), (r(3, 4) * 9,)),
        ("fake_quantize 16 bits", lambda x: torch.fake_quantize_per_tensor_affine(x, 0.1, 0, -32768, 32767), (r(3, 4),)),
        ("fake_quantize tensors", torch.fake_quantize_per_tensor_affine, (r(3, 4), torch.tensor(0.1), torch.tensor(3, dtype=torch.int32), 0, 127)),
        ("quantize", lambda x: q.quantize_per_tensor(x, 0.1, 3, 0, 255, torch.uint8), (r(3, 4),)),
        ("quantize a part", lambda x: q.quantize_per_tensor(x, 0.01, 3, 0, 127, torch.uint8), (r(3, 4),)),
        ("quantize and back", lambda x: q.dequantize_per_tensor(q.quantize_per_tensor(x, 0.1, 3, -128, 127, torch.int8), 0.1, 3, -128, 127, torch.int8), (r(3, 4),)),
        ("quantize channels", lambda x, s, z: q.quantize_per_channel(x, s, z, 1, -128, 127, torch.int8), (r(3, 4), u(4) * 0.1, n(4))),
        ("dequantize channels", lambda x, s, z: q.dequantize_per_channel(x, s, z, 0, -128, 127, torch.int8), (n(3, 4, 2).to(torch.int8), u(3), n(3))),
        ("dequantize last axis", lambda x, s, z: q.dequantize_per_channel(x, s, z, 1, -128, 127, torch.int8), (n(3, 4).to(torch.int8), u(4), n(4))),
        ("dequantize tensors", lambda x, s, z: q.dequantize_per_tensor.tensor(x, s, z, -128, 127, torch.int8), (n(3, 4).to(torch.int8), torch.tensor(0.1), torch.tensor(2))),
        ("fake_quantize per channel last", lambda x, s, z: torch.fake_quantize_per_channel_affine(x, s, z, 1, -8, 7), (r(3, 4), u(4) * 0.1, n(4, dtype=torch.int32))),
        ("fake_quantize per channel", lambda x, s, z: torch.fake_quantize_per_channel_affine(x, s, z, 0, -128, 127), (r(3, 4), u(3) * 0.1, n(3, dtype=torch.int32))),
        ("int_mm", lambda x, y: torch._int_mm(x, y), (n(32, 16).to(torch.int8), n(16, 8).to(torch.int8))),
    ]


def cases() -> list[Case]:
    return [*unary(), *activations(), *pairs(), *reductions(), *layouts(), *writes(), *products(), *layers(), *losses(),
            *signals(), *vision()]
