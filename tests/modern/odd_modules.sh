#!/usr/bin/env bash
# Modules of unusual kinds (hooks, views, nested tensors, functions of torch.func ...) have the products that PyTorch
# counts, and are left as they were. Some seconds.
set -u
. "$SOURCE_DIR/tests/oracle/_venv.sh"
install_wheel || { echo "CASES 0 passed 1 failed"; exit 1; }
run_modern odd_modules.py 134
