#!/usr/bin/env bash
# Files that are large in bytes or in nodes: how much of them is read, and how time and memory grow.
. "$SOURCE_DIR/tests/cli/_lib.sh"

expect "writes a file of 1 GiB" "$SOURCE_DIR/bench/onnx_files.py" weights large.onnx 1024
expect "writes a file of 16 MiB" "$SOURCE_DIR/bench/onnx_files.py" weights small.onnx 16
for count in 1000 10000 100000; do
  expect "writes $count nodes" "$SOURCE_DIR/bench/onnx_files.py" nodes "nodes_$count.onnx" $count
done

cat >measure.py <<'END'
import ctypes, mmap, os, re, subprocess, sys

zoometer = os.environ["ZOOMETER"]

def run(path):
    """The page faults and the most memory in bytes of a run."""
    process = subprocess.Popen([zoometer, "profile", path, "--depth", "1"], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, path
    return usage.ru_minflt + usage.ru_majflt, usage.ru_maxrss * 1024

def instructions(path):
    done = subprocess.run(["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null",
                           zoometer, "profile", path, "--depth", "1"], capture_output=True, text=True, check=True)
    return int(re.search(r"I *refs: *([0-9,]+)", done.stderr)[1].replace(",", ""))

def resident(path):
    """The part of a file in the page cache."""
    with open(path, "r+b") as file:
        size = os.fstat(file.fileno()).st_size
        area = mmap.mmap(file.fileno(), size)
        pages = (size + mmap.PAGESIZE - 1) // mmap.PAGESIZE
        flags = (ctypes.c_ubyte * pages)()
        start = ctypes.addressof(ctypes.c_char.from_buffer(area))
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.mincore(ctypes.c_void_p(start), ctypes.c_size_t(size), flags) == 0
        return sum(flag & 1 for flag in flags) / pages

def forget(path):
    descriptor = os.open(path, os.O_RDWR)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)

what = sys.argv[1]
if what == "cold":
    forget("large.onnx")
    assert resident("large.onnx") < 0.01, "the file does not leave the page cache"
    run("large.onnx")
    part = resident("large.onnx")
    print(f"{part:.3%} read")
    assert part < 0.01
elif what == "warm":
    small, large = run("small.onnx")[0], run("large.onnx")[0]
    print(f"{small} and {large} page faults")
    assert large <= 1.1 * small + 100
elif what == "linear":
    few, many = instructions("nodes_1000.onnx"), instructions("nodes_10000.onnx")
    print(f"{few} and {many} instructions")
    assert many <= 11 * few
else:
    memory = run("nodes_100000.onnx")[1]
    print(f"{memory / 2**20:.0f} MiB")
    assert memory <= 180 * 2**20
END
# Temporary folders may be in memory, where nothing can leave the page cache.
if /usr/bin/python3 -c 'import os; raise SystemExit(b"tmpfs" in os.popen("stat -f -c %T .").read().encode())'; then
  expect "reads less than 1% of 1 GiB" /usr/bin/python3 measure.py cold
fi
expect "touches no more pages for 1 GiB" /usr/bin/python3 measure.py warm

# Several threads write a large tree piece by piece, in order.
cat >rows.py <<'END'
import json, sys

expected = [module["path"].split(".")[-1] for module in json.load(open("tree.json"))["modules"][1:]]
lines = open("tree.txt").read().split("\n\n")[1].split("\n")
shown = [line.split()[0] for line in lines if line.startswith("  ")]
assert len(expected) > 25_000 and shown == expected, (len(expected), len(shown))
END
"$ZOOMETER" profile nodes_100000.onnx >tree.txt
"$ZOOMETER" profile nodes_100000.onnx --depth 2 --format json >tree.json
expect "has every module's row, in order" /usr/bin/python3 rows.py

# The sanitizer's own memory and work would be measured with ours.
if ! grep -q __asan_init "$ZOOMETER"; then
  expect "takes instructions that grow linearly with the nodes" /usr/bin/python3 measure.py linear
  expect "takes little memory for each node" /usr/bin/python3 measure.py memory
  # A thread's stack as large as this limit does not fit beside the rest.
  (ulimit -s 8000000 && ulimit -v 8000000 && "$ZOOMETER" profile nodes_100000.onnx) >alone.txt 2>&1
  expect "needs no thread beside the first" cmp tree.txt alone.txt
fi
finish
