"""Small modules of every kind whose training step is compared (training_modules.py): what autograd keeps differs from
operator to operator, and by which operands need a gradient."""

import torch
from torch import nn
import torch.nn.functional as F

N = 8  # the batch
# What modules read and do not make, beside parameters, buffers and inputs.
CONSTANTS = (torch.zeros(N, 3, dtype=torch.long), torch.tensor([1]), torch.eye(32), torch.ones(32))


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


def basic_cases():
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


class Half(nn.Module):
    """A trained operand, and one that is computed and needs no gradient."""

    def __init__(self, function):
        super().__init__()
        self.a, self.function = nn.Linear(32, 32), function

    def forward(self, x):
        return self.function(self.a(x), x.abs() + 1)


class ConvolvedBy(nn.Module):
    """A convolution and a function of its result, and of a target if there is one."""

    def __init__(self, function):
        super().__init__()
        self.conv, self.function = nn.Conv2d(4, 8, 3, padding=1), function

    def forward(self, x, *target):
        return self.function(self.conv(x), *target)


class Attending(nn.Module):
    """Attention of a sequence, or of it and a shorter one."""

    def __init__(self, shorter=None, **options):
        super().__init__()
        words = {"need_weights", "average_attn_weights", "attn_mask"}
        self.words = {name: options.pop(name) for name in words & set(options)}
        self.a, self.b, self.shorter = nn.Linear(32, 32), nn.Linear(32, 32), shorter
        self.attention = nn.MultiheadAttention(32, 4, **options)

    def forward(self, x):
        query = self.a(x)
        other = query if self.shorter is None else self.b(x[:, :self.shorter])
        return self.attention(query, other, other, **self.words)[0]


class Heads(nn.Module):
    """A function of queries, keys and values of four heads."""

    def __init__(self, function):
        super().__init__()
        self.q, self.k, self.v = nn.Linear(32, 32), nn.Linear(32, 32), nn.Linear(32, 32)
        self.function = function

    def forward(self, x):
        def heads(y):
            return y.view(N, 10, 4, 8).transpose(1, 2)
        return self.function(heads(self.q(x)), heads(self.k(x)), heads(self.v(x)))


class Decoding(nn.Module):
    def __init__(self, decoder):
        super().__init__()
        self.a, self.decoder = nn.Linear(32, 32), decoder

    def forward(self, x):
        y = self.a(x)
        return self.decoder(y, y)


