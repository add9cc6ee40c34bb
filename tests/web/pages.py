"""Shared by the tests of pages: the folder with the pages and their documents, and the run."""

import json
import os
import sys
import traceback

from browser import Browser

FOLDER = sys.argv[1]
CASES = []


def case(function):
    CASES.append(function)
    return function


def page(name):
    return os.path.join(FOLDER, name + ".html")


def read_document(name):
    with open(os.path.join(FOLDER, name + ".json"), encoding="utf-8") as file:
        return json.load(file)


def same(got, expected, what=""):
    assert got == expected, f"{what}: {got!r} is not {expected!r}"


def click_text(browser, selector, text):
    browser.js(
        "[...document.querySelectorAll(arguments[0])].find((e) => e.textContent === arguments[1]).click()",
        selector,
        text,
    )
    browser.settle()


def run():
    """Runs every case in one browser; a message or a network request of a page fails its case."""
    passed = failed = 0
    with Browser() as browser:
        browser.emulate()
        for function in CASES:
            try:
                function(browser)
                same(browser.complaints(), [], "console")
                outside = [url for url in browser.requests() if not url.startswith("file://" + FOLDER)]
                same(outside, [], "requests")
                passed += 1
            except Exception:
                failed += 1
                print(f"FAILED: {function.__name__}")
                traceback.print_exc()
    print(f"CASES {passed} passed {failed} failed")
    sys.exit(failed > 0)
