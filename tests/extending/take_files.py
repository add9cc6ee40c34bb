"""take_files.py PAGE FOLDER NAME...: writes the C++ blocks of a Markdown page that begin with "// NAME" into
FOLDER/NAME. Every such block must be among the names, and every name on the page."""
import pathlib
import re
import sys

page, folder, names = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
blocks = dict(re.findall(r"^```cpp\n// (\S+\.[ch]pp)\n(.*?)^```", page.read_text(), re.M | re.S))
if sorted(blocks) != sorted(names):
    sys.exit(f"{page}: shows {sorted(blocks)}, the build expects {sorted(names)}")
for name, text in blocks.items():
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