def functions():
    """Functions of one matrix (8, 32)."""
    columns, second, eye = CONSTANTS[:3]

    def positive(x):
        return x.t() @ x + eye

    return {
        # activations
        "hardshrink_wide": lambda x: F.hardshrink(x, 1.0), "threshold_in_place": lambda x: F.threshold_(x + 0, 0.1, 0.0),
        "rrelu": lambda x: F.rrelu(x, training=True), "rrelu_eval": F.rrelu, "softplus_beta": lambda x: F.softplus(x, beta=2.0),
        "softplus_threshold": lambda x: F.softplus(x, threshold=3), "relu_in_place": F.relu_, "elu_in_place": F.elu_,
        "leaky_in_place": F.leaky_relu_, "hardtanh_in_place": F.hardtanh_, "sigmoid_in_place": torch.sigmoid_,
        "mul_in_place": lambda x: x.mul_(2), "silu_in_place": lambda x: F.silu(x, True), "mish_in_place": lambda x: F.mish(x, True),
        "hardswish_in_place": lambda x: F.hardswish(x, True), "celu_wide": lambda x: F.celu(x, 2.0), "elu_wide": lambda x: F.elu(x, 2.0),
        "glu_rows": lambda x: F.glu(x, 0), "prelu_constant": lambda x: F.prelu(x, torch.ones(1)), "soft_cap": lambda x: 30 * torch.tanh(x / 30),
        # elementwise functions
        "exp2": torch.exp2, "sinc": torch.sinc, "logit": lambda x: torch.logit(x.sigmoid()),
        "logit_eps": lambda x: torch.logit(x.sigmoid(), eps=1e-3), "erfinv": lambda x: torch.erfinv(x.tanh() * 0.9),
        "lgamma": lambda x: torch.lgamma(x.exp()), "digamma": lambda x: torch.digamma(x.exp()), "i0": torch.i0,
        "acos": lambda x: torch.acos(x.tanh() * 0.9), "asin": lambda x: torch.asin(x.tanh() * 0.9),
        "acosh": lambda x: torch.acosh(x.exp() + 1), "atanh": lambda x: torch.atanh(x.tanh() * 0.9),
        "log10": lambda x: torch.log10(x.sigmoid()), "nan_to_num": torch.nan_to_num, "trunc": torch.trunc, "ceil": torch.ceil,
        "frac": torch.frac, "sign": torch.sign, "sgn": torch.sgn, "deg2rad": torch.deg2rad,
        "xlogy": lambda x: torch.xlogy(x, x.sigmoid()), "entr": lambda x: torch.special.entr(x.sigmoid()),
        "ndtr": torch.special.ndtr, "log_ndtr": torch.special.log_ndtr, "hypot": lambda x: torch.hypot(x, x.flip(0)),
        "logaddexp": lambda x: torch.logaddexp(x, x.flip(0)), "logaddexp2": lambda x: torch.logaddexp2(x, x.flip(0)),
        "copysign": lambda x: torch.copysign(x, x.flip(0)), "copysign_number": lambda x: torch.copysign(x, 1.0),
        "pow_half": lambda x: x.sigmoid()**0.5, "pow_minus": lambda x: x.sigmoid()**-1, "pow_one": lambda x: x.pow(1),
        "number_pow": lambda x: 2**x, "float_power": lambda x: torch.float_power(x.sigmoid(), 2.0), "itself_squared": lambda x: x * x,
        "number_div": lambda x: 1 / (x * x + 1), "number_sub": lambda x: 1 - x, "remainder_number": lambda x: x % 0.7,
        "fmod_number": lambda x: torch.fmod(x, 0.7), "div_trunc": lambda x: torch.div(x, 0.3, rounding_mode="trunc"),
        "clamp_max": lambda x: x.clamp_max(0.3), "clamp_tensors": lambda x: torch.clamp(x, torch.zeros(32), torch.ones(32)),
        "addcdiv": lambda x: torch.addcdiv(x, x, x * x + 1), "where_number": lambda x: torch.where(x > 0, x, 0.0),
        "mask": lambda x: x * (x > 0), "to_float64": lambda x: x.double().relu().float(), "straight_through": lambda x: x + (x.round() - x).detach(),
        # dropout
        "alpha_dropout": lambda x: F.alpha_dropout(x, 0.5, True), "dropout_of_nothing": lambda x: F.dropout(x, 0.0, True).relu(),
        "dropout_evaluated": lambda x: F.dropout(x, 0.5, False).relu(), "feature_alpha": lambda x: F.feature_alpha_dropout(x, 0.5, True),
        "random_factors": lambda x: x * torch.rand_like(x), "gumbel": lambda x: F.gumbel_softmax(x, 1.0),
        "gumbel_hard": lambda x: F.gumbel_softmax(x, 1.0, hard=True),
        # reductions, orders and scans
        "kthvalue": lambda x: x.kthvalue(3)[0], "mode": lambda x: x.mode(-1)[0], "nanmedian": lambda x: x.nanmedian(-1)[0],
        "median_all": torch.median, "median_rows": lambda x: x.median(0, keepdim=True)[0], "cummax": lambda x: x.cummax(-1)[0],
        "cummin": lambda x: x.cummin(-1)[0], "max_keep": lambda x: x.max(-1, keepdim=True)[0],
        "max_and_index": lambda x: (lambda found: found[0] * found[1])(x.max(-1)), "min_rows": lambda x: x.min(0)[0], "min": torch.min,
        "aminmax": lambda x: x.aminmax(dim=-1)[0], "amin": lambda x: x.amin(-1), "argsort": lambda x: x.gather(-1, x.argsort(-1)),
        "argmax_factor": lambda x: x * x.argmax(-1, keepdim=True), "msort": torch.msort, "sort_rows": lambda x: x.sort(0, descending=True)[0],
        "topk_least": lambda x: x.topk(3, largest=False)[0], "quantile": lambda x: x.quantile(0.3, -1),
        "logcumsumexp": lambda x: x.logcumsumexp(-1), "norm_1": lambda x: x.norm(1, -1), "norm_inf": lambda x: x.norm(float("inf"), -1),
        "norm_3": lambda x: x.norm(3, -1), "norm_all": torch.norm, "vector_norm": torch.linalg.vector_norm,
        "var_mean": lambda x: torch.var_mean(x, -1)[0], "std_mean": lambda x: sum(torch.std_mean(x, -1)), "nansum": lambda x: x.nansum(-1),
        "nanmean": lambda x: x.nanmean(-1), "prod_all": torch.prod, "sum_all": torch.sum, "logsumexp_all": lambda x: x.logsumexp((0, 1)),
        "centred": lambda x: (x - x.mean(-1, True)) / x.std(-1, keepdim=True), "diff": torch.diff, "cumprod_rows": lambda x: x.cumprod(0),
        # movements and lookups
        "gather": lambda x: x.gather(1, columns).relu(), "take": lambda x: x.take(torch.tensor([0, 5, 9])),
        "take_along": lambda x: x.take_along_dim(x.argmax(-1, True), -1), "index_add": lambda x: x.index_add(0, second, x[:1] * 2),
        "index_copy": lambda x: x.index_copy(0, second, x[:1] * 2), "index_fill": lambda x: x.index_fill(0, second, 0.0),
        "index_put": lambda x: x.index_put((second,), x[:1] * 2), "scatter": lambda x: x.scatter(1, columns, 0.0),
        "scatter_add": lambda x: x.scatter_add(1, columns, x[:, :3]), "scatter_source": lambda x: x.scatter(1, columns, x[:, :3] * 2),
        "slice_scatter": lambda x: x.slice_scatter(x[:, :3], 1, 0, 3), "masked_select": lambda x: x.masked_select(x > 0),
        "rows_of": lambda x: x[torch.tensor([0, 1])], "windows": lambda x: x.unfold(1, 4, 2).relu(), "triu": torch.triu,
        "circular": lambda x: F.pad(x[None], (2, 2), mode="circular"), "crop": lambda x: F.pad(x, (-1, -1)),
        "embedding_of": lambda x: F.embedding(torch.tensor([1, 2]), x), "repeat_rows": lambda x: x.repeat_interleave(2, 0),
        # norms and distances
        "layer_norm_bare": lambda x: F.layer_norm(x, (32,)), "group_norm_bare": lambda x: F.group_norm(x, 4),
        "batch_norm_bare": lambda x: F.batch_norm(x, None, None, training=True), "rms_norm_bare": lambda x: F.rms_norm(x, (32,)),
        "cosine_columns": lambda x: F.cosine_similarity(x, x.flip(0), dim=0), "pdist": F.pdist, "dist": lambda x: torch.dist(x, x.flip(0)),
        "distance_1": lambda x: F.pairwise_distance(x, x.flip(0), p=1), "cdist_1": lambda x: torch.cdist(x, x.flip(0), p=1),
        "normalize_1": lambda x: F.normalize(x, p=1), "renorm": lambda x: x.renorm(2, 0, 1.0),
        # products and linear algebra
        "cross": lambda x: torch.linalg.cross(x[:, :3], x[:, 3:6]), "baddbmm": lambda x: torch.baddbmm(x[None, :, :8], x[None], x.t()[None]),
        "addmm": lambda x: torch.addmm(x[:, :8], x, x.t()), "addbmm": lambda x: torch.addbmm(x[:, :8], x[None], x.t()[None]),
        "multi_dot": lambda x: torch.linalg.multi_dot([x, x.t(), x]), "tensordot": lambda x: torch.tensordot(x, x, ([1], [1])),
        "three_factors": lambda x: torch.einsum("ij,kj,ik->k", x, x, x @ x.t()), "kron": lambda x: torch.kron(x[:2, :2], x[:2, :2]),
        "inverse": lambda x: torch.linalg.inv(positive(x)), "cholesky": lambda x: torch.linalg.cholesky(positive(x)),
        "determinant": lambda x: torch.linalg.det(positive(x)), "solve": lambda x: torch.linalg.solve(positive(x), x.t()),
        "triangle": lambda x: torch.linalg.solve_triangular(positive(x), x.t(), upper=True), "qr": lambda x: torch.linalg.qr(positive(x))[0],
        "matrix_power": lambda x: torch.linalg.matrix_power(x.t() @ x, 3),
        # Fourier transforms and complex numbers
        "rfft": lambda x: torch.fft.rfft(x).real, "fft": lambda x: torch.fft.fft(x).real, "irfft": lambda x: torch.fft.irfft(torch.fft.rfft(x)),
        "stft": lambda x: torch.stft(x, 16, return_complex=True, window=torch.ones(16)).abs(), "spectrum": lambda x: torch.fft.rfft(x).abs(),
        "polar": lambda x: torch.view_as_real(torch.polar(x.exp(), x)),
    }


