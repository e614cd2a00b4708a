"""The part of the contract suite about the service of an engine: news, restarts, outages."""

from __future__ import annotations

from batchcompute.service.engines.base import (
    Attachment,
    AttemptSpec,
    Capabilities,
    Handle,
    Lost,
    Pending,
    Running,
    Unknown,
)
from batchcompute.service.engines.contract_harness import EngineHarness, check, is_final

__all__ = ["ServiceTests"]

_LONG = "sleep 300"

_MOST_ROUNDS = 20_000
"""Number of questions after which an engine has asked for too many. Virtual time may not move between them."""


class ServiceTests(EngineHarness):
    """The tests of what a service relies on."""

    def test_name_and_capabilities(self) -> None:
        """The engine has a name and capabilities."""
        name, capabilities = self.engine.name, self.engine.capabilities
        check(isinstance(name, str) and name, "name: must be a text of one character or more")
        check(isinstance(capabilities, Capabilities), "capabilities: must be Capabilities")
        check(capabilities.slots is None or capabilities.slots > 0, "capabilities.slots: must be positive")
        check(capabilities.workspace in ("local", "shared", "staged"), "capabilities.workspace: is unknown")

    def test_starts_at_once_says_the_truth(self) -> None:
        """An attempt of which the engine says that it starts at once is never pending."""
        spec = self.spec(_LONG)
        at_once = self.engine.starts_at_once(spec)
        check(isinstance(at_once, bool), "starts_at_once: must be true or false")
        status = self.status(self.submit(spec)[0])
        if at_once:
            check(not isinstance(status, Pending), f"starts_at_once: it said yes, and it is {status!r}")
            node = self.engine.capabilities.node
            check(node, "capabilities.node: must be the node of attempts that start at once")
            check(
                not isinstance(status, Running) or status.node == node,
                f"capabilities.node: is {node!r}, and the attempt is {status!r}",
            )

    def test_the_service_hears_of_changes(self) -> None:
        """The service need not ask at all times: the engine says when, or calls a function."""
        handle = self.submit(self.spec("sleep 0.5; exit 8"))[0]
        end = self.clock.monotonic() + self.patience
        for _ in range(_MOST_ROUNDS):
            changes = self.changes
            if is_final(self.status(handle)):
                break
            check(self.clock.monotonic() < end, "next_poll: the end of an attempt was never reported")
            delay = self.engine.next_poll()
            check(
                delay is None or 0 <= delay < float("inf"),
                f"next_poll: must be None or a number of seconds from 0 (got {delay!r})",
            )
            with self._condition:
                if self.changes == changes:
                    self.clock.wait(self._condition, self.patience if delay is None else delay)
            check(
                delay is not None or self.changes > changes, "next_poll: None, but `changed` was not called"
            )
        else:
            raise AssertionError("next_poll: the engine wants to be asked without a pause")
        check(self.end_of(handle).code == 8, "next_poll: the attempt ended in another way")

    def test_an_engine_without_attempts_is_quiet(self) -> None:
        """An engine without attempts does not ask to be asked again at once."""
        handle = self.submit(self.spec("exit 0"))[0]
        self.ends([handle])
        self.engine.forget([handle])
        self.statuses([])
        delay = self.engine.next_poll()
        check(delay is None or delay > 0, f"next_poll: {delay!r} although there is no attempt")

    def test_no_method_waits_for_a_program(self) -> None:
        """All methods return while programs run."""
        began = self.clock.monotonic()
        handles = self.submit(*(self.spec(_LONG) for _ in range(3)))
        self.statuses(handles)
        self.engine.next_poll()
        self.engine.cancel(handles)
        took = self.clock.monotonic() - began
        check(took < self.patience, f"the methods took {took:.0f} seconds: they wait for programs")

    def test_attach_after_a_restart(self) -> None:
        """The next service finds its attempts again: by handle and by token, running and ended."""
        specs = [
            self.spec("sleep 2; exit 3"),
            self.spec("sleep 2; exit 4"),
            self.spec("exit 5"),
            self.spec(_LONG),
        ]
        handles = self.submit(*specs)
        for handle in (*handles[:2], handles[3]):
            self.runs(handle)
        self.end_of(handles[2])
        never = self.spec("exit 6")
        self.restart()
        # The service may have ended before it could store a handle.
        known = [Attachment(specs[0], handles[0]), Attachment(specs[1], ""), Attachment(specs[2], handles[2])]
        unknown = [Attachment(never, ""), Attachment(self.spec("exit 7"), "no handle of this engine")]
        answer = dict(self.engine.attach([*known, *unknown]))
        tokens = {attachment.spec.token for attachment in (*known, *unknown)}
        check(set(answer) == tokens, "attach: must answer for each attempt, and for no other")
        for attachment in unknown:
            check(
                answer[attachment.spec.token] is None,
                "attach: an attempt that was never submitted has a handle",
            )
        if self.engine.capabilities.survives:
            self._check_survivors(specs[:3], answer)
        self._check_ended_by_attach(handles[3])
        # Life goes on.
        check(
            self.end_of(self.submit(self.spec("exit 9"))[0]).code == 9,
            "attach: the engine accepts no attempts",
        )

    def _check_survivors(self, specs: list[AttemptSpec], answer: dict[str, Handle | None]) -> None:
        for code, spec in zip((3, 4, 5), specs, strict=True):
            handle = answer[spec.token]
            if handle is None:
                raise AssertionError(f"attach: the attempt `{spec.command}` was not found again")
            self._seen.pop(handle, None)
            end = self.end_of(handle)
            check(end.code == code, f"attach: `{spec.command}` ended as {end!r}")
            check(self.times_run(spec) in (None, 1), f"attach: `{spec.command}` ran again")

    def _check_ended_by_attach(self, handle: Handle) -> None:
        self.until(
            [handle], lambda status: is_final(status) or isinstance(status, Unknown), "ended by attach"
        )

    def test_close_ends_attempts(self) -> None:
        """After `close`, no attempt runs, and statuses can be read."""
        running, ended = self.submit(self.spec(_LONG), self.spec("exit 3"))
        self.runs(running)
        self.end_of(ended)
        self.engine.close()
        self.has_stopped(running)
        check(self.end_of(ended).code == 3, "close: an attempt that had ended has changed")
        self.engine.close()

    def test_close_leaves_attempts_alone(self) -> None:
        """Attempts of an engine that survives run on after ``close(leave_running=True)``."""
        if not self.engine.capabilities.survives:
            self.skip("the engine does not survive its service")
        spec = self.spec("sleep 1; exit 3")
        handle = self.submit(spec)[0]
        self.runs(handle)
        self.restart()
        self.clock.sleep(2)
        attached = self.engine.attach([Attachment(spec, handle)])[spec.token]
        if attached is None:
            raise AssertionError("close: the attempt did not run on")
        self._seen.clear()
        check(self.end_of(attached).code == 3, "close: the attempt was ended")

    def test_attach_after_a_crash(self) -> None:
        """The next service finds its attempts again although the last one was killed."""
        specs = [self.spec("sleep 1; exit 3"), self.spec("sleep 1; exit 4"), self.spec("exit 5")]
        handles = self.submit(*specs)
        for handle in handles[:2]:
            self.runs(handle)
        self.end_of(handles[2])
        engine = self.crashed(self.engine)
        if engine is None:
            self.skip("the test cannot kill a service")
        self.engine = engine
        self.engine.bind(self._note_change)
        answer = dict(self.engine.attach([Attachment(spec, "") for spec in specs]))
        if self.engine.capabilities.survives:
            self._check_survivors(specs, answer)

    def test_lost_attempts(self) -> None:
        """An attempt whose machine is gone is lost, and has not failed."""
        handle = self.submit(self.spec(_LONG))[0]
        self.runs(handle)
        if self.lose(handle) is None:
            self.skip("the test cannot lose a machine")
        status = self.ends([handle])[0]
        check(isinstance(status, Lost), f"status: {status!r} instead of Lost")

    def test_an_outage_changes_nothing(self) -> None:
        """If the engine cannot ask, an attempt neither ends nor is lost, and goes on afterwards."""
        handle = self.submit(self.spec("sleep 2; exit 3"))[0]
        self.runs(handle)
        if self.begin_outage() is None:
            self.skip("the test cannot make an outage")
        status = self.status(handle)
        check(isinstance(status, (Unknown, Running)), f"status: {status!r} during an outage")
        delay = self.engine.next_poll()
        check(delay is None or delay > 0, "next_poll: 0 during an outage, so the service would not rest")
        self.end_outage()
        check(self.end_of(handle).code == 3, "status: the attempt ended in another way after an outage")
