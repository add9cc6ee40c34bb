"""What zoometer does if the system fails: see tests/cli/faults.sh and tests/faults/inject.c.

FAULT_CASES=REGEX runs some cases only, FAULT_STEP=1 fails each allocation instead of some."""
import json
import os
import re
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

ZOOMETER = os.environ["ZOOMETER"]
DATA = Path(os.environ["SOURCE_DIR"]) / "tests/data"
INJECT = sys.argv[1]
HERE = Path.cwd()
LOG = HERE / "faults.log"
CACHE = Path(os.environ["XDG_CACHE_HOME"]) / "zoometer"
CONFIG = Path(os.environ["XDG_CONFIG_HOME"]) / "zoometer"
ONNX = DATA / "onnx/light_squeezenet.onnx"
PT2 = DATA / "pt2/mobilenet_v2.pt2"


class Run:
    """One run of zoometer: its output, how it ended, and whether a fault occurred."""

    def __init__(self, *words, fault=None, path=None, limit=None, **environment):
        LOG.unlink(missing_ok=True)
        environment = {**os.environ, **environment}
        if fault is not None or "FAULT_TIME" in environment or "FAULT_JUMP" in environment:
            # A process that is shut in can neither write the log nor cut its file.
            environment |= {"LD_PRELOAD": INJECT, "FAULT_LOG": str(LOG), "ZOOMETER_SANDBOX": "none"}
        if fault is not None:
            environment["FAULT"] = fault
        if path is not None:
            environment["FAULT_PATH"] = path
        if limit is not None:  # it would also truncate gcov's files
            environment["GCOV_PREFIX"] = str(HERE / "gcov")
        self.what = f"{fault} {path or ''}: {' '.join(map(str, words))}"
        begin = time.monotonic()
        ended = subprocess.run([ZOOMETER, *map(str, words)], capture_output=True, env=environment,
                               timeout=60, preexec_fn=limit)
        self.status, self.out = ended.returncode, ended.stdout
        self.err = ended.stderr.decode()
        self.met = LOG.exists()
        self.seconds = time.monotonic() - begin
        if self.seconds > 5:
            print(f"{self.seconds:.0f} s: {self.what}", flush=True)

    def describe(self):
        return f"{self.what}\n  status {self.status}\n  {self.err[:500]}"

    def answers(self, out=None):
        assert self.status == 0, self.describe()
        assert out is None or self.out == out, "another answer: " + self.describe()
        return self

    def refuses(self, *texts):
        """It ends with a message that contains the texts, and status 3."""
        assert self.status == 3 and self.err.startswith("zoometer: "), self.describe()
        for text in texts:
            assert text in self.err, f"no {text!r}: " + self.describe()
        return self


def walk(call, what, *words, path=None, step=1, most=10_000, until="", prepare=lambda: None, **environment):
    """Runs with the fault at the 1st, 2nd ... call, until there are no more of them."""
    for number in range(1, most * step, step):
        prepare()
        run = Run(*words, fault=f"{call}:{number}{until}:{what}", path=path, **environment)
        if not run.met:
            assert number > 1, "no such call: " + run.what
            return
        yield run


def fresh(*paths):
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def beside(path):
    """Names in its folder that begin like its own."""
    return sorted(each.name for each in path.parent.iterdir() if each.name.startswith(path.name))


def is_sound(path):
    if not path.exists():
        return True
    base = sqlite3.connect(path)
    try:
        return base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        base.close()


cases = []


def case(function):
    cases.append(function)
    return function


# -- reading -------------------------------------------------------------------------------------

@case
def a_model_file_that_cannot_be_read():
    for file in (ONNX, PT2):
        for reason, text in (("EIO", "Input/output error"), ("EMFILE", "Too many open files")):
            Run("profile", file, fault=f"open:1:{reason}", path=file.name).refuses(file.name, text)
        Run("profile", file, fault="map:1:ENOMEM", path=file.name).refuses(file.name)


