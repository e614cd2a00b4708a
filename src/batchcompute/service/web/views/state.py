"""The service itself: its health, its engine and its machine."""

from __future__ import annotations

import platform

from batchcompute._version import __version__
from batchcompute.service.machine import this_machine
from batchcompute.service.store.keys import FIRST_OWNER
from batchcompute.service.web.requests import View, ViewRequest

__all__: list[str] = []


def show_service(request: ViewRequest) -> View:
    """Return the page of the service."""
    api = request.api
    service = api.service
    health = service.health()
    engine = service._parts.dispatcher._engine
    with api.store.read() as transaction:
        busy = transaction.instances.count_active()
        totals = transaction.overview.totals(api.owner)
    content = {
        "health": health,
        "busy": busy,
        "slots": service.slots,
        "totals": totals,
        "engine": engine.name,
        "capabilities": engine.capabilities,
        "version": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "machine": f"{platform.node()}: {this_machine(service.slots).described()}",
        # Other owners have no business with the directories of the machine.
        "storage": service.objects.describe() if api.owner == FIRST_OWNER else "",
        "types": api.get("available")["AvailableClusterInstanceType"],
    }
    return View("service.html", "Service", "service", content)
