"""Every option of the service and of ``batchcompute serve``, described once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal, Self, cast, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from batchcompute.errors import ConfigError
from batchcompute.service.domain.instance_types import InstanceType
from batchcompute.service.spelling import nearest

__all__ = ["OPTIONS", "Option", "Settings"]

Source = Literal["command line", "environment", "file", "keyword"]
"""Source of the value of an option; ``keyword`` is an argument of `LocalService`."""

_SERVE: Final[tuple[Source, ...]] = ("command line", "environment", "file")
_ALL: Final[tuple[Source, ...]] = (*_SERVE, "keyword")

_URL: Final = re.compile(r"(/|[A-Za-z][A-Za-z0-9+.-]*:(//|:))[^\x00-\x1f]*")
"""What fsspec opens: a URL, a chain of them, or an absolute path."""

_LONGEST_VALUE: Final = 200
"""Characters of a wrong value that a message shows."""


@dataclass(frozen=True, slots=True)
class _Notes:
    """Properties of an option that the type of its field does not contain."""

    allowed: str = ""
    metavar: str = ""
    default: str = ""
    keyword: str = ""
    sources: tuple[Source, ...] = _ALL


@dataclass(frozen=True, slots=True)
class Option:
    """One option of the service, for the parser, the documents and the messages."""

    name: str
    """Its name in `Settings` and in the ``[serve]`` table of the file."""
    description: str
    """Its effect, as one sentence without a full stop."""
    allowed: str
    """The allowed values, in words."""
    default: str
    """The default, in words."""
    sources: tuple[Source, ...]
    """The possible sources of its value."""
    kind: Literal["flag", "integer", "list", "text"]
    """The form of its value as text."""
    metavar: str = ""
    """Placeholder of its value in the help of the command line."""
    keyword: str = ""
    """The argument of `LocalService`."""

    @property
    def flag(self) -> str:
        """The option of the command line, such as ``--data-dir``."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable, such as ``BATCHCOMPUTE_DATA_DIR``."""
        return "BATCHCOMPUTE_" + self.name.upper()


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        # `~name` of a user that this machine does not have.
        raise ValueError("no home directory") from None


def _not_empty(value: object) -> object:
    if value == "":
        # Path("") is the working directory, which an unset variable of a script must not name.
        raise ValueError("empty")
    return value


def _without_nul(value: object) -> object:
    if "\0" in str(value):
        # Calls of the operating system refuse it, each with another error.
        raise ValueError("a null character")
    return value


_Path = Annotated[Path, BeforeValidator(_not_empty), BeforeValidator(_without_nul), AfterValidator(_absolute)]


def _users(value: object) -> object:
    """Read a list of ``OWNER=USER`` texts as a mapping."""
    if not isinstance(value, (list, tuple)):
        return value
    users: dict[str, str] = {}
    for text in cast("Iterable[object]", value):
        owner, sign, user = str(text).partition("=")
        if not sign or owner in users or "\0" in user:
            raise PydanticCustomError("wrong", "one text is wrong", {"value": text})
        users[owner] = user
    return users


def _no_empty_names(users: dict[str, str]) -> dict[str, str]:
    for owner, user in users.items():
        if not owner or not user:
            raise PydanticCustomError("wrong", "a name is empty", {"value": f"{owner}={user}"})
    return users


