#!/usr/bin/env bash
# The live source on a new PyTorch: all models of torchvision are captured, detectors included, and agree with the
# native graphs module by module; and a model's totals by the conventions of other tools are the same by both ways.
. "$SOURCE_DIR/tests/cli/_lib.sh"
. "$SOURCE_DIR/tests/oracle/_venv.sh"
if ! python=$(modern_python); then
  fail "PyTorch and torchvision are needed"
  finish
  exit
fi

# On a busy machine a detector may take more than the usual minute.
run verify --live --python "$python" --time-limit 600
sed -n '/differs:$/,$p' stdout.txt
expect "all agree" is "$status" 0
expect "the graphs" is "$(tail -n 1 stdout.txt)" "live: 121 of 121 agree"
expect "the state dicts" is "$(tail -n 2 stdout.txt | head -n 1)" "state dicts: 121 of 121 agree"
run verify --live --python "$python" --time-limit 600 --format json
expect "the versions are named" json '.python | test("torch 2\\.14\\.1.*torchvision 0\\.29\\.1")'
expect "every module is compared" json '[.models[].modules] | add == 37528'
expect "both reported their figures" json '[.models[] | select(.via == "capture")
  | select(.parameters.native == .parameters.live and .macs.native == .macs.live)] | length == 121'

# costs WORDS...: the totals of each convention, from the answers that verify left in the cache.
costs() { "$ZOOMETER" explain "$@" --variant untrained --format json | jq -c .total.cost; }
# Detectors choose boxes by data: what depends on their number is a bound.
names=$("$ZOOMETER" list --registry all --where 'task != "detection"' --names)
compared=0
for name in $names; do
  native=$(costs "$name")
  live=$(costs "torchvision:$name" --python "$python")
  # Native FLOPs count every small operator, and PyTorch's release decides which these are: how attention
  # is scaled, and whether masks and positions are computed or kept.
  if jq -en --argjson a "$native" --argjson b "$live" '($a | del(.native)) == ($b | del(.native)) and
      ($a.native - $b.native | fabs) < 0.0005 * $a.native' >jq.txt; then
    compared=$((compared + 1))
  else
    fail "the tools' figures of $name" "native $native" "live   $live"
  fi
done
expect "the tools' figures of all models" is "$compared" 109
finish
