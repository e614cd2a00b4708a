"""The constraints that the service places on field values, and that the annotation of each field declares."""

# ``Annotated[Integer, Range(0, 1000)]`` does not prevent the assignment of 2000, because descriptions are written step
# by step. `Jsonizable.validate` and the service check the constraints. The JSON schemas, the OpenAPI document and
# docs/limits.md state them.

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from batchcompute.errors import Problem
from batchcompute.models.problems import short_repr
from batchcompute.runner.object_urls import LONGEST_KEY
from batchcompute.runner.shell_words import BUILT_IN

__all__: list[str] = []

STORAGE_SCHEMES = ("oss", "nas", "smb", "lustre", "nasplus")
"""URL schemes of the storages that mappings and mounts can use (REST API, 3.6)."""

MAX_INT32 = 2**31 - 1
"""Largest time-out in seconds, and largest number of retries."""

MAX_INSTANCES = 1_000_000
"""Largest number of instances of a job."""

MAX_STRING_BYTES = 128 * 1024 - 1
"""Largest string that Linux passes to a program, in bytes: an argument, or a variable as ``NAME=value``."""

MAX_VARIABLES = 2000
"""Largest number of environment variables of a command.

A sandbox accepts at most 9,000 arguments. Each variable and each mount needs three.
"""

# These accept letters beyond ASCII: the old SDK sent such names (recorded case create_job/unicode), and the service
# decides.
_NAME = re.compile(r"[\w-]+")
_APP = re.compile(r"[\w:-]+")


def join(*parts: str) -> str:
    """Join the parts of a path that are not empty."""
    return ".".join(part for part in parts if part)


class Constraint(ABC):
    """A condition that the service places on the value of a field."""

    __slots__ = ()

    @abstractmethod
    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        """Yield the violations of the constraint.

        Args:
            value: The value; None for a field that is not set.
            path: The path of the field, with wire names.
        """
        ...

    def json_schema(self) -> dict[str, Any]:
        """Return the keywords of JSON schema that state the constraint."""
        return {}

    @abstractmethod
    def summary(self) -> str:
        """Return the constraint in words, for the documentation."""
        ...


class Required(Constraint):
    """The field is set, and is not empty. Without ``expected``, the object in the field reports its own missing fields."""

    __slots__ = ("expected",)

    def __init__(self, expected: str = "") -> None:
        self.expected: str = expected
        """The expected value, for the message; empty for an object with required fields of its own."""

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if self.expected and (value is None or value == "" or value == {}):
            yield Problem(path, "", f"is required: {self.expected}", "missing")

    def summary(self) -> str:
        return "required"


class Range(Constraint):
    """The number is in a range that includes both ends."""

    __slots__ = ("high", "low")

    def __init__(self, low: int, high: int) -> None:
        self.low: int = low
        self.high: int = high

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, (int, float)) and not self.low <= value <= self.high:
            yield Problem(path, short_repr(value), f"must be in [{self.low}, {self.high}]")

    def json_schema(self) -> dict[str, Any]:
        return {"minimum": self.low, "maximum": self.high}

    def summary(self) -> str:
        return f"{self.low} to {self.high}"


class Minimum(Constraint):
    """The number has a lower limit."""

    __slots__ = ("low",)

    def __init__(self, low: int) -> None:
        self.low: int = low

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, (int, float)) and value < self.low:
            yield Problem(path, short_repr(value), f"must be {self.low} or more")

    def json_schema(self) -> dict[str, Any]:
        return {"minimum": self.low}

    def summary(self) -> str:
        return f"{self.low} or more"


