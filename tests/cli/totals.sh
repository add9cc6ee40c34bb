#!/usr/bin/env bash
# Text, JSON and CSV agree for every model (the page: report.sh).
. "$SOURCE_DIR/tests/cli/_lib.sh"

"$ZOOMETER" list --registry all --format json | jq -r '.models[].name' >names.txt
expect "all models" test "$(wc -l <names.txt)" = "$(size_of all)"
/usr/bin/python3 - "$ZOOMETER" <<'PYTHON' | tee totals.txt
import csv
import io
import json
import re
import subprocess
import sys

SI = ["", " k", " M", " G", " T", " P"]
BINARY = [" B", " KiB", " MiB", " GiB", " TiB"]
COLUMNS = ("calls", "parameters", "buffers", "macs", "flops", "activations", "bytes_read", "bytes_written")


def printed(value, base, units):
    """Four significant digits with the largest prefix below the value."""
    if value < base:
        return f"{value}{units[0]}"
    power = 0
    scaled = float(value)
    while scaled >= base - 0.05 and power + 1 < len(units):
        scaled /= base
        power += 1
    digits = 3 if scaled < 9.9995 else 2 if scaled < 99.995 else 1 if scaled < 999.95 else 0
    return f"{scaled:.{digits}f}{units[power]}"


def profile(name, form):
    words = [sys.argv[1], "profile", name, "--registry", "all", "--format", form]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def check(name):
    document = json.loads(profile(name, "json"))
    modules = document["modules"]
    rows = list(csv.DictReader(io.StringIO(profile(name, "csv"))))
    assert len(rows) == len(modules), "CSV has other modules"
    for row, module in zip(rows, modules):
        assert row["path"] == module["path"] and row["type"] == module["type"], row
        for column in COLUMNS:
            assert int(row[column]) == module[column], (row["path"], column)
    totals = document["totals"]
    for column in COLUMNS[1:]:
        assert int(rows[0][column]) == totals[column], column
    text = profile(name, "text")
    total = text[text.index("\ntotal\n") :]
    for label, value in (
        ("parameters", printed(totals["parameters"], 1000, SI)),
        ("MACs", printed(totals["macs"], 1000, SI)),
        ("FLOPs", printed(totals["flops"], 1000, SI)),
        ("activations", printed(totals["activations"], 1000, SI)),
        ("memory traffic", printed(totals["bytes_read"] + totals["bytes_written"], 1024, BINARY)),
        ("peak activations", printed(totals["peak_activation_bytes"], 1024, BINARY)),
        ("intensity", f"{totals['intensity']:.2f}"),
    ):
        shown = re.search(rf"^  {label} +(?:[≤~] )?([\d.]+(?: [A-Za-z]+)?)(?:  |$)", total, re.M)
        assert shown and shown.group(1) == value, (label, value, shown and shown.group(0))
    root = text.split("\n\n")[1].splitlines()[1]
    assert printed(totals["macs"], 1000, SI) in root, root


failed = 0
names = open("names.txt").read().split()
for name in names:
    try:
        check(name)
    except Exception as problem:
        failed += 1
        print(f"FAILED: {name}: {problem}")
print("MODELS", len(names) - failed, failed)
PYTHON
read -r _ good bad <<<"$(grep '^MODELS ' totals.txt)"
passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-1}))
finish