def losses():
    """A name, a loss, and its target."""
    target, classes = torch.rand(N, 32), torch.randint(0, 32, (N,))
    signs = torch.randint(0, 2, (N,)).float() * 2 - 1
    ones = CONSTANTS[3]
    cross, logits = F.cross_entropy, F.binary_cross_entropy_with_logits
    return (
        ("cross_sum", lambda x, t: cross(x, t, reduction="sum"), classes), ("cross_each", lambda x, t: cross(x, t, reduction="none"), classes),
        ("cross_weight", lambda x, t: cross(x, t, weight=ones), classes), ("cross_shares", lambda x, t: cross(x, t.softmax(-1)), target),
        ("cross_shares_smooth", lambda x, t: cross(x, t, label_smoothing=0.1), target),
        ("cross_smooth_sum", lambda x, t: cross(x, t, label_smoothing=0.1, reduction="sum"), classes),
        ("cross_smooth_weight", lambda x, t: cross(x, t, label_smoothing=0.1, weight=ones), classes),
        ("cross_computed", lambda x, t: cross(x, (t + 1) % 32), classes), ("cross_ignored", lambda x, t: cross(x, t, ignore_index=3), classes),
        ("nll_each", lambda x, t: F.nll_loss(x.log_softmax(-1), t, reduction="none"), classes),
        ("mse_each", lambda x, t: F.mse_loss(x, t, reduction="none"), target), ("l1_sum", lambda x, t: F.l1_loss(x, t, reduction="sum"), target),
        ("smooth_beta", lambda x, t: F.smooth_l1_loss(x, t, beta=0.5), target), ("smooth_0", lambda x, t: F.smooth_l1_loss(x, t, beta=0.0), target),
        ("huber_delta", lambda x, t: F.huber_loss(x, t, delta=0.5), target),
        ("bce_weight", lambda x, t: F.binary_cross_entropy(x.sigmoid(), t, weight=t * 2), target),
        ("logits_positive", lambda x, t: logits(x, t, pos_weight=ones), target), ("logits_weight", lambda x, t: logits(x, t, weight=t * 2), target),
        ("logits_each", lambda x, t: logits(x, t, reduction="none"), target), ("kl_mean", lambda x, t: F.kl_div(x.log_softmax(-1), t), target),
        ("kl_log", lambda x, t: F.kl_div(x.log_softmax(-1), t.log(), log_target=True, reduction="sum"), target),
        ("poisson_plain", lambda x, t: F.poisson_nll_loss(x.exp(), t, log_input=False), target),
        ("poisson_full", lambda x, t: F.poisson_nll_loss(x, t, full=True), target), ("margin_ranking", lambda x, t: F.margin_ranking_loss(x, x.flip(0), t), target.sign()),
        ("hinge", F.hinge_embedding_loss, target.sign()), ("hinge_sum", lambda x, t: F.hinge_embedding_loss(x, t, margin=2.0, reduction="sum"), target.sign()),
        ("triplet", lambda x, t: F.triplet_margin_loss(x, x.flip(0), t), target),
        ("triplet_swap", lambda x, t: F.triplet_margin_loss(x, x.flip(0), x.flip(1), swap=True), target),
        ("triplet_by_function", lambda x, t: F.triplet_margin_with_distance_loss(x, x.flip(0), t), target),
        ("cosine_margin", lambda x, t: F.cosine_embedding_loss(x, x.flip(0), t, margin=0.2), signs),
        ("cosine_each", lambda x, t: F.cosine_embedding_loss(x, x.flip(0), t, reduction="none"), signs),
        ("soft_margin_each", lambda x, t: F.soft_margin_loss(x, t, reduction="none"), target),
        ("soft_margins", F.multilabel_soft_margin_loss, target), ("multi_margin", F.multi_margin_loss, classes),
        ("dice", lambda x, t: 1 - 2 * (x.sigmoid() * t).sum() / (x.sigmoid().sum() + t.sum()), target),
        ("focal", lambda x, t: ((1 - torch.exp(-logits(x, t, reduction="none")))**2 * logits(x, t, reduction="none")).mean(), target),
        ("contrast", lambda x, t: cross(F.normalize(x) @ F.normalize(t).t() / 0.1, torch.arange(N)), target),
    )


