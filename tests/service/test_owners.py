"""Owners are isolated by permissions of files, owners of buckets, sandboxes and Unix users."""

from __future__ import annotations

import io
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import pytest

from batchcompute import Client, ClientError, ConfigError, ForbiddenError
from batchcompute.cli import main
from batchcompute.runner import sandbox
from batchcompute.service import LocalService, data_directory
from batchcompute.service.isolation import Isolation, accounts_of
from batchcompute.service.store.keys import KeyFile
from tests.service.helpers import finish, job, task, until
from tests.service.test_serve import KEYS, serving

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux")
BOXES = pytest.mark.skipif(not sandbox.probe().processes, reason=sandbox.probe().reason or "no namespaces")
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start programs of other users")


def modes(folder: Path) -> dict[str, str]:
    """Return the paths that other users can access, without files that are removed meanwhile."""
    found: dict[str, str] = {}
    for at, folders, files in os.walk(folder):
        for path in (Path(at), *(Path(at, name) for name in (*folders, *files))):
            with suppress(FileNotFoundError):
                mode = path.lstat().st_mode
                if mode & (stat.S_IRWXG | stat.S_IRWXO) and not stat.S_ISLNK(mode):
                    found[str(path.relative_to(folder))] = stat.filemode(mode)
    return found


def test_other_users_cannot_read_a_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(data_directory._log, "warning", lambda text, *values: told.append(text % values))
    before = os.umask(0)
    try:
        directory = tmp_path / "d"
        with LocalService(directory, slots=1) as service, service.client() as client:
            made = task(
                "echo x > /out/x; chmod 777 /out/x; echo y", OutputMapping={"/out/": "oss://bucket/out/"}
            )
            job_id = client.create_job(job({"t": made})).Id
            client.wait(job_id, raise_on_failure=False)
            service.objects.write("oss://bucket/put", [b"x"])
            KeyFile(directory / "credentials.json").add("local")
            assert modes(directory) == {}
        # An older directory, and one with permissions for others.
        for path in [directory, *directory.rglob("*")]:
            path.chmod(0o777)
        (directory / "batchcompute.db").chmod(0o666)
        with LocalService(directory) as service:
            assert not modes(directory).keys() & {
                ".",
                "batchcompute.db",
                "credentials.json",
                "oss",
                "identity",
            }
        assert "could be read by others" in told[-1]
    finally:
        os.umask(before)


def test_permissions_of_objects_of_an_earlier_version_are_restricted_once(tmp_path: Path) -> None:
    old = tmp_path / "d" / "oss" / "bucket" / "folder"
    old.mkdir(parents=True)
    (old / "object").write_text("x")
    (old / ".object.0123456789ab.part").write_text("cut short by a kill")
    for path in (tmp_path / "d").rglob("*"):
        path.chmod(0o755)
    with LocalService(tmp_path / "d") as service:
        assert modes(tmp_path / "d") == {}
        assert [key for key, _ in service.objects.page("bucket", "", "", "", 10).items] == ["folder/object"]


# -- buckets --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, tuple[str, str]]]:
    """A server with two owners. Each test has buckets of its own."""
    directory = tmp_path_factory.mktemp("two") / "d"
    with serving(directory, "--trust-owners", **KEYS) as (url, _):
        add = ["keys", "--data-dir", str(directory), "add", "--owner", "alice", "--trust-owners"]
        with redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")) as printed:
            assert main(add) == 0
        printed.seek(0)
        key_id, secret = (line.split()[-1] for line in printed.read().splitlines())
        yield url, directory, (key_id, secret)


