#!/usr/bin/env python3
"""The style rules of this project that a program can check. Standard library only.

    tidy.py ROOT         prints every violation as path:line: what is wrong; exit status 1 if any
    tidy.py --self-test  proves that every rule fires on a bad sample and is silent on a good one

A rule is a function of a Tree that yields (path, line, message). RULES lists them; each entry of
SAMPLES is a small tree that breaks one of them. Text inside comments and strings is no code.
"""

import os
import pathlib
import re
import sys
import tempfile

LINE_MAX = 100
FUNCTION_MAX = 70
SKIPPED_FOLDERS = {"build", "runs", "__pycache__"}
TAKEN_OVER = ("tests/faults/slurm/",)  # Has a style of its own.
CODE = {".cpp", ".hpp", ".c", ".h"}
HEADERS = {".hpp", ".h"}
TEXT = CODE | {".py", ".cmake", ".sh"}

# What each part of the tree may include of this project, by the longest prefix that fits.
MAY_INCLUDE = {
    "core/abi/": ("core/abi/",),
    "core/sdk/": ("core/abi/", "core/sdk/"),
    "core/base/": ("core/base/",),
    "core/math/": ("core/base/", "core/math/"),
    "core/data/": ("core/base/", "core/data/", "core/sdk/philox.hpp"),
    "core/model/": ("core/abi/", "core/sdk/", "core/base/", "core/math/", "core/model/"),
    "core/conformance/": ("core/abi/", "core/sdk/philox.hpp", "core/base/", "core/model/",
                          "core/conformance/"),
    "core/codes/": ("core/base/", "core/codes/", "core/model/spec.hpp", "core/sdk/philox.hpp"),
    "core/train/": ("core/",),
    "core/": ("core/",),
    "plugins/": ("core/abi/", "core/sdk/", "plugins/"),
    "runner/hdf5_reader/": ("core/base/", "core/data/", "runner/hdf5_reader/"),
    "runner/": ("core/", "runner/"),
    "benchmarks/": ("core/", "runner/", "benchmarks/", "tests/support/"),
    "tests/": ("",),
}

OUR_FOLDERS = ("core/", "plugins/", "runner/", "benchmarks/", "tests/")

# Which folders may include a library's headers.
LIBRARY_HOMES = {
    "mpi.h": ("runner/comm/", "tests/comm/", "tests/sweep/"),
    "hdf5.h": ("runner/store/", "runner/hdf5_reader/", "tests/"),
    "hdf5_hl.h": ("runner/store/", "tests/"),
    "yaml-cpp/": ("runner/config/",),
    "dlfcn.h": ("runner/plugin_host/", "tests/"),
    "cblas.h": ("core/math/", "benchmarks/"),
    "zlib.h": ("core/data/", "tests/data/", "tests/fuzz/"),
    "png.h": ("runner/render/", "tests/render/"),
    "openssl/": ("core/base/",),
    "CLI/": ("runner/app/",),
    "nlohmann/": ("runner/journal/", "runner/app/", "tests/app/"),
}


class Tree:
    """The files under a root, each read once."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.files = {}
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS and not f.startswith(".")]
            for name in names:
                path = pathlib.Path(folder, name)
                relative = path.relative_to(self.root).as_posix()
                if relative.startswith(TAKEN_OVER):
                    continue
                if path.suffix in TEXT or name in ("CMakeLists.txt", "README.md"):
                    self.files[relative] = path.read_text(encoding="utf-8", errors="replace")

    def with_suffix(self, suffixes):
        for path in sorted(self.files):
            if pathlib.PurePosixPath(path).suffix in suffixes:
                yield path, self.files[path]


# Comments, strings and characters of C and C++. A quote after a digit or letter separates digits.
TOKENS = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^()\\ ]{0,16})\(.*?\)\1"|"(?:[^"\\\n]|\\.)*"'
    r"|(?<![0-9A-Za-z_])'(?:[^'\\\n]|\\.)+'",
    re.DOTALL)


def without_comments_and_strings(text):
    """The text with the same lines, comments gone and strings empty."""

    def blank(match):
        token = match.group(0)
        return ("" if token.startswith("/") else '""') + "\n" * token.count("\n")

    return TOKENS.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def long_lines(tree):
    for path, text in tree.files.items():
        if path.endswith(".md"):
            continue  # A table's row is one line.
        for number, line in enumerate(text.splitlines(), 1):
            if len(line) > LINE_MAX:
                yield path, number, f"{len(line)} columns; at most {LINE_MAX}"


def tabs(tree):
    for path, text in tree.files.items():
        for number, line in enumerate(text.splitlines(), 1):
            if "\t" in line:
                yield path, number, "a tab; indent with two spaces"


def opens_function(head):
    """Whether a brace after `head`, the code since the last ; { or }, opens a function's body."""
    head = head.strip()
    if ")" not in head or re.search(r"=\s*$", head):
        return False
    # A type's own head may hold parentheses (alignas) but does not end with a parameter list.
    if re.match(r"(template\s*<.*>\s*)?(class|struct|union|enum|namespace)\b", head, re.DOTALL):
        return False
    return not re.match(r"(else\b|do\b|try\b|(if|for|while|switch|catch)\b)", head)


