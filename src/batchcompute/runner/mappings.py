"""The mappings of a task between object URLs and paths, as plain data (REST API, 5.3 and 5.4)."""

from __future__ import annotations

from dataclasses import dataclass

__all__: list[str] = []


@dataclass(frozen=True, slots=True)
class Input:
    """An object, or a prefix, that a program sees at a path."""

    source: str
    """Object URL, ``oss://bucket/key``; a prefix ends in a slash."""
    path: str
    """Path at which the program sees the object or the prefix."""
    write: bool = False
    """Whether the program may write to the path. Changes are lost with the attempt, unless an output maps the path."""
    mount: bool = False
    """Whether it is an entry of ``Mounts``, to which a service can be configured to keep writes."""


@dataclass(frozen=True, slots=True)
class Output:
    """A path whose content is uploaded when the program has ended."""

    path: str
    """A file, or a directory that ends in a slash."""
    target: str
    """Object URL of the upload; it ends in a slash if the path does."""


@dataclass(frozen=True, slots=True)
class Mappings:
    """All mappings of one task."""

    inputs: tuple[Input, ...] = ()
    """Objects and prefixes that the program reads."""
    outputs: tuple[Output, ...] = ()
    """Files and directories that are uploaded."""
    logs: tuple[Output, ...] = ()
    """Files that are uploaded below a prefix, under names that contain the number of the instance."""

    def __bool__(self) -> bool:
        return bool(self.inputs or self.outputs or self.logs)