class MaxLength(Constraint):
    """The string or the container has a largest length."""

    __slots__ = ("maximum", "unit")

    def __init__(self, maximum: int, unit: str = "characters") -> None:
        self.maximum: int = maximum
        self.unit: str = unit

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, (str, Mapping, list)):
            size = len(value)  # pyright: ignore[reportUnknownArgumentType]
            if size > self.maximum:
                yield Problem(path, f"{size} {self.unit}", f"may hold at most {self.maximum} {self.unit}")

    def json_schema(self) -> dict[str, Any]:
        return {("maxProperties" if self.unit == "entries" else "maxLength"): self.maximum}

    def summary(self) -> str:
        return f"at most {self.maximum} {self.unit}"


class OneOf(Constraint):
    """The string is in a closed list."""

    __slots__ = ("allowed",)

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self.allowed: tuple[str, ...] = allowed

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if value and value not in self.allowed:
            yield Problem(path, short_repr(value), f"must be one of {', '.join(self.allowed)}")

    def json_schema(self) -> dict[str, Any]:
        return {"enum": list(self.allowed)}

    def summary(self) -> str:
        return " or ".join(f"`{value}`" for value in self.allowed)


class Name(Constraint):
    """The string is a name of letters, digits, ``_`` and ``-`` (REST API, 3.0)."""

    __slots__ = ("digit_first", "maximum")

    def __init__(self, maximum: int, digit_first: bool = False) -> None:
        self.maximum: int = maximum
        """Largest length in bytes."""
        self.digit_first: bool = digit_first
        """Whether the first character may be a digit."""

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if not value:
            what = f"a name of 1 to {self.maximum} letters, digits, '_' and '-'"
            yield from Required(what).problems(value, path)
            return
        if not isinstance(value, str):
            return
        if not _NAME.fullmatch(value):
            yield Problem(path, short_repr(value), "may only hold letters, digits, '_' and '-'")
        elif value[0].isdigit() and not self.digit_first:
            yield Problem(path, short_repr(value), "must not start with a digit")
        if len(value.encode("utf-8", "replace")) > self.maximum:
            yield Problem(path, short_repr(value), f"must be at most {self.maximum} bytes long")

    def json_schema(self) -> dict[str, Any]:
        pattern = r"^[\w-]+$" if self.digit_first else r"^(?!\d)[\w-]+$"
        return {"minLength": 1, "maxLength": self.maximum, "pattern": pattern}

    def summary(self) -> str:
        first = "" if self.digit_first else ", no digit first"
        return f"required; letters, digits, `_` and `-`{first}, at most {self.maximum} bytes"


class AppReference(Constraint):
    """The string is a reference to an app: ``App1``, ``:App1`` or ``Public:App1`` (REST API, 3.0)."""

    __slots__ = ("maximum",)

    def __init__(self, maximum: int = 1024) -> None:
        self.maximum: int = maximum

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        yield from Required("the name of an app").problems(value, path)
        if value and isinstance(value, str) and not _APP.fullmatch(value):
            yield Problem(path, short_repr(value), "may only hold letters, digits, '_', '-' and ':'")
        yield from MaxLength(self.maximum).problems(value, path)

    def json_schema(self) -> dict[str, Any]:
        return {"minLength": 1, "maxLength": self.maximum, "pattern": r"^[\w:-]+$"}

    def summary(self) -> str:
        return f"required; `Name`, `:Name` or `Public:Name`, at most {self.maximum} characters"


class ObjectKeyLength(Constraint):
    """The key of an ``oss://`` URL is within the largest length of keys."""

    __slots__ = ()

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, str) and value.startswith("oss://"):
            key = value.removeprefix("oss://").partition("/")[2]
            size = len(key.encode("utf-8", "replace"))
            if size > LONGEST_KEY:
                yield Problem(
                    path, f"a key of {size} bytes", f"may have a key of at most {LONGEST_KEY} bytes"
                )

    def summary(self) -> str:
        return f"a key of at most {LONGEST_KEY} bytes"


