# modern_python: prints the path of a Python that has the packages of tests/requirements-all.txt, in build/venv-all.
# They are installed once. Expects SOURCE_DIR.
modern_python() {
  local folder=$SOURCE_DIR/build/venv-all wanted=$SOURCE_DIR/tests/requirements-all.txt log=pip.txt
  if ! cmp -s "$wanted" "$folder/requirements.txt"; then
    echo "installing tests/requirements-all.txt into build/venv-all: a download of about 250 MB" >&2
    rm -rf "$folder"
    if ! { /usr/bin/python3 -m venv "$folder" &&
      timeout 900 "$folder/bin/pip" install --disable-pip-version-check --quiet --requirement "$wanted" &&
      cp "$wanted" "$folder/requirements.txt"; } >"$log" 2>&1; then
      echo "cannot install tests/requirements-all.txt into build/venv-all (python3-venv and a network are needed):" >&2
      tail -n 5 "$log" >&2
      return 1
    fi
  fi
  echo "$folder/bin/python"
}
