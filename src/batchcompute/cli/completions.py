"""``batchcompute completion``, and the completion of ids."""

from __future__ import annotations

from typing import Any, Final

import click
from click.shell_completion import CompletionItem, get_completion_class

from batchcompute.cli.framework import command, examples
from batchcompute.cli.output import write
from batchcompute.cli.state import OF_SERVER, state_of
from batchcompute.cli.texts import clean

__all__: list[str] = []

_SHELLS: Final = ("bash", "zsh", "fish")

_VARIABLE: Final = "_BATCHCOMPUTE_COMPLETE"
"""The variable with which a shell asks for completions."""

_SECONDS: Final = 2.0
"""Seconds for the request of a completion."""


def COMPLETE_JOB(context: click.Context, parameter: click.Parameter, text: str) -> list[CompletionItem]:  # noqa: N802, ARG001
    """Return the ids of recent jobs that begin with a text; none if no server runs.

    Args:
        context: The context of the command.
        parameter: The parameter.
        text: The beginning.
    """
    from batchcompute.cli.connection import connected, is_local, use_directory
    from batchcompute.errors import BatchComputeError

    state = state_of(context)
    try:
        if is_local(state):
            from batchcompute.service.data_directory import default_directory
            from batchcompute.service.transports.proxy import announced_server

            use_directory(state)
            if not announced_server(default_directory())[0]:
                # A completion must not keep another command from opening the directory.
                return []
        options: dict[str, Any] = {"timeout": _SECONDS}
        with connected(state, **options) as client:
            client = client.with_options(deadline=_SECONDS)
            jobs = client.list_jobs("", 100, OrderBy="CreationTime", IsReverse="True")
            return [
                CompletionItem(job.Id, help=clean(f"{job.State} {job.Name}"))
                for job in jobs
                if job.Id.startswith(text)
            ]
    except (BatchComputeError, OSError):
        return []


@command(
    "completion",
    globals_=OF_SERVER,
    epilog=examples(
        'batchcompute completion bash    # in ~/.bashrc:  eval "$(batchcompute completion bash)"',
        'batchcompute completion zsh     # in ~/.zshrc:   eval "$(batchcompute completion zsh)"',
        "batchcompute completion fish > ~/.config/fish/completions/batchcompute.fish",
    ),
)
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print the completion script of a SHELL: bash, zsh or fish."""
    completion = get_completion_class(shell)
    root = context.find_root().command
    if completion is not None:
        write(completion(root, {}, "batchcompute", _VARIABLE).source())
