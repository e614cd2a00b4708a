"""The simulated engine and its scripts; the contract suite is in test_engine_contract.py."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping

import pytest

from batchcompute.errors import ValidationError
from batchcompute.service.engines.base import (
    Attachment,
    AttemptSpec,
    AttemptStatus,
    Exited,
    Handle,
    Lost,
    Pending,
    Rejected,
    Running,
    Submitted,
    Unknown,
)
from batchcompute.service.engines.simulated import Course, Script, SimulatedEngine
from batchcompute.service.simulated_clock import SimulatedClock

START = SimulatedClock().time()


class World:
    """An engine with its clock, and attempts of one job."""

    def __init__(self, script: Script | None = None, **options: float) -> None:
        self.clock = SimulatedClock()
        self.engine = SimulatedEngine(self.clock, script, **options)  # type: ignore[arg-type]
        self.number = 0

    def spec(
        self, task: str = "t", number: int = 0, *, job: str = "job-1", limit: float = 1000.0
    ) -> AttemptSpec:
        self.number += 1
        return AttemptSpec(f"token-{self.number}", job, task, number, "owner", "true", limit)

    def submit(self, *specs: AttemptSpec) -> list[Handle]:
        answers = self.engine.submit(specs)
        assert all(isinstance(answer, Submitted) for answer in answers)
        return [answer.handle for answer in answers if isinstance(answer, Submitted)]

    def status(self, handle: Handle) -> AttemptStatus:
        return self.engine.status([handle])[handle]

    def at(self, moment: float) -> None:
        self.clock.advance(moment - self.clock.monotonic())

    def history(self, handle: Handle) -> list[tuple[float, AttemptStatus]]:
        """Follow an attempt as a service does, by `next_poll` alone, and return each new status with its time."""
        history: list[tuple[float, AttemptStatus]] = []
        while (delay := self.engine.next_poll()) is not None:
            self.clock.advance(delay)
            status = self.status(handle)
            if not history or history[-1][1] != status:
                history.append((self.clock.monotonic(), status))
        return history

    def end(self, task: str = "t", number: int = 0, **spec: str) -> AttemptStatus:
        """Run one attempt to its end, and return its last status, without times."""
        answer = self.engine.submit([self.spec(task, number, **spec)])[0]  # type: ignore[arg-type]
        if isinstance(answer, Rejected):
            return answer
        status = self.history(answer.handle)[-1][1]
        return Exited(status.code, status.signal, status.timed_out) if isinstance(status, Exited) else status


def exited(code: int | None, started: float, ended: float, node: str = "node-1", **fields: object) -> Exited:
    return Exited(code, node=node, started=START + started, ended=START + ended, **fields)  # type: ignore[arg-type]


def test_without_a_script_a_program_succeeds_after_one_second() -> None:
    world = World()
    handle = world.submit(world.spec())[0]
    assert world.history(handle) == [(0, Running("node-1", START)), (1, exited(0, 0, 1))]


def test_outcomes_are_used_in_their_order_one_for_each_attempt_of_an_instance() -> None:
    world = World(Script().task("align").fails(2, code=3).then_succeeds(after=5))
    assert [world.end("align") for _ in range(4)] == [Exited(3), Exited(3), Exited(0), Exited(0)]
    assert world.clock.monotonic() == 1 + 1 + 5 + 5
    assert world.end("align", 1) == Exited(3), "another instance"
    assert world.end("align", job="job-2") == Exited(3), "another job"
    assert world.end("other") == Exited(0)


def test_after_the_last_outcome_attempts_succeed() -> None:
    world = World(Script().task("t").killed(1, signal=15).lost().rejected("no licence", 1, retryable=True))
    ends = [world.end() for _ in range(4)]
    assert ends == [Exited(None, 15), Lost("the node was lost"), Rejected("no licence", True), Exited(0)]


def test_an_outcome_without_times_lasts() -> None:
    world = World(Script().task("t").fails(code=9, stderr="no space"))
    assert [world.end() for _ in range(3)] == [Exited(9)] * 3
    handle = world.submit(world.spec())[0]
    assert world.history(handle)[-1][1] == exited(9, 3, 4, detail="no space")


@pytest.mark.parametrize(
    ("script", "matches"),
    [
        (Script().task("a*"), ["align", "all"]),
        (Script().task("[!a]*"), ["sort"]),
        (Script().task("a?l"), ["all"]),
        (Script().task(), ["align", "all", "sort"]),
        (Script().task(job="job-2"), []),
        (Script().task(job="job-?"), ["align", "all", "sort"]),
        (Script().task("a*", instance=0), ["align", "all"]),
        (Script().task("a*", instance=[1, 2]), []),
        (Script().task(attempt=2), []),
        (Script().task(where=lambda spec: spec.task.endswith("n")), ["align"]),
    ],
)
def test_a_rule_applies_to_attempts_that_match(script: Script, matches: list[str]) -> None:
    script.fails()
    world = World(script)
    assert [task for task in ("align", "all", "sort") if world.end(task) == Exited(1)] == matches


def test_the_last_rule_that_applies_counts() -> None:
    world = World(Script().task("*").fails(code=1).task("a*").fails(code=2).task("b").fails(code=3))
    assert [world.end(task) for task in ("a", "b", "c")] == [Exited(2), Exited(3), Exited(1)]
    world.engine.script.task("c").succeeds()
    assert world.end("c") == Exited(0)


def test_a_rule_for_one_attempt() -> None:
    world = World(Script().task("t", attempt=2).fails(code=7))
    assert [world.end() for _ in range(3)] == [Exited(0), Exited(7), Exited(0)]


def test_a_function_decides() -> None:
    def decide(spec: AttemptSpec, attempt: int) -> Course | None:
        return Course(10 * attempt, Exited(spec.number)) if attempt < 3 else None

    world = World(Script().task("t").decides(decide))
    assert [world.end("t", 5) for _ in range(3)] == [Exited(5), Exited(5), Exited(0)]
    assert world.clock.monotonic() == 10 + 20 + 1


def test_a_pending_attempt_waits_with_its_reason_and_its_time_limit_does_not_count() -> None:
    world = World(Script().task("t").pending(3600, "Resources").hangs())
    handle = world.submit(world.spec(limit=7200))[0]
    assert world.history(handle) == [
        (0, Pending("Resources")),
        (3600, Running("node-1", START + 3600)),
        (10800, exited(None, 3600, 10800, signal=9, timed_out=True)),
    ]


def test_a_time_limit_is_exact() -> None:
    world = World(Script().task("late").succeeds(after=10.001).task("early").succeeds(after=10))
    late, early = world.submit(world.spec("late", limit=10), world.spec("early", limit=10))
    world.at(10)
    assert world.status(late) == exited(None, 0, 10, signal=9, timed_out=True)
    assert world.status(early) == exited(0, 0, 10)


def test_an_attempt_can_be_refused_at_once_or_after_a_wait() -> None:
    world = World(
        Script().task("now").rejected("no", error_code="BadImage").task("later").rejected("no").pending(60)
    )
    assert world.engine.submit([world.spec("now")]) == [Rejected("no", False, "BadImage")]
    handle = world.submit(world.spec("later"))[0]
    assert world.history(handle) == [(0, Pending("")), (60, Rejected("no"))]


def test_a_refused_token_is_refused_again_although_the_next_attempt_is_not() -> None:
    world = World(Script().task("t").rejected("busy", 1, retryable=True))
    spec = world.spec()
    assert world.engine.submit([spec]) == world.engine.submit([spec]) == [Rejected("busy", True)]
    assert world.end() == Exited(0)


def test_a_status_is_unknown_for_a_while() -> None:
    world = World(Script().task("t").succeeds(after=10).unknown(30, after=5))
    handle = world.submit(world.spec())[0]
    history = world.history(handle)
    assert [(moment, type(status)) for moment, status in history] == [
        (0, Running),
        (10, Unknown),
        (35, Exited),
    ]
    assert history[-1][1] == exited(0, 0, 10)


def test_attempts_wait_for_slots_in_the_order_of_their_submission() -> None:
    world = World(Script(10).node("n1", 1).node("n2", 1))
    handles = world.submit(*(world.spec(number=number) for number in range(5)))
    assert world.status(handles[2]) == Pending("Resources")
    assert (world.engine.running_on("n1"), world.engine.running_on("n2")) == (1, 1)
    world.at(25)
    ends = [world.status(handle) for handle in handles]
    assert ends[:4] == [
        exited(0, 0, 10, "n1"), exited(0, 0, 10, "n2"), exited(0, 10, 20, "n1"), exited(0, 10, 20, "n2"),
    ]  # fmt: skip
    assert isinstance(ends[4], Running)
    assert ends[4].since == START + 20
    world.at(30)
    assert (world.engine.running_on("n1"), world.engine.running_on("n2")) == (0, 0)


def test_attempts_of_one_node_wait_for_it_and_do_not_overtake() -> None:
    world = World(Script(10).node("n1", 1).node("n2", 1).task("pinned").on("n1"))
    pinned = world.submit(*(world.spec("pinned", number) for number in range(2)))
    others = world.submit(*(world.spec("t", number) for number in range(2)))
    world.at(40)
    starts = [(end.node, (end.started or 0) - START) for end in map(world.status, [*pinned, *others])]  # type: ignore[union-attr]
    assert starts == [("n1", 0), ("n1", 10), ("n2", 0), ("n2", 10)]


def test_a_lost_node_loses_all_that_runs_on_it_and_returns() -> None:
    world = World(
        Script(50).node("n1", 2).node("n2", 2).node_lost("n1", at=10, back=70).task("pinned").on("n1")
    )
    handles = world.submit(*(world.spec(number=number) for number in range(4)))
    world.at(20)
    lost = [status.reason for status in map(world.status, handles) if isinstance(status, Lost)]
    assert lost == ["the node n1 was lost"] * 2
    waiting = world.submit(world.spec("pinned"))[0]
    assert world.status(waiting) == Pending("the node n1 is lost")
    assert world.history(waiting)[-2:] == [(70, Running("n1", START + 70)), (120, exited(0, 70, 120, "n1"))]


def test_an_attempt_is_lost_on_its_node_and_the_next_one_is_not() -> None:
    world = World(Script().task("align").lost(node="n1", after=10))
    handle = world.submit(world.spec("align"))[0]
    assert world.history(handle) == [(0, Running("n1", START)), (10, Lost("the node n1 was lost"))]
    assert world.end("align") == Exited(0)


def test_a_test_can_lose_a_node_and_the_service_hears_of_it() -> None:
    world, changes = World(), list[str]()
    world.engine.bind(lambda: changes.append("changed"))
    handle = world.submit(world.spec())[0]
    world.engine.lose_node("node-1")
    assert world.status(handle) == Lost("the node node-1 was lost")
    waiting = world.submit(world.spec())[0]
    assert world.status(waiting) == Pending("Resources")
    world.engine.return_node("node-1")
    assert isinstance(world.status(waiting), Running)
    assert changes == ["changed"] * 2


def test_cancellations_can_be_slow_or_ignored() -> None:
    world = World(Script().task("deaf").hangs().ignores_cancel(2).task("slow").hangs(), cancel_seconds=5)
    deaf, slow = world.submit(world.spec("deaf"), world.spec("slow"))
    world.at(10)
    world.engine.cancel([deaf, slow])
    world.at(14)
    world.engine.cancel([deaf, slow])
    assert isinstance(world.status(slow), Running)
    world.at(15)
    assert world.status(slow) == exited(None, 0, 15, signal=9)
    assert isinstance(world.status(deaf), Running)
    world.engine.cancel([deaf])
    world.at(20)
    assert world.status(deaf) == exited(None, 0, 20, signal=9)


def test_a_cancelled_attempt_of_a_queue_does_not_run_and_frees_no_slot() -> None:
    world = World(Script(10).node("n1", 1))
    first, second, third = world.submit(*(world.spec(number=number) for number in range(3)))
    world.engine.cancel([second])
    assert world.status(second) == Exited(None, 9)
    world.at(20)
    assert world.status(third) == exited(0, 10, 20, "n1")
    assert world.status(first) == exited(0, 0, 10, "n1")


def test_submit_raises_and_nothing_is_accepted() -> None:
    world = World(Script().task("t").submit_raises(2).fails(1, code=3))
    spec = world.spec()
    for _ in range(2):
        with pytest.raises(ConnectionError, match="does not answer"):
            world.engine.submit([world.spec("other"), spec])
    assert world.engine.submitted == 0
    assert world.history(world.submit(spec)[0])[-1][1] == exited(3, 0, 1)


def test_an_answer_is_lost_and_the_attempts_are_accepted() -> None:
    world = World(Script().task("t").submit_raises(accepted=True).succeeds(after=10))
    spec = world.spec()
    with pytest.raises(ConnectionError, match="answer of the simulated engine was lost"):
        world.engine.submit([spec])
    assert world.engine.next_poll() == 10, (
        "the service cannot ask for an attempt whose handle it does not know"
    )
    world.at(4)
    handle = world.submit(spec)[0]
    assert world.engine.submitted == 1
    assert world.status(handle) == Running("node-1", START)
    attached = world.engine.attach([Attachment(spec, "")])
    assert attached == {spec.token: handle}


def test_submit_answers_nonsense_of_several_kinds() -> None:
    world = World(Script().task("t").submit_answers_nonsense(5))
    batch = [world.spec(), world.spec()]
    for _ in range(5):
        answer: object = world.engine.submit(batch)
        is_valid = (
            isinstance(answer, list)
            and len(answer) == 2
            and all(isinstance(item, (Submitted, Rejected)) for item in answer)
        )
        assert not is_valid
    assert world.engine.submitted == 0
    assert len(world.submit(*batch)) == 2


def test_a_script_that_fails_refuses_the_attempt_and_says_why() -> None:
    def broken(spec: AttemptSpec) -> bool:
        return spec.number / 0 > 1

    def decide(spec: AttemptSpec, attempt: int) -> Course | None:
        return "soon"  # type: ignore[return-value]

    script = Script().node("n1").task("a", where=broken).submit_raises().task("b").decides(decide)
    script.task("c").decides(lambda spec, attempt: Course(node="n2"))
    world = World(script)
    assert world.end("a") == Rejected("the script failed: ZeroDivisionError: division by zero")
    message = "Script: task('b').decides: must return a Course or None (got 'soon')"
    assert world.end("b") == Rejected(f"the script failed: ValidationError: {message}")
    message = "Script: Course.node: there is no node 'n2'; the script declares n1"
    assert world.end("c") == Rejected(f"the script failed: ValidationError: {message}")


def test_an_engine_outlives_its_service() -> None:
    world = World(Script(100))
    kept, other = world.spec(), world.spec()
    handles = world.submit(kept, other)
    world.engine.close(leave_running=True)
    world.at(50)
    with pytest.raises(RuntimeError, match="closed"):
        world.engine.submit([world.spec()])
    assert world.engine.attach([Attachment(kept, handles[0])]) == {kept.token: handles[0]}
    assert isinstance(world.status(other.token), Unknown)
    assert list(world.engine.statuses()) == [kept.token]
    assert world.engine.running_on("node-1") == 1
    world.at(100)
    assert world.status(handles[0]) == exited(0, 0, 100)


def test_what_a_closed_engine_has_ended_is_lost() -> None:
    world = World()
    spec, ended = world.spec(), world.spec()
    world.submit(ended)
    world.at(5)
    handle = world.submit(spec)[0]
    world.engine.close()
    assert world.status(handle) == Lost("the engine was closed")
    attached = world.engine.attach([Attachment(spec, handle), Attachment(ended, "")])
    assert attached[spec.token] is None
    assert attached[ended.token] is not None


def test_an_outage() -> None:
    world = World()
    handle = world.submit(world.spec())[0]
    with world.engine.outage():
        assert isinstance(world.status(handle), Unknown)
        with pytest.raises(ConnectionError):
            world.engine.submit([world.spec()])
        with pytest.raises(OSError, match="does not answer"):
            world.engine.attach([])
        world.clock.advance(world.engine.next_poll() or 0)
    assert world.status(handle) == exited(0, 0, 1)


def test_starts_at_once() -> None:
    script = Script().task("p").pending(1).task("r").rejected("no").task("f", attempt=2).rejected("no")
    world = World(script, starts_at_once=True)
    assert [world.engine.starts_at_once(world.spec(task)) for task in "pr"] == [False, False]
    answers = []
    for _ in range(3):
        spec = world.spec("f")
        answers.append((world.engine.starts_at_once(spec), type(world.engine.submit([spec])[0])))
    assert answers == [(True, Submitted), (False, Rejected), (True, Submitted)]
    assert not World().engine.starts_at_once(world.spec())


ALL: Mapping[str, object] = {
    "seconds": 2,
    "nodes": {"n1": 1, "n2": None},
    "lost_nodes": [{"name": "n1", "at": 10, "back": 20}],
    "rules": [
        {"task": "align", "steps": [{"fails": {"times": 2, "code": 3}}, {"then_succeeds": {"after": 5}}]},
        {
            "task": "s*",
            "job": "job-1",
            "instance": [0, 1],
            "attempt": 1,
            "steps": [
                {"pending": {"seconds": 60, "reason": "Priority"}},
                {"unknown": {"seconds": 1, "after": 2}},
                {"on": {"node": "n2"}},
                {"ignores_cancel": {}},
                {"submit_raises": {"times": 1, "accepted": True}},
                {"submit_answers_nonsense": {}},
                {"killed": {"times": 1, "signal": 15}},
                {"lost": {"node": "n1", "reason": "preempted"}},
                {"rejected": {"reason": "busy", "times": 1, "retryable": True}},
                {"succeeds": {"times": 1}},
                {"hangs": {}},
            ],
        },
    ],
}


def test_a_script_in_json_says_the_same_as_one_in_python() -> None:
    script = (
        Script(2).node("n1", 1).node("n2").node_lost("n1", 10, 20)
        .task("align").fails(2, code=3).then_succeeds(after=5)
        .task("s*", job="job-1", instance=[0, 1], attempt=1)
        .pending(60, "Priority").unknown(1, after=2).on("n2").ignores_cancel()
        .submit_raises(accepted=True).submit_answers_nonsense()
        .killed(1, signal=15).lost(node="n1", reason="preempted").rejected("busy", 1, retryable=True)
        .succeeds(1).hangs()
    )  # fmt: skip
    for loaded in (
        Script.from_dict(ALL),
        Script.from_json(json.dumps(ALL)),
        Script.from_json(json.dumps(ALL).encode()),
    ):
        for rule in (*loaded.rules, *script.rules):
            rule.path = ""
        assert loaded.rules == script.rules
        assert (loaded.seconds, loaded.nodes, loaded.lost_nodes) == (
            script.seconds,
            script.nodes,
            script.lost_nodes,
        )


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Script(-1), "seconds: must be a number of seconds from 0 to 1e+10 (got -1)"),
        (lambda: Script(float("nan")), "seconds: must be a number of seconds from 0 to 1e+10 (got nan)"),
        (lambda: Script().task(""), "task('').task: must be a text of one character or more (got '')"),
        (lambda: Script().task("a", instance=-1), "task('a').instance: must be an integer from 0 (got -1)"),
        (
            lambda: Script().task("a", instance="01"),  # type: ignore[arg-type]
            "task('a').instance: must be an integer from 0, or a list of such integers (got '01')",
        ),
        (lambda: Script().task("a", attempt=0), "task('a').attempt: must be an integer from 1 (got 0)"),
        (lambda: Script().task("a", where="b"), "task('a').where: must be a function (got 'b')"),  # type: ignore[arg-type]
        (lambda: Script().task("a").fails(code=0), "task('a').fails.code: must be an integer from 1 to 255 (got 0)"),
        (lambda: Script().task("a").fails(0), "task('a').fails.times: must be an integer from 1 (got 0)"),
        (lambda: Script().task("a").fails(True), "task('a').fails.times: must be an integer from 1 (got True)"),
        (lambda: Script().fails(after=-1), "task('*').fails.after: must be a number of seconds from 0 to 1e+10 (got -1)"),
        (lambda: Script().killed(signal=65), "task('*').killed.signal: must be an integer from 1 to 64 (got 65)"),
        (lambda: Script().lost(node=3), "task('*').lost.node: must be a text (got 3)"),  # type: ignore[arg-type]
        (lambda: Script().rejected(""), "task('*').rejected.reason: must be a text of one character or more (got '')"),
        (
            lambda: Script().rejected("no", retryable=1),  # type: ignore[arg-type]
            "task('*').rejected.retryable: must be true or false (got 1)",
        ),
        (lambda: Script().decides(3), "task('*').decides: must be a function (got 3)"),  # type: ignore[arg-type]
        (lambda: Script().pending(1e11), "task('*').pending.seconds: must be a number of seconds from 0 to 1e+10 (got 100000000000.0)"),
        (lambda: Script().on(""), "task('*').on.node: must be a text of one character or more (got '')"),
        (lambda: Script().submit_raises(0), "task('*').submit_raises.times: must be an integer from 1 (got 0)"),
        (
            lambda: Script().succeeds().fails(),
            "task('*').fails: is never used, because `succeeds` before it has no `times`",
        ),
        (lambda: Script().node("n", 0), "node.slots: must be an integer from 1 (got 0)"),
        (lambda: Script().node("n").node("n"), "node.name: must be a name that no other node has (got 'n')"),
        (lambda: Script().node_lost("n", 5, 5), "node_lost.back: must be greater than `at`, which is 5 (got 5)"),
        (
            lambda: World(Script().node("n1").task("a").on("n2")),
            "task('a').node: there is no node 'n2'; the script declares n1",
        ),
        (lambda: World(Script().node("n1").node_lost("n2", 5)), "node_lost.name: there is no node 'n2'; the script declares n1"),
        (lambda: World(cancel_seconds=-1), "cancel_seconds: must be a number of seconds from 0 to 1e+10 (got -1)"),
    ],
)  # fmt: skip
def test_each_mistake_in_a_script_names_its_field(build: Callable[[], object], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        build()
    assert str(error.value) == f"Script: {message}"


def rules(*steps: object, **rule: object) -> dict[str, object]:
    return {"rules": [{**rule, "steps": steps}]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "must be an object (got [])"),
        ({"rule": []}, "rule: is unknown; did you mean `rules`? There is seconds, nodes, lost_nodes, rules"),
        ({1: 2}, "must have only texts as names of fields (got 1)"),
        ({"seconds": "5"}, "seconds: must be a number of seconds from 0 to 1e+10 (got '5')"),
        ({"nodes": ["n1"]}, "nodes: must be an object (got ['n1'])"),
        ({"nodes": {"n1": "4"}}, "nodes.n1.slots: must be an integer from 1 (got '4')"),
        ({"lost_nodes": [{"name": "n1"}]}, "lost_nodes[0].at: is missing"),
        ({"lost_nodes": [{"name": "n1", "at": 1, "bock": 3}]}, "lost_nodes[0].bock: is unknown; did you mean `back`? There is name, at, back"),
        ({"rules": {}}, "rules: must be a list (got {})"),
        ({"rules": ["a"]}, "rules[0]: must be an object (got 'a')"),
        (rules(tasks="a"), "rules[0].tasks: is unknown; did you mean `task`? There is task, job, instance, attempt, steps"),
        (rules(where="a"), "rules[0].where: is unknown; did you mean `steps`? There is task, job, instance, attempt, steps"),
        (rules(task=3), "rules[0].task: must be a text of one character or more (got 3)"),
        (rules(instance=["a"]), "rules[0].instance: must be an integer from 0 (got 'a')"),
        ({"rules": [{"steps": "fails"}]}, "rules[0].steps: must be a list (got 'fails')"),
        (rules("fails"), "rules[0].steps[0]: must be an object (got 'fails')"),
        (rules({"fails": 3}), "rules[0].steps[0].fails: must be an object (got 3)"),
        (rules({"fails": {"cod": 3}}), "rules[0].steps[0].fails.cod: is unknown; did you mean `code`? There is times, code, after, stderr"),
        (rules({"fails": {}}, {"killed": {}}), "rules[0].steps[1].killed: is never used, because `fails` before it has no `times`"),
        (rules({"rejected": {}}), "rules[0].steps[0].rejected.reason: is missing"),
        (rules({"lost": {"after": "soon"}}), "rules[0].steps[0].lost.after: must be a number of seconds from 0 to 1e+10 (got 'soon')"),
    ],
)  # fmt: skip
def test_each_mistake_in_a_file_names_its_field(content: Mapping[str, object], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        Script.from_dict(content)
    assert str(error.value) == f"Script: {message}"


@pytest.mark.parametrize(
    "step", [{"fail": {}}, {"decides": {}}, {"__init__": {}}, {}, {"fails": {}, "lost": {}}]
)
def test_a_step_is_one_of_the_methods_that_data_can_call(step: dict[str, object]) -> None:
    with pytest.raises(
        ValidationError, match=r"Script: rules\[0\]\.steps\[0\].*succeeds, then_succeeds, fails"
    ):
        Script.from_dict(rules(step))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"seconds": 1', b"\xff", "[]"])
def test_a_text_that_is_not_json_is_named(text: str | bytes) -> None:
    with pytest.raises(ValidationError, match="^Script: (the text is not JSON: |must be an object)"):
        Script.from_json(text)


def run(world: World, number: int, batch: int = 1000) -> int:
    """Run attempts as a service with a bounded number of slots does, and return the number of questions."""
    questions, running = 0, list[Handle]()
    for first in range(0, number, batch):
        running += world.submit(*(world.spec("t", first + index) for index in range(batch)))
        while running:
            questions += 1
            world.clock.advance(world.engine.next_poll() or 0)
            ended = [
                handle
                for handle, status in world.engine.status(running).items()
                if isinstance(status, Exited)
            ]
            world.engine.forget(ended)
            running = [handle for handle in running if handle not in set(ended)] if ended else running
    return questions


def test_the_engine_keeps_nothing_of_attempts_that_are_forgotten() -> None:
    world = World(Script().node("n1", 100).task("t").succeeds(after=3))
    assert run(world, 3000) <= 3 * 12
    engine = world.engine
    assert engine.submitted == 3000
    assert not engine.statuses()
    assert not engine._world._events
    assert engine.next_poll() is None
    assert engine.running_on("n1") == 0


@pytest.mark.long
def test_a_hundred_thousand_attempts_at_once_take_little_memory_and_time() -> None:
    program = """
import resource, sys
from batchcompute.service.engines.base import AttemptSpec
from batchcompute.service.engines.simulated import Script, SimulatedEngine
from batchcompute.service.simulated_clock import SimulatedClock
clock = SimulatedClock()
engine = SimulatedEngine(clock, Script().node("n1", 1000).task("t").fails(1, after=2).then_succeeds())
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for first in range(0, 100_000, 1000):
    engine.submit([AttemptSpec(f"t{n}", "job", "t", n, "o", "true", 60.0) for n in range(first, first + 1000)])
clock.advance(200)
ended = sum(status.code == 1 for status in engine.statuses().values())
print(ended, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    ended, memory = map(int, result.stdout.split())
    assert ended == 100_000
    assert memory < 120 * 1024, f"{memory} KiB"
