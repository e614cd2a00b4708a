"""The frame of the command line: options, messages, statuses, and what each command imports."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import click
import pytest

from batchcompute.cli import _command_of, main
from batchcompute.cli.app import COMMANDS, batchcompute
from batchcompute.cli.framework import Group


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "batchcompute.cli", *words],
        capture_output=True, text=True, check=False, env={**os.environ, **environment},
    )  # fmt: skip


def leaves(
    command: click.Command, words: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], click.Command]]:
    """Return all commands with their names, those of groups included."""
    if not isinstance(command, Group):
        return [(words, command)]
    context = click.Context(command)
    found = []
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        found += leaves(inner, (*words, name))
    return found


@pytest.mark.parametrize(
    ("words", "command"),
    leaves(batchcompute),
    ids=lambda part: " ".join(part) if isinstance(part, tuple) else "",
)
def test_every_command_has_a_help(
    words: tuple[str, ...], command: click.Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--help"]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"Usage: batchcompute {' '.join(words)}")
    assert "--debug" in said
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, (words, parameter.name)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_of_the_table_shows_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "-h"]) == 0
    assert f"Examples:\n  batchcompute {name}" in capsys.readouterr().out


@pytest.mark.parametrize("words", [("-h",), (), ("--version",), ("keys", "-h")])
def test_the_help_imports_neither_client_nor_service_nor_rich(words: tuple[str, ...]) -> None:
    program = (
        f"import sys; from batchcompute.cli import main; main({words!r})\n"
        "print('imported', *[name for name in ('pydantic', 'httpx', 'rich', 'yaml', 'sqlite3') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    imported = set(done.stdout.splitlines()[-1].split()[1:])
    assert imported <= ({"pydantic"} if words[:1] == ("keys",) else set())


def test_a_connection_that_breaks_is_no_closed_pipe(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The error of the SDK is a BrokenPipeError, too, as that of a reader of stdout that has ended."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = threading.Event()

        def close_all() -> None:
            while not closed.is_set():
                connection, _ = listener.accept()
                connection.close()

        thread = threading.Thread(target=close_all)
        thread.start()
        port = listener.getsockname()[1]
        monkeypatch.setenv("BATCHCOMPUTE_ENDPOINT", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "id")
        monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
        assert main(["jobs"]) == 5
        closed.set()
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join()
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("batchcompute: ")


def test_a_run_of_a_command_imports_only_what_it_uses(tmp_path: Path) -> None:
    """Models of clusters, apps and quotas, and packages for other uses of a dependency, would make it slower."""
    absent = (
        "batchcompute.resources.app", "batchcompute.resources.cluster", "batchcompute.resources.quota",
        "batchcompute.api.resource_responses", "httpx._main", "tornado", "asyncio", "starlette", "rich", "yaml",
    )  # fmt: skip
    program = (
        "import sys; from batchcompute.cli import main; status = main(['run', '-c', 'true'])\n"
        f"print('imported', *[name for name in {absent} if name in sys.modules]); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "BATCHCOMPUTE_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "imported"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["srve"], "batchcompute: there is no command 'srve'; the nearest is serve (see batchcompute --help)\n"),
        (["trim", "--older"], "batchcompute trim: there is no argument --older (see batchcompute trim --help)\n"),
        (["--jsn"], "batchcompute: there is no argument --jsn; the nearest is --json (see batchcompute --help)\n"),
        (["keys", "ad"], "batchcompute keys: there is no command 'ad'; the nearest is add (see batchcompute keys --help)\n"),
        (["keys", "revoke", "a", "b\x1b[2J"], "batchcompute keys revoke: there is no argument b\\x1b[2J (see batchcompute keys revoke --help)\n"),
        (["trim", "--days", "x"], "batchcompute trim: invalid value for '--days': 'x' is not a valid float (see batchcompute trim --help)\n"),
        (["buckets", "grant", "b"], "batchcompute buckets grant: one of the arguments --to OWNER and --all is required, and not both (see batchcompute buckets grant --help)\n"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_arguments_is_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert capsys.readouterr().err == message


def test_global_options_stand_before_or_after_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = ["--data-dir", str(tmp_path)]
    assert main(["keys", "add", "--owner", "local", *directory, "--json"]) == 0
    pair = json.loads(capsys.readouterr().out)
    for words in (
        [*directory, "--json", "keys", "list"],
        ["--json", "keys", *directory, "list"],
        ["keys", "list", "--json", *directory],
    ):
        assert main(words) == 0
        listed = json.loads(capsys.readouterr().out)
        assert [one["AccessKeyId"] for one in listed] == [pair["AccessKeyId"]]


def test_the_command_is_found_behind_global_options() -> None:
    assert _command_of(["--data-dir", "serve", "--json", "keys", "serve"]) == "keys"
    assert _command_of(["--endpoint=x", "serve"]) == "serve"
    assert _command_of(["--debug"]) == ""


def test_without_click_a_message_says_how_to_install_it() -> None:
    program = "import importlib.util as u, sys; u.find_spec = lambda name: None; from batchcompute.cli import main; sys.exit(main(['jobs']))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "batchcompute: the command line needs click, of the extra cli: pip install "
    )
    assert done.stderr.count("\n") == 1


def test_a_defect_is_one_line_and_debug_shows_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> None:
        raise LookupError("\x1b[31mred")

    monkeypatch.setattr("batchcompute.cli.keys._file", broken)
    assert main(["keys", "list"]) == 70
    said = capsys.readouterr().err
    assert said.startswith(
        "batchcompute: this is a defect of the program: LookupError: \\x1b[31mred (--debug"
    )
    assert said.count("\n") == 1
    assert main(["--debug", "keys", "list"]) == 70
    assert "Traceback" in capsys.readouterr().err


def test_a_reader_that_ends_early_is_no_error(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "batchcompute.cli", "--help"],
        stdout=write, stderr=subprocess.PIPE, text=True, check=False,
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_the_scripts_of_completion_are_those_of_the_shells(capsys: pytest.CaptureFixture[str]) -> None:
    for shell, word in (("bash", "complete -o"), ("zsh", "compdef"), ("fish", "complete --no-files")):
        assert main(["completion", shell]) == 0
        said = capsys.readouterr().out
        assert word in said
        assert "_BATCHCOMPUTE_COMPLETE" in said
    words = {
        "_BATCHCOMPUTE_COMPLETE": "bash_complete",
        "COMP_WORDS": "batchcompute --json val",
        "COMP_CWORD": "2",
    }
    assert run(**words).stdout == "plain,validate\n"
    words = {**words, "COMP_WORDS": "batchcompute job job-", "COMP_CWORD": "2"}
    assert run(**words).stdout.strip() == "", "no service is started for a completion"


def test_closed_standard_streams_are_no_error() -> None:
    command = f"{sys.executable} -m batchcompute.cli schema short >&- 2>&-"
    assert subprocess.run(["bash", "-c", command], check=False).returncode == 0


def test_a_full_disk_is_one_line() -> None:
    command = f"{sys.executable} -m batchcompute.cli schema > /dev/full"
    done = subprocess.run(["bash", "-c", command], stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "batchcompute: No space left on device\n")


def test_a_service_elsewhere_needs_a_key_pair(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["--endpoint", "http://127.0.0.1:1", "jobs"]) == 2
    assert capsys.readouterr().err == (
        "batchcompute: http://127.0.0.1:1 needs a key pair: ALIBABA_CLOUD_ACCESS_KEY_ID and "
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET are not set\n"
    )
    assert main(["--endpoint", "http://x", "--data-dir", "/x", "jobs"]) == 2
    assert "--data-dir is for the service of this machine" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("setting", "value", "text"),
    [
        ("--endpoint", "nowhere", "must be a region, a URL like http://127.0.0.1:8790, or local, not 'nowhere'"),
        ("--endpoint", "http://", "'http://' is not a URL like http://127.0.0.1:8790"),
        ("--endpoint", "ftp://host", "'ftp://host' is not a URL like http://127.0.0.1:8790"),
        ("BATCHCOMPUTE_REGION", "nowhere", "must be a region, a URL like http://127.0.0.1:8790, or local, not 'nowhere'"),
        ("BATCHCOMPUTE_ENDPOINT", "http://id:word@host/a", "for host 'host' must contain only scheme, host and port"),
    ],
)  # fmt: skip
def test_a_wrong_endpoint_names_its_option_or_variable(
    setting: str,
    value: str,
    text: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if setting == "--endpoint":
        assert main([setting, value, "jobs"]) == 2
    else:
        monkeypatch.setenv(setting, value)
        assert main(["jobs"]) == 2
    assert capsys.readouterr().err == f"batchcompute: {setting} {text}\n"


def test_tables_fit_the_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from batchcompute.cli import output

    monkeypatch.setattr(output, "is_terminal", lambda _: True)
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.delenv("NO_COLOR", raising=False)
    rows = [("a", "Failed", "x" * 30), ("\u4e2d", "Finished", "\u4e2d" * 30), ("b", "odd", "")]
    output.write_table(("ID", "STATE", "NAME"), rows, 1)
    assert capsys.readouterr().out.splitlines() == [
        "ID  STATE     NAME",
        "a   \x1b[31mFailed\x1b[0m    xxxxx…",
        "\u4e2d  \x1b[32mFinished\x1b[0m  \u4e2d\u4e2d…",
        "b   odd",
    ]
    monkeypatch.setenv("NO_COLOR", "1")
    output.write_table(("ID", "STATE", "NAME"), rows, 1)
    assert "\x1b" not in capsys.readouterr().out
