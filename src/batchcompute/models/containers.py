"""Dicts and lists inside a model: they check what is put in, and attach themselves when written to.

A read never changes what is sent, and yet ``cluster.EnvVars["A"] = "1"`` must arrive on a cluster
that had none. So reading an unset container gives an empty one that its owner does not hold yet;
the first write to it calls back, and the owner takes it in.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, SupportsIndex

from batchcompute.errors import Problem, ValidationError

__all__: list[str] = []

Check = Callable[[Any, str], Any]
"""Turns a value into what the container holds, given where it stands; raises ValidationError."""


class FieldMap(dict[str, Any]):
    """A dict that belongs to a field of a model."""

    __slots__ = ("_check", "_touch")

    def __init__(
        self, items: Mapping[str, Any], check: Check | None, touch: Callable[[], None] | None
    ) -> None:
        super().__init__(items)
        self._check = check
        self._touch = touch

    def _written(self) -> None:
        if self._touch is not None:
            touch, self._touch = self._touch, None
            touch()

    def _checked(self, key: Any, value: Any) -> tuple[str, Any]:
        if isinstance(key, bytes):
            key = key.decode("utf-8")
        if not isinstance(key, str):
            raise ValidationError([Problem(repr(key), "", "must be a text: it is a key of a JSON object")])
        return key, value if self._check is None else self._check(value, key)

    def __setitem__(self, key: str, value: Any) -> None:
        key, value = self._checked(key, value)
        super().__setitem__(key, value)
        self._written()

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *args: Any, **kwargs: Any) -> None:
        # All are checked before the first is taken in, so that a bad one leaves nothing half done.
        pairs = [self._checked(key, value) for key, value in dict(*args, **kwargs).items()]
        for key, value in pairs:
            super().__setitem__(key, value)
        if pairs:
            self._written()

    def __ior__(self, other: Any) -> FieldMap:  # type: ignore[override,misc]
        self.update(other)
        return self

    def __copy__(self) -> dict[str, Any]:
        return dict(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return {key: copy.deepcopy(value, memo) for key, value in self.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return (dict, (dict(self),))

    def has_key(self, key: str) -> bool:
        """Tell whether the key is there, as Python 2's dicts could."""
        return key in self


class FieldList(list[Any]):
    """A list that belongs to a field of a model."""

    __slots__ = ("_check", "_touch")

    def __init__(self, items: Iterable[Any], check: Check | None, touch: Callable[[], None] | None) -> None:
        super().__init__(items)
        self._check = check
        self._touch = touch

    def _checked(self, value: Any, index: int) -> Any:
        return value if self._check is None else self._check(value, str(index))

    def _written(self) -> None:
        if self._touch is not None:
            touch, self._touch = self._touch, None
            touch()

    def append(self, value: Any) -> None:
        super().append(self._checked(value, len(self)))
        self._written()

    def extend(self, values: Iterable[Any]) -> None:
        items = [self._checked(value, len(self) + number) for number, value in enumerate(values)]
        super().extend(items)
        if items:
            self._written()

    def insert(self, index: SupportsIndex, value: Any) -> None:
        super().insert(index, self._checked(value, int(index)))
        self._written()

    def __setitem__(self, index: Any, value: Any) -> None:
        many = isinstance(index, slice)
        if many:
            value = [self._checked(item, number) for number, item in enumerate(value)]
        else:
            value = self._checked(value, index)
        super().__setitem__(index, value)
        self._written()

    def __iadd__(self, values: Iterable[Any]) -> FieldList:  # type: ignore[misc]
        self.extend(values)
        return self

    def __copy__(self) -> list[Any]:
        return list(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return [copy.deepcopy(value, memo) for value in self]

    def __reduce__(self) -> tuple[Any, ...]:
        return (list, (list(self),))
