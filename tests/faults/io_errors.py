"""io-errors: failing, short and interrupted calls; full, read-only, vanished and replaced folders;
a second runner; stopped ranks; too many ranks; signals; clock steps. A case is KIND/PARAMETER.
"""

import errno
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time

from context import Skip, check
from journal import Journal
from kill_points import shim_environment, strace_works
from oracles import Final, acknowledged, finished_run
from reference import reference
from runs import END_SECONDS, PATIENT, Job, kill, resume, run_arguments
from workload import experiment

NAME = "io-errors"
AUTO = ("--resume=auto",)
QUICK = ("fsync-eio/strace-2", "enospc/192", "short/1", "eintr/1", "clock/86400",
         "two-runners/resume", "signal/USR1")


def cases(context):
    if context.extent == "quick":
        return list(QUICK)
    found = [f"{kind}/{k}" for kind in ("fsync-eio", "write-eio", "rename-eio")
             for k in range(1, 61, 3)]
    found += [f"fsync-eio/strace-{k}" for k in range(1, 9)]
    found += [f"enospc/{kib}" for kib in (64, 80, 96, 112, 128, 144, 160, 192, 224, 256, 288, 320,
                                          352, 384, 416, 448, 480, 512, 576, 640, 704, 768, 1024,
                                          4096)]
    found += [f"efbig/{kib}" for kib in (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128)]
    found += ["short/1", "eintr/1", "clock/86400", "clock/-86400", "clock/1000000000"]
    found += [f"folder/{how}" for how in ("read-only", "removed", "symlink")]
    found += ["two-runners/resume", "two-runners/auto"]
    found += ["sigstop/20", "sigstop/120", "sigstop/ever"]
    found += ["ranks/8", "ranks/taskset", "ranks/nice"]
    found += [f"signal/{name}" for name in ("USR1", "TERM", "INT", "HUP", "rank-USR1", "rank-TERM",
                                            "rank-INT", "twice-USR1")]
    return found


def run(context, case):
    kind, parameter = case.split("/", 1)
    CASES[kind](context, parameter)
    context.count(NAME, kind)


def fails_with_cause(job, folder, work, words):
    """The job ends in time and not well, says why, loses nothing, and can be resumed."""
    status = job.wait(END_SECONDS)
    job.no_orphans()
    if status != 0:
        check(any(word in job.text() for word in words),
              f"ended with {status} without a cause ({' or '.join(words)}): {job.tail()}")
        check(status == 3, f"exit status {status} instead of 3: {job.tail()}")
    acknowledged(folder, job.acks(), work.final)
    return status


def finish(context, work, folder, before):
    """Resumes what the job `before` left, to the end."""
    job = resume(context, work.experiment, folder)
    finished_run(folder, work.final, work.interval, before.acks() | job.acks(),
                 before.lost_checkpoints())
    shutil.rmtree(pathlib.Path(folder).parent, ignore_errors=True)


def call_fails(call):
    def case(context, parameter):
        work = reference(context, "short")
        folder = context.folder() / "run"
        if parameter.startswith("strace-"):
            if not strace_works():
                raise Skip("strace or ptrace is not allowed here")
            k = parameter.removeprefix("strace-")
            wrapper = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                       f"inject={call}:error=EIO:when={k}"]
            job = Job(run_arguments(context, work.experiment, folder, extra=AUTO, wrapped=0,
                                    wrapper=wrapper))
        else:
            environment = shim_environment(context, folder, "rank0",
                                           once=f"{call}:{parameter}:{errno.EIO}")
            job = Job(run_arguments(context, work.experiment, folder, extra=AUTO), environment)
        status = fails_with_cause(job, folder, work, ["Input/output error"])
        if status == 0:
            said = "Input/output error" in job.text()
            context.count(NAME, "errors said and survived" if said else "errors not reached")
        finish(context, work, folder, job)
    return case