def test_a_bucket_belongs_to_its_first_writer(two: tuple[str, Path, tuple[str, str]]) -> None:
    oss2: Any = pytest.importorskip("oss2")
    url, directory, pair = two
    mine = oss2.Bucket(oss2.Auth("id", "s3cret"), url, "mine")
    mine.put_object("a/secret", b"s")
    upload = mine.init_multipart_upload("big").upload_id
    theirs = oss2.Bucket(oss2.Auth(*pair), url, "mine")
    own = oss2.Bucket(oss2.Auth(*pair), url, "own")
    own.put_object("x", b"x")
    signed = theirs.sign_url("GET", "a/secret", 60)
    for call in (
        lambda: theirs.get_object("a/secret"),
        lambda: theirs.head_object("a/secret"),
        lambda: theirs.put_object("new", b"x"),
        lambda: theirs.delete_object("a/secret"),
        lambda: theirs.list_objects(),
        lambda: theirs.batch_delete_objects(["a/secret"]),
        lambda: theirs.init_multipart_upload("new"),
        lambda: theirs.upload_part("big", upload, 1, b"x"),
        lambda: theirs.list_multipart_uploads(),
        lambda: theirs.get_bucket_info(),
        lambda: theirs.delete_bucket(),
        lambda: theirs.create_bucket(),
        lambda: own.copy_object("mine", "a/secret", "stolen"),
        lambda: own.upload_part_copy(
            "mine", "a/secret", (0, 0), "p", own.init_multipart_upload("p").upload_id, 1
        ),
        lambda: oss2.Bucket(oss2.AnonymousAuth(), url, "mine").get_object_with_url(signed),
    ):
        with pytest.raises(oss2.exceptions.ServerError) as caught:
            call()
        assert caught.value.status in (403, 409)
    names = [found.name for found in oss2.Service(oss2.Auth(*pair), url).list_buckets().buckets]
    assert names == ["own"]
    command = ["buckets", "--data-dir", str(directory)]
    assert main([*command, "grant", "mine", "--to", "alice"]) == 0
    assert theirs.get_object("a/secret").read() == b"s"
    with pytest.raises(oss2.exceptions.ServerError):
        theirs.put_object("new", b"x")
    assert main([*command, "grant", "mine", "--to", "alice", "--write"]) == 0
    theirs.put_object("new", b"x")
    assert main([*command, "revoke", "mine", "--to", "alice"]) == 0
    with pytest.raises(oss2.exceptions.ServerError):
        theirs.get_object("a/secret")
    assert main([*command, "grant", "mine", "--all"]) == 0
    assert theirs.get_object("a/secret").read() == b"s"
    assert main([*command, "grant", "none", "--all"]) == 2
    assert main([*command, "revoke", "mine", "--to", "nobody"]) == 2


@pytest.mark.parametrize(
    "fields",
    [
        {"InputMapping": {"oss://firsts/a/secret": "/in"}},
        {"OutputMapping": {"/out/": "oss://firsts/out/"}},
        {"LogMapping": {"/x.log": "oss://firsts/logs/"}},
        {"Mounts": {"Entries": [{"Source": "oss://firsts/a/", "Destination": "/in", "WriteSupport": True}]}},
        {"Parameters": {"StdoutRedirectPath": "oss://firsts/logs/"}},
        {"Parameters": {"StderrRedirectPath": "oss://firsts/logs/"}},
        {"Parameters": {"Command": {"PackagePath": "oss://firsts/a/secret"}}},
        {"AutoCluster": {"InstanceType": "x", "Configs": {"Mounts": {"Entries": [
            {"Source": "oss://firsts/a/", "Destination": "/in", "WriteSupport": False}]}}}},
    ],
)  # fmt: skip
def test_jobs_and_clusters_need_access_to_their_buckets(
    two: tuple[str, Path, tuple[str, str]], fields: dict[str, Any]
) -> None:
    url, _, pair = two
    with Client(url, "id", "s3cret") as first, Client(url, *pair) as alice:
        made = task("true")
        made.Parameters.StdoutRedirectPath = "oss://firsts/logs/"
        first.wait(first.create_job(job({"t": made})))
        theirs = task("true")
        theirs.Parameters.StdoutRedirectPath = theirs.Parameters.StderrRedirectPath = "oss://alices/logs/"
        for name, value in fields.items():
            if name == "Parameters":
                for inner, given in value.items():
                    if inner == "Command":
                        theirs.Parameters.Command.PackagePath = given["PackagePath"]
                    else:
                        theirs.Parameters[inner] = given
            else:
                theirs[name] = value
        with pytest.raises(
            ForbiddenError, match="belongs to another owner.* buckets grant BUCKET --to OWNER"
        ):
            alice.create_job(job({"t": theirs}))
        group = {"Name": "c", "ImageId": "i", "Groups": {"g": {"DesiredVMCount": 1}}}
        mounts = {"Entries": [{"Source": "oss://firsts/", "Destination": "/in", "WriteSupport": False}]}
        with pytest.raises(ForbiddenError):
            alice.create_cluster({**group, "Configs": {"Mounts": mounts}})
        cluster = alice.create_cluster(group).Id
        with pytest.raises(ForbiddenError):
            alice.modify_cluster(cluster, {"Configs": {"Mounts": mounts}})


