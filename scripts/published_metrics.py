#!/usr/bin/env python3
"""Writes src/registry/published_metrics.cpp: what torchvision publishes about each of its weights.

Counts, sizes and inputs come from tests/golden/torchvision_weights.json (metadata of torchvision 0.15
and 0.22, identical there); accuracies from the metadata of the installed torchvision, and for the
Swin3D family, which came later, from torchvision's documentation.
Run with a Python that has torchvision: /usr/bin/python3 scripts/published_metrics.py
"""
import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
SWIN3D_TOP1 = {
    "Swin3D_T_Weights.KINETICS400_V1": 77.715,
    "Swin3D_S_Weights.KINETICS400_V1": 79.521,
    "Swin3D_B_Weights.KINETICS400_V1": 79.427,
    "Swin3D_B_Weights.KINETICS400_IMAGENET22K_V1": 81.643,
}
# The metric of each task, best first.
METRICS = [
    ("acc@1", "top1"),
    ("miou", "miou"),
    ("box_map", "box_map"),
    ("epe", "epe"),
    ("fl_all", "fl_all"),
]


def accuracies():
    """The main metric of every weights entry of the installed torchvision: {name: (metric, value)}."""
    from torchvision import models
    from torchvision.models._api import get_model_weights

    result = {name: ("top1", value) for name, value in SWIN3D_TOP1.items()}
    for model in models.list_models():
        for weights in get_model_weights(model):
            found = main_metric(weights.meta.get("_metrics", {}))
            if found:
                result[f"{type(weights).__name__}.{weights.name}"] = found
    return result


def main_metric(metrics):
    for source, name in METRICS:
        for figures in metrics.values():
            if source in figures and figures[source] == figures[source]:  # some are not a number
                return name, figures[source]
    return None


def braces(sizes):
    return "{" + ", ".join(str(size) for size in sizes) + "}"


def row(name, facts, metric):
    inputs = facts["ops_input"]
    inputs = inputs if isinstance(inputs[0], list) else [inputs]
    batched = [[1, *sizes] if len(sizes) == 3 else sizes for sizes in inputs]
    shape = braces(batched[0])
    metric_name, value = metric or ("", 0)
    return (
        f'    {{"{name}", "{facts["model"]}", {str(facts["default"]).lower()}, {facts["num_params"]}, '
        f'{facts["_ops"]}, {facts["_file_size"]}, Shape{shape}, "{metric_name}", {value}}},'
    )


def main():
    weights = json.loads((ROOT / "tests/golden/torchvision_weights.json").read_text())
    metrics = accuracies()
    rows = [row(name, facts, metrics.get(name)) for name, facts in sorted(weights.items())]
    text = "\n".join(
        [
            "// Written by scripts/published_metrics.py.",
            '#include "registry/published_metrics.hpp"',
            "",
            "namespace zoometer {",
            "namespace {",
            "",
            "// clang-format off",
            "constexpr PublishedMetrics rows[] = {",
            *rows,
            "};",
            "// clang-format on",
            "",
            "}  // namespace",
            "",
            "std::span<const PublishedMetrics> published_metrics() noexcept { return rows; }",
            "",
            "}  // namespace zoometer",
            "",
        ]
    )
    (ROOT / "src/registry/published_metrics.cpp").write_text(text)


if __name__ == "__main__":
    main()
