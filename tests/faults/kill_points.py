"""kill-points: SIGKILL at every write, fsync, rename, unlink and truncate of one process, then
resume.

strace counts calls per thread, so its k-th call is the first k-th call of any thread; the shim
counts those of the whole process on the run folder. Both are used: strace also sees what the C
library calls within itself, the shim reaches every call of every thread. A case is
ENGINE/VICTIM/WORKLOAD/CALL/K, or recovery/VICTIM/CALL/K: there a killed run is resumed, the resume
is killed at its k-th call, and resumed again.
"""

import collections
import re
import shutil
import struct
import subprocess
import threading

from context import Skip, check
from journal import Journal
from oracles import acknowledged, finished_run, whole_files
from reference import reference
from runs import Job, resume, run_arguments, supervise_arguments

NAME = "kill-points"
SYSCALLS = ("write", "pwrite64", "fsync", "fdatasync", "rename", "renameat2", "unlink", "unlinkat",
            "ftruncate")
# As shim.c numbers them.
SHIM_CALLS = ("open", "write", "pwrite64", "fsync", "fdatasync", "rename", "unlink", "ftruncate",
              "link", "mkdir")
QUICK = 10  # Cases.

_lock = threading.Lock()
_killed_run = {}


def strace_works():
    try:
        return subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], check=False,
                              capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def strace(call=None, k=None, output="/dev/null", forks=True):
    follow = ["-f"] if forks else []
    trace = ["strace", *follow, "-o", str(output), "-e", f"trace={call or ','.join(SYSCALLS)}"]
    return trace + (["-e", f"inject={call}:signal=KILL:when={k}"] if call else [])


def shim_environment(context, folder, victim, **plans):
    variables = {f"AESWEEP_SHIM_{name.upper()}": value for name, value in plans.items()}
    return {"LD_PRELOAD": context.shim, "AESWEEP_SHIM_ROOT": folder,
            "AESWEEP_SHIM_VICTIM": victim, **variables}


def start(context, work, folder, engine, victim, call=None, k=None, output="/dev/null"):
    """The job in which the victim dies at its k-th call; without a call it counts them."""
    environment, wrapper = {}, ()
    if engine == "shim":
        plan = {"kill": f"{call}:{k}"} if call else {"count": output}
        environment = shim_environment(context, folder, victim, **plan)
    else:
        wrapper = strace(call, k, output, forks=victim != "supervisor")
    if victim == "supervisor":
        line = supervise_arguments(context, work.experiment, folder, extra=("--resume=auto",))
        return Job([*wrapper, *line], environment)
    line = run_arguments(context, work.experiment, folder, extra=("--resume=auto",),
                         wrapped=int(victim[4:]) if wrapper else None, wrapper=wrapper)
    return Job(line, environment)


def count(context, work, folder, engine, victim):
    """Calls of the victim by name, of its busiest thread (strace) or of all (shim)."""
    output = context.folder() / "count"
    job = start(context, work, folder, engine, victim, output=output)
    status = job.wait(120)
    job.no_orphans()
    check(status == 0, f"the counting run ended with {status}: {job.tail()}")
    if engine == "shim":
        words = struct.unpack(f"{len(SHIM_CALLS)}Q", output.read_bytes()[:8 * len(SHIM_CALLS)])
        return {name: number for name, number in zip(SHIM_CALLS, words) if number}
    by_thread = collections.Counter(
        re.findall(r"^(\d*) *(\w+)\(", output.read_text(errors="replace"), re.M))
    most = collections.Counter()
    for (_, name), number in by_thread.items():
        most[name] = max(most[name], number)
    return dict(most)


def in_the_middle(folder):
    """Some trials are finished, and another has a checkpoint."""
    journal = Journal.of(folder)
    running = {record["number"] for record in journal.kinds("checkpoint_written")}
    return bool(journal.finished()) and bool(running - set(journal.finished()))


def killed_run(context):
    """A folder of a run that was killed in the middle; made once, copied by every case."""
    with _lock:
        if not _killed_run:
            work = reference(context, "short")
            counts = count(context, work, context.folder() / "run", "shim", "rank0")
            for attempt in range(40):
                folder = context.folder() / "run"
                k = counts["fsync"] * 9 // 20 + attempt % (counts["fsync"] // 2)
                job = start(context, work, folder, "shim", "rank0", "fsync", k)
                job.wait()
                job.no_orphans()
                if in_the_middle(folder):
                    break
            check(in_the_middle(folder), "no run could be killed in its middle")
            _killed_run.update(folder=folder, acks=job.acks(), work=work)
        return _killed_run


def recoveries(context):
    found = []
    again = context.folder() / "run"
    killed = killed_run(context)
    shutil.copytree(killed["folder"], again)
    for victim in ("rank0", "rank1"):
        if victim == "rank1":
            shutil.rmtree(again)
            shutil.copytree(killed["folder"], again)
        counts = count(context, killed["work"], again, "shim", victim)
        found += [f"recovery/{victim}/{call}/{k}" for call, number in counts.items()
                  for k in range(1, number + 1)]
    return found


def cases(context):
    engines = ["shim"] + (["strace"] if strace_works() else [])
    if len(engines) == 1:
        context.skip(NAME, "strace", "strace or ptrace is not allowed here; only the shim is used")
    found = []
    plans = [(engine, victim, "short") for engine in engines for victim in ("rank0", "rank1")]
    if context.extent == "long":
        plans += [("shim", "rank0", "epochs"), ("shim", "rank0", "group"),
                  ("shim", "rank1", "group"), ("shim", "supervisor", "short")]
        plans += [("strace", "supervisor", "short")] if "strace" in engines else []
    for engine, victim, workload in plans:
        if not context.wants(f"{engine}/{victim}/{workload}/"):
            continue
        counts = count(context, reference(context, workload), context.folder() / "run", engine,
                       victim)
        found += [f"{engine}/{victim}/{workload}/{call}/{k}" for call, number in counts.items()
                  for k in range(1, number + 1)]
    if context.extent == "long" and context.wants("shim/rank0/many/"):
        # The end of a run whose files are folded: the calls before are those of other runs.
        counts = count(context, reference(context, "many"), context.folder() / "run", "shim",
                       "rank0")
        found += [f"shim/rank0/many/{call}/{k}" for call, number in counts.items()
                  for k in sorted({*range(max(1, number - 25), number + 1),
                                   *range(max(1, number - 300), number, 20)})]
    if context.wants("recovery/"):
        found += recoveries(context)
    if context.extent == "quick":
        found = sorted(context.random(NAME).sample(found, min(QUICK, len(found))))
    return found


def run(context, case):
    parts = case.split("/")
    folder = context.folder() / "run"
    acks = set()
    if parts[0] == "recovery":
        killed = killed_run(context)
        work, acks = killed["work"], set(killed["acks"])
        shutil.copytree(killed["folder"], folder)
        engine, victim, (call, k) = "shim", parts[1], parts[2:]
    else:
        engine, victim, workload, call, k = parts
        work = reference(context, workload)
        if engine == "strace" and not strace_works():
            raise Skip("strace or ptrace is not allowed here")
    job = start(context, work, folder, engine, victim, call, k)
    status = job.wait()
    job.no_orphans()
    context.count(NAME, f"points of {victim}, {parts[0]}")
    if status == 0:
        context.count(NAME, "calls that this run did not reach")
    acks |= job.acks()
    acknowledged(folder, acks, work.final)
    whole_files(folder, work.final)
    job = resume(context, work.experiment, folder)
    finished_run(folder, work.final, work.interval, acks | job.acks())
    shutil.rmtree(folder.parent)
