# test_python: prints the path of a Python that has the packages of tests/requirements.txt, in build/venv. They are
# installed once. Expects SOURCE_DIR. Without PyPI the tests that need it fail, and say so.
test_python() {
  local folder=$SOURCE_DIR/build/venv wanted=$SOURCE_DIR/tests/requirements.txt log=pip.txt
  if ! cmp -s "$wanted" "$folder/requirements.txt"; then
    rm -rf "$folder"
    if ! { /usr/bin/python3 -m venv "$folder" &&
      timeout 600 "$folder/bin/pip" install --disable-pip-version-check --quiet --requirement "$wanted" &&
      cp "$wanted" "$folder/requirements.txt"; } >"$log" 2>&1; then
      echo "cannot install tests/requirements.txt from PyPI into build/venv (python3-venv and a network are needed):" >&2
      tail -n 5 "$log" >&2
      return 1
    fi
  fi
  echo "$folder/bin/python"
}
