#!/usr/bin/env bash
# A training step of small modules keeps the bytes that PyTorch's autograd keeps, and its backward has as many MACs.
set -u
. "$SOURCE_DIR/tests/oracle/_venv.sh"
run_modern training_modules.py 450
