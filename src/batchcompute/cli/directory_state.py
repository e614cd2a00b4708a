"""The state of a data directory: whether a service runs, and how many jobs have not ended."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from batchcompute.cli import servers
from batchcompute.service.store.snapshot import count_unfinished

if TYPE_CHECKING:
    from batchcompute.client import Client

__all__: list[str] = []


class DirectoryState(NamedTuple):
    """A data directory at one moment. All messages about it come from here."""

    directory: Path
    """The data directory."""
    server: servers.Server | None
    """The server that runs its jobs; None if there is none."""
    owner: int
    """Id of a process that is no server and has the directory open; 0 if there is none."""
    waiting: int
    """Number of jobs of all owners that wait, as the database says."""
    running: int
    """Number of jobs of all owners that run, or ran when the last service ended."""

    @property
    def unfinished(self) -> int:
        """The number of jobs that have not ended."""
        return self.waiting + self.running

    @property
    def stopped_text(self) -> str:
        """The sentence that no service runs, and what is left to do."""
        text = f"no service runs for {self.directory}"
        return f"{text}; {left_text(self.unfinished)}" if self.unfinished else text


def look(directory: Path) -> DirectoryState:
    """Return the state of a data directory.

    Args:
        directory: The data directory.

    Raises:
        ConfigError: Its database cannot be read.
    """
    server = servers.find(directory)
    owner = 0 if server else servers.owner_of(directory)
    return DirectoryState(directory, server, owner, *count_unfinished(directory / "batchcompute.db"))


def unfinished_text(count: int) -> str:
    """Return the clause that jobs have not ended.

    Args:
        count: The number of jobs.
    """
    return "1 job has not ended" if count == 1 else f"{count} jobs have not ended"


def left_text(count: int) -> str:
    """Return the clause that jobs have not ended, and how they go on.

    Args:
        count: The number of jobs.
    """
    return f"{unfinished_text(count)}; `batchcompute up` goes on with what is left"


def stored_note(client: Client) -> str:
    """Return the sentence that jobs are shown as they are stored; empty if a service runs, or all jobs have ended.

    Args:
        client: The client of a command that has sent a request.
    """
    host = client._job_host()
    if host.kind != "stored":
        return ""
    state = look(Path(host.directory))
    return state.stopped_text if state.unfinished else ""
