"""The times of the last uses of keys, in a file beside the keys."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

from batchcompute.service.clock import SYSTEM_CLOCK, Clock, timestamp
from batchcompute.service.data_directory import write_private

__all__ = ["KeyUses"]

_HOUR: Final = 3600


class KeyUses:
    """Remembers the hour of the last use of each key.

    The file is written once an hour for each key that is used, and not with each request.

    Args:
        path: The file; it need not be there.
        clock: The source of time.
    """

    def __init__(self, path: Path, clock: Clock = SYSTEM_CLOCK) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._hour = 0
        self._recent: set[str] = set()

    def read(self) -> Mapping[str, str]:
        """Return the times by key. A damaged file counts as empty, because nothing depends on the times."""
        try:
            content: object = json.loads(self._path.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        if not isinstance(content, dict):
            return {}
        pairs = cast("dict[str, object]", content)
        return {key: time for key, time in pairs.items() if isinstance(time, str)}

    def note(self, access_key_id: str) -> None:
        """Remember that a key is used.

        Args:
            access_key_id: The key.

        Raises:
            OSError: The file cannot be read or written. The key is written again in the next hour at the earliest.
        """
        hour = int(self._clock.time()) // _HOUR
        if hour == self._hour and access_key_id in self._recent:
            return
        with self._lock:
            if hour != self._hour:
                self._hour = hour
                self._recent.clear()
            self._recent.add(access_key_id)
            uses = {**self.read(), access_key_id: timestamp(self._clock)}
            write_private(self._path, json.dumps(uses, indent=2) + "\n")
