"""Make the synchronous client from the asynchronous one, line by line.

The idea is httpcore's: write the asynchronous code once, and let a few substitutions turn it into
its synchronous twin. A substitution that no line needs is an error, so that the list stays honest.
"""

from __future__ import annotations

import re
from pathlib import Path

SOURCE = Path("src/batchcompute/client/_async")
TARGET = Path("src/batchcompute/client/_sync")

_SUBSTITUTIONS = [
    (r"import asyncio", "import time"),
    (r"asyncio\.sleep", "time.sleep"),
    (r"async def", "def"),
    (r"async with", "with"),
    (r"\bawait ", ""),
    (r"__aenter__", "__enter__"),
    (r"__aexit__", "__exit__"),
    (r"\baclose\b", "close"),
    (
        r"\bAsync(Client|BaseTransport|Base|Sender|Items|Iterator|Waiting|Logs|HttpClient|Http|Pool|Jobs|Clusters|Catalogue|Retrying)\b",
        r"\1",
    ),
    (r"async for", "for"),
    (r"__aiter__", "__iter__"),
    (r"__anext__", "__next__"),
    (r"StopAsyncIteration", "StopIteration"),
    (r"Awaitable\[(ListResponse\[T_co\])\]", r"\1"),
    (r"Iterator, Awaitable, Callable", "Callable, Iterator"),
    (r"Iterator, Coroutine", "Iterator"),
    (r"Coroutine\[Any, Any, InstanceLogs\]", "InstanceLogs"),
    (r"import TYPE_CHECKING, Any, Literal, overload", "import TYPE_CHECKING, Literal, overload"),
    (r"\(KeyboardInterrupt, asyncio\.CancelledError\)", "KeyboardInterrupt"),
    (r"\btell_async\b", "tell"),
    (r"\bexchange_async\b", "exchange"),
    (r"open_async_http", "open_http"),
    (r"current_credentials_async", "current_credentials"),
    (r"asynchronous=True", "asynchronous=False"),
    (r"client\._async_(pool|exchange)", r"client._\1"),
    (r"client\._async\b", "client._sync"),
    (r"client/_sync`` is made from this package", "client/_async`` is what this package is made from"),
    (r"The asynchronous client", "The synchronous client"),
    (r"by all that run at the same time", "by any number of threads"),
]

_BANNER = "# Made by tools/generate.py from client/_async/{name}; change that file instead.\n"


def unasync() -> dict[Path, str]:
    """Return the text of each file of the synchronous client.

    Raises:
        SystemExit: A substitution was not needed anywhere.
    """
    unused = {pattern for pattern, _ in _SUBSTITUTIONS}
    result: dict[Path, str] = {}
    for source in sorted(SOURCE.glob("*.py")):
        lines: list[str] = []
        for line in source.read_text("utf-8").splitlines():
            for pattern, replacement in _SUBSTITUTIONS:
                line, count = re.subn(pattern, replacement, line)
                if count:
                    unused.discard(pattern)
            if line == "import time" and line in lines:
                continue
            lines.append(line)
        text = _BANNER.format(name=source.name) + "\n".join(lines) + "\n"
        result[TARGET / source.name] = text
    if unused:
        raise SystemExit(f"unasync: these substitutions are not needed: {sorted(unused)}")
    return result
