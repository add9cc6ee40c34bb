#!/usr/bin/env bash
# Debian's ONNX test data and our .pt2 files: each that is read is written again, and accepted by
# ONNX's own checker.
. "$SOURCE_DIR/tests/cli/_lib.sh"

# python3-onnx 1.12 infers the frames of a one-sided STFT from the number of its bins instead of the frame's
# length: 34 where (576 - 64) / 16 + 1 = 33.
wrongly_refused=$SOURCE_DIR/tests/data/pt2/stft.pt2

# Element types that opset 17 does not have are an error (docs/export.md).
of_8_bit_floats=$SOURCE_DIR/tests/data/pt2/kinds/torchao_float8_weight.pt2
expect_error 3 "ONNX's opset 17 has no element type float8_e4m3fn" graph "$of_8_bit_floats" --format onnx

mkdir written
number=0
while read -r file; do
  [ "$file" = "$wrongly_refused" ] && continue
  [ "$file" = "$of_8_bit_floats" ] && continue
  "$ZOOMETER" profile "$file" --format json >/dev/null 2>&1 || continue
  number=$((number + 1))
  expect "$file" "$ZOOMETER" graph "$file" --format onnx --output "written/$number.onnx"
  echo "$number.onnx $file" >>names.txt
done < <(find -L /usr/share/libonnx-testdata "$SOURCE_DIR/tests/data" -name '*.onnx' -o -name '*.pt2' | sort)

/usr/bin/python3 - <<'PYTHON' | tee checked.txt
import glob
import onnx

names = dict(line.split(maxsplit=1) for line in open("names.txt"))
bad = newer = 0


def problem_of(path):
    try:
        onnx.checker.check_model(onnx.load(path, load_external_data=False), full_check=True)
    except Exception as error:
        return str(error).strip()[:300]


def is_newer(path):
    versions = [entry.version for entry in onnx.load(path, load_external_data=False).opset_import if not entry.domain]
    return max(versions, default=1) > onnx.defs.onnx_opset_version()


for path in sorted(glob.glob("written/*.onnx")):
    problem = problem_of(path)
    if problem is None:
        continue
    original = names[path[8:]].strip()
    if is_newer(path) or original.endswith(".onnx") and problem_of(original) is not None:
        newer += 1  # of a version after this checker's, of 2022, or a copy of a file that it refuses as well
        continue
    bad += 1
    print(f"FAILED: {original}: {problem}")
print(f"{newer} files are newer, or refused themselves")
print(f"accepted {len(names) - newer - bad} of {len(names) - newer} files")
PYTHON
read -r _ accepted _ files _ < <(tail -n 1 checked.txt)
passed=$((passed + ${accepted:-0})) failed=$((failed + ${files:-1} - ${accepted:-0}))
expect "there are many files" test "${files:-0}" -gt 1000
finish
