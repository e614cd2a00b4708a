"""The key pairs of a data directory: a file that only its owner can read."""

from __future__ import annotations

import json
import secrets
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, cast

from batchcompute.errors import ConfigError
from batchcompute.service.clock import SYSTEM_CLOCK, Clock, timestamp
from batchcompute.service.data_directory import write_private
from batchcompute.service.locking import locked

__all__ = ["KeyFile", "KeyPair"]

FIRST_OWNER = "local"
"""Owner of the first key pair, and of all resources of the embedded service."""

_KEY: Final = ("access_key_id", "access_key_secret", "owner")
_DETAILS: Final = ("name", "created", "expires")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key pair and its owner."""

    access_key_id: str
    """Access key id."""
    access_key_secret: str = field(repr=False)
    """Access key secret; never shown."""
    owner: str = FIRST_OWNER
    """Whom it stands for; owners do not see each other's resources."""
    name: str = ""
    """Its purpose, in the words of the operator."""
    created: str = ""
    """Time of its creation; empty for a key of an earlier version."""
    expires: str = ""
    """Time from which it is refused, because another key has taken its place; empty for no such time."""

    def is_expired(self, now: str) -> bool:
        """Return whether the key is refused.

        Args:
            now: The time.
        """
        return bool(self.expires) and self.expires <= now


class KeyFile:
    """The key pairs of a data directory.

    Several processes may change the file: each change holds a lock from the reading of the file to its writing.

    Earlier versions know ids, secrets and owners only, and nothing else may stand beside these. So names and dates are
    in a table of their own, which earlier versions ignore.

    Args:
        path: The file; it need not be there.
        clock: The source of time.
    """

    def __init__(self, path: Path, clock: Clock = SYSTEM_CLOCK) -> None:
        self.path = path
        self._clock = clock

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
            details: dict[str, dict[str, str]] = content.get("details", {})
            return [_read(cast("dict[str, str]", pair), details) for pair in content["keys"]]
        except (ValueError, TypeError, KeyError, AttributeError):
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
                keys = [{name: getattr(pair, name) for name in _KEY} for pair in pairs]
                details = {
                    pair.access_key_id: {name: text for name in _DETAILS if (text := getattr(pair, name))}
                    for pair in pairs
                }
                text = json.dumps({"keys": keys, "details": details}, indent=2) + "\n"
                write_private(self.path, text)

    def ensure(self, environment: Mapping[str, str]) -> KeyPair:
        """Return the first key pair; if there is none, create it from the environment, or else at random.

        Args:
            environment: The environment, which may hold ``ALIBABA_CLOUD_ACCESS_KEY_ID`` and ``_SECRET``.
        """
        with self._change() as pairs:
            now = timestamp(self._clock)
            usable = [pair for pair in pairs if not pair.is_expired(now)]
            if usable:
                return usable[0]
            values = (
                environment.get("ALIBABA_CLOUD_ACCESS_KEY_ID", "").strip(),
                environment.get("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "").strip(),
            )
            is_new = all(values) and values[0] not in [pair.access_key_id for pair in pairs]
            pair = KeyPair(*values, created=now) if is_new else _new(FIRST_OWNER, "", now)
            pairs.append(pair)
            return pair

    def usable(self) -> list[KeyPair]:
        """Return the key pairs that are accepted at this moment; see `read`."""
        now = timestamp(self._clock)
        return [pair for pair in self.read() if not pair.is_expired(now)]

    def add(self, owner: str, name: str = "") -> KeyPair:
        """Make a new key pair.

        Args:
            owner: Whom it stands for.
            name: Its purpose.
        """
        pair = _new(owner, name, timestamp(self._clock))
        with self._change() as pairs:
            pairs.append(pair)
        return pair

    def rotate(self, access_key_id: str, grace: float) -> KeyPair:
        """Make a key pair that takes the place of another one; both are accepted for a while.

        Args:
            access_key_id: The old key.
            grace: Seconds for which the old key is still accepted.

        Returns:
            The new pair. It stands before the old one, so ``LOCAL`` uses it from now on.

        Raises:
            ConfigError: No key pair has this id, or it was rotated already.
        """
        with self._change() as pairs:
            for position, old in enumerate(pairs):
                if old.access_key_id != access_key_id:
                    continue
                if old.expires:
                    raise ConfigError(
                        f"the access key {access_key_id!r} was rotated already; it ends at {old.expires}"
                    )
                new = _new(old.owner, old.name, timestamp(self._clock))
                pairs[position : position + 1] = [new, replace(old, expires=timestamp(self._clock, grace))]
                return new
            raise self._unknown(access_key_id)

    def revoke(self, access_key_id: str) -> None:
        """Remove a key pair. A running server refuses it from the next request on.

        Raises:
            ConfigError: No key pair has this id.
        """
        with self._change() as pairs:
            remaining = [pair for pair in pairs if pair.access_key_id != access_key_id]
            if len(remaining) == len(pairs):
                raise self._unknown(access_key_id)
            pairs[:] = remaining

    def _unknown(self, access_key_id: str) -> ConfigError:
        return ConfigError(f"there is no access key {access_key_id!r} in {self.path}")


def _new(owner: str, name: str, now: str) -> KeyPair:
    return KeyPair(f"bc{secrets.token_hex(8)}", secrets.token_hex(20), owner, name, now)


def _read(pair: dict[str, str], details: dict[str, dict[str, str]]) -> KeyPair:
    """Return a key pair of the file.

    Raises:
        TypeError: A name is unknown, or a value is no text.
    """
    more = details.get(pair["access_key_id"], {})
    known: dict[str, str] = {name: more[name] for name in _DETAILS if name in more}
    values = {**pair, **known}
    if not all(isinstance(value, str) for value in values.values()):
        raise TypeError("a value is no text")
    return KeyPair(**values)