@case
def a_model_file_that_is_cut_while_it_is_read():
    for source in (ONNX, PT2):
        file = HERE / source.name
        for command in (["profile"], ["graph", "--format", "json"], ["sweep", "-o", "cut.csv"]):
            shutil.copy(source, file)
            run = Run(command[0], file, *command[1:], fault="map:1:cut", path=file.name)
            if command[0] != "sweep":
                run.refuses(f"{file}: cannot read the file: the device failed, or the file was truncated")
        assert "the device failed, or the file was truncated" in Path("cut.csv").read_text()


@case
def a_folder_with_a_file_that_cannot_be_read():
    folder = HERE / "folder"
    folder.mkdir()
    shutil.copy(ONNX, folder / "a.onnx")
    shutil.copy(ONNX, folder / "b.onnx")
    run = Run("discover", "--source", folder, "--format", "json", fault="map:1:cut", path="a.onnx")
    first, second = json.loads(run.answers().out)["models"]
    assert first["reason"] == "io" and "device failed" in first["message"], first
    assert second["status"] == "traceable", second
    fresh(folder, CACHE)


@case
def weights_that_are_cut_while_they_are_read():
    entries = json.loads(Run("parameters", "squeezenet1_1", "--format", "json").out)["entries"]
    header, size = {}, 0
    for entry in entries:
        count = 4
        for length in entry["shape"]:
            count *= length
        header[entry["name"]] = {"dtype": "F32", "shape": entry["shape"],
                                 "data_offsets": [size, size + count]}
        size += count
    text = json.dumps(header).encode()
    file = HERE / "weights.safetensors"
    words = ["graph", "squeezenet1_1", "--format", "onnx", "--weights", file, "-o", "w.onnx"]
    file.write_bytes(len(text).to_bytes(8, "little") + text + bytes(size))
    Run(*words).answers()
    before = Path("w.onnx").read_bytes()
    Run(*words, fault="map:1:cut", path=file.name).refuses("weights.safetensors", "device failed")
    assert Path("w.onnx").read_bytes() == before and beside(HERE / "w.onnx") == ["w.onnx"]


@case
def a_registry_that_cannot_be_read():
    CONFIG.mkdir(exist_ok=True)
    file = CONFIG / "registry.toml"
    file.write_text('# a comment\ncurated = ["resnet18", "alexnet"]\n' + "# filling\n" * 5000)
    whole = Run("list").answers().out
    assert b"resnet18" in whole and b"vgg11" not in whole, whole
    Run("list", fault="open:1:EACCES", path=file.name).refuses(str(file), "Permission denied")
    for run in walk("read", "EIO", "list", path=file.name):
        run.refuses(str(file), "Input/output error")
    for what in ("EINTR", "short"):
        for run in walk("read", what, "list", path=file.name):
            run.answers(whole)
    before = file.read_text()
    Run("registry", "add", "raft_small", fault="read:1:EIO", path=file.name).refuses(str(file))
    assert file.read_text() == before
    Run("registry", "add", "raft_small", fault="lock:1:ENOLCK").refuses(".registry.lock")
    Run("registry", "add", "raft_small", fault="lock:1:EINTR").answers()
    fresh(CONFIG)


# -- writing -------------------------------------------------------------------------------------

def outputs():
    """Arguments that write a file, and the file."""
    for words in (["profile", "resnet50", "--format", "json"], ["graph", "alexnet", "--format", "onnx"],
                  ["graph", "alexnet", "--format", "dot"], ["report", "alexnet"],
                  ["list", "--format", "csv"], ["sweep", "alexnet", "--batch", "1,2", "--format", "html"]):
        yield [*words, "-o", "written"], HERE / "written"


@case
def standard_output():
    words = ["profile", "resnet50", "--format", "json"]
    whole = Run(*words).answers().out
    for what in ("short", "byte", "EINTR"):
        Run(*words, fault=f"write:1-500:{what}").answers(whole)
    Run(*words, fault="write:1-9:EAGAIN").answers(whole)
    for reason, text in (("ENOSPC", "No space left on device"), ("EIO", "Input/output error")):
        Run(*words, fault=f"write:1:{reason}").refuses("standard output", text)
    Run(*words, fault="write:1-:nothing").refuses("standard output", "Input/output error")


