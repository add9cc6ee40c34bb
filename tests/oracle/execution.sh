#!/usr/bin/env bash
# The native graphs, written as ONNX with the weights of torchvision's models and run by ONNX
# Runtime, compute what PyTorch computes. Needs Node and npm's registry; where they are missing
# this is left out, and says so.
set -u
export PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore

mkdir runner work
cp "$SOURCE_DIR"/tests/execution/* runner/
if ! command -v node npm >/dev/null; then
  echo "NOT CHECKED: graphs by execution, as there is no node and npm"
  echo "CASES 0 passed 0 failed"
  exit 0
fi
# The packages' own scripts would fetch libraries for graphics cards; the processor's is in the package.
if ! (cd runner && timeout 300 npm ci --ignore-scripts --no-audit --no-fund) >npm.txt 2>&1; then
  echo "NOT CHECKED: graphs by execution, as npm ci failed:"
  tail -n 5 npm.txt
  echo "CASES 0 passed 0 failed"
  exit 0
fi

output=$(/usr/bin/python3 "$SOURCE_DIR/tests/oracle/execution.py" "$ZOOMETER" runner work 2>&1)
status=$?
echo "$output"
if [[ ${output##*$'\n'} =~ ^executed\ ([0-9]+)\ of\ ([0-9]+)\  ]]; then
  passed=${BASH_REMATCH[1]} failed=$((BASH_REMATCH[2] - BASH_REMATCH[1]))
else
  passed=0 failed=1
fi
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
echo "CASES $passed passed $failed failed"
[ "$failed" -eq 0 ]