def test_access_that_is_revoked_while_a_job_waits(tmp_path: Path) -> None:
    with LocalService(tmp_path / "d", slots=1) as service, service.client() as client:
        service.objects.write("oss://b/x", [b"x"])
        made = task("true", InputMapping={"oss://b/x": "/in"})
        blocker = client.create_job(job("sleep 60"))
        job_id = client.create_job(job({"t": made})).Id
        # By another process, like `batchcompute buckets`.
        with closing(sqlite3.connect(service.data_dir / "batchcompute.db")) as db:
            db.execute("INSERT OR REPLACE INTO buckets VALUES ('b', 'alice', '')")
            db.commit()
        client.stop_job(blocker)
        finish(client, job_id, "Failed")
        assert "belongs to another owner" in client.get_instance(job_id, "t", 0).Result.ErrorMessage


# -- programs -------------------------------------------------------------------------------------


def test_which_owners_are_admitted() -> None:
    both = {"local", "alice"}
    account = next(iter(accounts_of({}).values()), None)
    assert account is None
    none = Isolation(lambda: "bubblewrap is not installed")
    assert none.problem("local", both) == ""
    assert "bubblewrap is not installed" in none.problem("alice", both)
    assert "--trust-owners" in none.problem("alice", both)
    assert Isolation(lambda: "no", trusts=True).problem("alice", both) == ""
    assert Isolation(lambda: "").problem("alice", both) == ""
    assert Isolation(lambda: "", has_sandbox=True).is_strict("local", both)
    assert not Isolation(lambda: "", has_sandbox=False).is_strict("local", both)
    assert not Isolation(lambda: "", has_sandbox=True).is_strict("local", {"local"})
    # Independent of the present keys and of sandboxes.
    assert Isolation(lambda: "").is_strict("alice", set())
    assert none.is_strict("alice", {"alice"})
    assert not Isolation(lambda: "", trusts=True).is_strict("alice", both)


def test_a_second_owner_is_refused_without_isolation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "d"
    KeyFile(directory / "credentials.json").ensure({})
    pair = KeyFile(directory / "credentials.json").add("alice")
    with serving(directory, "--sandbox", "never") as (url, _):
        with Client(url, pair.access_key_id, pair.access_key_secret) as alice:
            with pytest.raises(ForbiddenError, match="--trust-owners"):
                alice.create_job(job("true"))
        first = KeyFile(directory / "credentials.json").read()[0]
        with Client(url, first.access_key_id, first.access_key_secret) as client:
            client.wait(client.create_job(job("true")))
    monkeypatch.setattr("batchcompute.service.isolation.why_no_sandbox", lambda: "it is not there")
    assert main(["keys", "--data-dir", str(directory), "add", "--owner", "bob"]) == 2
    assert "could read files of other owners" in capsys.readouterr().err
    assert main(["keys", "--data-dir", str(directory), "add", "--owner", "bob", "--trust-owners"]) == 0


SPY = """
for at in {data} {data}/credentials.json {data}/batchcompute.db {data}/identity {data}/oss {data}/work; do
    ls -la $at 2>&1; cat $at 2>/dev/null
done
cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'
find {data} -type f -exec cat {{}} + 2>/dev/null
grep -rs TOPSECRET {data} /tmp /var/tmp /dev/shm /proc/[0-9]*/cmdline 2>/dev/null
echo written > {canary} 2>/dev/null
umount {data} 2>/dev/null; mount -t tmpfs x /mnt 2>/dev/null && echo MOUNTED
kill -9 -1 2>/dev/null
echo done
"""


