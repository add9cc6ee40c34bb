#!/usr/bin/env bash
# The instructions of common commands stay near their baseline; counted for the release build only.
case $ZOOMETER in
  */build/release/*) ;;
  *) echo "instructions are counted for the release build, not for $ZOOMETER"; echo "CASES 0 passed 0 failed"; exit 0 ;;
esac
exec "$SOURCE_DIR/bench/instructions" "$ZOOMETER"
