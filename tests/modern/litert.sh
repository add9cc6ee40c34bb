#!/usr/bin/env bash
# TensorFlow Lite's operators have the sizes that LiteRT's interpreter gives their results, and products the MACs of
# their formulas. Some seconds.
set -u
. "$SOURCE_DIR/tests/oracle/_venv.sh"
run_counted "$(python_with requirements-litert.txt venv-litert 600 "40 MB")" \
  litert_files.py 175 "$SOURCE_DIR/tests/data/tflite"
