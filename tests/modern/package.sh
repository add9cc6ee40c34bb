#!/usr/bin/env bash
# The tests of the Python package that run modules, beside a new PyTorch; tests/package/wheel.sh has Debian's.
set -u
. "$SOURCE_DIR/tests/oracle/_venv.sh"
install_wheel && python=$(modern_python) || { echo "CASES 0 passed 1 failed"; exit 1; }
"$python" "$SOURCE_DIR/tests/python/run.py" test_torch test_unchanged test_compat
