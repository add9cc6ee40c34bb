# Helpers of the shell tests: each `case_*` counts one case; `finish` prints the sum for run_test.
set -u
passed=0
failed=0

pass() { passed=$((passed + 1)); }
fail() {
  failed=$((failed + 1))
  printf 'FAILED: %s\n' "$1"
  shift
  for detail in "$@"; do printf '  %s\n' "$detail"; done
}

# expect_error STATUS TEXT WORDS...: the program ends with STATUS, prints nothing to standard output
# and says TEXT on standard error.
expect_error() {
  local status=$1 text=$2 out err got
  shift 2
  out=$("$ZOOMETER" "$@" 2>stderr.txt </dev/null)
  got=$?
  err=$(cat stderr.txt)
  if [ "$got" = "$status" ] && [ -z "$out" ] && [[ "$err" == *"$text"* ]]; then
    pass
  else
    fail "zoometer $*" "status $got, expected $status" "stdout: ${out:0:200}" "stderr: ${err:0:400}" "expected: $text"
  fi
}

# expect_output TEXT WORDS...: the program ends with 0 and its output contains TEXT.
expect_output() {
  local text=$1 out got
  shift
  out=$("$ZOOMETER" "$@" 2>stderr.txt </dev/null)
  got=$?
  if [ "$got" = 0 ] && [[ "$out" == *"$text"* ]]; then
    pass
  else
    fail "zoometer $*" "status $got" "stdout: ${out:0:400}" "stderr: $(head -c 400 stderr.txt)" "expected: $text"
  fi
}

# expect NAME COMMAND...: the command succeeds.
expect() {
  local name=$1
  shift
  if "$@" >output.txt 2>&1; then pass; else fail "$name" "$(head -c 600 output.txt)"; fi
}

# run WORDS...: runs the program and keeps $out, $err and $status, for `expect` and the words below.
run() {
  "$ZOOMETER" "$@" >stdout.txt 2>stderr.txt </dev/null
  status=$?
  out=$(cat stdout.txt)
  err=$(cat stderr.txt)
}
is() { [ "$1" = "$2" ] || { printf '%s\nis not: %s\n' "$1" "$2"; return 1; }; }
has() { [[ $1 == *"$2"* ]] || { printf '%s\nlacks: %s\n' "$1" "$2"; return 1; }; }
lacks() { [[ $1 != *"$2"* ]] || { printf '%s\nhas: %s\n' "$1" "$2"; return 1; }; }
# json FILTER: a jq filter is true for the output of the last run.
json() { jq -e "$1" stdout.txt; }

# validate FILE NAME: a document follows docs/schema/NAME.schema.json.
validate() {
  /usr/bin/python3 -c '
import json, sys, jsonschema
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' "$1" "$SOURCE_DIR/docs/schema/$2.schema.json"
}

# size_of KIND: how many models a registry has.
size_of() { "$ZOOMETER" list --registry "$1" --format json | jq '.models | length'; }

finish() {
  echo "CASES $passed passed $failed failed"
  [ "$failed" = 0 ]
}
