#!/usr/bin/env bash
# The guards of a hardened build, the bill of materials, and that builds are alike.
. "$SOURCE_DIR/tests/cli/_lib.sh"
build=$(dirname "$ZOOMETER")
case $ZOOMETER in
  */build/release/*) ;;
  *)
    echo "the release build is looked at, $ZOOMETER is another one"
    finish
    exit
    ;;
esac

# A small program with the guards of releases: the whole one takes minutes.
cat >main.cpp <<'CPP'
#include <cstdio>
#include <cstring>
int main(int count, char** words) {
  char text[16];
  for (int i = 0; i < count; ++i) std::strcpy(text, words[i]);
  return std::printf("%s\n", text) < 0;
}
CPP
cat >CMakeLists.txt <<CMAKE
cmake_minimum_required(VERSION 3.25)
project(guarded CXX)
include($SOURCE_DIR/cmake/hardening.cmake)
add_executable(guarded main.cpp)
CMAKE
cmake -S . -B guarded -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE='-O2 -DNDEBUG' -DZOOMETER_HARDENED=ON >guarded.txt
cmake --build guarded >>guarded.txt
header() { readelf -W "$@" guarded/guarded >headers.txt && cat headers.txt; }
expect "addresses that the linker fills in are read-only" grep -q GNU_RELRO <(header -l)
expect "and filled in before the program starts" grep -qE 'BIND_NOW|FLAGS.*NOW' <(header -d)
no_code_on_the_stack() { header -l | grep GNU_STACK | grep -q 'RW ' && ! header -l | grep GNU_STACK | grep -q RWE; }
expect "the stack has no code" no_code_on_the_stack
no_writable_code() { ! header -l | grep LOAD | grep -q 'RWE'; }
expect "no memory is both written and run" no_writable_code
expect "functions check the stack" grep -q __stack_chk_fail <(header --dyn-syms)
expect "the C library checks sizes" grep -qE '__strcpy_chk|__printf_chk' <(header --dyn-syms)
if [ "$(uname -m)" = x86_64 ]; then
  expect "calls and jumps have targets" grep -q SHSTK <(header -n)
fi
expect "no path of the sources is in the binary" test "$(grep -c "$SOURCE_DIR/src" "$ZOOMETER")" = 0

sbom=$build/zoometer.cdx.json
expect "the bill of materials is JSON" jq -e '.bomFormat == "CycloneDX" and (.components | length) > 6' "$sbom"
expect "with a version of each part" jq -e '[.components[].version] | all(test("^[0-9]+\\.[0-9]+"))' "$sbom"
for name in sqlite zlib fmt tomlplusplus rapidjson; do
  expect "among them $name" jq -e --arg name $name 'any(.components[]; .name == $name)' "$sbom"
done
expect "two builds are alike" "$SOURCE_DIR/scripts/reproducible" --quick

finish
