"""Checks of the sites of engines before the first job: those of this package, and those of other packages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final, Literal, TypeAlias, cast

from batchcompute.errors import ConfigError
from batchcompute.errors.installation import install_command
from batchcompute.service.clock import SYSTEM_CLOCK, Clock
from batchcompute.service.engines.findings import OPTIONS, Finding

__all__ = ["GROUP", "Finding", "SiteChecks", "SiteContext", "check_site", "refuse_bad_site", "unloadable"]

GROUP: Final = "batchcompute.engine_checks"
"""The entry points of other packages that name a `SiteChecks` function, under the name of their engine."""

_EXTRAS: Final[Mapping[str, str]] = {"dask": "dask"}
"""The extras that engines of this package need."""

_log = logging.getLogger("batchcompute.service.engine")


@dataclass(frozen=True, slots=True)
class SiteContext:
    """The settings that checks of a site may use. No service has to run."""

    options: Mapping[str, object]
    """The options of the engine: its table ``[engines.NAME]`` in the configuration."""
    data_dir: Path
    """The data directory, which need not exist."""
    work_dir: Path | None = None
    """The directory where programs run; None for one in the data directory."""
    sandbox: Literal["auto", "always", "never"] = "auto"
    """The use of bubblewrap on this machine."""
    endpoint: str = ""
    """URL at which nodes reach the service; empty if it is not known."""
    clock: Clock = SYSTEM_CLOCK
    """The source of time."""


SiteChecks: TypeAlias = Callable[[SiteContext], Iterable[Finding]]
"""Checks the site of an engine. A generator may yield each finding as soon as it is known."""


def _local(site: SiteContext) -> Iterable[Finding]:
    from batchcompute.service.engines.local_checks import check_local

    return check_local(site)


def _slurm(site: SiteContext) -> Iterable[Finding]:
    from batchcompute.service.engines.slurm.doctor import diagnose

    return diagnose(site.options, site.endpoint, clock=site.clock)


def _dask(site: SiteContext) -> Iterable[Finding]:
    from batchcompute.service.engines.dask.doctor import check_site

    return check_site(site.options, site.endpoint, site.clock)


def _simulated(site: SiteContext) -> Iterable[Finding]:  # noqa: ARG001 - one shape for all
    return [Finding("ok", "site", "nothing has to be checked: no program runs")]


_BUILT_IN: Final[Mapping[str, SiteChecks]] = {
    "local": _local,
    "slurm": _slurm,
    "dask": _dask,
    "simulated": _simulated,
}
"""The checks of the engines of this package, which load their modules when they are called."""


def _checks_of(name: str) -> SiteChecks | None:
    """Return the checks of an engine; None if it has none.

    Raises:
        ConfigError: The checks cannot be loaded.
    """
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    for point in entry_points(group=GROUP, name=name):
        try:
            return cast("SiteChecks", point.load())
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"the checks of the engine {name!r} cannot be loaded: {error}") from error
    return None


def unloadable(name: str, error: Exception) -> Finding:
    """Return the finding that an engine cannot be loaded.

    Args:
        name: Name of the engine.
        error: The error.
    """
    action = f"correct the package of the engine {name}"
    if name in _EXTRAS:
        action = f"install the extra {_EXTRAS[name]}: {install_command(_EXTRAS[name])}"
    return Finding("error", "package", f"the engine {name!r} cannot be loaded: {error}", action)


def check_site(name: str, site: SiteContext) -> Iterator[Finding]:
    """Check the site of an engine, and yield each finding as soon as it is known.

    Args:
        name: Name of the engine, which exists.
        site: The settings.
    """
    try:
        checks = _checks_of(name)
    except ConfigError as error:
        yield Finding("error", "package", str(error), f"correct the package of the engine {name}")
        return
    try:
        if checks is None:
            yield Finding("warning", "site", f"the engine {name} has no checks", "try it with a small job")
            return
        yield from checks(site)
    except ImportError as error:
        yield unloadable(name, error)
    except ConfigError as error:
        # The next engine can still be checked.
        yield Finding("error", OPTIONS, str(error).rstrip("."), f"correct the options of the engine {name}")
    except OSError as error:
        yield Finding(
            "error", "site", str(error).rstrip("."), "try again when the machine has resources for it"
        )


def refuse_bad_site(name: str, site: SiteContext) -> None:
    """Check the site of an engine of another package at the start of a service; log what is only a warning.

    Args:
        name: Name of the engine.
        site: The settings.

    Raises:
        ConfigError: A finding is an error.
    """
    if _checks_of(name) is None:
        return
    findings = [finding for finding in check_site(name, site) if finding.level != "ok"]
    errors = [str(finding) for finding in findings if finding.level == "error"]
    if errors:
        raise ConfigError(f"the engine {name!r} cannot be used: {'; '.join(errors)}")
    for finding in findings:
        _log.warning("engine %s: %s", name, finding)
