#!/usr/bin/python3
"""Compares `BINARY profile --training` with PyTorch's autograd, for small modules in training mode.

Each module is exported by torch.export (torch 2.5 or later) and compared in two figures: the bytes of the storages
that torch.autograd.graph.saved_tensors_hooks sees, without those of parameters, buffers and inputs, and the MACs of
the products that backward runs. They agree to 2%. EXCEPTIONS says where not, and why. ./check --all runs this.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import warnings

import torch
from torch import nn
import torch.nn.functional as F

SHARE = 0.02
N = 8  # the batch


def of(function):
    """A module of a function, after a linear layer, so that there is something to train."""

    class Applied(nn.Module):
        def __init__(self, features=32):
            super().__init__()
            self.layer = nn.Linear(features, features)

        def forward(self, x):
            return function(self.layer(x))

    return Applied()


class Loss(nn.Module):
    def __init__(self, loss):
        super().__init__()
        self.layer, self.loss = nn.Linear(32, 32), loss

    def forward(self, x, target):
        return self.loss(self.layer(x), target)


class Convolved(nn.Module):
    """A convolution and what follows it."""

    def __init__(self, rest, dims=2, channels=8):
        super().__init__()
        self.conv = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[dims - 1](4, channels, 3, padding=1)
        self.rest = rest

    def forward(self, x):
        return self.rest(self.conv(x))


class Recurrent(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


class Attention(nn.Module):
    def __init__(self, heads=4, causal=False):
        super().__init__()
        self.qkv, self.out = nn.Linear(32, 96), nn.Linear(32, 32)
        self.heads, self.causal = heads, causal

    def forward(self, x):
        b, n, c = x.shape
        q, k, v = self.qkv(x).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out(y.transpose(1, 2).reshape(b, n, c))


class Written(nn.Module):
    """Attention in two products."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = nn.Linear(32, 32), nn.Linear(32, 32), nn.Linear(32, 32)

    def forward(self, x):
        a = torch.softmax(self.q(x) @ self.k(x).transpose(-2, -1) / 5.0, -1)
        return a @ self.v(x)


