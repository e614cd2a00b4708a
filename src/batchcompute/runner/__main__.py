"""``python -m batchcompute.runner``: runs attempts on this machine, and records how they end."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

from batchcompute.runner.options import USAGE, UsageError, parse_options

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Run the command, and return its exit status.

    Args:
        arguments: The arguments after the name of the module.
    """
    if arguments and arguments[0] in ("-h", "--help"):
        sys.stdout.write(USAGE)
        return 0
    try:
        options = parse_options(arguments)
    except UsageError as error:
        sys.stderr.write(f"batchcompute runner: {error}\n{USAGE.partition(chr(10))[0]}\n")
        return 2
    # Garbage collection while modules are loaded takes some milliseconds, and frees nothing.
    gc.disable()
    from batchcompute.runner.runner import run

    gc.enable()
    return run(options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
