#!/usr/bin/env bash
# ONNX files that are written of small PyTorch programs compute in ONNX Runtime what PyTorch computes, or a note says
# that they cannot be run.
set -u
export PYTHONDONTWRITEBYTECODE=1
. "$SOURCE_DIR/tests/modern/_venv.sh"

if ! python=$(modern_python); then
  echo "CASES 0 passed 1 failed"
  exit 1
fi
output=$("$python" "$SOURCE_DIR/tests/modern/exported_values.py" "$ZOOMETER" 2>&1)
echo "$output"
if [[ ${output##*$'\n'} =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
  passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]}
else
  passed=0 failed=1
fi
echo "CASES $passed passed $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 1000 ]
