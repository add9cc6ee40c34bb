"""Writes ONNX files again (`graph FILE --format onnx`) and runs both in ONNX Runtime.

Every file that zoometer reads and ONNX Runtime runs must give the same outputs after it was written
again: names, types, shapes and numbers, with the same inputs and the weights of the file. Each file has a
process of its own: a crash of the runtime is that file's result. The last line is "written again: N of M
files give the same results". Needs the packages of tests/requirements.txt.
"""
import argparse
import multiprocessing
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import onnx
import onnxruntime

RANDOM = {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
          "RandomUniformLike", "Dropout"}
NUMBERS = numpy.random.default_rng(7)
PROCESSES = multiprocessing.get_context("fork")
SECONDS = 120


class Differs(Exception):
    pass


class NotRun(Exception):
    """ONNX Runtime does not run the original, so that there is nothing to compare."""


def session_of(path):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def random_tensor(info, sizes):
    """Numbers that most operators take: indices and lengths are small."""
    types = {"float": numpy.float32, "double": numpy.float64, "float16": numpy.float16,
             "bool": numpy.bool_, "string": numpy.object_}
    name = info.type.removeprefix("tensor(").removesuffix(")")
    if not info.type.startswith("tensor(") or name.startswith(("bfloat16", "float8", "int4", "uint4", "float4", "complex")):
        raise NotRun(f"an input of type {info.type}")
    shape = [size if isinstance(size, int) else 1 for size in sizes]
    if name == "string":
        return numpy.full(shape, "a", dtype=numpy.object_)
    dtype = numpy.dtype(types.get(name, name))
    if dtype.kind == "f":
        return NUMBERS.random(shape).astype(dtype)
    return NUMBERS.integers(0, 2, shape).astype(dtype)


def run(session, feeds):
    return session.run(None, {info.name: feeds[info.name] for info in session.get_inputs()})


def same(expected, actual):
    if isinstance(expected, list):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    if not isinstance(expected, numpy.ndarray):
        return expected == actual
    if expected.shape != actual.shape or expected.dtype != actual.dtype:
        return False
    if expected.dtype.kind in "OSU":
        return bool((expected == actual).all())
    return numpy.allclose(expected, actual, rtol=1e-3, atol=1e-5, equal_nan=True)


def weights_of(model, folder):
    try:
        return {tensor.name: onnx.numpy_helper.to_array(tensor, folder) for tensor in model.graph.initializer}
    except (OSError, ValueError, onnx.checker.ValidationError) as error:  # external data that onnx does not read
        raise NotRun(str(error)) from error


def compare(original, written, begin):
    """Calls `begin` with what comes next, so that the caller knows where a crash was."""
    model = onnx.load(original, load_external_data=False)
    begin("the original")
    try:
        before = session_of(original)
    except Exception as error:
        raise NotRun(str(error)) from error
    begin("what was written")
    try:
        after = session_of(written)
    except Exception as error:
        raise Differs(f"refused: {str(error)[:200]}") from error
    begin("the original")
    sizes = {info.name: info.shape for info in after.get_inputs()}
    feeds = weights_of(model, str(Path(original).parent))
    for info in before.get_inputs():
        if info.name not in feeds:
            feeds[info.name] = random_tensor(info, sizes.get(info.name, info.shape))
    try:
        expected = run(before, feeds)
    except Exception as error:
        raise NotRun(str(error)) from error
    begin("what was written")
    try:
        actual = run(after, feeds)
    except Exception as error:
        if "can't be converted to MLDataType" in str(error):
            raise NotRun(str(error)) from error  # a type of weights that NumPy lacks
        raise Differs(f"does not run: {str(error)[:200]}") from error
    names = [[info.name for info in session.get_outputs()] for session in (before, after)]
    if names[0] != names[1]:
        raise Differs(f"the outputs are {names[1]} instead of {names[0]}")
    if {node.op_type for node in model.graph.node} & RANDOM:
        return
    for name, wanted, got in zip(names[0], expected, actual):
        if not same(wanted, got):
            raise Differs(f"the output {name} differs")


def compare_and_tell(original, written, pipe):
    try:
        compare(original, written, lambda what: pipe.send(("begins", what)))
        pipe.send(("same", ""))
    except NotRun as error:
        pipe.send(("not run", str(error)))
    except Differs as error:
        pipe.send(("differs", str(error)))


def compare_apart(original, written):
    """The comparison in a process of its own."""
    ours, theirs = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=compare_and_tell, args=(original, written, theirs))
    process.start()
    theirs.close()
    stage = "the file"
    kind = "begins"
    try:
        while kind == "begins" and ours.poll(SECONDS):
            kind, text = ours.recv()
            stage = text if kind == "begins" else stage
    except EOFError:
        pass
    if kind == "begins":
        process.join(1)
        process.kill()
    process.join()
    if kind == "begins" and stage == "the original":
        raise NotRun(f"ONNX Runtime ended with status {process.exitcode}")
    if kind == "begins":
        raise Differs(f"ended with status {process.exitcode} in {stage}")
    if kind == "not run":
        raise NotRun(text)
    if kind == "differs":
        raise Differs(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("binary")
    parser.add_argument("files", nargs="*")
    parser.add_argument("--list", type=Path, help="a file with more paths, a line each")
    parser.add_argument("--verbose", action="store_true", help="name the files that are not run")
    given = parser.parse_args()
    files = given.files + (given.list.read_text().splitlines() if given.list else [])
    agreed = differing = not_run = 0
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "written.onnx"
        for file in files:
            words = [given.binary, "graph", file, "--format", "onnx", "--output", str(written)]
            done = subprocess.run(words, capture_output=True, text=True)
            if done.returncode == 3:
                continue  # a file that is not read cannot be written
            try:
                if done.returncode != 0:
                    raise Differs(f"status {done.returncode}: {done.stderr.strip()[:200]}")
                compare_apart(file, written)
                agreed += 1
            except NotRun as error:
                not_run += 1
                if given.verbose:
                    print(f"not run: {file}: {str(error)[:100]}")
            except Differs as error:
                differing += 1
                print(f"FAILED: {file}: {error}", flush=True)
    print(f"{not_run} files are not run by ONNX Runtime")
    print(f"written again: {agreed} of {agreed + differing} files give the same results")
    return 0 if differing == 0 and agreed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
