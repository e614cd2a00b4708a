"""The old SDK's helper functions for regions, times, texts, archives and modules."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import socket
import stat
import tarfile
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn
from urllib.parse import quote

from batchcompute.errors import ConfigError, Problem, ValidationError
from batchcompute.http.signing import API_VERSION
from batchcompute.regions import get_regions, register_region, resolve
from batchcompute.runner.archive_rules import ArchiveError, check_link, check_name, check_type
from batchcompute.utils.constants import ENDPOINT_INFO, PY2, PY3, PY25, STRING, UTC_FORMAT

__all__ = [
    "API_VERSION",
    "ENDPOINT_INFO",
    "PY2",
    "PY3",
    "PY25",
    "STRING",
    "UTC_FORMAT",
    "ConfigError",
    "add_metaclass",
    "add_region",
    "datetime_timestamp",
    "do_tar",
    "get_all_region",
    "get_api_version",
    "get_local_ip",
    "get_region",
    "gmt_time",
    "iget",
    "import_httplib",
    "import_json",
    "local2utc",
    "partial",
    "str2datetime",
    "str_md5",
    "timediff",
    "timestamp_datetime",
    "url_safe",
    "utc2local",
    "utf8",
]

_LOCAL_FORMAT = "%Y-%m-%d %H:%M:%S"

_SPECIAL = {stat.S_IFCHR: tarfile.CHRTYPE, stat.S_IFBLK: tarfile.BLKTYPE, stat.S_IFIFO: tarfile.FIFOTYPE}


def add_region(region: str, url: str, port: int = 80) -> None:
    """Add a region, like `Client.register_region`.

    Raises:
        ConfigError: The name, the host or the port is invalid.
    """
    register_region(region, url, port)


def get_region(endpoint: str) -> str:
    """Return the id of the region of a host.

    Raises:
        ConfigError: The host belongs to no region.
    """
    return resolve(endpoint).region


def get_all_region() -> dict[str, str]:
    """Return the registered regions, as a live mapping from id to host."""
    return get_regions()


def get_api_version() -> str:
    """Return the version of the API of a new client."""
    return API_VERSION


def gmt_time() -> str:
    """Return the current time in the format of HTTP."""
    return format_datetime(datetime.now(UTC), usegmt=True)


def str2datetime(utc_timestr: str) -> datetime | None:
    """Parse a time in the format of the service.

    Returns:
        The time in UTC, without a zone, as in the old SDK; None if the text has another format.
    """
    try:
        return datetime.strptime(utc_timestr, UTC_FORMAT)  # noqa: DTZ007
    except (TypeError, ValueError):
        return None


def utc2local(utc_st: datetime | None) -> datetime | None:
    """Convert a time in UTC to local time, with the UTC offset at that time.

    Args:
        utc_st: A time in UTC without a zone, or a time with any zone.

    Returns:
        The local time without a zone; None if the argument is not a time.
    """
    if not isinstance(utc_st, datetime):
        return None
    aware = utc_st if utc_st.tzinfo is not None else utc_st.replace(tzinfo=UTC)
    return aware.astimezone().replace(tzinfo=None)


def local2utc(local_st: datetime) -> datetime:
    """Convert a local time to UTC, with the UTC offset at that time.

    Args:
        local_st: A local time without a zone, or a time with any zone.

    Returns:
        The time in UTC without a zone.
    """
    return local_st.astimezone(UTC).replace(tzinfo=None)


def datetime_timestamp(dt: str | datetime) -> int:
    """Return the seconds since 1970 of a local time, given as a `datetime` or as ``2015-11-24 16:20:20``."""
    local = datetime.strptime(dt, _LOCAL_FORMAT) if isinstance(dt, str) else dt  # noqa: DTZ007
    return int(local.timestamp())


def timestamp_datetime(value: float | None) -> str:
    """Return the local time of seconds since 1970 as ``2015-11-24 16:20:20``; None means the current time."""
    return time.strftime(_LOCAL_FORMAT, time.localtime(value))


def timediff(delta: float | timedelta | None) -> str:
    """Return a duration in words: ``1 Day 2 Hours 3 Minutes 4 Seconds``.

    Args:
        delta: Seconds, or a `timedelta`; None means zero. Fractions of a second are dropped.

    Returns:
        The words, with a leading minus for a negative duration; ``0`` for less than a second.
    """
    if not delta:
        return "0"
    seconds = int(delta.total_seconds() if isinstance(delta, timedelta) else delta)
    if seconds < 0:
        return f"-{timediff(-seconds)}"
    parts: list[str] = []
    for size, name in ((86400, "Day"), (3600, "Hour"), (60, "Minute"), (1, "Second")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {name}{'s' if count > 1 else ''}")
    return " ".join(parts) or "0"


def url_safe(s: Any) -> Any:
    """Return a text percent-encoded for a URL; return any other value unchanged."""
    return quote(s, safe="~") if isinstance(s, (str, bytes)) else s


def utf8(s: str | bytes) -> str:
    """Return a text or its UTF-8 bytes as a str."""
    return s.decode("utf-8") if isinstance(s, bytes) else str(s)


def str_md5(s: str | bytes) -> str:
    """Return the MD5 of the UTF-8 bytes of a text in lower-case hexadecimal digits."""
    data = s if isinstance(s, bytes) else str(s).encode("utf-8")
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def iget(d: Mapping[str, Any], key: str) -> Any:
    """Return the value of a key, compared without case and surrounding white space; empty if it is missing.

    If several keys match, the result is the value of the last one.
    """
    normalized = key.strip().lower()
    result: Any = ""
    for name, value in d.items():
        if name.strip().lower() == normalized:
            result = value
    return result


def import_json() -> ModuleType:
    """Return the module `json`."""
    return json


def import_httplib() -> ModuleType:
    """Return the module `http.client`."""
    # Imported on demand, because it loads `ssl`.
    return importlib.import_module("http.client")


def add_metaclass(cls: type, mcls: type) -> type:
    """Return a copy of a class with another metaclass; return the class itself if it has that metaclass."""
    if isinstance(cls, mcls):
        return cls
    body = {name: value for name, value in vars(cls).items() if name not in ("__dict__", "__weakref__")}
    copy: type = mcls(cls.__name__, cls.__bases__, body)
    return copy


def get_local_ip() -> str:
    """Return the IP address of this machine's host name; ``127.0.0.1`` if it has none."""
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError:
        return "127.0.0.1"


