"""A small job that looks at the site from a node."""

from __future__ import annotations

import json
import secrets
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

from batchcompute import __version__
from batchcompute.service.clock import Clock
from batchcompute.service.engines.findings import Finding
from batchcompute.service.engines.slurm.commands import Commands, CommandsError, RefusedError
from batchcompute.service.engines.slurm.queue import FORMAT, parse_queue
from batchcompute.service.engines.slurm.script import ArrayJob
from batchcompute.service.engines.slurm.settings import SiteOptions, SlurmSettings
from batchcompute.service.engines.slurm.site import Demand

__all__ = ["Visit"]

_PAUSE: Final = 0.2
"""Seconds between two looks for the answer of the job."""

_SKEW: Final = 5.0
"""Seconds by which the clock of a node may differ."""

_PROGRAM: Final = """\
import json, sys, time
answer = {"time": time.time(), "python": list(sys.version_info[:3])}
try:
    import batchcompute, batchcompute.runner.__main__
    answer["version"] = batchcompute.__version__
except Exception as error:
    answer["problem"] = f"{type(error).__name__}: {error}"
if len(sys.argv) > 1:
    import urllib.request
    try:
        urllib.request.urlopen(sys.argv[1] + "/healthz", timeout=10).close()
    except Exception as error:
        answer["endpoint"] = f"{type(error).__name__}: {error}"
print(json.dumps(answer))
"""
"""Program that looks at the Python of a node. It also runs with an old one."""


