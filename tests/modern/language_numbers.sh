#!/usr/bin/env bash
# ONNX files of language models with weights of transformers give its logits in ONNX Runtime: 17 model types.
set -u
. "$SOURCE_DIR/tests/oracle/_venv.sh"
run_modern language_numbers.py 17
