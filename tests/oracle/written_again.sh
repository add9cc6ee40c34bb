#!/usr/bin/env bash
# ONNX files that are written again give the same results in ONNX Runtime: Debian's test data, and our files.
set -u
. "$SOURCE_DIR/tests/oracle/_venv.sh"

if ! python=$(test_python); then
  echo "CASES 0 passed 1 failed"
  exit 1
fi
find -L /usr/share/libonnx-testdata "$SOURCE_DIR/tests/data" -name '*.onnx' | sort >files.txt
output=$("$python" "$SOURCE_DIR/tests/oracle/written_again.py" "$ZOOMETER" --list files.txt 2>&1)
echo "$output"
if [[ ${output##*$'\n'} =~ ^written\ again:\ ([0-9]+)\ of\ ([0-9]+)\  ]]; then
  passed=${BASH_REMATCH[1]} failed=$((BASH_REMATCH[2] - BASH_REMATCH[1]))
else
  passed=0 failed=1
fi
echo "CASES $passed passed $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 500 ]
