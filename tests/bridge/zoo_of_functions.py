"""A module without a table: its functions and classes make models, and read what they need."""

import json
import os

from torch import nn


def from_file():
    """Depends on a file that is read when the model is built."""
    with open("width.json", encoding="utf-8") as stream:
        return nn.Linear(8, json.load(stream))


def from_variable() -> nn.Module:
    return nn.Linear(8, int(os.environ.get("ZOO_WIDTH", "4")))


def from_later_import():
    from zoo_of_later import WIDTH
    return nn.Linear(8, WIDTH)


class Direct(nn.Linear):
    def __init__(self, width=4):
        super().__init__(8, width)


def needs_an_argument(width):
    return nn.Linear(8, width)


def no_model() -> int:
    return 3


def _hidden():
    return nn.Linear(8, 8)
