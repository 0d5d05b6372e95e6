"""supervise: `aesweep run --supervise` after crashes, and what is charged to whom.

bad-plugin: one trial's plugin ends by SIGSEGV; it is given up after two crashes, the others' bytes
are those of a run without it. killed/WHO: mpirun or a rank is killed three times; nobody is
charged. killed/supervisor: nothing of it is left.
"""

import pathlib
import shutil

from context import Skip, check
from journal import Journal
from oracles import finished_run
from reference import reference
from runs import (END_SECONDS, PATIENT, Job, kill, resume, run as run_program,
                  supervise_arguments)

NAME = "supervise"

BAD = """schema: 1
name: bad
data: {{source: superposition, train_rows: 256, test_rows: 64, cols: 16, atoms: 16, active_mean: 2}}
model:
  loss: mse
  layers:
    - {{name: code, kind: dense, units: 16, activation: relu}}
    - {{name: decoder, kind: dense}}
optimizer: {{kind: adam, lr: 1.0e-3}}
train: {{epochs: 2, batch_rows: 64, shard_rows: 32, seed: 1}}
resources: {{ranks_per_trial: 2}}
plugins: [{plugin}]
parameters:
  model.layers.code.activation: {{values: [{activations}]}}
"""


def cases(context):
    if context.extent == "quick":
        return ["killed/mpirun"]
    return ["bad-plugin/segfaults_at_step", "bad-plugin/exits_at_step", "killed/mpirun",
            "killed/rank0", "killed/rank1", "killed/supervisor"]


def run(context, case):
    kind, what = case.split("/")
    bad_plugin(context, what) if kind == "bad-plugin" else killed(context, what)
    context.count(NAME, kind)


def bad_plugin(context, name):
    source = next(iter(sorted((context.build / "tests/bad_plugins/libraries").glob(f"{name}.so"))),
                  None)
    if source is None:
        raise Skip(f"{name}.so is not built")
    base = context.folder()
    for path in source.parent.glob(f"{name}.*"):
        shutil.copy(path, base)
        (base / path.name).chmod(0o755)
    paths = {}
    for file, activations in (("bad", f"relu, {name}, tanh"), ("good", "relu, tanh")):
        paths[file] = base / f"{file}.yaml"
        paths[file].write_text(BAD.format(plugin=base / source.name, activations=activations))
    # In two folders, so the plugin has to be found by its absolute path in both.
    job = Job(supervise_arguments(context, paths["bad"], base / "run"))
    status = job.wait(2 * END_SECONDS)
    job.no_orphans()
    check(status == 1, f"a sweep with a quarantined trial ended with {status}: {job.tail()}")
    finished = Journal.of(base / "run").finished()
    outcomes = [finished[number]["outcome"] for number in sorted(finished)]
    check(outcomes == ["completed", "failed", "completed"], f"outcomes: {outcomes}")
    check(name in finished[1]["reason"], f"the reason does not name it: {finished[1]['reason']}")
    crashes = Journal.of(base / "run").kinds("trial_crashed")
    check([crash["number"] for crash in crashes] == [1, 1], f"charged: {crashes}")
    good = run_program(context, paths["good"], base / "good", extra=())
    check(good.status == 0, good.tail())
    check(finished[0]["file"]["sha256"]
          == Journal.of(base / "good").finished()[0]["file"]["sha256"],
          "a good trial's bytes differ beside the bad one")


def killed(context, who):
    work = reference(context, "long")
    folder = context.folder() / "run"
    job = Job(supervise_arguments(context, work.experiment, folder, extra=("--resume=auto",)),
              PATIENT)
    for number in range(1, 4):
        def trained():
            starts = len(Journal.of(folder).kinds("job_started"))
            return starts >= number and any(
                record["kind"] in ("checkpoint_written", "trial_finished")
                for record in Journal.of(folder).last_job())
        if not job.wait_for(trained, 60) or job.process.poll() is not None:
            break
        victim = job.roles().get(who)
        if victim is not None:
            kill(victim)
        if who == "supervisor":
            break
    status = job.wait(2 * END_SECONDS)
    job.no_orphans()
    check(not Journal.of(folder).kinds("trial_crashed"), "a kill was charged to a trial")
    acks = job.acks()
    if who == "supervisor":
        check(status == 137, f"the killed supervisor's status is {status}")
        acks |= resume(context, work.experiment, folder).acks()
    else:
        check(status == 0, f"the supervisor ended with {status}: {job.tail()}")
    finished_run(folder, work.final, work.interval, acks)
    shutil.rmtree(pathlib.Path(folder).parent)
