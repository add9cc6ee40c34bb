#!/usr/bin/env bash
# Every public name of the installed headers is described, and a name that is not is reported.
. "$SOURCE_DIR/tests/cli/_lib.sh"
command -v doxygen >/dev/null || finish

mkdir -p copy/tests
cp -r "$SOURCE_DIR"/{cmake,docs,include,scripts,src} copy
cp -r "$SOURCE_DIR/tests/package" copy/tests

if copy/scripts/api_reference --check reference >output.txt 2>&1; then
  pass
else
  fail "every public name is described" "$(head -20 output.txt)"
fi

# reports NAME HEADER EDIT: with that edit of the header, the name is reported as not described.
reports() {
  local header=copy/include/zoometer/$2
  cp "$header" kept
  sed -i "$3" "$header"
  if ! copy/scripts/api_reference --check reference >output.txt 2>&1 && grep -qF "$1 is not described" output.txt; then
    pass
  else
    fail "$1 in $2 is reported" "$(head -5 output.txt)"
  fi
  cp kept "$header"
}
end='/^}  \/\/ namespace zoometer/i'
reports 'zoometer::added(int)' op/reduce.hpp "$end int added(int);"
reports 'zoometer::operator%(Tensor a, Tensor b)' ir/tensor.hpp "$end Tensor operator%(Tensor a, Tensor b);"
reports 'zoometer::added_op' op/elementwise.hpp "$end extern const OpDef added_op;"
reports 'zoometer::Added' nn/layers.hpp "$end using Added = int;"
reports 'zoometer::Added::size' nn/module.hpp "$end /// A struct.\nstruct Added { int size; };"
reports 'zoometer::DType::complex128' ir/dtype.hpp 's,///< two float64,,'
reports 'ADDED' util/checked.hpp "$end #define ADDED 1"
finish