def do_tar(worker_dir: str, tar_file: str) -> None:
    """Pack the files of a directory into a ``.tar.gz`` for ``PackagePath``.

    The setuid, setgid and sticky bits are dropped, because the service does not unpack them.

    Args:
        worker_dir: The directory.
        tar_file: Path of the archive. An archive inside the directory does not contain itself.

    Raises:
        ValidationError: The service would reject the package. No archive is written.
        OSError: A directory cannot be read, or the archive cannot be written.
    """
    root, target = Path(worker_dir), Path(tar_file).absolute()
    paths = [Path(folder) / name for folder, _, names in os.walk(root, onerror=_raise) for name in names]
    members = {
        f"./{path.relative_to(root).as_posix()}": path for path in sorted(paths) if path.absolute() != target
    }
    problems: list[Problem] = []
    for name, path in members.items():
        try:
            _check_member(name, path)
        except ArchiveError as error:
            problems.append(Problem(name, "", str(error)))
    if problems:
        raise ValidationError(problems, "do_tar")
    with tarfile.open(tar_file, "w:gz") as archive:
        for name, path in members.items():
            archive.add(path, arcname=name, recursive=False, filter=_without_set_id)


def _raise(error: OSError) -> NoReturn:
    raise error


def _check_member(name: str, path: Path) -> None:
    """Check a file against the service's rules for packages; `tarfile` itself skips sockets.

    Raises:
        ArchiveError: The file breaks a rule.
    """
    parts = check_name(name)
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        check_link(parts, path.readlink().as_posix())
    elif not stat.S_ISREG(mode) and not stat.S_ISSOCK(mode):
        check_type(_SPECIAL.get(stat.S_IFMT(mode), b"?"))


def _without_set_id(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.mode &= 0o777
    return member
