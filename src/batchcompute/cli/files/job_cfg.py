"""The ``job.cfg`` files of ``bcs``, the vendor's command line."""

from __future__ import annotations

import configparser
import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

from batchcompute.cli.files.document import Document, FileError
from batchcompute.cli.files.short_form import default_name
from batchcompute.errors import Problem

__all__: list[str] = []

_BOOLEANS: Final = configparser.ConfigParser.BOOLEAN_STATES

_JOB_OPTIONS: Final = (
    "job_name", "description", "priority", "force", "auto_release", "deps", "notification_endpoint",
    "notification_topic", "notification_events",
)  # fmt: skip
_TASK_OPTIONS: Final = (
    "cmd", "cluster", "image", "type", "nodes", "timeout", "retry_count", "env", "read_mount", "write_mount", "mount",
    "log_mapping", "docker", "disk", "user_data", "resource_type", "spot_price_limit", "reserve_on_fail",
    "vpc_cidr_block", "vpc_id", "nas_access_group", "nas_file_system", "no_cache_support", "lock", "locale", "pack",
)  # fmt: skip
_MERGED: Final = ("env", "read_mount", "write_mount", "mount", "log_mapping", "user_data")
"""Options of ``[DEFAULT]`` that are merged with those of a task."""

_TIMEOUT: Final = 86400
"""Seconds that a task may take by default."""


def parse_job_cfg(name: str, text: str) -> tuple[Document, list[tuple[str, str]]]:
    """Return the description in a ``job.cfg`` file, and the folders that it wants to be packed.

    Args:
        name: Name of the file.
        text: The text.

    Returns:
        The document, with paths of the API, and each task with its folder.

    Raises:
        FileError: The text is not such a file.
    """
    parser = configparser.RawConfigParser(strict=True, inline_comment_prefixes=None)
    try:
        parser.read_string(text, name)
    except configparser.Error as error:
        line = getattr(error, "lineno", 0) or next((number for number, _ in getattr(error, "errors", ())), 0)
        reason = str(error).replace("\n", " ")
        raise FileError(name, f"is no job.cfg file: {reason}", line) from None
    reader = _Reader(name, parser, _lines_of(text))
    return reader.document(), reader.packs


def _lines_of(text: str) -> dict[tuple[str, str], int]:
    """Return the line of each option by section and name."""
    lines: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        heading = re.match(r"\[([^\]]+)\]", line)
        option = re.match(r"([^\s#;=:\[][^=:]*?)\s*[=:]", line)
        if heading:
            section = heading[1]
            lines[section, ""] = number
        elif option:
            lines[section, option[1].lower()] = number
    return lines


