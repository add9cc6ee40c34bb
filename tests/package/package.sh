#!/usr/bin/env bash
# What `cmake --install` makes is complete, runs and links from anywhere: the binary alone, projects
# that use CMake or pkg-config, the examples, plug-ins, and the C++ of the pages.
. "$SOURCE_DIR/tests/cli/_lib.sh"
here=$SOURCE_DIR/tests/package
build=$(dirname "$ZOOMETER")
# ccache finds what earlier runs compiled, although each has another folder.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1 HOME=${HOME:-$PWD}
# shellcheck disable=SC2086 # flags are words
if command -v ccache >/dev/null; then
  export CMAKE_CXX_COMPILER_LAUNCHER=ccache
  compile() { ccache "${CXX:-c++}" -std=c++20 -Wall -Wextra "$@" ${LDFLAGS:-}; }
else
  compile() { "${CXX:-c++}" -std=c++20 -Wall -Wextra "$@" ${LDFLAGS:-}; }
fi

# -- the installation, moved away from where it was installed ---------------------------------

expect "cmake --install" cmake --install "$build" --prefix "$PWD/installed"
mv installed moved
prefix=$PWD/moved
ZOOMETER=$prefix/bin/zoometer
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
export CMAKE_GENERATOR=Ninja

needs_libc_alone() {
  ! readelf -d "$ZOOMETER" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' | grep -vE '^(libc\.so\.6|libm\.so\.6|ld-linux.*)$'
}
expect "the binary needs libc alone" needs_libc_alone
public_headers() { (cd "$prefix/include" && find . -type f | sed 's,^\./,,' | LC_ALL=C sort) | diff "$here/headers.txt" -; }
expect "the public headers and no other" public_headers
each_header_alone() {
  local header
  while read -r header; do
    echo "#include <$header>" >alone.cpp
    "${CXX:-c++}" -std=c++20 -Wall -Wextra -Werror -fsyntax-only -I"$prefix/include" alone.cpp || { echo "$header"; return 1; }
  done <"$here/headers.txt"
}
expect "each public header compiles alone" each_header_alone
no_source_path() { ! grep -rIl -- "$SOURCE_DIR" "$prefix"; }
expect "no installed text names the source tree" no_source_path
for old in discover_models profile_graph show_fvcore_table; do
  expect "$old is a link" test "$(readlink "$prefix/bin/$old")" = zoometer
done
expect "an old command runs" "$prefix/bin/show_fvcore_table" --model resnet18 --max-depth 1

# -- manual pages and completions -------------------------------------------------------------

