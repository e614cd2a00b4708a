"""A service on the simulated engine, with a script of faults, a virtual clock, and faults of its answers."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import httpx

from batchcompute.api.operations import OPERATIONS
from batchcompute.client import AsyncClient, Client
from batchcompute.errors import ConfigError
from batchcompute.service import LocalService, Script, SimulatedClock, SimulatedEngine
from batchcompute.service.api.routes import find, is_for_objects
from batchcompute.service.errors import ApiError
from batchcompute.service.requests import BadTarget
from batchcompute.service.transports.in_process import ServiceTransport, to_service_request
from batchcompute.testing.responses import AT_ONCE, ErrorResponse
from batchcompute.testing.services import temporary_service

__all__ = ["SimulatedService"]


@dataclass(slots=True)
class _Fault:
    """A fault of the next requests."""

    operation: str
    error: ErrorResponse | None
    """The answer; None if there is none."""
    executes: bool
    """Whether the service executes the request first."""
    times: int
    """Requests that are still to fail."""


class _FaultyTransport(ServiceTransport):
    """Sends requests to a service, and lets some of them fail."""

    def __init__(self, service: LocalService) -> None:
        super().__init__(service)
        self._lock = threading.Lock()
        self._faults: list[_Fault] = []

    def add(self, fault: _Fault) -> None:
        """Let further requests fail."""
        with self._lock:
            self._faults.append(fault)

    def _respond(self, request: httpx.Request, body: bytes) -> httpx.Response:
        fault = self._next_fault(request)
        if fault is None:
            return super()._respond(request, body)
        if fault.executes:
            super()._respond(request, body).close()
        if fault.error is None:
            raise httpx.ReadError("the answer is lost, as the test says", request=request)
        return fault.error.response()

    def _next_fault(self, request: httpx.Request) -> _Fault | None:
        if not self._faults:
            return None
        converted = to_service_request(request, b"")
        name = ""
        if not is_for_objects(converted):
            try:
                name = find(converted.method, converted.target)[0].name
            except (ApiError, BadTarget):
                name = ""
        with self._lock:
            for fault in self._faults:
                if fault.operation in ("*", name):
                    fault.times -= 1
                    if not fault.times:
                        self._faults.remove(fault)
                    return fault
        return None


class SimulatedService:
    """A service on the simulated engine: nothing runs, and the test says what happens.

    Args:
        service: The service, which uses the other arguments.
        clock: Its clock.
        engine: Its engine.
    """

    def __init__(self, service: LocalService, clock: SimulatedClock, engine: SimulatedEngine) -> None:
        self.service: LocalService = service
        """The service."""
        self.clock: SimulatedClock = clock
        """The virtual clock. It moves by itself to the next event, unless it is held."""
        self.engine: SimulatedEngine = engine
        """The engine, whose nodes can be lost."""
        self._transport = _FaultyTransport(service)

    @classmethod
    @contextmanager
    def running(cls, script: Script | None = None, *, auto: bool = True) -> Generator[SimulatedService]:
        """Run a service in a directory of its own.

        Args:
            script: The script; it can be extended later, too.
            auto: Whether the clock moves by itself.
        """
        clock = SimulatedClock(auto=auto)
        engine = SimulatedEngine(clock, script)
        with temporary_service(engine=engine, clock=clock) as service:
            # The first wait of the service must not come after the first step of the clock.
            clock.settle(1)
            yield cls(service, clock, engine)

    @property
    def script(self) -> Script:
        """The script. A rule that is added counts for attempts that start later."""
        return self.engine.script

    @cached_property
    def client(self) -> Client:
        """A client of the service, whose retries have no delays."""
        client = self.service.client().with_options(retry=AT_ONCE)
        client._use(self._transport)
        return client

    @cached_property
    def async_client(self) -> AsyncClient:
        """An asynchronous client of the service, whose retries have no delays."""
        client = self.service.async_client().with_options(retry=AT_ONCE)
        client._use(self._transport)
        return client

    def refuses(
        self, status: int, times: int = 1, *, operation: str = "*", code: str = "", message: str = ""
    ) -> None:
        """Answer the next requests with an error. They have no effect.

        Args:
            status: HTTP status, from 400 to 599.
            times: Number of requests.
            operation: Name of an operation, which is that of a method of the client; ``*`` for any request.
            code: Code of the error; by default a usual one for the status.
            message: Message of the error.

        Raises:
            ConfigError: An argument is not allowed.
        """
        self._add(operation, ErrorResponse(status, code, message), False, times)

    def loses(
        self,
        what: Literal["request", "answer"] = "answer",
        times: int = 1,
        *,
        operation: str = "*",
    ) -> None:
        """Break the connection of the next requests.

        Args:
            what: ``request`` if the service does not get it, ``answer`` if the service executes it.
            times: Number of requests.
            operation: Name of an operation; ``*`` for any request.

        Raises:
            ConfigError: An argument is not allowed.
        """
        if what not in ("request", "answer"):
            raise ConfigError(f"what: must be 'request' or 'answer' (got {what!r})")
        self._add(operation, None, what == "answer", times)

    def _add(self, operation: str, error: ErrorResponse | None, executes: bool, times: int) -> None:
        if operation != "*" and operation not in OPERATIONS:
            raise ConfigError(f"operation: must be '*' or the name of an operation (got {operation!r})")
        if isinstance(times, bool) or not isinstance(times, int) or times < 1:
            raise ConfigError(f"times: must be an integer from 1 (got {times!r})")
        self._transport.add(_Fault(operation, error, executes, times))
