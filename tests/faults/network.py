"""network: two hosts (network namespaces with the same folder), one trial on ranks of both.

slow: delayed and lossy links change nothing. cut/SECONDS: a cut shorter than limits.stall goes on;
by a longer one all ranks end with a cause, and the run can be resumed. mpirun itself waits for its
daemon on the other host as long as TCP does: it ends when the link is back.
"""

import time

from cluster import Network
from context import check
from journal import Journal
from oracles import Final, litter
from reference import written
from runs import END_SECONDS, Job, resume, run_arguments

NAME = "network"


def cases(context):
    return [] if context.extent == "quick" else ["slow", "cut/3", "cut/20", "cut/ever"]


def run(context, case):
    kind, _, seconds = case.partition("/")
    stall = "8s" if seconds == "ever" else "60s"
    with Network() as network:
        # Not in /dev/shm: each host has one of its own.
        experiment = written(network.folder, "epochs" if kind == "slow" else "slurm")
        quiet, folder = network.folder / "quiet", network.folder / "run"
        undisturbed = Job(run_arguments(context, experiment, quiet))
        check(undisturbed.wait(120) == 0, undisturbed.tail())
        if kind == "slow":
            network.shape("all", "delay=2ms", "loss=0.5%")
        job = Job(network.command(2, context.program, "run", experiment, "-o", folder,
                                  "--resume=auto", "--set", f"limits.stall={stall}",
                                  "--set", "resources.ranks_per_trial=2"),
                  {"OMPI_MCA_orte_tmpdir_base": "/tmp",
                   "OMPI_MCA_btl_vader_backing_directory": "/dev/shm"})
        check(job.wait_for(lambda: Journal.of(folder).kinds("checkpoint_written"), 60), job.tail())
        if kind == "cut":
            network.shape("n2", "loss=100%")
            start = time.monotonic()
            if seconds != "ever":
                time.sleep(float(seconds))
                network.shape("n2", "none")
        if seconds == "ever":
            ended = job.wait_for(lambda: not any(role.startswith("rank") for role in job.roles()),
                                 END_SECONDS, pause=0.2)
            check(ended, f"ranks were left {END_SECONDS:.0f} s after the cut: {job.tail()}")
            context.count(NAME, "seconds from the cut to the end", round(time.monotonic() - start))
            network.shape("n2", "none")
        status = job.wait(240)
        if seconds == "ever":
            check(status != 0 and "no progress for" in job.text(),
                  f"ended with {status}: {job.tail()}")
        else:
            check(status == 0, f"ended with {status}: {job.tail()}")
        job.no_orphans()
        if seconds == "ever":
            resume(context, experiment, folder)
        Final(folder).same_as(Final(quiet))
        check(not litter(folder), f"left behind: {litter(folder)}")
    context.count(NAME, case)
