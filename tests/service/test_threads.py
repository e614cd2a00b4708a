"""Threads that wait for jobs: bounded, independent of the loop's pool, and no obstacle to the end of a process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading

import pytest

from batchcompute.service.transports import threads
from batchcompute.service.transports.threads import run_in_thread


async def test_results_and_errors_reach_the_caller() -> None:
    assert await run_in_thread(lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        await run_in_thread(lambda: 1 / 0)


async def test_the_number_of_threads_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MOST_THREADS", 2)
    go = threading.Event()
    running = threading.Semaphore(0)
    count = 0

    def work() -> None:
        nonlocal count
        count += 1
        running.release()
        assert go.wait(20)

    calls = [asyncio.create_task(run_in_thread(work)) for _ in range(5)]
    for _ in range(2):
        assert await asyncio.to_thread(running.acquire, timeout=20)
    await asyncio.sleep(0)
    assert count == 2
    go.set()
    await asyncio.gather(*calls)
    assert count == 5


async def test_a_cancelled_call_counts_until_its_thread_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MOST_THREADS", 1)
    go, begun = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert go.wait(20)

    first = asyncio.create_task(run_in_thread(work))
    assert await asyncio.to_thread(begun.wait, 20)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    second = asyncio.create_task(run_in_thread(lambda: "second"))
    await asyncio.sleep(0)
    assert not second.done()
    go.set()
    assert await second == "second"


async def test_a_thread_that_cannot_be_started_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MOST_THREADS", 1)

    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        for _ in range(3):
            with pytest.raises(RuntimeError, match="new thread"):
                await run_in_thread(lambda: 1)
    assert await run_in_thread(lambda: 1) == 1


def test_a_process_does_not_wait_for_them() -> None:
    """This is why anyio.to_thread is not used: its threads are no daemons."""
    code = """
import asyncio, threading
from batchcompute.service.transports.threads import run_in_thread
async def main():
    await asyncio.wait_for(run_in_thread(threading.Event().wait), 0.1)
try:
    asyncio.run(main())
except TimeoutError:
    print("ended")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "ended\n"


def test_waiting_in_this_process_needs_no_event_loop() -> None:
    """A synchronous client of a service in this process does not pay for the import of asyncio."""
    code = """
import sys
# tenacity imports tornado, which imports asyncio, wherever tornado is installed.
sys.modules["tornado"] = None
from batchcompute.service import LocalService
with LocalService() as service, service.client() as client:
    client.get_quotas()
assert "asyncio" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
