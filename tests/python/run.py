"""Runs the tests of this folder with the zoometer that this Python imports.

The last line is "CASES n passed m failed", as tests/run_test reads it. Words on the command line are
names of files to run; none: all of them.
"""

import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent


class Counted(unittest.TextTestResult):
    """Counts cases, and each failing subtest of a case."""

    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def main(names):
    # Not the folder of the sources: what is installed is tested.
    sys.path[:] = [path for path in sys.path if path not in ("", str(HERE.parent.parent / "python"))]
    sys.path.insert(0, str(HERE))
    files = names or sorted(path.stem for path in HERE.glob("test_*.py"))
    suite = unittest.TestSuite()
    for name in files:
        try:
            suite.addTests(unittest.defaultTestLoader.loadTestsFromName(name))
        except unittest.SkipTest as reason:
            print(f"{name} is left out: {reason}")
    result = unittest.TextTestRunner(resultclass=Counted, verbosity=1, stream=sys.stdout).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"CASES {result.passed} passed {failed} failed")
    return int(failed > 0 or result.passed == 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
