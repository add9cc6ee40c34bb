#!/usr/bin/env bash
# Files that OpenVINO writes have the sizes that zoometer infers, operator by operator, and models that it converts from
# ONNX have as many MACs as their origin. Some seconds.
set -u
. "$SOURCE_DIR/tests/oracle/_venv.sh"
run_counted "$(python_with requirements-openvino.txt venv-openvino 600 "80 MB")" \
  openvino_files.py 200 "$SOURCE_DIR/tests/data/onnx"