def image_functions():
    """Functions of a map (8, 8, 12, 12)."""
    return {
        "max_pool_index": lambda x: F.max_pool2d(x, 2, return_indices=True)[0], "max_pool_pad": nn.MaxPool2d(3, 2, 1),
        "fractional": nn.FractionalMaxPool2d(2, output_size=5), "lp_pool": nn.LPPool2d(2, 2),
        "max_unpool": lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), 2),
        "adaptive_max_index": lambda x: F.adaptive_max_pool2d(x, 3, return_indices=True)[0], "avg_pool_pad": nn.AvgPool2d(3, 2, 1),
        "mean_of_maps": lambda x: x.mean((2, 3)), "largest_of_maps": lambda x: x.amax((2, 3)),
        "channel_dropout": lambda x: F.dropout1d(x.flatten(2), training=True), "alpha_channels": nn.FeatureAlphaDropout(), "alpha_module": nn.AlphaDropout(),
        "softmax2d": nn.Softmax2d(), "reflect": nn.ReflectionPad2d(1), "replicate": nn.ReplicationPad2d(1),
        "bicubic": nn.Upsample(scale_factor=2, mode="bicubic"), "area": lambda x: F.interpolate(x, size=(6, 6), mode="area"), "unfold": nn.Unfold(3),
        "fold": lambda x: F.fold(F.unfold(x, 3), (12, 12), 3), "pixel_unshuffle": nn.PixelUnshuffle(2),
        "grid_sample": lambda x: F.grid_sample(x, torch.zeros(N, 5, 5, 2)), "two_pools": lambda x: torch.cat([F.max_pool2d(x, 2), F.avg_pool2d(x, 2)], 1),
    }


