"""A Slurm cluster of two nodes on this machine, with daemons that are children of the tests."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
NODES = ("n1", "n2")
_GUARD = "--guard"
"""Argument with which this file waits for the end of its parent."""

MEMORY = 8000
"""MiB of each node. The nodes pretend to have them."""

_CONFIG = """\
ClusterName=local
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={directory}/run/munge.socket
StateSaveLocation={directory}/state
SlurmdSpoolDir={directory}/spool/%n
SlurmctldPidFile={directory}/run/slurmctld.pid
SlurmdPidFile={directory}/run/slurmd-%n.pid
SlurmctldLogFile={directory}/log/slurmctld.log
SlurmdLogFile={directory}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=batch_sched_delay=0,bf_interval=1,sched_min_interval=100000
SlurmdParameters=config_overrides
PriorityType=priority/multifactor
MpiDefault=none
ReturnToService=2
MaxArraySize={max_array}
MaxJobCount=50000
MinJobAge={min_job_age}
KillWait=5
SlurmdTimeout=5
MessageTimeout=10
{node_lines}
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
PartitionName=short Nodes=n1,n2 MaxTime=00:02:00 State=UP
PartitionName=one Nodes=n2 MaxTime=INFINITE State=UP
PartitionName=shut Nodes=n1,n2 MaxTime=INFINITE State=DOWN
"""


def missing_programs() -> list[str]:
    """Return the programs of Slurm that this machine does not have."""
    return [name for name in PROGRAMS if _where(name) is None]


def _where(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [entry.getsockname()[1] for entry in sockets]
    for entry in sockets:
        entry.close()
    return ports


def wait_until(holds: Callable[[], object], text: str, seconds: float = 30.0, pause: float = 0.05) -> None:
    """Wait until a condition of another process holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not after {seconds:g} seconds: {text}"
        time.sleep(pause)


