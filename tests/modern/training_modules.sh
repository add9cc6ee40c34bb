#!/usr/bin/env bash
# A training step of small modules keeps the bytes that PyTorch's autograd keeps, and its backward has as many MACs.
set -u
export PYTHONDONTWRITEBYTECODE=1
. "$SOURCE_DIR/tests/modern/_venv.sh"

if ! python=$(modern_python); then
  echo "CASES 0 passed 1 failed"
  exit 1
fi
output=$("$python" "$SOURCE_DIR/tests/modern/training_modules.py" "$ZOOMETER" 2>&1)
echo "$output"
if [[ ${output##*$'\n'} =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
  passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]}
else
  passed=0 failed=1
fi
echo "CASES $passed passed $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -ge 100 ]
