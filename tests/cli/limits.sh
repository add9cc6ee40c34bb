#!/usr/bin/env bash
# Limits of one run: memory and time, each with its own message and without a hang.
. "$SOURCE_DIR/tests/cli/_lib.sh"

expect_error 2 "--max-memory: expected a size like 512M or 2G, got many" --max-memory many list
expect_error 2 "--max-memory: expected a size like 512M or 2G, got -1" list --max-memory=-1
expect_error 2 "--max-memory: expected a size like 512M or 2G, got 2X" --max-memory 2X list
expect_error 2 "--max-memory: expected a size like 512M or 2G, got 1e99" --max-memory 1e99 list
expect_error 2 "--max-memory: expected a value, got nothing" list --max-memory
expect_error 2 "--max-time: expected whole seconds from 1 to 1000000, got 0" --max-time 0 list
expect_error 2 "--max-time: expected whole seconds from 1 to 1000000, got soon" --max-time=soon list
expect_output resnet18 --max-memory 1.5GiB --max-time 60 list resnet18
expect_output resnet18 list resnet18 --max-memory=512MB

# The sanitizer's own tables are larger than any limit, so that it has none.
if ! grep -q __asan_init "$ZOOMETER"; then
  expect_error 3 "out of memory: more than 500.0 KiB are needed (--max-memory sets the limit)" \
    --max-memory 500K profile maskrcnn_resnet50_fpn --registry all --format json
fi

# A program that never answers, instead of Graphviz's.
mkdir programs
printf '#!/bin/sh\nexec sleep 20\n' >programs/dot
chmod +x programs/dot
PATH=$PWD/programs:$PATH expect_error 3 "stopped: the run took longer than --max-time" \
  --max-time 1 graph resnet18 --format svg

# Anything but a regular file is refused at once; a pipe is not waited for.
mkfifo pipe
expect_error 3 "it is not a regular file" --max-time 5 profile ./pipe
expect_error 3 "it is not a regular file" --max-time 5 profile /dev/zero
expect_error 3 "it is a folder" --max-time 5 profile .
finish