class Cluster:
    """A running cluster: `start` and `stop` each of its daemons.

    Args:
        directory: A new directory for its files.
        cpus: CPUs that each node pretends to have.
        max_array: ``MaxArraySize`` of the cluster.
        min_job_age: Seconds that the controller remembers jobs that have ended.
    """

    def __init__(
        self, directory: Path, cpus: int = 32, max_array: int = 20001, min_job_age: int = 300
    ) -> None:
        self.directory = directory
        self.config = directory / "slurm.conf"
        self.environment: Mapping[str, str] = {"SLURM_CONF": str(self.config)}
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        self._guard: subprocess.Popen[bytes] | None = None
        for name in ("run", "state", "spool", "log"):
            (directory / name).mkdir(parents=True)
        controller_port, *node_ports = _free_ports(1 + len(NODES))
        lines = [
            f"NodeName={node} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs={cpus}"
            f" RealMemory={MEMORY} State=UNKNOWN"
            for node, port in zip(NODES, node_ports, strict=True)
        ]
        self.config.write_text(
            _CONFIG.format(
                directory=directory,
                controller_port=controller_port,
                user=getpass.getuser(),
                node_lines="\n".join(lines),
                max_array=max_array,
                min_job_age=min_job_age,
            )
        )

    def start(self) -> None:
        """Start all daemons, and wait until both nodes can run jobs."""
        # In a session of its own, so that no signal for the group of this process ends it.
        self._guard = subprocess.Popen(
            [sys.executable, "-S", __file__, _GUARD, str(self.config)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        key = self.directory / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        run, log = self.directory / "run", self.directory / "log"
        self._spawn(
            "munged", "munged", "-F", "--force", f"--key-file={key}", f"--socket={run}/munge.socket",
            f"--pid-file={run}/munged.pid", f"--log-file={log}/munged.log", f"--seed-file={run}/munge.seed",
        )  # fmt: skip
        wait_until((run / "munge.socket").exists, "munged listens")
        self.start_controller("-c")
        for node in NODES:
            self.start_node(node)
        self.wait_ready()

    def start_controller(self, *options: str) -> None:
        """Start the controller. It reads its state, unless the option is ``-c``."""
        self._spawn("slurmctld", "slurmctld", "-D", *options, "-f", str(self.config))

    def start_node(self, node: str) -> None:
        """Start the daemon of a node."""
        self._spawn(node, "slurmd", "-D", "-f", str(self.config), "-N", node)

    def kill(self, daemon: str) -> None:
        """Kill a daemon: ``slurmctld``, ``munged`` or a node. Jobs of a node run on."""
        process = self._daemons.pop(daemon)
        process.kill()
        process.wait()

    def kill_node(self, node: str) -> None:
        """Kill a node: its daemon, and everything that runs there."""
        self.kill(node)
        # The keepers of the jobs first, so that none of them reports how its job has ended.
        for pid, command in _commands():
            if command.startswith(
                "slurmstepd: ["
            ) and f"{self.directory}/log/slurmd-{node}.log" in _open_paths(pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for _ in range(3):
            for pid, environment in _environments():
                if f"SLURMD_NODENAME={node}" in environment and f"SLURM_CONF={self.config}" in environment:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

    @contextmanager
    def paused(self, daemon: str) -> Iterator[None]:
        """Stop a daemon for a while: it neither answers nor refuses connections."""
        process = self._daemons[daemon]
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def wait_ready(self) -> None:
        """Wait until all nodes can run jobs."""

        def are_ready() -> bool:
            answer = self.run("sinfo", "-h", "-N", "-p", "all", "-o", "%T", check=False)
            states = answer.stdout.split()
            return len(states) == len(NODES) and set(states) <= {"idle", "mixed", "allocated"}

        wait_until(are_ready, "both nodes can run jobs", 60)

    def restart_controller(self) -> None:
        """Kill the controller, and start it again with its state."""
        self.kill("slurmctld")
        self.start_controller()

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of Slurm."""
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=check,
            env={**os.environ, **self.environment},
            timeout=60,
        )

    def queue(self) -> list[str]:
        """Return the ids of jobs that have not ended."""
        return self.run("squeue", "-h", "-r", "-o", "%i").stdout.split()

    def clear(self) -> None:
        """End all jobs, and put all nodes back into service."""
        self.run("scancel", "--quiet", *(["--user", getpass.getuser()]), check=False)
        wait_until(lambda: not self.queue(), "no job is left", 60)
        for node in NODES:
            self.run("scontrol", "update", f"nodename={node}", "state=resume", check=False)
        self.wait_ready()

    def stop(self) -> None:
        """Stop all daemons, and everything that they have started."""
        with suppress(OSError, subprocess.SubprocessError):
            self.run("scancel", "--quiet", "--user", getpass.getuser(), check=False)
        for name in [*NODES, "slurmctld", "munged"]:
            process = self._daemons.pop(name, None)
            if process is not None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
        _kill_users_of(str(self.config))
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.communicate()

    def _spawn(self, name: str, program: str, *arguments: str) -> None:
        path = _where(program)
        assert path is not None
        with (self.directory / "log" / f"{name}.out").open("ab") as output:
            self._daemons[name] = subprocess.Popen(
                [path, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **self.environment},
            )


def _proc() -> Iterator[tuple[int, Path]]:
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            yield int(path.name), path


def _environments() -> Iterator[tuple[int, list[str]]]:
    for pid, path in _proc():
        with suppress(OSError):
            yield pid, (path / "environ").read_bytes().decode("utf-8", "replace").split("\0")


def _commands() -> Iterator[tuple[int, str]]:
    for pid, path in _proc():
        with suppress(OSError):
            yield pid, (path / "cmdline").read_bytes().decode("utf-8", "replace").replace("\0", " ")


def _kill_users_of(config: str) -> None:
    """Kill all processes that belong to the cluster of a configuration: daemons, and what jobs have started."""
    for pid, environment in _environments():
        if f"SLURM_CONF={config}" in environment and pid != os.getpid():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _guard(config: str) -> None:
    """Wait until the process that has started the cluster is gone, and kill what it has left.

    The end of the standard input tells it, so that even a killed process leaves nothing behind.
    """
    sys.stdin.buffer.read()
    for _ in range(3):
        # A daemon may start a process while it is looked for.
        _kill_users_of(config)


def carrying(marker: str) -> list[int]:
    """Return the processes of this machine with a text in their command lines."""
    return [pid for pid, command in _commands() if marker in command]


def _open_paths(pid: int) -> str:
    paths = []
    with suppress(OSError):
        paths.append(str(Path(f"/proc/{pid}/cwd").readlink()))
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                paths.append(str(entry.readlink()))
    return "\n".join(paths)


@contextmanager
def running_cluster(
    directory: Path, cpus: int = 32, max_array: int = 20001, min_job_age: int = 300
) -> Iterator[Cluster]:
    """Run a cluster."""
    cluster = Cluster(directory, cpus, max_array, min_job_age)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


def _main(arguments: list[str]) -> None:
    if arguments[0] == _GUARD:
        _guard(arguments[1])
        return
    # `python tests/slurm/cluster.py DIRECTORY` runs a cluster until it is interrupted or terminated.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with suppress(KeyboardInterrupt), running_cluster(Path(arguments[0]).absolute()) as cluster:
        sys.stdout.write(f"export SLURM_CONF={cluster.config}\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    _main(sys.argv[1:])
