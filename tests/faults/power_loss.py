"""power-loss: what a power cut may leave of a recorded run, at every change.

The shim records all changes of all ranks. A case is RUN/N/NAMES/DATA/SALT: the disk of that
recorded run after the first N changes, with unsynced names and data dropped, kept or torn
(disk_model.py); the run "resumed" goes on after a kill. check_state replays the journal of each
state and verifies all that the journal vouches for and all that the user was told. resume/RUN/...
also resumes the state with the program and compares the end. States that were there before are not
counted.
"""

import pathlib
import shutil
import subprocess
import threading

import records
from context import Fault, check
from disk_model import DATA, NAMES, Disk, StateFolder
from journal import Journal
from kill_points import killed_run, shim_environment
from oracles import Final, acknowledged, litter, sha256
from reference import reference
from runs import ACK, Job, resume, run_arguments

NAME = "power-loss"
# By recorded run: draws, of which many are the same.
DRAWS = {"quick": {"short": 300},
         "long": {"long": 20000, "many": 8000, "group": 8000, "epochs": 8000, "resumed": 8000}}
RESUMES = {"quick": 2, "long": 12}  # Of each run.

_local = threading.local()
_lock = threading.Lock()
_recordings = {}


class Recording:
    def __init__(self, context, name):
        self.name = name
        killed = killed_run(context) if name == "resumed" else None
        self.work = killed["work"] if killed else reference(context, name)
        self.path = context.log
        base = context.folder() / "disk"
        base.mkdir()
        self.before = {}  # What was there when the recording began: path in it -> bytes.
        if killed:
            shutil.copytree(killed["folder"], base / "run")
            self.before = {str(path.relative_to(base)): None if path.is_dir() else path.read_bytes()
                           for path in sorted(base.rglob("*"))}
        if self.path is None:
            self.path = base.parent / f"changes-{name}"
            environment = shim_environment(context, base, "", log=self.path)
            job = Job(run_arguments(context, self.work.experiment, base / "run",
                                    extra=("--resume=auto",)), environment)
            status = job.wait()
            check(status == 0, f"the recorded run ended with {status}: {job.tail()}")
        self.entries = records.read(self.path)
        opened = next(entry.path for entry in self.entries if "/disk/run" in entry.path)
        self.root = opened[:opened.index("/disk/run") + 5]
        self.acks = set(killed["acks"]) if killed else set()
        disk, self.points = self.disk(), []
        for number, entry in enumerate(self.entries, 1):
            if disk.take(entry):
                self.points.append(number)
        if context.log is None:
            self._compare(disk)

    def disk(self):
        """As it was when the recording began."""
        disk = Disk(self.root)
        for name, data in self.before.items():
            disk.add(f"{self.root}/{name}", data)
        return disk

    def _compare(self, disk):
        """The recorder and the model are right: together they end with the run's own files."""
        modelled = {path: bytes(file.data) for path, file in disk.names.items() if file}
        for path in sorted(pathlib.Path(self.root).rglob("*")):
            if path.is_dir() or path.name == "run.log" or path.parent.name == "crash":
                continue
            check(modelled.get(str(path)) == path.read_bytes(),
                  f"the recorder missed a change of {path}")


def recording(context, name):
    with _lock:
        if name not in _recordings:
            _recordings[name] = Recording(context, name)
        return _recordings[name]


def draw(rng, recorded, wanted):
    """Each point with each mode, then more of those that are drawn at random."""
    modes = [(names, data) for names in NAMES for data in DATA]
    found = [f"{recorded.name}/{point}/{names}/{data}/0" for point in recorded.points
             for names, data in modes]
    if len(found) > wanted:
        found = rng.sample(found, wanted)
    salt = 1
    while len(found) < wanted:
        more = [f"{recorded.name}/{point}/{names}/{data}/{salt}" for point in recorded.points
                for names, data in modes
                if names == "some" or data not in ("drop", "keep", "holes")]
        found += rng.sample(more, min(len(more), wanted - len(found)))
        salt += 1
    return sorted(found, key=lambda case: int(case.split("/")[1]))


def cases(context):
    found, resumes = [], []
    for name, wanted in DRAWS[context.extent].items():
        if not context.wants(name) and not context.wants(f"resume/{name}"):
            continue
        recorded = recording(context, name)
        context.count(NAME, f"recorded changes of {name}", len(recorded.points))
        rng = context.random(NAME, name)
        drawn = draw(rng, recorded, wanted)
        found += drawn
        resumes += ["resume/" + case for case in rng.sample(drawn, RESUMES[context.extent])]
    return found + resumes


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
    if getattr(_local, "of", None) is not recorded or _local.at > point:
        _local.disk, _local.at, _local.acks = recorded.disk(), 0, set(recorded.acks)
        _local.of = recorded
    for entry in recorded.entries[_local.at:point]:
        _local.disk.take(entry)
        if entry.call == "ack":
            _local.acks |= {int(number) for number in ACK.findall(entry.data)}
    _local.at = point
    return _local.disk, set(_local.acks)


def run(context, case):
    words = case.removeprefix("resume/").split("/")
    recorded = recording(context, words[0])
    disk, acks = disk_at(recorded, int(words[1]))
    rng = context.random(NAME, *words)
    state = disk.after_cut(words[2], words[3], rng)
    try:
        if case.startswith("resume/"):
            check_resume(context, recorded, state, acks)
        else:
            check_state(context, recorded, state, acks)
    except Fault as fault:
        kept = context.keep_file(recorded.path)
        raise Fault(f"{fault} (add --log {kept})") from None


def check_state(context, recorded, state, acks):
    context.count(NAME, "states drawn")
    context.distinct(NAME, "distinct states", tuple(state.items()))
    if not context.distinct(NAME, "distinct states, and what was said by then",
                            (tuple(state.items()), tuple(sorted(acks)))):
        return
    if not hasattr(_local, "shown"):
        _local.shown = StateFolder(context.folder())
    _local.shown.show(recorded.root, state)
    answer = checker(context).ask("state", _local.shown.folder / "run",
                                  ",".join(map(str, sorted(acks))))
    check(answer.startswith("ok"), answer)


def check_resume(context, recorded, state, acks):
    folder = StateFolder(context.folder())
    folder.show(recorded.root, state)
    run_folder = folder.folder / "run"
    before = {record["file"]["name"]: record["file"]["sha256"]
              for record in Journal.of(run_folder).kinds("trial_finished")}
    resume(context, recorded.work.experiment, run_folder)
    acknowledged(run_folder, acks, recorded.work.final)
    Final(run_folder).same_as(recorded.work.final)
    check(not litter(run_folder), f"left behind: {litter(run_folder)}")
    for name, digest in before.items():
        if (run_folder / name).exists():
            check(sha256(run_folder / name) == digest, f"{name} changed after the power cut")
    context.count(NAME, "states resumed to the end")
    shutil.rmtree(folder.folder)
