"""The owners of buckets: a bucket belongs to its first writer, who can grant access to others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from batchcompute.errors import ConfigError
from batchcompute.service.clock import SYSTEM_CLOCK, Clock, timestamp
from batchcompute.service.store.keys import FIRST_OWNER

if TYPE_CHECKING:
    from batchcompute.service.store.buckets import Access
    from batchcompute.service.store.database import Store, Transaction

__all__: list[str] = []

_MOST_CACHED = 10_000


class Buckets:
    """The owners of buckets, and their grants.

    A bucket without a recorded owner is older than the records, or was created by hand. It belongs to the first owner
    of the data directory.

    Args:
        store: The database.
        exists: Returns whether there is a bucket of a name.
        clock: The source of time.
    """

    def __init__(self, store: Store, exists: Callable[[str], bool], clock: Clock = SYSTEM_CLOCK) -> None:
        self._store = store
        self._exists = exists
        self._clock = clock
        self._cache: dict[tuple[str, str, bool], bool] = {}
        self._version = -1
        self._lock = threading.Lock()

    def may(self, owner: str, bucket: str, write: bool) -> bool:
        """Return whether an owner may read or write a bucket; one without an owner is open to all.

        Args:
            owner: The owner.
            bucket: Name of the bucket.
            write: Whether the owner wants to write, and not only to read.
        """
        with self._store.read() as transaction:
            # The number also changes when another process, the command line, changes the database.
            version = transaction.buckets.version()
            with self._lock:
                if version != self._version or len(self._cache) > _MOST_CACHED:
                    self._cache.clear()
                    self._version = version
                known = self._cache.get((owner, bucket, write))
            if known is not None:
                return known
            bucket_owner = self._owner(transaction, bucket)
            allowed = bucket_owner in ("", owner) or transaction.buckets.is_granted(
                bucket, owner, "write" if write else "read"
            )
        if bucket_owner:
            with self._lock:
                self._cache[owner, bucket, write] = allowed
        return allowed

    def may_read(self, owner: str, bucket: str) -> bool:
        """Return whether an owner may read a bucket."""
        return self.may(owner, bucket, False)

    def claim(self, owner: str, bucket: str) -> bool:
        """Give a bucket without an owner to this one; return whether this owner may write to it."""
        with self._store.read() as transaction:
            bucket_owner = self._owner(transaction, bucket)
            if bucket_owner:
                return bucket_owner == owner or transaction.buckets.is_granted(bucket, owner, "write")
        with self._store.write() as transaction:
            transaction.buckets.insert(bucket, owner, timestamp(self._clock))
            return self._owner(transaction, bucket) == owner

    def forget(self, bucket: str) -> None:
        """Forget the owner of a bucket that is gone, with what was granted."""
        with self._store.write() as transaction:
            transaction.buckets.delete(bucket)
        self._clear_cache()

    def _owner(self, transaction: Transaction, bucket: str) -> str:
        return transaction.buckets.owner(bucket) or (FIRST_OWNER if self._exists(bucket) else "")

    def _clear_cache(self) -> None:
        with self._lock:
            self._cache.clear()

    # -- for the command line -----------------------------------------------------------------

    def grant(self, bucket: str, grantee: str, access: Access) -> None:
        """Grant one owner, or all owners, read access or write access to a bucket.

        Raises:
            ConfigError: The bucket does not exist.
        """
        with self._store.write() as transaction:
            if not self._owner(transaction, bucket):
                raise ConfigError(f"there is no bucket {bucket!r} in this data directory")
            transaction.buckets.grant(bucket, grantee, access)
        self._clear_cache()

    def revoke(self, bucket: str, grantee: str) -> None:
        """Withdraw a grant.

        Raises:
            ConfigError: The grant does not exist.
        """
        with self._store.write() as transaction:
            if not transaction.buckets.revoke(bucket, grantee):
                raise ConfigError(f"nothing of bucket {bucket!r} was granted to {grantee!r}")
        self._clear_cache()

    def listed(self, existing: Iterable[str]) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """Return name, owner, and grants of all buckets.

        Args:
            existing: The names of buckets that hold objects.
        """
        with self._store.read() as transaction:
            return [
                (name, self._owner(transaction, name), list(transaction.buckets.grants(name)))
                for name in sorted({*transaction.buckets.names(), *existing})
            ]
