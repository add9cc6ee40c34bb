#!/usr/bin/env bash
# Data flows one way: a folder of src/ includes only itself and folders above it in the
# table of ARCHITECTURE.md, so there is no cycle between folders. A public header of
# include/zoometer/FOLDER/ belongs to src/FOLDER/ and includes public headers only.
. "$SOURCE_DIR/tests/cli/_lib.sh"

declare -A position
count=0
for folder in $(sed -n 's/^| `src\/\([a-z]*\)\/`.*/\1/p' "$SOURCE_DIR/ARCHITECTURE.md"); do
  position[$folder]=$((++count))
done

for folder in "$SOURCE_DIR"/src/*/ "$SOURCE_DIR"/include/zoometer/*/; do
  name=$(basename "$folder")
  place=${folder#"$SOURCE_DIR"/}
  if [ -z "${position[$name]:-}" ]; then
    fail "$place has no line in the table of ARCHITECTURE.md"
    continue
  fi
  wrong=$(grep -rHoE '^#include "(zoometer/)?[a-z]+[/.]' "$folder" | sort -u | while IFS=: read -r file include; do
    other=${include#*\"}
    if [[ $place == include/* && $other != zoometer/* ]]; then
      echo "${file#"$SOURCE_DIR"/} includes $other, which is not installed"
      continue
    fi
    other=${other#zoometer/}
    [ "${other%.}" = "$other" ] || continue  # a front header, or the generated version
    other=${other%/}
    [ -n "${position[$other]:-}" ] && [ "${position[$other]}" -le "${position[$name]}" ] && continue
    echo "${file#"$SOURCE_DIR"/} includes $other/"
  done)
  if [ -z "$wrong" ]; then pass; else fail "$place includes a later folder" "$wrong"; fi
done
finish
