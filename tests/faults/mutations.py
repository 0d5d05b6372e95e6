"""mutations: shows that the tool finds what it is there to find.

Each case builds the program with one deed of its own undone (cmake -DAESWEEP_FAULT_MUTATION) and
runs the set that has to notice it: fsync (durable_write and the journal don't sync) by power-loss,
rename (a plain write in place of temporary file and rename) by kill-points, tail (a torn tail is
not cut before the journal is appended to) by journal-cuts.
"""

import json
import os
import pathlib
import subprocess
import sys

from context import check

NAME = "mutations"
SETS = {"fsync": ["power-loss", "--extent", "quick"],
        "rename": ["kill-points", "--only", "shim/rank0/short/write", "--limit", "20"],
        "tail": ["journal-cuts", "--extent", "quick"]}


def cases(context):
    return [] if context.extent == "quick" else list(SETS)


def run(context, case):
    build = context.source / "build" / f"mutation-{case}"
    with context.lock:
        for command in (["cmake", "--preset", "release", "-B", build,
                         f"-DAESWEEP_FAULT_MUTATION={case}"],
                        ["cmake", "--build", build, "--target", "aesweep_for_faults"]):
            done = subprocess.run([str(word) for word in command], check=False, text=True,
                                  cwd=context.source, capture_output=True)
            check(done.returncode == 0, f"{command}: {(done.stdout + done.stderr)[-2000:]}")
    figures = context.folder() / "figures.json"
    tool = pathlib.Path(__file__).with_name("faults.py")
    done = subprocess.run([sys.executable, str(tool), *SETS[case], "--program",
                           build / "bin/aesweep", "--seed", str(context.seed), "--json", figures,
                           "--jobs", str(context.jobs)],
                          check=False, text=True, capture_output=True, env=os.environ)
    check(figures.exists(), f"the tool itself failed: {(done.stdout + done.stderr)[-2000:]}")
    failures = json.loads(figures.read_text())["failures"]
    check(done.returncode == 1 and failures,
          f"{SETS[case][0]} did not notice a build with -DAESWEEP_FAULT_MUTATION={case}")
    context.count(NAME, f"{case}: failures of {SETS[case][0]}", len(failures))