def full_disk(context, kib):
    if os.geteuid() != 0:
        raise Skip("only root can mount a small disk")
    work = reference(context, "short")
    disk = context.folder() / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "none", disk], check=False,
                          capture_output=True, text=True)
    if made.returncode != 0:
        raise Skip(f"no mount here: {made.stderr.strip()}")
    try:
        folder = disk / "run"
        job = Job(run_arguments(context, work.experiment, folder, extra=AUTO))
        status = fails_with_cause(job, folder, work, ["No space left on device"])
        context.count(NAME, "full disks" if status else "disks that were large enough")
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        again = resume(context, work.experiment, folder)
        finished_run(folder, work.final, work.interval, job.acks() | again.acks(),
                     job.lost_checkpoints())
    finally:
        subprocess.run(["umount", "-l", disk], check=False)


def large_file(context, kib):
    """The limit is set on the running rank: MPI's own start would not survive it."""
    work = reference(context, "long")
    folder = context.folder() / "run"
    job = Job(run_arguments(context, work.experiment, folder, extra=AUTO))
    check(job.wait_for(lambda: Journal.of(folder).kinds("trial_begun")), job.tail())
    limit = int(kib) * 1024
    pid = job.roles().get("rank0")
    check(pid is not None, f"rank 0 was over too soon: {job.tail()}")
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, limit))
    status = fails_with_cause(job, folder, work, ["File too large"])
    context.count(NAME, "file size limits met" if status else "file size limits not met")
    finish(context, work, folder, job)


def shimmed(name):
    """The run has to succeed as if nothing was."""
    def case(context, parameter):
        work = reference(context, "short")
        folder = context.folder() / "run"
        environment = shim_environment(context, folder, "", **{name: parameter})
        job = Job(run_arguments(context, work.experiment, folder, extra=AUTO), environment)
        status = job.wait(120)
        job.no_orphans()
        check(status == 0, f"ended with {status}: {job.tail()}")
        finished_run(folder, work.final, work.interval, job.acks())
    return case


def begun(folder, checkpoints=1):
    return lambda: len(Journal.of(folder).kinds("checkpoint_written")) >= checkpoints


def started(context, work, folder, **more):
    job = Job(run_arguments(context, work.experiment, folder, extra=AUTO, **more), PATIENT)
    check(job.wait_for(begun(folder)), f"no checkpoint within 30 s: {job.tail()}")
    check(job.process.poll() is None, "the run was over before it could be disturbed")
    return job


def spoiled_folder(context, how):
    work = reference(context, "long")
    base = context.folder()
    folder, away, other = base / "run", base / "away", base / "other"
    if how == "read-only" and os.geteuid() != 0:
        raise Skip("only root can make a folder read-only beneath a running program")
    try:
        job = started(context, work, folder)
        if how == "read-only":
            # Over the folder: what the run has open stays writable, all else is not.
            subprocess.run(["mount", "--bind", folder, folder], check=True)
            subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        else:
            folder.rename(away)
            if how == "symlink":
                other.mkdir()
                folder.symlink_to(other)
        status = job.wait(END_SECONDS)
        job.no_orphans()
        check(status == 3, f"exit status {status} instead of 3: {job.tail()}")
        check(str(folder) in job.text(),
              f"no cause that names the folder: {job.tail()}")
        if how == "symlink":
            check(not list(other.iterdir()), f"written through the link: {list(other.iterdir())}")
            folder.unlink()
        if how != "read-only":
            shutil.rmtree(folder, ignore_errors=True)
            away.rename(folder)
    finally:
        if how == "read-only":
            subprocess.run(["umount", "-l", folder], check=False)
    finish(context, work, folder, job)


def two_runners(context, how):
    """resume: the first one stands still, and so is sure to be there while the second one looks."""
    work = reference(context, "long" if how == "resume" else "slurm")
    folder = context.folder() / "run"
    first = started(context, work, folder)
    pid = first.roles().get("rank0")
    if how == "resume":
        kill(pid, signal.SIGSTOP)
    second = Job(run_arguments(context, work.experiment, folder,
                               extra=("--resume" if how == "resume" else "--resume=auto",)))
    try:
        status = second.wait()
    finally:
        kill(pid, signal.SIGCONT)
    second.no_orphans()
    ended = first.wait()
    first.no_orphans()
    check(ended == 0, f"the first runner ended with {ended}: {first.tail()}")
    if how == "resume" or status != 0:
        check(status in (2, 3) and f"pid {pid}" in second.text(),
              f"the second runner ended with {status}, not naming pid {pid}: {second.tail()}")
    finished_run(folder, work.final, work.interval, first.acks())


