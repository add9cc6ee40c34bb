"""The drop-in functions give the figures of the tools themselves, which run the models beside them.

Arguments: the program (not used), or names of models. The last line is "N passed, N failed".
"""

import contextlib
import inspect
import io
import logging
import sys
import warnings

import torch
from torch import nn

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
import calflops
import fvcore.nn
import ptflops
import thop
import timm
import torchinfo
import torchvision
import transformers
from torch.utils.flop_counter import FlopCounterMode

import zoometer.compat.calflops
import zoometer.compat.fvcore
import zoometer.compat.ptflops
import zoometer.compat.thop
import zoometer.compat.torch
import zoometer.compat.torchinfo


# -- models -------------------------------------------------------------------------------------

class Layers(nn.Module):
    """Layers with and without biases, in one row."""

    def __init__(self, norm):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), norm
        self.up = nn.ConvTranspose2d(8, 6, 2, stride=2, bias=False)
        self.act, self.pool = nn.GELU(), nn.AdaptiveAvgPool2d(1)
        self.head, self.last = nn.Linear(6, 4), nn.Softmax(-1)

    def forward(self, x):
        y = self.act(self.up(self.norm(self.conv(x))))
        return self.last(self.head(self.pool(y).flatten(1)))


class Tokens(nn.Module):
    """A Linear on many tokens, and norms of features."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(16, 32), nn.LayerNorm(32)
        self.second = nn.Linear(32, 16, bias=False)

    def forward(self, x):
        return self.second(nn.functional.relu(self.norm(self.first(x))))


class Twice(nn.Module):
    """A module that is called twice, and one that is never called."""

    def __init__(self):
        super().__init__()
        self.inner, self.unused = nn.Linear(16, 16), nn.Linear(16, 16)

    def forward(self, x):
        return self.inner(self.inner(x))


class Products(nn.Module):
    """Products that no module makes."""

    def __init__(self):
        super().__init__()
        self.project = nn.Linear(16, 16)

    def forward(self, x):
        q = self.project(x)
        weights = nn.functional.softmax(torch.matmul(q, x.transpose(1, 2)), -1)
        return torch.matmul(weights, x)


OWN = {
    "layers_batch": (lambda: Layers(nn.BatchNorm2d(8)), (2, 3, 16, 16)),
    "layers_group": (lambda: Layers(nn.GroupNorm(2, 8)), (2, 3, 16, 16)),
    "layers_none": (lambda: Layers(nn.Identity()), (2, 3, 16, 16)),
    "tokens": (Tokens, (2, 7, 16)),
    "twice": (Twice, (2, 7, 16)),
    "products": (Products, (2, 7, 16)),
    "conv1d": (lambda: nn.Sequential(nn.Conv1d(4, 8, 3), nn.BatchNorm1d(8), nn.ReLU(),
                                     nn.MaxPool1d(2)), (2, 4, 32)),
    "conv3d": (lambda: nn.Sequential(nn.Conv3d(2, 4, 3), nn.BatchNorm3d(4), nn.ReLU(),
                                     nn.AvgPool3d(2)), (1, 2, 8, 8, 8)),
}
TORCHVISION = """alexnet convnext_tiny densenet121 densenet169 efficientnet_b0 efficientnet_b1
efficientnet_b2 efficientnet_v2_s mnasnet0_5 mnasnet0_75 mnasnet1_0 mnasnet1_3 mobilenet_v2
mobilenet_v3_large mobilenet_v3_small regnet_x_1_6gf regnet_x_3_2gf regnet_x_400mf regnet_x_800mf
regnet_y_1_6gf regnet_y_3_2gf regnet_y_400mf regnet_y_800mf resnet18 resnet34 resnet50 resnet101
resnext50_32x4d shufflenet_v2_x0_5 shufflenet_v2_x1_0 shufflenet_v2_x1_5 shufflenet_v2_x2_0
squeezenet1_0 squeezenet1_1 swin_t swin_v2_t vgg11 vgg11_bn vgg13 vgg16_bn wide_resnet50_2""".split()
TIMM = """mixer_s32_224 resmlp_12_224 poolformer_s12 convmixer_768_32 ghostnet_100 hardcorenas_a
lcnet_050 tinynet_e mobilevit_xxs resnest14d""".split()
TRANSFORMERS = {
    "BertModel": dict(num_hidden_layers=2, hidden_size=64, num_attention_heads=4, vocab_size=99,
                      intermediate_size=128),
    "GPT2Model": dict(n_layer=2, n_embd=64, n_head=4, vocab_size=99),
    "DistilBertModel": dict(n_layers=2, dim=64, n_heads=4, hidden_dim=128, vocab_size=99),
    "LlamaModel": dict(num_hidden_layers=2, hidden_size=64, num_attention_heads=4,
                       intermediate_size=128, vocab_size=99),
}


def transformer(name, options):
    configuration = getattr(transformers, name.replace("Model", "Config"))(**options)
    configuration._attn_implementation = "eager"
    return getattr(transformers, name)(configuration)


def models():
    """Names with a function that builds the model, and its input."""
    yield from ((name, build, torch.zeros(size)) for name, (build, size) in OWN.items())
    for name in TORCHVISION:
        size = 224 if name.startswith(("swin", "alexnet", "vgg")) else 96
        yield (name, lambda name=name: getattr(torchvision.models, name)(weights=None),
               torch.zeros(1, 3, size, size))
    for name in TIMM:
        size = 224 if "_224" in name else 96
        yield "timm:" + name, lambda name=name: timm.create_model(name), torch.zeros(1, 3, size, size)
    for name, options in TRANSFORMERS.items():
        yield (name, lambda name=name, options=options: transformer(name, options),
               torch.ones(1, 12, dtype=torch.int64))


# -- tools --------------------------------------------------------------------------------------

STATISTICS = ("total_mult_adds", "total_params", "trainable_params", "total_param_bytes",
              "total_output_bytes")


def counted(mode, model, x):
    with torch.no_grad(), mode(display=False) as counter:
        model(x)
    return counter.get_total_flops()


def positive(counts):
    return {name: count for name, count in counts.items() if count}


def complexity(tool, backend):
    def figures(model, x):
        is_usual = x.is_floating_point() and x.shape[0] == 1
        return tool.get_model_complexity_info(
            model, tuple(x.shape[1:]), print_per_layer_stat=False, as_strings=False, backend=backend,
            input_constructor=None if is_usual else lambda sizes: {first_argument(model): x})
    return figures


def first_argument(model):
    return "input" if isinstance(model, nn.Sequential) else "input_ids" if hasattr(model, "config") else "x"


TOOLS = {
    "fvcore": [lambda m, x, t=t: positive(t.FlopCountAnalysis(m, x).by_module())
               for t in (fvcore.nn, zoometer.compat.fvcore)],
    "fvcore operators": [lambda m, x, t=t: positive(t.FlopCountAnalysis(m, x).by_operator())
                         for t in (fvcore.nn, zoometer.compat.fvcore)],
    "fvcore activations": [lambda m, x, t=t: t.ActivationCountAnalysis(m, x).total()
                           for t in (fvcore.nn, zoometer.compat.fvcore)],
    "fvcore parameters": [lambda m, x, t=t: t.parameter_count(m)
                          for t in (fvcore.nn, zoometer.compat.fvcore)],
    "thop": [lambda m, x, t=t: t.profile(m, (x,), verbose=False) for t in (thop, zoometer.compat.thop)],
    "ptflops pytorch": [complexity(t, "pytorch") for t in (ptflops, zoometer.compat.ptflops)],
    "ptflops aten": [complexity(t, "aten") for t in (ptflops, zoometer.compat.ptflops)],
    "torchinfo": [lambda m, x, t=t: tuple(getattr(t.summary(m, input_data=x, verbose=0), name)
                                          for name in STATISTICS)
                  for t in (torchinfo, zoometer.compat.torchinfo)],
    "calflops": [lambda m, x, t=t: t.calculate_flops(m, args=[x], print_results=False,
                                                     output_as_string=False)
                 for t in (calflops, zoometer.compat.calflops)],
    "torch": [lambda m, x, t=t: counted(t, m, x)
              for t in (FlopCounterMode, zoometer.compat.torch.FlopCounterMode)],
}
# What differs, with the reason in docs/conventions.md: (tool, model).
DIFFERENT = {("ptflops aten", "timm:mixer_s32_224"), ("ptflops aten", "timm:resmlp_12_224"),
             ("torch", "timm:mobilevit_xxs")}
# Functions and classes of the tools, each with ours. What each argument does is in tests/python/test_compat.py.
NAMES = [*((fvcore.nn, zoometer.compat.fvcore, name) for name in zoometer.compat.fvcore.__all__),
         (thop, zoometer.compat.thop, "profile"), (thop, zoometer.compat.thop, "clever_format"),
         (ptflops, zoometer.compat.ptflops, "get_model_complexity_info"),
         (torchinfo, zoometer.compat.torchinfo, "summary"),
         (calflops, zoometer.compat.calflops, "calculate_flops"),
         (sys.modules[FlopCounterMode.__module__], zoometer.compat.torch, "FlopCounterMode")]


def missing_arguments():
    """What the tools' functions, and the methods of their classes, take that ours do not."""
    for tool, own, name in NAMES:
        theirs, ours = getattr(tool, name), getattr(own, name)
        pairs = [(name, theirs, ours)]
        if inspect.isclass(theirs):
            pairs += [(f"{name}.{method}", getattr(theirs, method), getattr(ours, method, None))
                      for method in dir(theirs) if not method.startswith("_")]
        for word, their, our in pairs:
            if our is None:
                yield word
            elif not any(each.kind is each.VAR_POSITIONAL for each in inspect.signature(our).parameters.values()):
                yield from (f"{word}({argument})" for argument in inspect.signature(their).parameters
                            if argument not in inspect.signature(our).parameters)


def main(names):
    missing = list(missing_arguments())
    passed, failed = int(not missing), int(bool(missing))
    print("missing arguments:", *missing or ["none"])
    for name, build, x in models():
        if names and name not in names:
            continue
        torch.manual_seed(0)
        model = build().eval()
        before = passed
        for tool, (theirs, ours) in TOOLS.items():
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    expected = theirs(model, x)
            except Exception as error:
                print(f"{tool} does not run {name}: {type(error).__name__}: {str(error)[:80]}")
                continue
            try:
                got = ours(model, x)
            except Exception as error:
                got = f"{type(error).__name__}: {error}"
            if (expected == got) != ((tool, name) in DIFFERENT):
                passed += 1
                continue
            failed += 1
            print(f"FAILED: {tool} of {name}: {str(expected)[:300]}, here {str(got)[:300]}", flush=True)
        print(f"{name}: {passed - before} of {len(TOOLS)}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main([name for name in sys.argv[1:] if "/" not in name]))
