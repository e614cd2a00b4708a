"""Every option of the service and of ``batchcompute serve``, described once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal, Self

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

from batchcompute.errors import ConfigError
from batchcompute.service.domain.instance_types import InstanceType
from batchcompute.service.durations import ALLOWED
from batchcompute.service.option_values import (
    AbsolutePath,
    read_engine_options,
    read_users,
    refuse_empty_names,
    refuse_other_than_duration,
    refuse_other_than_http,
    refuse_other_than_url,
    refuse_wrong_types,
    upper_case,
)
from batchcompute.service.options import Notes, Option, Source, conflict, line, options_of, spelled

__all__ = ["OPTIONS", "Option", "Settings"]

_SERVE: Final[tuple[Source, ...]] = ("command line", "environment", "file")


class Settings(BaseModel):
    """The options of the service and of ``batchcompute serve``.

    The arguments of ``batchcompute serve``, the ``[serve]`` table of its file, its environment variables, the
    checks of `LocalService` and the table in the documentation are made from the fields below.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    config: Annotated[
        AbsolutePath | None, Notes("a path", "FILE", default="none", sources=("command line", "environment"))
    ] = Field(default=None, description="TOML file with these options in `[serve]`, and `[instance_types]`")
    host: Annotated[str, Notes("an address or a host name", "ADDRESS", sources=_SERVE)] = Field(
        default="127.0.0.1", pattern=r"^[^\s\x00-\x20\x7f]+$", description="address to listen on"
    )
    port: Annotated[int, Notes(sources=_SERVE)] = Field(
        default=8790, strict=True, ge=0, le=65535, description="port to listen on; 0 for any free port"
    )
    data_dir: Annotated[AbsolutePath | None, Notes("a path", "DIR", default="the user's data directory")] = (
        Field(default=None, description="directory for the database, the objects, the keys and the work")
    )
    slots: Annotated[int | None, Notes(default="the number of cores")] = Field(
        default=None, strict=True, ge=1, le=1_000_000, description="how many instances run at once"
    )
    engine: Annotated[str, Notes("names of engines, separated by commas", "NAME[,NAME]")] = Field(
        default="local",
        description="engines that run instances: `local` is this machine; instance types may name theirs",
    )
    engine_options: Annotated[
        dict[str, dict[str, object]],
        BeforeValidator(read_engine_options),
        Notes("ENGINE.OPTION=VALUE, once for each option", "ENGINE.OPTION=VALUE", default="none"),
    ] = Field(default={}, description="options of engines; in the file, the tables `[engines.ENGINE]`")
    node_endpoint: Annotated[
        str,
        AfterValidator(refuse_other_than_http),
        Notes("an HTTP URL without a path", "URL", default="its own URL"),
    ] = Field(default="", description="URL at which the nodes of an engine reach this service")
    work_dir: Annotated[
        AbsolutePath | None, Notes("a path", "DIR", default="`work/` in the data directory")
    ] = Field(default=None, description="directory where programs run")
    storage: Annotated[
        str,
        AfterValidator(refuse_other_than_url),
        Notes("a URL", "URL", default="`oss/` in the data directory"),
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
        int, Notes("0 for any size, or a number of bytes", "BYTES", default="any size")
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
    detach_jobs: Annotated[bool, Notes(keyword="detach")] = Field(
        default=False,
        strict=True,
        description="running instances go on after the end; the next start adopts them",
    )
    keep_jobs: Annotated[
        str,
        AfterValidator(refuse_other_than_duration),
        Notes(ALLOWED, "DURATION", default="for ever", sources=_SERVE),
    ] = Field(default="", description="how long ended jobs stay, with their attempts and kept directories")
    refuse_replays: bool = Field(
        default=False, strict=True, description="a request with a nonce that was seen before is refused"
    )
    run_as: Annotated[
        dict[str, str],
        BeforeValidator(read_users),
        AfterValidator(refuse_empty_names),
        Notes("OWNER=USER, once for each owner", "OWNER=USER", default="the user of the service"),
    ] = Field(
        default={}, description="Unix user that runs the programs of an owner; the service has to be root"
    )
    trust_owners: bool = Field(
        default=False, strict=True, description="owners trust each other: their programs are not kept apart"
    )
    tls_cert: Annotated[
        AbsolutePath | None, Notes("a path", "FILE", default="plain HTTP", sources=_SERVE)
    ] = Field(default=None, description="certificate, to serve TLS")
    tls_key: Annotated[AbsolutePath | None, Notes("a path", "FILE", default="none", sources=_SERVE)] = Field(
        default=None, description="private key of the certificate"
    )
    insecure: Annotated[bool, Notes(sources=_SERVE)] = Field(
        default=False, strict=True, description="other machines may be served without TLS"
    )
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        BeforeValidator(upper_case),
        Notes(metavar="LEVEL", sources=_SERVE),
    ] = Field(default="INFO", description="lowest level of the log on stderr")
    log_format: Annotated[Literal["text", "json"], Notes(sources=_SERVE)] = Field(
        default="text", description="form of the log on stderr: lines for people, or JSON"
    )
    metrics_auth: Annotated[
        AbsolutePath | None, Notes("a path", "FILE", default="only this machine", sources=_SERVE)
    ] = Field(default=None, description="file with a token with which other machines may read `/metrics`")
    print_credentials: Annotated[bool, Notes(sources=("command line",))] = Field(
        default=False, strict=True, description="print the first key pair at the start"
    )
    oss_host: Annotated[str, Notes("a URL", default="the storage's own URL", sources=("keyword",))] = Field(
        default="", description="URL where programs reach object storage"
    )
    instance_types: Annotated[
        tuple[InstanceType, ...],
        AfterValidator(refuse_wrong_types),
        Notes(
            "instances of InstanceType with a name and positive numbers",
            keyword="types",
            default="none",
            sources=("keyword",),
        ),
    ] = Field(default=(), description="instance types besides the built-in ones")
    hide: Annotated[tuple[AbsolutePath, ...], Notes("paths", default="none", sources=("keyword",))] = Field(
        default=(),
        description="files and directories, besides those of the service, that no program in a sandbox sees",
    )

    _origins: dict[str, str] = PrivateAttr(default_factory=dict[str, str])
    _style: Source = PrivateAttr("keyword")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse settings that contradict each other."""
        if self.run_as and self.keep_mounts:
            raise conflict(
                "keep_mounts", "cannot be used with", "run_as", "the storage is not open to other users"
            )
        if self.tls_cert and not self.tls_key:
            raise conflict(
                "tls_cert", "needs", "tls_key", "a certificate cannot be served without its private key"
            )
        if self.tls_key and not self.tls_cert:
            raise conflict(
                "tls_key", "needs", "tls_cert", "a private key cannot be served without its certificate"
            )
        if self.insecure and self.tls_cert:
            raise conflict(
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
            raise ConfigError(line(error, values, OPTIONS, origins or {}, style)) from None
        settings._origins.update(origins or {})
        settings._style = style
        return settings

    def spelled(self, name: str) -> str:
        """Return the name of an option as the user wrote it, or would write it.

        Args:
            name: Name of the option.
        """
        return spelled(OPTIONS[name], self._origins, self._style)


OPTIONS: Final[Mapping[str, Option]] = options_of(Settings)
"""Every option by its name."""