class Frozen(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.first, self.head, self.how = nn.Linear(32, 64), nn.Linear(64, 8), how
        if how == "frozen":
            self.first.requires_grad_(False)

    def forward(self, x):
        if self.how == "no_grad":
            with torch.no_grad():
                h = F.relu(self.first(x))
        elif self.how == "detach":
            h = F.relu(self.first(x)).detach()
        elif self.how == "decision":
            h = (self.first(x) > 0).float()
        elif self.how == "one_hot":
            h = F.one_hot(self.first(x).argmax(-1), 64).float()
        else:
            h = F.relu(self.first(x))
        return self.head(h)


class Lora(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = nn.Linear(64, 64).requires_grad_(False)
        self.down, self.up = nn.Linear(64, 4, bias=False), nn.Linear(4, 64, bias=False)

    def forward(self, x):
        for _ in range(2):
            x = F.relu(self.base(x) + self.up(self.down(x)))
        return x


class Embedded(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.layer = nn.Embedding(50, 32), nn.Linear(32, 16)

    def forward(self, ids):
        return self.layer(self.table(ids).mean(1))


class Gated(nn.Module):
    def __init__(self, gate):
        super().__init__()
        self.a, self.b, self.c, self.gate = nn.Linear(32, 64), nn.Linear(32, 64), nn.Linear(64, 32), gate

    def forward(self, x):
        return self.c(self.gate(self.a(x)) * self.b(x))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm, self.a, self.b = nn.LayerNorm(32), nn.Linear(32, 64), nn.Linear(64, 32)

    def forward(self, x):
        return x + self.b(F.gelu(self.a(self.norm(x))))


class Pair(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.a, self.b, self.function = nn.Linear(32, 32), nn.Linear(32, 32), function

    def forward(self, x):
        return self.function(self.a(x), self.b(x))


def cases():
    row, image = torch.randn(N, 32), torch.randn(N, 4, 12, 12)
    line, volume = torch.randn(N, 4, 24), torch.randn(2, 4, 6, 6, 6)
    sequence = torch.randn(N, 10, 32)
    unary = {
        name: getattr(torch, name) for name in
        "relu sigmoid tanh exp sin cos tan sinh cosh atan asinh erf erfc expm1 neg floor round square".split()
    }
    unary.update({
        name: getattr(F, name) for name in
        "relu6 leaky_relu elu selu celu hardswish hardsigmoid hardtanh silu gelu mish softplus softsign "
        "logsigmoid tanhshrink hardshrink softshrink".split()
    })
    unary.update({
        "sqrt": lambda x: torch.sqrt(x.sigmoid()), "rsqrt": lambda x: torch.rsqrt(x.sigmoid() + 1),
        "log": lambda x: torch.log(x.sigmoid()), "log2": lambda x: torch.log2(x.sigmoid()),
        "log1p": lambda x: torch.log1p(x.sigmoid()), "abs": torch.abs, "reciprocal": torch.reciprocal,
        "clamp": lambda x: x.clamp(-1, 1), "clamp_min": lambda x: x.clamp_min(0), "pow2": lambda x: x**2,
        "pow3": lambda x: x**3, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        "glu": F.glu, "softmax": lambda x: x.softmax(-1), "log_softmax": lambda x: x.log_softmax(-1),
        "softmin": lambda x: F.softmin(x, -1), "mean": lambda x: x.mean(), "mean_dim": lambda x: x.mean(-1),
        "sum": lambda x: x.sum(-1), "max": lambda x: x.max(), "max_dim": lambda x: x.max(-1)[0],
        "min_dim": lambda x: x.min(-1)[0], "amax": lambda x: x.amax(-1), "var": lambda x: x.var(-1),
        "std": lambda x: x.std(-1), "norm": lambda x: x.norm(dim=-1), "logsumexp": lambda x: x.logsumexp(-1),
        "prod": lambda x: x.prod(-1), "cumsum": lambda x: x.cumsum(-1), "cumprod": lambda x: x.cumprod(-1),
        "sort": lambda x: x.sort(-1)[0], "topk": lambda x: x.topk(4)[0], "median": lambda x: x.median(-1)[0],
        "normalize": lambda x: F.normalize(x, dim=-1), "flip": lambda x: x.flip(-1),
        "roll": lambda x: x.roll(1, -1), "cat": lambda x: torch.cat([x, x]), "chunk": lambda x: x.chunk(2, -1)[0],
        "pad": lambda x: F.pad(x, (1, 1)), "scale": lambda x: x * 0.5, "divide": lambda x: x / 3,
        "add_number": lambda x: x + 1, "addcmul": lambda x: torch.addcmul(x, x, x),
        "lerp": lambda x: torch.lerp(x, x * 2, 0.3), "where": lambda x: torch.where(x > 0, x, x * 0.1),
        "masked_fill": lambda x: x.masked_fill(x > 0, 0.0), "index": lambda x: x[:, 3:9],
        "index_select": lambda x: x.index_select(1, torch.tensor([1, 5, 7])), "tril": torch.tril,
        "reshape": lambda x: x.reshape(-1, 16).relu(), "transpose": lambda x: x.t().relu(),
        "expand": lambda x: (x.unsqueeze(0).expand(3, -1, -1) * 2).relu(), "repeat": lambda x: x.repeat(2, 1),
        "cosine": lambda x: F.cosine_similarity(x, x.flip(0)), "distance": lambda x: F.pairwise_distance(x, x.flip(0)),
        "outer": lambda x: x @ x.t(), "rms": lambda x: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6),
        "swish": lambda x: x * torch.sigmoid(x), "threshold": lambda x: F.threshold(x, 0.1, 0.0),
        "dropout": lambda x: F.dropout(x, 0.5),
    })
    for name, function in unary.items():
        yield name, of(function), (row,)
    target = torch.rand(N, 32)
    classes = torch.randint(0, 32, (N,))
    for name, loss, wanted in (
        ("mse_loss", F.mse_loss, target), ("l1_loss", F.l1_loss, target), ("smooth_l1_loss", F.smooth_l1_loss, target),
        ("huber_loss", F.huber_loss, target), ("bce_logits", F.binary_cross_entropy_with_logits, target),
        ("bce", lambda x, t: F.binary_cross_entropy(x.sigmoid(), t), target),
        ("kl_div", lambda x, t: F.kl_div(x.log_softmax(-1), t, reduction="batchmean"), target),
        ("cross_entropy", F.cross_entropy, classes), ("soft_margin", F.soft_margin_loss, target),
        ("smoothed", lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1), classes),
        ("nll", lambda x, t: F.nll_loss(x.log_softmax(-1), t), classes),
        ("poisson", F.poisson_nll_loss, target), ("squared_by_hand", lambda x, t: ((x - t) ** 2).mean(), target),
        ("mse_sum", lambda x, t: F.mse_loss(x, t, reduction="sum"), target),
        ("cosine_embedding", lambda x, t: F.cosine_embedding_loss(x, t, torch.ones(N)), target),
    ):
        yield name, Loss(loss), (row, wanted)
    for name, rest in (
        ("conv", nn.Identity()), ("conv_relu", nn.ReLU()), ("conv_relu_in_place", nn.ReLU(True)),
        ("batch_norm", nn.BatchNorm2d(8)), ("norm_relu", nn.Sequential(nn.BatchNorm2d(8), nn.ReLU())),
        ("group_norm", nn.GroupNorm(2, 8)), ("instance_norm", nn.InstanceNorm2d(8, affine=True)),
        ("max_pool", nn.MaxPool2d(2)), ("avg_pool", nn.AvgPool2d(2)), ("adaptive_1", nn.AdaptiveAvgPool2d(1)),
        ("adaptive_3", nn.AdaptiveAvgPool2d(3)), ("adaptive_max", nn.AdaptiveMaxPool2d(2)),
        ("second_conv", nn.Conv2d(8, 8, 3, groups=8)), ("conv_transpose", nn.ConvTranspose2d(8, 4, 2, 2)),
        ("pixel_shuffle", nn.PixelShuffle(2)), ("upsample", nn.Upsample(scale_factor=2)),
        ("bilinear", nn.Upsample(scale_factor=2, mode="bilinear")), ("prelu", nn.PReLU()),
        ("response_norm", nn.LocalResponseNorm(3)), ("flatten", nn.Sequential(nn.Flatten(), nn.Linear(1152, 10))),
        ("dropout2d", nn.Dropout2d()),
    ):
        yield name, Convolved(rest), (image,)
    yield "conv1d", Convolved(nn.BatchNorm1d(8), 1), (line,)
    yield "pool1d", Convolved(nn.AdaptiveAvgPool1d(1), 1), (line,)
    yield "max_pool1d", Convolved(nn.MaxPool1d(2), 1), (line,)
    yield "conv3d", Convolved(nn.BatchNorm3d(8), 3), (volume,)
    yield "pool3d", Convolved(nn.AdaptiveAvgPool3d(1), 3), (volume,)
    yield "layer_norm", nn.Sequential(nn.Linear(32, 32), nn.LayerNorm(32)), (row,)
    if hasattr(nn, "RMSNorm"):
        yield "rms_norm", nn.Sequential(nn.Linear(32, 32), nn.RMSNorm(32)), (row,)
    for name, layer in (
        ("lstm", nn.LSTM(32, 16, 2, batch_first=True)), ("gru", nn.GRU(32, 16, batch_first=True)),
        ("rnn", nn.RNN(32, 16, batch_first=True)),
    ):
        yield name, Recurrent(layer), (sequence,)
    yield "attention", Attention(), (sequence,)
    yield "causal", Attention(causal=True), (sequence,)
    yield "attention_written", Written(), (sequence,)
    for how in ("no_grad", "detach", "decision", "one_hot", "frozen", "trained"):
        yield how, Frozen(how), (row,)
    yield "lora", Lora(), (torch.randn(N, 64),)
    yield "embedding", Embedded(), (torch.randint(0, 50, (N, 6)),)
    for name, gate in (("swiglu", F.silu), ("geglu", F.gelu), ("reglu", F.relu)):
        yield name, Gated(gate), (row,)
    yield "residual", Residual(), (row,)
    for name, function in (
        ("pair_mul", torch.mul), ("pair_div", lambda a, b: a / (b * b + 1)), ("pair_add", torch.add),
        ("pair_max", torch.maximum), ("pair_sub_squared", lambda a, b: (a - b).square().sum()),
        ("pair_bmm", lambda a, b: torch.bmm(a.unsqueeze(0), b.t().unsqueeze(0))),
        ("pair_einsum", lambda a, b: torch.einsum("ij,kj->ik", a, b)), ("pair_atan2", torch.atan2),
        ("pair_pow", lambda a, b: a.abs().add(1).pow(b)), ("pair_stack", lambda a, b: torch.stack([a, b]).relu()),
        ("pair_cosine", F.cosine_similarity), ("pair_mse", F.mse_loss), ("pair_cdist", torch.cdist),
    ):
        yield name, Pair(function), (row,)
    yield "mlp", nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 8)), (row,)
    yield "bilinear_layer", type("B", (nn.Module,), {
        "__init__": lambda s: (nn.Module.__init__(s), setattr(s, "l", nn.Bilinear(32, 32, 8)))[0],
        "forward": lambda s, x: s.l(x, x)})(), (row,)
    yield "encoder_layer", nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True), (sequence,)


