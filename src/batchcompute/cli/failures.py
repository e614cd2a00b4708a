"""The messages and exit statuses of failed commands."""

from __future__ import annotations

import logging
import re
import signal
import sys
import traceback
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final, NoReturn, TextIO

import click

from batchcompute.cli.files.document import FileError
from batchcompute.cli.framework import hint
from batchcompute.cli.state import State
from batchcompute.cli.texts import clean, clean_block
from batchcompute.errors import (
    BatchComputeError,
    ClientError,
    ConfigError,
    FieldError,
    JobFailedError,
    JSONError,
    LocalServiceError,
    LogsUnavailable,
    NotFoundError,
    ProtocolError,
    ResponseError,
    ServerError,
    ThrottledError,
    TransportError,
    ValidationError,
    WaitTimeout,
)

__all__: list[str] = []

FAILED: Final = 1
"""The answer is negative: a job failed or was stopped, or there is no output."""
MISTAKE: Final = 2
"""A mistake in the arguments, the configuration or a file; nothing was changed."""
NOT_FOUND: Final = 3
"""A job, an object or another resource does not exist."""
REFUSED: Final = 4
"""The service refused the request."""
UNAVAILABLE: Final = 5
"""The service cannot be reached, or failed."""
DEFECT: Final = 70
"""A defect of this program."""
INTERRUPTED: Final = 130
"""Ctrl-C."""
TERMINATED: Final = 143
"""SIGTERM. For SIGHUP, which a terminal sends at its end, the status is 129."""
CLOSED_PIPE: Final = 141
"""The reader of the output has ended, for example ``head``."""


_EXTRA: Final = re.compile(r"Got unexpected extra arguments? \((.*)\)", re.DOTALL)
"""The message of click for arguments that a command does not have."""


class EndingSignal(KeyboardInterrupt):
    """A signal ends the process, as Ctrl-C does.

    Args:
        text: What becomes of jobs.
        status: The exit status.
    """

    def __init__(self, text: str = "", status: int = TERMINATED) -> None:
        super().__init__(text)
        self.status = status


