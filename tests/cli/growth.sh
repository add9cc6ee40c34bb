#!/usr/bin/env bash
# Hostile families of files at one, two and four times a size: what reading them takes at most
# doubles with the file, counted in instructions and bytes, not in seconds.
. "$SOURCE_DIR/tests/cli/_lib.sh"
/usr/bin/python3 "$SOURCE_DIR/tests/cli/_hostile_families.py" . 1 2 4

# What is printed does not depend on the seed.
for file in *.1.*; do
  for seed in 1 2 3; do
    ZOOMETER_HASH_SEED=$seed "$ZOOMETER" profile "$file" --format json >seed_$seed.txt 2>&1
  done
  expect "$file is read alike with every seed" cmp seed_1.txt seed_2.txt
  expect "$file is read alike with every other seed" cmp seed_1.txt seed_3.txt
done
case $ZOOMETER in
  */build/release/*) ;;
  *)
    echo "the release build is measured, $ZOOMETER is not: valgrind would take minutes"
    finish
    exit
    ;;
esac

# work FILE: instructions and KiB that its command takes; refused files count like others.
work() {
  local status words
  case $1 in
    *_before.*) words=(diff "$1" "${1/_before/_after}") ;;
    lite_signatures*) words=(profile "$1" --entry entry0 --format json) ;;
    keras_*) words=(profile "$1" --format json) ;;
    *.json) words=(quant "$1") ;;
    *) words=(profile "$1" --format json) ;;
  esac
  ZOOMETER_HASH_SEED=$seed valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null \
    --log-file=refs.txt "$ZOOMETER" "${words[@]}" >stdout.txt 2>stderr.txt
  status=$?
  [ $status -eq 0 ] || [ $status -eq 3 ] || { echo "status $status: $(head -c 300 stderr.txt)"; return 1; }
  instructions=$(sed -n 's/.*I *refs: *\([0-9,]*\).*/\1/p' refs.txt | tr -d ,)
  ZOOMETER_HASH_SEED=$seed /usr/bin/time --quiet -f %M -o peak.txt "$ZOOMETER" "${words[@]}" >/dev/null 2>&1
  kib=$(tail -n 1 peak.txt)
}

# The smallest file: what every run takes.
seed=1
work least.onnx || fail "least.onnx"
base=$instructions base_kib=$kib
at_most_doubles() { # FAMILY: each step takes at most 2.2 times the work of the one before
  local before=0 before_kib=0 size
  for size in 1 2 4; do
    work "$(echo "$1.$size".*)" || return 1
    local own=$((instructions - base)) own_kib=$((kib - base_kib))
    echo "$1 x$size: $own instructions, $own_kib KiB"
    if [ $before -gt 0 ]; then
      [ $own -le $((before * 22 / 10 + 200000)) ] || return 1
      [ $own_kib -le $((before_kib * 22 / 10 + 2048)) ] || return 1
    fi
    before=$own before_kib=$own_kib
  done
}
for file in *.1.*; do expect "${file%.1.*} grows with its file" at_most_doubles "${file%.1.*}"; done

finish
