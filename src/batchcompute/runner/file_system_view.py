"""The file system as a program in a sandbox sees it.

Its root is the tree of the attempt (see `plans`), which is one mount. Where the tree has a directory that the machine
has, too, whatever else is in that directory is mounted into it. So everything that the program may write to is in one
file system, and nothing is made on the machine.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from batchcompute.runner.spec import User
from batchcompute.runner.staging_plan import TMP, WORKDIR, StagingPlan, ancestors, depth

__all__: list[str] = []

_MOST_ENTRIES = 300
"""Entries of directories of the machine that are mounted one by one; mounts get slower with their number."""

_MOST_OF_TMP = 100
"""Entries of ``/tmp`` up to which it is a directory of the tree for every program with outputs."""

_SHARED = (TMP, "/var/tmp")  # noqa: S108 - the directories whose mode is known
_OWN = (TMP, "/var/tmp", "/run")  # noqa: S108 - what programs of other owners leave is not seen
"""Directories that programs share with everybody, and have to themselves where owners are kept apart."""

_NEEDED = ("/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager")
"""What names of hosts are looked up with."""

_READ_ONLY = ("asound", "bus", "fs", "irq", "sys", "sysrq-trigger")
_MASKED = ("acpi", "kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "scsi")
"""Parts of ``/proc`` through which root, even without capabilities, could change or read the whole machine."""


_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG})
"""Errors that say that there is nothing at a path, as far as this user is concerned."""


class TooManyEntries(OSError):
    """A directory, or an environment, holds too much for a sandbox."""


def base(processes: bool, root: Sequence[str] = ("--dev-bind", "/", "/")) -> list[str]:
    """Return the arguments that every sandbox begins with.

    Args:
        processes: Whether other processes are hidden.
        root: The arguments that make its root.
    """
    arguments = [*root, "--die-with-parent"]
    return [*arguments, "--unshare-pid", "--proc", "/proc"] if processes else arguments


def emptied(hidden: Iterable[Path], strict: bool) -> tuple[str, ...]:
    """Return the directories that are empty for a program, the outer ones first.

    Args:
        hidden: Those of the service.
        strict: Whether shared directories are the program's own.

    Raises:
        OSError: The machine cannot tell at this moment where they are.
    """
    found = {*(_resolved(str(path)) for path in hidden), *(_OWN if strict else ())}
    return tuple(sorted(found, key=depth))


def resolver(empty: Sequence[str]) -> Callable[[str], str]:
    """Return what tells where a program finds a directory of the machine: links in its path lead elsewhere.

    Args:
        empty: The directories that are empty for it, links in which it does not see.
    """

    def real(path: str) -> str:
        return path if any(path == other or _below(path, other) for other in empty) else _resolved(path)

    return real


def _resolved(path: str) -> str:
    """Return a path without links, as far as there is something.

    Raises:
        OSError: The machine cannot tell at this moment; `os.path.realpath` would take that for an answer.
    """
    rest = ""
    while True:
        try:
            return os.path.realpath(path, strict=True).rstrip("/") + rest or "/"
        except OSError as error:
            if error.errno not in _ABSENT or path == "/":
                raise
        path, _, name = path.rpartition("/")
        path, rest = path or "/", f"/{name}{rest}"


def _mode_at(path: str, follow: bool = True) -> int:
    """Return the type and mode of what is at a path; 0 where there is nothing.

    Raises:
        OSError: The machine cannot tell at this moment; `os.path.isdir` would take that for an answer.
    """
    try:
        return os.stat(path, follow_symlinks=follow).st_mode
    except OSError as error:
        if error.errno not in _ABSENT:
            raise
        return 0


def _can_reach(user: User, path: str) -> bool:
    """Return whether the directories around a path let a user through."""
    for folder in ("/", *ancestors(path)):
        found = os.stat(folder)
        bit = stat.S_IXOTH
        if found.st_uid == user.uid:
            bit = stat.S_IXUSR
        elif found.st_gid in (user.gid, *user.groups):
            bit = stat.S_IXGRP
        if not found.st_mode & bit:
            return False
    return True


def _is_folder(path: str) -> bool:
    return stat.S_ISDIR(_mode_at(path))


class FileSystemView:
    """The file system as one program sees it.

    Args:
        plan: What is mapped where.
        empty: Directories of the machine that are empty for it.
        strict: Whether the machine itself cannot be written to.
        user: The Unix user that the program runs as; None for that of the service.

    Raises:
        TooManyEntries: A directory into which something is mapped holds too much.
        OSError: The machine cannot tell at this moment what there is.
    """

    def __init__(
        self, plan: StagingPlan, empty: Sequence[str], strict: bool, user: User | None = None
    ) -> None:
        self._plan = plan
        self._empty = empty
        self._strict = strict
        self._user = user
        self._made = {*plan.empty_folders, *(copy.path for copy in plan.copies)}
        self._taken = self._made | plan.hidden | {mount.path for mount in plan.mounts}
        self._outer = {outer for path in self._taken for outer in ancestors(path)}
        self.laid: dict[str, list[str]] = {}
        """Directories of the machine that are directories of the tree, with the names in them that are mounted."""
        self._apart: set[str] = set()
        """Those of them that are a mount of their own, because one around them is not in the tree."""
        self._entries = 0
        self._reach("/")
        if strict or (plan.has_outputs and self._is_small(TMP)):
            self._reach(TMP)
        for path in (*plan.merged_folders, WORKDIR, *map(os.path.dirname, sorted(self._made, key=depth))):
            self._reach(path)
        for mount in plan.mounts:
            mode = _mode_at(mount.path, follow=False)
            there = stat.S_ISDIR(mode) if mount.is_folder else stat.S_ISREG(mode)
            if not there or self._around(mount.path):
                # It is a mount anyway, so the tree need not have the directories around it.
                self._reach(os.path.dirname(mount.path), alone=True)

    # -- what is in the tree ------------------------------------------------------------------

    def _reach(self, folder: str, alone: bool = False) -> None:
        """Make a directory one of the tree; it still holds what it holds on the machine.

        Args:
            folder: The directory.
            alone: Whether it may be a mount of its own.
        """
        if folder in self.laid or self._is_tree(folder):
            return
        empty = self._around(folder)
        if empty:
            # In a directory that is empty for the program, anything can be made.
            if empty not in self.laid:
                self._lay({empty: []})
        elif not _is_folder(folder):
            self._reach(os.path.dirname(folder), alone)
        else:
            self._lay(({} if alone else self._with_outer(folder)) or {folder: os.listdir(folder)})

    def _with_outer(self, folder: str) -> dict[str, list[str]]:
        """Return the names in a directory, and in those around it up to the tree; nothing if they are too many."""
        found: dict[str, list[str]] = {}
        left = _MOST_ENTRIES - self._entries
        while folder not in self.laid:
            try:
                found[folder] = os.listdir(folder)
            except PermissionError:
                return {}
            left -= len(found[folder])
            if left < 0:
                return {}
            if folder == "/":
                break
            folder = os.path.dirname(folder)
        return found

    def _lay(self, names: dict[str, list[str]]) -> None:
        outermost = min(names, key=depth)
        if outermost != "/" and os.path.dirname(outermost) not in self.laid:
            self._apart.add(outermost)
        for folder, found in names.items():
            if len(found) > _MOST_ENTRIES:
                if folder not in _SHARED:
                    most = f"something can be mapped into a directory of this machine that holds at most {_MOST_ENTRIES}"
                    text = f"{folder} holds {len(found)} entries; {most}"
                    raise TooManyEntries(text)
                # A fresh one, as a machine of its own would have.
                found.clear()
            self._entries += len(found)
            self.laid[folder] = found

    def _is_tree(self, path: str) -> bool:
        """Return whether a path is in something that is made for the program."""
        return any(path == made or _below(path, made) for made in self._made)

    def _around(self, path: str) -> str:
        """Return the outermost empty directory that a path is in; empty for none."""
        return next((other for other in self._empty if path == other or _below(path, other)), "")

    @staticmethod
    def _is_small(folder: str) -> bool:
        return stat.S_ISDIR(_mode_at(folder, follow=False)) and len(os.listdir(folder)) <= _MOST_OF_TMP

    def mount_points(self) -> Iterator[tuple[str, bool]]:
        """Yield what is mounted into directories of the tree, and whether it is a directory."""
        for folder in self.laid:
            for entry, mode in self._mounted(folder):
                if not stat.S_ISLNK(mode):
                    yield entry, stat.S_ISDIR(mode)

    def mode_of(self, folder: str) -> int:
        """Return the mode that a directory of the tree has: it stands in for one of the machine."""
        if self._around(folder):
            return int(_mode(folder), 8)
        # Its owner makes places to mount on in it.
        return os.stat(folder).st_mode & 0o7777 | 0o700

    # -- arguments ----------------------------------------------------------------------------

    def arguments(self, processes: bool) -> list[str]:
        """Return the arguments of bubblewrap.

        Args:
            processes: Whether other processes are hidden.
        """
        arguments = base(processes, ["--bind", str(self._plan.tree), "/", *self._mounts("/")])
        if self._strict:
            arguments += _restrictions()
        elif os.geteuid() == 0:
            # With it, a program could lift what hides the service.
            arguments += ["--cap-drop", "CAP_SYS_ADMIN", "--cap-drop", "CAP_SYS_PTRACE"]
        # The outer ones first, of both kinds: what is laid out inside of an empty directory must be seen in it.
        for path in sorted({*self.laid, *self._empty} - {"/"}, key=depth):
            if path not in self.laid:
                arguments += self._emptied(path)
                continue
            if path in self._apart:
                arguments += ["--bind", str(self._plan.at(path)), path]
            arguments += self._mounts(path)
        for path in _NEEDED if self._strict else ():
            if self._around(path) and _mode_at(path):
                arguments += ["--ro-bind-try", path, path]
        for mount in self._plan.mounts:
            arguments += ["--bind" if mount.writable else "--ro-bind", str(mount.source), mount.path]
        return [*arguments, "--chdir", WORKDIR]

    def _emptied(self, path: str) -> list[str]:
        if any(_below(path, other) for other in self._empty):
            # It is not there any more.
            return []
        mode = _mode_at(path)
        if mode and self._user is not None and not _can_reach(self._user, path):
            # Nor can its sandbox, which it makes itself.
            return []
        if stat.S_ISDIR(mode):
            return ["--perms", _mode(path), "--tmpfs", path]
        return ["--ro-bind", "/dev/null", path] if mode else []

    def _mounts(self, folder: str) -> list[str]:
        """Return the arguments that mount into a directory of the tree what is in the machine's own one."""
        arguments: list[str] = []
        for entry, mode in self._mounted(folder):
            if stat.S_ISLNK(mode):
                arguments += ["--symlink", os.readlink(entry), entry]
            else:
                # "try": what is gone by then is nobody's any more.
                arguments += ["--ro-bind-try" if self._strict else "--dev-bind-try", entry, entry]
        return arguments

    def _mounted(self, folder: str) -> Iterator[tuple[str, int]]:
        for name in sorted(self.laid[folder]):
            entry = os.path.join(folder, name)
            if entry in self._taken or entry in self.laid or entry in self._empty:
                continue
            mode = _mode_at(entry, follow=False)
            # Else it is gone, or the program sees a directory in its place.
            if mode and (entry not in self._outer or stat.S_ISDIR(mode)):
                yield entry, mode


def _restrictions() -> list[str]:
    """Return the arguments that keep a program from the machine."""
    arguments = ["--dev", "/dev", "--unshare-ipc", "--cap-drop", "ALL"]
    arguments += [text for name in _READ_ONLY for text in ("--ro-bind-try", f"/proc/{name}", f"/proc/{name}")]
    for name in _MASKED:
        mode = _mode_at(f"/proc/{name}")
        if stat.S_ISDIR(mode):
            arguments += ["--perms", "0500", "--tmpfs", f"/proc/{name}"]
        elif mode:
            arguments += ["--ro-bind", "/dev/null", f"/proc/{name}"]
    return arguments


def _below(path: str, other: str) -> bool:
    return path.startswith(other.rstrip("/") + "/")


def _mode(path: str) -> str:
    return "1777" if path in _SHARED else "0755"
