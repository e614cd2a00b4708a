"""The journal: which attempts are in which job array, so that they are found again after a restart of the service."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, cast

__all__ = ["Journal", "JournaledArray"]

# A line of JSON for each event. It is written before Slurm is told, and needs no sync: it has to survive the end of the
# service, like the database, and a record file says more than the journal.

_COMPACT_AFTER: Final = 2000
"""Events after which the file is written anew at the next start."""


@dataclass(slots=True)
class JournaledArray:
    """A job array in the journal."""

    name: str
    """Its name."""
    elements: list[list[str]]
    """Tokens of each element."""
    job: str = ""
    """Id of the job; empty if the service ended before Slurm answered."""
    cancelled: set[str] = field(default_factory=set[str])
    """Tokens of attempts that were cancelled."""


class Journal:
    """The journal of an engine.

    Args:
        path: The file. Its directory is made.

    Raises:
        OSError: The file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.queued: dict[str, None] = {}
        """Tokens of attempts that are in no job array yet."""
        self.arrays: dict[str, JournaledArray] = {}
        """Job arrays by name."""
        events = self._read()
        self._file = self._open()
        if events > _COMPACT_AFTER:
            self._compact()

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def note_queued(self, tokens: Sequence[str]) -> None:
        """Note attempts that were accepted."""
        self._write({"queued": list(tokens)})
        self.queued.update(dict.fromkeys(tokens))

    def note_dropped(self, tokens: Sequence[str]) -> None:
        """Note attempts that were accepted, and that never get into a job array."""
        self._write({"dropped": list(tokens)})
        for token in tokens:
            self.queued.pop(token, None)

    def note_array(self, name: str, elements: Sequence[Sequence[str]]) -> None:
        """Note a job array that is going to be submitted."""
        self._write({"array": name, "elements": [list(tokens) for tokens in elements]})
        self._add_array(name, [list(tokens) for tokens in elements])

    def note_job(self, name: str, job: str) -> None:
        """Note that Slurm has accepted a job array."""
        self._write({"array": name, "job": job})
        self.arrays[name].job = job

    def note_cancelled(self, name: str, tokens: Iterable[str]) -> None:
        """Note attempts of a job array that were cancelled."""
        cancelled = list(tokens)
        self._write({"array": name, "cancelled": cancelled})
        self.arrays[name].cancelled.update(cancelled)

    def note_removed(self, name: str) -> None:
        """Note that nothing of a job array is needed any more."""
        self._write({"array": name, "removed": True})
        self.arrays.pop(name, None)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _add_array(self, name: str, elements: list[list[str]]) -> None:
        self.arrays[name] = JournaledArray(name, elements)
        for tokens in elements:
            for token in tokens:
                self.queued.pop(token, None)

    def _write(self, event: Mapping[str, Any]) -> None:
        # The empty line ends a line that was cut off.
        data = b"\n" + json.dumps(event, separators=(",", ":")).encode("ascii") + b"\n"
        if os.write(self._file, data) < len(data):
            raise OSError(f"{self._path}: only a part of an event was written")

    def _read(self) -> int:
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return 0
        events = 0
        for line in lines:
            if not line:
                continue
            events += 1
            try:
                self._apply(cast("dict[str, Any]", json.loads(line)))
            except (ValueError, TypeError, KeyError):
                # A line that was cut off. What it was about is found in no job array, and is lost.
                continue
        return events

    def _apply(self, event: dict[str, Any]) -> None:
        if "queued" in event:
            self.queued.update(dict.fromkeys(event["queued"]))
        elif "dropped" in event:
            for token in event["dropped"]:
                self.queued.pop(token, None)
        elif "elements" in event:
            self._add_array(event["array"], event["elements"])
        elif "job" in event:
            self.arrays[event["array"]].job = event["job"]
        elif "cancelled" in event:
            self.arrays[event["array"]].cancelled.update(event["cancelled"])
        elif "removed" in event:
            self.arrays.pop(event["array"], None)

    def _compact(self) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        os.close(self._file)
        path, self._path = self._path, fresh
        self._file = self._open()
        if self.queued:
            self._write({"queued": list(self.queued)})
        for array in self.arrays.values():
            self._write({"array": array.name, "elements": array.elements})
            if array.job:
                self._write({"array": array.name, "job": array.job})
            if array.cancelled:
                self._write({"array": array.name, "cancelled": sorted(array.cancelled)})
        fresh.replace(path)
        self._path = path
