"""The pages and the log for operators: a served process, and real HTTP."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from batchcompute import AuthenticationError, Client, ConfigError, NotFoundError
from batchcompute.service import LocalService
from batchcompute.service.event_log import EventLog
from batchcompute.service.events import AttemptEnded, JobCreated, JobEnded, RequestAnswered
from batchcompute.service.log_format import JsonFormatter, TextFormatter
from batchcompute.service.log_limit import LogLimit
from batchcompute.service.numbers import check_readiness
from batchcompute.service.transports.addresses import reachable_addresses
from batchcompute.service.transports.operating import read_token
from batchcompute.service.transports.server import listen
from tests.service.helpers import finish, until
from tests.service.helpers import job as make_job
from tests.service.test_serve import KEYS, serve_command

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")

TOKEN = "a-token-of-24-characters"


@contextmanager
def serving(directory: Path, log: Path, *options: str) -> Iterator[str]:
    """Start a server on a free port, with its log in a file; yield its URL."""
    with log.open("wb") as stderr:
        server = subprocess.Popen(
            serve_command(directory, *options),
            stdout=subprocess.PIPE, stderr=stderr, text=True, env={**os.environ, **KEYS},
        )  # fmt: skip
    try:
        assert server.stdout is not None
        url = ""
        for line in server.stdout:
            if " is served at " in line:
                url = line.split()[-1]
                break
        assert url, log
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
        assert server.stdout is not None
        server.stdout.close()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Serve jobs and mistakes; return the pages that were read meanwhile, and the records of the log."""
    directory = tmp_path_factory.mktemp("operating")
    token = directory / "token"
    token.write_text(f"{TOKEN}\n")
    pages: dict[str, Any] = {}
    options = ("--log-format", "json", "--log-level", "DEBUG", "--slots", "2", "--metrics-auth", str(token))
    with serving(directory / "d", directory / "log", *options) as url:
        with Client(url, "id", "s3cret") as client:
            hostile = client.create_job(make_job("true", Name="with_a_name"))
            assert client.wait(hostile).State == "Finished"
            failed = client.create_job(make_job("exit 3"))
            finish(client, failed.Id, "Failed")
            stopped = client.create_job(make_job("sleep 60"))
            client.wait(stopped, until="Running")
            pages["busy"] = httpx.get(f"{url}/metrics")
            client.stop_job(stopped)
            client.delete_job(hostile)
            with pytest.raises(NotFoundError):
                client.get_job("job-0")
        with Client(url, "id", "wr0ng-secret") as wrong, pytest.raises(AuthenticationError):
            wrong.list_jobs()
        httpx.get(f"{url}/no-such-bucket/key?Signature=s1gnature")
        for name in ("healthz", "readyz", "metrics", "openapi.json"):
            pages[name] = httpx.get(f"{url}/{name}")
        for name, headers in (
            ("behind a proxy", {"X-Forwarded-For": "192.0.2.1"}),
            ("of another host", {"Host": "batch.example.com"}),
            ("with a wrong token", {"X-Forwarded-For": "192.0.2.1", "Authorization": f"Bearer {TOKEN}x"}),
            ("with the token", {"X-Forwarded-For": "192.0.2.1", "Authorization": f"Bearer {TOKEN}"}),
        ):
            pages[name] = httpx.get(f"{url}/metrics", headers=headers)
        pages["openapi of another host"] = httpx.get(
            f"{url}/openapi.json", headers={"Host": "batch.example.com:8443"}
        )
        pages["openapi of a hostile host"] = httpx.get(f"{url}/openapi.json", headers={"Host": 'x"y'})
        pages["url"] = url
    text = (directory / "log").read_text()
    for secret in ("s3cret", "wr0ng-secret", "s1gnature", TOKEN):
        assert secret not in text
    return pages, [json.loads(line) for line in text.splitlines()]


