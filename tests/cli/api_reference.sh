#!/usr/bin/env bash
# Every public name of the installed headers is described, and a name that is not is told.
. "$SOURCE_DIR/tests/cli/_lib.sh"
command -v doxygen >/dev/null || finish

mkdir -p copy/tests
cp -r "$SOURCE_DIR"/{cmake,docs,include,scripts,src} copy
cp -r "$SOURCE_DIR/tests/package" copy/tests

if copy/scripts/api_reference --check reference >told.txt 2>&1; then
  pass
else
  fail "every public name is described" "$(head -20 told.txt)"
fi

# tells NAME HEADER EDIT: with that edit of the header, the name is told as not described.
tells() {
  local header=copy/src/$2
  cp "$header" kept
  sed -i "$3" "$header"
  if ! copy/scripts/api_reference --check reference >told.txt 2>&1 && grep -qF "$1 is not described" told.txt; then
    pass
  else
    fail "$1 in $2 is told" "$(head -5 told.txt)"
  fi
  cp kept "$header"
}
end='/^}  \/\/ namespace zoometer/i'
tells 'zoometer::added(int)' op/reduce.hpp "$end int added(int);"
tells 'zoometer::operator%(Tensor a, Tensor b)' ir/tensor.hpp "$end Tensor operator%(Tensor a, Tensor b);"
tells 'zoometer::added_op' op/elementwise.hpp "$end extern const OpDef added_op;"
tells 'zoometer::Added' nn/layers.hpp "$end using Added = int;"
tells 'zoometer::Added::size' nn/module.hpp "$end /// A struct.\nstruct Added { int size; };"
tells 'zoometer::DType::complex128' ir/dtype.hpp 's,///< two float64,,'
tells 'ADDED' util/checked.hpp "$end #define ADDED 1"
finish
