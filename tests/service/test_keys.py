"""Names, dates and the rotation of keys, and the expiry of old jobs."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from batchcompute import LOCAL, AuthenticationError, Client, ConfigError
from batchcompute.cli import main
from batchcompute.service import LocalService
from batchcompute.service.clock import SYSTEM_CLOCK, SystemClock
from batchcompute.service.durations import seconds_of
from batchcompute.service.requests import Request
from batchcompute.service.settings import Settings
from batchcompute.service.store.key_uses import KeyUses
from batchcompute.service.store.keys import KeyFile
from tests.service.helpers import finish, until
from tests.service.helpers import job as make_job
from tests.service.test_serve import KEYS, serving

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")


class Clock(SystemClock):
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return SYSTEM_CLOCK.monotonic()

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def keys(directory: Path, *words: str) -> int:
    return main(["keys", "--data-dir", str(directory), "--json", *words])


def test_a_key_is_rotated_without_a_gap(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "d"
    monkeypatch.setenv("BATCHCOMPUTE_DATA_DIR", str(directory))
    with serving(directory, **KEYS) as (url, _):
        assert keys(directory, "add", "--name", "notebook") == 0
        added = json.loads(capsys.readouterr().out)
        with Client(url, "id", "s3cret") as old:
            assert keys(directory, "rotate", "id", "--grace", "1h") == 0
            new = json.loads(capsys.readouterr().out)
            with Client(url, new["AccessKeyId"], new["AccessKeySecret"]) as client:
                job = client.create_job(make_job("true"))
                assert old.get_job(job).Id == job.Id
                with Client(LOCAL, "any", "pair") as joined:
                    assert joined.get_job(job).Id == job.Id
            assert keys(directory, "list") == 0
            rows = json.loads(capsys.readouterr().out)
            assert [row["AccessKeyId"] for row in rows] == [new["AccessKeyId"], "id", added["AccessKeyId"]]
            assert [bool(row["LastUseTime"]) for row in rows] == [True, True, False]
            assert [bool(row["ExpirationTime"]) for row in rows] == [False, True, False]
            assert rows[2]["Name"] == "notebook"
            assert all(row["CreationTime"] for row in rows)
            assert rows[2]["LastUseTime"] is None
            assert main(["keys", "--data-dir", str(directory), "list"]) == 0
            _, _, *ends = (line.split()[-3:] for line in capsys.readouterr().out.splitlines()[:4])
            assert ends[-1][-2:] == ["never", "never"]
            assert keys(directory, "rotate", "id") == 2
            assert "was rotated already" in capsys.readouterr().err
            # The time of grace can be ended at once.
            assert keys(directory, "revoke", "id") == 0
            with pytest.raises(AuthenticationError):
                old.list_jobs()
            assert keys(directory, "rotate", new["AccessKeyId"], "--grace", "0s") == 0
        with Client(url, new["AccessKeyId"], new["AccessKeySecret"]) as client:
            with pytest.raises(AuthenticationError):
                client.list_jobs()


@pytest.mark.parametrize("text", ["7", "d", "-1d", "1.5h", "1y", "1d ", "9999999d", "٣d"])
def test_a_duration_is_a_number_with_a_unit(text: str, tmp_path: Path, capsys: Any) -> None:
    with pytest.raises(ValueError, match=re.escape(repr(text))):
        seconds_of(text)
    assert keys(tmp_path, "rotate", "id", f"--grace={text}") == 2
    assert "--grace must be a whole number with s, m, h, d or w" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="--keep-jobs must be a whole number with s, m, h, d or w"):
        Settings.checked({"keep_jobs": text}, style="command line")


def test_durations() -> None:
    assert [seconds_of(text) for text in ("0s", "90s", "2m", "12h", "30d", "1w")] == [
        0, 90, 120, 43200, 2592000, 604800,
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="not '0d'"):
        Settings.checked({"keep_jobs": "0d"}, style="command line")


def test_a_name_is_short_and_printable(tmp_path: Path, capsys: Any) -> None:
    for name in ("a\nb", "x" * 101):
        assert keys(tmp_path, "add", "--name", name) == 2
        assert "--name must be at most 100 printable characters" in capsys.readouterr().err
    assert not (tmp_path / "credentials.json").exists()


def test_a_rotated_key_ends_by_itself(tmp_path: Path) -> None:
    clock = Clock()
    file = KeyFile(tmp_path / "credentials.json", clock)
    old = file.ensure({})
    new = file.rotate(old.access_key_id, 60)
    assert (new.owner, new.name) == (old.owner, old.name)
    assert file.usable() == [new, *file.read()[1:]]
    clock.now += 61
    assert file.usable() == [new]
    # The last key that ends makes place for a new one.
    file.rotate(new.access_key_id, 0)
    third = file.usable()[0]
    file.revoke(third.access_key_id)
    assert file.usable() == []
    fourth = file.ensure({})
    assert file.usable() == [fourth]


def test_the_file_of_an_earlier_version_is_read_and_reads_the_new_one(tmp_path: Path) -> None:
    file = KeyFile(tmp_path / "credentials.json")
    earlier = {"access_key_id": "a", "access_key_secret": "s", "owner": "o"}
    file.path.write_text(json.dumps({"keys": [earlier]}))
    assert asdict(file.read()[0]) == {**earlier, "name": "", "created": "", "expires": ""}
    file.add("local", "more")
    content = json.loads(file.path.read_text())
    # Earlier versions accept these three names only.
    assert [set(pair) for pair in content["keys"]] == [set(earlier)] * 2
    assert file.read()[1].name == "more"
    for damaged in (
        {"keys": [earlier], "details": []},
        {"keys": [earlier], "details": {"a": {"expires": 5}}},
        {"keys": [earlier], "details": {"a": "x"}},
        {"keys": [{**earlier, "access_key_secret": 5}]},
    ):
        file.path.write_text(json.dumps(damaged))
        try:
            pairs = file.read()
        except ConfigError as error:
            assert "cannot be read" in str(error)
        else:
            assert pairs[0].expires == ""


def test_the_last_use_is_written_once_an_hour(tmp_path: Path) -> None:
    clock = Clock()
    uses = KeyUses(tmp_path / "key-uses.json", clock)
    uses.note("a")
    first = uses.read()["a"]
    clock.now += 5
    uses.note("a")
    uses.note("b")
    assert (uses.read()["a"], set(uses.read())) == (first, {"a", "b"})
    clock.now += 3600
    uses.note("a")
    assert uses.read()["a"] > first
    for content in ("[", "[]", '{"a": 5}'):
        (tmp_path / "key-uses.json").write_text(content)
        assert uses.read() == {}


def test_a_last_use_that_cannot_be_written_fails_no_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pair = KeyFile(tmp_path / "d" / "credentials.json").ensure({})
    with LocalService(tmp_path / "d") as service:
        (tmp_path / "d" / "key-uses.json").mkdir()
        service.add_key("other", "secret")
        with service.client(pair.access_key_id, pair.access_key_secret) as client:
            assert client.get_quotas().StatusCode == 200
    assert "the last use of a key cannot be written" in caplog.text


def test_only_a_right_signature_is_a_use(tmp_path: Path) -> None:
    pair = KeyFile(tmp_path / "d" / "credentials.json").ensure({})
    uses = tmp_path / "d" / "key-uses.json"
    with LocalService(tmp_path / "d") as service:
        for target, scheme in (("/jobs", "acs"), ("/bucket/key", "OSS")):
            header = {"authorization": f"{scheme} {pair.access_key_id}:wrong", "date": "x"}
            assert service.dispatch(Request("GET", target, header)).status >= 400
        assert not uses.exists()
        with service.client(pair.access_key_id, pair.access_key_secret) as client:
            client.get_quotas()
    assert list(json.loads(uses.read_text())) == [pair.access_key_id]


def test_old_jobs_expire_while_the_service_runs(tmp_path: Path) -> None:
    kept = tmp_path / "d" / "kept"
    settings = Settings.checked({"data_dir": tmp_path / "d", "keep_jobs": "1s"})
    with LocalService.from_settings(settings) as service, service.client() as client:
        ended = client.create_job(make_job("exit 1"))
        running = client.create_job(make_job("sleep 60"))
        client.wait(running, until="Running")
        finish(client, ended.Id, "Failed")
        (kept / f"{ended.Id}.t.0").mkdir()
        (kept / f"{running.Id}.t.0").mkdir()
        until(lambda: [job.Id for job in client.iter_jobs()] == [running.Id])
        until(lambda: [path.name for path in kept.iterdir()] == [f"{running.Id}.t.0"])
        assert client.get_job(running).State == "Running"
        # The output of the job belongs to its owner.
        assert service.oss_path(f"oss://bucket/logs/stdout.{ended.Id}.t.0").exists()
