# shellcheck shell=bash disable=SC2154
# Sourced by zoometer, check, .ci/run and the other scripts: packages and builds.
# Expects `root`, the absolute path of the repository. All output goes to stderr.

# The packages of a section of packages.txt that are not installed, on one line. A package that is followed
# by a file is not needed if that file exists, whatever installed it.
missing_packages() {
  command -v dpkg-query >/dev/null || return 0  # not Debian: the user installs the libraries
  local wanted installed
  wanted=$(awk -v section="$1" '/^#/ { on = ($2 == section); next } on && NF' "$root/packages.txt" |
    while read -r package file; do [ -n "$file" ] && [ -e "$file" ] || echo "$package"; done | sort)
  # shellcheck disable=SC2086
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
    sed -n 's/^installed //p' | sort -u)
  comm -23 <(echo "$wanted") <(echo "$installed") | xargs
}

# install_packages SECTION: installs its missing packages; fails with a suggestion if it cannot.
install_packages() {
  local missing log run=()
  missing=$(missing_packages "$1")
  [ -z "$missing" ] && return 0

  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "zoometer: missing packages, please install them as root: apt-get install $missing" >&2
      return 1
    fi
    run=(sudo)
    [ -t 0 ] || run=(sudo -n)
  fi
  echo "installing packages: $missing" >&2
  run+=(env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=600)
  log=$(mktemp)
  # shellcheck disable=SC2086
  if ! "${run[@]}" install --no-install-recommends $missing >"$log" 2>&1 </dev/null &&
    ! { "${run[@]}" update && "${run[@]}" install --no-install-recommends $missing; } \
      >>"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    rm -f "$log"
    echo "zoometer: could not install the packages: $missing" >&2
    return 1
  fi
  rm -f "$log"
}

# True if a source of the binary is newer than the last build of the release preset.
sources_changed() {
  local stamp=$root/build/release/.built
  [ -x "$root/build/release/zoometer" ] && [ -f "$stamp" ] || return 0
  [ -n "$(find -H "$root/src" "$root/include" "$root/data" "$root/python" "$root/web/dist" "$root/cmake" "$root/CMakeLists.txt" \
    "$root/CMakePresets.json" -newer "$stamp" -print -quit 2>/dev/null)" ]
}

# Waits for other builds in this tree and blocks them until unlock_build.
lock_build() {
  if ! { mkdir -p "$root/build" && exec 9>"$root/build/.lock"; } 2>/dev/null; then
    echo "zoometer: cannot write to $root/build" >&2
    return 1
  fi
  flock -n 9 && return
  echo "waiting for another build of zoometer..." >&2
  flock 9
}
unlock_build() { exec 9>&-; }

# use_ccache_if_possible PRESET: ccache fails if it cannot write its cache, as for a user without a home folder. It
# knows a file again that another clone compiled, as CI does, if it takes the paths below the tree relative to it;
# not where gcov looks for the sources by these paths.
use_ccache_if_possible() {
  local cache
  cache=$(ccache --get-config cache_dir 2>/dev/null) || return 0
  { mkdir -p "$cache" 2>/dev/null && [ -w "$cache" ]; } || export CCACHE_DISABLE=1
  [ "$1" = coverage ] || export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=true
}

# build PRESET TARGET...: configures and builds; the log is shown only if that fails. Call it locked.
build() {
  local folder=$root/build/$1 log=$root/build/$1.log
  # A build folder that was copied with the tree cannot be configured here.
  if [ -f "$folder/CMakeCache.txt" ] &&
    ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$folder/CMakeCache.txt"; then
    rm -rf "$folder"
  fi
  use_ccache_if_possible "$1"
  mkdir -p "$folder"
  touch "$folder/.built.new"  # before the build: an edit made meanwhile is newer
  if ! (cd "$root" && cmake --preset "$1" && cmake --build --preset "$1" --target "${@:2}") \
    >"$log" 2>&1 </dev/null 9>&-; then
    cat "$log" >&2
    echo "zoometer: the build failed, its log is $log" >&2
    return 1
  fi
  mv "$folder/.built.new" "$folder/.built"
}