class _Reader:
    """Makes a description of the sections."""

    def __init__(
        self, name: str, parser: configparser.RawConfigParser, lines: dict[tuple[str, str], int]
    ) -> None:
        self._parser = parser
        self._defaults = dict(parser.defaults())
        self._lines = lines
        self._document = Document(name, "cfg", {})
        self.packs: list[tuple[str, str]] = []
        # Options whose name begins with a dollar sign are variables for all other values.
        self._variables = {key: text for key, text in self._defaults.items() if key.startswith("$")}
        for section in parser.sections():
            self._variables |= {key: text for key, text in parser.items(section) if key.startswith("$")}

    def document(self) -> Document:
        """Return the document."""
        job: dict[str, Any] = {"Name": default_name(self._document.name), "Type": "DAG"}
        tasks: dict[str, Any] = {}
        self._check(configparser.DEFAULTSECT, self._defaults)
        for section in self._parser.sections():
            self._check(section, dict(self._parser.items(section)))
            tasks[section] = self._task(section)
            self._mark(f"DAG.Tasks.{section}", self._lines.get((section, ""), 0))
        self._job(job)
        job["DAG"] = {"Tasks": tasks, "Dependencies": job.pop("Dependencies", {})}
        self._document.value = job
        return self._document

    def _check(self, section: str, options: dict[str, str]) -> None:
        from batchcompute.service.spelling import nearest

        known = (*_JOB_OPTIONS, *_TASK_OPTIONS)
        for key in options:
            inherited = section != configparser.DEFAULTSECT and key in self._defaults
            if key not in known and not key.startswith("$") and not inherited:
                text = f"is no option of job.cfg; the nearest is {nearest(key, known)}"
                self._problem(section, key, text)

    def _mark(self, path: str, line: int) -> None:
        """Set the line of a path, and of the objects around it unless they have one."""
        parts = tuple(path.split("."))
        for count in range(1, len(parts)):
            self._document.lines.setdefault(parts[:count], line)
        self._document.lines[parts] = line

    def _problem(self, section: str, key: str, text: str, value: str = "") -> None:
        path = f"[{section}].{key}"
        self._mark(path, self._line(section, key))
        self._document.problems.append(Problem(path, repr(value) if value else "", text))

    def _line(self, section: str, key: str) -> int:
        default = self._lines.get((configparser.DEFAULTSECT, key), 0)
        return self._lines.get((section, key), default)

    def _text(self, section: str, key: str) -> str:
        source = self._defaults if section == configparser.DEFAULTSECT else self._parser[section]
        text = source.get(key, "")
        for variable, value in self._variables.items():
            text = text.replace(variable, value)
        return text.strip()

    def _set(
        self, target: dict[str, Any], path: str, value: Any, section: str, key: str, at: str = ""
    ) -> None:
        inner = target
        *above, last = path.split(".")
        for part in above:
            inner = inner.setdefault(part, {})
        inner[last] = value
        full = f"{at}.{path}" if at else path
        self._mark(full, self._line(section, key))

    def _convert(self, section: str, key: str, convert: Callable[[str], Any], allowed: str) -> Any:
        text = self._text(section, key)
        if not text:
            return None
        try:
            return convert(text)
        except (ValueError, KeyError):
            self._problem(section, key, allowed, text)
            return None

    def _boolean(self, section: str, key: str) -> bool | None:
        result: bool | None = self._convert(
            section, key, lambda text: _BOOLEANS[text.lower()], "must be true or false"
        )
        return result

    def _integer(self, section: str, key: str) -> int | None:
        result: int | None = self._convert(section, key, int, "must be an integer")
        return result

    def _job(self, job: dict[str, Any]) -> None:
        # Older files have the options of the job in the section of a task.
        for section in (configparser.DEFAULTSECT, *self._parser.sections()):
            force = self._boolean(section, "force")
            events = [
                text.strip() for text in self._text(section, "notification_events").split(",") if text.strip()
            ]
            topic = "Notification.Topic"
            fields: tuple[tuple[str, str, Any], ...] = (
                ("job_name", "Name", self._text(section, "job_name")),
                ("description", "Description", self._text(section, "description")),
                ("priority", "Priority", self._integer(section, "priority")),
                ("force", "JobFailOnInstanceFail", None if force is None else not force),
                ("auto_release", "AutoRelease", self._boolean(section, "auto_release")),
                ("notification_endpoint", f"{topic}.Endpoint", self._text(section, "notification_endpoint")),
                ("notification_topic", f"{topic}.Name", self._text(section, "notification_topic")),
                ("notification_events", f"{topic}.Events", events),
            )
            for key, path, value in fields:
                if value not in ("", None, []):
                    self._set(job, path, value, section, key)
            if self._text(section, "deps"):
                self._set(job, "Dependencies", _dependencies(self._text(section, "deps")), section, "deps")
                self._mark("DAG.Dependencies", self._line(section, "deps"))

    def _task(self, section: str) -> dict[str, Any]:
        at = f"DAG.Tasks.{section}"
        task: dict[str, Any] = {"Timeout": _TIMEOUT, "InstanceCount": 1}

        def put(path: str, value: Any, key: str) -> None:
            if value not in ("", None, {}, []):
                self._set(task, path, value, section, key, at)

        command = "Parameters.Command"
        put(f"{command}.CommandLine", self._text(section, "cmd"), "cmd")
        put("InstanceCount", self._integer(section, "nodes"), "nodes")
        put("Timeout", self._integer(section, "timeout"), "timeout")
        put("MaxRetryCount", self._integer(section, "retry_count"), "retry_count")
        put(f"{command}.EnvVars", self._pairs(section, "env"), "env")
        image, _, registry = self._text(section, "docker").partition("@oss://")
        if image:
            # The older form of the API, with the registry of the vendor's machines.
            variables = task.setdefault("Parameters", {}).setdefault("Command", {}).setdefault("EnvVars", {})
            with_host = (
                image
                if image.startswith(("registry", "localhost:5000/")) or not registry
                else f"localhost:5000/{image}"
            )
            variables["BATCH_COMPUTE_DOCKER_IMAGE"] = with_host
            if registry:
                variables["BATCH_COMPUTE_DOCKER_REGISTRY_OSS_PATH"] = f"oss://{registry}"
        self._cluster(task, section, put)
        entries = [*self._mounts(section, "mount"), *self._mounts(section, "read_mount")]
        put("Mounts.Entries", entries, "mount" if self._text(section, "mount") else "read_mount")
        outputs = {entry["Destination"]: entry["Source"] for entry in self._mounts(section, "write_mount")}
        put("OutputMapping", outputs, "write_mount")
        logs = {entry["Destination"]: entry["Source"] for entry in self._mounts(section, "log_mapping")}
        put("LogMapping", logs, "log_mapping")
        cached = self._boolean(section, "no_cache_support")
        put("Mounts.CacheSupport", None if cached is None else not cached, "no_cache_support")
        for key, field in (("nas_access_group", "AccessGroup"), ("nas_file_system", "FileSystem")):
            put(f"Mounts.NAS.{field}", [text for text in self._text(section, key).split(",") if text], key)
        put("Parameters.InputMappingConfig.Lock", self._boolean(section, "lock"), "lock")
        put("Parameters.InputMappingConfig.Locale", self._text(section, "locale"), "locale")
        if self._text(section, "pack"):
            self.packs.append((section, self._text(section, "pack")))
        return task

    def _cluster(self, task: dict[str, Any], section: str, put: Callable[[str, Any, str], None]) -> None:
        text = self._text(section, "cluster")
        if text and "=" not in text:
            put("ClusterId", text, "cluster")
            return
        task["AutoCluster"] = {}
        for part in text.split(":") if text else ():
            key, _, value = part.partition("=")
            if key in ("img", "type"):
                put({"img": "AutoCluster.ImageId", "type": "AutoCluster.InstanceType"}[key], value, "cluster")
            else:
                self._problem(section, "cluster", "must be the id of a cluster, or img=IMAGE:type=TYPE", text)
        put("AutoCluster.ImageId", self._text(section, "image"), "image")
        put("AutoCluster.InstanceType", self._text(section, "type"), "type")
        put("AutoCluster.ResourceType", self._text(section, "resource_type"), "resource_type")
        limit = self._convert(section, "spot_price_limit", float, "must be a number")
        put("AutoCluster.SpotPriceLimit", limit, "spot_price_limit")
        put("AutoCluster.ReserveOnFail", self._boolean(section, "reserve_on_fail"), "reserve_on_fail")
        put("AutoCluster.UserData", self._pairs(section, "user_data"), "user_data")
        network = "AutoCluster.Configs.Networks.VPC"
        put(f"{network}.CidrBlock", self._text(section, "vpc_cidr_block"), "vpc_cidr_block")
        put(f"{network}.VpcId", self._text(section, "vpc_id"), "vpc_id")
        form = "must be like system:cloud:40,data:cloud:500:/home/disk"
        put("AutoCluster.Configs.Disks", self._convert(section, "disk", _disks, form), "disk")

    def _merged(self, section: str, key: str) -> list[str]:
        """Return the parts of a list; those of ``[DEFAULT]`` come first, so that a task replaces them."""
        texts = [self._text(configparser.DEFAULTSECT, key)] if key in _MERGED else []
        texts.append(self._text(section, key))
        return [part.strip() for text in dict.fromkeys(texts) for part in text.split(",") if part.strip()]

    def _pairs(self, section: str, key: str) -> dict[str, str]:
        pairs: dict[str, str] = {}
        for part in self._merged(section, key):
            name, _, value = part.partition(":")
            pairs[name.strip()] = value.strip()
        return pairs

    def _mounts(self, section: str, key: str) -> list[dict[str, Any]]:
        entries: dict[tuple[str, str], dict[str, Any]] = {}
        for part in self._merged(section, key):
            match = re.fullmatch(r"((?:oss|nas)://.+?):([^:]+)(?::(true|false))?", part)
            turned = re.fullmatch(r"([^:]+):((?:oss|nas)://[^:]+)(?::(true|false))?", part)
            if match is None and turned is None:
                self._problem(section, key, "must be like oss://bucket/dir/:/home/dir/", part)
                continue
            source, target, writes = (
                match.groups() if match else (turned[2], turned[1], turned[3]) if turned else ("",) * 3
            )
            entry: dict[str, Any] = {"Source": source, "Destination": target}
            if key in ("mount", "read_mount"):
                entry["WriteSupport"] = (
                    writes == "true" if writes else key == "mount" and source.endswith("/")
                )
            entries[source, target] = entry
        return list(entries.values())


def _dependencies(text: str) -> dict[str, list[str]]:
    """Read ``split->count;count->merge``."""
    followers_of: dict[str, list[str]] = {}
    for chain in text.split(";"):
        links = [[name.strip() for name in part.split(",") if name.strip()] for part in chain.split("->")]
        for before, after in pairwise(links):
            for name in before:
                followers = followers_of.setdefault(name, [])
                followers += [one for one in after if one not in followers]
    return followers_of


def _disks(text: str) -> dict[str, Any]:
    """Read ``system:cloud:40,data:cloud:500:/home/disk``."""
    disks: dict[str, Any] = {}
    for part in text.split(","):
        kind, type_, size, *rest = (word.strip() for word in part.split(":"))
        fields: dict[str, Any] = {"Type": "" if type_ == "default" else type_, "Size": int(size)}
        if kind == "data" and len(rest) == 1:
            disks["DataDisk"] = {**fields, "MountPoint": rest[0]}
        elif kind == "system" and not rest:
            disks["SystemDisk"] = fields
        else:
            raise ValueError(part)
    return disks
