#!/usr/bin/env bash
# `parameters` and `profile` count the same: of every file, the entries of `parameters` without those
# that share the storage of another add up to the totals of `profile`.
. "$SOURCE_DIR/tests/cli/_lib.sh"

find -L "$SOURCE_DIR/tests/data" /usr/share/libonnx-testdata/data/{real,simple,pytorch-*} \
  \( -name '*.onnx' -o -name '*.pt2' \) 2>/dev/null | sort >files.txt
/usr/bin/python3 - "$ZOOMETER" <<'PYTHON' | tee agree.txt
import json
import math
import re
import subprocess
import sys


def run(*words):
    return subprocess.run([sys.argv[1], *words], capture_output=True, text=True)


differ = read = shared = 0
for name in open("files.txt").read().splitlines():
    profile = run("profile", name, "--format", "json")
    if profile.returncode != 0:
        continue
    read += 1
    totals = json.loads(profile.stdout)["totals"]
    entries = json.loads(run("parameters", name, "--format", "json").stdout)["entries"]
    shared += any("shared_with" in entry for entry in entries)
    unique = sum(
        math.prod(entry["shape"])
        for entry in entries
        if entry["kind"] == "parameter" and "shared_with" not in entry
    )
    text = run("parameters", name).stdout.splitlines()[-1]
    footer = re.match(r"(\d+) entr(?:y|ies): (\d+) parameters?, (\d+) buffer elements?", text)
    counts = [int(number) for number in footer.groups()]
    if counts != [len(entries), unique, totals["buffers"]] or unique != totals["parameters"]:
        differ += 1
        print(f"{name}: {text}; entries {unique}; profile {totals['parameters']}, {totals['buffers']}")
print(f"{differ} of {read} differ; {shared} with shared ones")
PYTHON
expect "some files" test "$(wc -l <files.txt)" -gt 20
expect "parameters and profile agree" grep -q '^0 of [0-9]* differ' agree.txt
expect "shared ones among them" grep -qv '; 0 with shared ones' agree.txt

# Tied weights are two entries and count once.
gpt2=$SOURCE_DIR/tests/data/pt2/gpt2.pt2
expect_output "29 entries: 173824 parameters, 0 buffer elements" parameters "$gpt2"
expect_output "shared with" parameters "$gpt2"
# A lifted constant and a buffer outside of the state dict are no buffers of it.
expect_output "21 entries: 238400 parameters, 0 buffer elements" parameters "$SOURCE_DIR/tests/data/pt2/mixtral.pt2"
run profile "$SOURCE_DIR/tests/data/pt2/mixtral.pt2" --format json
expect "no buffers" jq -e '.totals.buffers == 0' stdout.txt

finish
