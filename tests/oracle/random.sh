#!/usr/bin/env bash
# Random small graphs of every operator, read by zoometer and run by ONNX Runtime: sizes that are called exact are the real
# ones, and bounds are never exceeded. A larger run by hand: random_graphs.py --seed N --count N --keep FOLDER.
set -u
. "$SOURCE_DIR/tests/oracle/_venv.sh"

if ! python=$(test_python); then
  echo "CASES 0 passed 1 failed"
  exit 1
fi
output=$("$python" "$SOURCE_DIR/tests/oracle/random_graphs.py" --binary "$ZOOMETER" --count 2400 2>&1)
echo "$output"
if [[ ${output##*$'\n'} =~ ^random_graphs:\ ([0-9]+)\ of\ ([0-9]+)\  ]]; then
  passed=${BASH_REMATCH[1]} failed=$((BASH_REMATCH[2] - BASH_REMATCH[1]))
else
  passed=0 failed=1
fi
echo "CASES $passed passed $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
