#!/usr/bin/env bash
# Files that are large in bytes or in nodes: what is read of them, and how time and memory grow.
. "$SOURCE_DIR/tests/cli/_lib.sh"

expect "writes a file of 1 GiB" "$SOURCE_DIR/bench/onnx_files.py" weights large.onnx 1024
expect "writes a file of 16 MiB" "$SOURCE_DIR/bench/onnx_files.py" weights small.onnx 16
for count in 10000 100000; do
  expect "writes $count nodes" "$SOURCE_DIR/bench/onnx_files.py" nodes "nodes_$count.onnx" $count
done

cat >measure.py <<'END'
import ctypes, mmap, os, subprocess, sys

zoometer = os.environ["ZOOMETER"]

def run(path, times):
    """The least CPU time in seconds and the most memory in bytes of some runs."""
    seconds, memory = [], 0
    for _ in range(times):
        process = subprocess.Popen([zoometer, "profile", path, "--depth", "1"], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0, path
        seconds.append(usage.ru_utime + usage.ru_stime)
        memory = max(memory, usage.ru_maxrss * 1024)
    return min(seconds), memory

def resident(path):
    """The part of a file that lies in the page cache."""
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
    run("large.onnx", 1)
    part = resident("large.onnx")
    print(f"{part:.3%} read")
    assert part < 0.01
elif what == "warm":
    small, large = run("small.onnx", 9)[0], run("large.onnx", 9)[0]
    print(f"{small * 1e3:.2f} ms and {large * 1e3:.2f} ms")
    assert large - small <= 0.005
else:
    few, many = run("nodes_10000.onnx", 5), run("nodes_100000.onnx", 3)
    print(f"{few[0] * 1e3:.1f} ms and {many[0] * 1e3:.1f} ms, {many[1] / 2**20:.0f} MiB")
    if what == "linear":
        assert many[0] <= 20 * few[0]
    else:
        assert many[1] <= 180 * 2**20
END
# Temporary folders may be in memory, where nothing can leave the page cache.
if /usr/bin/python3 -c 'import os; raise SystemExit(b"tmpfs" in os.popen("stat -f -c %T .").read().encode())'; then
  expect "reads less than 1% of 1 GiB" /usr/bin/python3 measure.py cold
fi
expect "takes at most 5 ms more for 1 GiB" /usr/bin/python3 measure.py warm
expect "takes time that grows linearly with the nodes" /usr/bin/python3 measure.py linear
expect "takes little memory for each node" /usr/bin/python3 measure.py memory
finish
