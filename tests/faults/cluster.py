"""Networks of namespaces and a Slurm of this machine's own, by the scripts of slurm/, which are
copied to a short path first: sockets have short names, and a helper is built beside them."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from context import Skip, check

SCRIPTS = pathlib.Path(__file__).resolve().parent / "slurm"


def need(*commands):
    if os.geteuid() != 0:
        raise Skip("needs root: namespaces")
    for command in commands:
        if shutil.which(command, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
            raise Skip(f"{command} is not installed")


class Scripts:
    """A folder with copies of the scripts; a context manager that takes everything down."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="aef", dir="/tmp"))
        for path in SCRIPTS.iterdir():
            shutil.copy(path, self.folder)

    def call(self, script, *arguments, environment=None, good=True):
        done = subprocess.run([self.folder / script, *map(str, arguments)], check=False, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True,
                              env={**os.environ, **(environment or {})})
        check(not good or done.returncode == 0,
              f"{script} {' '.join(map(str, arguments))}: {done.stderr or done.stdout}")
        return done.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()
        shutil.rmtree(self.folder, ignore_errors=True)

    def down(self):
        raise NotImplementedError


class Network(Scripts):
    def __init__(self, hosts=2):
        need("ip", "nsenter", "unshare", "g++")
        super().__init__()
        self.state = self.folder / "n"
        self.call("netns_net.sh", "up", self.state, hosts)

    def shape(self, host, *shape):
        self.call("netns_net.sh", "shape", self.state, host, *shape)

    def command(self, ranks, *program):
        return [self.folder / "netns_mpirun.sh", "-d", self.state, "-n", ranks, "-N", 2, "--",
                *program]

    def down(self):
        self.call("netns_net.sh", "down", self.state, good=False)


class Slurm(Scripts):
    def __init__(self, **settings):
        need("slurmctld", "slurmd", "munged", "sbatch")
        super().__init__()
        self.state = self.folder / "s"
        self.settings = {f"SLURM_TEST_{name.upper()}": str(value)
                         for name, value in settings.items()}
        self.up()
        script = f". {self.state}/env.sh && env -0"
        lines = subprocess.run(["bash", "-c", script], check=True, capture_output=True).stdout
        pairs = (entry.split("=", 1) for entry in lines.decode().split("\0") if "=" in entry)
        self.environment = dict(pairs)

    def up(self):
        self.call("slurm_up.sh", self.state, environment=self.settings)

    def kill_node(self, node):
        self.call("slurm_node.sh", self.state, "kill", node)

    def ask(self, *command):
        done = subprocess.run([str(word) for word in command], check=False, text=True, timeout=60,
                              env=self.environment, capture_output=True, cwd=self.folder)
        check(done.returncode == 0, f"{' '.join(map(str, command))}: {done.stderr}")
        return done.stdout.strip()

    def job(self, number):
        """What scontrol shows of it, as a dictionary."""
        words = self.ask("scontrol", "show", "job", number, "-o").split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def down(self):
        self.call("slurm_down.sh", self.state, "--purge", good=False)
