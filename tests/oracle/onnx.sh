#!/usr/bin/env bash
# Reads the ONNX files of Debian's test data, and torchvision's models as torch.onnx.export writes
# them. Expects SOURCE_DIR, the repository, and ZOOMETER, the binary.
set -u
oracle=$SOURCE_DIR/tests/oracle
export PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore
passed=0 failed=0

# tally COMMAND...: runs a script whose last line is "NAME: N of M ..." and adds the cases up. One
# that does not get so far is a failed case.
tally() {
  local output last
  output=$(/usr/bin/python3 "$@" 2>&1)
  echo "$output"
  last=${output##*$'\n'}
  if [[ $last =~ ^[a-z_]+:\ ([0-9]+)\ of\ ([0-9]+)\  ]] && [ "${BASH_REMATCH[2]}" -gt 0 ]; then
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2] - BASH_REMATCH[1]))
  else
    failed=$((failed + 1))
  fi
}

tally "$oracle/onnx_breadth.py" --binary "$ZOOMETER" --expect 1184 \
  /usr/share/libonnx-testdata "$SOURCE_DIR/tests/data/onnx"
tally "$oracle/export_onnx.py" --binary "$ZOOMETER"

echo "CASES $passed passed $failed failed"
[ "$failed" -eq 0 ]