def long_functions(tree):
    for path, text in tree.with_suffix(CODE):
        code = without_comments_and_strings(text)
        code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: "\n" * m.group(0).count("\n"),
                      code, flags=re.MULTILINE)
        depth, start, outer, head = 0, 0, None, 0
        for match in re.finditer(r"[;{}]", code):
            if match.group(0) == "{":
                text_before = code[head:match.start()]
                if outer is None and opens_function(text_before):
                    outer = depth
                    start = head + len(text_before) - len(text_before.lstrip())
                depth += 1
            elif match.group(0) == "}":
                depth -= 1
                if outer == depth:
                    lines = code.count("\n", start, match.start()) + 1
                    if lines > FUNCTION_MAX:
                        yield path, line_of(code, start), (
                            f"a function of {lines} lines; at most {FUNCTION_MAX}")
                    outer = None
            head = match.end()


def includes(text):
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if match:
            yield number, match.group(1) == '"', match.group(2)


def layering(tree):
    for path, text in tree.with_suffix(CODE):
        prefix = max((p for p in MAY_INCLUDE if path.startswith(p)), key=len, default=None)
        if prefix is None:
            yield path, 1, "outside of the folders that tidy.py knows; add it to MAY_INCLUDE"
            continue
        for number, quoted, name in includes(text):
            if quoted and "/" not in name:
                yield path, number, f"{name} is not a path from the root of the tree"
            if not name.startswith(OUR_FOLDERS):
                continue
            if not name.startswith(MAY_INCLUDE[prefix]):
                yield path, number, f"{prefix} may not include {name}"
            elif prefix == "plugins/" and name.startswith(prefix):
                if pathlib.PurePosixPath(name).parent != pathlib.PurePosixPath(path).parent:
                    yield path, number, f"a plugin may not include another's {name}"


def library_homes(tree):
    for path, text in tree.with_suffix(CODE):
        for number, _, name in includes(text):
            for library, homes in LIBRARY_HOMES.items():
                fits = name.startswith(library) if library.endswith("/") else name == library
                if fits and not path.startswith(homes):
                    yield path, number, f"{name} belongs in {' or '.join(homes)}"


def namespaces_in_headers(tree):
    for path, text in tree.with_suffix(HEADERS):
        code = without_comments_and_strings(text)
        for match in re.finditer(r"\busing\s+namespace\b", code):
            yield path, line_of(code, match.start()), "using namespace in a header"


def first_lines(tree):
    for path, text in tree.with_suffix(HEADERS):
        if not re.match(r"(//|/\*) ?\S", text):
            yield path, 1, "line one of a header says what the thing is"
    for path, text in tree.with_suffix({".cpp"}):
        if path.endswith("_test.cpp") and not re.match(r"// \S", text):
            yield path, 1, "line one of a test says what it proves and how"


def readmes(tree):
    folders = {str(pathlib.PurePosixPath(path).parent) for path, _ in tree.with_suffix(TEXT)}
    for folder in sorted(folders - {"."}):
        if f"{folder}/README.md" not in tree.files:
            yield folder, 1, "a folder with sources has no README.md"


def unregistered_tests(tree):
    for path, _ in tree.with_suffix({".cpp"}):
        pure = pathlib.PurePosixPath(path)
        if not pure.name.endswith("_test.cpp"):
            continue
        registry = tree.files.get(f"{pure.parent}/CMakeLists.txt", "")
        registry = re.sub(r"#[^\n]*", "", registry)
        stem = re.escape(pure.name[: -len("_test.cpp")])
        # Named in full, or as an entry of a loop that appends _test.cpp.
        looped = re.search(rf"\b{stem}\b", registry) and re.search(r"\}_test\.cpp", registry)
        if not re.search(rf"(?<![\w.]){stem}_test\.cpp", registry) and not looped:
            yield path, 1, f"not registered in {pure.parent}/CMakeLists.txt"


RULES = (long_lines, tabs, long_functions, layering, library_homes, namespaces_in_headers,
         first_lines, readmes, unregistered_tests)

# --- Self-test ---------------------------------------------------------------------------------

