"""A server of the Model Context Protocol: `zoometer mcp`, or `python -m zoometer.mcp`.

Each tool runs the native program and returns its JSON document (docs/schema), so that a hostile file
ends one tool call and not the server. Needs the official SDK: `pip install 'zoometer[mcp]'`.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
from typing import Annotated, Any

LONGEST_RUN = 600  # seconds that one tool call may take
EXIT_UNREADABLE = 3

INSTRUCTIONS = """What neural networks cost without running them: parameters, multiply-accumulates
(MACs), FLOPs, memory, the least time on a device. A model is a name ("resnet50"; the tool list has
them), the path of a file (ONNX, safetensors, GGUF, torch.export, config.json), "timm:NAME",
"transformers:NAME" or "python:package.module:function". Sizes are in elements or bytes."""


def sdk() -> tuple[type, type[Exception]]:
    """The SDK's server, called FastMCP before its version 2, and the error whose words clients see.
    Raises ImportError."""
    try:
        from mcp.server.mcpserver import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
        return MCPServer, ToolError
    except ImportError:
        from mcp.server.fastmcp import FastMCP
        from mcp.server.fastmcp.exceptions import ToolError as OldToolError
        return FastMCP, OldToolError


def program() -> str:
    """The native program: what started this server, else the one installed beside this Python."""
    named = os.environ.get("ZOOMETER")
    beside = pathlib.Path(sys.executable).with_name("zoometer")
    return named or (str(beside) if beside.exists() else shutil.which("zoometer") or "zoometer")


def document_of(command: str, operands: list[str], options: dict[str, Any]) -> dict[str, Any]:
    """The JSON document of one command. Raises ValueError with the program's own words.

    options: by name without dashes; None and False leave one out, a list repeats it.
    """
    for operand in operands:
        if operand.startswith("-"):
            raise ValueError(f"a model's name does not begin with a dash: {operand}")
    words = [program(), command, *operands]
    for name, value in options.items():
        for each in value if isinstance(value, list) else [value]:
            if each is True:
                words.append(f"--{name}")
            elif each is not None and each is not False:
                words.append(f"--{name}={each}")
    words.append("--format=json")
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=LONGEST_RUN, check=False)
    except subprocess.TimeoutExpired:
        raise ValueError(f"no answer within {LONGEST_RUN} s") from None
    try:
        document = json.loads(done.stdout)
    except ValueError:
        raise ValueError(done.stderr.strip() or f"exit status {done.returncode}") from None
    return document if isinstance(document, dict) else {"result": document}


def make_server() -> Any:
    """The server with its tools. Raises ImportError without the SDK."""
    from pydantic import Field
    Server, ToolError = sdk()
    server = Server("zoometer", instructions=INSTRUCTIONS)

    def run(command: str, operands: list[str], options: dict[str, Any]) -> dict[str, Any]:
        try:
            return document_of(command, operands, options)
        except ValueError as error:
            raise ToolError(str(error)) from None

    Model = Annotated[str, Field(description="a model's name, a path, timm:NAME, transformers:NAME"
                                             " or python:MODULE:FUNCTION")]
    Shapes = Annotated[list[str] | None, Field(
        description="one for each input: '1,3,224,224', 'tokens=1,128:int64'; none: the model's own")]
    Batch = Annotated[int | None, Field(ge=1, description="size of the inputs' batch")]
    Dtype = Annotated[str | None, Field(
        pattern="^(float32|float16|bfloat16|int8)$",
        description="count bytes as if floating-point tensors were stored in this type")]

    @server.tool(name="list", description="The models that have names, with parameters and MACs.")
    def list_models(
            patterns: Annotated[list[str] | None, Field(
                description="names with * and ?; 'timm:vit_*' for a library's")] = None,
            where: Annotated[str | None, Field(
                description="only models for which this holds: 'macs < 1G and top1 > 75%'")] = None,
            sort: Annotated[str | None, Field(description="'macs', 'top1:desc'")] = None,
            registry: Annotated[str, Field(pattern="^(curated|auto|all)$")] = "all",
    ) -> dict[str, Any]:
        return run("list", patterns or [], {"registry": registry, "where": where, "sort": sort})

    @server.tool(description="What a model costs, in all and module by module.")
    def profile(model: Model, input_shapes: Shapes = None, batch: Batch = None, dtype: Dtype = None,
                depth: Annotated[int | None, Field(ge=0, description="levels of modules")] = 2,
                ) -> dict[str, Any]:
        return run("profile", [model], {"input-shape": input_shapes, "batch": batch, "dtype": dtype,
                                        "depth": depth})

    @server.tool(description="Figures of several models side by side.")
    def compare(models: Annotated[list[Model], Field(min_length=2, max_length=50)],
                batch: Batch = None, dtype: Dtype = None) -> dict[str, Any]:
        found = []
        for model in models:
            try:
                document = document_of("profile", [model],
                                       {"batch": batch, "dtype": dtype, "depth": 0})
                found.append({"model": model, "totals": document["totals"]})
            except ValueError as error:
                found.append({"model": model, "reason": str(error)})
        return {"models": found}

    @server.tool(description="The figures by the rules of fvcore, torchvision, PyTorch, thop and"
                             " ptflops, and why they differ.")
    def explain(model: Model, input_shapes: Shapes = None, batch: Batch = None) -> dict[str, Any]:
        return run("explain", [model], {"input-shape": input_shapes, "batch": batch})

    @server.tool(description="The least time that a device needs for a model, and what limits it.")
    def roofline(model: Model,
                 device: Annotated[str, Field(description="H100, A100, RTX-4090, ...")],
                 input_shapes: Shapes = None, batch: Batch = None,
                 dtype: Annotated[str | None, Field(
                     pattern="^(float32|tf32|float16|bfloat16|float8|int8|int4)$",
                     description="floating-point tensors are stored and computed in this type")]
                 = None,
                 fuse: Annotated[bool, Field(description="operators run together that compilers fuse")]
                 = False) -> dict[str, Any]:
        return run("roofline", [model], {"on": device, "input-shape": input_shapes,
                                         "batch": batch, "dtype": dtype, "fuse": fuse})

    @server.tool(description="What differs between two models, module by module.")
    def diff(before: Model, after: Model) -> dict[str, Any]:
        return run("diff", [before, after], {})

    return server


def main() -> int:
    """Serves over standard input and output until the client leaves."""
    os.environ.pop("PYTHONSAFEPATH", None)  # set by the native program for this process only
    try:
        server = make_server()
    except ImportError as error:
        print(f"zoometer: mcp: {error} (pip install 'zoometer[mcp]')", file=sys.stderr)
        return EXIT_UNREADABLE
    server.run("stdio")
    return 0


if __name__ == "__main__":
    sys.exit(main())
