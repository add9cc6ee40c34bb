#!/bin/bash -eu
# Builds every target of tests/fuzz, with its corpus as one archive beside it.
cmake -S "$SRC/zoometer" -B "$WORK/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug \
  -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_CXX_FLAGS_DEBUG="-O1 -g" \
  -DZOOMETER_SANITIZE="$SANITIZER" -DZOOMETER_WERROR=OFF -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON
for source in "$SRC"/zoometer/tests/fuzz/fuzz_*.cpp; do
  target=$(basename "$source" .cpp)
  cmake --build "$WORK/build" --target "$target"
  cp "$WORK/build/tests/fuzz/$target" "$OUT/"
  printf '[libfuzzer]\nmax_len = 1048576\ntimeout = 1\nrss_limit_mb = 4096\n' >"$OUT/$target.options"
done
"$SRC/zoometer/scripts/pack_corpora" "$OUT"