@case
def a_pipe_that_does_not_wait():
    words = [ZOOMETER, "list", "--registry", "all", "--format", "json"]
    whole = subprocess.run(words, capture_output=True).stdout
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    process = subprocess.Popen(words, stdout=write_end)
    os.close(write_end)
    threading.Event().wait(0.2)  # the pipe is full by now: 64 KiB
    with os.fdopen(read_end, "rb") as pipe:
        got = pipe.read()
    assert process.wait() == 0 and got == whole, (process.returncode, len(got), len(whole))


@case
def files_that_cannot_be_written():
    for words, file in outputs():
        Run(*words).answers()
        whole = file.read_bytes()
        for what in ("short", "byte", "EINTR"):
            fresh(file)
            Run(*words, fault=f"write:1-300:{what}", path="written").answers()
            assert file.read_bytes() == whole, (words, what)
        before = lambda: file.write_text("before")
        for call, reason in (("write", "ENOSPC"), ("write", "EIO"), ("write", "nothing"),
                             ("sync", "EIO"), ("sync", "ENOSPC"), ("close", "EIO"),
                             ("rename", "EACCES"), ("open", "EROFS")):
            count = 0
            until = "-" if reason == "nothing" else ""
            for run in walk(call, reason, *words, path="written", until=until, prepare=before, most=20):
                run.refuses("written: cannot write")
                assert file.read_text() == "before", run.what
                assert beside(file) == ["written"], (run.what, beside(file))
                count += 1
            assert count > 0
        for call, reason in (("sync", "EINTR"), ("sync", "EINVAL"), ("close", "EINTR")):
            Run(*words, fault=f"{call}:1:{reason}", path="written").answers()
            assert file.read_bytes() == whole, (call, reason)
        for what in ("kill", "torn"):
            for run in walk("change", what, *words, path="written", prepare=before, most=40):
                assert run.status == -9 and file.read_bytes() == b"before", run.describe()
                for name in beside(file)[1:]:
                    fresh(HERE / name)
        fresh(file)


@case
def files_that_are_replaced():
    file = HERE / "mine.json"
    words = ["profile", "alexnet", "--format", "json", "-o"]
    file.write_text("before")
    file.chmod(0o600)
    link = HERE / "link.json"
    link.symlink_to(file)
    Run(*words, link).answers()
    assert link.is_symlink() and json.loads(file.read_text())["model"] == "alexnet"
    assert file.stat().st_mode & 0o777 == 0o600
    if os.geteuid() != 0:
        file.chmod(0o400)
        Run(*words, file).refuses("mine.json: cannot write: Permission denied")
    Run(*words, HERE).refuses("cannot write: Is a directory")


@case
def a_registry_that_cannot_be_written():
    Run("registry", "add", "raft_small").answers()
    file = CONFIG / "registry.toml"
    before = file.read_text()
    words = ["registry", "add", "convnext_large"]
    prepare = lambda: file.write_text(before)
    for call, reason in (("write", "ENOSPC"), ("sync", "EIO"), ("rename", "EIO")):
        for run in walk(call, reason, *words, path="registry.toml", prepare=prepare, most=20):
            run.refuses("registry.toml: cannot write")
            assert file.read_text() == before and beside(file) == [file.name], run.what
    for run in walk("change", "kill", *words, path="registry.toml", prepare=prepare, most=20):
        assert run.status == -9 and file.read_text() == before, run.describe()
        Run("list").answers()
    fresh(CONFIG)


@case
def a_file_that_may_not_grow():
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
    file = HERE / "grown.html"
    file.write_text("before")
    Run("report", "resnet50", "-o", file, limit=limit).refuses("grown.html", "File too large")
    assert file.read_text() == "before" and beside(file) == [file.name]
    folder = HERE / "some"
    folder.mkdir()
    shutil.copy(ONNX, folder)
    run = Run("discover", "--source", folder, "--format", "json", limit=limit).answers()
    assert json.loads(run.out)["traceable"] == 1 and "answers are not kept" in run.err, run.describe()
    fresh(folder, CACHE)


