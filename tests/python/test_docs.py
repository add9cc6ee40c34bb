"""The sessions of docs/python.md print what the page shows."""

import doctest
import re
import unittest

import zoometer

from support import SOURCE


class Docs(unittest.TestCase):
    def test_sessions(self):
        page = (SOURCE / "docs/python.md").read_text()
        sessions = re.findall(r"```pycon\n(.*?)```", page, re.DOTALL)
        self.assertTrue(sessions)
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
        for session in sessions:
            test = doctest.DocTestParser().get_doctest(session, {"zoometer": zoometer}, "python.md",
                                                       "docs/python.md", 0)
            runner.run(test)
        self.assertEqual(runner.summarize().failed, 0)

    def test_every_error_is_exported(self):
        from zoometer import _errors
        self.assertEqual(set(_errors.__all__) - set(zoometer.__all__), set())


if __name__ == "__main__":
    unittest.main()
