#!/usr/bin/env bash
# The drop-in functions of the Python package give the figures of fvcore, thop, ptflops, torchinfo, calflops and
# PyTorch, which run beside them.
set -u
. "$SOURCE_DIR/tests/oracle/_venv.sh"
wheel=$(wheel_of "$(dirname "$ZOOMETER")") && python=$(modern_python) &&
  "$python" -m pip install --disable-pip-version-check --quiet --no-deps --no-index --target "$PWD/site" "$wheel" ||
  { echo "CASES 0 passed 1 failed"; exit 1; }
export PYTHONPATH=$PWD/site
run_modern compat.py 450
