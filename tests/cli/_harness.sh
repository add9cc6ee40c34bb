# Sourced by the tests of the command line. A case runs the binary and states what must come of it:
#   run list 'resnet*'          fills $out, $err and $status
#   expect NAME CONDITION...    one case: the words are a command that must succeed
# `finish` prints the line that run_test reads, and ends the script.
passed=0 failed=0
out= err= status=0

run() {
  "$ZOOMETER" "$@" >stdout.txt 2>stderr.txt
  status=$?
  out=$(cat stdout.txt)
  err=$(cat stderr.txt)
}

expect() {
  local name=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED %s: %s\n  status %s\n  stdout: %.600s\n  stderr: %.600s\n' \
      "$name" "$*" "$status" "$out" "$err"
  fi
}

is() { [ "$1" = "$2" ]; }
has() { [[ $1 == *"$2"* ]]; }
lacks() { [[ $1 != *"$2"* ]]; }
# Whether a jq filter over standard output of the last run is true.
json() { jq -e "$1" stdout.txt >/dev/null; }

finish() {
  echo "CASES $passed passed $failed failed"
  [ "$failed" -eq 0 ]
  exit
}