@contextmanager
def spied(tmp_path: Path, *options: str) -> Iterator[tuple[str, str]]:
    """Run a spy of alice next to a job with secrets of the first owner; yield its output and the data directory."""
    base = tmp_path / "svc"
    base.mkdir()
    directory = base / "d"
    canary = base / "canary"
    file = KeyFile(directory / "credentials.json")
    with serving(directory, *options, **KEYS, SOME_TOKEN="TOPSECRET-of-the-server") as (url, server):
        pair = file.add("alice")
        with (
            Client(url, "id", "s3cret") as first,
            Client(url, pair.access_key_id, pair.access_key_secret) as alice,
        ):
            victim = task("echo TOPSECRET > here; exec sleep 60")
            victim.Parameters.Command.EnvVars = {"PASSWORD": "TOPSECRET-of-another"}
            running = first.create_job(job({"t": victim}))
            until(lambda: first.get_job(running).State == "Running")
            spy = task(SPY.format(data=directory, canary=canary))
            spy.Parameters.StdoutRedirectPath = spy.Parameters.StderrRedirectPath = "oss://alice/logs/"
            done = alice.wait(alice.create_job(job({"t": spy})), raise_on_failure=False, timeout=60)
            seen = alice.logs(done, "t", 0).stdout
            assert "done" in seen or done.State == "Failed"
            assert not canary.exists()
            # The other job and the server are unharmed.
            assert first.get_job(running).State == "Running"
            assert server.poll() is None
            first.stop_job(running)
            yield seen, str(directory)


@BOXES
def test_a_sandbox_hides_the_service_and_other_owners(tmp_path: Path) -> None:
    with spied(tmp_path) as (seen, _):
        assert "TOPSECRET" not in seen
        assert "s3cret" not in seen
        assert "SQLite" not in seen
        assert "MOUNTED" not in seen


