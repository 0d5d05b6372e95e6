"""Starting the program as a user would, finding its processes, and ending them."""

import os
import pathlib
import re
import signal
import subprocess
import threading
import time
import uuid

from context import Fault, check

# As cmake/AesweepTest.cmake has it. One messaging layer is named: looking for others takes longer
# than most runs here. After the death of a rank mpirun kills the others at once.
MPI_ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1", "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_mpi_yield_when_idle": "1", "OMPI_MCA_btl_base_warn_component_unused": "0",
    "OMPI_MCA_plm_rsh_agent": "false", "OMPI_MCA_pml": "ob1",
    "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
    "OMPI_MCA_odls_base_sigkill_timeout": "0",
}
# What mpirun does by itself: after TERM the others have one second.
PATIENT = {"OMPI_MCA_odls_base_sigkill_timeout": "1"}
TAG = "AESWEEP_FAULT_TAG"
END_SECONDS = 60.0  # In which a job has to end after a fault.
LITTER_SECONDS = 10.0  # In which nothing may be left of it.

ACK = re.compile(rb"\btrial (\d+)\b[^\n]*\bcompleted\b")
LOST_CHECKPOINT = re.compile(rb" error .*checkpoints/(\d+)\.(\d+)\.(\d+)\.h5")


class Process:
    """One process of a job, as /proc shows it."""

    def __init__(self, pid, environment):
        self.pid = pid
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace")
        self.name = fields[fields.index("(") + 1:fields.rindex(")")]
        rest = fields[fields.rindex(")") + 2:].split()
        self.state = rest[0]
        self.parent = int(rest[1])
        rank = re.search(rb"(?:^|\0)OMPI_COMM_WORLD_RANK=(\d+)", environment)
        self.rank = int(rank.group(1)) if rank else None


def processes(tag):
    """Those that carry the tag and are not zombies."""
    wanted = f"{TAG}={tag}".encode()
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            environment = pathlib.Path("/proc", entry, "environ").read_bytes()
            if wanted not in environment.split(b"\0"):
                continue
            process = Process(int(entry), environment)
        except (OSError, ValueError):
            continue
        if process.state not in "ZX":
            found.append(process)
    return found


def roles(tag):
    """Role (rank0, rank1, mpirun, supervisor) -> pid; helpers that a rank forked left out."""
    alive = processes(tag)
    by_pid = {process.pid: process for process in alive}
    found = {}
    for process in alive:
        parent = by_pid.get(process.parent)
        if process.name in ("mpirun", "orterun"):
            found["mpirun"] = process.pid
        elif process.name == "aesweep" and (parent is None or parent.name != "aesweep"):
            role = "supervisor" if process.rank is None else f"rank{process.rank}"
            found[role] = process.pid
    return found


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
        return True
    except ProcessLookupError:
        return False


_started = []


def use_folder(folder):
    """Where Open MPI keeps its own files: those of killed jobs stay there."""
    MPI_ENVIRONMENT["OMPI_MCA_orte_tmpdir_base"] = str(folder)
    MPI_ENVIRONMENT["OMPI_MCA_btl_vader_backing_directory"] = str(folder)


def destroy_all():
    """Ends every process of every job: for the tool's own end."""
    for job in list(_started):
        job.destroy()


class Job:
    """A started command; its output is read into memory as it comes."""

    def __init__(self, arguments, environment=None, folder="/", prepare=None):
        self.tag = uuid.uuid4().hex
        self.arguments = [str(argument) for argument in arguments]
        whole = {**os.environ, **MPI_ENVIRONMENT, **(environment or {}), TAG: self.tag}
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.arguments, env={k: str(v) for k, v in whole.items()}, cwd=folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=prepare)
        self.output = b""
        _started.append(self)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        while True:
            block = os.read(self.process.stdout.fileno(), 65536)
            if not block:
                return
            self.output += block

    def text(self):
        return self.output.decode(errors="replace")

    def acks(self):
        return {int(number) for number in ACK.findall(self.output)}

    def lost_checkpoints(self):
        """Those that the job said it could not write: (number, attempt) to steps."""
        lost = {}
        for number, attempt, step in LOST_CHECKPOINT.findall(self.output):
            lost.setdefault((int(number), int(attempt)), []).append(int(step))
        return lost

    def roles(self):
        return roles(self.tag)

    def signal(self, number):
        return kill(self.process.pid, number)

    def wait(self, seconds=END_SECONDS):
        """Exit status, as a shell has it. A job that does not end is a fault."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.destroy()
            raise Fault(f"the job did not end within {seconds:.0f} s: {self.tail()}") from None
        self.reader.join(LITTER_SECONDS)
        self.process.stdout.close() if not self.reader.is_alive() else None
        return status if status >= 0 else 128 - status

    def wait_for(self, condition, seconds=30.0, pause=0.005):
        """Whether the condition comes true while the job runs."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return True
            if self.process.poll() is not None:
                return bool(condition())
            time.sleep(pause)
        return False

    def tail(self, characters=900):
        return " | ".join(self.text()[-characters:].strip().splitlines())

    def no_orphans(self):
        """O3: nothing of the job is left after a while."""
        end = time.monotonic() + LITTER_SECONDS
        while True:
            left = processes(self.tag)
            if not left:
                if self in _started:
                    _started.remove(self)
                return
            if time.monotonic() > end:
                names = ", ".join(f"{p.name} {p.pid}" for p in left)
                self.destroy()
                raise Fault(f"processes left after {LITTER_SECONDS:.0f} s: {names}")
            time.sleep(0.02)

    def destroy(self):
        for _ in range(20):
            left = processes(self.tag)
            if not left:
                break
            for process in left:
                kill(process.pid)
            time.sleep(0.05)


def run_arguments(context, experiment, folder, ranks=2, extra=(), wrapped=None, wrapper=(),
                  launcher=("mpirun",)):
    """mpirun's command line; rank `wrapped` is started through the command `wrapper`."""
    program = [context.program, "run", experiment, "-o", folder, *extra]
    if wrapped is None:
        return [*launcher, "-n", ranks, *program]
    line = list(launcher)
    for rank in range(ranks):
        line += ([":"] if rank else []) + ["-np", 1]
        line += [*wrapper, *program] if rank == wrapped else program
    return line


def supervise_arguments(context, experiment, folder, ranks=2, extra=()):
    return [context.program, "run", "--supervise", "-n", ranks, experiment, "-o", folder, *extra]


def run(context, experiment, folder, ranks=2, extra=("--resume=auto",), environment=None,
        seconds=END_SECONDS, **more):
    """Runs to the end; the job, its status as job.status. Nothing of it may be left."""
    job = Job(run_arguments(context, experiment, folder, ranks, extra, **more), environment)
    job.status = job.wait(seconds)
    job.no_orphans()
    return job


def resume(context, experiment, folder, ranks=2, **more):
    """Resumes to the end, which has to be a good one."""
    job = run(context, experiment, folder, ranks, **more)
    check(job.status == 0, f"resumed on {ranks} ranks: exit status {job.status}: {job.tail()}")
    return job
