"""The answer of ``squeue``: which elements of our job arrays wait, run, or have ended."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

__all__ = ["FORMAT", "Jobs", "Phase", "Row", "parse_queue"]

FORMAT: Final = "%F|%K|%T|%N|%j|%k|%r"
"""The format of a line: array id, element, state, nodes, name, comment, reason."""

Phase: TypeAlias = Literal["waiting", "running", "ended"]

_WAITING = frozenset(
    {
        "PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT",
        "SUSPENDED", "STOPPED",
    }
)  # fmt: skip
_RUNNING = frozenset({"RUNNING", "COMPLETING", "SIGNALING", "STAGE_OUT", "RESIZING", "STOPPING"})
_ORDER: Final[Mapping[Phase, int]] = {"ended": 0, "waiting": 1, "running": 2}
_LONGEST_SET = 1_000_000
"""Characters of the longest list of elements that is read."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of ``squeue``."""

    job: str
    """Id of the job array, which is not unique over time."""
    state: str
    """State in the words of Slurm."""
    reason: str = ""
    """Reason in the words of Slurm; empty for none."""
    node: str = ""
    """The node; empty if the job has none."""

    @property
    def phase(self) -> Phase:
        """Whether the job waits, runs or has ended. A state that is not known does not end it."""
        if self.state in _WAITING:
            return "waiting"
        if self.state in _RUNNING:
            return "running"
        return "ended" if self.state in _ENDED else "waiting"


_ENDED = frozenset(
    {
        "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "BOOT_FAIL", "PREEMPTED", "OUT_OF_MEMORY",
        "DEADLINE", "REVOKED",
    }
)  # fmt: skip


@dataclass(slots=True)
class Jobs:
    """The lines of the job arrays with one name."""

    _elements: dict[int, Row] = field(default_factory=dict[int, Row])
    _sets: list[tuple[list[range], Row]] = field(default_factory=list[tuple[list[range], Row]])
    _rest: Row | None = None
    """The line without an element: an array that was ended before any element started."""

    def add(self, elements: str, row: Row) -> None:
        """Add a line.

        Args:
            elements: Elements as ``squeue`` prints them: ``3``, ``4-7,9%2`` or ``N/A``.
            row: The rest of the line.
        """
        if elements.isascii() and elements.isdigit() and len(elements) < 10:
            number = int(elements)
            self._elements[number] = _better(self._elements.get(number), row)
        elif elements == "N/A":
            self._rest = _better(self._rest, row)
        elif (ranges := _ranges(elements)) is not None:
            self._sets.append((ranges, row))

    def element(self, number: int) -> Row | None:
        """Return the line of an element; None if it is not in the queue."""
        best = self._elements.get(number)
        for ranges, row in self._sets:
            if any(number in entry for entry in ranges):
                best = _better(best, row)
        return best or self._rest

    @property
    def job(self) -> str:
        """Id of a job array with this name that has not ended, or of any."""
        rows = [*self._elements.values(), *(row for _, row in self._sets), *filter(None, [self._rest])]
        return max(rows, key=lambda row: _ORDER[row.phase]).job

    @property
    def is_alive(self) -> bool:
        """Whether any element has not ended."""
        rows = [*self._elements.values(), *(row for _, row in self._sets)]
        return any(row.phase != "ended" for row in rows)


def parse_queue(text: str, prefix: str) -> dict[str, Jobs]:
    """Return our jobs by name.

    Lines of other jobs are skipped, whatever their names and comments contain.

    Args:
        text: The answer of ``squeue`` in `FORMAT`.
        prefix: Prefix of the names of our jobs. A site may have changed the name or the comment, but not both.
    """
    own = re.compile(re.escape(prefix) + r"[A-Za-z0-9]+")
    jobs: dict[str, Jobs] = {}
    for line in text.splitlines():
        fields = line.split("|")
        if len(fields) != 7:
            continue
        job, elements, state, node, name, comment, reason = fields
        token = next((value for value in (name, comment) if own.fullmatch(value)), "")
        if not token or not job.isascii() or not job.isdigit():
            continue
        row = Row(
            job, state, "" if reason in ("None", "(null)") else reason, "" if node == "(null)" else node
        )
        jobs.setdefault(token, Jobs()).add(elements, row)
    return jobs


def _better(first: Row | None, second: Row) -> Row:
    return first if first is not None and _ORDER[first.phase] > _ORDER[second.phase] else second


def _ranges(text: str) -> list[range] | None:
    if len(text) > _LONGEST_SET:
        return None
    ranges: list[range] = []
    for part in text.strip("[]").partition("%")[0].split(","):
        match = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?(?::(\d{1,9}))?", part)
        if match is None:
            return None
        first = int(match[1])
        ranges.append(range(first, int(match[2] or first) + 1, max(1, int(match[3] or 1))))
    return ranges
