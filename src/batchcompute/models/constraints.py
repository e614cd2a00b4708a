"""What the service accepts of a value: declared once, in the annotation of a field.

``Annotated[Integer, Range(0, 1000)]`` does not keep a field from being set to 2000: descriptions are written step
by step, and `Jsonizable.validate` reports everything at once. The same declaration is the service's check, the
limit in the JSON schema and in OpenAPI, and a row in the documentation.
"""

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
"""Where a mapping or a mount may come from (REST API, 3.6)."""

MAX_INT32 = 2**31 - 1
"""Seconds and retries that the service can count; more than 60 years of either."""

MAX_INSTANCES = 1_000_000
"""Instances of one job."""

MAX_STRING_BYTES = 128 * 1024 - 1
"""Bytes of one string that Linux hands to a program: an argument, or a variable as ``NAME=value``."""

MAX_VARIABLES = 2000
"""Environment variables of a command; a sandbox takes 9,000 arguments, three for each variable or mount."""

# Letters beyond ASCII pass here: the old SDK sent such names (recorded case create_job/unicode),
# and the service is the judge of them.
_NAME = re.compile(r"[\w-]+")
_APP = re.compile(r"[\w:-]+")


def join(*parts: str) -> str:
    """Join the parts of a path, leaving out empty ones."""
    return ".".join(part for part in parts if part)


class Constraint(ABC):
    """One thing that the service demands of a field."""

    __slots__ = ()

    @abstractmethod
    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        """Yield what is wrong with a value.

        Args:
            value: The value; None for a field that is not set.
            path: Where it stands, in wire spelling.
        """
        ...

    def json_schema(self) -> dict[str, Any]:
        """Return the limit as keywords of JSON schema."""
        return {}

    @abstractmethod
    def summary(self) -> str:
        """Return the limit in words, for the documentation."""
        ...


class Required(Constraint):
    """The field must be set, and not to nothing."""

    __slots__ = ("what",)

    def __init__(self, what: str = "") -> None:
        self.what = what
        """What it needs; empty for an object whose own fields tell."""

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if self.what and (value is None or value == "" or value == {}):
            yield Problem(path, "", f"is required: {self.what}", "missing")

    def summary(self) -> str:
        return "required"


class Range(Constraint):
    """A number in a range, both ends included."""

    __slots__ = ("high", "low")

    def __init__(self, low: int, high: int) -> None:
        self.low = low
        self.high = high

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, (int, float)) and not self.low <= value <= self.high:
            yield Problem(path, short_repr(value), f"must be in [{self.low}, {self.high}]")

    def json_schema(self) -> dict[str, Any]:
        return {"minimum": self.low, "maximum": self.high}

    def summary(self) -> str:
        return f"{self.low} to {self.high}"


class Minimum(Constraint):
    """A number without an upper end."""

    __slots__ = ("low",)

    def __init__(self, low: int) -> None:
        self.low = low

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, (int, float)) and value < self.low:
            yield Problem(path, short_repr(value), f"must be {self.low} or more")

    def json_schema(self) -> dict[str, Any]:
        return {"minimum": self.low}

    def summary(self) -> str:
        return f"{self.low} or more"


class MaxLength(Constraint):
    """A text or a container that may not be longer than the service takes."""

    __slots__ = ("longest", "unit")

    def __init__(self, longest: int, unit: str = "characters") -> None:
        self.longest = longest
        self.unit = unit

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, (str, Mapping, list)):
            size = len(value)  # pyright: ignore[reportUnknownArgumentType]
            if size > self.longest:
                yield Problem(path, f"{size} {self.unit}", f"may hold at most {self.longest} {self.unit}")

    def json_schema(self) -> dict[str, Any]:
        return {("maxProperties" if self.unit == "entries" else "maxLength"): self.longest}

    def summary(self) -> str:
        return f"at most {self.longest} {self.unit}"


class Bytes(Constraint):
    """A text that may not be longer than the service takes, in bytes of UTF-8."""

    __slots__ = ("longest",)

    def __init__(self, longest: int) -> None:
        self.longest = longest

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, str):
            size = len(value.encode("utf-8", "replace"))
            if size > self.longest:
                yield Problem(path, f"{size} bytes", f"may hold at most {self.longest} bytes")

    def json_schema(self) -> dict[str, Any]:
        # In characters, of which each has one byte or more.
        return {"maxLength": self.longest}

    def summary(self) -> str:
        return f"at most {self.longest} bytes"


class OneOf(Constraint):
    """A text out of a closed list."""

    __slots__ = ("allowed",)

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self.allowed = allowed

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if value and value not in self.allowed:
            yield Problem(path, short_repr(value), f"must be one of {', '.join(self.allowed)}")

    def json_schema(self) -> dict[str, Any]:
        return {"enum": list(self.allowed)}

    def summary(self) -> str:
        return " or ".join(f"`{word}`" for word in self.allowed)


