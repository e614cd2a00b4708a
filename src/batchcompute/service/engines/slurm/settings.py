"""The options of the Slurm engine: its directory, the packing of attempts, and the options of the site."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, Literal, NoReturn, cast

from batchcompute.errors import ConfigError

__all__ = ["NAMES", "SITE_NAMES", "SiteOptions", "SlurmSettings"]


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """The options of ``sbatch`` for an instance type. Empty texts are left out."""

    partition: str = ""
    """Partition, or several ones separated by commas; empty for the default partition of the site."""
    account: str = ""
    """Account that the jobs are charged to."""
    qos: str = ""
    """Quality of service."""
    constraint: str = ""
    """Features that the nodes must have."""
    gres: str = ""
    """Generic resources for each attempt; empty for the GPUs of the instance type, if it has any."""
    memory: str = ""
    """MiB for each attempt; ``none`` to ask for no memory; empty for the memory of the instance type."""
    licenses: str = ""
    """Licences."""
    time: int = 0
    """Minutes that a Slurm job may take; 0 for the time limits of its attempts, up to ``MaxTime`` of the partition."""
    sbatch: tuple[str, ...] = ()
    """Further options of ``sbatch``, each in the form ``--option=value``."""


@dataclass(frozen=True, slots=True)
class SlurmSettings:
    """The options of the engine."""

    directory: str
    """Directory that the service and all nodes see, for specifications and records."""
    python: str = sys.executable
    """Python on the nodes, in which this package is installed."""
    setup: str = ""
    """Lines of shell that run before Python, for example ``module load python``."""
    certificates: str = ""
    """Path on the nodes of the certificates that the service is checked with; empty for those of the node."""
    work: str = ""
    """Directory on each node for the files of attempts; empty for that of temporary files."""
    deliver_logs: Literal["all", "failures"] = "all"
    """Whether the output of all programs is delivered, or only of those that fail."""
    slots: int = 1000
    """Number of attempts that are in Slurm at the same time."""
    pack: int = 0
    """Attempts in one element of a job array; 0 to choose it from measured durations."""
    pack_seconds: float = 10.0
    """Seconds that a packed element should take."""
    parallel: int = 1
    """Attempts of one element that run at the same time. The element asks for the resources of all of them."""
    poll: float = 1.0
    """Seconds between two calls of ``squeue``."""
    grace: float = 60.0
    """Seconds in which the record of an attempt must arrive after its Slurm job has left the queue."""
    held_grace: float = 3600.0
    """Seconds after which an attempt whose Slurm job is held is lost."""
    wait: float = 60.0
    """Seconds in which a runner waits for its specifications."""
    patience: float = 300.0
    """Seconds in which a runner repeats records and requests that fail."""
    exclude_after: int = 3
    """Slurm jobs in a row that a node must lose before it is excluded."""
    exclude_seconds: float = 1800.0
    """Seconds for which it is excluded."""
    command_timeout: float = 30.0
    """Seconds after which a command of Slurm has failed."""
    check_seconds: float = 20.0
    """Seconds in which small jobs look at the nodes when the service starts; 0 to start without them."""
    site: SiteOptions = field(default_factory=SiteOptions)
    """Site options of all instance types."""
    types: Mapping[str, SiteOptions] = field(default_factory=dict[str, SiteOptions])
    """Site options of instance types that differ."""

    def site_of(self, instance_type: str) -> SiteOptions:
        """Return the site options of an instance type."""
        return self.types.get(instance_type, self.site)

    @classmethod
    def read(cls, options: Mapping[str, object]) -> SlurmSettings:
        """Read the options of the engine.

        Args:
            options: The values by name: texts, numbers, and lists of texts. A site option of one instance type has the name
                ``TYPE.OPTION``, or stands in the table ``types.TYPE``.

        Raises:
            ConfigError: A name is unknown, or a value is wrong. The message names the option.
        """
        general: dict[str, Any] = {}
        common: dict[str, Any] = {}
        special: dict[str, dict[str, Any]] = {}
        for name, value in _flat(options):
            type_name, dot, option = name.rpartition(".")
            text = _text(name, value)
            if option in SITE_NAMES:
                target = special.setdefault(type_name, {}) if dot else common
                target[option] = _SITE[option](name, text)
            elif name in _GENERAL:
                general[name] = _GENERAL[name](name, text)
            else:
                raise ConfigError(
                    f"the Slurm engine has no option {name[:100]!r}; it has {', '.join(NAMES)};"
                    f" for one instance type, TYPE.{', TYPE.'.join(SITE_NAMES)}"
                )
        if "directory" not in general:
            raise ConfigError(
                "the option 'directory' of the Slurm engine must name a directory that all nodes see"
            )
        site = SiteOptions(**common)
        types = {name: replace(site, **values) for name, values in special.items()}
        return cls(**general, site=site, types=types)


def _flat(options: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    for name, value in options.items():
        if name != "types":
            yield name, value
        elif not isinstance(value, Mapping):
            _refuse("types", str(value), "a table with a table for each instance type")
        else:
            for type_name, table in cast("Mapping[str, object]", value).items():
                if not isinstance(table, Mapping):
                    _refuse(f"types.{type_name}", str(table), "a table of options")
                for option, entry in cast("Mapping[str, object]", table).items():
                    yield f"{type_name}.{option}", entry


def _text(name: str, value: object) -> str:
    """Return the value of an option as a text, which is the form that the command line has."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(str(entry) for entry in cast("list[object]", value))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return _refuse(name, str(value), "a text, a number, or a list of texts")


