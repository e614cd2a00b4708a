"""The layout of a DAG, and the timeline of a job."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from batchcompute.service import LocalService
from batchcompute.service.web import dag, timeline
from batchcompute.service.web.rendering import duration_of, seconds_of
from tests.service.helpers import connection

FAN = {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": [], "e": []}


def test_tasks_stand_behind_those_that_they_wait_for() -> None:
    drawing = dag.lay_out(list(FAN), FAN)
    boxes = {box.name: box for box in drawing.boxes}
    assert boxes["a"].x < boxes["b"].x == boxes["c"].x < boxes["d"].x
    assert boxes["e"].x == boxes["a"].x
    assert {(arrow.source, arrow.target) for arrow in drawing.arrows} == {
        ("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"),
    }  # fmt: skip
    for box in drawing.boxes:
        assert 0 <= box.x <= drawing.width - dag.WIDTH
        assert 0 <= box.y <= drawing.height - dag.HEIGHT


@pytest.mark.parametrize("count", [1, 2, 40, 150])
def test_no_two_boxes_overlap(count: int) -> None:
    names = [f"t{number}" for number in range(count)]
    followers = {
        name: [other for step in (1, 3, 7) for other in names[at * step + 1 : at * step + 2]]
        for at, name in enumerate(names)
    }
    drawing = dag.lay_out(names, followers)
    for one, two in itertools.combinations(drawing.boxes, 2):
        assert one.x != two.x or abs(one.y - two.y) >= dag.HEIGHT
    assert len(drawing.boxes) == count


def test_no_tasks_are_no_drawing() -> None:
    assert dag.lay_out([], {}).boxes == []


@pytest.fixture
def rows(tmp_path: Path) -> LocalService:
    return LocalService(tmp_path / "data", slots=1)


def fill(service: LocalService, count: int) -> int:
    """Write a job whose instances have ended, ten of them at a time."""
    store = service._parts.store
    with connection(store.write()) as db:
        db.execute(
            "INSERT INTO jobs (id, owner, name, state, priority, fail_fast, auto_release, description, created, started, "
            "ended) VALUES ('job-1', 'local', 'n', 'Finished', 0, 1, 0, '{}', '', '2026-01-01T00:00:00.000000Z', "
            "'2026-01-01T00:10:00.000000Z')"
        )
        db.execute(
            "INSERT INTO tasks (job, position, name, state, cluster, max_retries, timeout, blockers, followers, Waiting, "
            "Finished) VALUES (1, 0, 't', 'Finished', '', 0, 1, 0, '[]', 0, ?)",
            (count,),
        )
        db.execute(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1) INSERT INTO instances (job, "
            "task, number, state, started, ended) SELECT 1, 0, i, 'Finished', strftime('%Y-%m-%dT%H:%M:%f000Z', "
            "'2026-01-01', (i / 10 * 10 * 600.0 / ?1) || ' seconds'), strftime('%Y-%m-%dT%H:%M:%f000Z', '2026-01-01', "
            "((i / 10 + 1) * 10 * 600.0 / ?1) || ' seconds') FROM n",
            (count,),
        )
    return 1


def built(service: LocalService, count: int) -> timeline.Timeline:
    begin, end = "2026-01-01T00:00:00.000000Z", "2026-01-01T00:10:00.000000Z"
    result = timeline.build(service._parts.store, 1, [("t", count)], begin, end, 2e9)
    assert result is not None
    return result


def test_few_instances_have_a_bar_each(rows: LocalService) -> None:
    with rows:
        fill(rows, 40)
        line = built(rows, 40)
    assert not line.aggregated
    assert [row.name for row in line.rows] == [f"t {number}" for number in range(40)]
    assert line.rows[0].strips[0].label == "t 0: Finished, 2 min 30 s"
    assert (line.rows[39].strips[0].x, line.rows[39].strips[0].width) == (750, 250)
    assert [label for _, label in line.ticks][:3] == ["0", "2 min", "4 min"]


def test_many_instances_are_counted(rows: LocalService) -> None:
    with rows:
        fill(rows, 5000)
        line = built(rows, 5000)
    assert line.aggregated
    assert [(row.name, row.count) for row in line.rows] == [("t", 5000)]
    # Ten ran at a time; an interval that two groups touch counts both.
    assert line.rows[0].peak in range(10, 41)
    assert len(line.rows[0].area) < 8000


def test_a_job_that_has_not_started_has_no_timeline(rows: LocalService) -> None:
    with rows:
        assert timeline.build(rows._parts.store, 1, [("t", 0)], "", "", 0.0) is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 ms"), (0.0123, "12 ms"), (3.04, "3.0 s"), (59.6, "1 min"), (61, "1 min 1 s"), (7260, "2 h 1 min"),
     (90000, "1 d 1 h"), (-5, "0 ms")],
)  # fmt: skip
def test_durations_are_words(seconds: float, text: str) -> None:
    assert duration_of(seconds) == text


@pytest.mark.parametrize("text", ["", "yesterday", "2026-99-99T00:00:00Z"])
def test_a_text_that_is_no_time_has_no_seconds(text: str) -> None:
    assert seconds_of(text) is None
