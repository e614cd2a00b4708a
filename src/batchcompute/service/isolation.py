"""Decides whether the service can keep the programs of owners apart, and how."""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from batchcompute.errors import ConfigError
from batchcompute.runner import sandbox
from batchcompute.runner.spec import Account, User
from batchcompute.service.store.keys import FIRST_OWNER

__all__: list[str] = []


@dataclass(frozen=True, slots=True)
class Isolation:
    """The separation of owners in this service.

    Programs of a single owner run as the user of the service, and can read every file that this user can read. With
    a second owner, programs run in sandboxes that hide the service and other programs, or as Unix users of their
    own, or the owners trust each other.
    """

    why_no_sandbox: Callable[[], str] = lambda: "they are switched off"
    """Returns the reason why sandboxes cannot hide the service and other programs from a program; empty if they can."""
    has_sandbox: bool = False
    """Whether bubblewrap is installed and not switched off. It can still fail at this moment."""
    trusts: bool = False
    """Whether the owners trust each other."""
    run_as: Mapping[str, Account] = field(default_factory=dict[str, Account])
    """The Unix users of the owners that have one."""

    def problem(self, owner: str, owners: Collection[str]) -> str:
        """Return why the service refuses an owner; empty if it does not.

        Args:
            owner: The owner.
            owners: All present and former owners.
        """
        if owner == FIRST_OWNER or self.trusts:
            return ""
        exposed = sorted(other for other in {*owners, owner, FIRST_OWNER} if other not in self.run_as)
        reason = self.why_no_sandbox() if exposed else ""
        if not reason:
            return ""
        return (
            f"Owner {owner} is refused: programs of {', '.join(exposed)} could read files of other owners, because "
            f"they run as the user of the service, and sandboxes cannot be used: {reason}. Install bubblewrap, or "
            "run the service as root with --run-as OWNER=USER for each of these owners, or set --trust-owners if the "
            "owners trust each other."
        )

    def is_strict(self, owner: str, owners: Collection[str]) -> bool:
        """Return whether the programs of an owner have to run in sandboxes that keep owners apart.

        Such programs do not run while sandboxes cannot be used.

        Args:
            owner: The owner.
            owners: All present and former owners: jobs of an owner whose key is revoked can still wait.
        """
        if self.trusts or owner in self.run_as:
            return False
        if owner != FIRST_OWNER:
            return True
        # Without sandboxes, the service refuses every other owner.
        return self.has_sandbox and bool(set(owners) - {FIRST_OWNER})


def accounts_of(users: Mapping[str, str], setting: str = "run_as") -> dict[str, Account]:
    """Return the Unix users that run the programs of owners.

    Args:
        users: Names of users by owner.
        setting: Name of the setting in messages.

    Raises:
        ConfigError: A user does not exist, is root, or belongs to two owners, or this process is not root.
    """
    if users and os.geteuid() != 0:
        raise ConfigError(
            f"{setting} needs a service that runs as root: only root may start programs of other users"
        )
    accounts: dict[str, Account] = {}
    if len(set(users.values())) < len(users):
        raise ConfigError(
            f"{setting} must name a different user for each owner: programs of one user can read each other's files"
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
        accounts[owner] = Account(name, entry.pw_dir, User(entry.pw_uid, entry.pw_gid, groups))
    return accounts


def why_no_sandbox() -> str:
    """Return why sandboxes cannot keep owners apart on this machine; empty if they can."""
    support = sandbox.probe()
    if support.usable and not support.processes:
        return "bubblewrap cannot hide processes here"
    return support.reason
