"""The command line of the runner."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, NoReturn, cast

__all__ = ["RunnerOptions", "UsageError", "parse_options"]

# Read by hand, because argparse takes a tenth of the time in which a runner may start.

INDEX: Final = "{index}"
"""Part of the path of the specifications that ``--index`` replaces."""


class UsageError(Exception):
    """An option of the command line is wrong."""


class RunnerOptions(NamedTuple):
    """Options of a runner."""

    specs: str
    """Path of the file of specifications."""
    slots: int = 1
    """Number of attempts at a time."""
    wait: float = 60.0
    """Seconds in which the file of specifications must appear: file systems lag."""
    patience: float = 300.0
    """Seconds in which records that cannot be written, and requests that fail, are tried again."""
    grace: float = 20.0
    """Seconds after a signal in which outputs of programs that have ended are still uploaded."""
    work: str = ""
    """Directory for the files of attempts; empty for that of temporary files."""
    node: str = ""
    """Name of this machine in records; `parse_options` fills in its host name."""
    sandbox: Literal["auto", "always", "never"] = "auto"
    """The use of bubblewrap."""
    max_file_size: int = 0
    """Bytes that a file of a program may reach; 0 for any size."""
    deliver_logs: Literal["all", "failures"] = "all"
    """Whether the output of all programs is uploaded, or only of those that fail."""
    passed: tuple[str, ...] = ()
    """Names of variables of the runner that programs get, such as those that name the allocated GPUs."""
    hide: tuple[str, ...] = ()
    """Files and directories that no program in a sandbox sees."""


USAGE: Final = f"""\
usage: python -m batchcompute.runner SPECS [options]

Run the attempts of a file of specifications on this machine.

  SPECS                 path of the file; {INDEX} in it stands for the number that --index gives
  --index N             number of this runner, from 0
  --slots N             attempts at a time (default: 1)
  --wait SECONDS        time in which the file must appear (default: 60)
  --patience SECONDS    time in which records and requests that fail are tried again (default: 300)
  --grace SECONDS       time after SIGTERM in which outputs of ended programs are still uploaded (default: 20)
  --work DIRECTORY      directory for the files of attempts (default: $TMPDIR, or /tmp)
  --node NAME           name of this machine in records (default: its host name)
  --sandbox WHEN        auto, always or never (default: auto)
  --max-file-size N     bytes that a file of a program may reach; 0 for any size (default: 0)
  --deliver-logs WHICH  all, or failures: upload the output only of programs that fail (default: all)
  --hide PATH           file or directory that no program in a sandbox sees; may be repeated
  --pass NAME           variable of the runner that programs get, such as CUDA_VISIBLE_DEVICES; may be repeated

Exit status: 0 if all attempts have a record of their end, 1 if some could not run because object storage did not answer,
2 if the command line or the file of specifications is wrong, 3 if records cannot be written, 128 + N after signal N.
"""


def _refuse(option: str, value: str, allowed: str) -> NoReturn:
    raise UsageError(f"{option} {allowed} (got {value[:200]!r})")


def _count(lowest: int) -> Callable[[str, str], int]:
    def read(option: str, value: str) -> int:
        if not value.isascii() or not value.isdigit() or not lowest <= int(value[:20]) < 10**15:
            _refuse(option, value, f"must be an integer from {lowest}")
        return int(value)

    return read


def _seconds(option: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 1e9:
        _refuse(option, value, "must be a number of seconds from 0")
    return seconds


def _text(option: str, value: str) -> str:
    if not value:
        _refuse(option, value, "must not be empty")
    return value


def _variable(option: str, value: str) -> str:
    if not value or "=" in value or "\0" in value:
        _refuse(option, value, "must be the name of a variable")
    return value


def _one_of(*allowed: str) -> Callable[[str, str], str]:
    def read(option: str, value: str) -> str:
        if value not in allowed:
            _refuse(option, value, f"must be {' or '.join(allowed)}")
        return value

    return read


_READERS: Mapping[str, Callable[[str, str], Any]] = {
    "--index": _count(0),
    "--slots": _count(1),
    "--wait": _seconds,
    "--patience": _seconds,
    "--grace": _seconds,
    "--work": _text,
    "--node": _text,
    "--sandbox": _one_of("auto", "always", "never"),
    "--max-file-size": _count(0),
    "--deliver-logs": _one_of("all", "failures"),
    "--hide": _text,
    "--pass": _variable,
}


def parse_options(arguments: Sequence[str]) -> RunnerOptions:
    """Read the command line.

    Args:
        arguments: The arguments after the name of the module.

    Raises:
        UsageError: An option is unknown or wrong, or SPECS is missing. The message names the option.
    """
    values: dict[str, Any] = {}
    paths: list[str] = []
    repeated: dict[str, list[str]] = {"--hide": [], "--pass": []}
    rest = iter(arguments)
    for argument in rest:
        if not argument.startswith("-"):
            paths.append(argument)
            continue
        option, equals, value = argument.partition("=")
        if option not in _READERS:
            raise UsageError(f"there is no option {option[:100]}; use one of {', '.join(_READERS)}")
        if not equals:
            value = next(rest, "")
        parsed = _READERS[option](option, value)
        if option in repeated:
            repeated[option].append(cast("str", parsed))
        elif option in values:
            raise UsageError(f"{option} is given twice")
        else:
            values[option] = parsed
    if len(paths) != 1:
        raise UsageError(f"one path of a file of specifications must be given (got {len(paths)})")
    index = values.pop("--index", None)
    (specs,) = paths
    if (index is None) != (INDEX not in specs):
        raise UsageError(
            f"--index and {INDEX} in the path of the specifications go together (got {specs[:200]!r})"
        )
    names = {option.removeprefix("--").replace("-", "_"): value for option, value in values.items()}
    names.setdefault("node", os.uname().nodename)
    return RunnerOptions(
        os.path.abspath(specs.replace(INDEX, str(index))),  # noqa: PTH100 - links stay
        hide=tuple(repeated["--hide"]),
        passed=tuple(repeated["--pass"]),
        **names,
    )
