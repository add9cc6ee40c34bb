"""What the odd modules of the tests are made of."""

import torch
from torch import nn


def r(*sizes):
    return torch.randn(sizes, generator=torch.Generator().manual_seed(1))


class Of(nn.Module):
    """A module whose forward is a function of itself and the inputs."""

    def __init__(self, run, **parts):
        super().__init__()
        self.run = run
        for name, part in parts.items():
            if isinstance(part, torch.Tensor) and not isinstance(part, nn.Parameter):
                self.register_buffer(name, part)
            else:
                setattr(self, name, part)

    def forward(self, *args, **kwargs):
        return self.run(self, *args, **kwargs)


def lin(inputs=8, outputs=8):
    return nn.Linear(inputs, outputs)