@case
def a_full_disk():
    folder = HERE / "disk"
    folder.mkdir()
    shutil.copy(ONNX, HERE / "one.onnx")
    script = f"""mount -t tmpfs -o size=64k none {folder} || exit 77
      echo before >{folder}/out.html
      {ZOOMETER} report resnet50 -o {folder}/out.html; echo report $?
      cat {folder}/out.html; ls {folder}
      {ZOOMETER} sweep resnet50 --batch $(seq -s, 1 3000) --format csv -o {folder}/rows.csv; echo sweep $?
      rm {folder}/rows.csv.part
      {ZOOMETER} sweep resnet50 --batch $(seq -s, 1 3000) -o {folder}/rows.sqlite; echo base $?
      rm {folder}/rows.sqlite.part
      head -c 60000 /dev/zero >{folder}/filling
      mkdir some && cp one.onnx some
      XDG_CACHE_HOME={folder} {ZOOMETER} discover --source some --format json >answer.json; echo cache $?"""
    words = ["unshare", "-rm", "sh", "-c", script]
    ended = subprocess.run(words, capture_output=True, text=True)
    if ended.returncode != 0 and "report" not in ended.stdout:
        print("no disk of its own: a mount is not allowed here")
        return
    output = ended.stdout + ended.stderr
    assert ended.stdout.split("\n")[:3] == ["report 3", "before", "out.html"], output
    assert "sweep 3\nbase 3\ncache 0" in ended.stdout, output
    assert "out.html: cannot write: No space left on device" in ended.stderr, output
    assert "rows.csv.part: cannot write: No space left on device" in ended.stderr, output
    assert "rows.sqlite.part: SQLite: database or disk is full" in ended.stderr, output
    assert "answers are not kept" in ended.stderr, output
    assert json.loads(Path("answer.json").read_text())["traceable"] == 1
    fresh(HERE / "some")


# -- sweeps --------------------------------------------------------------------------------------

def sweep_words(file):
    return ["sweep", "alexnet", "raft_small", "--registry", "all", "--batch", "1,2,3,4,5,6,7,8,9",
            "--dtype", "float32,int8", "--jobs", "1", "-o", file]


def rows_of(file):
    return Run("sweep", "merge", file).answers().out


@case
def sweeps_that_cannot_be_written():
    for ending in ("csv", "jsonl", "sqlite"):
        file = HERE / f"rows.{ending}"
        words = sweep_words(file)
        Run(*words).answers()
        whole = rows_of(file)
        assert beside(file) == [file.name]
        Run("sweep", "alexnet", "--columns", "macs", "-o", file).answers()
        before = file.read_bytes()
        prepare = lambda: (fresh(*HERE.glob(file.name + "*")), file.write_bytes(before))
        for call, reason in (("write", "ENOSPC"), ("sync", "EIO"), ("rename", "EIO"), ("change", "kill"),
                             ("change", "torn"), ("write", "EIO"), ("open", "EMFILE")):
            step = 3 if ending == "sqlite" and call != "rename" else 1
            for run in walk(call, reason, *words, path=file.name, prepare=prepare, most=60, step=step):
                if call == "change":
                    assert run.status == -9, run.describe()
                elif run.status == 0:  # SQLite can do without some of them
                    assert rows_of(file) == whole, run.describe()
                    continue
                else:
                    run.refuses(file.name)
                assert file.read_bytes() == before, run.what
                if Path(f"{file}.part").exists():
                    Run(*words, "--resume").answers()
                    assert rows_of(file) == whole, run.what
                    assert beside(file) == [file.name], (run.what, beside(file))
        for what in ("byte", "EINTR"):
            Run(*words, fault=f"write:1-300:{what}", path=file.name).answers()
            assert rows_of(file) == whole, what
    fresh(*HERE.glob("rows.*"))


@case
def sweeps_that_are_widened():
    for ending in ("csv", "sqlite"):
        file = HERE / f"rows.{ending}"
        words = sweep_words(file)
        Run(*words).answers()
        whole = rows_of(file)
        fresh(file)
        Run("sweep", "alexnet", "--batch", "1,2", "--dtype", "float32,int8", "-o", file).answers()
        before, rows = file.read_bytes(), rows_of(file).split()
        for reason in ("ENOSPC", "kill", "torn"):
            for run in walk("write", reason, *words, "--resume", path=file.name, most=30,
                            prepare=lambda: file.write_bytes(before)):
                # A database with a journal is read after it was rolled back, by --resume.
                if run.status != 0 and not Path(f"{file}-journal").exists():
                    assert set(rows) <= set(rows_of(file).split()), "rows are lost: " + run.what
                Run(*words, "--resume").answers()
                assert rows_of(file) == whole, run.what
        fresh(*HERE.glob("rows.*"))


