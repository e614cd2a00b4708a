"""The page of decisions names existing code."""

from __future__ import annotations

import importlib
from operator import attrgetter
from pathlib import Path

import pytest

from batchcompute.service.behaviour import DECISIONS, Decision


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda each: each.point)
def test_the_code_of_each_decision_exists(decision: Decision) -> None:
    module, _, name = decision.where.partition(":")
    assert attrgetter(name)(importlib.import_module(f"batchcompute.{module}")) is not None
    assert decision.choice
    assert decision.ground


def test_every_decision_is_on_the_page_once() -> None:
    page = (Path(__file__).parents[2] / "docs" / "behaviour.md").read_text("utf-8")
    for decision in DECISIONS:
        assert page.count(f"| {decision.point} | {decision.choice} |") == 1
    assert len({decision.point for decision in DECISIONS}) == len(DECISIONS)
