"""Runs the console blocks of Markdown pages and compares what is printed with what the page shows.

Commands that a page only mentions, in lines indented by four, are not run: such a command must exist and
have the options that the line gives it.

In a ```console block, a line that begins with "$ " is a command of the shell; the lines below it are
its output (both streams). A line "..." matches any lines. Commands of a page run one after the other
in one folder, with `zoometer` and `./zoometer` being the binary under test ($ZOOMETER).

With --update the pages are rewritten with what is printed; outputs with "..." that no longer fit are
left to be edited by hand.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile


def console_blocks(text):
    return re.findall(r"^```console\n(.*?)^```", text, re.M | re.S)


def commands_of(block):
    """(command, expected lines) pairs of a block."""
    pairs = []
    for line in block.splitlines():
        if line.startswith("$ "):
            pairs.append((line[2:], []))
        elif pairs and line.startswith("> ") and not pairs[-1][1] and pairs[-1][0].endswith("\\"):
            pairs[-1] = (pairs[-1][0][:-1] + line[2:], [])
        elif pairs:
            pairs[-1][1].append(line)
    return pairs


def mentioned_options(text):
    """(command, option) pairs of the indented lines; the option is "" for the command itself."""
    pairs = set()
    for line in re.findall(r"^    (?:\./)?zoometer (.*)", text, re.M):
        line = re.split(r" {2,}| *#| \| ", line)[0]
        words = line.split()
        command = [word for word in words[:2] if re.fullmatch("[a-z]+", word)]
        if command[:1] != ["registry"] and command[:1] != ["cache"] and command[:2] != ["sweep", "merge"]:
            command = command[:1]
        pairs |= {(" ".join(command), option) for option in ["", *re.findall(r"(?<=[ \[])--?[a-z][a-z-]*", line)]}
    return sorted(pairs)


def check_mentioned(page, environment):
    passed = failed = 0
    for command, option in mentioned_options(page.read_text()):
        done = subprocess.run(["zoometer", *command.split(), "--help"], env=environment, capture_output=True, text=True)
        if done.returncode == 0 and re.search(rf"(^|[ ,\[]){re.escape(option)}\b" if option else "", done.stdout, re.M):
            passed += 1
            continue
        failed += 1
        print(f"FAILED: {page.name}: zoometer {command} {option}: no such command or option")
    return passed, failed


def fits(expected, actual):
    """Whether the lines agree, "..." standing for any lines."""
    if not expected:
        return not actual
    if expected[0] == "...":
        return any(fits(expected[1:], actual[skip:]) for skip in range(len(actual) + 1))
    return bool(actual) and expected[0].rstrip() == actual[0].rstrip() and fits(expected[1:], actual[1:])


def run_page(page, folder, environment, update):
    passed = failed = 0
    text = page.read_text()
    for block in console_blocks(text):
        rewritten = block
        for command, expected in commands_of(block):
            done = subprocess.run(
                ["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600,
            )
            if fits(expected, done.stdout.splitlines()):
                passed += 1
                continue
            if update and "..." not in expected:
                before = "".join(line + "\n" for line in [f"$ {command}", *expected])
                rewritten = rewritten.replace(before, f"$ {command}\n{done.stdout}")
                continue
            failed += 1
            print(f"FAILED: {page.name}: $ {command}\n--- shown\n" + "\n".join(expected) + f"\n--- printed\n{done.stdout}")
        text = text.replace(block, rewritten)
    if update:
        page.write_text(text)
    return passed, failed


def main():
    sys.setrecursionlimit(100000)
    tools = pathlib.Path(tempfile.mkdtemp())
    (tools / "zoometer").symlink_to(os.environ["ZOOMETER"])
    passed = failed = 0
    update = "--update" in sys.argv
    for page in map(pathlib.Path, [word for word in sys.argv[1:] if word != "--update"]):
        with tempfile.TemporaryDirectory() as folder:
            (pathlib.Path(folder) / "zoometer").symlink_to(os.environ["ZOOMETER"])
            environment = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "NO_COLOR": "1"}
            for name in ("CONFIG", "CACHE", "DATA"):
                environment[f"XDG_{name}_HOME"] = f"{folder}/.{name.lower()}"
            results = [run_page(page, folder, environment, update), check_mentioned(page, environment)]
        passed += sum(result[0] for result in results)
        failed += sum(result[1] for result in results)
    print(f"CASES {passed} passed {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
