"""ranks: killed on 2 ranks at a random time, resumed on 1, 3 or 4: the same bytes."""

import shutil

from context import check
from journal import Journal
from oracles import finished_run
from reference import reference
from runs import Job, kill, resume, run_arguments

NAME = "ranks"
WORKLOADS = ("short", "group", "epochs", "long")


def cases(context):
    if context.extent == "quick":
        return ["group/3/0", "long/1/0"]
    return [f"{workload}/{ranks}/{number}" for workload in WORKLOADS for ranks in (1, 3, 4)
            for number in range(5)]


def run(context, case):
    workload, ranks, _ = case.split("/")
    work = reference(context, workload)
    folder = context.folder() / "run"
    rng = context.random(NAME, case)
    job = Job(run_arguments(context, work.experiment, folder))
    job.wait_for(lambda: Journal.of(folder).kinds("trial_begun"), 30.0, pause=0.002)
    job.wait_for(lambda: False, rng.uniform(0.0, 0.6) * work.seconds)
    alive = job.roles()
    if alive:
        kill(alive[rng.choice(sorted(alive))])
    job.wait()
    job.no_orphans()
    if not (folder / "journal").exists():
        context.count(NAME, "kills before the journal began")
    again = resume(context, work.experiment, folder, ranks=int(ranks))
    finished_run(folder, work.final, work.interval, job.acks() | again.acks())
    check(again.status == 0, again.tail())
    context.count(NAME, f"resumed on {ranks}")
    shutil.rmtree(folder.parent)
