"""The contract of engines on a real Dask cluster."""

from __future__ import annotations

import time

import pytest

from batchcompute.service.engines.base import Exited
from batchcompute.service.engines.contract_suite import EngineContract

from .helpers import DaskHarness


@pytest.mark.usefixtures("cluster")
class TestDaskEngine(DaskHarness, EngineContract):
    """Everything that the service relies on. What takes longest runs with the long tests."""

    @pytest.mark.long
    def test_close_leaves_attempts_alone(self) -> None:
        super().test_close_leaves_attempts_alone()

    @pytest.mark.long
    def test_an_outage_changes_nothing(self) -> None:
        super().test_an_outage_changes_nothing()

    @pytest.mark.long
    def test_attach_after_a_crash(self) -> None:
        super().test_attach_after_a_crash()

    @pytest.mark.long
    def test_no_process_stays(self) -> None:
        super().test_no_process_stays()

    @pytest.mark.long
    def test_times(self) -> None:
        super().test_times()


@pytest.mark.long
@pytest.mark.usefixtures("cluster")
def test_ten_thousand_attempts() -> None:
    harness = TestDaskEngine()
    harness.setup_method()
    try:
        handles = harness.submit(*(harness.spec(f"exit {number % 5}") for number in range(10_000)))
        waiting = dict.fromkeys(handles)
        codes: dict[str, int | None] = {}
        end = time.monotonic() + 300
        while waiting:
            assert time.monotonic() < end
            ended = {
                handle: status
                for handle, status in harness.engine.status(waiting).items()
                if isinstance(status, Exited)
            }
            codes.update((handle, status.code) for handle, status in ended.items())
            harness.engine.forget(ended)
            for handle in ended:
                del waiting[handle]
            time.sleep(0.1)
        assert [codes[handle] for handle in handles] == [number % 5 for number in range(10_000)]
    finally:
        harness.teardown_method()
