"""What keeps the jobs of owners apart, and whether another owner may be let in.

Programs of one owner run as the user of the service, and can read whatever that user can. With a second owner,
that is not enough: programs then run in sandboxes that hide the service and each other, or as Unix users of their
own, or the owners trust each other.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from batchcompute.errors import ConfigError
from batchcompute.runner import sandbox
from batchcompute.runner.spec import User
from batchcompute.service.store.keys import FIRST_OWNER

__all__: list[str] = []


@dataclass(frozen=True, slots=True)
class Account:
    """A Unix user that the jobs of an owner run as."""

    name: str
    """Its name."""
    home: str
    """Its home directory."""
    user: User
    """Its numbers."""


@dataclass(frozen=True, slots=True)
class Isolation:
    """How this service keeps owners apart."""

    why_no_boxes: Callable[[], str] = lambda: "they are switched off"
    """Returns why sandboxes cannot hide the service, and other programs, from a program; empty if they can."""
    has_boxes: bool = False
    """Whether there are sandboxes at all; whether they can be used at this moment is another question."""
    trusts: bool = False
    """Whether the owners trust each other."""
    run_as: Mapping[str, Account] = field(default_factory=dict[str, Account])
    """The Unix users of owners that have one."""

    def problem(self, owner: str, owners: Collection[str]) -> str:
        """Say why an owner cannot be let in; empty if nothing is in the way.

        Args:
            owner: The owner.
            owners: All owners that there are, or were.
        """
        if owner == FIRST_OWNER or self.trusts:
            return ""
        exposed = sorted(other for other in {*owners, owner, FIRST_OWNER} if other not in self.run_as)
        reason = self.why_no_boxes() if exposed else ""
        if not reason:
            return ""
        return (
            f"Owner {owner} is not let in: jobs of {', '.join(exposed)} could read what belongs to other owners, "
            f"because they run as the user of the service, and sandboxes cannot be used: {reason}. Install "
            "bubblewrap, or run the service as root with --run-as OWNER=USER for each of them, or say with "
            "--trust-owners that the owners trust each other."
        )

    def is_strict(self, owner: str, owners: Collection[str]) -> bool:
        """Return whether the programs of an owner have to run in sandboxes that keep owners apart.

        Whether sandboxes can be used at this moment plays no part: where they cannot, these programs do not run.

        Args:
            owner: The owner.
            owners: All owners that there are, or were: jobs of one whose key is revoked may still wait.
        """
        if self.trusts or owner in self.run_as:
            return False
        if owner != FIRST_OWNER:
            return True
        # Where there can be no sandboxes at all, no other owner is let in.
        return self.has_boxes and bool(set(owners) - {FIRST_OWNER})


def accounts_of(users: Mapping[str, str], setting: str = "run_as") -> dict[str, Account]:
    """Return the Unix users that run the programs of owners.

    Args:
        users: Names of users by owner.
        setting: What messages call the setting that names them.

    Raises:
        ConfigError: There is no such user, or this process may not become another user.
    """
    if users and os.geteuid() != 0:
        raise ConfigError(
            f"{setting} needs a service that runs as root: only root may start programs of other users"
        )
    found: dict[str, Account] = {}
    if len(set(users.values())) < len(users):
        raise ConfigError(
            f"{setting} must name another user for each owner: programs of one user can read each other's files"
        )
    for owner, name in users.items():
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            raise ConfigError(f"{setting} {owner}={name}: this machine has no user {name!r}") from None
        if entry.pw_uid == 0:
            raise ConfigError(
                f"{setting} {owner}={name}: {name!r} is root, and root can read the files of every owner"
            )
        groups = tuple(os.getgrouplist(name, entry.pw_gid))
        found[owner] = Account(name, entry.pw_dir, User(entry.pw_uid, entry.pw_gid, groups))
    return found


def why_no_boxes() -> str:
    """Return why sandboxes cannot keep owners apart on this machine; empty if they can."""
    found = sandbox.probe()
    if found.usable and not found.processes:
        return "bubblewrap cannot hide processes here"
    return found.reason
