#!/usr/bin/env bash
# The wheel: it is built with this build's library and program, installed into a fresh environment beside
# Debian's PyTorch, and its tests run there.
set -u
. "$SOURCE_DIR/tests/oracle/_venv.sh"
give_up() {
  echo "$1"
  echo "CASES 0 passed 1 failed"
  exit 1
}

wheel=$(wheel_of "$(dirname "$ZOOMETER")") || give_up "the wheel cannot be built"

# Beside the system's packages, for torch.
environment=$SOURCE_DIR/build/venv-package
rm -rf "$environment"
/usr/bin/python3 -m venv --system-site-packages "$environment" &&
  "$environment/bin/pip" install --disable-pip-version-check --quiet --no-deps --no-index "$wheel" ||
  give_up "the wheel cannot be installed"

passed=0 failed=0
expect() {
  if [[ "$2" =~ $3 ]]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $1: $2"; fi
}
needed=$(readelf -d "$environment"/lib/python3*/site-packages/zoometer/_core*.so | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | sort | xargs)
expect "the module needs no other library" "$needed" '^(ld-linux-[a-z0-9-]*\.so\.[0-9] )?libc\.so\.6( libgcc_s\.so\.1)?( libm\.so\.6)?$'
files=$(python3 -m zipfile --list "$wheel")
expect "no headers, manual pages or bridge in the wheel" "$(grep -cE '\.hpp|\.a |man1|zoometer_bridge' <<<"$files")" '^0$'

unset PYTHONPATH
output=$("$environment/bin/python" -I "$SOURCE_DIR/tests/python/run.py" 2>&1)
echo "$output"
[[ ${output##*$'\n'} =~ ^CASES\ ([0-9]+)\ passed\ ([0-9]+)\ failed$ ]] || give_up "the tests did not end"
passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))

# Sweeps on a Dask cluster, and the server of the Model Context Protocol, where their packages are.
server=$(python_with requirements-server.txt venv-server 300 "20 MB") || give_up "no packages for the server"
"$server" -m pip install --disable-pip-version-check --quiet --force-reinstall --no-deps --no-index "$wheel" ||
  give_up "the wheel cannot be installed beside them"
output=$("$server" -I "$SOURCE_DIR/tests/python/run.py" test_mcp test_sweep 2>&1)
echo "$output"
[[ ${output##*$'\n'} =~ ^CASES\ ([0-9]+)\ passed\ ([0-9]+)\ failed$ ]] || give_up "the tests did not end"
passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
echo "CASES $passed passed $failed failed"
[ "$failed" -eq 0 ]
