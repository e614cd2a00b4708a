"""``python -m batchcompute.runner``: runs attempts on this machine, and records how they end."""

from __future__ import annotations

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
    from batchcompute.runner.runner import run

    return run(options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
