"""The table of commands, and the run of one of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

import click

from batchcompute._version import __version__
from batchcompute.cli import failures
from batchcompute.cli.framework import SETTINGS, Entry, LazyGroup, examples
from batchcompute.cli.state import OF_ALL, State
from batchcompute.errors import BatchComputeError

__all__: list[str] = []

_NAME: Final = "batchcompute"

_COMPLETION: Final = "_BATCHCOMPUTE_COMPLETE"
"""The variable with which a shell asks for completions."""

_DIRECTORY: Final = "A data directory, also without a server"

COMMANDS: Final = {
    "run": Entry("Jobs", "run", "run a job from a file, or a command, and wait for its end"),
    "jobs": Entry("Jobs", "jobs", "list jobs"),
    "job": Entry("Jobs", "jobs", "show a job: its tasks, what waits, and what failed"),
    "logs": Entry("Jobs", "logs", "print the output of instances"),
    "attempts": Entry("Jobs", "jobs", "show the attempts of instances"),
    "stop": Entry("Jobs", "actions", "stop waiting or running jobs"),
    "start": Entry("Jobs", "actions", "start stopped or failed jobs again"),
    "delete": Entry("Jobs", "actions", "delete jobs that have ended"),
    "cp": Entry("Objects", "objects", "copy files and objects"),
    "ls": Entry("Objects", "objects", "list buckets and objects"),
    "cat": Entry("Objects", "objects", "write objects to stdout"),
    "rm": Entry("Objects", "objects", "remove objects"),
    "clusters": Entry("Other resources", "resources", "list clusters, or show one"),
    "apps": Entry("Other resources", "resources", "list apps, or show one"),
    "images": Entry("Other resources", "resources", "list images, or show one"),
    "validate": Entry(
        "Descriptions", "descriptions", "check files, and print all problems with line and path"
    ),
    "dag": Entry("Descriptions", "drawings", "draw the tasks of a job and their order"),
    "convert": Entry("Descriptions", "descriptions", "print a file in the form of the API"),
    "schema": Entry("Descriptions", "descriptions", "print the JSON schema of a description"),
    "up": Entry("Service", "background", "run the service of a data directory in the background"),
    "down": Entry("Service", "background", "end the service in the background"),
    "status": Entry("Service", "background", "show whether a service runs, and where"),
    "page": Entry("Service", "page", "open the page of the service in a browser, logged in"),
    "serve": Entry("Service", "serve", "serve the API over HTTP, and run the jobs"),
    "doctor": Entry("Service", "doctor", "check whether engines can run jobs, and say what to do"),
    "keys": Entry(_DIRECTORY, "keys", "list, add, rotate and revoke access keys"),
    "buckets": Entry(_DIRECTORY, "buckets", "list buckets, and share them between owners"),
    "backup": Entry(_DIRECTORY, "backups", "write a backup to a file"),
    "restore": Entry(_DIRECTORY, "backups", "make a data directory from a backup"),
    "du": Entry(_DIRECTORY, "usage", "show what takes space"),
    "trim": Entry(_DIRECTORY, "trim", "remove old jobs and tokens"),
    "completion": Entry("Other", "completions", "print the completion script of a shell"),
}
"""All commands by name, in the order of the help."""

batchcompute: LazyGroup = LazyGroup(
    COMMANDS,
    name=_NAME,
    globals_=OF_ALL,
    context_settings=SETTINGS,
    help="Run batch jobs on this machine or on a server, and look after them.\n\n"
    "Options of this list may stand before or after the command.",
    epilog=examples(
        "batchcompute run --command 'echo hello'",
        "batchcompute validate pipeline.yaml && batchcompute run pipeline.yaml",
        "batchcompute up && batchcompute run --detach pipeline.yaml && batchcompute jobs",
    ),
)
click.version_option(__version__, prog_name=_NAME, message="%(prog)s %(version)s")(batchcompute)


def run(words: Sequence[str], is_process: bool = False) -> int:
    """Run a command; return its exit status.

    Args:
        words: The arguments after the program's name.
        is_process: Whether the process ends with the command, so that its services can be closed.
    """
    # A stream that the caller has closed is None.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    state = State()
    with failures.plain_warnings(), failures.log_of(state):
        if not is_process:
            return _run(words, state)
        try:
            with failures.signals_as_exceptions():
                return _run(words, state)
        finally:
            _close_services()


def _close_services() -> None:
    """Close the services of this process, and say how many jobs have not ended."""
    if "batchcompute.service.at_exit" not in sys.modules:
        return
    from batchcompute.cli.directory_state import left_text
    from batchcompute.service.at_exit import close_services

    for service in close_services():
        failures.say(f"batchcompute: {left_text(service.unfinished)}")


def _run(words: Sequence[str], state: State) -> int:
    try:
        # `main` of click would end the process at a closed pipe with the status of a failed job.
        batchcompute._main_shell_completion({}, _NAME, _COMPLETION)
        with batchcompute.make_context(_NAME, list(words), obj=state) as context:
            status = batchcompute.invoke(context)
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort) as error:
        return failures.interrupted(error, state)
    except BatchComputeError as error:
        # Before the next clause: the error for a connection that broke is also a BrokenPipeError.
        return failures.report(error, state)
    except BrokenPipeError:
        # The reader of stdout has ended. The interpreter would fail to flush the rest at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return failures.CLOSED_PIPE
    except Exception as error:  # noqa: BLE001 - every error becomes one message and a status
        return failures.report(error, state)
    return status if isinstance(status, int) else 0
