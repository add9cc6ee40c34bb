#!/usr/bin/python3
"""pt2_file.py FROM TO COUNT: writes a torch.export file of a given size.

The nodes of FROM run COUNT times, each time on the same inputs and weights and into values of their own.
"""

import json
import sys
import zipfile
from typing import Any


def renamed(part: Any, made: set[str], suffix: str) -> Any:
    """A copy in which the outputs of nodes have that suffix."""
    if isinstance(part, list):
        return [renamed(item, made, suffix) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: value + suffix if key == "name" and value in made else renamed(value, made, suffix)
        for key, value in part.items()
    }


def repeat(graph: dict[str, Any], count: int) -> None:
    made = {
        output["as_tensor"]["name"] for node in graph["nodes"] for output in node["outputs"] if "as_tensor" in output
    }
    nodes, values = list(graph["nodes"]), dict(graph["tensor_values"])
    for suffix in (f"_run{k}" for k in range(1, count)):
        for node in graph["nodes"]:
            nodes.append(node | {key: renamed(node[key], made, suffix) for key in ("inputs", "outputs")})
        values |= {name + suffix: value for name, value in graph["tensor_values"].items() if name in made}
    graph["nodes"], graph["tensor_values"] = nodes, values


def main() -> None:
    source, target, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("/models/model.json"):
                program = json.loads(data)
                repeat(program["graph_module"]["graph"], count)
                data = json.dumps(program).encode()
            new.writestr(zipfile.ZipInfo(name), data)


main()
