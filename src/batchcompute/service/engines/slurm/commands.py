"""The commands of Slurm, run without a shell, with time limits, and with their errors sorted by what they mean."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

__all__ = ["AmbiguousError", "Commands", "CommandsError", "RefusedError", "UnreachableError"]

PROGRAMS: Final = ("sbatch", "squeue", "scancel", "scontrol")
"""The programs that the engine needs."""

_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "SLURM_CONF", "LD_LIBRARY_PATH")
"""Variables of the service that commands get, and with them the jobs. All others stay here: they may hold secrets."""

_NOT_REACHED = re.compile(
    r"unable to contact slurm controller|connection refused|temporarily unable|standby"
    r"|resource temporarily unavailable|munge|authentication|communication connection failure",
    re.IGNORECASE,
)
"""Texts of errors after which a job was certainly not accepted, and the same call may succeed later."""

_MAYBE_ACCEPTED = re.compile(r"timed out|zero bytes|unexpected message", re.IGNORECASE)
"""Texts of errors after which a job may have been accepted."""

_LIMITS = re.compile(r"MaxSubmit|MaxJobs|GrpSubmit", re.IGNORECASE)
"""Texts of refusals because of the number of jobs, which falls again."""


class CommandsError(OSError):
    """A command of Slurm failed."""


class UnreachableError(CommandsError):
    """Slurm did not answer, or accepts no job at this moment. The call had no effect."""


class AmbiguousError(CommandsError):
    """Slurm did not answer in time. The call may have had an effect."""


class RefusedError(CommandsError):
    """Slurm refuses the call. Another try has the same result."""


class Commands:
    """Runs the commands of Slurm.

    Args:
        timeout: Seconds after which a command has failed.
        environment: Variables of the commands; None for a few variables of the service.
    """

    def __init__(self, timeout: float = 30.0, environment: Mapping[str, str] | None = None) -> None:
        self._timeout = timeout
        if environment is None:
            environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
            environment.update({name: value for name, value in os.environ.items() if name.startswith("LC_")})
        self._environment = {
            "PATH": os.defpath,
            **environment,
            # Lists of array elements are not cut off, and times are numbers.
            "SLURM_BITSTR_LEN": "0",
            "SLURM_TIME_FORMAT": "%s",
        }
        self.calls: int = 0
        """Number of commands that were run."""

    def missing(self) -> list[str]:
        """Return the programs that this machine does not have."""
        return [name for name in PROGRAMS if shutil.which(name, path=self._environment["PATH"]) is None]

    def version(self) -> str:
        """Return the version of Slurm, for example ``slurm-wlm 22.05.8``.

        Raises:
            CommandsError: The command failed.
        """
        return self._run(["sbatch", "--version"]).strip()

    def submit(self, options: Sequence[str], script: str) -> str:
        """Submit a script with ``sbatch``, and return the id of the job.

        Raises:
            RefusedError: Slurm refuses the job.
            UnreachableError: The job was not accepted.
            AmbiguousError: The job may have been accepted.
        """
        answer = self._run(["sbatch", "--parsable", *options], script)
        # The answer is ID or ID;CLUSTER, after lines that a plugin of the site may print.
        job = answer.strip().rpartition("\n")[2].partition(";")[0].strip()
        if not job.isascii() or not job.isdigit():
            raise AmbiguousError(f"sbatch answers {answer[:200]!r} instead of the id of a job")
        return job

    def queue(self, line_format: str) -> str:
        """Return the jobs of this user, those that have ended a short time ago included.

        Raises:
            CommandsError: The command failed.
        """
        return self._run(["squeue", "--noheader", "--me", "--states=all", f"--format={line_format}"])

    def cancel(self, name: str, jobs: Sequence[str] = ()) -> None:
        """End jobs of a name, which is also checked if ids are given: Slurm hands out ids again after a crash.

        Args:
            name: Name of the jobs.
            jobs: Ids, possibly with elements (``12_3``); none for all jobs of the name.

        Raises:
            CommandsError: The command failed.
        """
        self._run(["scancel", "--quiet", "--me", f"--name={name}", *jobs])

    def show(self, *what: str) -> str:
        """Return the answer of ``scontrol show``, one line for each entry.

        Raises:
            CommandsError: The command failed.
        """
        return self._run(["scontrol", "--all", "--oneliner", "show", *what])

    def _run(self, command: Sequence[str], script: str = "") -> str:
        self.calls += 1
        name = command[0]
        try:
            done = subprocess.run(
                command,
                input=script.encode(),
                capture_output=True,
                env=self._environment,
                timeout=self._timeout,
                check=False,
                cwd="/",
            )
        except subprocess.TimeoutExpired:
            raise AmbiguousError(f"{name} does not answer within {self._timeout:g} seconds") from None
        except OSError as error:
            raise UnreachableError(f"{name} cannot be run: {error.strerror}") from error
        if done.returncode == 0:
            return done.stdout.decode("utf-8", "replace")
        text = message_of(done.stderr.decode("utf-8", "replace")) or f"exit status {done.returncode}"
        if _NOT_REACHED.search(text) or _LIMITS.search(text):
            raise UnreachableError(f"{name}: {text}")
        if _MAYBE_ACCEPTED.search(text):
            raise AmbiguousError(f"{name}: {text}")
        raise RefusedError(f"{name}: {text}")


def message_of(stderr: str) -> str:
    """Return the messages of a command of Slurm in one line."""
    parts: list[str] = []
    for line in stderr.splitlines():
        text = re.sub(r"^\w+: ((error|fatal): )?", "", line).strip()
        text = "".join(letter if letter.isprintable() else " " for letter in text)
        if text and text not in parts:
            parts.append(text)
    return "; ".join(parts)[:500].rstrip(".")
