"""The key pairs of a data directory: a file that only its owner can read."""

from __future__ import annotations

import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

from batchcompute.errors import ConfigError

__all__ = ["KeyFile", "KeyPair"]

FIRST_OWNER = "local"
"""Whose the first key pair is, and everything that the embedded service makes."""


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

    Args:
        path: The file; it need not be there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def version(self) -> int:
        """Return what changes whenever the file does; 0 while there is none."""
        try:
            return self.path.stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def read(self) -> list[KeyPair]:
        """Return the key pairs; none while there is no file.

        Raises:
            ConfigError: It cannot be read.
        """
        try:
            content: Any = json.loads(self.path.read_text("utf-8"))
            return [KeyPair(**cast("dict[str, str]", pair)) for pair in content["keys"]]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, KeyError):
            # Without the cause, whose text may quote the file.
            raise ConfigError(
                f"the keys in {self.path} cannot be read; mend the file, or remove it to begin with new ones"
            ) from None

    def _write(self, pairs: list[KeyPair]) -> None:
        text = json.dumps({"keys": [asdict(pair) for pair in pairs]}, indent=2) + "\n"
        # mkstemp makes it readable by its owner only, from its first moment on.
        handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(self.path)

    def ensure(self, environment: Mapping[str, str]) -> KeyPair:
        """Return the first key pair; made of the environment's, else at random, where there is none.

        Args:
            environment: Where ``ALIBABA_CLOUD_ACCESS_KEY_ID`` and ``_SECRET`` may be.
        """
        pairs = self.read()
        if not pairs:
            pair = (
                environment.get("ALIBABA_CLOUD_ACCESS_KEY_ID", "").strip(),
                environment.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "").strip(),
            )
            pairs = [KeyPair(*pair) if all(pair) else _new(FIRST_OWNER)]
            self._write(pairs)
        return pairs[0]

    def add(self, owner: str) -> KeyPair:
        """Make a new key pair.

        Args:
            owner: Whom it stands for.
        """
        pair = _new(owner)
        self._write([*self.read(), pair])
        return pair

    def revoke(self, access_key_id: str) -> None:
        """Take a key pair out; a running server refuses it from the next request on.

        Raises:
            ConfigError: There is none of this id.
        """
        pairs = self.read()
        left = [pair for pair in pairs if pair.access_key_id != access_key_id]
        if len(left) == len(pairs):
            raise ConfigError(f"there is no access key {access_key_id!r} in {self.path}")
        self._write(left)


def _new(owner: str) -> KeyPair:
    return KeyPair(f"bc{secrets.token_hex(8)}", secrets.token_hex(20), owner)