@case
def sweeps_that_cannot_be_read():
    for ending in ("csv", "sqlite"):
        file = HERE / f"rows.{ending}"
        Run("sweep", "alexnet", "-o", file).answers()
        before = file.read_bytes()
        Run("sweep", "merge", file, fault="map:1:cut", path=file.name).refuses(file.name)
    fresh(*HERE.glob("rows.*"))


@case
def joined_databases_that_cannot_be_written():
    Run("sweep", "alexnet", "-o", "part.csv").answers()
    file = HERE / "joined.sqlite"
    for call, reason in (("write", "ENOSPC"), ("rename", "EACCES")):
        for run in walk(call, reason, "sweep", "merge", "part.csv", "-o", file, path="joined", most=40,
                        prepare=lambda: file.write_text("before")):
            run.refuses("joined.sqlite")
            assert file.read_text() == "before" and beside(file) == [file.name], (run.what, beside(file))
    fresh(file)


# -- the cache -----------------------------------------------------------------------------------

def zoo():
    folder = HERE / "zoo"
    folder.mkdir(exist_ok=True)
    shutil.copy(ONNX, folder / "net.onnx")
    (folder / "notes.txt").write_text("no model")
    return folder


def verdicts(run):
    """The results of discovery, without the seconds."""
    run.answers()
    return [(each["name"], each["status"], each["reason"], each["parameters"], each["macs"])
            for each in json.loads(run.out)["models"]]


def check_cache(words, expected, run):
    """Afterwards the next run gives correct answers, and the file is valid."""
    assert is_sound(CACHE / "cache.sqlite3"), run.what
    after = Run(*words)
    assert verdicts(after) == expected, "another answer after " + run.what
    assert "created a new one" not in after.err and "damaged" not in after.err, after.describe()
    assert is_sound(CACHE / "cache.sqlite3"), run.what


@case
def a_cache_that_cannot_be_written():
    words = ["discover", "--source", zoo(), "--format", "json"]
    fresh(CACHE)
    expected = verdicts(Run(*words))
    for call, reason in (("write", "ENOSPC"), ("write", "EIO"), ("truncate", "ENOSPC"),
                         ("open", "EMFILE"), ("write", "short")):
        for until in ("", "-"):
            for run in walk(call, reason, *words, path=str(CACHE), until=until, most=100,
                            prepare=lambda: fresh(CACHE)):
                assert verdicts(run) == expected, run.describe()
                assert run.err == "" or "answers are not kept" in run.err, run.describe()
                check_cache(words, expected, run)
    fresh(CACHE)
    Run(*words)
    Run("cache", "clear", fault="unlink:1:EACCES", path=str(CACHE)).refuses("cache.sqlite3: cannot remove: Permission denied")
    fresh(CACHE)
    (CACHE / "cache.sqlite3").mkdir(parents=True)
    assert verdicts(Run(*words)) == expected
    fresh(CACHE)


@case
def a_cache_that_cannot_be_read():
    words = ["discover", "--source", zoo(), "--format", "json"]
    fresh(CACHE)
    expected = verdicts(Run(*words))
    file = CACHE / "cache.sqlite3"
    for call, reason in (("read", "EIO"), ("read", "EINTR"), ("open", "EIO"), ("open", "EACCES")):
        for until in ("", "-") if reason != "EINTR" else ("",):
            before = file.stat().st_ino
            for run in walk(call, reason, *words, path=str(CACHE), until=until, most=60):
                assert verdicts(run) == expected, run.describe()
                assert run.err == "" or "answers are not kept" in run.err, run.describe()
                assert file.stat().st_ino == before, "the cache was removed: " + run.describe()
    kept = sqlite3.connect(file).execute("SELECT count(*) FROM entries").fetchone()
    assert kept == (2,), kept


