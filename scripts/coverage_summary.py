"""Sums up what gcovr counted: see scripts/coverage."""
import argparse
import collections
import json
import re
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("counts")
parser.add_argument("--lines", nargs="?", const="")
parser.add_argument("--errors", action="store_true")
words = parser.parse_args()

# The beginnings of errors: a throw, and the helpers that end in one.
error = re.compile(r"\bthrow\b(?!;)|^\s*(return )?(fail|refuse|malformed|unsupported|cannot_\w+|throw_\w+)\(|\bError error\(")

lines = collections.defaultdict(dict)  # by file: how often each line ran, wherever it was compiled
for file in json.load(open(words.counts))["files"]:
    counts = lines[file["file"]]
    for line in file["lines"]:
        if not line.get("gcovr/noncode"):
            counts[line["line_number"]] = counts.get(line["line_number"], 0) + line["count"]

covered, total = collections.Counter(), collections.Counter()
for path, counts in sorted(lines.items()):
    folder = "/".join(path.split("/")[:2]) + "/"
    total[folder] += len(counts)
    covered[folder] += sum(count > 0 for count in counts.values())
    missed = sorted(number for number, count in counts.items() if count == 0)
    if not missed:
        continue
    text = Path(path).read_text().split("\n")
    if words.lines is not None and words.lines in path:
        print(f"{path}: {len(missed)} of {len(counts)} lines never ran")
        for number in missed:
            print(f"{number:6} {text[number - 1]}")
    elif words.errors:
        for number in missed:
            if error.search(text[number - 1]):
                print(f"{path}:{number}: {text[number - 1].strip()}")

for folder in sorted(total):
    print(f"{covered[folder] / total[folder]:7.2%}  {covered[folder]:6} of {total[folder]:6} lines  {folder}")
done, of = sum(covered.values()), sum(total.values())
print(f"{done / of:.2%} of the lines of src/ are covered: {done} of {of}")
