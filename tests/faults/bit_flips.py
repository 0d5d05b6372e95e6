"""bit-flips: one bit of one file of a run is turned; `aesweep validate` has to end with 3 and name
the file, and a resume may not merge it.

A case is KIND/N. Of a journal the part behind the last synced offset is no promise: there the
damaged tail has to be named, and may be dropped.
"""

import pathlib
import shutil
import threading

from context import check
from journal import Journal
from kill_points import killed_run
from oracles import Final, results_digest
from reference import reference
from runs import Job, run as run_program

NAME = "bit-flips"
KINDS = ("journal", "trial", "checkpoint", "segment", "results.h5", "experiment.yaml")
FLIPS = {"quick": 4, "long": 1000}
RESUME_EVERY = {"quick": 4, "long": 40}

_local = threading.local()


def template(context, kind):
    """(folder, experiment, the undisturbed end) of a run that has such a file."""
    if kind in ("trial", "checkpoint"):
        killed = killed_run(context)
        return killed["folder"], killed["work"]
    work = reference(context, "many" if kind == "segment" else "short")
    return work.folder, work


def files(folder, kind):
    folder = pathlib.Path(folder)
    found = {"trial": sorted((folder / "trials").glob("*.h5")),
             "checkpoint": sorted((folder / "checkpoints").glob("*.h5")),
             "segment": sorted((folder / "trials").glob("*.segment"))}.get(kind, [folder / kind])
    journal = Journal.of(folder)
    if kind == "trial":
        needed = {record["file"]["name"] for record in journal.finished().values()}
        found = [path for path in found if f"trials/{path.name}" in needed]
    if kind == "checkpoint":  # The newest of a trial that is not finished.
        needed = {record["number"]: record["file"]["name"]
                  for record in journal.kinds("checkpoint_written")
                  if record["number"] not in journal.finished()}
        found = [path for path in found if f"checkpoints/{path.name}" in needed.values()]
    check(found and found[0].exists(), f"the run has no {kind} to spoil")
    return found


def cases(context):
    return [f"{kind}/{number}" for kind in KINDS for number in range(FLIPS[context.extent])]


def copy_of(context, kind):
    """This thread's copy; a case puts back what it spoils."""
    if not hasattr(_local, "copies"):
        _local.copies = {}
    source, work = template(context, kind)
    if source not in _local.copies:
        folder = context.folder() / "run"
        shutil.copytree(source, folder)
        _local.copies[source] = folder
        job = Job([context.program, "validate", folder])
        status = job.wait()
        check(status == 0, f"validate of a good run ended with {status}: {job.tail()}")
    return _local.copies[source], work


def run(context, case):
    kind, number = case.split("/")
    folder, work = copy_of(context, kind)
    rng = context.random(NAME, case)
    path = rng.choice(files(folder, kind))
    good = path.read_bytes()
    bit = rng.randrange(8 * len(good))
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    promised = kind != "journal" or bit // 8 < Journal(good).synced_to
    path.write_bytes(bad)
    try:
        job = Job([context.program, "validate", folder])
        status = job.wait()
        check(path.name in job.text(), f"bit {bit} of {path.name}: validate does not name the "
                                       f"file: {job.tail()}")
        check(status == 3 or not promised and status == 0,
              f"bit {bit} of {path.name}: validate ended with {status}: {job.tail()}")
        context.count(NAME, f"{kind}: found and named")
        if int(number) % RESUME_EVERY[context.extent] == 0:
            resume_spoiled(context, folder, work, path.name, bit)
    finally:
        path.write_bytes(good)


def resume_spoiled(context, folder, work, name, bit):
    """It is refused, naming the file, or the end is that of the undisturbed run."""
    copy = context.folder() / "run"
    shutil.copytree(folder, copy)
    left = {"results.h5": copy / name}.get(name) or next((copy / "trials").glob("*.segment"), None)
    before = left.read_bytes() if left is not None and left.name == name else None
    job = run_program(context, work.experiment, copy)
    if job.status == 0 and before is not None and before == left.read_bytes():
        # A finished run is not touched by a resume; `aesweep rebuild` makes results.h5 again of
        # good files only.
        job = Job([context.program, "rebuild", copy])
        status = job.wait()
        if name == "results.h5":
            check(status == 0, f"rebuild: {job.tail()}")
            Final(copy).same_as(work.final)
        else:
            check(status == 3 and name in job.text(), f"rebuild: {status}: {job.tail()}")
            check(results_digest(copy / "results.h5") == work.final.results,
                  "rebuild merged a spoiled segment")
        context.count(NAME, "resumes of a finished run that left the file, then rebuild")
    elif job.status == 0:
        Final(copy).same_as(work.final)
        context.count(NAME, "resumes that got the same end")
    else:
        check(job.status in (2, 3) and name.split(".")[0] in job.text(),
              f"bit {bit} of {name}: the resume ended with {job.status}: {job.tail()}")
        context.count(NAME, "resumes refused, naming the file")
    shutil.rmtree(copy.parent)
