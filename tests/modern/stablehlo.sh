#!/usr/bin/env bash
# Programs that JAX exports have XLA's FLOPs by `--convention xla`, and the MACs, operations and sizes of what JAX made.
# Some seconds.
set -u
. "$SOURCE_DIR/tests/oracle/_venv.sh"
run_counted "$(jax_python)" jax_programs.py 39
