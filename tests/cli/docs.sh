#!/usr/bin/env bash
# Every console block of the README and the docs prints what the page shows.
exec /usr/bin/python3 "$SOURCE_DIR/tests/cli/_run_console.py" "$SOURCE_DIR/README.md" "$SOURCE_DIR"/docs/*.md
