#!/usr/bin/env bash
# Instructions, memory and size stay near their baselines; measured for the release build only.
case $ZOOMETER in
  */build/release/*) exec "$SOURCE_DIR/bench/gates" "$ZOOMETER" ;;
esac
echo "the release build has gates, $ZOOMETER has none"
echo "CASES 0 passed 0 failed"
