"""Several engines as one: instance types name the engine that runs their instances."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import groupby, islice

from batchcompute.service.domain.instance_types import InstanceType
from batchcompute.service.engines.base import (
    Attachment,
    AttemptSpec,
    AttemptStatus,
    Capabilities,
    Engine,
    Exited,
    Handle,
    Lost,
    Pending,
    Rejected,
    Submission,
    Submitted,
    Token,
    Unknown,
)

__all__ = ["MixedEngine"]

_log = logging.getLogger("batchcompute.service.engine")

_SEPARATOR = ":"

_WAITS = "waits:"
"""Beginning of the handles, behind the name of an engine, of attempts that waited for one of its slots."""

_RETRY_SECONDS = 1.0
"""Seconds after which attempts are submitted again that their engine did not accept."""


class _Member:
    """One of the engines, with its own slots. It has the handles of its engine, and those of attempts that wait."""

    def __init__(self, name: str, engine: Engine) -> None:
        self.name = name
        self.engine = engine
        self.limit = engine.capabilities.slots
        self.waiting: dict[Handle, AttemptSpec] = {}
        """Attempts that wait for a slot, in their order."""
        self.reason = ""
        """The reason why the engine did not accept an attempt that waits; empty if all its slots are taken."""
        self._tokens: dict[Token, Handle] = {}
        self._by_handle: dict[Handle, Token] = {}
        self._busy: set[Handle] = set()
        """Handles of attempts that have a slot."""
        self._aliases: dict[Handle, Handle | Lost | Rejected] = {}
        """The ends of attempts that have waited, or their handles since they have a slot."""

    def submit(self, batch: Sequence[AttemptSpec]) -> list[Submission]:
        """Submit attempts of one task. Those for which no slot is free wait."""
        if self.limit is None:
            return list(self.engine.submit(batch))
        known = {spec.token: self._tokens[spec.token] for spec in batch if spec.token in self._tokens}
        fresh = list({spec.token: spec for spec in batch if spec.token not in known}.values())
        room = 0 if self.waiting else max(0, self.limit - len(self._busy))
        answers: dict[Token, Submission] = {token: Submitted(handle) for token, handle in known.items()}
        answers.update(self._start(fresh[:room]))
        answers.update((spec.token, self._wait(spec)) for spec in fresh[room:])
        return [answers[spec.token] for spec in batch]

    def _wait(self, spec: AttemptSpec) -> Submitted:
        handle = f"{_WAITS}{spec.token}"
        self.waiting[handle] = spec
        self._note(spec.token, handle)
        return Submitted(handle)

    def _start(self, specs: Sequence[AttemptSpec]) -> dict[Token, Submission]:
        """Submit attempts that get a slot."""
        if not specs:
            return {}
        answers = {spec.token: answer for spec, answer in zip(specs, self.engine.submit(specs), strict=True)}
        for token, answer in answers.items():
            if isinstance(answer, Submitted):
                self._busy.add(answer.handle)
                if token not in self._tokens:
                    self._note(token, answer.handle)
        return answers

    def _note(self, token: Token, handle: Handle) -> None:
        self._tokens[token] = handle
        self._by_handle[handle] = token

    def start_waiting(self) -> bool:
        """Submit attempts that wait, as far as slots are free; return whether one was submitted."""
        # The engine may have had a limit when an earlier service ended, and none now.
        room = len(self.waiting) if self.limit is None else max(0, self.limit - len(self._busy))
        chosen = list(islice(self.waiting.items(), room))
        done = False
        for _, group in groupby(chosen, lambda item: (item[1].job_id, item[1].task)):
            batch = list(group)
            try:
                answers = self._start([spec for _, spec in batch])
            except Exception as error:  # noqa: BLE001 - they are submitted again; tokens make that safe
                if not self.reason:
                    _log.exception("the engine %s does not accept attempts", self.name)
                self.reason = f"{self.name}: {type(error).__name__}: {error}"
                return done
            self.reason = ""
            for handle, spec in batch:
                answer = answers[spec.token]
                del self.waiting[handle]
                self._aliases[handle] = answer.handle if isinstance(answer, Submitted) else answer
                done = True
        return done

    def status(self, handles: Iterable[Handle]) -> dict[Handle, AttemptStatus]:
        """Return the statuses of attempts, and note which of them have released their slots."""
        statuses: dict[Handle, AttemptStatus] = {}
        asked: dict[Handle, Handle] = {}
        for handle in handles:
            real = self._aliases.get(handle, handle)
            if handle in self.waiting:
                text = self.reason or f"all {self.limit} slots of the engine {self.name} are taken"
                statuses[handle] = Pending(text)
            elif isinstance(real, str):
                asked[real] = handle
            else:
                statuses[handle] = real
        answers: Mapping[Handle, AttemptStatus] = self.engine.status(list(asked)) if asked else {}
        for real, status in answers.items():
            if real in asked:
                statuses[asked[real]] = status
            if isinstance(status, (Exited, Lost, Rejected)):
                self._busy.discard(real)
        return statuses

    def cancel(self, handles: Iterable[Handle]) -> None:
        """End attempts. Those that wait never run."""
        real = self._take(handles, Lost("it was cancelled before it had a slot"))
        if real:
            self.engine.cancel(real)

    def _take(self, handles: Iterable[Handle], end: Lost) -> list[Handle]:
        """End attempts that wait, and return the handles that the engine knows."""
        known: list[Handle] = []
        for handle in handles:
            if self.waiting.pop(handle, None) is not None:
                self._aliases[handle] = end
            real = self._aliases.get(handle, handle)
            if isinstance(real, str):
                known.append(real)
        return known

    def forget(self, handles: Collection[Handle]) -> None:
        """Release attempts."""
        real = self._take(handles, Lost("it is forgotten"))
        for handle in handles:
            self._aliases.pop(handle, None)
            self._tokens.pop(self._by_handle.pop(handle, ""), None)
        self._busy.difference_update(real)
        if real:
            self.engine.forget(real)

    def attach(self, attempts: Sequence[Attachment]) -> dict[Token, Handle | None]:
        """Find attempts again. One that waited and has not started waits again."""
        result: dict[Token, Handle | None] = {}
        waited = {attempt.spec.token for attempt in attempts if attempt.handle.startswith(_WAITS)}
        asked = [
            Attachment(attempt.spec, "", attempt.started) if attempt.spec.token in waited else attempt
            for attempt in attempts
        ]
        answers = self.engine.attach(asked)
        for attempt in attempts:
            token = attempt.spec.token
            handle = answers.get(token)
            if handle is not None:
                self._busy.add(handle)
                self._note(token, handle)
            elif token in waited and attempt.started is None:
                handle = self._wait(attempt.spec).handle
            result[token] = handle
        return result

    def close(self, leave_running: bool) -> None:
        """Close the engine."""
        if not leave_running:
            self._take(list(self.waiting), Lost("the service ended before it had a slot"))
        self.engine.close(leave_running)


class MixedEngine:
    """Runs each attempt on the engine that its instance type names.

    Each engine keeps its own limit of slots. The service only knows the sum of them, so an attempt for which its engine
    has no free slot waits here.

    Args:
        engines: The engines by name. The first runs attempts whose instance type names none.
        types: The instance types by name.
    """

    def __init__(self, engines: Mapping[str, Engine], types: Mapping[str, InstanceType]) -> None:
        self._members = {name: _Member(name, engine) for name, engine in engines.items()}
        self._types = types
        self._first = next(iter(engines))
        self._changed: Callable[[], None] = lambda: None
        # `cancel` and `close` are called from other threads.
        self._lock = threading.RLock()
        self.name: str = "+".join(engines)
        limits = [engine.capabilities.slots for engine in engines.values()]
        known = [limit for limit in limits if limit is not None]
        self.capabilities: Capabilities = Capabilities(
            slots=sum(known) if len(known) == len(limits) else None,
            workspace=engines[self._first].capabilities.workspace,
            survives=all(engine.capabilities.survives for engine in engines.values()),
            node=engines[self._first].capabilities.node,
            live_logs=all(engine.capabilities.live_logs for engine in engines.values()),
            types=_types_of(engines.values()),
        )

    def _member_of(self, spec: AttemptSpec) -> _Member:
        kind = self._types.get(spec.instance_type)
        return self._members[
            kind.engine if kind is not None and kind.engine in self._members else self._first
        ]

    def bind(self, changed: Callable[[], None]) -> None:
        """Set the function that the engines call."""
        self._changed = changed
        for member in self._members.values():
            member.engine.bind(changed)

    def starts_at_once(self, spec: AttemptSpec) -> bool:
        """Return whether an attempt runs on its engine as soon as it is submitted."""
        member = self._member_of(spec)
        # With a limit, the attempt may have to wait for a slot. All such attempts run on the node of the first engine.
        return member.limit is None and member.name == self._first and member.engine.starts_at_once(spec)

    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        """Submit attempts of one task, which all have the same instance type."""
        if not batch:
            return []
        member = self._member_of(batch[0])
        with self._lock:
            answers = member.submit(batch)
        return [
            Submitted(f"{member.name}{_SEPARATOR}{answer.handle}")
            if isinstance(answer, Submitted)
            else answer
            for answer in answers
        ]

    def _groups(self, handles: Iterable[Handle]) -> list[tuple[_Member, list[Handle]]]:
        groups: dict[str, list[Handle]] = {}
        for handle in handles:
            name, separator, rest = handle.partition(_SEPARATOR)
            if separator and name in self._members:
                groups.setdefault(name, []).append(rest)
        return [(self._members[name], group) for name, group in groups.items()]

    def status(self, handles: Collection[Handle]) -> Mapping[Handle, AttemptStatus]:
        """Return the statuses of attempts. An engine that does not answer makes only its own attempts `Unknown`."""
        statuses: dict[Handle, AttemptStatus] = {}
        for member, group in self._groups(handles):
            with self._lock:
                try:
                    answers: Mapping[Handle, AttemptStatus] = member.status(group)
                except Exception as error:  # noqa: BLE001 - the other engines are asked, too
                    answers = dict.fromkeys(group, Unknown(f"{member.name}: {type(error).__name__}: {error}"))
            statuses.update(
                (f"{member.name}{_SEPARATOR}{handle}", status) for handle, status in answers.items()
            )
        self._start_waiting()
        return statuses

    def _start_waiting(self) -> None:
        with self._lock:
            started = [member.start_waiting() for member in self._members.values() if member.waiting]
        if any(started):
            self._changed()

    def cancel(self, handles: Collection[Handle]) -> None:
        """End attempts, with all processes that they have started.

        Raises:
            Exception: The error of the first engine that failed; the other engines were called, too.
        """
        self._for_all(lambda member, group: member.cancel(group), self._groups(handles))
        self._changed()

    def forget(self, handles: Collection[Handle]) -> None:
        """Release everything that belongs to attempts whose ends are recorded.

        Raises:
            Exception: The error of the first engine that failed; the other engines were called, too.
        """
        self._for_all(lambda member, group: member.forget(group), self._groups(handles))
        self._start_waiting()

    def _for_all(
        self,
        action: Callable[[_Member, list[Handle]], None],
        groups: Iterable[tuple[_Member, list[Handle]]],
    ) -> None:
        errors: list[Exception] = []
        for member, group in groups:
            try:
                with self._lock:
                    action(member, group)
            except Exception as error:  # noqa: BLE001 - raised below
                errors.append(error)
        if errors:
            raise errors[0]

    def attach(self, attempts: Sequence[Attachment]) -> Mapping[Token, Handle | None]:
        """Hand each attempt of an earlier service to its engine.

        Raises:
            OSError: An engine cannot tell at this moment.
        """
        groups: dict[str, list[Attachment]] = {name: [] for name in self._members}
        for attempt in attempts:
            name, separator, handle = attempt.handle.partition(_SEPARATOR)
            if name not in self._members or not separator:
                # No handle is stored, or it is of a time when the service had one engine.
                name, handle = self._member_of(attempt.spec).name, attempt.handle
            groups[name].append(Attachment(attempt.spec, handle, attempt.started))
        result: dict[Token, Handle | None] = {}
        for name, group in groups.items():
            with self._lock:
                answers = self._members[name].attach(group)
            for token, attached in answers.items():
                result[token] = None if attached is None else f"{name}{_SEPARATOR}{attached}"
        return result

    def next_poll(self) -> float | None:
        """Return the shortest time of the engines; None if all call `changed` themselves."""
        polls = [member.engine.next_poll() for member in self._members.values()]
        with self._lock:
            retries = [
                _RETRY_SECONDS for member in self._members.values() if member.reason and member.waiting
            ]
        return min([poll for poll in polls if poll is not None] + retries, default=None)

    def close(self, leave_running: bool = False) -> None:
        """Close all engines.

        Raises:
            Exception: The error of the first engine that failed; the other engines are closed, too.
        """
        everyone: list[tuple[_Member, list[Handle]]] = [(member, []) for member in self._members.values()]
        self._for_all(lambda member, _: member.close(leave_running), everyone)


def _types_of(engines: Iterable[Engine]) -> frozenset[str] | None:
    """Return the instance types with options in any engine; None if the first engine treats all types alike."""
    types = [engine.capabilities.types for engine in engines]
    if types[0] is None:
        return None
    return frozenset[str]().union(*(names for names in types if names is not None))