@BOXES
@pytest.mark.parametrize("name", ["LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "ENV", "PATH"])
def test_variables_of_a_job_have_no_effect_outside_of_its_sandbox(tmp_path: Path, name: str) -> None:
    """The shim and bubblewrap do not get these variables."""
    marker = tmp_path / "outside"
    with LocalService(tmp_path / "d", slots=1, sandbox="always") as service, service.client() as client:
        compiler = shutil.which("gcc")
        library = tmp_path / "evil.so"
        if compiler and name == "LD_PRELOAD":
            source = tmp_path / "evil.c"
            source.write_text(
                "#include <stdio.h>\n#include <unistd.h>\n__attribute__((constructor)) void go(void) {"
                f'FILE *f = fopen("{marker}", "a"); if (f) {{ fprintf(f, "%d\\n", (int)getpid()); fclose(f); }} }}\n'
            )
            subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
        made = task("/usr/bin/true; exit 0")
        made.Parameters.Command.EnvVars = {name: str(library) if name.startswith("LD_P") else str(tmp_path)}
        job_id = client.create_job(job({"t": made})).Id
        client.wait(job_id, raise_on_failure=False)
        # The sandbox has its own process ids, which are small.
        pids = [int(line) for line in marker.read_text().split()] if marker.exists() else []
        assert all(pid < 100 for pid in pids), pids
        if compiler and name == "LD_PRELOAD":
            assert pids


@pytest.fixture
def user() -> Iterator[str]:
    name = f"bc{os.getpid() % 10000}"
    subprocess.run(["useradd", "--create-home", name], check=True, capture_output=True)
    yield name
    subprocess.run(["userdel", "--remove", name], check=True, capture_output=True)


@ROOT
@pytest.mark.parametrize("mode", ["auto", "never"])
def test_the_programs_of_an_owner_run_as_a_unix_user(tmp_path: Path, user: str, mode: str) -> None:
    for folder in (tmp_path, *tmp_path.parents):
        if folder != Path("/") and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o001)
    with LocalService(tmp_path / "d", slots=2, sandbox=mode, run_as={"local": user}) as service:  # type: ignore[arg-type]
        with service.client() as client:
            service.objects.write("oss://bucket/in/x", [b"input"])
            root = "${BATCH_COMPUTE_ROOT:-}"
            made = task(
                f"id -un; echo $HOME $USER; cat {root}/in/x; cat {root}/in/x > {root}/out/y; echo log > {root}/l/a.log; "
                f"ls {service.data_dir}/ 2>&1; kill -9 $PPID {os.getpid()} 2>/dev/null; echo survived >&2",
                InputMapping={"oss://bucket/in/": "/in/"},
                OutputMapping={"/out/": "oss://bucket/out/"},
                LogMapping={"/l/a.log": "oss://bucket/l/"},
            )
            job_id = client.create_job(job({"t": made})).Id
            client.wait(job_id, raise_on_failure=False)
            plain = client.create_job(
                job(f"id -un; cat {service.data_dir}/credentials.json; ls {service.data_dir}")
            )
            client.wait(plain, raise_on_failure=False)
            found = client.logs(job_id, "t", 0)
            assert found.stdout.startswith(f"{user}\n/home/{user} {user}\ninput"), found
            assert "batchcompute.db" not in found.stdout
            assert service.oss_path("oss://bucket/out/y").read_text() == "input"
            assert service.oss_path("oss://bucket/out/y").stat().st_uid == 0
            other = client.logs(plain, "t", 0)
            assert other.stdout == f"{user}\n"
            assert other.stderr.count("Permission denied") == 2
        work = next(Path("/var/tmp").glob(f"batchcompute-{service._parts.store.id}"))
    assert not work.exists()


@ROOT
def test_impossible_users_for_run_as_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for pairs, text in (({"alice": "nobody-there"}, "no user"), ({"alice": "root"}, "is root")):
        with pytest.raises(ConfigError, match=text):
            LocalService(tmp_path / "d", run_as=pairs)
    with pytest.raises(ConfigError, match="keep_mounts"):
        LocalService(tmp_path / "d", run_as={"alice": "nobody"}, keep_mounts=True)
    for wrong in ("alice", "=nobody", "alice="):
        assert main(["serve", "--port", "0", "--data-dir", str(tmp_path / "d"), "--run-as", wrong]) == 2
        assert "OWNER=USER" in capsys.readouterr().err


def test_no_secret_is_in_a_readable_environment(tmp_path: Path) -> None:
    with serving(tmp_path / "d", **KEYS, MY_API_TOKEN="TOPSECRET") as (url, server):
        for process in Path("/proc").glob("[0-9]*"):
            try:
                environment = (process / "environ").read_bytes()
                line = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if str(tmp_path / "d").encode() in line:
                assert b"s3cret" not in environment
                assert b"TOPSECRET" not in environment
                assert b"s3cret" not in line
        with Client(url, "id", "s3cret") as client:
            job_id = client.create_job(job("env"))
            client.wait(job_id)
            assert "s3cret" not in client.logs(job_id, "t", 0).stdout
        assert server.poll() is None


@pytest.mark.parametrize(
    ("other_way", "replacement"), [("_restart_without", "1 / 0"), ("_overwrite", "False")]
)
def test_secrets_leave_the_environment_in_both_ways(other_way: str, replacement: str) -> None:
    program = f"""
import os, subprocess
from batchcompute.service import secret_environment
secret_environment.{other_way} = lambda *_: {replacement}
secret_environment.hide_secrets()
with open("/proc/self/environ", "rb") as file:
    print(b"s3cret" in file.read(), flush=True)
print(len(os.environ["MY_TOKEN"]), os.environ["PLAIN"], flush=True)
subprocess.run(["sh", "-c", "echo $MY_TOKEN $PLAIN"], check=True)
"""
    environment = {**os.environ, "MY_TOKEN": "s3cret=\xe4\udcff", "PLAIN": "open"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=True)
    assert done.stdout.split(b"\n")[0] == b"False"
    assert done.stdout.split(b"\n")[2] == b"s3cret=\xc3\xa4\xff open"


def test_keys_that_cannot_be_read_at_the_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with LocalService(tmp_path / "d") as service, service.client("id", "s3cret") as client:
        client.get_quotas()

        def full(_: KeyFile) -> tuple[int, int]:
            raise OSError(24, "Too many open files")

        monkeypatch.setattr(KeyFile, "version", full)
        with pytest.raises(ClientError) as caught:
            client.get_quotas()
        assert caught.value.status == 503
