"""What has to hold after every fault: O1 to O5 of README.md."""

import hashlib
import pathlib

import h5py
import numpy

from context import check
from journal import Journal


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def _add_value(digest, value):
    array = numpy.asarray(value)
    digest.update(f"{array.dtype.str} {array.dtype.descr} {array.shape}".encode())
    digest.update(repr(value).encode() if array.dtype.hasobject else array.tobytes())


def results_digest(path):
    """Of all objects, attributes and bytes of a results.h5 outside /runtime. References, which
    h5py shows as objects, are taken by the names that they are given to."""
    digest = hashlib.sha256()

    def add(name, node):
        if name == "runtime" or name.startswith("runtime/"):
            return
        digest.update(f"{name} {type(node).__name__}".encode())
        for key in sorted(node.attrs):
            digest.update(key.encode())
            if key not in ("DIMENSION_LIST", "REFERENCE_LIST"):
                _add_value(digest, node.attrs[key])
        if isinstance(node, h5py.Dataset):
            _add_value(digest, node[()])

    with h5py.File(path, "r") as file:
        add("", file)
        names = []
        file.visit(names.append)
        for name in sorted(names):
            add(name, file[name])
    return digest.hexdigest()


class Final:
    """What is compared of a finished run: files by hash, results.h5 by digest."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.trials = {path.name: sha256(path) for path in sorted((folder / "trials").iterdir())}
        self.results = results_digest(folder / "results.h5")
        self.members = {number: record["file"]["sha256"]
                        for number, record in Journal.of(folder).finished().items()}

    def same_as(self, reference):
        """O2."""
        check(self.members == reference.members,
              f"trials differ: {self.members} instead of {reference.members}")
        check(self.trials == reference.trials,
              f"files of trials differ: {self.trials} instead of {reference.trials}")
        check(self.results == reference.results, "results.h5 differs outside /runtime")


def litter(folder):
    """Names that no ended run may leave."""
    folder = pathlib.Path(folder)
    found = [str(path.relative_to(folder)) for path in folder.rglob("*.tmp")]
    found += [f"checkpoints/{path.name}" for path in (folder / "checkpoints").glob("*")]
    if (folder / "lease").exists():
        found.append("lease")
    return found


def acknowledged(folder, acks, reference=None):
    """O1: every trial whose completion was said is in the journal, and its bytes are there."""
    journal = Journal.of(folder)
    finished = journal.finished()
    folded = {member["number"]: record["segment"] for record in journal.kinds("trials_folded")
              for member in record["members"]}
    for number in sorted(acks):
        check(number in finished, f"trial {number} was said to be completed; the journal has lost "
                                  "it")
        file = folded.get(number, finished[number]["file"])
        path = pathlib.Path(folder, file["name"])
        check(path.exists(), f"{file['name']} of completed trial {number} is gone")
        check(sha256(path) == file["sha256"], f"{file['name']} of completed trial {number} changed")
        if reference is not None:
            check(finished[number]["file"]["sha256"] == reference.members[number],
                  f"trial {number} has other bytes than undisturbed")


def whole_files(folder, reference):
    """Every file is complete at every instant: what has its final name has its final bytes."""
    folder = pathlib.Path(folder)
    for path in folder.glob("trials/*.h5"):
        known = {**reference.trials, path.name: reference.members[int(path.name[:6])]}
        check(sha256(path) == known[path.name], f"trials/{path.name} was not whole at the kill")
    for path in [*folder.glob("checkpoints/*.h5"), *folder.glob("results.h5")]:
        try:
            h5py.File(path, "r").close()
        except OSError as error:
            check(False, f"{path.name} was not whole at the kill: {error}")


def recomputed(folder, interval, lost):
    """O4: a trial that begins again goes on from its last checkpoint, and no checkpoint is later
    than asked for, those counted that the job said it could not write."""
    last = {}
    for record in Journal.of(folder).records:
        key = (record.get("number"), record.get("attempt"))
        if record["kind"] == "trial_begun":
            check(record["step"] == last.get(key, 0),
                  f"trial {key[0]} begins at step {record['step']}; its last checkpoint is of "
                  f"step {last.get(key, 0)}")
        elif record["kind"] == "checkpoint_written":
            before = max([last.get(key, 0)] + [s for s in lost.get(key, []) if s < record["step"]])
            check(record["step"] - before <= interval,
                  f"trial {key[0]}: checkpoints at steps {before} and {record['step']}; "
                  f"asked for one every {interval}")
            last[key] = record["step"]


def finished_run(folder, reference, interval, acks=(), lost=None):
    """All of O1 to O4 of a run that has been resumed to its end. `lost`: checkpoints that could
    not be written, as Job.lost_checkpoints has them."""
    acknowledged(folder, acks, reference)
    Final(folder).same_as(reference)
    left = litter(folder)
    check(not left, f"left behind: {', '.join(left)}")
    recomputed(folder, interval, lost or {})
