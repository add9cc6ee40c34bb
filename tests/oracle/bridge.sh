#!/usr/bin/env bash
# The script that runs in the user's Python, beside Debian's PyTorch.
set -u
output=$(/usr/bin/python3 "$SOURCE_DIR/tests/bridge/test_bridge.py" 2>&1)
echo "$output"
all=$(sed -n 's/^Ran \([0-9]*\) tests\{0,1\} in .*/\1/p' <<<"$output")
failed=$(grep -cE '^(FAIL|ERROR): ' <<<"$output")
[ -n "$all" ] && [ "$failed" -le "$all" ] || { echo "CASES 0 passed 1 failed"; exit 1; }
echo "CASES $((all - failed)) passed $failed failed"
[ "$failed" -eq 0 ]
