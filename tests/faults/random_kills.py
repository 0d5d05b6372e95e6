"""random-kills: up to five kills at random times in a row, then a resume to the end.

A case is chain-N. Victims are drawn among the ranks, mpirun and the supervisor that are alive. The
phase of a kill is what journal and folder showed just before it.
"""

import pathlib
import shutil

from context import check
from journal import Journal
from oracles import acknowledged, finished_run
from reference import reference
from runs import END_SECONDS, PATIENT, Job, kill, resume, run_arguments, supervise_arguments

NAME = "random-kills"
KILLS = {"quick": 6, "long": 1000}
KILLS_IN_A_ROW = 5
TRAINING_SHARE = 0.75  # Of the kills wait until the job has trained; the others come at any time.


def lengths(context):
    """Kills in each chain, until their sum is what was asked for."""
    left, rng, found = KILLS[context.extent], context.random(NAME, "lengths"), []
    while left > 0:
        found.append(min(left, rng.randint(1, KILLS_IN_A_ROW)))
        left -= found[-1]
    return found


def cases(context):
    return [f"chain-{number}-{kills}" for number, kills in enumerate(lengths(context))]


def phase(folder, jobs_before):
    """(what the run was doing, whether a training step was behind it)."""
    journal = Journal.of(folder)
    jobs = len(journal.kinds("job_started"))
    job = journal.last_job()
    trained = any(record["kind"] in ("checkpoint_written", "trial_finished")
                  for record in journal.records)
    begun = any(record["kind"] == "trial_begun" for record in job)
    if jobs == jobs_before or not begun:
        return ("start" if jobs_before == 0 else "recovery"), trained
    names = {record["file"]["name"] for record in journal.records if "file" in record}
    names |= {record["segment"]["name"] for record in journal.kinds("trials_folded")}
    for place, found in (("trials", "commit"), ("checkpoints", "checkpoint"), ("", "commit")):
        for path in pathlib.Path(folder, place).glob("*"):
            if path.name.endswith(".tmp"):
                return found, trained
            if place and f"{place}/{path.name}" not in names:
                return found, trained
    everything = {number for record in journal.kinds("trials_planned")
                  for number in range(record["first"], record["first"] + len(record["keys"]))}
    if everything and everything == set(journal.finished()):
        return "commit", trained
    return "training", trained


def choose(rng, alive):
    """Uniform over the kinds of victims that are alive, then over the ranks."""
    return rng.choice(sorted(alive)) if alive else None


class Chain:
    def __init__(self, context, case):
        self.context = context
        self.rng = context.random(NAME, case)
        self.work = reference(context, "long")
        self.folder = context.folder() / "run"
        self.acks = set()
        self.kills = 0
        self.killed = []  # What is to be counted of the present job.
        self.wanted = int(case.split("-")[2])

    def start(self):
        supervised = self.rng.random() < 0.4
        manner = PATIENT if self.rng.random() < 0.3 else {}
        make = supervise_arguments if supervised else run_arguments
        self.jobs_before = len(Journal.of(self.folder).kinds("job_started"))
        return Job(make(self.context, self.work.experiment, self.folder,
                        extra=("--resume=auto",)), manner), supervised

    def kill_once(self, job):
        """After a random time; the role that died, or nothing where the job had ended."""
        draws = self.rng.random(), self.rng.random()
        if draws[0] < TRAINING_SHARE:
            job.wait_for(self.trained, 30.0)
        ended = job.wait_for(lambda: False, draws[1] * self.work.seconds / 2)
        alive = job.roles()
        victim = choose(self.rng, alive)
        if ended or victim is None or job.process.poll() is not None:
            return None
        doing, trained = phase(self.folder, self.jobs_before)
        if not kill(alive[victim]):
            return None
        self.kills += 1
        kind = victim if not victim.startswith("rank") else "ranks"
        self.killed += ["kills", f"kills of {kind}", f"kills in phase {doing}"]
        self.killed += ["kills after the first training step"] if trained else []
        return victim

    def trained(self):
        """Whether the present job has got somewhere."""
        jobs = len(Journal.of(self.folder).kinds("job_started"))
        return jobs > self.jobs_before and any(
            record["kind"] in ("checkpoint_written", "trial_finished")
            for record in Journal.of(self.folder).last_job())

    def job_with_kills(self):
        self.killed = []
        job, supervised = self.start()
        victim = self.kill_once(job)
        # A supervisor starts the job again: it may be killed again while it does.
        while supervised and victim not in (None, "supervisor") and self.kills < self.wanted:
            self.jobs_before = len(Journal.of(self.folder).kinds("job_started"))
            victim = self.kill_once(job)
        status = job.wait(END_SECONDS + 4 * self.work.seconds)
        job.no_orphans()
        self.acks |= job.acks()
        if victim is not None and not supervised and status == 0:
            check(len(Journal.of(self.folder).finished()) == len(self.work.final.members),
                  f"{victim} was killed and the job ended with 0")
            self.context.count(NAME, "kills that came when the job had just ended")
            self.kills -= 1
            self.killed = []
        for what in self.killed:
            self.context.count(NAME, what)
        if supervised and victim not in (None, "supervisor"):
            check(status == 0, f"the supervisor did not finish the run: {status}: {job.tail()}")
        acknowledged(self.folder, self.acks, self.work.final)

    def finish(self):
        job = resume(self.context, self.work.experiment, self.folder)
        finished_run(self.folder, self.work.final, self.work.interval, self.acks | job.acks())


def run(context, case):
    chain = Chain(context, case)
    for _ in range(4 * chain.wanted):
        if chain.kills >= chain.wanted:
            break
        chain.job_with_kills()
        if finished(chain):
            # Nothing left to kill here: the rest of the chain works on a new folder.
            chain.finish()
            shutil.rmtree(chain.folder)
            chain.acks.clear()
    if chain.folder.exists():
        chain.finish()
    shutil.rmtree(chain.folder.parent)


def finished(chain):
    return chain.kills < chain.wanted and len(
        Journal.of(chain.folder).finished()) == len(chain.work.final.members)
