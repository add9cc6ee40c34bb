#!/usr/bin/env bash
# Disks that fail or are full, short reads and writes, signals, memory that runs out, clocks that
# jump, and an end at every write: reported by a message, nothing lost, no wrong answer.
inject=${ZOOMETER%/*}/tests/libinject.so
if [ ! -e "$inject" ]; then
  echo "skipped: $inject is not built under the sanitizers, whose functions take precedence"
  echo "CASES 0 passed 0 failed"
  exit 0
fi
exec /usr/bin/python3 "$SOURCE_DIR/tests/faults/faults.py" "$inject"
