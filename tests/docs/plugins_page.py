#!/usr/bin/env python3
"""Proves that docs/plugins.md is true by doing what it says, in order, in a folder of its own.

    plugins_page.py PAGE PROGRAM   exit status 1 and PAGE:line if something is not as written

Every fenced block must be one of these, else the page fails:
    ```sh                            run by sh -e, with PROGRAM's folder first on the PATH
    <!-- write FILE --> before it    written to FILE
    <!-- part of FILE --> before it  found word for word in FILE, which earlier commands have made

What the commands do, they look at themselves; besides, every build folder must hold exactly
one library with its manifest. Standard library only.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

COMMAND_SECONDS = 240


class Fault(Exception):
    pass


def blocks(text):
    """(line, language, directive or None, content) of each fenced block."""
    found = []
    lines = text.splitlines(keepends=True)
    directive, opened = None, None
    for number, line in enumerate(lines, 1):
        if opened is not None:
            if line.startswith("```"):
                start, language = opened
                found.append((start, language, directive, "".join(lines[start:number - 1])))
                directive, opened = None, None
            continue
        if line.startswith("```"):
            opened = (number, line[3:].strip())
        elif match := re.fullmatch(r"<!-- (.*) -->\n", line):
            directive = match.group(1)
        elif line.strip():
            directive = None
    if opened is not None:
        raise Fault(f"{opened[0]}: a block without an end")
    return found


def run(commands, folder, environment):
    try:
        done = subprocess.run(["sh", "-e", "-c", commands], cwd=folder, env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              timeout=COMMAND_SECONDS)
    except subprocess.TimeoutExpired:
        raise Fault(f"the commands took more than {COMMAND_SECONDS} s") from None
    print(done.stdout, end="")
    if done.returncode != 0:
        raise Fault(f"the commands ended with status {done.returncode}:\n{done.stdout}")


def do_block(language, directive, content, folder, environment):
    if language == "sh" and directive is None:
        run(content, folder, environment)
        return
    match = re.fullmatch(r"(write|part of) ([a-z0-9_./A-Z]+)", directive or "")
    if match is None:
        raise Fault(f"nothing says how the block ({language or 'no language'}) is tested")
    path = folder / match.group(2)
    if match.group(1) == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    elif content not in path.read_text(encoding="utf-8"):
        raise Fault(f"{match.group(2)} does not hold these lines")


def check_builds(folder):
    builds = sorted(path.parent for path in folder.glob("*/*/CMakeCache.txt"))
    if not builds:
        raise Fault("0: the page builds nothing")
    for build in builds:
        libraries = sorted(build.rglob("*.so"))
        if len(libraries) != 1 or not libraries[0].with_suffix(".plugin.yaml").is_file():
            raise Fault(f"0: {build} holds {libraries}, expected one library with its manifest")


def main():
    if len(sys.argv) != 3:
        print(__doc__)
        return 2
    page, program = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve()
    environment = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    with tempfile.TemporaryDirectory(prefix="aesweep-test-") as name:
        folder = pathlib.Path(name)
        try:
            for line, language, directive, content in blocks(page.read_text(encoding="utf-8")):
                try:
                    do_block(language, directive, content, folder, environment)
                except (Fault, OSError) as fault:
                    raise Fault(f"{line}: {fault}") from None
            check_builds(folder)
        except Fault as fault:
            print(f"{page}:{fault}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
