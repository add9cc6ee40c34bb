"""Writes the ```cpp blocks of Markdown pages that are whole programs as snippet_N.cpp, and the
```text block that follows one, if there is one, as snippet_N.txt. Prints "PAGE N" for each."""
import pathlib
import re
import sys

number = 0
for page in map(pathlib.Path, sys.argv[1:]):
    for match in re.finditer(r"^```cpp\n(.*?)^```\n(?:\s*^```text\n(.*?)^```\n)?", page.read_text(), re.M | re.S):
        code, output = match.groups()
        if "int main" not in code:
            continue
        number += 1
        pathlib.Path(f"snippet_{number}.cpp").write_text(code)
        if output is not None:
            pathlib.Path(f"snippet_{number}.txt").write_text(output)
        print(page.name, number)