pages_are_clean() {
  local page
  for page in "$prefix"/share/man/man1/*.1; do
    [ -z "$(groff -man -ww -Tutf8 "$page" 2>&1 >/dev/null)" ] || { echo "$page"; return 1; }
  done
}
command -v groff >/dev/null && expect "manual pages without a warning" pages_are_clean
every_option_is_listed() { # COMMAND PAGE
  local option
  for option in $("$ZOOMETER" $1 --help | grep -oE '^ +(-[a-z],)?--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
    grep -qF -- "${option//-/\\-}" "$prefix/share/man/man1/$2" || { echo "$1 $option"; return 1; }
  done
}
expect "the page of profile has every option" every_option_is_listed profile zoometer-profile.1
expect "the page of an action has every option" every_option_is_listed "registry diff" zoometer-registry-diff.1
every_command_has_a_page() {
  local command
  for command in $("$ZOOMETER" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    [ -s "$prefix/share/man/man1/zoometer-$command.1" ] || { echo "$command"; return 1; }
  done
}
expect "every command has a page" every_command_has_a_page
expect_output '.SH SYNOPSIS' man registry add
expect_error 2 'no such command: profil' man profil
expect_error 2 'expected bash, zsh, fish or models' completions tcsh

# complete WORDS...: what bash offers for the last word.
complete() {
  PATH="$prefix/bin:$PATH" bash --norc -c '
    source "$1"
    shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _zoometer zoometer "${!#}" "${COMP_WORDS[COMP_CWORD - 1]}"
    printf "%s\n" "${COMPREPLY[@]}"' _ "$prefix/share/bash-completion/completions/zoometer" "$@"
}
offers() { # EXPECTED WORDS...
  local expected=$1
  shift
  is "$(complete "$@" | xargs)" "$expected"
}
expect "bash: commands" offers "parameters" zoometer para
expect "bash: actions" offers "remove" zoometer registry rem
expect "bash: options" offers "--show-shapes" zoometer profile --show
expect "bash: options of an action" offers "--dry-run" zoometer registry update --dry
expect "bash: choices" offers "published untrained" zoometer profile --variant ""
expect "bash: models" offers "resnet18 resnet101 resnet152" zoometer profile resnet1
if command -v zsh >/dev/null; then
  completions=$prefix/share/zsh/vendor-completions
  expect "zsh: the script parses" zsh -n "$completions/_zoometer"
  zsh_offers() { PATH="$prefix/bin:$PATH" zsh -f "$here/complete.zsh" "$completions" "$2" "$1" | grep -F -- "$1"; }
  expect "zsh: commands" zsh_offers "zoometer parameters" "zoometer para"
  expect "zsh: actions" zsh_offers "registry remove" "zoometer registry rem"
  expect "zsh: options" zsh_offers "--show-shapes" "zoometer profile --show"
  expect "zsh: choices" zsh_offers "published  untrained" "zoometer profile --variant "
  expect "zsh: models" zsh_offers "profile resnet34" "zoometer profile resnet3"
fi
if command -v fish >/dev/null; then
  fish_offers() { is "$(PATH="$prefix/bin:$PATH" fish --no-config -c "source $prefix/share/fish/vendor_completions.d/zoometer.fish; complete -C '$2'" | cut -f 1 | xargs)" "$1"; }
  expect "fish: commands" fish_offers parameters "zoometer para"
  expect "fish: choices" fish_offers "published untrained" "zoometer profile --variant "
  expect "fish: models" fish_offers "resnet18" "zoometer profile resnet18"
fi

# -- projects outside of the tree -------------------------------------------------------------

says_what_it_should() { "$@" | diff "$here/expected/project.txt" -; }
configure() { cmake -S "$1" -B "$2" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror"; }
expect "a CMake project configures" configure "$here/project" outside
expect "a CMake project builds" cmake --build outside
expect "a CMake project runs" says_what_it_should outside/outside
with_pkg_config() {
  # shellcheck disable=SC2046 # flags are words
  compile -o with_pkg_config "$here/project/main.cpp" $(pkg-config --cflags --libs zoometer)
}
expect "a pkg-config project builds" with_pkg_config
expect "a pkg-config project runs" says_what_it_should ./with_pkg_config

# -- the examples -----------------------------------------------------------------------------

expect "the examples configure" configure "$prefix/share/doc/zoometer/examples" examples
expect "the examples build" cmake --build examples --parallel 2
example() { # NAME WORDS...
  local name=$1
  shift
  "examples/$name" "$@" 2>&1 | diff "$here/expected/$name.txt" -
}
for name in list profile walk plan custom_model; do
  expect "example $name" example "$name"
done
expect "example read_file" example read_file "$SOURCE_DIR/tests/package/old_layout.pt2"
fails_with() { # TEXT COMMAND...
  local text=$1 said
  shift
  said=$("$@" 2>&1) && return 1
  has "$said" "$text"
}
expect "example read_file of no file" fails_with "missing.onnx" examples/read_file missing.onnx

# -- plug-ins ---------------------------------------------------------------------------------

cp examples/plugin/libtiny.so .
cp libtiny.so copy.so
expect_output 'tiny_8' list 'tiny*' --plugin libtiny.so
expect_output '5.418 k' profile tiny_16 --plugin libtiny.so
expect_output '1.622 M' profile tiny_16 --plugin libtiny.so
expect_output '2x10 ' profile tiny_8 --batch 2 --plugin libtiny.so
expect_output 'plugin:libtiny.so' list tiny_8 --plugin libtiny.so
expect_output '| model' table tiny_8 --plugin libtiny.so
page_shows_it() {
  diff <(sed -n "/^\$ zoometer list 'tiny/,/^\`\`\`/p" "$SOURCE_DIR/docs/plugins.md" | sed '1d;$d') \
    <("$ZOOMETER" list 'tiny*' --plugin libtiny.so)
}
expect "docs/plugins.md shows the list" page_shows_it
run discover 'tiny*' --plugin libtiny.so --format json
expect "discover finds both" json '[.models[] | select(.status == "traceable") | .name] == ["tiny_8", "tiny_16"]'
expect "and shows their figures" json '[.models[].parameters] == [1562, 5418] and [.models[].macs] == [516256, 1622336]'
run list tiny_8 --plugin libtiny.so --format json
expect "list shows the declared figures" json '.models[0].parameters == 1562 and .models[0].macs == null'
expect_error 2 'no such model' profile tiny_8

mkdir -p "$XDG_CONFIG_HOME/zoometer"
cp libtiny.so "$XDG_CONFIG_HOME/zoometer"
echo 'plugins = ["libtiny.so"]' >"$XDG_CONFIG_HOME/zoometer/registry.toml"
expect_output '1.622 M' profile tiny_16
expect_output 'tiny_16' registry show
expect_error 3 "duplicate name tiny_8: plugin:$XDG_CONFIG_HOME/zoometer/libtiny.so, and plugin:copy.so" list --plugin copy.so
echo 'plugins = [7]' >"$XDG_CONFIG_HOME/zoometer/registry.toml"
expect_error 3 'registry.toml: line 1: plugins: expected only strings' list
rm "$XDG_CONFIG_HOME/zoometer/registry.toml"

sed 's/"tiny_8"/"resnet18"/' "$SOURCE_DIR/examples/plugin/tiny.cpp" >clash.cpp
# shellcheck disable=SC2046
expect "a plug-in builds with pkg-config" compile -fPIC -fvisibility=hidden -shared -o clash.so clash.cpp $(pkg-config --cflags --libs zoometer)
expect_error 3 'duplicate name resnet18: built in, and plugin:clash.so' list --plugin clash.so
# With coverage, the library also exports gcov's symbols.
exports_one_symbol() { is "$(nm -D --defined-only clash.so | awk '$2 ~ /^[BDRT]$/ && $3 !~ /gcov|^mangle_path$/ { print $3 }' | xargs)" zoometer_plugin; }
expect "a plug-in exports its table alone" exports_one_symbol

shared() { # NAME CODE
  echo "$2" | "${CC:-cc}" -shared -fPIC -x c -o "$1" -
}
expect "a library of no kind" shared plain.so 'int nothing;'
expect "a plug-in of another version" shared later.so 'const unsigned zoometer_plugin[32] = {99, 128};'
expect "an older plug-in" shared older.so 'const unsigned zoometer_plugin[32] = {1, 128};'
expect "a plug-in of another size" shared wider.so 'const unsigned zoometer_plugin[32] = {2, 128};'
echo text >text.so
expect_error 3 'plain.so: not a plug-in: expected a shared library that exports zoometer_plugin' list --plugin plain.so
expect_error 3 'later.so: the plug-in was built with another version of zoometer: expected plug-in interface 2, got interface 99' list --plugin later.so
expect_error 3 'older.so: the plug-in was built with another version of zoometer: expected plug-in interface 2, got interface 1 (rebuild the plug-in with this version)' list --plugin older.so
expect_error 3 'wider.so: the plug-in was built with another version of zoometer: expected a table of' list --plugin wider.so
expect_error 3 'text.so: not a plug-in: ' list --plugin text.so
expect_error 3 'none.so: cannot open the plug-in: No such file' list --plugin none.so

# -- the packages -----------------------------------------------------------------------------

expect "cpack" cpack --config "$build/CPackConfig.cmake" -B packages
mkdir unpacked deb
expect "the tarball unpacks" tar -C unpacked --strip-components 1 -xf packages/zoometer-*.tar.gz
alone() { is "$(env -i "$@" --version)" "$("$ZOOMETER" --version)"; }
expect "its binary runs with nothing around it" alone unpacked/bin/zoometer
depends() { has "$(dpkg-deb -f "$1" Depends)" "$2"; }
expect "the program's package needs libc" depends packages/zoometer_*.deb libc6
expect "the library's package needs SQLite" depends packages/libzoometer-dev_*.deb libsqlite3-dev
needs_nothing_else() { is "$(dpkg-deb -f packages/zoometer_*.deb Depends | sed 's/([^)]*)//g' | xargs)" libc6; }
expect "and nothing else" needs_nothing_else
expect "the program's package unpacks" dpkg-deb -x packages/zoometer_*.deb deb
expect "its binary runs" alone deb/usr/bin/zoometer
expect "it has manual pages" test -s deb/usr/share/man/man1/zoometer-profile.1
expect "it has completions" test -s deb/usr/share/bash-completion/completions/zoometer
no_header() { ! find deb -name '*.hpp' | grep .; }
expect "it has no header" no_header

# -- the C++ of the pages ---------------------------------------------------------------------

/usr/bin/python3 "$here/snippets.py" "$SOURCE_DIR"/README.md "$SOURCE_DIR"/docs/*.md >snippets.txt
while read -r page number; do
  program=snippet_$number
  # shellcheck disable=SC2046
  expect "$page: block $number compiles" compile -o "$program" "$program.cpp" $(pkg-config --cflags --libs zoometer)
  runs_as_shown() { "./$program" 2>&1 | diff "$program.txt" -; }
  [ -f "$program.txt" ] && expect "$page: block $number prints what is shown" runs_as_shown
done <snippets.txt

finish
