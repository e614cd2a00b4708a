"""The key pairs of a data directory: a file that only its owner can read."""

from __future__ import annotations

import json
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from batchcompute.errors import ConfigError
from batchcompute.service.data_directory import write_private
from batchcompute.service.locking import locked

__all__ = ["KeyFile", "KeyPair"]

FIRST_OWNER = "local"
"""Owner of the first key pair, and of all resources of the embedded service."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key pair and its owner."""

    access_key_id: str
    """Access key id."""
    access_key_secret: str = field(repr=False)
    """Access key secret; never shown."""
    owner: str = FIRST_OWNER
    """Whom it stands for; owners do not see each other's resources."""


class KeyFile:
    """The key pairs of a data directory.

    Several processes may change the file: each change holds a lock from the reading of the file to its writing.

    Args:
        path: The file; it need not be there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def version(self) -> tuple[int, int]:
        """Return a version that changes whenever the file does; zeros while there is no file."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return 0, 0
        return status.st_mtime_ns, status.st_ino

    def read(self) -> list[KeyPair]:
        """Return the key pairs; an empty list if the file does not exist.

        Raises:
            ConfigError: The file is malformed, or its permissions forbid reading it.
            OSError: The file cannot be read at this moment.
        """
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except PermissionError:
            raise self._unreadable() from None
        try:
            content: Any = json.loads(text.decode("utf-8"))
            return [KeyPair(**cast("dict[str, str]", pair)) for pair in content["keys"]]
        except (ValueError, TypeError, KeyError):
            # Without the cause, whose text may quote the file.
            raise self._unreadable() from None

    def _unreadable(self) -> ConfigError:
        return ConfigError(
            f"the keys in {self.path} cannot be read; mend the file, or remove it to begin with new ones"
        )

    @contextmanager
    def _change(self) -> Generator[list[KeyPair]]:
        """Read the pairs, and write them when the caller has changed the list."""
        with locked(self.path.with_name(f"{self.path.name}.lock")):
            pairs = self.read()
            before = list(pairs)
            yield pairs
            if pairs != before:
                text = json.dumps({"keys": [asdict(pair) for pair in pairs]}, indent=2) + "\n"
                write_private(self.path, text)

    def ensure(self, environment: Mapping[str, str]) -> KeyPair:
        """Return the first key pair; if there is none, create it from the environment, or else at random.

        Args:
            environment: The environment, which may hold ``ALIBABA_CLOUD_ACCESS_KEY_ID`` and ``_SECRET``.
        """
        with self._change() as pairs:
            if not pairs:
                pair = (
                    environment.get("ALIBABA_CLOUD_ACCESS_KEY_ID", "").strip(),
                    environment.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "").strip(),
                )
                pairs.append(KeyPair(*pair) if all(pair) else _new(FIRST_OWNER))
            return pairs[0]

    def add(self, owner: str) -> KeyPair:
        """Make a new key pair.

        Args:
            owner: Whom it stands for.
        """
        pair = _new(owner)
        with self._change() as pairs:
            pairs.append(pair)
        return pair

    def revoke(self, access_key_id: str) -> None:
        """Remove a key pair. A running server refuses it from the next request on.

        Raises:
            ConfigError: No key pair has this id.
        """
        with self._change() as pairs:
            remaining = [pair for pair in pairs if pair.access_key_id != access_key_id]
            if len(remaining) == len(pairs):
                raise ConfigError(f"there is no access key {access_key_id!r} in {self.path}")
            pairs[:] = remaining


def _new(owner: str) -> KeyPair:
    return KeyPair(f"bc{secrets.token_hex(8)}", secrets.token_hex(20), owner)
