"""Models of all kinds that a bridge must survive.""" 

import functools
import os
import sys
import time

import torch
from torch import nn


class Quiet(nn.Module):
    """A linear layer between two that share their weights."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.second = nn.Linear(8, 8, bias=False)
        self.second.weight = self.first.weight
        self.register_buffer("scale", torch.tensor([2.0]), persistent=False)
        self.unused = nn.Linear(3, 3)

    def forward(self, x):
        return self.second(self.first(x) * self.scale)


class Noisy(Quiet):
    def forward(self, x):
        print("noise from Python while it is traced")
        return super().forward(x)


def noisy():
    print("noise from Python")
    os.write(1, b"noise from C\n")
    return Noisy()


class InitialisesItself(nn.Module):
    """Fills its weights with calls of its own, and takes a size from a tensor that has values."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(8, 8))
        with torch.no_grad():
            self.weight.uniform_(-1, 1).erfinv_().mul_(2).clamp_(-2, 2)
            width = torch.arange(3.0).mul_(2).add_(1)
        self.head = nn.Linear(8, int(width[2]))

    def forward(self, x):
        return self.head(x @ self.weight)


class Adapted(nn.Module):
    """A frozen layer with a small trained one beside it, after an encoder under no_grad."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(8, 8)
        self.base = nn.Linear(8, 8).requires_grad_(False)
        self.down, self.up = nn.Linear(8, 2, bias=False), nn.Linear(2, 8, bias=False)

    def forward(self, x):
        with torch.no_grad():
            x = torch.relu(self.encoder(x))
        return self.base(x) + self.up(self.down(x))


class WritesThroughViews(nn.Module):
    """Its result is wrong if one forgets that a view shares memory."""

    def forward(self, x):
        y = x + 1
        before = y[0]
        y[:, 1:3].mul_(2)
        y.view(-1)[0:2].zero_()
        return y + before + x.detach()


class Encoder(nn.Module):
    """nn.TransformerEncoder is a leaf for FX; its children are still called."""

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)

    def forward(self, x):
        return self.encoder(x)


class Embeds(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(100, 16)

    def forward(self, tokens, bias=None):
        return self.table(tokens)


class Cell(nn.Module):
    """Calls one layer twice."""

    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(8, 8)

    def forward(self, x):
        return self.cell(self.cell(x))


class DependsOnData(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Nonzero()

    def forward(self, x):
        return self.inner(x)


class Nonzero(nn.Module):
    def forward(self, x):
        return torch.nonzero(x)


class ReadsValues(torch.nn.Module):
    """A constructor that asks for a value of a tensor, and makes a layer of 4 GiB."""

    def __init__(self, values):
        super().__init__()
        self.outputs = int(torch.ones(values).max().item())
        self.head = torch.nn.Linear(8, self.outputs)
        self.large = torch.nn.Linear(1 << 15, 1 << 15)

    def forward(self, x):
        return self.head(x)


def raises():
    raise RuntimeError("this factory\nraises")


def exits():
    sys.exit(3)


def crashes():
    os._exit(7)


def never_ends():
    time.sleep(600)


def no_module():
    return "a string"


ROW = [[2, 8]]
ZOOMETER_MODELS = {
    "quiet": (Quiet, ROW),
    "noisy": (noisy, ROW),
    "writes_through_views": (WritesThroughViews, [[3, 4]]),
    "encoder": (Encoder, [[1, 5, 16]]),
    "embeds": (Embeds, ["1x7:int64"]),
    "cell": (Cell, ROW),
    "adapted": (Adapted, ROW),
    "initialises_itself": (InitialisesItself, ROW),
    "depends_on_data": (DependsOnData, ROW),
    "reads_few_values": (functools.partial(ReadsValues, 16), ROW),
    "reads_many_values": (functools.partial(ReadsValues, 1 << 20), ROW),
    "raises": (raises, ROW),
    "exits": (exits, ROW),
    "no_module": (no_module, ROW),
    "crashes": (crashes, ROW),
    "never_ends": (never_ends, ROW),
}
