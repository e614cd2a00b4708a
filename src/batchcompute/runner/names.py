"""Names of the files of an attempt."""

from __future__ import annotations

from batchcompute.runner.spec import Isolation
from batchcompute.runner.staging_plan import WORKDIR, names_of_path

__all__: list[str] = []


def staging_folder_of(token: str) -> str:
    """Return the name of the directory for all files of an attempt but its working directory."""
    return f"{token}.maps"


def tree_of(token: str) -> tuple[str, ...]:
    """Return the names of the tree of an attempt: the directory that is laid out like the root of its file system."""
    return (staging_folder_of(token), "root")


def workdir_of(token: str, isolation: Isolation) -> tuple[str, ...]:
    """Return the names that lead to the working directory of an attempt."""
    return (token,) if isolation == "none" else (*tree_of(token), *names_of_path(WORKDIR))
