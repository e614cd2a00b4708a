"""Several engines as one: instance types name the engine that runs their instances."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from batchcompute.service.domain.instance_types import InstanceType
from batchcompute.service.engines.base import (
    Attachment,
    AttemptSpec,
    AttemptStatus,
    Capabilities,
    Engine,
    Handle,
    Submission,
    Submitted,
    Token,
    Unknown,
)

__all__ = ["MixedEngine"]

_SEPARATOR = ":"


class MixedEngine:
    """Runs each attempt on the engine that its instance type names.

    Args:
        engines: The engines by name. The first runs attempts whose instance type names none.
        types: The instance types by name.
    """

    def __init__(self, engines: Mapping[str, Engine], types: Mapping[str, InstanceType]) -> None:
        self._engines = dict(engines)
        self._types = types
        self._first = next(iter(engines))
        self.name: str = "+".join(engines)
        limits = [engine.capabilities.slots for engine in engines.values()]
        known = [limit for limit in limits if limit is not None]
        self.capabilities: Capabilities = Capabilities(
            slots=sum(known) if len(known) == len(limits) else None,
            workspace=engines[self._first].capabilities.workspace,
            survives=all(engine.capabilities.survives for engine in engines.values()),
            node=engines[self._first].capabilities.node,
            live_logs=all(engine.capabilities.live_logs for engine in engines.values()),
        )

    def _name_of(self, spec: AttemptSpec) -> str:
        kind = self._types.get(spec.instance_type)
        return kind.engine if kind is not None and kind.engine in self._engines else self._first

    def bind(self, changed: Callable[[], None]) -> None:
        """Set the function that the engines call."""
        for engine in self._engines.values():
            engine.bind(changed)

    def starts_at_once(self, spec: AttemptSpec) -> bool:
        """Return whether an attempt runs on its engine as soon as it is submitted."""
        return self._engines[self._name_of(spec)].starts_at_once(spec)

    def submit(self, batch: Sequence[AttemptSpec]) -> Sequence[Submission]:
        """Submit attempts of one task, which all have the same instance type."""
        if not batch:
            return []
        name = self._name_of(batch[0])
        answers = self._engines[name].submit(batch)
        return [
            Submitted(f"{name}{_SEPARATOR}{answer.handle}") if isinstance(answer, Submitted) else answer
            for answer in answers
        ]

    def _by_engine(self, handles: Iterable[Handle]) -> dict[str, list[Handle]]:
        groups: dict[str, list[Handle]] = {}
        for handle in handles:
            name, _, rest = handle.partition(_SEPARATOR)
            if name in self._engines:
                groups.setdefault(name, []).append(rest)
        return groups

    def status(self, handles: Collection[Handle]) -> Mapping[Handle, AttemptStatus]:
        """Return the statuses of attempts. An engine that does not answer makes only its own attempts `Unknown`."""
        statuses: dict[Handle, AttemptStatus] = {}
        for name, group in self._by_engine(handles).items():
            try:
                answers = self._engines[name].status(group)
            except Exception as error:  # noqa: BLE001 - the other engines are asked, too
                answers = dict.fromkeys(group, Unknown(f"{name}: {error}"))
            statuses.update((f"{name}{_SEPARATOR}{handle}", status) for handle, status in answers.items())
        return statuses

    def cancel(self, handles: Collection[Handle]) -> None:
        """End attempts, with all processes that they have started."""
        for name, group in self._by_engine(handles).items():
            self._engines[name].cancel(group)

    def forget(self, handles: Collection[Handle]) -> None:
        """Release everything that belongs to attempts whose ends are recorded."""
        for name, group in self._by_engine(handles).items():
            self._engines[name].forget(group)

    def attach(self, attempts: Sequence[Attachment]) -> Mapping[Token, Handle | None]:
        """Hand each attempt of an earlier service to its engine.

        Raises:
            OSError: An engine cannot tell at this moment.
        """
        groups: dict[str, list[Attachment]] = {name: [] for name in self._engines}
        for attempt in attempts:
            name, separator, handle = attempt.handle.partition(_SEPARATOR)
            if name not in self._engines or not separator:
                # No handle is stored, or it is of a time when the service had one engine.
                name, handle = self._name_of(attempt.spec), attempt.handle
            groups[name].append(Attachment(attempt.spec, handle, attempt.started))
        result: dict[Token, Handle | None] = {}
        for name, group in groups.items():
            for token, attached in self._engines[name].attach(group).items():
                result[token] = None if attached is None else f"{name}{_SEPARATOR}{attached}"
        return result

    def next_poll(self) -> float | None:
        """Return the shortest time of the engines; None if all call `changed` themselves."""
        polls = [poll for engine in self._engines.values() if (poll := engine.next_poll()) is not None]
        return min(polls, default=None)

    def close(self, leave_running: bool = False) -> None:
        """Close all engines."""
        for engine in self._engines.values():
            engine.close(leave_running)
