"""What all sets share: the options of the call, figures, and failures that say how to see them
again."""

import collections
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile
import threading
import time


class Skip(Exception):
    """A case cannot be run on this machine; says why."""


class Fault(Exception):
    """What an oracle found to be wrong."""


def check(good, message):
    if not good:
        raise Fault(message)


class Context:
    def __init__(self, options):
        self.program = os.path.abspath(options.program)
        self.build = pathlib.Path(self.program).parent.parent
        self.tools = pathlib.Path(options.tools or self.build / "bin/tests")
        self.source = pathlib.Path(__file__).resolve().parent.parent.parent
        self.seed = options.seed
        self.jobs = options.jobs
        self.extent = options.extent
        self.keep = options.keep
        self.only = options.only or ""
        self.log = options.log
        fast = pathlib.Path("/dev/shm")
        base = options.work or (fast if os.access(fast, os.W_OK) else None)
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="faults-", dir=base))
        self.lock = threading.Lock()
        self.figures = collections.defaultdict(collections.Counter)
        self.failures = []
        self.skipped = []
        self.seconds = {}
        self.seen = set()
        self.ending = False  # Told to end: no further case is begun.

    @property
    def shim(self):
        return self.tools / "aesweep_fault_shim.so"

    @property
    def checker(self):
        return self.tools / "check_state"

    def wants(self, start):
        """Whether cases whose names begin so may be among those asked for."""
        return start.startswith(self.only) or self.only.startswith(start)

    def random(self, *words):
        """A generator of its own for each case: replayed alone it draws the same numbers."""
        return random.Random("/".join(str(word) for word in (self.seed, *words)))

    def folder(self):
        return pathlib.Path(tempfile.mkdtemp(dir=self.work))

    def count(self, name, what, by=1):
        with self.lock:
            self.figures[name][what] += by

    def distinct(self, name, what, thing):
        """Counts it unless it was there before; whether it did."""
        known = hash((what, thing))
        with self.lock:
            new = known not in self.seen
            self.seen.add(known)
            self.figures[name][what] += new
        return new

    def keep_file(self, path):
        """A copy that outlives the call, for replaying."""
        path = pathlib.Path(path)
        kept = pathlib.Path(tempfile.gettempdir(), f"faults-{self.work.name}-{path.name}")
        with self.lock:
            if not kept.exists() and path != kept:
                shutil.copy(path, kept)
        return kept if kept.exists() else path

    def fail(self, name, case, message):
        command = f"tests/faults/faults.py {name} --seed {self.seed} --replay '{case}'"
        if self.program != str(self.source / "build/release/bin/aesweep"):
            command += f" --program {self.program}"
        if self.extent == "quick":
            command += " --extent quick"
        with self.lock:
            self.failures.append(
                {"set": name, "seed": self.seed, "point": case, "fault": message,
                 "replay": command})
            self.figures[name]["failed"] += 1
            print(f"FAILED {name}, seed {self.seed}, kill point {case}: {message}\n"
                  f"  replay: {command}", flush=True)

    def skip(self, name, case, why):
        with self.lock:
            self.skipped.append({"set": name, "point": case, "why": why})
            self.figures[name]["skipped"] += 1
            print(f"skipped {name} {case}: {why}", flush=True)

    def report(self, path):
        """The table, and the same as JSON."""
        print("\nset            figure                                     count")
        print("-------------  -----------------------------------------  -------")
        for name, counter in self.figures.items():
            for what, number in sorted(counter.items()):
                print(f"{name:13}  {what:41}  {number:7}")
            if name in self.seconds:
                print(f"{name:13}  {'seconds':41}  {self.seconds[name]:7.0f}")
        if self.ending:
            print("\nended by a signal: not all cases were run")
        print(f"\n{len(self.failures)} failures, {len(self.skipped)} skipped, seed {self.seed}")
        if path:
            facts = {"utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                     "program": self.program, "seed": self.seed, "extent": self.extent,
                     "whole": not self.ending,
                     "figures": {name: dict(c) for name, c in self.figures.items()},
                     "seconds": self.seconds, "failures": self.failures, "skipped": self.skipped}
            pathlib.Path(path).write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
            print(f"also in {path}")
        sys.stdout.flush()

    def close(self):
        if self.keep:
            print(f"kept: {self.work}")
        else:
            shutil.rmtree(self.work, ignore_errors=True)
