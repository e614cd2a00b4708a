"""Checks of this machine for the local engine."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from batchcompute.errors import ConfigError
from batchcompute.runner import container, sandbox
from batchcompute.runner.processes import HAS_PROC
from batchcompute.runner.spawning import HAS_PIDFD
from batchcompute.service.data_directory import check_data_directory
from batchcompute.service.engines.checks import SiteContext
from batchcompute.service.engines.findings import Finding
from batchcompute.service.machine import cores

__all__ = ["check_local"]

_LITTLE_SPACE: Final = 2**30
"""Free bytes below which a disk is nearly full."""

_NO_SPACE: Final = 2**24
"""Free bytes below which not even the database can grow."""

_FEW_FILES: Final = 1024
"""Open files below which a service with many programs and clients runs out of them."""

_NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "lustre", "beegfs", "gpfs", "ceph", "fuse.sshfs", "afs"}
)
"""File systems of other machines, where the locks and the shared memory of SQLite are not reliable."""


def check_local(site: SiteContext) -> Iterator[Finding]:
    """Check this machine: processes, sandbox, containers, disks, and the permissions of directories.

    Args:
        site: The settings.
    """
    yield Finding("ok", "machine", f"programs can use {cores()} cores")
    yield from _processes()
    yield _sandbox(site.sandbox)
    yield _containers()
    yield _open_files()
    yield from _directory("data_dir", site.data_dir)
    yield from _ownership(site.data_dir)
    if site.work_dir is not None:
        yield from _directory("work_dir", site.work_dir)
    yield _execution(site.work_dir or site.data_dir)


def _processes() -> Iterator[Finding]:
    if not sys.platform.startswith("linux"):
        text = f"on {sys.platform}, programs end with the service, and no process is found again"
        yield Finding("warning", "processes", text, "run the service on Linux if jobs have to survive it")
        return
    if HAS_PROC:
        yield Finding("ok", "/proc", "processes can be found")
    else:
        text = "it is not mounted, so processes of ended programs stay, and no program survives the service"
        yield Finding("warning", "/proc", text, "mount proc at /proc")
    if not HAS_PIDFD:
        text = "this Python or this kernel has no pidfd_open, so no program survives the service"
        yield Finding("warning", "pidfd", text, "use Linux 5.3 or later")
        return
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError as error:
        text = f"pidfd_open does not work: {error.strerror}"
        yield Finding("error", "pidfd", text, "use Linux 5.3 or later, and allow pidfd_open in the container")
    else:
        yield Finding("ok", "pidfd", "ends of processes are seen at once")


def _sandbox(use: str) -> Finding:
    if use == "never":
        return Finding("ok", "sandbox", "it is switched off")
    support = sandbox.probe()
    if support.usable and support.processes:
        return Finding("ok", "sandbox", f"{support.program} works")
    action = "install bubblewrap, and allow user namespaces"
    if support.usable:
        text = "bubblewrap cannot hide processes here, so a second owner is refused"
        return Finding("warning", "sandbox", text, "allow process namespaces")
    if use == "always":
        return Finding("error", "sandbox", support.reason, f"{action}, or set sandbox to auto")
    text = f"{support.reason}, so mappings appear below $BATCH_COMPUTE_ROOT, and a second owner is refused"
    return Finding("warning", "sandbox", text, action)


def _containers() -> Finding:
    runtime = container.probe()
    if runtime.program:
        return Finding("ok", "containers", f"{runtime.program} works")
    text = f"tasks with images fail: {runtime.reason}"
    return Finding("warning", "containers", text, "install docker or podman if tasks use images")


def _open_files() -> Finding:
    if sys.platform == "win32":
        return Finding("ok", "open files", "this system has no limit")
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY or limit >= _FEW_FILES:
        return Finding("ok", "open files", f"the limit is {limit if limit >= 0 else 'infinite'}")
    text = f"the limit is {limit}, which many programs and clients can reach"
    return Finding("warning", "open files", text, f"raise it: ulimit -n {_FEW_FILES}")


def _existing(path: Path) -> Path:
    """Return a directory, or the nearest one above it that exists."""
    return next((place for place in (path, *path.parents) if os.path.lexists(place)), path)


def _directory(setting: str, path: Path) -> Iterator[Finding]:
    """Check that a directory can be written, and that its disk has room."""
    place = _existing(path)
    where = f"{setting} {path}"
    probe = place / f".batchcompute-doctor-{secrets.token_hex(8)}"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, b"x" * 4096)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
            probe.unlink()
    except OSError as error:
        text = f"it cannot be written: {error.strerror}: {place}"
        yield Finding("error", where, text, f"give it to this user, or set {setting} to another directory")
        return
    yield Finding("ok", where, "it can be written" if place == path else f"it can be made in {place}")
    yield _room(where, place)
    kind = _file_system(place)
    if kind in _NETWORK:
        text = f"its file system is {kind}, on which a database can be damaged"
        yield Finding("warning", where, text, f"set {setting} to a directory on a disk of this machine")


def _room(where: str, place: Path) -> Finding:
    free = shutil.disk_usage(place).free
    files = os.statvfs(place) if hasattr(os, "statvfs") else None
    size = f"{free / 2**30:.1f} GiB"
    if free < _NO_SPACE or (files and files.f_files and not files.f_favail):
        text = f"its disk is full: {size} are free"
        return Finding("error", where, text, "free some space, or use another disk")
    if free < _LITTLE_SPACE:
        return Finding("warning", where, f"only {size} are free on its disk", "free some space")
    return Finding("ok", where, f"{size} are free on its disk")


def _file_system(place: Path) -> str:
    """Return the type of the file system of a directory; empty if it is not known."""
    try:
        device = place.stat().st_dev
        lines = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in reversed(lines):
        before, _, after = line.partition(" - ")
        if before.split(" ")[2:3] == [number]:
            return after.split(" ")[0]
    return ""


def _ownership(path: Path) -> Iterator[Finding]:
    """Check who owns the data directory, who can read it, and what is in it."""
    where = f"data_dir {path}"
    try:
        status = path.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        text = f"it cannot be read: {error.strerror}"
        yield Finding("error", where, text, "give it to this user, or set data_dir to another directory")
        return
    if not stat.S_ISDIR(status.st_mode):
        yield Finding("error", where, "it is no directory", "set data_dir to a directory")
        return
    try:
        check_data_directory(path)
    except ConfigError as error:
        yield Finding("error", where, str(error).rstrip("."), "set data_dir to another directory")
        return
    except OSError as error:
        yield Finding("error", where, f"it cannot be listed: {error.strerror}", "give it to this user")
        return
    if hasattr(os, "getuid") and status.st_uid != os.getuid():
        text = f"it belongs to the user {status.st_uid}, and this one is {os.getuid()}"
        yield Finding("warning", where, text, "run the service as its owner")
    if sys.platform != "win32" and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        text = "others can read it, until the service removes their permissions at its start"
        yield Finding("warning", where, text, f"chmod 700 {path}")
    else:
        yield Finding("ok", where, "only its owner can read it")


def _execution(path: Path) -> Finding:
    """Check that programs of packages can be executed where they run."""
    place = _existing(path)
    if hasattr(os, "ST_NOEXEC") and os.statvfs(place).f_flag & os.ST_NOEXEC:
        text = f"{place} is mounted with noexec, so programs of packages cannot run"
        return Finding("error", "work", text, "set work_dir to a directory on another disk")
    return Finding("ok", "work", f"programs run below {path}")
