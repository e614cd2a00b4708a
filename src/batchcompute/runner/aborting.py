"""Aborting long work: the exception that ends it, and the check that raises it."""

from __future__ import annotations

import threading

__all__: list[str] = []


class Aborted(Exception):
    """The work was aborted, because its result is not needed any more."""


def check_abort(abort: threading.Event | None) -> None:
    """Stop here if the work is aborted.

    Args:
        abort: Set when the result is not needed any more; None for work that cannot be aborted.

    Raises:
        Aborted: The event is set.
    """
    if abort is not None and abort.is_set():
        raise Aborted
