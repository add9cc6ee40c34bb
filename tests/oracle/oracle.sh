#!/usr/bin/env bash
# Compares the golden files, and then the binary, with the real torchvision.
# Expects SOURCE_DIR, the repository, and ZOOMETER, the binary.
set -u
oracle=$SOURCE_DIR/tests/oracle
export PYTHONDONTWRITEBYTECODE=1 PYTHONWARNINGS=ignore
# Large tensors come and go by the hundred; asking the kernel for each takes half of the time.
export MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=4294967296
passed=0 failed=0

# tally PATTERN COMMAND...: runs a command and adds the "n of m" that follows PATTERN in its last
# line. One that does not get so far is a failed case.
tally() {
  local pattern=$1 output status last
  shift
  output=$(/usr/bin/python3 "$@" 2>&1)
  status=$?
  echo "$output"
  last=${output##*$'\n'}
  if [[ $last =~ ^$pattern\ ([0-9]+)\ of\ ([0-9]+)\  ]]; then
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2] - BASH_REMATCH[1]))
    [ "$status" -ne 0 ] && [ "${BASH_REMATCH[1]}" -eq "${BASH_REMATCH[2]}" ] &&
      failed=$((failed + 1))
  else
    failed=$((failed + 1))
  fi
}

tally facts "$oracle/facts.py" --check
tally int8 "$oracle/int8_facts.py" --check
tally compared "$oracle/compare.py" "$ZOOMETER" --input-shape 3,3,192,256
tally memory "$oracle/memory.py" "$ZOOMETER"
tally training "$oracle/training.py" "$ZOOMETER"

echo "CASES $passed passed $failed failed"
[ "$failed" -eq 0 ]
