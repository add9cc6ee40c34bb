"""What an answer depends on: everything that building and running a model reads.

A caller keeps an answer as long as each file and each environment variable is as it was.
A part of the bridge; standard library only.
"""

import importlib.util
import os
import posix
import sys
import sysconfig

ABSENT, FOLDER = "absent", "folder"
IMPORT_SYSTEM = "<frozen importlib._bootstrap_external>"
# What no stamp covers, where a model's own code does it; a library's own use is its own matter.
UNSEEN = {"subprocess.Popen": "it starts a program", "os.system": "it starts a program",
          "os.posix_spawn": "it starts a program", "os.exec": "it starts a program",
          "os.fork": "it starts a process", "socket.connect": "it uses the network"}


def stamp_of(path):
    """A text that changes when a file does, as the native program writes it (file_stamp.cpp)."""
    try:
        status = posix.stat(path)
    except (OSError, ValueError):
        return ABSENT
    mtime, ctime = status.st_mtime_ns, status.st_ctime_ns
    return "%d.%d.%d.%d.%d.%d.%d" % (status.st_dev, status.st_ino, status.st_size, mtime // 10**9,
                                     mtime % 10**9, ctime // 10**9, ctime % 10**9)


def existence_of(path):
    """As `stamp_of`, but of a folder only that it is one: its content was not asked for."""
    return FOLDER if os.path.isdir(path) else stamp_of(path)


def digest_of(value):
    """FNV-1a of 64 bits of a variable's value, which may be a secret; ABSENT for none."""
    if value is None:
        return ABSENT
    number = 0xcbf29ce484222325
    for byte in os.fsencode(value):
        number = ((number ^ byte) * 0x100000001b3) & 0xffffffffffffffff
    return "%016x" % number


def is_installed(path):
    """Whether a package installer put the file there."""
    return "/site-packages/" in path or "/dist-packages/" in path


class Reads:
    """Records what is read from `begin` on.

    A stamp is taken before a file is read, so that one that changes meanwhile counts as changed.
    """

    def __init__(self, without=()):
        """`without`: folders that the versions in the key of an answer cover, as torch's own."""
        paths = sysconfig.get_paths()
        self.standard = tuple({os.path.realpath(paths[name]) + os.sep
                               for name in ("stdlib", "platstdlib")})
        self.without = tuple(os.path.realpath(path) + os.sep for path in without)
        self.files = {}
        self.variables = {}
        self.unseen = None
        self.report = None  # called when a file was read
        self.new_files = []
        self.new_variables = []
        self.is_busy = False
        self.is_on = False

    # -- which files ----------------------------------------------------------------------

    def is_library(self, path):
        """Whether code of that file is the standard library's or an installed package's."""
        return path.startswith("<frozen") or is_installed(path) or self.is_standard(path)

    def is_standard(self, path):
        return path.startswith(self.standard) and not is_installed(path)

    def is_covered(self, path):
        """Whether the versions of Python and torch identify a file."""
        return path.startswith(("/proc/", "/sys/", "/dev/") + self.without) or self.is_standard(path)

    def add(self, path, stamp=stamp_of):
        if isinstance(path, int) or path is None:
            return
        try:
            path = os.path.abspath(os.fsdecode(path))
        except (TypeError, ValueError, OSError):
            return
        known = self.files.get(path)
        if known is not None and (known != FOLDER or stamp is existence_of) or self.is_covered(path):
            return
        self.files[path] = stamp(path)
        self.new_files += [path, self.files[path]]
        if self.report is not None:
            self.report()

    def add_code(self, path):
        """A module's file; for a compiled one, its source."""
        path = os.fsdecode(path)
        if path.endswith(".pyc"):
            try:
                source = importlib.util.source_from_cache(path)
            except (NotImplementedError, ValueError):
                source = None
            path = source if source and stamp_of(source) != ABSENT else path
        self.add(path)

    def add_places(self, name):
        """Where a module could be found first: in the user's own folders of sys.path."""
        for folder in sys.path:
            if not isinstance(folder, str) or folder.endswith((".zip", ".egg")):
                continue
            place = os.path.join(folder or os.getcwd(), name)
            if not is_installed(place) and not place.startswith(self.standard):
                self.add(place + ".py")
                self.add(place, existence_of)

    # -- the hooks ------------------------------------------------------------------------

    def begin(self):
        """From now on; there is no end, since an audit hook cannot be removed."""
        sys.addaudithook(self.hook)
        self.is_on = True
        self.watch_status()
        self.watch_environment()

    def hook(self, event, arguments):
        if self.is_busy or not self.is_on or event not in EVENTS:
            return
        self.is_busy = True
        try:
            EVENTS[event](self, event, arguments)
        finally:
            self.is_busy = False

    def on_open(self, _, arguments):
        path, mode, flags = arguments
        if isinstance(path, int):
            return
        if isinstance(flags, int) and flags & os.O_ACCMODE == os.O_WRONLY:
            return
        if caller_of(self) == IMPORT_SYSTEM or str(path).endswith(".pyc"):
            self.add_code(path)
        else:
            self.add(path)

    def on_import(self, _, arguments):
        name, path = arguments[:2]
        if path:
            self.add_code(path)
        elif "." not in name:
            self.add_places(name)

    def on_folder(self, _, arguments):
        if caller_of(self) != IMPORT_SYSTEM:
            self.add("." if arguments[0] is None else arguments[0])

    def on_file(self, _, arguments):
        if arguments and isinstance(arguments[0], (str, bytes)) and os.sep in os.fsdecode(arguments[0]):
            self.add(arguments[0])

    def on_unseen(self, event, _):
        if event == "socket.connect" or not self.is_library(user_of(self)):
            self.unseen = self.unseen or UNSEEN[event]

    def watch_status(self):
        """os.stat and its like have no audit event, and a file that is absent matters, too."""
        for name in ("stat", "lstat", "access"):
            original, watched = getattr(os, name), self.watched(getattr(posix, name))
            setattr(os, name, watched)
            for abilities in (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks,
                              os.supports_effective_ids):
                if original in abilities:
                    abilities.add(watched)

    def watched(self, function):
        def call(path, *arguments, **named):
            if not self.is_busy and not isinstance(path, int):
                self.is_busy = True
                try:
                    self.add(path, existence_of)
                finally:
                    self.is_busy = False
            return function(path, *arguments, **named)
        call.__name__, call.__doc__ = function.__name__, function.__doc__
        return call

    def watch_environment(self):
        reads = self

        class Environment(type(os.environ)):
            """os.environ, which records what is asked for."""

            def __getitem__(self, key):
                reads.add_variable(key, self._data)
                return super().__getitem__(key)

            def __contains__(self, key):
                reads.add_variable(key, self._data)
                return super().__contains__(key)

            def __iter__(self):
                if not reads.is_library(user_of(reads)):
                    reads.unseen = reads.unseen or "it reads all environment variables"
                return super().__iter__()

        os.environ.__class__ = Environment

    def add_variable(self, key, data):
        if not isinstance(key, str) or key in self.variables:
            return
        self.variables[key] = digest_of(data.get(os.fsencode(key)))
        self.new_variables += [key, self.variables[key]]

    # -- the answer -----------------------------------------------------------------------

    def news(self):
        """What was read since the last call: [path, stamp, ...] and [name, digest, ...]; `unseen`
        says what no stamp covers."""
        news = {"files": self.new_files, "variables": self.new_variables, "unseen": self.unseen}
        self.new_files, self.new_variables, self.unseen = [], [], None
        return news


EVENTS = {"open": Reads.on_open, "import": Reads.on_import, "os.listdir": Reads.on_folder,
          "os.scandir": Reads.on_folder, "ctypes.dlopen": Reads.on_file,
          "sqlite3.connect": Reads.on_file}
EVENTS.update({event: Reads.on_unseen for event in UNSEEN})


def frames():
    """The files of the code that runs, innermost first, without this one's."""
    frame = sys._getframe(1)
    here = frame.f_code.co_filename
    while frame is not None:
        if frame.f_code.co_filename != here:
            yield frame.f_code.co_filename
        frame = frame.f_back


def caller_of(_):
    return next(frames(), "")


def user_of(reads):
    """The file of the innermost code that is not the standard library's."""
    return next((path for path in frames()
                 if not path.startswith("<frozen") and not reads.is_standard(path)), "")
