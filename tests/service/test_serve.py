"""`batchcompute serve`: started as a process, spoken to by the SDK, the old SDK's formula, and `LOCAL`."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from batchcompute import (
    LOCAL,
    AsyncClient,
    AuthenticationError,
    Client,
    ClientError,
    ConfigError,
    Credentials,
    ForbiddenError,
    NotFoundError,
    RetryPolicy,
)
from batchcompute.api import calls
from batchcompute.cli import main
from batchcompute.http.signing import sign
from batchcompute.service import LocalService
from batchcompute.service.engines.context import EngineContext
from batchcompute.service.engines.local import LocalEngine
from batchcompute.service.requests import Request
from batchcompute.service.settings import Settings
from batchcompute.service.store.keys import KeyFile
from batchcompute.service.transports.server import check_address
from tests.client.loopback import CERTIFICATE, HERE
from tests.service.helpers import job as make_job
from tests.service.helpers import task, until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")


def serve_command(directory: Path, *options: str) -> list[str]:
    """Return the command line of a server on a free port."""
    command = [sys.executable, "-m", "batchcompute.cli", "serve", "--port", "0", "--data-dir", str(directory)]
    return [*command, *options]


@contextmanager
def serving(
    directory: Path, *options: str, **environment: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start a server on a free port; yield its URL and its process."""
    command = serve_command(directory, *options)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **environment}
    ) as server:
        try:
            assert server.stdout is not None
            for line in server.stdout:
                if " is served at " in line:
                    yield line.split()[-1], server
                    break
            else:
                assert server.stderr is not None
                raise AssertionError(server.stderr.read())
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                raise


KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "s3cret"}