GOOD = {
    "core/base/README.md": "A README may have a line as long as it likes." + " x" * 60 + "\n",
    "core/base/a.hpp": "// A thing.\n#pragma once\n// Never say using namespace std in a header.\n",
    "core/base/a.cpp": '#include "core/base/a.hpp"\n#include <vector>\nconst char* t = "}{";\n'
                       + "int n = 1'000'000; char c = '{';\n"
                       + "namespace x {\n" + "int v();\n" * 90 + "}\n"
                       + "int f() {\n" + "  v();\n" * (FUNCTION_MAX - 2) + "}\n"
                       + "int table[] = {\n" + "  1,\n" * 90 + "};\n"
                       + "struct S {\n" + "  int f() { return 1; }\n" * 90 + "};\n",
    "cmake/README.md": "x\n",
    "new/README.md": "x\n",
    "runner/comm/README.md": "x\n",
    "runner/comm/a.cpp": '#include <mpi.h>\n#include "core/base/a.hpp"\n',
    "tests/base/README.md": "x\n",
    "tests/base/a_test.cpp": "// Proves a by b.\n",
    "tests/base/CMakeLists.txt": "aesweep_add_test(a_test SOURCES a_test.cpp)\n",
    "plugins/p/README.md": "x\n",
    "plugins/p/q.cpp": '#include "core/sdk/plugin.hpp"\n#include "plugins/p/q.hpp"\n',
    "plugins/p/q.hpp": "/* A plugin. */\n",
    "build/x.cpp": "\t" + "x" * 200 + "\n",
}

LONG_BODY = "  v();\n" * (FUNCTION_MAX - 1) + "}\n"

# (rule, file, text): GOOD with this file is wrong in this one way.
SAMPLES = (
    (long_lines, "core/base/a.cpp", "x" * (LINE_MAX + 1) + "\n"),
    (long_lines, "cmake/a.cmake", "#" * (LINE_MAX + 1) + "\n"),
    (tabs, "core/base/a.cpp", "\tint x;\n"),
    (long_functions, "core/base/a.cpp", "int f() {\n" + LONG_BODY),
    (long_functions, "core/base/a.cpp", "TEST(A, B) {\n" + LONG_BODY),
    (long_functions, "core/base/a.cpp", "namespace x {\nstruct S {\nint f() const {\n" + LONG_BODY
     + "};\n}\n"),
    (long_functions, "core/base/a.cpp", "S::S(int a)\n    : a_(a) {\n" + LONG_BODY[7:]),
    (long_functions, "core/base/a.cpp", "int f() {\n if (a) {\n /* } */ }\n" + LONG_BODY),
    (layering, "core/base/a.cpp", '#include "runner/comm/world.hpp"\n'),
    (layering, "core/base/a.cpp", '#include "core/data/dataset.hpp"\n'),
    (layering, "core/base/a.cpp", '#include "tests/support/x.hpp"\n'),
    (layering, "runner/comm/a.cpp", '#include "plugins/p/q.hpp"\n'),
    (layering, "core/base/a.cpp", '#include "a.hpp"\n'),
    (layering, "new/a.cpp", "int a;\n"),
    (layering, "plugins/p/q.cpp", '#include "core/math/gemm.hpp"\n'),
    (layering, "plugins/p/q.cpp", '#include "plugins/r/s.hpp"\n'),
    (library_homes, "core/base/a.cpp", "#include <mpi.h>\n"),
    (library_homes, "core/base/a.cpp", "#  include <hdf5.h>\n"),
    (library_homes, "core/base/a.cpp", '#include "yaml-cpp/yaml.h"\n'),
    (library_homes, "runner/comm/a.cpp", "#include <dlfcn.h>\n"),
    (namespaces_in_headers, "core/base/a.hpp", "// A.\nusing namespace std;\n"),
    (first_lines, "core/base/a.hpp", "#pragma once\n// A.\n"),
    (first_lines, "tests/base/a_test.cpp", "#include <x>\n"),
    (readmes, "core/math/a.cpp", "int a;\n"),
    (readmes, "scripts/a.sh", "exit 0\n"),
    (unregistered_tests, "tests/base/b_test.cpp", "// Proves.\n"),
    (unregistered_tests, "tests/base/CMakeLists.txt", "# a_test.cpp\n"),
    (unregistered_tests, "tests/base/CMakeLists.txt", "x(SOURCES aa_test.cpp)\n"),
)


def violations(files):
    """The rules that fire on a tree of {path: text}, as {rule: its messages}."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            target = pathlib.Path(root, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        tree = Tree(root)
        fired = {rule: list(rule(tree)) for rule in RULES}
        return {rule: found for rule, found in fired.items() if found}


def self_test():
    failures = [f"{rule.__name__} fires on the good tree: {found}"
                for rule, found in violations(GOOD).items()]
    for number, (rule, path, text) in enumerate(SAMPLES):
        fired = violations({**GOOD, path: text})
        if set(fired) != {rule}:
            failures.append(f"sample {number} ({rule.__name__}) fired "
                            f"{sorted(r.__name__ for r in fired)}")
    untested = set(RULES) - {rule for rule, _, _ in SAMPLES}
    failures += [f"{rule.__name__} has no sample" for rule in untested]
    for failure in failures:
        print(failure)
    return 1 if failures else 0


def main():
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    if sys.argv[1] == "--self-test":
        return self_test()
    tree = Tree(sys.argv[1])
    if "CMakeLists.txt" not in tree.files:
        print(f"{sys.argv[1]}: holds no CMakeLists.txt; expected the root of the source tree")
        return 2
    found = [violation for rule in RULES for violation in rule(tree)]
    for path, line, message in sorted(found):
        print(f"{path}:{line}: {message}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
