#!/usr/bin/env bash
# ONNX files that are written of small PyTorch programs compute in ONNX Runtime what PyTorch computes, or a note says
# that they cannot be run.
set -u
. "$SOURCE_DIR/tests/oracle/_venv.sh"
run_modern exported_values.py 2200
