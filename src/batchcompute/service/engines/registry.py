"""The engines by their names: those of this package, and those of other packages."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from typing import Final, cast

from batchcompute.errors import ConfigError
from batchcompute.service.domain.instance_types import InstanceType
from batchcompute.service.engines.base import Engine
from batchcompute.service.engines.checks import SiteContext, refuse_bad_site, unloadable
from batchcompute.service.engines.context import EngineContext, EngineFactory
from batchcompute.service.engines.mixed import MixedEngine
from batchcompute.service.spelling import nearest

__all__ = ["GROUP", "check_engines", "make_engine"]

GROUP: Final = "batchcompute.engines"
"""The entry points of other packages that name an `EngineFactory`."""

_BUILT_IN: Final[Mapping[str, str]] = {
    "local": "batchcompute.service.engines.local:LocalEngine.create",
    "slurm": "batchcompute.service.engines.slurm:create",
    "dask": "batchcompute.service.engines.dask:create",
    "simulated": "batchcompute.service.engines.simulated:create",
}
"""The engines of this package, loaded when they are needed."""


def _others() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def check_engines(
    names: Sequence[str], options: Mapping[str, object], types: Iterable[InstanceType], setting: str
) -> None:
    """Check names of engines, before anything is made on disk.

    Args:
        names: The names.
        options: The options of engines, by name.
        types: The instance types.
        setting: The name of the setting, as the user wrote it.

    Raises:
        ConfigError: An engine does not exist, or an engine that is not used has options, or an instance type.
    """
    known = {**_BUILT_IN, **(_others() if any(name not in _BUILT_IN for name in names) else {})}
    for name in names:
        if name not in known:
            near = nearest(name, known)
            text = f"{setting}: there is no engine {name!r}; the nearest is {near!r}, and there are {', '.join(sorted(known))}"
            raise ConfigError(text)
    if len(set(names)) < len(names):
        raise ConfigError(f"{setting}: {','.join(names)} names an engine twice")
    for name in options:
        if name not in names:
            raise ConfigError(
                f"there are options for the engine {name!r}, but {setting} is {','.join(names)}"
            )
    for kind in types:
        if kind.engine and kind.engine not in names:
            raise ConfigError(
                f"the instance type {kind.name!r} names the engine {kind.engine!r}, but {setting} is {','.join(names)}"
            )


def make_engine(
    names: Sequence[str], options: Mapping[str, Mapping[str, object]], context: EngineContext
) -> Engine:
    """Make the engine of a service; several engines become one.

    Args:
        names: Names of engines, the first for instance types that name none.
        options: The options of each engine, by its name.
        context: The parts of the service.

    Raises:
        ConfigError: An engine or one of its options cannot be used.
    """
    with ExitStack() as stack:
        engines: dict[str, Engine] = {}
        for name in names:
            factory = _load(name)
            if name not in _BUILT_IN:
                # The engines of this package check their sites themselves, and need less time for it than the doctor.
                refuse_bad_site(name, _site_of(options.get(name, {}), context))
            try:
                engine = factory(replace(context, options=options.get(name, {})))
            except ImportError as error:
                # An engine may load what it needs when it is made.
                raise _refusal(name, error) from error
            stack.callback(engine.close)
            engines[name] = engine
        result = engines[names[0]] if len(engines) == 1 else MixedEngine(engines, context.types)
        stack.pop_all()
    return result


def _site_of(options: Mapping[str, object], context: EngineContext) -> SiteContext:
    return SiteContext(
        options,
        context.data_dir,
        context.work.path,
        context.machine.sandbox,
        context.endpoint(),
        context.clock,
    )


def _load(name: str) -> EngineFactory:
    place = _BUILT_IN.get(name)
    try:
        if place is None:
            return cast("EngineFactory", _others()[name].load())
        module, _, attribute = place.partition(":")
        loaded: object = importlib.import_module(module)
        for part in attribute.split("."):
            loaded = getattr(loaded, part)
        return cast("EngineFactory", loaded)
    except (ImportError, AttributeError) as error:
        raise _refusal(name, error) from error


def _refusal(name: str, error: Exception) -> ConfigError:
    finding = unloadable(name, error)
    return ConfigError(f"{finding.text}; {finding.action}")
