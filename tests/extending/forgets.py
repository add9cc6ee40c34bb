"""forgets.py COMPILER SOURCE FOLDER...: an operator's declaration compiles, and no longer does without one of the members
that all declarations give. The folders are those of its headers."""
import pathlib
import subprocess
import sys

compiler, source, folders = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
members = ["kind", "inputs", "backward", "fusion", "memory", "arithmetic"]


def compiles(text):
    command = [compiler, "-std=c++20", "-fsyntax-only", "-x", "c++", "-", *(f"-I{folder}" for folder in folders)]
    return subprocess.run(command, input=text, text=True, stderr=subprocess.DEVNULL).returncode == 0


lines = source.read_text().splitlines(keepends=True)
if not compiles("".join(lines)):
    sys.exit(f"{source}: does not compile")
for member in members:
    kept = [line for line in lines if not line.strip().startswith(f".{member} =")]
    if len(kept) + 1 != len(lines):
        sys.exit(f"{source}: expected one line of the member {member}")
    if compiles("".join(kept)):
        sys.exit(f"{source}: compiles without the member {member}")
