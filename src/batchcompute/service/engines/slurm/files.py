"""The files of a job array in the directory that all nodes see. Their names are known, so no directory is listed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from batchcompute.runner.attempt_spec import AttemptSpec, Token
from batchcompute.runner.outcome import Exited
from batchcompute.runner.records import Ended, encode
from batchcompute.runner.spec_json import Assignment, SpecFile, dump_specs

__all__ = ["SharedFiles"]

_TAIL = 2000
"""Bytes of the runners' log that are looked at."""


class SharedFiles:
    """Writes and removes the files of job arrays.

    Args:
        folder: Directory that all nodes see.
        endpoint: Returns the URL at which nodes reach the service; empty while it does not listen.
        certificates: Path of certificates on the nodes; empty for those of the nodes.
        grant: Returns the grant with which a runner reaches the objects of an attempt; empty if it needs none.
    """

    def __init__(
        self,
        folder: Path,
        endpoint: Callable[[], str],
        certificates: str,
        grant: Callable[[AttemptSpec], str],
    ) -> None:
        self._folder = folder
        self._endpoint = endpoint
        self._certificates = certificates
        self._grant = grant

    @property
    def endpoint(self) -> str:
        """URL at which nodes reach the service; empty while it does not listen."""
        return self._endpoint().rstrip("/")

    def folder(self, array: str) -> str:
        """Return the directory of a job array."""
        return str(self._folder / array)

    def records(self, array: str, number: int) -> str:
        """Return the path of the records of an element."""
        return f"{self._folder}/{array}/records-{number}.jsonl"

    def write(self, array: str, elements: Sequence[Sequence[AttemptSpec]]) -> None:
        """Write the specifications of a job array.

        Raises:
            OSError: The directory cannot be written.
        """
        folder = self._folder / array
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "void.jsonl").touch(0o600)
        for number, specs in enumerate(elements):
            file = SpecFile(
                records=self.records(array, number),
                attempts=tuple(Assignment(spec, self._grant(spec)) for spec in specs),
                endpoint=self.endpoint,
                certificates=self._certificates,
                earlier_records=(str(folder / "void.jsonl"),),
            )
            _write_whole(folder / f"specs-{number}.json", dump_specs(file))

    def void(self, array: str, tokens: Iterable[Token]) -> None:
        """Keep runners from running attempts: those that wait do not start, and those that run are ended.

        Raises:
            OSError: The file cannot be written.
        """
        end = Exited(None, 9, error_code="Lost", message="The attempt was given up.")
        data = b"".join(encode(Ended(token, end)) for token in tokens)
        folder = self._folder / array
        with suppress(FileNotFoundError):
            fd = os.open(folder / "void.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            try:
                if os.write(fd, data) < len(data):
                    raise OSError(f"{folder}/void.jsonl: only a part was written")
                os.fdatasync(fd)
            finally:
                os.close(fd)

    def last_words(self, array: str) -> str:
        """Return the last line that a runner of a job array has written; empty if there is none."""
        try:
            with (self._folder / array / "runner.log").open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - _TAIL))
                lines = file.read(_TAIL).decode("utf-8", "replace").split("\n")
        except OSError:
            return ""
        line = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return "".join(letter if letter.isprintable() else "?" for letter in line)[:300]

    def remove(self, array: str) -> None:
        """Remove the files of a job array; what cannot be removed stays."""
        shutil.rmtree(self._folder / array, ignore_errors=True)


def _write_whole(path: Path, data: bytes) -> None:
    # A runner waits until the file is complete, and a complete file gets its name only then.
    fresh = path.with_suffix(".new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
    fresh.replace(path)
