"""Fixtures for pytest: services, clients, a simulated service, and a stand-in for the service."""

# Every run of pytest loads this module, so it imports nothing that takes time. `docs/testing.md` explains the fixtures.

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from batchcompute import AsyncClient, Client
    from batchcompute.service import LocalService
    from batchcompute.testing import MockedApi, SimulatedService

__all__ = [
    "batchcompute_async_client",
    "batchcompute_client",
    "batchcompute_respx",
    "batchcompute_service",
    "batchcompute_service_options",
    "batchcompute_simulated",
    "batchcompute_simulated_options",
]


@pytest.fixture
def batchcompute_service_options() -> dict[str, Any]:
    """The arguments of `LocalService` for `batchcompute_service`, for tests that override this fixture."""
    return {}


@pytest.fixture
def batchcompute_service(batchcompute_service_options: dict[str, Any]) -> Iterator[LocalService]:
    """A service of this test alone, which really runs jobs as processes of this machine."""
    from batchcompute.testing.services import temporary_service

    with temporary_service(**batchcompute_service_options) as service:
        yield service


@pytest.fixture
def batchcompute_client(batchcompute_service: LocalService) -> Iterator[Client]:
    """A client of `batchcompute_service`."""
    with batchcompute_service.client() as client:
        yield client


@pytest.fixture
def batchcompute_async_client(batchcompute_service: LocalService) -> AsyncClient:
    """An asynchronous client of `batchcompute_service`.

    It calls the service in this process, so it has no connections that would have to be closed, and the fixture works
    with any plugin that runs tests in asyncio.
    """
    return batchcompute_service.async_client()


@pytest.fixture
def batchcompute_simulated_options() -> dict[str, Any]:
    """The arguments of `SimulatedService.running` for `batchcompute_simulated`, for tests that override this fixture."""
    return {}


@pytest.fixture
def batchcompute_simulated(batchcompute_simulated_options: dict[str, Any]) -> Iterator[SimulatedService]:
    """A service on the simulated engine: its script says what happens, on a virtual clock."""
    from batchcompute.testing.simulated import SimulatedService

    with SimulatedService.running(**batchcompute_simulated_options) as simulated:
        yield simulated


@pytest.fixture
def batchcompute_respx() -> Iterator[MockedApi]:
    """A stand-in for the service: routes of respx, which answer what the test says."""
    try:
        from batchcompute.testing.mocked import MockedApi
    except ModuleNotFoundError as error:
        from batchcompute.errors.installation import install_command

        if error.name != "respx":
            raise
        pytest.fail(f"batchcompute_respx needs respx: {install_command('testing')}", pytrace=False)

    with MockedApi.running() as api:
        yield api