def of(records: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
    return [record for record in records if record.get("event") == event]


def test_health_and_readiness_need_no_key(run: Any) -> None:
    pages, _ = run
    assert (pages["healthz"].status_code, pages["healthz"].json()["status"]) == (200, "ok")
    assert (pages["readyz"].status_code, pages["readyz"].json()) == (200, {"status": "ready"})


def test_metrics_count_jobs_and_requests(run: Any) -> None:
    pages, _ = run
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(pages["metrics"].text)
        for sample in family.samples
    }
    assert samples["batchcompute_jobs_created_total",] == 3
    assert samples["batchcompute_jobs_ended_total", "Finished"] == 1
    assert samples["batchcompute_jobs_ended_total", "Failed"] == 1
    assert samples["batchcompute_jobs_ended_total", "Stopped"] == 1
    assert samples["batchcompute_jobs", "Failed"] == 1
    assert samples["batchcompute_jobs", "Finished"] == 0
    assert samples["batchcompute_job_seconds_count",] == 3
    assert samples["batchcompute_requests_total", "201", "stop_job"] == 1
    assert samples["batchcompute_requests_total", "201", "create_job"] == 3
    assert samples["batchcompute_requests_total", "404", "get_job"] == 1
    assert samples["batchcompute_requests_total", "400", "none"] >= 1
    assert samples["batchcompute_requests_total", "403", "objects"] == 1
    assert samples["batchcompute_slots",] == 2
    assert samples["batchcompute_engine_healthy",] == 1
    assert samples["batchcompute_database_bytes",] > 4096
    assert 0 < samples["batchcompute_disk_free_bytes",] < samples["batchcompute_disk_bytes",]
    assert "batchcompute_instances_running 1.0" in pages["busy"].text
    assert samples["batchcompute_instances_submitted",] == 0
    assert "with_a_name" not in pages["metrics"].text


def test_metrics_are_for_this_machine_or_with_the_token(run: Any) -> None:
    pages, _ = run
    assert pages["with the token"].status_code == 200
    for name in ("behind a proxy", "of another host", "with a wrong token"):
        assert pages[name].status_code == 403, name
        assert "--metrics-auth" in pages[name].json()["Message"]


def test_the_log_tells_the_life_of_each_job(run: Any) -> None:
    _, records = run
    created = of(records, "job created")
    assert [(row["owner"], row["name"], row["tasks"], row["instances"]) for row in created] == [
        ("local", "with_a_name", 1, 1),
        ("local", "test", 1, 1),
        ("local", "test", 1, 1),
    ]
    assert [row["job"] for row in of(records, "job started")] == [row["job"] for row in created]
    ended = of(records, "job ended")
    assert [row["state"] for row in ended] == ["Finished", "Failed", "Stopped"]
    assert "exit code 3" in ended[1]["reason"]
    assert all(0 <= row["seconds"] < 60 for row in ended)
    assert [row["job"] for row in of(records, "job deleted")] == [created[0]["job"]]
    assert {row["level"] for row in created + ended} == {"INFO"}


def test_the_log_has_refused_requests_at_info_and_others_at_debug(run: Any) -> None:
    _, records = run
    refused = of(records, "request refused")
    assert {row["level"] for row in refused} == {"INFO"}
    assert ("get_job", 404, "local") in [
        (row.get("operation"), row["status"], row.get("owner")) for row in refused
    ]
    assert "SignatureDoesNotMatch" in [row.get("code") for row in refused]
    assert ("objects", 403) in [(row.get("operation"), row["status"]) for row in refused]
    answered = of(records, "request answered")
    assert {row["level"] for row in answered} == {"DEBUG"}
    assert {"create_job", "get_job", "stop_job"} <= {row["operation"] for row in answered}


def test_the_openapi_document_names_the_address_of_the_request(run: Any) -> None:
    pages, _ = run
    assert pages["openapi.json"].json()["servers"] == [{"url": pages["url"]}]
    assert pages["openapi of another host"].json()["servers"] == [{"url": "http://batch.example.com:8443"}]
    hostile = pages["openapi of a hostile host"]
    assert hostile.status_code == 400 or hostile.json()["servers"] == [{"url": pages["url"]}]


def test_a_service_that_ends_or_has_no_room_is_not_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalService(tmp_path / "d") as service:
        assert service.readiness().ok
        with monkeypatch.context() as patch:
            patch.setattr("batchcompute.service.numbers._LEAST_FREE", 2**62)
            assert service.readiness().problems == {"disk": "the disk of the data directory is full"}
        gone = check_readiness(service._parts.store, tmp_path / "gone", service.health(), False)
        assert gone.problems == {"disk": "the data directory cannot be read"}
        service.end_waits()
        assert service.readiness().content() == {"status": "not ready", "end": "the service is about to end"}


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), (b"short\n", "16 to 1000"), (b"\xff" * 20, "not ASCII"), (b"a b" * 20, "16 to")],
)
def test_a_file_without_a_token_is_refused(content: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"^--metrics-auth {re.escape(str(path))} .*{said}") as caught:
        read_token(path, "--metrics-auth")
    assert "short" not in str(caught.value)


def formatted(formatter: logging.Formatter, *events: Any) -> str:
    """Return the text that events write to a log."""
    logger = logging.getLogger("batchcompute.service.events")
    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Handler()
    handler.setFormatter(formatter)
    handler.addFilter(LogLimit())
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        for event in events:
            EventLog().receive(event)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    return "\n".join(lines)