@case
def killed_at_every_write_of_the_cache():
    folder = zoo()
    words = ["discover", "--source", folder, "--format", "json"]
    fresh(CACHE)
    expected = verdicts(Run(*words))
    counts = {}

    def damage():
        fresh(CACHE)
        CACHE.mkdir()
        (CACHE / "cache.sqlite3").write_bytes(os.urandom(30000))

    def fill():
        fresh(CACHE)
        Run(*words).answers()
        for name in ("net.onnx", "notes.txt"):
            shutil.copy(folder / name, folder / "copy")
            os.replace(folder / "copy", folder / name)  # another file: it is tried again

    for name, prepare in (("none", lambda: fresh(CACHE)), ("damaged", damage), ("filled", fill)):
        for what in ("kill", "torn"):
            counts[name, what] = 0
            for run in walk("change", what, *words, path=str(CACHE), prepare=prepare, most=400):
                assert run.status == -9, run.describe()
                counts[name, what] += 1
                if name == "damaged" and not run.out:
                    verdicts(Run(*words))  # this run may report the damage
                check_cache(words, expected, run)
    print("killed at writes of the cache:", sum(counts.values()), counts)
    assert all(count >= 10 for count in counts.values()), counts


@case
def entries_that_are_damaged():
    words = ["discover", "--source", zoo(), "--format", "json"]
    fresh(CACHE)
    expected = verdicts(Run(*words))
    base = sqlite3.connect(CACHE / "cache.sqlite3")
    base.execute("UPDATE entries SET value = 'x'")
    base.commit()
    base.close()
    run = Run(*words)
    assert verdicts(run) == expected and "has a damaged entry: ignored it" in run.err, run.describe()
    assert verdicts(Run(*words)) == expected
    fresh(CACHE)


# -- clocks --------------------------------------------------------------------------------------

YEARS = 10 * 365 * 86400


def seconds_of(run):
    return [each["seconds"] for each in json.loads(run.answers().out)["models"]]


@case
def clocks_that_jump_between_runs():
    folder = zoo()
    words = ["discover", "--source", folder, "--format", "json"]
    for begin, end in ((0, YEARS), (0, -YEARS), (YEARS, 0), (-YEARS, YEARS)):
        fresh(CACHE)
        first = seconds_of(Run(*words, FAULT_TIME=str(begin)))
        assert seconds_of(Run(*words, FAULT_TIME=str(end))) == first, "what was kept is not used"
        usage = json.loads(Run("cache", "status", "--format", "json", FAULT_TIME=str(end)).answers().out)
        assert usage["kinds"][0]["entries"] == 2
        Run("cache", "status", FAULT_TIME=str(end)).answers()
        os.utime(folder / "notes.txt", (1, 1))  # a change is still noticed
        second = seconds_of(Run(*words, FAULT_TIME=str(end)))
        assert second[0] == first[0] and second[1] != first[1], (first, second)


@case
def clocks_that_jump_during_a_run():
    words = ["discover", "--source", zoo(), "--format", "json"]
    fresh(CACHE)
    expected = verdicts(Run(*words))
    fresh(CACHE)
    assert verdicts(Run(*words, FAULT_JUMP=str(YEARS))) == expected
    run = Run("--max-time", "30", "sweep", "alexnet", "--batch", "1,2,3", FAULT_JUMP=str(YEARS))
    assert run.answers().out.count(b"\n") == 4


@case
def files_of_other_times():
    folder = zoo()
    words = ["discover", "--source", folder, "--format", "json"]
    fresh(CACHE)
    for moment in (-86400, 0, 2**31, 2**33):
        os.utime(folder / "net.onnx", (moment, moment))
        first = seconds_of(Run(*words))
        assert seconds_of(Run(*words)) == first, moment
    CONFIG.mkdir(exist_ok=True)
    (CONFIG / "registry.toml").write_text(f'[models.mine]\nfile = "{folder}/net.onnx"\n')
    run = Run("list", "--sources", "--format", "json")
    ages = [each["age_seconds"] for each in json.loads(run.answers().out)["sources"]]
    assert any(age is not None for age in ages) and all(age is None or age >= 0 for age in ages), ages
    assert re.search(rb"\b0 s +mine\b", Run("list", "--sources").answers().out)
    fresh(CONFIG, CACHE)


