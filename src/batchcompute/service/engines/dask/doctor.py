"""Checks of a Dask cluster before its first job."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from batchcompute._version import __version__
from batchcompute.errors import ConfigError
from batchcompute.errors.installation import install_command
from batchcompute.service.clock import Clock
from batchcompute.service.engines.dask import checks
from batchcompute.service.engines.dask.connection import Connection
from batchcompute.service.engines.dask.options import DaskOptions, read_options
from batchcompute.service.engines.findings import OPTIONS, Finding

__all__ = ["check_site"]

_SKEW: Final = 5.0
"""Seconds by which the clock of a worker may differ."""

_COMPARED: Final = ("dask", "distributed", "msgpack", "cloudpickle")
"""Packages whose versions should be the same everywhere."""


def check_site(options: Mapping[str, object], endpoint: str, clock: Clock) -> list[Finding]:
    """Check a cluster, and return the findings.

    Args:
        options: The options of the engine.
        endpoint: URL at which workers reach the service; empty if it is not known.
        clock: The source of time.
    """
    try:
        settings = read_options(options)
    except ConfigError as error:
        return [Finding("error", OPTIONS, str(error).rstrip("."), "correct the setting")]
    if not settings.scheduler:
        text = "the service starts a cluster of its own; nothing is checked on its workers before that"
        return [Finding("ok", "engines.dask.scheduler", text)]
    connection = Connection(settings, "doctor-", {}, (0, 0), "", lambda _: None)
    try:
        connection.connect()
    except (OSError, ConfigError) as error:
        action = "start `dask scheduler` there, or correct the address, the certificates or the firewall"
        return [Finding("error", "engines.dask.scheduler", str(error).rstrip("."), action)]
    try:
        return list(_findings(connection, settings, endpoint, clock))
    except OSError as error:
        return [Finding("error", "engines.dask.scheduler", str(error).rstrip("."), "look into its log")]
    finally:
        connection.close()


def _findings(
    connection: Connection, settings: DaskOptions, endpoint: str, clock: Clock
) -> Iterator[Finding]:
    yield Finding("ok", settings.scheduler, "the scheduler answers")
    if not settings.tls_ca:
        yield Finding(
            "warning",
            settings.scheduler,
            "the connections have no TLS, so everybody in the network can run programs on the workers",
            "use tls://, with tls_ca, tls_cert and tls_key, unless nobody else reaches the network",
        )
    yield from _versions(connection)
    before = clock.time()
    machines = connection.machines()
    after = clock.time()
    if not machines:
        yield Finding(
            "warning", settings.scheduler, "the cluster has no worker, so jobs wait", "start `dask worker`"
        )
        return
    threads = sum(cast("int", facts["threads"]) for facts in machines.values())
    yield Finding("ok", settings.scheduler, f"{len(machines)} workers have {threads} threads for attempts")
    usable: list[str] = []
    for worker, facts in machines.items():
        problems = list(_machine(worker, facts, before, after))
        yield from problems
        if all(finding.level != "error" for finding in problems):
            usable.append(worker)
    yield from _answers(connection, settings, endpoint, usable)
    yield from _resources(machines, settings)


def _versions(connection: Connection) -> Iterator[Finding]:
    logging.getLogger("distributed.client").setLevel(logging.ERROR)
    versions = cast("dict[str, Any]", connection.client.get_versions())
    own: dict[str, str] = versions["client"]["packages"]
    others = {"the scheduler": versions["scheduler"], **versions["workers"]}
    for name, described in others.items():
        packages = cast("dict[str, str]", described["packages"]) if described else {}
        for package in _COMPARED:
            if packages.get(package) != own.get(package):
                yield Finding(
                    "warning",
                    name,
                    f"it has {package} {packages.get(package)}, and the service has {own.get(package)}",
                    f"install {package}=={own.get(package)} there",
                )


def _machine(worker: str, facts: Mapping[str, Any], before: float, after: float) -> Iterator[Finding]:
    if not facts["linux"]:
        yield Finding("error", worker, "it does not run on Linux", "start workers on Linux only")
        return
    if facts["problem"]:
        text = f"it cannot load this package: {facts['problem']}"
        action = f"install it for {facts['executable']}: {install_command('dask')}"
        yield Finding("error", worker, text, action)
        return
    if facts["version"] != __version__:
        text = f"it has version {facts['version']} of this package, and the service has {__version__}"
        yield Finding("warning", worker, text, "install the same version")
    if not facts["nanny"]:
        text = "it has no nanny, so it does not come back after it has died"
        yield Finding("warning", worker, text, "start `dask worker` without --no-nanny")
    moment = cast("float", facts["time"])
    skew = max(before - moment, moment - after, 0.0)
    if skew > _SKEW:
        text = f"its clock differs by {skew:.0f} seconds, so starts and ends have wrong times"
        yield Finding("warning", worker, text, "synchronise the clocks")


def _answers(
    connection: Connection, settings: DaskOptions, endpoint: str, workers: list[str]
) -> Iterator[Finding]:
    if not workers:
        return
    for worker, problem in connection.run(checks.can_write, settings.work, workers=workers).items():
        if problem:
            text = f"it cannot write to the directory for attempts: {problem}"
            yield Finding("error", worker, text, "set engines.dask.work to a directory that it can write to")
    if not endpoint:
        text = "no address of the service is known, so jobs with files cannot run"
        yield Finding("warning", "node_endpoint", text, "set it to a URL that workers reach")
        return
    answers = connection.run(checks.can_reach, endpoint, settings.certificates, workers=workers)
    for worker, problem in answers.items():
        if problem:
            text = f"it does not reach the service at {endpoint}: {problem}"
            action = "start the service, or correct node_endpoint, engines.dask.certificates or the firewall"
            yield Finding("error", worker, text, action)
    if not any(answers.values()):
        yield Finding("ok", endpoint, "all workers reach the service")


def _resources(machines: Mapping[str, Mapping[str, Any]], settings: DaskOptions) -> Iterator[Finding]:
    offered = [cast("dict[str, float]", facts["resources"]) for facts in machines.values()]
    for name, wanted in settings.resources.items():
        if not any(
            all(have.get(resource, 0) >= quantity for resource, quantity in wanted.items())
            for have in offered
        ):
            text = f"no worker has the resources of the instance type {name}, so its instances wait"
            yield Finding(
                "warning", f"engines.dask.resources.{name}", text, "start `dask worker` with --resources"
            )