def image_layers():
    """Layers on a map (8, 8, 12, 12)."""
    return {
        "prelu_channels": nn.PReLU(8), "norm_relu6": nn.Sequential(nn.BatchNorm2d(8), nn.ReLU6(True)),
        "norm_silu": nn.Sequential(nn.BatchNorm2d(8), nn.SiLU(True)), "norm_hardswish": nn.Sequential(nn.BatchNorm2d(8), nn.Hardswish(True)),
        "norm_leaky": nn.Sequential(nn.BatchNorm2d(8), nn.LeakyReLU(0.1, True)), "norm_elu": nn.Sequential(nn.BatchNorm2d(8), nn.ELU(inplace=True)),
        "instance_bare": nn.InstanceNorm2d(8), "instance_tracked": nn.InstanceNorm2d(8, track_running_stats=True),
        "norm_without_weight": nn.BatchNorm2d(8, affine=False), "conv_without_bias": nn.Conv2d(8, 8, 3, bias=False),
        "dilated": nn.Conv2d(8, 8, 3, dilation=2),
    }


def halves():
    """Functions of a trained operand and one without gradients."""
    return {
        "pow_base": lambda a, b: a.abs().add(1).pow(b), "pow_exponent": lambda a, b: b.pow(a), "half_mul": torch.mul, "half_div": torch.div,
        "half_divisor": lambda a, b: b / (a * a + 1), "half_remainder": torch.remainder, "half_fmod": torch.fmod, "half_atan2": torch.atan2,
        "half_max": torch.maximum, "half_min": torch.minimum, "half_fmax": torch.fmax, "half_xlogy": torch.xlogy,
        "half_lerp": lambda a, b: torch.lerp(a, b, 0.4), "half_lerp_weight": lambda a, b: torch.lerp(a, a * 2, b),
        "half_where": lambda a, b: torch.where(b > 1, a, b), "half_addcmul": lambda a, b: torch.addcmul(a, b, b),
        "half_addcmul_factor": lambda a, b: torch.addcmul(b, a, b), "half_addcdiv": lambda a, b: torch.addcdiv(b, b, a.abs() + 1),
        "half_hypot": torch.hypot, "half_logaddexp": torch.logaddexp, "half_product": lambda a, b: a @ b.t(), "half_second_product": lambda a, b: b @ a.t(),
        "half_copysign": torch.copysign, "half_mse": F.mse_loss, "half_cosine": F.cosine_similarity, "half_cdist": torch.cdist,
        "half_clamp": lambda a, b: torch.clamp(a, max=b), "half_fill": lambda a, b: a.masked_fill(b > 1.5, 0.0),
        "half_kl": lambda a, b: F.kl_div(a.log_softmax(-1), b), "half_sub": torch.sub,
    }


