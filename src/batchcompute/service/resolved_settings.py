"""The settings of a running service, with defaults filled in and users looked up."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Literal

from batchcompute.errors import ConfigError
from batchcompute.errors.installation import install_command
from batchcompute.service.domain.instance_types import TYPES, InstanceType
from batchcompute.service.isolation import Isolation, accounts_of, why_no_sandbox
from batchcompute.service.machine import cores
from batchcompute.service.settings import Settings

__all__ = ["ResolvedSettings", "resolve"]


@dataclass(frozen=True, slots=True)
class ResolvedSettings:
    """Settings in their final form: defaults are filled in, paths and users are looked up."""

    slots: int = 1
    """The number of instances that run at once."""
    region: str = "local"
    """The region that programs read in their environment."""
    oss_host: str = ""
    """URL where programs reach object storage; empty for the storage's own URL."""
    sandbox: Literal["auto", "always", "never"] = "auto"
    """The use of bubblewrap: for tasks with mappings, for all tasks, or for none."""
    keep_mounts: bool = False
    """Whether object storage keeps what programs write to mounts with ``WriteSupport``."""
    max_file_size: int = 0
    """Bytes that a file of a program may reach, its output included; 0 for any size."""
    isolation: Isolation = field(default_factory=Isolation)
    """The separation of owners."""
    engines: tuple[str, ...] = ("local",)
    """Names of the engines; the first runs instances of types that name none."""
    engine_options: Mapping[str, Mapping[str, object]] = field(default_factory=dict[str, dict[str, object]])
    """The options of each engine, by its name."""
    node_endpoint: str = ""
    """URL at which the nodes of an engine reach this service; empty for its own URL."""
    types: Mapping[str, InstanceType] = field(default_factory=lambda: {kind.name: kind for kind in TYPES})
    """The instance types by name."""


def resolve(settings: Settings) -> ResolvedSettings:
    """Fill in defaults that depend on the machine, and look up Unix users.

    Args:
        settings: Checked settings.

    Raises:
        ConfigError: A user or the extra ``storage`` is not there, or this process may not become another user.
    """
    if settings.storage and find_spec("fsspec") is None:
        raise ConfigError(
            f"{settings.spelled('storage')} needs fsspec, of the extra storage: {install_command('storage')}"
        )
    accounts = accounts_of(settings.run_as, settings.spelled("run_as"))
    isolation = Isolation(trusts=settings.trust_owners, run_as=accounts)
    if settings.sandbox != "never":
        has_sandbox = shutil.which("bwrap") is not None
        isolation = replace(isolation, why_no_sandbox=why_no_sandbox, has_sandbox=has_sandbox)
    return ResolvedSettings(
        settings.slots or cores(),
        oss_host=settings.oss_host,
        sandbox=settings.sandbox,
        keep_mounts=settings.keep_mounts,
        max_file_size=settings.max_file_size,
        types={kind.name: kind for kind in (*TYPES, *settings.instance_types)},
        isolation=isolation,
        engines=tuple(name.strip() for name in settings.engine.split(",")),
        engine_options=settings.engine_options,
        node_endpoint=settings.node_endpoint,
    )