class StorageUrl(Constraint):
    """The string is a URL with the scheme of a supported storage (REST API, 3.6)."""

    __slots__ = ("schemes",)

    def __init__(self, schemes: tuple[str, ...] = STORAGE_SCHEMES) -> None:
        self.schemes: tuple[str, ...] = schemes

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if not value or not isinstance(value, str):
            return
        scheme, separator, rest = value.partition("://")
        if not separator or scheme not in self.schemes or not rest:
            listed = ", ".join(f"{scheme}://" for scheme in self.schemes)
            yield Problem(path, short_repr(value), f"must start with one of {listed}")
        yield from ObjectKeyLength().problems(value, path)

    def json_schema(self) -> dict[str, Any]:
        return {"pattern": f"^$|^({'|'.join(self.schemes)})://."}

    def summary(self) -> str:
        listed = ", ".join(f"`{scheme}://`" for scheme in self.schemes)
        return f"starts with {listed}; {ObjectKeyLength().summary()}"


class EachKey(Constraint):
    """Each key of the mapping satisfies a constraint."""

    __slots__ = ("constraint",)

    def __init__(self, constraint: Constraint) -> None:
        self.constraint: Constraint = constraint

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, Mapping):
            for key in cast("Iterable[Any]", value):
                at = path if isinstance(self.constraint, StorageUrl) or not key else f"{path}.{key}"
                yield from self.constraint.problems(key, at)

    def json_schema(self) -> dict[str, Any]:
        return {"propertyNames": self.constraint.json_schema()}

    def summary(self) -> str:
        return f"keys: {self.constraint.summary()}"


class EachValue(Constraint):
    """Each value of the mapping satisfies a constraint."""

    __slots__ = ("constraint",)

    def __init__(self, constraint: Constraint) -> None:
        self.constraint: Constraint = constraint

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, Mapping):
            for key, item in cast("Mapping[Any, Any]", value).items():
                yield from self.constraint.problems(item, f"{path}.{key}")

    def json_schema(self) -> dict[str, Any]:
        return {"additionalProperties": self.constraint.json_schema()}

    def summary(self) -> str:
        return f"values: {self.constraint.summary()}"


class EnvironmentVariables(Constraint):
    """Linux can pass each environment variable to a program."""

    __slots__ = ("prefix_bytes",)

    def __init__(self, prefix_bytes: int = 0) -> None:
        self.prefix_bytes: int = prefix_bytes
        """Length of the prefix that the service adds to each name, in bytes."""

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, Mapping):
            for name, item in cast("Mapping[Any, Any]", value).items():
                size = self.prefix_bytes + len(f"{name}={item}".encode("utf-8", "replace"))
                if size > MAX_STRING_BYTES:
                    yield Problem(f"{path}.{name}", f"{size} bytes", f"{_AT_MOST} as NAME=value")

    def json_schema(self) -> dict[str, Any]:
        # JSON schema counts characters. Each has one byte or more.
        return {"additionalProperties": {"maxLength": MAX_STRING_BYTES}}

    def summary(self) -> str:
        return f"each `NAME=value` at most {MAX_STRING_BYTES} bytes"


class ShellCommand(Constraint):
    """A shell can run the command. The command itself may be of any length, because the shell reads it from a file."""

    __slots__ = ()

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, str) and len(value) > MAX_STRING_BYTES // 4 and _SIMPLE_COMMAND.fullmatch(value):
            first, *words = value.split() or [""]
            size = max((len(word) for word in words), default=0)
            # A built-in command of the shell may follow an assignment.
            if size > MAX_STRING_BYTES and "=" not in first and first not in BUILT_IN:
                yield Problem(path, f"a word of {size} bytes", f"{_AT_MOST} as an argument of a program")

    def summary(self) -> str:
        return f"a simple command has no word of more than {MAX_STRING_BYTES} bytes"


_AT_MOST = f"may hold at most {MAX_STRING_BYTES} bytes"
# A simple command, whose words a shell passes on unchanged.
_SIMPLE_COMMAND = re.compile(r"[A-Za-z0-9_./:=@%+, \t-]*")
