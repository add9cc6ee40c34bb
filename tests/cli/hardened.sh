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

header() { readelf -W "$@" "$ZOOMETER" >headers.txt && cat headers.txt; }
expect "addresses that the linker fills in are read-only" grep -q GNU_RELRO <(header -l)
expect "and filled in before the program starts" grep -qE 'BIND_NOW|FLAGS.*NOW' <(header -d)
no_code_on_the_stack() { header -l | grep GNU_STACK | grep -q 'RW ' && ! header -l | grep GNU_STACK | grep -q RWE; }
expect "the stack has no code" no_code_on_the_stack
no_writable_code() { ! header -l | grep LOAD | grep -q 'RWE'; }
expect "no memory is both written and run" no_writable_code
expect "functions check the stack" grep -q __stack_chk_fail <(header --dyn-syms)
expect "the C library checks sizes" grep -qE '__(memcpy|snprintf|vsnprintf|read|strcpy)_chk' <(header --dyn-syms)
if [ "$(uname -m)" = x86_64 ]; then
  expect "calls and jumps have targets" grep -q SHSTK <(header -n)
  # endbr64 at the start of functions that are called through pointers.
  expect "indirect jumps have targets" grep -q '^ *[0-9a-f]*:.*endbr64' <(objdump -d --no-show-raw-insn -j .text "$ZOOMETER" | head -n 2000)
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