def stopped_rank(context, seconds):
    """Rank 1 stands still; rank 0 waits for it in the middle of a step."""
    base = context.folder()
    path = base / "stopped.yaml"
    path.write_text(experiment(rows=8192, units=64, epochs=8, every="40 steps", ranks=2, trials=2))
    quiet = base / "quiet"
    undisturbed = Job(run_arguments(context, path, quiet))
    check(undisturbed.wait(120) == 0, undisturbed.tail())
    stall = {"20": "60s", "120": "300s", "ever": "5s"}[seconds]
    folder = base / "run"
    job = Job(run_arguments(context, path, folder, extra=(*AUTO, "--set", f"limits.stall={stall}")))
    check(job.wait_for(begun(folder)), f"no checkpoint within 30 s: {job.tail()}")
    pid = job.roles()["rank1"]
    kill(pid, signal.SIGSTOP)
    if seconds == "ever":
        status = job.wait(END_SECONDS)
        job.no_orphans()
        check(status == 3 and "no progress for" in job.text(),
              f"ended with {status}: {job.tail()}")
        again = resume(context, path, folder)
        check(again.status == 0, again.tail())
    else:
        time.sleep(float(seconds))
        kill(pid, signal.SIGCONT)
        status = job.wait(120)
        job.no_orphans()
        check(status == 0, f"a rank was stopped for {seconds} s and the job ended with {status}: "
                           f"{job.tail()}")
    Final(folder).same_as(Final(quiet))


def crowded(context, how):
    work = reference(context, "short")
    folder = context.folder() / "run"
    launcher = {"taskset": ("taskset", "-c", "0", "mpirun"),
                "nice": ("nice", "-n", "19", "mpirun")}.get(how, ("mpirun",))
    ranks = 8 if how == "8" else 2
    busy = subprocess.Popen(["sh", "-c", "while :; do :; done"]) if how == "nice" else None
    try:
        job = Job(run_arguments(context, work.experiment, folder, ranks=ranks, launcher=launcher))
        status = job.wait(120)
        job.no_orphans()
    finally:
        if busy is not None:
            busy.kill()
            busy.wait()
    check(status == 0, f"ended with {status}: {job.tail()}")
    finished_run(folder, work.final, work.interval, job.acks())


def signalled(context, how):
    work = reference(context, "long")
    folder = context.folder() / "run"
    job = started(context, work, folder)
    number = getattr(signal, "SIG" + how.split("-")[-1])
    to_rank = how.startswith("rank-")
    pid = job.roles()["rank1"] if to_rank else job.process.pid
    kill(pid, number)
    if how.startswith("twice"):
        kill(pid, number)
    status = job.wait(END_SECONDS)
    job.no_orphans()
    if number == signal.SIGUSR1 and not how.startswith("twice") or to_rank:
        check(status == 75, f"exit status {status} instead of 75: {job.tail()}")
        journal = Journal.of(folder)
        check(journal.records[-1]["kind"] == "job_ended", "the journal does not tell of the end")
    else:
        check(status != 0, "a job that was told to end ended with 0")
    finish(context, work, folder, job)


CASES = {
    "fsync-eio": call_fails("fsync"), "write-eio": call_fails("write"),
    "rename-eio": call_fails("rename"), "enospc": full_disk, "efbig": large_file,
    "short": shimmed("short"), "eintr": shimmed("eintr"), "clock": shimmed("clock"),
    "folder": spoiled_folder, "two-runners": two_runners, "sigstop": stopped_rank,
    "ranks": crowded, "signal": signalled,
}
