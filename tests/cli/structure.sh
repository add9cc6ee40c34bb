#!/usr/bin/env bash
# Data flows one way: a folder of src/ includes only itself and folders that stand above it in the
# table of ARCHITECTURE.md, so there is no cycle between folders.
. "$SOURCE_DIR/tests/cli/_lib.sh"

declare -A position
count=0
for folder in $(sed -n 's/^| `src\/\([a-z]*\)\/`.*/\1/p' "$SOURCE_DIR/ARCHITECTURE.md"); do
  position[$folder]=$((++count))
done

for folder in "$SOURCE_DIR"/src/*/; do
  name=$(basename "$folder")
  if [ -z "${position[$name]:-}" ]; then
    fail "src/$name/ has no line in the table of ARCHITECTURE.md"
    continue
  fi
  wrong=$(grep -rHoE '^#include "[a-z]+/' "$folder" | sort -u | while IFS=: read -r file include; do
    other=${include#*\"}
    other=${other%/}
    [ "$other" = zoometer ] && continue  # the public headers and the generated version
    [ -n "${position[$other]:-}" ] && [ "${position[$other]}" -le "${position[$name]}" ] && continue
    echo "${file#"$SOURCE_DIR"/} includes $other/"
  done)
  if [ -z "$wrong" ]; then pass; else fail "src/$name/ includes a later folder" "$wrong"; fi
done
finish
