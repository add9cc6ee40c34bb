#!/usr/bin/env bash
# What zoometer reads is what `onnx` and Python's json read, also where a field occurs twice.
. "$SOURCE_DIR/tests/cli/_lib.sh"

for seed in 1 2; do
  expect "changed files, seed $seed" /usr/bin/python3 "$SOURCE_DIR/tests/fuzz/differential.py" "$ZOOMETER" --runs 300 --seed $seed
done

finish
