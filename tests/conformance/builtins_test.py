#!/usr/bin/env python3
"""Every built-in library passes `aesweep plugin check` and is reproducible, and the JSON says so in
its documented form; a library whose file was changed fails the case manifest. Only the standard
library is used.

    builtins_test.py AESWEEP PLUGIN_FOLDER
"""

import concurrent.futures
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

KEYS = {"library", "id", "sha256", "cases", "reproducible", "impure"}
CASE_KEYS = {"name", "kind", "component", "scalar", "verdict", "text", "seconds"}
VERDICTS = {"ok", "skip", "warn", "fail"}


def check(program, library):
    """The exit status and the parsed report."""
    done = subprocess.run([program, "plugin", "check", str(library), "--json", "--seconds", "30"],
                          capture_output=True, text=True, timeout=110, check=False)
    if done.stderr:
        raise AssertionError(f"{library}: {done.stderr}")
    return done.returncode, json.loads(done.stdout)


def faults_of_form(report):
    if set(report) != KEYS:
        yield f"has the keys {sorted(report)}"
    for case in report["cases"]:
        if set(case) != CASE_KEYS or case["verdict"] not in VERDICTS or not case["text"]:
            yield f"has the malformed case {case}"


def faults_of_builtin(program, library):
    status, report = check(program, library)
    yield from faults_of_form(report)
    for case in report["cases"]:
        if case["verdict"] == "fail":
            yield f"{case['name']}: {case['component']}: {case['text']}"
    if status != 0:
        yield f"ends with status {status}"
    if report["reproducible"] is not True:
        yield f"is not reproducible: {report['impure']}"
    if len(report["sha256"]) != 64 or len(report["cases"]) < 20:
        yield "has an incomplete report"


def faults_of_changed(program, library, folder):
    copy = pathlib.Path(folder, library.name)
    shutil.copy(library, copy)
    shutil.copy(library.with_suffix(".plugin.yaml"), folder)
    with copy.open("ab") as file:
        file.write(b"x")
    status, report = check(program, copy)
    yield from faults_of_form(report)
    failed = [case["name"] for case in report["cases"] if case["verdict"] == "fail"]
    if status != 1 or failed != ["manifest"] or report["reproducible"] is not None:
        yield f"changed: status {status}, failed {failed}, reproducible {report['reproducible']}"
    if "SHA-256" not in report["cases"][0]["text"]:
        yield f"changed: {report['cases'][0]['text']}"


def main():
    program, folder = sys.argv[1:]
    libraries = sorted(pathlib.Path(folder).glob("*.so"))
    if len(libraries) < 10:
        print(f"{folder}: {len(libraries)} libraries, expected all built-in ones")
        return 1
    faults = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        jobs = {pool.submit(lambda l: list(faults_of_builtin(program, l)), library): library
                for library in libraries}
        for job, library in jobs.items():
            faults += [f"{library.name}: {fault}" for fault in job.result()]
    with tempfile.TemporaryDirectory() as temporary:
        faults += faults_of_changed(program, libraries[0], temporary)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