def pairs():
    """Functions of two trained operands."""
    return {
        "pair_remainder": lambda a, b: torch.remainder(a, b.exp()), "pair_fmod": lambda a, b: torch.fmod(a, b.exp()), "pair_min": torch.minimum,
        "pair_fmax": torch.fmax, "pair_xlogy": lambda a, b: torch.xlogy(a, b.sigmoid()), "pair_hypot": torch.hypot, "pair_logaddexp": torch.logaddexp,
        "pair_lerp": lambda a, b: torch.lerp(a, b, 0.4), "pair_where": lambda a, b: torch.where(a > b, a, b), "pair_quotient": torch.div,
        "pair_l1": F.l1_loss, "pair_smooth": F.smooth_l1_loss, "pair_huber": F.huber_loss, "pair_ldexp": torch.ldexp,
        "pair_kl": lambda a, b: F.kl_div(a.log_softmax(-1), b.softmax(-1)), "pair_logits": lambda a, b: F.binary_cross_entropy_with_logits(a, b.sigmoid()),
        "pair_float_power": lambda a, b: torch.float_power(a.exp(), b), "pair_product": lambda a, b: a @ b.t(),
        "pair_cosine_columns": lambda a, b: F.cosine_similarity(a, b, 0), "pair_clamp": torch.clamp, "pair_mask": lambda a, b: a * (a > b),
        "pair_attention": lambda a, b: F.scaled_dot_product_attention(a, b, b),
    }