class Name(Constraint):
    """A name of letters, digits, ``_`` and ``-`` (REST API, 3.0)."""

    __slots__ = ("digit_first", "longest")

    def __init__(self, longest: int, digit_first: bool = False) -> None:
        self.longest = longest
        """Bytes that it may have."""
        self.digit_first = digit_first
        """Whether it may begin with a digit."""

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if not value:
            what = f"a name of 1 to {self.longest} letters, digits, '_' and '-'"
            yield from Required(what).problems(value, path)
            return
        if not isinstance(value, str):
            return
        if not _NAME.fullmatch(value):
            yield Problem(path, short_repr(value), "may only hold letters, digits, '_' and '-'")
        elif value[0].isdigit() and not self.digit_first:
            yield Problem(path, short_repr(value), "must not start with a digit")
        if len(value.encode("utf-8", "replace")) > self.longest:
            yield Problem(path, short_repr(value), f"must be at most {self.longest} bytes long")

    def json_schema(self) -> dict[str, Any]:
        pattern = r"^[\w-]+$" if self.digit_first else r"^(?!\d)[\w-]+$"
        return {"minLength": 1, "maxLength": self.longest, "pattern": pattern}

    def summary(self) -> str:
        first = "" if self.digit_first else ", no digit first"
        return f"required; letters, digits, `_` and `-`{first}, at most {self.longest} bytes"


class AppReference(Constraint):
    """The name by which a job refers to an app: ``App1``, ``:App1`` or ``Public:App1`` (REST API, 3.0)."""

    __slots__ = ("longest",)

    def __init__(self, longest: int = 1024) -> None:
        self.longest = longest

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        yield from Required("the name of an app").problems(value, path)
        if value and isinstance(value, str) and not _APP.fullmatch(value):
            yield Problem(path, short_repr(value), "may only hold letters, digits, '_', '-' and ':'")
        yield from MaxLength(self.longest).problems(value, path)

    def json_schema(self) -> dict[str, Any]:
        return {"minLength": 1, "maxLength": self.longest, "pattern": r"^[\w:-]+$"}

    def summary(self) -> str:
        return f"required; `Name`, `:Name` or `Public:Name`, at most {self.longest} characters"


class ObjectKeyLength(Constraint):
    """A place whose key is as long as object storage takes, if it is one of OSS."""

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
    """A place in a storage with a known scheme (REST API, 3.6)."""

    __slots__ = ("schemes",)

    def __init__(self, schemes: tuple[str, ...] = STORAGE_SCHEMES) -> None:
        self.schemes = schemes

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if not value or not isinstance(value, str):
            return
        scheme, found, rest = value.partition("://")
        if not found or scheme not in self.schemes or not rest:
            listed = ", ".join(f"{scheme}://" for scheme in self.schemes)
            yield Problem(path, short_repr(value), f"must start with one of {listed}")
        yield from ObjectKeyLength().problems(value, path)

    def json_schema(self) -> dict[str, Any]:
        return {"pattern": f"^$|^({'|'.join(self.schemes)})://."}

    def summary(self) -> str:
        listed = ", ".join(f"`{scheme}://`" for scheme in self.schemes)
        return f"begins with {listed}; {ObjectKeyLength().summary()}"


class EachKey(Constraint):
    """Each key of a mapping keeps a limit of its own."""

    __slots__ = ("limit",)

    def __init__(self, limit: Constraint) -> None:
        self.limit = limit

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, Mapping):
            for key in cast("Iterable[Any]", value):
                at = path if isinstance(self.limit, StorageUrl) or not key else f"{path}.{key}"
                yield from self.limit.problems(key, at)

    def json_schema(self) -> dict[str, Any]:
        return {"propertyNames": self.limit.json_schema()}

    def summary(self) -> str:
        return f"keys: {self.limit.summary()}"


class EachValue(Constraint):
    """Each value of a mapping keeps a limit of its own."""

    __slots__ = ("limit",)

    def __init__(self, limit: Constraint) -> None:
        self.limit = limit

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, Mapping):
            for key, item in cast("Mapping[Any, Any]", value).items():
                yield from self.limit.problems(item, f"{path}.{key}")

    def json_schema(self) -> dict[str, Any]:
        return {"additionalProperties": self.limit.json_schema()}

    def summary(self) -> str:
        return f"values: {self.limit.summary()}"


class EnvironmentVariables(Constraint):
    """Environment variables, each of which a program can be given."""

    __slots__ = ("before",)

    def __init__(self, before: int = 0) -> None:
        self.before = before
        """Bytes that the service puts in front of each name."""

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, Mapping):
            for name, item in cast("Mapping[Any, Any]", value).items():
                size = self.before + len(f"{name}={item}".encode("utf-8", "replace"))
                if size > MAX_STRING_BYTES:
                    yield Problem(f"{path}.{name}", f"{size} bytes", f"{_HANDED} as NAME=value")

    def json_schema(self) -> dict[str, Any]:
        # In characters, of which each has one byte or more.
        return {"additionalProperties": {"maxLength": MAX_STRING_BYTES}}

    def summary(self) -> str:
        return f"each `NAME=value` at most {MAX_STRING_BYTES} bytes"


class ShellCommand(Constraint):
    """A command that a shell can run; its length alone is no matter, as a long one is read from a file."""

    __slots__ = ()

    def problems(self, value: Any, path: str) -> Iterator[Problem]:
        if isinstance(value, str) and len(value) > MAX_STRING_BYTES // 4 and _SIMPLE.fullmatch(value):
            first, *words = value.split() or [""]
            size = max((len(word) for word in words), default=0)
            # An assignment may stand before a word that the shell knows.
            if size > MAX_STRING_BYTES and "=" not in first and first not in BUILT_IN:
                yield Problem(path, f"a word of {size} bytes", f"{_HANDED} as an argument of a program")

    def summary(self) -> str:
        return f"a simple command has no word of more than {MAX_STRING_BYTES} bytes"


_HANDED = f"may hold at most {MAX_STRING_BYTES} bytes"
# What a shell runs as it stands, word by word.
_SIMPLE = re.compile(r"[A-Za-z0-9_./:=@%+, \t-]*")