NO_FLOPS = "FlopCounterMode does not count this kernel"
CPU_KERNEL = "the CPU's kernel keeps buffers of its own"
EXCEPTIONS = {
    "logsigmoid": CPU_KERNEL, "lstm": CPU_KERNEL + "; " + NO_FLOPS, "bilinear_layer": NO_FLOPS,
    "gru": "PyTorch writes out the steps on a CPU; the first state needs no gradient",
    "rnn": "PyTorch writes out the steps on a CPU; the first state needs no gradient",
    "dropout": "the CPU multiplies with float32 factors, other devices keep truth values",
    "second_conv": "FlopCounterMode counts the weight's gradient of grouped convolutions without the groups",
    "attention": NO_FLOPS + ", whose result lies so that transposing it back is no copy",
    "causal": NO_FLOPS + ", whose result lies so that transposing it back is no copy",
}


def tensors_of(result):
    if isinstance(result, torch.Tensor):
        return [result]
    return [t for each in result for t in tensors_of(each)]


def measure(module, inputs):
    """Bytes kept and backward's MACs."""
    from torch.utils.flop_counter import FlopCounterMode

    there = {t.untyped_storage().data_ptr() for t in [*module.parameters(), *module.buffers(), *inputs]}
    kept, packed = {}, []

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in there:
            kept[storage.data_ptr()] = storage.nbytes()
            packed.append(tensor)  # so that no address is used twice
        return tensor

    with FlopCounterMode(display=False) as counter:
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            result = module(*inputs)
        forward = counter.get_total_flops()
        sum(t.float().sum() for t in tensors_of(result) if t.requires_grad).backward()
    return sum(kept.values()), (counter.get_total_flops() - forward) // 2


