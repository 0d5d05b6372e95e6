"""Undisturbed runs that others are compared with; each workload runs once per call of the tool."""

import threading
import time

from context import check
from oracles import Final, litter
from runs import run
from workload import WORKLOADS

_lock = threading.Lock()
_known = {}


class Reference:
    def __init__(self, context, name):
        text, self.interval = WORKLOADS[name]
        base = context.folder()
        self.experiment = base / f"{name}.yaml"
        self.experiment.write_text(text, encoding="utf-8")
        self.folder = base / "run"
        start = time.monotonic()
        job = run(context, self.experiment, self.folder, extra=())
        self.seconds = time.monotonic() - start
        check(job.status == 0, f"the undisturbed run ended with {job.status}: {job.tail()}")
        check(not litter(self.folder), f"the undisturbed run left {litter(self.folder)}")
        self.final = Final(self.folder)
        check(len(job.acks()) == len(self.final.members),
              f"not every trial's completion was said: {job.tail()}")


def reference(context, name):
    with _lock:
        if name not in _known:
            _known[name] = Reference(context, name)
        return _known[name]


def written(folder, name):
    """The experiment's file of a workload, in a folder that all hosts see."""
    path = folder / f"{name}.yaml"
    path.write_text(WORKLOADS[name][0], encoding="utf-8")
    return path