def attentions():
    """Modules for a sequence (8, 10, 32)."""
    plain = {"dropout": 0.0, "batch_first": True}
    attend = F.scaled_dot_product_attention
    later = torch.ones(10, 10).triu(1).bool()
    return {
        "heads": Attending(need_weights=False, **plain), "heads_weights": Attending(need_weights=True, **plain),
        "heads_each_weight": Attending(average_attn_weights=False, **plain), "heads_mask": Attending(need_weights=False, attn_mask=torch.zeros(10, 10), **plain),
        "heads_truth_mask": Attending(need_weights=False, attn_mask=later, **plain), "heads_steps_first": Attending(need_weights=False),
        "heads_steps_first_weights": Attending(), "heads_dropout": Attending(dropout=0.1, batch_first=True),
        "heads_cross": Attending(6, need_weights=False, **plain), "heads_cross_weights": Attending(6, **plain),
        "encoder_relu": nn.TransformerEncoderLayer(32, 4, 64, **plain), "encoder_steps_first": nn.TransformerEncoderLayer(32, 4, 64, 0.0),
        "encoder_gelu": nn.TransformerEncoderLayer(32, 4, 64, activation="gelu", norm_first=True, **plain),
        "encoder_dropout": nn.TransformerEncoderLayer(32, 4, 64, 0.1, batch_first=True),
        "encoder": nn.TransformerEncoder(nn.TransformerEncoderLayer(32, 4, 64, **plain), 2, enable_nested_tensor=False),
        "decoder": Decoding(nn.TransformerDecoderLayer(32, 4, 64, **plain)),
        "decoder_norm_first": Decoding(nn.TransformerDecoderLayer(32, 4, 64, norm_first=True, **plain)),
        "transformer": Decoding(nn.Transformer(32, 4, 1, 1, 64, **plain)), "attend": Heads(attend),
        "attend_mask": Heads(lambda q, k, v: attend(q, k, v, torch.zeros(10, 10))), "attend_truth": Heads(lambda q, k, v: attend(q, k, v, ~later)),
        "attend_grouped": Heads(lambda q, k, v: attend(q, k[:, :2], v[:, :2], enable_gqa=True)),
    }


def cases():
    """A name, a module and its inputs."""
    yield from basic_cases()
    row, image = torch.randn(N, 32), torch.randn(N, 4, 12, 12)
    for name, function in functions().items():
        yield name, of(function), (row,)
    for name, loss, target in losses():
        yield name, Loss(loss), (row, target)
    for name, function in image_functions().items():
        yield name, ConvolvedBy(function), (image,)
    places = torch.randint(0, 8, (N, 12, 12))
    yield "cross_maps", ConvolvedBy(F.cross_entropy), (image, places)
    yield "nll_maps", ConvolvedBy(lambda x, t: F.nll_loss(x.log_softmax(1), t)), (image, places)
    for name, layer in image_layers().items():
        yield name, Convolved(layer), (image,)
    line, volume = torch.randn(N, 4, 24), torch.randn(2, 4, 6, 6, 6)
    for name, layer in (("dropout3d", nn.Dropout3d()), ("max_pool3d", nn.MaxPool3d(2)), ("adaptive_max3d", nn.AdaptiveMaxPool3d(2))):
        yield name, Convolved(layer, 3), (volume,)
    for name, layer in (("dropout1d", nn.Dropout1d()), ("adaptive_max1d", nn.AdaptiveMaxPool1d(4)), ("lp_pool1d", nn.LPPool1d(2, 2)),
                        ("instance1d", nn.InstanceNorm1d(8, affine=True))):
        yield name, Convolved(layer, 1), (line,)
    for name, function in halves().items():
        yield name, Half(function), (row,)
    for name, function in pairs().items():
        yield name, Pair(function), (row,)
    for name, module in attentions().items():
        yield name, module, (torch.randn(N, 10, 32),)
