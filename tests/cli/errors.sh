#!/usr/bin/env bash
# Wrong words, wrong shapes and places that cannot be written: message, status, nothing half-written.
. "$SOURCE_DIR/tests/cli/_lib.sh"

# names
expect_error 2 "did you mean resnet18" profile resnet81
expect_error 2 "no such model or file: zzzzzz" profile zzzzzz
expect_error 2 "did you mean profile?" profil resnet18
expect_error 2 "no such command" frobnicate
expect_error 2 "expected one of" profile resnet18 --format yaml
expect_error 2 "expected one of" profile resnet18 --convention theirs
expect_error 2 "see zoometer profile --help" profile
expect_error 2 "see zoometer profile --help" profile resnet18 --no-such-option
expect_error 2 "--depth" profile resnet18 --depth two

# input shapes
expect_error 3 "sizes of at least 1, got 1,3,0,8" profile resnet18 --input-shape 1,3,0,8
expect_error 3 "resnet18, module conv1, conv2d: conv2d C4" profile resnet18 --input-shape 1,4,224,224
expect_error 3 "expected as many channels in x as the weight takes" profile resnet18 --input-shape 1,4,224,224
expect_error 3 "expected 4 sizes like 1x3x224x224, got 5: 1x3x8x8x8" profile resnet18 --input-shape 1,3,8,8,8
expect_error 3 "expected sizes of at least 1, got 1,3,-8,8" profile resnet18 --input-shape 1,3,-8,8
expect_error 3 "alexnet, module features.2, max_pool2d: max_pool2d C4: expected a window that fits" profile alexnet --input-shape 1,3,8,8
expect_error 3 "a kernel that fits into the padded input" profile alexnet --input-shape 1,3,4,4
expect_error 3 "a tensor is too large" profile resnet18 --input-shape 1,3,4000000000,4000000000
expect_error 3 "sizes below 2^63" profile resnet18 --input-shape 1,3,99999999999999999999,8
expect_error 3 "at most 16 sizes" profile resnet18 --input-shape 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1
expect_error 2 "sizes like 1,3,224,224" profile resnet18 --input-shape 1,3,huge,8
expect_error 2 "sizes like 1,3,224,224" profile resnet18 --input-shape ,
expect_error 2 "no such input: expected x, got y" profile resnet18 --input-shape y=1,3,8,8
expect_error 2 "too many input shapes" profile resnet18 --input-shape 1,3,64,64 --input-shape 1,3,64,64
expect_error 2 "--batch: expected at least 1, got 0" profile resnet18 --batch 0
expect_error 3 "the program was exported for fixed sizes" profile "$SOURCE_DIR/tests/data/pt2/resnet18.pt2" --batch 3
expect_error 3 "" profile resnet18 --batch 9223372036854775807
expect_error 2 "--batch: expected a number, got many" profile resnet18 --batch many
expect_error 2 "--variant: expected one of published, untrained, got trained" profile resnet18 --variant trained
expect_error 3 "--dim: expected sizes of at least 1, got batch=0" profile file.onnx --dim batch=0
expect_error 2 "--dim: expected NAME=SIZE" profile file.onnx --dim batch

expect_error 2 "--proposals cannot be used with resnet18: expected a detector" profile resnet18 --proposals 5
expect_error 2 "--quantize cannot be used with resnet18" profile resnet18 --quantize
expect_error 2 "--dim is for files" profile resnet18 --dim batch=2

# files
expect_error 3 "no-such.onnx: cannot read the file: No such file or directory" profile no-such.onnx
mkdir folder
expect_error 3 "folder: cannot read the file: it is a folder" profile ./folder
: >empty.onnx
expect_error 3 "empty.onnx" profile empty.onnx
printf 'not a model' >text.onnx
expect_error 3 "text.onnx" profile text.onnx
mkfifo pipe.onnx
expect_error 3 "it is not a regular file" profile ./pipe.onnx
ln -s loop loop
expect_error 3 "loop: cannot read the file: Too many levels of symbolic links" profile loop
for command in list sweep "discover --source"; do
  expect_error 2 "loop" $command loop
  expect_error 2 "aaaa" $command "$(printf 'a%.0s' {1..5000})"
done

# places that cannot be written
expect_error 3 "cannot write" profile resnet18 --output no-such-folder/out.json
expect_error 3 "cannot write" profile resnet18 --output /dev/full
echo before >kept.txt
expect_error 3 "a window that fits" profile alexnet --input-shape 1,3,8,8 --output kept.txt
expect "a failed profile leaves the old file" grep -qx before kept.txt
expect "nothing is left beside the file" test "$(ls kept.txt* | wc -l)" = 1
"$ZOOMETER" profile resnet18 --format json --output written.json
expect "the file is whole" jq -e .totals.macs written.json

# a reader that closes the pipe
"$ZOOMETER" profile resnet152 --format json --depth 9 2>stderr.txt | head -c 1 >/dev/null
status=${PIPESTATUS[0]}
expect "a closed pipe is not an error, and silent" \
  test "$status" = 0 -a ! -s stderr.txt
expect "full standard output" bash -c '"$ZOOMETER" profile resnet18 >/dev/full 2>stderr.txt; [ $? = 3 ] && grep -q "No space left" stderr.txt'

# control characters of a name do not reach the terminal
expect_error 2 '\x1b' profile $'\e[31mred'

finish