def _refuse(name: str, text: str, allowed: str) -> NoReturn:
    raise ConfigError(f"the option {name!r} of the Slurm engine must be {allowed} (got {text[:200]!r})")


Reader = Callable[[str, str], object]

_WORD: Final = re.compile(r"[A-Za-z0-9_.:,&|()*@+%/=!\[\]-]+")
"""Characters of names in Slurm, with those of its lists and expressions."""


def _word(name: str, text: str) -> str:
    if text and (not _WORD.fullmatch(text) or text.startswith("-") or len(text) > 1000):
        _refuse(name, text, "a name of Slurm, without spaces and quotes")
    return text


def _path(name: str, text: str) -> str:
    if not text.startswith("/") or not text.isprintable() or "{" in text or "%" in text:
        # Slurm replaces % in paths, and the runner replaces {index}.
        _refuse(name, text, "an absolute path without '%', '{' and control characters")
    return text.rstrip("/") or "/"


def _optional_path(name: str, text: str) -> str:
    return _path(name, text) if text else ""


def _number(lowest: int, highest: int) -> Reader:
    def read(name: str, text: str) -> int:
        if not text.isascii() or not text.isdigit() or not lowest <= int(text[:20]) <= highest:
            _refuse(name, text, f"an integer from {lowest} to {highest:,}")
        return int(text)

    return read


def _seconds(lowest: float) -> Reader:
    def read(name: str, text: str) -> float:
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
        if not lowest <= seconds <= 1e8:
            _refuse(name, text, f"a number of seconds from {lowest:g}")
        return seconds

    return read


def _memory(name: str, text: str) -> str:
    if text not in ("", "none") and (not text.isascii() or not text.isdigit() or len(text) > 12):
        _refuse(name, text, "a number of MiB, or 'none'")
    return text


def _one_of(*allowed: str) -> Reader:
    def read(name: str, text: str) -> str:
        if text not in allowed:
            _refuse(name, text, " or ".join(map(repr, allowed)))
        return text

    return read


def _setup(name: str, text: str) -> str:
    if "\0" in text or len(text) > 100_000:
        _refuse(name, text, "lines of shell")
    return text


_RESERVED: Final = (
    "--array", "--comment", "--job-name", "--output", "--error", "--requeue", "--no-requeue", "--parsable",
    "--wrap", "--export", "--chdir", "--wait", "--test-only",
)  # fmt: skip
"""Options that the engine sets itself, and relies on."""


def _lines(name: str, text: str) -> tuple[str, ...]:
    lines = tuple(line.strip() for line in text.splitlines() if line.strip())
    for line in lines:
        option = re.split(r"[=\s]", line, maxsplit=1)[0]
        if not line.startswith("--") or not line.isprintable() or option in _RESERVED:
            _refuse(
                name, line, "lines of the form --option=value, and none of the options that the engine sets"
            )
    return lines


_SITE: Final[Mapping[str, Reader]] = {
    "partition": _word,
    "account": _word,
    "qos": _word,
    "constraint": _word,
    "gres": _word,
    "memory": _memory,
    "licenses": _word,
    "time": _number(0, 1_000_000),
    "sbatch": _lines,
}
_GENERAL: Final[Mapping[str, Reader]] = {
    "directory": _path,
    "python": lambda name, text: text if text.isprintable() and text else _refuse(name, text, "a program"),
    "setup": _setup,
    "certificates": _optional_path,
    "work": _optional_path,
    "deliver_logs": _one_of("all", "failures"),
    "slots": _number(1, 1_000_000),
    "pack": _number(0, 100_000),
    "pack_seconds": _seconds(0.0),
    "parallel": _number(1, 10_000),
    "poll": _seconds(1.0),
    "grace": _seconds(1.0),
    "held_grace": _seconds(0.0),
    "wait": _seconds(1.0),
    "patience": _seconds(0.0),
    "exclude_after": _number(1, 1000),
    "exclude_seconds": _seconds(0.0),
    "command_timeout": _seconds(1.0),
    "check_seconds": _seconds(0.0),
}

SITE_NAMES: Final = tuple(entry.name for entry in fields(SiteOptions))
"""Names of the options that may differ between instance types."""
NAMES: Final = (*_GENERAL, *SITE_NAMES)
"""Names of all options."""