def ask(binary, module, inputs, folder):
    path = os.path.join(folder, "module.pt2")
    torch.export.save(torch.export.export(module, inputs), path)
    words = [binary, "profile", path, "--training", "--depth", "0", "--format", "json"]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    answer = json.loads(done.stdout)["training"]
    return answer["saved_bytes"], answer["backward_macs"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    agree = count = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, module, inputs in cases():
            if options.names and name not in options.names:
                continue
            count += 1
            torch.manual_seed(0)
            module.train()
            try:
                measured = measure(module, inputs)
                ours = ask(options.binary, module, inputs, folder)
            except Exception as error:
                print(f"{name:20} FAILS {str(error)[:150]}")
                continue
            equal = all(abs(m - o) <= SHARE * max(m, 1) for m, o in zip(measured, ours))
            reason = EXCEPTIONS.get(name)
            agree += equal or reason is not None
            if not equal:
                text = f"differs: {reason}" if reason else "DIFFERS"
                print(f"{name:20} kept {measured[0]:>9,} zoometer {ours[0]:>9,}   "
                      f"backward {measured[1]:>9,} zoometer {ours[1]:>9,}  {text}")
            elif reason:
                print(f"{name:20} is equal: no exception is needed")
                agree -= 1
    print(f"{agree} passed, {count - agree} failed")
    return 0 if count and agree == count else 1


if __name__ == "__main__":
    sys.exit(main())