# -- memory --------------------------------------------------------------------------------------

@case
def memory_that_runs_out():
    whole_walk = os.environ.get("FAULT_STEP")
    some = HERE / "some"
    some.mkdir(exist_ok=True)
    shutil.copy(ONNX, some / "net.onnx")
    file = HERE / "memory.out"
    CONFIG.mkdir(exist_ok=True)
    (CONFIG / "registry.toml").write_text('curated = ["resnet18"]\n[models.mine]\nfile = "net.onnx"\n')
    for words, step in ((["profile", "resnet50", "-o", file], 23),
                        (["profile", "resnet18", "--format", "json", "--memory", "-o", file], 23),
                        (["profile", ONNX, "-o", file], 31), (["profile", PT2, "-o", file], 61),
                        (["list", "--where", "macs < 4G", "-o", file], 47),
                        (["graph", "alexnet", "--format", "onnx", "-o", file], 29),
                        (["report", "alexnet", "-o", file], 37), (["diff", "resnet18", "resnet34", "-o", file], 97),
                        (["sweep", "alexnet", "--jobs", "2", "-o", file], 13),
                        (["discover", "--source", some, "--generate-code", "toml"], 41)):
        Run(*words).answers()
        whole = file.read_bytes() if file in words else Run(*words).out
        step = int(whole_walk or step)
        count = answered = 0
        for until in ("", "-"):
            for run in walk("malloc", "ENOMEM", *words, step=step, until=until):
                count += 1
                if run.status == 0:
                    answered += 1
                    got = file.read_bytes() if file in words else run.out
                    assert got == whole, "another answer: " + run.describe()
                else:
                    run.refuses()
                    # The streams that read TOML's numbers hide the reason.
                    assert re.search("out of memory|no memory|could not be interpreted", run.err), run.describe()
                    assert file not in words or file.read_bytes() == whole, run.what
                left = set(beside(file)) - {"memory.out", "memory.out.part"}
                assert not left, (run.what, left)
        print(f"{count} allocations failed, {answered} answered correctly: {' '.join(map(str, words[:2]))}")
        fresh(CACHE)
    fresh(CONFIG)


# -- the documentation ----------------------------------------------------------------------------

@case
def the_list_of_the_documentation():
    page = (DATA.parent.parent / "docs/reliability.md").read_text()
    rows = re.findall(r"^\| .* \| `(.*zoometer .*)` \| (\d+) \|$", page, re.M)
    assert len(rows) > 20, "the list has another form"
    folder = HERE / "documented"
    (folder / "models").mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin/zoometer").symlink_to(ZOOMETER)
    environment = {**os.environ, "PATH": f"{folder}/bin:" + os.environ["PATH"], "LD_PRELOAD": INJECT,
                   "XDG_CACHE_HOME": str(folder / "cache"), "FAULT_LOG": str(LOG)}

    def status_of(command):
        LOG.unlink(missing_ok=True)
        ended = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, capture_output=True, timeout=60)
        return ended.returncode if ended.returncode >= 0 else 128 - ended.returncode

    for command in re.findall(r"^    (zoometer .*)", page[page.index("### Faults injected"):page.index("| fault |")], re.M):
        assert status_of(command) == 0, command
    output = folder / "out.json"
    for command, status in rows:
        before = output.read_bytes()
        got = status_of(command)
        assert got == int(status), f"status {got}: {command}"
        assert "FAULT=" not in command or LOG.exists(), "no fault occurred: " + command
        assert got == 0 or output.read_bytes() == before, "another output: " + command
    fresh(folder)


failed = 0
chosen = [each for each in cases if re.search(os.environ.get("FAULT_CASES", ""), each.__name__)]
for each in chosen:
    try:
        each()
    except (AssertionError, subprocess.TimeoutExpired, OSError, ValueError, KeyError, IndexError) as problem:
        failed += 1
        print(f"FAILED: {each.__name__}: {type(problem).__name__} {problem}")
print(f"CASES {len(chosen) - failed} passed {failed} failed")
sys.exit(failed != 0)