class Visit:
    """A small job that looks at the site from a node.

    Args:
        settings: The options of the engine.
        site: The site options of the job.
        label: The words that name these site options in findings.
        endpoint: URL at which nodes reach the service; empty if this is not checked.
        commands: The commands of Slurm.
        clock: The source of time.
    """

    def __init__(
        self,
        settings: SlurmSettings,
        site: SiteOptions,
        label: str,
        endpoint: str,
        commands: Commands,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._site = site
        self._label = label
        self._endpoint = endpoint
        self._commands = commands
        self._clock = clock
        self._name = f"bc-doctor-{secrets.token_hex(8)}"
        self._folder = Path(settings.directory) / self._name
        self._secret = secrets.token_hex(16)
        self._failure: Finding | None = None
        self.is_undecided: bool = False
        """Whether Slurm has not run the job in time, so that nothing is known about the nodes."""
        self.node: str = ""
        """The node that answered with a usable Python and package; empty for none."""

    def begin(self) -> None:
        """Submit the job. An error becomes a finding."""
        try:
            self._folder.mkdir(mode=0o700)
            (self._folder / "question").write_text(self._secret, "ascii")
            job = ArrayJob(self._name, 1, str(self._folder), Demand(1), 5, self._site)
            self._commands.submit(job.options(), self._script())
        except CommandsError as error:
            self.is_undecided = not isinstance(error, RefusedError)
            advice = "check the options 'partition', 'account', 'qos' and 'sbatch'"
            self._failure = self._bad("job", str(error), advice)
        except OSError as error:
            self._failure = self._bad("directory", f"{self._folder}: {error}", "check the option 'directory'")

    def findings(self, seconds: float) -> Iterator[Finding]:
        """Wait for the answer of the job, and yield what it has found. `begin` was called before.

        Args:
            seconds: Seconds in which the job must answer.
        """
        try:
            if self._failure is None:
                yield from self._answer(seconds)
            else:
                yield self._failure
        except OSError as error:
            yield self._bad("directory", f"{self._folder}: {error}", "check the option 'directory'")

    def _script(self) -> str:
        folder = shlex.quote(str(self._folder))
        endpoint = shlex.quote(self._endpoint) if self._endpoint else ""
        return "\n".join(
            [
                "#!/bin/sh",
                *(f"#SBATCH {line}" for line in self._site.sbatch),
                "umask 077",
                self._settings.setup,
                f"cd {folder} || exit 1",
                'printf "%s\\n" "$SLURMD_NODENAME" > answer.new',
                'cat question >> answer.new; printf "\\n" >> answer.new',
                f"{self._settings.python} - {endpoint} >> answer.new <<'PROGRAM'",
                f"{_PROGRAM}PROGRAM",
                "mv answer.new answer",
                "",
            ]
        )

    def _answer(self, seconds: float) -> Iterator[Finding]:
        end = self._clock.monotonic() + seconds
        answer = self._folder / "answer"
        while not answer.exists():
            if self._clock.monotonic() >= end:
                yield self._unanswered(seconds)
                return
            self._clock.sleep(_PAUSE)
        arrival = self._clock.time()
        lines = answer.read_text("utf-8", "replace").split("\n")
        node, read, result = (*lines, "", "", "")[:3]
        yield self._good("job", f"a small job ran on node {node}")
        if read == self._secret:
            text = f"node {node} reads what is written here, and what it writes arrives here"
            yield self._good("directory from a node", text)
        else:
            text = f"node {node} does not read what is written here"
            advice = "set the option 'directory' to a directory that is the same on all nodes"
            yield self._bad("directory from a node", text, advice)
        yield from self._python(node, result, arrival)

    def _python(self, node: str, result: str, arrival: float) -> Iterator[Finding]:
        try:
            content = cast("dict[str, Any]", json.loads(result))
            version, moment = tuple(int(part) for part in content["python"]), float(content["time"])
        except (ValueError, TypeError, KeyError):
            words = self._last_words() or "no message"
            advice = "set the option 'python' to a Python of the nodes, and 'setup' to what it needs"
            yield self._bad("Python", f"{self._settings.python} does not run on {node}: {words}", advice)
            return
        text = f"{self._settings.python} on {node} is {'.'.join(map(str, version))}"
        if version < (3, 11):
            yield self._bad("Python", text, "set the option 'python' to Python 3.11 or later")
        else:
            yield self._good("Python", text)
        if "problem" in content:
            text = f"the package cannot be imported on {node}: {str(content['problem'])[:300]}"
            yield self._bad("package", text, "install this package for the Python of the option 'python'")
        elif content.get("version") != __version__:
            text = (
                f"node {node} has version {str(content.get('version'))[:40]}, and this machine {__version__}"
            )
            yield self._bad("package", text, "install the same version on all nodes")
        else:
            self.node = node
            yield self._good("package", f"node {node} has version {__version__}")
        yield self._clocks(node, arrival - moment)
        if self._endpoint:
            yield self._reached(node, str(content.get("endpoint", ""))[:300])

    def _clocks(self, node: str, difference: float) -> Finding:
        if abs(difference) <= _SKEW:
            return self._good("clocks", f"that of {node} differs by less than {_SKEW:g} seconds")
        text = f"that of {node} differs by {abs(difference):.0f} seconds, or its file arrived that late"
        return self._bad("clocks", text, "let all machines synchronize their clocks")

    def _reached(self, node: str, problem: str) -> Finding:
        if not problem:
            return self._good("endpoint", f"node {node} reaches {self._endpoint}")
        text = f"node {node} does not reach {self._endpoint}: {problem}"
        return self._bad(
            "endpoint", text, "set the option 'node_endpoint', and let `serve` listen with --host"
        )

    def _unanswered(self, seconds: float) -> Finding:
        reason = "it has vanished from the queue"
        try:
            jobs = parse_queue(self._commands.queue(FORMAT), "bc-doctor-").get(self._name)
            row = jobs.element(0) if jobs else None
            if row is not None:
                self.is_undecided = row.phase != "ended"
                reason = f"it is {row.state}" + (f" ({row.reason})" if row.reason else "")
        except CommandsError as error:
            self.is_undecided = True
            reason = str(error)
        words = self._last_words()
        reason += f", and its log ends with {words!r}" * bool(words)
        text = f"a small job has not answered within {seconds:g} seconds: {reason}"
        advice = (
            "check that the directory is shared by all nodes, or try again when the site has free resources"
        )
        return self._bad("job", text, advice)

    def _last_words(self) -> str:
        try:
            lines = (self._folder / "runner.log").read_text("utf-8", "replace").split("\n")
        except OSError:
            return ""
        line = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return "".join(letter if letter.isprintable() else "?" for letter in line)[:300]

    def end(self) -> None:
        """End the job, and remove its files."""
        try:
            self._commands.cancel(self._name)
        except CommandsError:
            # The job has a time limit of five minutes.
            return
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _good(self, name: str, text: str) -> Finding:
        return Finding("ok", f"{name}{self._label}", text)

    def _bad(self, name: str, text: str, advice: str) -> Finding:
        return Finding("error", f"{name}{self._label}", text, advice)