HOSTILE = 'x" \n2026-11-26 INFO forged \x1b[2J \u202e \ud800'


@pytest.mark.parametrize(
    ("state", "field"),
    [("Finished", "exit_code=0"), ("Failed", "exit_code=0"), ("Lost", ""), ("Stopped", "")],
)
def test_the_line_of_an_attempt_without_an_exit_code_has_none(state: str, field: str) -> None:
    text = formatted(TextFormatter(), AttemptEnded("job-1", "t", 0, 1, state, 0, "", 1.0, 2.5))
    assert "attempt ended" in text
    assert ("exit_code" in text, field in text) == (bool(field), True)


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()], ids=["text", "json"])
def test_hostile_names_stay_on_their_line(formatter: logging.Formatter) -> None:
    text = formatted(
        formatter,
        JobCreated("job-1", HOSTILE, HOSTILE * 100, 1, 1),
        AttemptEnded("job-1", HOSTILE, 0, 1, "Failed", 3, "ProgramError", 1.0, 2.5),
        JobEnded("job-1", "o", "Failed", HOSTILE, None),
        RequestAnswered("", HOSTILE, HOSTILE, 400, HOSTILE, "", "", 0.0),
    )
    assert len(text.splitlines()) == 4
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert len(text) < 5000
    text.encode("ascii")


def test_a_message_with_lines_cannot_forge_a_record() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 1, "a\n2026 INFO forged\x1b", (), None)
    first, second = TextFormatter().format(record).splitlines()
    assert first.endswith("x: a")
    assert second == "    2026 INFO forged\\x1b"


def test_job_events_are_never_left_out_and_repeated_refusals_are_counted() -> None:
    created = formatted(TextFormatter(), *[JobCreated(f"job-{n}", "o", "n", 1, 1) for n in range(50)])
    assert len(created.splitlines()) == 50
    refusals = [RequestAnswered("get_job", "GET", "/", 404, "Code", "o", "", 0.0) for _ in range(50)]
    other = RequestAnswered("get_job", "GET", "/", 404, "Other", "o", "", 0.0)
    assert len(formatted(TextFormatter(), *refusals, other).splitlines()) == 11


def test_a_transaction_that_fails_reports_nothing(tmp_path: Path) -> None:
    with LocalService(tmp_path / "d") as service, service.client() as client:
        job = client.create_job(make_job("true"))
        until(lambda: service.counts.jobs_ended["Finished"] == 1)
        seen: list[object] = []

        class Sink:
            def receive(self, event: object) -> None:
                seen.append(event)

        store = service._parts.store
        store.events.add(Sink())
        with pytest.raises(ZeroDivisionError), store.write() as transaction:
            row = transaction.jobs.find(job.Id, "local")
            assert row is not None
            transaction.jobs.delete(row.seq)
            raise ZeroDivisionError
        assert seen == []
        client.delete_job(job)
        assert [type(event).__name__ for event in seen] == ["JobDeleted", "RequestAnswered"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "127.0.0.1"])
def test_a_server_on_all_addresses_names_those_that_reach_it(host: str) -> None:
    try:
        with listen(host, 0, insecure=True) as address:
            assert (address.others == ()) == (host == "127.0.0.1") or not reachable_addresses(address.socket)
            port = address.socket.getsockname()[1]
            for url in (address.url, *address.others):
                parsed = httpx.URL(url)
                assert parsed.port == port
                with socket.create_connection((parsed.host, port), timeout=5):
                    pass
    except ConfigError as error:
        assert host == "::", error
        pytest.skip("no IPv6")


def test_the_printed_addresses_answer_and_a_full_disk_for_the_log_loses_no_job(tmp_path: Path) -> None:
    command = serve_command(tmp_path / "d", "--host", "0.0.0.0", "--insecure")
    with (
        Path("/dev/full").open("w") as full,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=full, text=True, env={**os.environ, **KEYS}
        ) as server,
    ):
        assert server.stdout is not None
        for line in server.stdout:
            if " is served at " in line:
                break
        urls = [line.split()[-1]]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(("192.0.2.1", 9))
            except OSError:
                own = ""
            else:
                own = probe.getsockname()[0]
        if own:
            text, _, more = server.stdout.readline().strip().partition(" at ")
            assert text == "other machines reach it"
            assert own in more
            urls += more.split(", ")
        for url in urls:
            document = httpx.get(f"{url}/openapi.json", trust_env=False).json()
            assert document["servers"] == [{"url": url}]
        with Client(url, "id", "s3cret") as client:
            assert client.wait(client.create_job(make_job("true"))).State == "Finished"
        if own:
            assert httpx.get(f"{urls[1]}/metrics", trust_env=False).status_code == 403
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
