"""``batchcompute run``: create a job, watch it, and end with its exit status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from batchcompute.cli.connection import connected, endpoint_of, is_local, wire
from batchcompute.cli.failures import FAILED, MISTAKE, EndingSignal, say
from batchcompute.cli.framework import command, examples
from batchcompute.cli.output import write, write_json
from batchcompute.cli.state import State, state_of
from batchcompute.errors import (
    JobFailedError,
    LocalServiceError,
    LogsUnavailable,
    TransportError,
    WaitTimeout,
)

if TYPE_CHECKING:
    from batchcompute.cli.files.description import Description
    from batchcompute.cli.progress import Messages
    from batchcompute.client import Client
    from batchcompute.resources import Job

__all__: list[str] = []

_ONLY_FOR_COMMANDS: Final = (
    "count", "stdout", "stderr", "env", "inputs", "outputs", "instance_type", "cluster", "timeout", "retries",
)  # fmt: skip
"""Parameters that describe the task of ``--command``."""

_SECONDS_UNTIL_FOLLOWING: Final = 1.0
"""Seconds after which the output of a command is printed while it runs."""


@command(
    "run",
    epilog=examples(
        "batchcompute run --command 'echo hello'",
        "batchcompute run -c 'python3 part.py' --count 10 --env MODE=fast",
        "batchcompute run -c 'wc -l /home/data/*' --input oss://b/data/:/home/data/",
        "batchcompute run pipeline.yaml",
        "batchcompute run --detach job.json; cat job.cfg | batchcompute run -",
    ),
)
@click.argument("file", required=False)
@click.option("-c", "--command", "command_line", metavar="TEXT", help="Run a command instead of a file.")
@click.option("--name", metavar="TEXT", help="Name of the job.")
@click.option(
    "--priority", type=click.IntRange(0, 1000), help="Priority; jobs with a higher one start first."
)
@click.option(
    "--count", type=click.IntRange(1), default=1, help="Number of instances of the command (default: 1)."
)
@click.option(
    "--stdout",
    metavar="URL",
    help="Directory for stdout, such as oss://bucket/logs/ (default: one of the service).",
)
@click.option("--stderr", metavar="URL", help="Directory for stderr.")
@click.option(
    "-e",
    "--env",
    multiple=True,
    metavar="NAME[=VALUE]",
    help="Environment variable of the command; can be repeated.",
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="URL:PATH",
    help="Object or directory/ that the command reads; can be repeated.",
)
@click.option(
    "--output",
    "outputs",
    multiple=True,
    metavar="PATH:URL",
    help="File or directory/ that is stored at the end; can be repeated.",
)
@click.option("--type", "instance_type", default="", metavar="TYPE", help="Instance type of the machine.")
@click.option("--cluster", default="", metavar="ID", help="Cluster that runs the command.")
@click.option(
    "--timeout", type=click.IntRange(1), metavar="SECONDS", help="Seconds that an attempt may take."
)
@click.option(
    "--retries",
    type=click.IntRange(0),
    default=0,
    help="Number of times that a failed instance is tried again.",
)
@click.option("-d", "--detach", is_flag=True, help="Print the id of the job, and do not wait.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
def run_command(file: str | None, detach: bool, quiet: bool, **values: Any) -> int:
    """Run the job that a FILE describes, or a command, and wait for its end.

    The file is JSON, YAML, or a job.cfg of bcs; - is stdin. Progress goes to stderr. The exit status is 0 for a
    finished job, and else the exit code of the first program that failed.
    """
    context = click.get_current_context()
    state = state_of(context)
    description, loaded = _description(context, file, values, state)
    if detach and is_local(state):
        from batchcompute.cli.background import ensure_server

        # The programs of a job end with the service, so the service has to outlive this process.
        ensure_server(state)
    with connected(state, runs_jobs=True, makes_directory=True) as client:
        if loaded is not None and loaded.packs:
            from batchcompute.cli.packing import upload_packages

            upload_packages(loaded, client, endpoint_of(state))
        job = str(client.create_job(description).Id)
        if detach:
            write_json({"Id": job}) if state.json else write(job)
            return 0
        follows = file is None and values["count"] == 1 and not state.json
        try:
            if not quiet:
                say(f"{job} created")
            status = _watch(client, job, state, quiet, follows)
            if file is None and not follows and not quiet and not state.json:
                say(_output_of(job, description))
            return status
        except (TransportError, LocalServiceError) as error:
            error.add_note(f"`batchcompute job {job}` shows the job when the service is back")
            raise
        except KeyboardInterrupt as interruption:
            # The notes of `wait` name methods of Python.
            text = _fate(client, job)
            if isinstance(interruption, EndingSignal):
                raise EndingSignal(text, interruption.status) from None
            raise KeyboardInterrupt(text) from None


def _description(
    context: click.Context, file: str | None, values: dict[str, Any], state: State
) -> tuple[dict[str, Any], Description | None]:
    """Return the description of the job, and the file that it comes from.

    Raises:
        UsageError: The arguments do not fit together.
        CommandError: The file has problems, which were printed.
    """
    if (file is None) == (values["command_line"] is None):
        raise click.UsageError("give a FILE or --command, and not both")
    loaded: Description | None = None
    if file is None:
        from batchcompute.cli.command_job import description_of, own_bucket

        logs = own_bucket(endpoint_of(state), "logs")
        fields = {name: values[name] for name in _ONLY_FOR_COMMANDS}
        for stream in ("stdout", "stderr"):
            fields[stream] = logs if fields[stream] is None else fields[stream]
        description = description_of(values["command_line"], name=values["name"] or "", **fields)
    else:
        on_command_line = click.core.ParameterSource.COMMANDLINE
        for name in _ONLY_FOR_COMMANDS:
            if context.get_parameter_source(name) == on_command_line:
                option = {"inputs": "--input", "outputs": "--output", "instance_type": "--type"}.get(
                    name, f"--{name}"
                )
                raise click.UsageError(f"{option} is for --command; in a file, each task has its own")
        loaded = _checked_file(file)
        description = loaded.value
        if values["name"]:
            description["Name"] = values["name"]
    if values["priority"] is not None:
        description["Priority"] = values["priority"]
    return description, loaded


def _checked_file(file: str) -> Description:
    from batchcompute.cli.files.description import lines, load, problems_of, unknown_fields

    loaded = load(file)
    problems = problems_of(loaded)
    for text in lines(loaded, unknown_fields(loaded)):
        say(f"batchcompute: warning: {text}")
    if problems:
        for text in lines(loaded, problems):
            say(text)
        raise click.exceptions.Exit(MISTAKE)
    return loaded


def _watch(client: Client, job: str, state: State, quiet: bool, follows: bool) -> int:
    """Wait for the end of a job; return the exit status."""
    failure: JobFailedError | None = None
    try:
        status = _follow(client, job, quiet) if follows else _display(client, job, quiet)
    except JobFailedError as error:
        failure = error
        status = error.jobs[0]
    code = _report(client, failure) if failure else 0
    if state.json:
        instances = [
            {"TaskName": one.task, "InstanceId": one.number, "ExitCode": one.exit_code, "ErrorCode": one.error_code,
             "ErrorMessage": one.message, "Stderr": one.stderr}
            for one in (failure.instances if failure else ())
        ]  # fmt: skip
        write_json({**wire(client.get_job(job)), "FailedInstances": instances, "ExitStatus": code})
    elif not quiet and failure is None:
        say(f"{job} {str(status.State).lower()}")
    return code


def _display(client: Client, job: str, quiet: bool) -> Job:
    """Wait for a job, and show its tasks."""
    # A display takes milliseconds to import, and a short command has none.
    from batchcompute.cli.progress import display

    shown = display(quiet)

    def update(status: Job) -> None:
        shown.update(wire(status), [wire(task) for task in client.iter_tasks(job)])

    try:
        # Without a display, nobody needs the tasks.
        return client.wait(job, on_update=None if quiet else update, interval=1.0)
    finally:
        shown.close()


def _output_of(job: str, description: dict[str, Any]) -> str:
    """Return the sentence that says where the output of several instances of a command is."""
    from batchcompute.cli.command_job import TASK

    task = description["DAG"]["Tasks"][TASK]
    if not {"StdoutRedirectPath", "StderrRedirectPath"}.intersection(task["Parameters"]):
        return "the output of the instances is not stored, because --stdout and --stderr name no directories"
    last = task["InstanceCount"] - 1
    return f"`batchcompute logs {job} {TASK} N` prints the output of an instance, N from 0 to {last}"


def _fate(client: Client, job: str) -> str:
    """Return what becomes of a job after Ctrl-C."""
    host = client._job_host()
    if host.kind in ("embedded", "unknown"):
        return f"the programs of {job} end now, and it goes on after `batchcompute up`"
    return f"{job} {host.after_wait(True)}; `batchcompute stop {job}` stops it"


def _follow(client: Client, job: str, quiet: bool) -> Any:
    """Wait for a job of one command, and print its output while it runs."""
    from batchcompute.cli.command_job import TASK
    from batchcompute.cli.logs import write_output

    messages: Messages | None = None
    status: Job | None = None
    is_waiting = True
    while status is None and is_waiting:
        try:
            status = client.wait(job, timeout=_SECONDS_UNTIL_FOLLOWING, raise_on_failure=False)
        except WaitTimeout:
            current = wire(client.get_job(job))
            is_waiting = current.get("State") == "Waiting"
            if not quiet:
                from batchcompute.cli.progress import Messages

                messages = messages or Messages()
                messages.update(current)
    try:
        if status is None:
            for piece in client.logs(job, TASK, 0, follow=True, interval=0.5):
                write_output(piece)
        else:
            text = client.logs(job, TASK, 0).stdout
            write_output(text)
    except LogsUnavailable:
        # The output is not stored, because the caller wants it so, or the service has no storage.
        pass
    return client.wait(job)


def _report(client: Client, failure: JobFailedError) -> int:
    """Print what failed, with the end of its stderr; return the exit status."""
    job = failure.jobs[0]
    say(f"{job.id} {str(job.state).lower()}{f': {job.message}' if job.message else ''}")
    for instance in failure.instances:
        head = str(instance).splitlines()[0]
        say(f"  {head}")
        for line in instance.stderr.strip().splitlines()[-10:]:
            say(f"  | {line}")
    for note in getattr(failure, "__notes__", ()):
        say(f"  {note}")
    if failure.instances:
        first = failure.instances[0]
        status = client.get_instance(str(job.id), first.task, first.number)
        if status.StdoutRedirectPath or status.StderrRedirectPath:
            say(f"  batchcompute logs {job.id} {first.task} {first.number}")
        else:
            say(
                f"  the output of {first.task} is not stored, because the task names no directories for stdout and stderr"
            )
    codes = (one.exit_code or 0 for one in failure.instances)
    return next((code for code in codes if 0 < code < 256), FAILED)
