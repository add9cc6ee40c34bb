# Python environments of tests, with packages of PyPI that are installed once. Expects SOURCE_DIR. Without
# PyPI the tests that need them fail, and say so.
export PYTHONDONTWRITEBYTECODE=1

# python_with REQUIREMENTS FOLDER SECONDS SIZE: prints the path of a Python that has the packages of
# tests/REQUIREMENTS, in build/FOLDER. What is downloaded has about that size. Tests run side by side: one
# installs, the others wait for it.
python_with() {
  local wanted=$SOURCE_DIR/tests/$1 folder=$SOURCE_DIR/build/$2 lock
  mkdir -p "$SOURCE_DIR/build"
  exec {lock}>"$folder.lock"
  flock "$lock"
  cmp -s "$wanted" "$folder/requirements.txt" || install_packages "$wanted" "$folder" "$3" "$4" || return 1
  exec {lock}>&-
  echo "$folder/bin/python"
}

# install_packages REQUIREMENTS FOLDER SECONDS SIZE: makes a new environment in FOLDER with the packages that the
# file REQUIREMENTS names.
install_packages() {
  echo "installing ${1##*/} into build/${2##*/}: a download of about $4" >&2
  rm -rf "$2"
  if ! { /usr/bin/python3 -m venv "$2" &&
    timeout "$3" "$2/bin/pip" install --disable-pip-version-check --quiet --requirement "$1" &&
    cp "$1" "$2/requirements.txt"; } >pip.txt 2>&1; then
    echo "cannot install ${1##*/} from PyPI into build/${2##*/} (python3-venv and a network are needed):" >&2
    tail -n 5 pip.txt >&2
    return 1
  fi
}

# The Python of tests/requirements.txt.
test_python() { python_with requirements.txt venv 600 "50 MB"; }

# The Python of tests/requirements-all.txt, for ./check --all.
modern_python() { python_with requirements-all.txt venv-all 1800 "3 GB, and 6 GB on the disk"; }

# run_modern SCRIPT LEAST [WORD...]: run_counted with the Python of tests/requirements-all.txt.
run_modern() { run_counted "$(modern_python)" "$@"; }

# run_counted PYTHON SCRIPT LEAST [WORD...]: runs a script of tests/modern, whose last line is "N passed, N failed", and
# sums up; at least so many cases must pass. Without a PYTHON, which could not be installed, one case fails.
run_counted() {
  local python=$1 script=$2 least=$3 output passed=0 failed=1
  shift 3
  if [ -z "$python" ]; then
    echo "CASES 0 passed 1 failed"
    return 1
  fi
  output=$("$python" "$SOURCE_DIR/tests/modern/$script" "$ZOOMETER" "$@" 2>&1)
  echo "$output"
  [[ ${output##*$'\n'} =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]] &&
    passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]}
  echo "CASES $passed passed $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -ge "$least" ]
}

# jax_python: the Python with keras and jax.
jax_python() { python_with requirements-jax.txt venv-jax 900 "150 MB"; }

# wheel_of BUILD: makes the Python package's wheel with the library and the program of that build folder, unless it is
# there and newer than all that it is made of, copies it here and prints its path. Tests run side by side: one builds
# it, the others wait. Where it fails, its log.
wheel_of() {
  local tools lock folder=$1/wheel
  tools=$(python_with requirements-build.txt venv-build 300 "2 MB") || return 1
  exec {lock}>"$folder.lock"
  flock "$lock"
  if ! is_newest "$folder" "$1/zoometer" "$1/libzoometer.a" \
    "$SOURCE_DIR"/{python,cmake,CMakeLists.txt,pyproject.toml,README.md,LICENSE,tests/requirements-build.txt}; then
    rm -rf "$folder"
    if ! CCACHE_BASEDIR=$SOURCE_DIR CCACHE_NOHASHDIR=true "$tools" -m build --wheel --no-isolation \
      --skip-dependency-check --outdir "$folder" "$SOURCE_DIR" -Cbuild-dir="$1/python" \
      -Ccmake.define.ZOOMETER_BUILT="$1" >"$folder.txt" 2>&1; then
      tail -n 40 "$folder.txt" >&2
      return 1
    fi
  fi
  cp "$folder"/*.whl . || return 1
  exec {lock}>&-
  echo "$PWD"/zoometer-*.whl
}

# is_newest FOLDER PATH...: FOLDER has a wheel, and nothing below the paths is newer.
is_newest() {
  local wheel=("$1"/*.whl)
  shift
  [ -e "${wheel[0]}" ] && [ -z "$(find "$@" -newer "${wheel[0]}" -print -quit)" ]
}

# install_wheel: makes the package importable for the Python of modern_python, and for this test only.
install_wheel() {
  local wheel python
  wheel=$(wheel_of "$(dirname "$ZOOMETER")") && python=$(modern_python) &&
    "$python" -m pip install --disable-pip-version-check --quiet --no-deps --no-index --target "$PWD/site" "$wheel" &&
    export PYTHONPATH=$PWD/site
}