@contextmanager
def signals_as_exceptions() -> Generator[None]:
    """Raise an exception for SIGTERM and SIGHUP, so that services end their programs."""

    def end(number: int, _: object) -> None:
        raise EndingSignal(status=128 + number)

    before: dict[int, Any] = {}
    for number in (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")):
        # nohup ignores SIGHUP on purpose.
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:
            before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class CommandError(click.ClickException):
    """A failure of a command with its exit status.

    Args:
        message: One line.
        status: The exit status.
    """

    def __init__(self, message: str, status: int = MISTAKE) -> None:
        super().__init__(message)
        self.status = status


def fail(message: str, status: int = MISTAKE) -> NoReturn:
    """End a command with a message.

    Args:
        message: One line.
        status: The exit status.

    Raises:
        CommandError: Always.
    """
    raise CommandError(message, status)


def say(text: str) -> None:
    """Write a line about the progress of a command to stderr.

    Args:
        text: The line.
    """
    print(clean_block(text), file=sys.stderr, flush=True)  # noqa: T201


def interrupted(error: BaseException, state: State) -> int:
    """Report Ctrl-C; return the exit status.

    Args:
        error: The exception, whose text says what becomes of jobs.
        state: The global options.
    """
    if state.debug:
        traceback.print_exception(error)
    say(f"batchcompute: interrupted{f': {error}' if str(error) else ''}")
    return error.status if isinstance(error, EndingSignal) else INTERRUPTED


def report(error: Exception, state: State) -> int:
    """Write the message of an error to stderr; return the exit status.

    Args:
        error: The error.
        state: The global options.
    """
    if isinstance(error, click.exceptions.Exit):
        return error.exit_code
    if state.debug and not isinstance(error, click.ClickException):
        traceback.print_exception(error)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        say(error.format_message())
        return MISTAKE
    if isinstance(error, click.UsageError):
        path = error.ctx.command_path if error.ctx else "batchcompute"
        say(f"{path}: {clean(_usage(error))} (see {path} --help)")
        return MISTAKE
    if isinstance(error, CommandError):
        say(f"batchcompute: {error.message}")
        return error.status
    if isinstance(error, click.ClickException):
        say(f"batchcompute: {error.format_message()}")
        return error.exit_code
    status = _status_of(error)
    if status == DEFECT:
        text = f"{type(error).__name__}: {clean(str(error))}"
        say(f"batchcompute: this is a defect of the program: {text} (--debug shows the traceback)")
        return status
    notes: tuple[str, ...] = tuple(getattr(error, "__notes__", ()))
    say(f"batchcompute: {'; '.join((_message_of(error), *notes))}")
    return status


def message_and_status(error: Exception) -> tuple[str, int]:
    """Return the text of an error, and its exit status.

    Args:
        error: The error.
    """
    return clean_block(_message_of(error)), _status_of(error)


def _usage(error: click.UsageError) -> str:
    """Return the message for a mistake in the arguments."""
    if isinstance(error, click.NoSuchOption):
        names = [
            name
            for parameter in (error.ctx.command.get_params(error.ctx) if error.ctx else ())
            for name in (*parameter.opts, *parameter.secondary_opts)
            if name.startswith("--")
        ]
        return f"there is no argument {error.option_name}{hint(error.option_name, names)}"
    if isinstance(error, click.BadOptionUsage) and "requires" in error.message:
        return f"argument {error.option_name}: expected one argument"
    text = error.format_message().removesuffix(".")
    extra = _EXTRA.fullmatch(text)
    if extra:
        return f"there is no argument {extra[1]}"
    return text[:1].lower() + text[1:]


def _status_of(error: Exception) -> int:
    """Return the exit status of an error."""
    if isinstance(error, LocalServiceError) and error.code == "ServerEnded":
        return UNAVAILABLE
    if isinstance(error, (ResponseError, ServerError, ThrottledError, TransportError, WaitTimeout)):
        return UNAVAILABLE
    if isinstance(error, (ConfigError, ValidationError, JSONError, FieldError, FileError)):
        return MISTAKE
    if isinstance(error, NotFoundError):
        return NOT_FOUND
    if isinstance(error, ClientError):
        return REFUSED
    if isinstance(error, (JobFailedError, LogsUnavailable)):
        return FAILED
    return MISTAKE if isinstance(error, OSError) else DEFECT


def _message_of(error: Exception) -> str:
    """Return the text of an error, without what only a program needs."""
    if isinstance(error, ClientError) and not isinstance(error, ConfigError) and error.msg:
        request = f", request {error.request_id}" if error.request_id else ""
        return f"{error.msg.removesuffix('.')} ({error.code or error.status}{request})"
    if isinstance(error, OSError) and not isinstance(error, BatchComputeError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if isinstance(error, ProtocolError) and "http://" in str(error):
        return f"{error} (the URL of a server with TLS begins with https://)"
    return str(error)


@contextmanager
def plain_warnings() -> Generator[None]:
    """Show warnings as one line each, without the line of the source."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,  # noqa: ARG001
        lineno: int,  # noqa: ARG001
        file: TextIO | None = None,  # noqa: ARG001
        line: str | None = None,  # noqa: ARG001
    ) -> None:
        if issubclass(category, UserWarning):
            say(f"batchcompute: {message}")

    before = warnings.showwarning
    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = before


class _OneLine(logging.Handler):
    """Writes errors of the log as lines of this program."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record: only errors, or everything for ``--debug``."""
        # A server has a log of its own.
        if not logging.getLogger().handlers and (self._state.debug or record.levelno >= logging.ERROR):
            say(f"batchcompute: {record.levelname.lower()}: {record.name}: {record.getMessage()}")


@contextmanager
def log_of(state: State) -> Generator[None]:
    """Show errors that the package logs, or everything for ``--debug``.

    Args:
        state: The global options, which the command line sets later.
    """
    logger = logging.getLogger("batchcompute")
    own = [handler for handler in logger.handlers if not isinstance(handler, logging.NullHandler)]
    if logging.getLogger().handlers or own:
        # A program that calls this one has its own log.
        yield
        return
    handler = _OneLine(state)
    level = logger.level
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