def processes_with(mark: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if mark.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_a_client_runs_a_job_over_http(tmp_path: Path) -> None:
    with serving(tmp_path / "d", **KEYS) as (url, server):
        with Client(url, "id", "s3cret") as client:
            job = client.create_job(make_job({"t": task("echo hello; echo world >&2", InstanceCount=2)}))
            assert client.wait(job).State == "Finished"
            assert client.logs(job, "t").stdout == "hello\n"
            assert client.logs(job, "t", tail=3).stderr == "ld\n"
            with pytest.raises(NotFoundError):
                client.get_job("job-0")
        with Client(url, "id", "wrong") as wrong, pytest.raises(AuthenticationError):
            wrong.list_jobs()
        with Client(url, "other", "s3cret") as unknown, pytest.raises(AuthenticationError):
            unknown.list_jobs()
    assert server.returncode == 0
    file = tmp_path / "d" / "credentials.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not (tmp_path / "d" / "server.json").exists()


def test_no_process_survives_the_end_of_the_server(tmp_path: Path) -> None:
    mark = f"86{os.getpid()}"
    with serving(tmp_path / "d", **KEYS) as (url, _):
        with Client(url, "id", "s3cret") as client:
            client.wait(client.create_job(make_job(f"setsid sleep {mark} & sleep {mark}")), until="Running")
            until(lambda: len(processes_with(mark)) >= 2)
    assert processes_with(mark) == []


def test_detached_jobs_go_on_and_the_next_server_adopts_them(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    command = f"echo before; while [ ! -e {gate} ]; do sleep 0.02; done; echo after"
    with serving(tmp_path / "d", "--detach-jobs", **KEYS) as (url, _):
        with Client(url, "id", "s3cret") as client:
            job = client.create_job(make_job(command))
            client.wait(job, until="Running")
            until(lambda: client.logs(job, "t").stdout)
    assert processes_with(str(gate))
    with serving(tmp_path / "d") as (url, _):
        with Client(url, "id", "s3cret") as client:
            assert client.get_job(job).State == "Running"
            gate.touch()
            assert client.wait(job).State == "Finished"
            assert client.logs(job, "t").stdout == "before\nafter\n"
            assert client.get_instance(job, "t", 0).RetryCount == 0


def test_owners_do_not_see_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    directory = tmp_path / "d"
    with serving(directory, **KEYS) as (url, _):
        assert main(["keys", "--data-dir", str(directory), "add", "--owner", "alice"]) == 0
        key_id, secret = (line.split()[-1] for line in capsys.readouterr().out.splitlines())
        with Client(url, "id", "s3cret") as first, Client(url, key_id, secret) as alice:
            job = first.create_job(make_job("true"))
            assert list(alice.iter_jobs()) == []
            with pytest.raises(NotFoundError):
                alice.get_job(job)
            # The bucket belongs to the owner that wrote to it first.
            with pytest.raises(ForbiddenError, match="belongs to another owner"):
                alice.create_job(make_job("true"))
            assert main(["buckets", "--data-dir", str(directory), "grant", "bucket", "--to", "alice"]) == 0
            with pytest.raises(ForbiddenError):
                alice.create_job(make_job("true"))
            grant = ["grant", "bucket", "--to", "alice", "--write"]
            assert main(["buckets", "--data-dir", str(directory), *grant]) == 0
            own = alice.create_job(make_job("true"))
            assert [found.Id for found in alice.iter_jobs()] == [own.Id]
            assert main(["keys", "--data-dir", str(directory), "revoke", key_id]) == 0
            with pytest.raises(AuthenticationError):
                alice.list_jobs()
    assert main(["keys", "--data-dir", str(directory), "list"]) == 0
    headings, row = capsys.readouterr().out.splitlines()
    assert headings.split() == ["ID", "OWNER", "NAME", "CREATED", "LAST", "USED", "EXPIRES"]
    assert row.split()[:3] == ["id", "local", "-"]
    assert main(["keys", "--data-dir", str(directory), "revoke", "nobody"]) == 2


def test_local_sends_its_requests_to_a_running_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BATCHCOMPUTE_DATA_DIR", str(tmp_path / "d"))
    with serving(tmp_path / "d") as (url, _):
        # Any key pair works: a process that can read the key of the directory may use it.
        with Client(LOCAL, "any", "pair") as here:
            job = here.create_job(make_job("echo joined"))
            assert here.wait(job).State == "Finished"
            assert here.logs(job, "t").stdout == "joined\n"
            pair = KeyFile(tmp_path / "d" / "credentials.json").read()[0]
            with Client(url, pair.access_key_id, pair.access_key_secret) as there:
                assert there.get_job(job).State == "Finished"

            async def main() -> None:
                async with AsyncClient(LOCAL, "any", "pair") as client:
                    assert (await client.get_job(job)).State == "Finished"

            asyncio.run(main())
            kept = here
            assert kept.get_job(job).Id == job.Id
    # The server has ended, so this process opens the directory itself.
    with Client(LOCAL, "any", "pair") as here:
        assert here.get_job(job).State == "Finished"


def test_a_body_above_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_checked", lambda description, cls: cls(description))
    with serving(tmp_path / "d", **KEYS) as (url, _), Client(url, "id", "s3cret") as client:
        for size in (257 * 1024, 3 * 1024 * 1024):
            with pytest.raises(ClientError) as caught:
                client.create_cluster(
                    {
                        "Name": "c",
                        "ImageId": "i",
                        "Groups": {"g": {"DesiredVMCount": 1}},
                        "UserData": {"a": "x" * size},
                    }
                )
            assert caught.value.code == "InvalidHttpBody"


def test_a_server_with_a_certificate_serves_tls(tmp_path: Path) -> None:
    options = ("--tls-cert", CERTIFICATE, "--tls-key", str(HERE / "server.pem"))
    with serving(tmp_path / "d", *options, **KEYS) as (url, _):
        assert url.startswith("https://")
        with Client(url, "id", "s3cret", verify=CERTIFICATE) as client:
            assert client.get_quotas().StatusCode == 200


def test_a_file_sets_options_and_mistakes_in_it_are_refused(tmp_path: Path) -> None:
    config = tmp_path / "serve.toml"
    config.write_text('[serve]\nslots = 1\nlog-level = "WARNING"\n')
    with (
        serving(tmp_path / "d", "--config", str(config), **KEYS) as (url, _),
        Client(url, "id", "s3cret") as client,
    ):
        assert client.get_quotas().StatusCode == 200
    for text, said in (
        ("[serve]\nslot = 1", "no key 'slot'; the nearest is 'slots'"),
        ('[serve]\nslots = "1"', "slots in .* must be an integer"),
        ("x", "cannot be read"),
    ):
        config.write_text(text)
        with pytest.raises(AssertionError, match=said):
            with serving(tmp_path / "d", "--config", str(config)):
                pass


def test_other_addresses_need_tls_or_insecure() -> None:
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        check_address(host, tls=False, allowed=False)
    for host in ("0.0.0.0", "::", "10.0.0.1", "example.com"):
        with pytest.raises(ConfigError, match="--insecure"):
            check_address(host, tls=False, allowed=False)
        check_address(host, tls=True, allowed=False)
        check_address(host, tls=False, allowed=True)


def test_print_credentials_prints_the_first_key_pair(tmp_path: Path) -> None:
    command = serve_command(tmp_path / "d", "--print-credentials")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        lines = [server.stdout.readline() for _ in range(3)]
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0
    pair = json.loads((tmp_path / "d" / "credentials.json").read_text())["keys"][0]
    assert pair["access_key_id"] in lines[0]
    assert lines[1] == f"access key secret {pair['access_key_secret']}\n"


def test_a_damaged_key_file_is_an_error_without_its_secrets(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "credentials.json")
    assert file.read() == []
    pair = file.ensure({})
    assert file.ensure(dict(KEYS)) == pair
    for text in ("{", "[]", '{"keys": [{"secret": "hidden"}]}'):
        file.path.write_text(text)
        with pytest.raises(ConfigError, match="cannot be read") as caught:
            file.read()
        assert "hidden" not in str(caught.value)
    assert pair.access_key_secret not in repr(pair)


def run(*arguments: str) -> Any:
    return subprocess.run(
        [sys.executable, "-m", "batchcompute.cli", *arguments], capture_output=True, text=True, check=False
    )


def test_errors_of_the_command_line_have_no_traceback(tmp_path: Path) -> None:
    assert run("--version").stdout.startswith("batchcompute ")
    for arguments, said in (
        (("serve", "--host", "0.0.0.0"), "--insecure"),
        (
            ("serve", "--slots", "0", "--data-dir", str(tmp_path)),
            "--slots must be an integer from 1 to 1000000, not 0",
        ),
        (("serve", "--log-level", "LOUD"), "--log-level must be"),
    ):
        done = run(*arguments)
        assert done.returncode == 2
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_synchronous_creates_delay_neither_other_requests_nor_the_end(tmp_path: Path) -> None:
    with serving(tmp_path / "d", **KEYS) as (url, server):
        policy = RetryPolicy(attempts=1)
        with Client(url, "id", "s3cret", retry=policy, timeout=60) as client:
            app = {"Name": "slow", "CommandLine": "sleep 60", "VM": {"ECSImageId": "img-ubuntu"}}
            client.create_app(app)
            job = {"Name": "run", "Type": "App", "App": {"AppName": "slow", "Inputs": {}}}
            refused: list[BaseException] = []

            def wait() -> None:
                try:
                    client.create_job(job, sync=True)
                except ClientError as error:
                    refused.append(error)

            threads = [threading.Thread(target=wait) for _ in range(40)]
            for thread in threads:
                thread.start()
            until(lambda: len(list(client.iter_jobs())) == 40)
            begun = time.monotonic()
            with LocalService(tmp_path / "other") as other, other.client() as local:
                assert local.get_quotas()
            client.get_quotas()
            server.send_signal(signal.SIGTERM)
            server.wait(20)
            for thread in threads:
                thread.join(20)
            assert time.monotonic() - begun < 9, "the end waits for no synchronous create"
            assert len(refused) == 40
            assert all("goes on when the service is back" in str(error) for error in refused)


def test_refuse_replays_refuses_a_nonce_that_was_seen(tmp_path: Path) -> None:
    def request(nonce: str) -> Request:
        headers = sign(
            "GET", "/quotas", b"", credentials=Credentials("id", "secret"), region="local", now=datetime.now(UTC),
            nonce=nonce, user_agent="test",
        )  # fmt: skip
        return Request("GET", "/quotas", {name.lower(): value for name, value in headers.items()})

    with LocalService(tmp_path / "a", refuse_replays=True) as service:
        service.add_key("id", "secret")
        first = request("one")
        assert service.dispatch(first).status == 200
        again = service.dispatch(first)
        assert (again.status, json.loads(again.body)["Code"]) == (400, "SignatureNonceUsed")
        assert service.dispatch(request("two")).status == 200
    with LocalService(tmp_path / "b") as service:
        service.add_key("id", "secret")
        assert [service.dispatch(first).status for _ in range(2)] == [200, 200]


def test_engines_know_the_address_of_the_server_from_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Attempts that an earlier service left on other machines need it before the server answers."""
    addresses: list[str] = []

    def create(context: EngineContext) -> LocalEngine:
        addresses.append(context.endpoint())
        return real(context)

    real = LocalEngine.create
    monkeypatch.setattr(LocalEngine, "create", create)
    url = "http://127.0.0.1:4321"
    settings = Settings.checked({"data_dir": tmp_path / "d"})
    with LocalService.from_settings(settings, url) as service:
        assert service.address == url
    assert addresses == [url]
