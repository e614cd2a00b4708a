"""The file system that a program in a sandbox sees."""

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
"""Entries of directories of the machine that are mounted one by one; more mounts make each one slower."""

_MOST_OF_TMP = 100
"""Entries of ``/tmp`` up to which it is a directory of the tree for each program with outputs."""

_SHARED = (TMP, "/var/tmp")  # noqa: S108 - directories whose mode is known
_PRIVATE = (TMP, "/var/tmp", "/run")  # noqa: S108 - files of other owners are hidden
"""Directories that programs share, or have for themselves if owners are separated."""

_NAME_LOOKUP = ("/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager")
"""Directories that are needed to look up host names."""

_READ_ONLY = ("asound", "bus", "fs", "irq", "sys", "sysrq-trigger")
_MASKED = ("acpi", "kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "scsi")
"""Entries of ``/proc`` through which root, even without capabilities, could change or read the whole machine."""


_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENAMETOOLONG})
"""Errors that say that this user sees nothing at a path."""


class TooManyEntries(OSError):
    """A directory has too many entries, or an environment too many variables, for a sandbox."""


def base(processes: bool, root: Sequence[str] = ("--dev-bind", "/", "/")) -> list[str]:
    """Return the first arguments of every sandbox.

    Args:
        processes: Whether the sandbox has its own process namespace.
        root: The arguments that make its root.
    """
    arguments = [*root, "--die-with-parent"]
    return [*arguments, "--unshare-pid", "--proc", "/proc"] if processes else arguments


def emptied(hidden: Iterable[Path], strict: bool) -> tuple[str, ...]:
    """Return the directories that are empty for a program, the outermost first.

    Args:
        hidden: Directories of the service.
        strict: Whether the program has shared directories for itself.

    Raises:
        OSError: A path cannot be resolved at this moment.
    """
    paths = {*(_resolved(str(path)) for path in hidden), *(_PRIVATE if strict else ())}
    return tuple(sorted(paths, key=depth))


def resolver(empty: Sequence[str]) -> Callable[[str], str]:
    """Return a function that returns the path of a directory without links, as a program sees it.

    Args:
        empty: The directories that are empty for the program: it does not see the links in them.
    """

    def resolve(path: str) -> str:
        return path if any(path == other or _below(path, other) for other in empty) else _resolved(path)

    return resolve


