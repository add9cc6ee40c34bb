"""Imports torchvision of PyPI beside a torch for CPUs: it cannot load its operators there, which the tests
do not need, and its import asks for two of them. Libraries that import torchvision come after this.
"""

import torch

try:
    import torchvision
except RuntimeError:
    operators = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import torchvision

__all__ = ["torchvision"]
