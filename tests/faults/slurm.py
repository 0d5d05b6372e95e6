"""slurm: a real Slurm of two nodes on this machine, and docs/slurm/aesweep.sbatch.

time-limit (USR1 through the script, requeued), scancel (submitted again), preemption, requeue
three times in a row, node-loss, srun-kill (a rank dies under plain srun: the others would wait for
ever). Each ends with the bytes of an undisturbed run.
"""

import pathlib
import time

from cluster import Slurm
from context import Fault, check
from journal import Journal
from oracles import Final, litter
from reference import written
from runs import run_arguments, Job, kill

NAME = "slurm"
FINAL = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED"}


def cases(context):
    if context.extent == "quick":
        return []
    return ["requeue", "time-limit", "scancel", "preemption", "node-loss", "srun-kill",
            "srun-plain-kill"]


class Sweep:
    """One submitted sweep."""

    def __init__(self, context, slurm, launch="mpirun", options=(), stall="60s"):
        self.slurm = slurm
        # Not in /dev/shm: each node has one of its own.
        self.experiment = written(slurm.folder, "slurm")
        self.folder = slurm.folder / "run"
        self.log = self.folder.parent / "log"
        self.script = context.source / "docs/slurm/aesweep.sbatch"
        self.context, self.options, self.launch, self.stall = context, options, launch, stall
        self.submit()

    def submit(self):
        self.slurm.environment.update(AESWEEP=self.context.program, AESWEEP_LAUNCH=self.launch)
        self.id = self.slurm.ask(
            "sbatch", "--parsable", "-n4", "-N2", "--time=10", "-o", self.log, *self.options,
            self.script, self.experiment, "-o", self.folder, "--set", f"limits.stall={self.stall}")

    def text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait(self, what, condition, seconds=120):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                words = " | ".join(self.text()[-900:].splitlines())
                raise Fault(f"{what} did not come within {seconds} s; {self.slurm.job(self.id)}; "
                            f"{words}")
            time.sleep(0.2)

    def jobs(self):
        return len(Journal.of(self.folder).kinds("job_started"))

    def training(self, job=1):
        """The job of that number has written a checkpoint."""
        self.wait(f"a checkpoint of job {job}", lambda: self.jobs() >= job and any(
            record["kind"] == "checkpoint_written"
            for record in Journal.of(self.folder).last_job()))

    def ended(self, seconds=180):
        self.wait("the end", lambda: self.slurm.job(self.id)["JobState"] in FINAL, seconds)
        return self.slurm.job(self.id)["JobState"]

    def complete(self):
        state = self.ended()
        check(state == "COMPLETED", f"job {self.id} ended as {state}: {self.text()[-900:]}")
        undisturbed = self.folder.parent / "quiet"
        job = Job(run_arguments(self.context, self.experiment, undisturbed))
        check(job.wait(120) == 0, job.tail())
        Final(self.folder).same_as(Final(undisturbed))
        check(not litter(self.folder), f"left behind: {litter(self.folder)}")


def requeue(context):
    with Slurm() as slurm:
        sweep = Sweep(context, slurm)
        for number in range(1, 4):
            sweep.training(number)
            slurm.ask("scontrol", "requeue", sweep.id)
        sweep.training(4)
        check(slurm.job(sweep.id)["Restarts"] == "3", f"{slurm.job(sweep.id)}")
        sweep.complete()
        jobs = Journal.of(sweep.folder).kinds("job_started")
        check([job["slurm_restarts"] for job in jobs] == [0, 1, 2, 3], "restart counts differ")


def time_limit(context):
    with Slurm() as slurm:
        sweep = Sweep(context, slurm)
        sweep.training()
        # Slurm looks at limits every 30 s; what it sends is sent here at once.
        slurm.ask("scancel", "--signal=USR1", "--batch", sweep.id)
        sweep.training(2)
        check("status 75" in sweep.text(), "the script did not see 75")
        sweep.complete()


def scancel(context):
    with Slurm() as slurm:
        sweep = Sweep(context, slurm)
        sweep.training()
        slurm.ask("scancel", sweep.id)
        state = sweep.ended()
        check(state == "CANCELLED", f"the cancelled job is {state}")
        sweep.submit()
        sweep.training(2)
        sweep.complete()


def preemption(context):
    with Slurm(grace=0) as slurm:
        sweep = Sweep(context, slurm, options=("-p", "low", "--exclusive"))
        sweep.training()
        other = slurm.ask("sbatch", "--parsable", "-p", "high", "-N2", "--exclusive", "--wrap",
                          "sleep 2", "-o", "/dev/null")
        sweep.wait("the preempting job", lambda: slurm.job(other)["JobState"] == "COMPLETED")
        sweep.training(2)
        sweep.complete()


def node_loss(context):
    with Slurm() as slurm:
        sweep = Sweep(context, slurm)
        sweep.training()
        slurm.kill_node("n2")
        # Slurm takes 30 s to see it; then the node is switched on again.
        sweep.wait("the loss of n2", lambda: slurm.job(sweep.id)["JobState"] != "RUNNING" or
                   slurm.job(sweep.id)["Restarts"] != "0")
        slurm.up()
        sweep.training(2)
        sweep.complete()


def kill_rank(slurm):
    """SIGKILL to rank 1 of the job's step."""
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if (entry / "comm").read_text().strip() != "aesweep":
                continue
            words = (entry / "environ").read_bytes().split(b"\0")
            parent = (entry / "stat").read_text().rsplit(") ", 1)[1].split()[1]
            helper = pathlib.Path("/proc", parent, "comm").read_text().strip() == "aesweep"
        except OSError:
            continue
        # The node's daemon has a configuration of its own beside the cluster's.
        ours = any(word.startswith(f"SLURM_CONF={slurm.state}/".encode()) for word in words)
        if b"SLURM_PROCID=1" in words and not helper and ours:
            return kill(int(entry.name))
    raise Fault("no rank 1 of the step was found")


def srun_kill(context):
    with Slurm() as slurm:
        sweep = Sweep(context, slurm, launch="srun -K1")
        sweep.training()
        kill_rank(slurm)
        sweep.training(2)
        sweep.complete()


def srun_plain_kill(context):
    """Without -K1 nobody ends the others; they see it themselves within limits.stall."""
    with Slurm() as slurm:
        sweep = Sweep(context, slurm, launch="srun", stall="10s")
        sweep.training()
        start = time.monotonic()
        kill_rank(slurm)
        # The script does not come again after 3: the cause is to be looked at.
        sweep.wait("the end of the job", lambda: slurm.job(sweep.id)["JobState"] != "RUNNING", 60)
        context.count(NAME, "seconds to the end under plain srun",
                      round(time.monotonic() - start))
        if sweep.ended() != "COMPLETED":
            sweep.submit()
        sweep.complete()


CASES = {"requeue": requeue, "time-limit": time_limit, "scancel": scancel,
         "preemption": preemption, "node-loss": node_loss, "srun-kill": srun_kill,
         "srun-plain-kill": srun_plain_kill}


def run(context, case):
    CASES[case](context)
    context.count(NAME, case)