def _resolved(path: str) -> str:
    """Return a path without links. The last parts may be missing.

    Raises:
        OSError: The path cannot be resolved at this moment. `os.path.realpath` ignores such errors.
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
    """Return the type and mode of a file or directory; 0 if it does not exist.

    Raises:
        OSError: The mode cannot be read at this moment. `os.path.isdir` ignores such errors.
    """
    try:
        return os.stat(path, follow_symlinks=follow).st_mode
    except OSError as error:
        if error.errno not in _ABSENT:
            raise
        return 0


def _can_reach(user: User, path: str) -> bool:
    """Return whether a user may enter all directories that contain a path."""
    for folder in ("/", *ancestors(path)):
        status = os.stat(folder)
        bit = stat.S_IXOTH
        if status.st_uid == user.uid:
            bit = stat.S_IXUSR
        elif status.st_gid in (user.gid, *user.groups):
            bit = stat.S_IXGRP
        if not status.st_mode & bit:
            return False
    return True


def _is_folder(path: str) -> bool:
    return stat.S_ISDIR(_mode_at(path))


class FileSystemView:
    """The file system that one program sees.

    Its root is the tree of the attempt (see `StagingPlan`), which is one mount. If both the tree and the machine have a
    directory, the entries of the machine's directory are mounted into that of the tree. So everything that the program
    may write to is in one file system, and no file of the machine is changed.

    Args:
        plan: What is mapped.
        empty: Directories of the machine that are empty for the program.
        strict: Whether the files of the machine are read-only.
        user: The Unix user that the program runs as; None for that of the service.

    Raises:
        TooManyEntries: A directory into which something is mapped has too many entries.
        OSError: The directories of the machine cannot be read at this moment.
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
        self.merged: dict[str, list[str]] = {}
        """Directories of both the machine and the tree, with the names of the machine's entries that are mounted."""
        self._separate: set[str] = set()
        """Those of them that are a mount of their own, because their parent is not in the tree."""
        self._entries = 0
        self._merge("/")
        if strict or (plan.has_outputs and self._is_small(TMP)):
            self._merge(TMP)
        for path in (*plan.merged_folders, WORKDIR, *map(os.path.dirname, sorted(self._made, key=depth))):
            self._merge(path)
        for mount in plan.mounts:
            mode = _mode_at(mount.path, follow=False)
            there = stat.S_ISDIR(mode) if mount.is_folder else stat.S_ISREG(mode)
            if not there or self._empty_ancestor(mount.path):
                # The path is a mount anyway, so its parents need not be in the tree.
                self._merge(os.path.dirname(mount.path), separate=True)

    # -- directories of the tree --------------------------------------------------------------

    def _merge(self, folder: str, separate: bool = False) -> None:
        """Merge a directory of the machine into the tree.

        Args:
            folder: The directory.
            separate: Whether it may be a mount of its own.
        """
        if folder in self.merged or self._is_tree(folder):
            return
        empty = self._empty_ancestor(folder)
        if empty:
            # In a directory that is empty for the program, files can be made.
            if empty not in self.merged:
                self._add({empty: []})
        elif not _is_folder(folder):
            self._merge(os.path.dirname(folder), separate)
        else:
            self._add(({} if separate else self._with_outer(folder)) or {folder: os.listdir(folder)})

    def _with_outer(self, folder: str) -> dict[str, list[str]]:
        """Return the entries of a directory, and of its parents up to the tree; nothing if they are too many."""
        entries: dict[str, list[str]] = {}
        allowance = _MOST_ENTRIES - self._entries
        while folder not in self.merged:
            try:
                entries[folder] = os.listdir(folder)
            except PermissionError:
                return {}
            allowance -= len(entries[folder])
            if allowance < 0:
                return {}
            if folder == "/":
                break
            folder = os.path.dirname(folder)
        return entries

    def _add(self, names: dict[str, list[str]]) -> None:
        outermost = min(names, key=depth)
        if outermost != "/" and os.path.dirname(outermost) not in self.merged:
            self._separate.add(outermost)
        for folder, entries in names.items():
            if len(entries) > _MOST_ENTRIES:
                if folder not in _SHARED:
                    most = f"files can be mapped only into directories with at most {_MOST_ENTRIES}"
                    raise TooManyEntries(f"{folder} has {len(entries)} entries; {most}")
                # It is empty, as on a machine of its own.
                entries.clear()
            self._entries += len(entries)
            self.merged[folder] = entries

    def _is_tree(self, path: str) -> bool:
        """Return whether a path is in a directory that is made for the program."""
        return any(path == folder or _below(path, folder) for folder in self._made)

    def _empty_ancestor(self, path: str) -> str:
        """Return the outermost empty directory that contains a path; an empty text for none."""
        return next((other for other in self._empty if path == other or _below(path, other)), "")

    @staticmethod
    def _is_small(folder: str) -> bool:
        return stat.S_ISDIR(_mode_at(folder, follow=False)) and len(os.listdir(folder)) <= _MOST_OF_TMP

    def mount_points(self) -> Iterator[tuple[str, bool]]:
        """Yield each path that is mounted into directories of the tree, with whether it is a directory."""
        for folder in self.merged:
            for entry, mode in self._mounted(folder):
                if not stat.S_ISLNK(mode):
                    yield entry, stat.S_ISDIR(mode)

    def mode_of(self, folder: str) -> int:
        """Return the mode of a directory of the tree: that of the machine's directory."""
        if self._empty_ancestor(folder):
            return int(_mode(folder), 8)
        # The owner makes mount points in it.
        return os.stat(folder).st_mode & 0o7777 | 0o700

    # -- arguments ----------------------------------------------------------------------------

    def arguments(self, processes: bool) -> list[str]:
        """Return the arguments of bubblewrap.

        Args:
            processes: Whether the sandbox has its own process namespace.
        """
        arguments = base(processes, ["--bind", str(self._plan.tree), "/", *self._mounts("/")])
        if self._strict:
            arguments += _restrictions()
        elif os.geteuid() == 0:
            # With these capabilities, a program of root could unmount what hides the service.
            arguments += ["--cap-drop", "CAP_SYS_ADMIN", "--cap-drop", "CAP_SYS_PTRACE"]
        # The outermost first, of both kinds: a directory of the tree inside of an empty directory must be visible.
        for path in sorted({*self.merged, *self._empty} - {"/"}, key=depth):
            if path not in self.merged:
                arguments += self._emptied(path)
                continue
            if path in self._separate:
                arguments += ["--bind", str(self._plan.at(path)), path]
            arguments += self._mounts(path)
        for path in _NAME_LOOKUP if self._strict else ():
            if self._empty_ancestor(path) and _mode_at(path):
                arguments += ["--ro-bind-try", path, path]
        for mount in self._plan.mounts:
            arguments += ["--bind" if mount.writable else "--ro-bind", str(mount.source), mount.path]
        return [*arguments, "--chdir", WORKDIR]

    def _emptied(self, path: str) -> list[str]:
        if any(_below(path, other) for other in self._empty):
            # It is hidden already.
            return []
        mode = _mode_at(path)
        if mode and self._user is not None and not _can_reach(self._user, path):
            # The user cannot reach it, and neither can bubblewrap, which runs as this user.
            return []
        if stat.S_ISDIR(mode):
            return ["--perms", _mode(path), "--tmpfs", path]
        return ["--ro-bind", "/dev/null", path] if mode else []

    def _mounts(self, folder: str) -> list[str]:
        """Return the arguments that mount the entries of a directory of the machine into that of the tree."""
        arguments: list[str] = []
        for entry, mode in self._mounted(folder):
            if stat.S_ISLNK(mode):
                arguments += ["--symlink", os.readlink(entry), entry]
            else:
                # "try": an entry that is removed meanwhile is not needed.
                arguments += ["--ro-bind-try" if self._strict else "--dev-bind-try", entry, entry]
        return arguments

    def _mounted(self, folder: str) -> Iterator[tuple[str, int]]:
        for name in sorted(self.merged[folder]):
            entry = os.path.join(folder, name)
            if entry in self._taken or entry in self.merged or entry in self._empty:
                continue
            mode = _mode_at(entry, follow=False)
            # Otherwise it is gone, or the program sees a directory of the tree there.
            if mode and (entry not in self._outer or stat.S_ISDIR(mode)):
                yield entry, mode


def _restrictions() -> list[str]:
    """Return the arguments that separate a program from the machine."""
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
