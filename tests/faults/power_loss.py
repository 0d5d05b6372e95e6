"""power-loss: what a power cut may leave of a recorded run, at every change.

The shim records all changes of all ranks. A case is N/NAMES/DATA/SALT: the disk after the first N
changes, with unsynced names and data dropped, kept or torn (disk_model.py). check_state replays
the journal of each state and verifies all that the journal vouches for and all that the user was
told. resume/N/NAMES/DATA/SALT also resumes the state with the program and compares the end.
"""

import pathlib
import shutil
import subprocess
import threading

import records
from context import Fault, check
from disk_model import DATA, NAMES, Disk, StateFolder
from journal import Journal
from kill_points import shim_environment
from oracles import Final, acknowledged, litter, sha256
from reference import reference
from runs import ACK, Job, resume, run_arguments

NAME = "power-loss"
STATES = {"quick": 300, "long": 15000}
WORKLOAD = {"quick": "short", "long": "long"}
RESUMES = {"quick": 2, "long": 60}

_local = threading.local()
_lock = threading.Lock()
_recording = {}


class Recording:
    def __init__(self, context, work):
        self.path = context.log
        base = context.folder() / "disk"
        if self.path is None:
            base.mkdir()
            self.path = base.parent / "changes"
            environment = shim_environment(context, base, "", log=self.path)
            job = Job(run_arguments(context, work.experiment, base / "run"), environment)
            status = job.wait()
            check(status == 0, f"the recorded run ended with {status}: {job.tail()}")
        self.entries = records.read(self.path)
        first = next(entry.path for entry in self.entries if entry.call == "mkdir")
        self.root = str(pathlib.Path(first).parent)
        disk, self.points = Disk(self.root), []
        for number, entry in enumerate(self.entries, 1):
            if disk.take(entry):
                self.points.append(number)
        if context.log is None:
            self._compare(disk)

    def _compare(self, disk):
        """The recorder and the model are right: together they end with the run's own files."""
        modelled = {path: bytes(file.data) for path, file in disk.names.items() if file}
        for path in sorted(pathlib.Path(self.root).rglob("*")):
            if path.is_dir() or path.name == "run.log" or path.parent.name == "crash":
                continue
            check(modelled.get(str(path)) == path.read_bytes(),
                  f"the recorder missed a change of {path}")


def recording(context):
    with _lock:
        if not _recording:
            _recording["work"] = reference(context, WORKLOAD[context.extent])
            _recording["it"] = Recording(context, _recording["work"])
        return _recording["it"], _recording["work"]


def cases(context):
    recorded, _ = recording(context)
    context.count(NAME, "recorded changes", len(recorded.points))
    rng = context.random(NAME)
    modes = [(names, data) for names in NAMES for data in DATA]
    plain = [f"{point}/{names}/{data}/0" for point in recorded.points for names, data in modes]
    wanted = STATES[context.extent]
    found = plain if len(plain) <= wanted else rng.sample(plain, wanted)
    salt = 1
    while len(found) < wanted:
        more = [f"{point}/{names}/{data}/{salt}" for point in recorded.points
                for names, data in modes
                if names == "some" or data not in ("drop", "keep", "holes")]
        found += rng.sample(more, min(len(more), wanted - len(found)))
        salt += 1
    found.sort(key=lambda case: int(case.split("/")[0]))
    return found + ["resume/" + case for case in rng.sample(found, RESUMES[context.extent])]


class Checker:
    """check_state as a server: a line in, a line out."""

    def __init__(self, context):
        self.process = subprocess.Popen([context.checker], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        print(*words, sep="\t", file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline().rstrip("\n")
        check(answer != "", "check_state died")
        return answer


def checker(context):
    if not hasattr(_local, "checker"):
        _local.checker = Checker(context)
    return _local.checker


def disk_at(recorded, point):
    """The disk after so many entries; each thread goes on from where it was if it can."""
    if not hasattr(_local, "disk") or _local.at > point or _local.of is not recorded:
        _local.disk, _local.at, _local.acks = Disk(recorded.root), 0, set()
        _local.of = recorded
    for entry in recorded.entries[_local.at:point]:
        _local.disk.take(entry)
        if entry.call == "ack":
            _local.acks |= {int(number) for number in ACK.findall(entry.data)}
    _local.at = point
    return _local.disk, set(_local.acks)


def run(context, case):
    recorded, work = recording(context)
    words = case.removeprefix("resume/").split("/")
    disk, acks = disk_at(recorded, int(words[0]))
    rng = context.random(NAME, *words)
    state = disk.after_cut(words[1], words[2], rng)
    try:
        if case.startswith("resume/"):
            check_resume(context, recorded, work, state, acks)
        else:
            check_state(context, recorded, state, acks)
    except Fault as fault:
        kept = context.keep_file(recorded.path)
        raise Fault(f"{fault} (add --log {kept})") from None


def check_state(context, recorded, state, acks):
    if not hasattr(_local, "shown"):
        _local.shown = StateFolder(context.folder())
    _local.shown.show(recorded.root, state)
    answer = checker(context).ask("state", _local.shown.folder / "run",
                                  ",".join(map(str, sorted(acks))))
    context.count(NAME, "states")
    context.distinct(NAME, "distinct states", tuple(state.items()))
    check(answer.startswith("ok"), answer)


def check_resume(context, recorded, work, state, acks):
    folder = StateFolder(context.folder())
    folder.show(recorded.root, state)
    run_folder = folder.folder / "run"
    before = {record["file"]["name"]: record["file"]["sha256"]
              for record in Journal.of(run_folder).kinds("trial_finished")}
    resume(context, work.experiment, run_folder)
    acknowledged(run_folder, acks, work.final)
    Final(run_folder).same_as(work.final)
    check(not litter(run_folder), f"left behind: {litter(run_folder)}")
    for name, digest in before.items():
        if (run_folder / name).exists():
            check(sha256(run_folder / name) == digest, f"{name} changed after the power cut")
    context.count(NAME, "states resumed to the end")
    shutil.rmtree(folder.folder)