def _level(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _url(text: str) -> str:
    # Without `scheme://`, fsspec takes any text for a path below the working directory.
    if text and not _URL.fullmatch(text):
        raise PydanticCustomError("wrong", "not a URL", {"value": re.sub(r"[^/]*@", "…@", text)})
    return text


def _read_types(types: tuple[InstanceType, ...]) -> tuple[InstanceType, ...]:
    for given in types:
        numbers = isinstance(given.cores, int) and isinstance(given.memory, (int, float))
        if not (given.name and numbers and given.cores > 0 and 0 < given.memory < float("inf")):
            raise PydanticCustomError("wrong", "not a name with positive numbers", {"value": given})
    return types


class Settings(BaseModel):
    """The options of the service and of ``batchcompute serve``.

    The arguments of ``batchcompute serve``, the ``[serve]`` table of its file, its environment variables, the
    checks of `LocalService` and the table in the documentation are made from the fields below.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    config: Annotated[
        _Path | None, _Notes("a path", "FILE", default="none", sources=("command line", "environment"))
    ] = Field(default=None, description="TOML file with these options in `[serve]`, and `[instance_types]`")
    host: Annotated[str, _Notes("an address or a host name", "ADDRESS", sources=_SERVE)] = Field(
        default="127.0.0.1", pattern=r"^[^\s\x00-\x20\x7f]+$", description="address to listen on"
    )
    port: Annotated[int, _Notes(sources=_SERVE)] = Field(
        default=8790, strict=True, ge=0, le=65535, description="port to listen on; 0 for any free port"
    )
    data_dir: Annotated[_Path | None, _Notes("a path", "DIR", default="the user's data directory")] = Field(
        default=None, description="directory for the database, the objects, the keys and the work"
    )
    slots: Annotated[int | None, _Notes(default="the number of cores")] = Field(
        default=None, strict=True, ge=1, le=1_000_000, description="how many instances run at once"
    )
    work_dir: Annotated[_Path | None, _Notes("a path", "DIR", default="`work/` in the data directory")] = (
        Field(default=None, description="directory where programs run")
    )
    storage: Annotated[
        str, AfterValidator(_url), _Notes("a URL", "URL", default="`oss/` in the data directory")
    ] = Field(default="", description="URL of other object storage, for fsspec: `s3://bucket/prefix`")
    sandbox: Literal["auto", "always", "never"] = Field(
        default="auto",
        description="when bubblewrap is used: `auto` for tasks with mappings, `always`, or `never`",
    )
    keep_mounts: bool = Field(
        default=False,
        strict=True,
        description="object storage keeps what programs write to mounts with `WriteSupport`",
    )
    max_file_size: Annotated[
        int, _Notes("0 for any size, or a number of bytes", "BYTES", default="any size")
    ] = Field(
        default=0,
        strict=True,
        ge=0,
        le=2**63 - 1,
        description="size that a file of a program may reach, its output included",
    )
    full_sync: bool = Field(
        default=False,
        strict=True,
        description="each commit waits for the disk, so a power cut loses no commit",
    )
    detach_jobs: Annotated[bool, _Notes(keyword="detach")] = Field(
        default=False,
        strict=True,
        description="running instances go on after the end; the next start adopts them",
    )
    refuse_replays: bool = Field(
        default=False, strict=True, description="a request with a nonce that was seen before is refused"
    )
    run_as: Annotated[
        dict[str, str],
        BeforeValidator(_users),
        AfterValidator(_no_empty_names),
        _Notes("OWNER=USER, once for each owner", "OWNER=USER", default="the user of the service"),
    ] = Field(
        default={}, description="Unix user that runs the programs of an owner; the service has to be root"
    )
    trust_owners: bool = Field(
        default=False, strict=True, description="owners trust each other: their programs are not kept apart"
    )
    tls_cert: Annotated[_Path | None, _Notes("a path", "FILE", default="plain HTTP", sources=_SERVE)] = Field(
        default=None, description="certificate, to serve TLS"
    )
    tls_key: Annotated[_Path | None, _Notes("a path", "FILE", default="none", sources=_SERVE)] = Field(
        default=None, description="private key of the certificate"
    )
    insecure: Annotated[bool, _Notes(sources=_SERVE)] = Field(
        default=False, strict=True, description="other machines may be served without TLS"
    )
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        BeforeValidator(_level),
        _Notes(metavar="LEVEL", sources=_SERVE),
    ] = Field(default="INFO", description="lowest level of the log on stderr")
    print_credentials: Annotated[bool, _Notes(sources=("command line",))] = Field(
        default=False, strict=True, description="print the first key pair at the start"
    )
    oss_host: Annotated[str, _Notes("a URL", default="the storage's own URL", sources=("keyword",))] = Field(
        default="", description="URL where programs reach object storage"
    )
    instance_types: Annotated[
        tuple[InstanceType, ...],
        AfterValidator(_read_types),
        _Notes(
            "instances of InstanceType with a name and positive numbers",
            keyword="types",
            default="none",
            sources=("keyword",),
        ),
    ] = Field(default=(), description="instance types besides the built-in ones")
    hide: Annotated[tuple[_Path, ...], _Notes("paths", default="none", sources=("keyword",))] = Field(
        default=(),
        description="files and directories, besides those of the service, that no program in a sandbox sees",
    )

    _origins: dict[str, str] = PrivateAttr(default_factory=dict[str, str])
    _style: Source = PrivateAttr("keyword")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse settings that contradict each other."""
        if self.run_as and self.keep_mounts:
            raise _conflict(
                "keep_mounts", "cannot be used with", "run_as", "the storage is not open to other users"
            )
        if self.tls_cert and not self.tls_key:
            raise _conflict(
                "tls_cert", "needs", "tls_key", "a certificate cannot be served without its private key"
            )
        if self.tls_key and not self.tls_cert:
            raise _conflict(
                "tls_key", "needs", "tls_cert", "a private key cannot be served without its certificate"
            )
        if self.insecure and self.tls_cert:
            raise _conflict(
                "insecure", "cannot be used with", "tls_cert", "one asks for plain HTTP, the other for TLS"
            )
        return self

    @classmethod
    def checked(
        cls, values: Mapping[str, object], origins: Mapping[str, str] | None = None, style: Source = "keyword"
    ) -> Self:
        """Check values and return the settings.

        Args:
            values: Values by name.
            origins: How the user wrote the names, for messages: ``--port``, for example.
            style: The kind of names that messages use for options without an origin.

        Raises:
            ConfigError: A value is not allowed, or two values contradict each other.
        """
        try:
            settings = cls.model_validate(dict(values))
        except ValidationError as error:
            raise ConfigError(_line(error, values, origins or {}, style)) from None
        settings._origins.update(origins or {})
        settings._style = style
        return settings

    def spelled(self, name: str) -> str:
        """Return the name of an option as the user wrote it, or would write it.

        Args:
            name: Name of the option.
        """
        return _spelled(name, self._origins, self._style)


def _conflict(first: str, verb: str, second: str, reason: str) -> PydanticCustomError:
    return PydanticCustomError(
        "conflict", "conflict", {"first": first, "verb": verb, "second": second, "reason": reason}
    )


def _line(
    error: ValidationError, values: Mapping[str, object], origins: Mapping[str, str], style: Source
) -> str:
    """Return one line about the first error: the setting, the value, and which values are allowed."""
    first = error.errors(include_url=False, include_input=False)[0]
    context = first.get("ctx", {})
    if first["type"] == "conflict":
        names = [_spelled(context[key], origins, style) for key in ("first", "second")]
        return f"{names[0]} {context['verb']} {names[1]}: {context['reason']}"
    name = str(first["loc"][0])
    if name not in OPTIONS:
        return f"there is no setting {name!r}; the nearest is {nearest(name, OPTIONS)!r}"
    value = context["value"] if "value" in context else values[name]
    shown = repr(value)
    if len(shown) > _LONGEST_VALUE:
        shown = f"{shown[:_LONGEST_VALUE]}…"
    return f"{_spelled(name, origins, style)} must be {OPTIONS[name].allowed}, not {shown}"


def _spelled(name: str, origins: Mapping[str, str], style: Source) -> str:
    option = OPTIONS[name]
    return (
        origins.get(name)
        or {
            "command line": option.flag,
            "environment": option.variable,
            "file": option.name,
            "keyword": option.keyword,
        }[style]
    )


def _words(choices: tuple[str, ...]) -> str:
    return f"{', '.join(map(repr, choices[:-1]))} or {choices[-1]!r}"


def _options() -> dict[str, Option]:
    """Read the list of options from the fields of the model."""
    found: dict[str, Option] = {}
    for name, info in Settings.model_fields.items():
        notes = next((item for item in info.metadata if isinstance(item, _Notes)), _Notes())
        annotation = cast("object", info.annotation)
        preset = cast("object", info.default)
        kind: Literal["flag", "integer", "list", "text"] = "text"
        allowed = notes.allowed
        if annotation is bool:
            kind, allowed = "flag", "true or false"
        elif annotation in (int, int | None):
            kind, allowed = "integer", allowed or _range(info.metadata)
        elif name == "run_as":
            kind = "list"
        elif not allowed:
            allowed = _words(get_args(annotation))
        metavar = notes.metavar or (
            "NUMBER" if kind == "integer" else "|".join(map(str, get_args(annotation)))
        )
        default = notes.default or ("on" if preset is True else "off" if preset is False else f"`{preset}`")
        keyword = (notes.keyword or name) if "keyword" in notes.sources else ""
        found[name] = Option(
            name, info.description or "", allowed, default, notes.sources, kind, metavar, keyword
        )
    return found


def _range(metadata: list[Any]) -> str:
    low, high = (
        next((getattr(item, side) for item in metadata if hasattr(item, side)), None) for side in ("ge", "le")
    )
    return f"an integer from {low} to {high}" if high is not None else f"an integer, {low} or more"


OPTIONS: Final[Mapping[str, Option]] = _options()
"""Every option by its name."""
