"""The decisions of a script during a run: it counts attempts of instances, and faults of `submit`."""

from __future__ import annotations

from collections.abc import Sequence

from batchcompute.service.engines.base import AttemptSpec
from batchcompute.service.engines.simulation.rules import Course, Fault, Rule
from batchcompute.service.engines.simulation.script import Script

__all__ = ["Decider"]


class Decider:
    """Decides what happens to each attempt.

    Args:
        script: The script. Rules that are added to it later count, too.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self._default = Course(script.seconds)
        self._attempts: dict[tuple[str, str], dict[int, int]] = {}
        """The number of attempts of each instance, by job and task. Only tasks whose rules need it are here."""
        self._used_faults: dict[int, int] = {}
        """The number of used faults by index of the rule."""
        self._last: tuple[str, str, int] = ("", "", 0)
        self._candidates: list[tuple[int, Rule]] = []
        """The rules for the task of the last question, the last rule first."""

    def next_course(self, spec: AttemptSpec) -> Course:
        """Return the course of a new attempt, and count the attempt."""
        rules = self._rules_for(spec)
        attempt = 1
        if any(rule.counts for _, rule in rules):
            numbers = self._attempts.setdefault((spec.job_id, spec.task), {})
            attempt = numbers[spec.number] = numbers.get(spec.number, 0) + 1
        return self._course(rules, spec, attempt)

    def expected_course(self, spec: AttemptSpec) -> Course:
        """Return the course that a new attempt would have."""
        return self._course(self._rules_for(spec), spec, self._number_of_next(spec))

    def next_fault(self, batch: Sequence[AttemptSpec]) -> tuple[Fault, int] | None:
        """Return the fault of a call of `submit`, with its number, and count it; None for no fault."""
        if not any(rule.faults for rule in self._script.rules):
            return None
        for spec in batch:
            for index, rule in self._rules_for(spec):
                used = self._used_faults.get(index, 0)
                if used < len(rule.faults) and rule.applies(spec, self._number_of_next(spec)):
                    self._used_faults[index] = used + 1
                    return rule.faults[used], used
        return None

    def _number_of_next(self, spec: AttemptSpec) -> int:
        return self._attempts.get((spec.job_id, spec.task), {}).get(spec.number, 0) + 1

    def _course(self, rules: Sequence[tuple[int, Rule]], spec: AttemptSpec, attempt: int) -> Course:
        for _, rule in rules:
            if rule.applies(spec, attempt):
                return rule.course(spec, attempt)
        return self._default

    def _rules_for(self, spec: AttemptSpec) -> list[tuple[int, Rule]]:
        # A batch has attempts of one task only.
        asked = (spec.job_id, spec.task, len(self._script.rules))
        if asked != self._last:
            self._last = asked
            rules = list(enumerate(self._script.rules))
            self._candidates = [pair for pair in reversed(rules) if pair[1].matches(spec.job_id, spec.task)]
        return self._candidates
