#!/usr/bin/env bash
# Every console block of the README and the docs prints what the page shows. extending.md has a test
# of its own (tests/extending), with the parts that it adds.
pages=("$SOURCE_DIR/README.md")
for page in "$SOURCE_DIR"/docs/*.md; do
  [ "${page##*/}" = extending.md ] || pages+=("$page")
done
exec /usr/bin/python3 "$SOURCE_DIR/tests/cli/_run_console.py" "${pages[@]}"
