"""The options of the Dask engine: its table ``[engines.dask]``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from batchcompute.errors import ConfigError
from batchcompute.service.spelling import nearest

__all__ = ["DaskOptions", "read_options"]

_ADDRESS: Final = re.compile(r"(tcp|tls|ws|wss|ucx)://[^\s/@?#]+:\d{1,5}")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _check_address(value: str) -> str:
    if value and not _ADDRESS.fullmatch(value):
        raise ValueError("address")
    return value


def _check_path(value: str) -> str:
    if value and (not value.startswith("/") or not value.isprintable()):
        raise ValueError("path")
    return value


def _check_file(value: str) -> str:
    if value and not Path(_check_path(value)).is_file():
        raise ValueError("file")
    return value


def _split(value: object) -> object:
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


def _check_names(value: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_VARIABLE.fullmatch(name) for name in value):
        raise ValueError("names")
    return value


_PEM = Annotated[str, AfterValidator(_check_file)]
_NodePath = Annotated[str, AfterValidator(_check_path)]
_Quantity = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class DaskOptions(BaseModel):
    """The options of the Dask engine."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    scheduler: Annotated[str, AfterValidator(_check_address)] = Field(
        default="",
        description="an address such as tcp://HOST:PORT or tls://HOST:PORT; empty for a cluster of its own",
    )
    """Address of the scheduler; empty for a cluster of its own on this machine."""
    workers: int = Field(default=0, ge=0, le=1000, description="an integer from 0 to 1000")
    """Worker processes of its own cluster; 0 for one for each core, up to the slots of the service."""
    threads: int = Field(default=0, ge=0, le=1000, description="an integer from 0 to 1000")
    """Attempts at a time on each worker of its own cluster; 0 to have as many in all as the service has slots."""
    tls_ca: _PEM = Field(default="", description="an absolute path of a file")
    """File of the certificate authority of the cluster."""
    tls_cert: _PEM = Field(default="", description="an absolute path of a file")
    """File of the certificate of this client."""
    tls_key: _PEM = Field(default="", description="an absolute path of a file")
    """File of its key."""
    slots: int = Field(default=0, ge=0, le=1_000_000, description="an integer from 0 to 1,000,000")
    """Attempts in the cluster at the same time; 0 for twice the threads of the workers at the start of the service."""
    priority: int = Field(default=0, ge=-1_000_000, le=1_000_000, description="an integer")
    """Priority of attempts among all tasks of the cluster."""
    resources: Mapping[str, Mapping[str, _Quantity]] = Field(
        default={}, description="a table for each instance type, with quantities of resources of workers"
    )
    """Resources of workers, as ``dask worker --resources`` names them, that attempts need, by instance type."""
    work: _NodePath = Field(default="", description="an absolute path")
    """Directory on workers for records and files of attempts; empty for that of temporary files."""
    certificates: _NodePath = Field(default="", description="an absolute path")
    """Path on workers of the certificates that the service is checked with; empty for those of the worker."""
    sandbox: Literal["auto", "always", "never"] = Field(
        default="auto", description="'auto', 'always' or 'never'"
    )
    """The use of bubblewrap on workers."""
    max_file_size: int = Field(default=0, ge=0, description="an integer from 0")
    """Bytes that a file of a program may reach; 0 for any size."""
    deliver_logs: Literal["all", "failures"] = Field(default="all", description="'all' or 'failures'")
    """Whether the output of all programs is uploaded, or only of those that fail."""
    variables: Annotated[tuple[str, ...], BeforeValidator(_split), AfterValidator(_check_names)] = Field(
        default=(), description="names of variables, separated by commas"
    )
    """Variables of workers that programs get, such as ``CUDA_VISIBLE_DEVICES``."""
    patience: float = Field(default=300.0, ge=0, le=1e8, description="a number of seconds from 0")
    """Seconds in which requests of workers that fail are repeated."""
    grace: float = Field(default=60.0, ge=1, le=1e8, description="a number of seconds from 1")
    """Seconds in which the worker of a running attempt must come back after the scheduler was lost."""
    connect_timeout: float = Field(default=10.0, ge=0.5, le=3600, description="a number of seconds from 0.5")
    """Seconds in which the scheduler must answer."""


def read_options(options: Mapping[str, object]) -> DaskOptions:
    """Read the options of the engine.

    Args:
        options: The values by name, from a file or, as texts, from the command line.

    Raises:
        ConfigError: A name is unknown, or a value is wrong. The message names the option.
    """
    try:
        result = DaskOptions.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        name = str(first["loc"][0])
        fields = DaskOptions.model_fields
        if name not in fields:
            near = nearest(name, fields)
            raise ConfigError(f"engines.dask has no option {name[:100]!r}; the nearest is {near!r}") from None
        value: Any = options.get(name)
        allowed = fields[name].description
        raise ConfigError(f"engines.dask.{name} must be {allowed}, not {value!r:.200}") from None
    _check_together(result)
    return result


def _check_together(options: DaskOptions) -> None:
    files = {"tls_ca": options.tls_ca, "tls_cert": options.tls_cert, "tls_key": options.tls_key}
    is_secure = options.scheduler.startswith(("tls:", "wss:"))
    missing = [name for name, path in files.items() if not path]
    if is_secure and missing:
        raise ConfigError(
            f"engines.dask.{missing[0]} must be set, because engines.dask.scheduler is {options.scheduler}"
        )
    if not is_secure and len(missing) < len(files):
        name = next(name for name, path in files.items() if path)
        shown = options.scheduler or "empty"
        raise ConfigError(
            f"engines.dask.{name} needs engines.dask.scheduler to begin with tls:// or wss://; it is {shown}"
        )
    if options.scheduler and (options.workers or options.threads):
        name = "workers" if options.workers else "threads"
        raise ConfigError(
            f"engines.dask.{name} must be left out, because engines.dask.scheduler names a cluster that has its own"
        )
