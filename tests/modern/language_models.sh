#!/usr/bin/env bash
# A configuration of transformers gives the parameters and products of the model that its class builds and which is
# captured, for some 100 model types; about 3 minutes. Without names language_models.py takes all of them.
set -u
. "$SOURCE_DIR/tests/oracle/_venv.sh"
install_wheel || { echo "CASES 0 passed 1 failed"; exit 1; }
run_modern language_models.py 40
