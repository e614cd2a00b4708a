"""Mapped files can be read and executed under their own names, and all writable files are in one file system."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from batchcompute import Client
from batchcompute.runner import file_system_view, sandbox
from batchcompute.runner.file_system_view import FileSystemView
from batchcompute.runner.mounts import MountOptions, plan_mounts
from batchcompute.service import LocalService
from batchcompute.service.domain.task_needs import mappings_of
from batchcompute.service.objects.keys import file_names
from tests.service.helpers import finish, job, task
from tests.service.test_mappings import put, result, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts are those of Linux")

ISOLATIONS = ["sandbox", "strict", "user in a sandbox", "user", "no sandbox", "kept", "kept, no sandbox"]
ROOT = "${BATCH_COMPUTE_ROOT:-}"
SCRIPT = "#!/bin/sh\necho ran\n"


@contextmanager
def service_of(isolation: str, tmp_path: Path) -> Iterator[tuple[LocalService, Client]]:
    if isolation not in ("no sandbox", "user", "kept, no sandbox") and not sandbox.probe().processes:
        pytest.skip(sandbox.probe().reason or "no namespaces")
    if isolation.startswith("user") and os.geteuid() != 0:
        pytest.skip("only root can start programs of other users")
    options: dict[str, Any] = {"slots": 4}
    if isolation in ("no sandbox", "user", "kept, no sandbox"):
        options["sandbox"] = "never"
    if isolation.startswith("user"):
        options["run_as"] = {"local": "nobody"}
    if isolation.startswith("kept"):
        options["keep_mounts"] = True
    with LocalService(tmp_path / "d", **options) as service, service.client() as client:
        if isolation == "strict":
            # With a second owner, programs of the first one are separated, too.
            service._parts.keys._owners.add("alice")
        yield service, client


# -- inputs can be executed -----------------------------------------------------------------------


def mount(source: str, path: str, write: bool) -> dict[str, Any]:
    return {"Entries": [{"Source": source, "Destination": path, "WriteSupport": write}]}


def of_cluster(client: Client, mounts: dict[str, Any]) -> dict[str, Any]:
    group = {
        "Name": "c",
        "ImageId": "i",
        "Groups": {"g": {"DesiredVMCount": 1}},
        "Configs": {"Mounts": mounts},
    }
    return {"ClusterId": client.create_cluster(group).Id, "AutoCluster": None}


def kinds(client: Client) -> dict[str, dict[str, Any]]:
    folder, file, at, one = "oss://b/tools/", "oss://b/tools/run.sh", "/home/tools/", "/home/tools/run.sh"
    inner = {"InputMapping": {"oss://b/other/": "/home/tools/other/"}}
    return {
        "InputMapping of a directory": {"InputMapping": {folder: at}},
        "InputMapping of a file": {"InputMapping": {file: one}},
        "InputMapping, writable": {"InputMapping": {folder: at}, "WriteSupport": True},
        "InputMapping of a file, writable": {"InputMapping": {file: one}, "WriteSupport": True},
        "Mounts": {"Mounts": mount(folder, at, False)},
        "Mounts of a file": {"Mounts": mount(file, one, False)},
        "Mounts, writable": {"Mounts": mount(folder, at, True)},
        "Mounts with something inside": {"Mounts": mount(folder, at, False), **inner},
        "Mounts with an output inside": {
            "Mounts": mount(folder, at, True),
            "OutputMapping": {f"{at}res/": "oss://b/res/"},
        },
        "Mounts of a cluster": of_cluster(client, mount(folder, at, False)),
        "Mounts of a cluster, writable": of_cluster(client, mount(folder, at, True)),
        "Mounts of an AutoCluster": {
            "AutoCluster": {"InstanceType": "x", "Configs": {"Mounts": mount(folder, at, False)}}
        },
    }


@pytest.mark.parametrize("isolation", ISOLATIONS)
def test_every_input_and_its_copy_can_be_read_and_executed(tmp_path: Path, isolation: str) -> None:
    with service_of(isolation, tmp_path) as (service, client):
        for name in ("tools/run.sh", "other/x"):
            put(service, f"oss://b/{name}", SCRIPT)
            service.oss_path(f"oss://b/{name}").chmod(0o644)
        line = f"{ROOT}/home/tools/run.sh && cat {ROOT}/home/tools/run.sh && cp {ROOT}/home/tools/run.sh x && ./x"
        tasks = {}
        for number, (_, fields) in enumerate(kinds(client).items()):
            tasks[f"t{number}"] = task(line, **fields)
            if (
                isolation.startswith("kept")
                and "OutputMapping" in fields
                and isolation.endswith("no sandbox")
            ):
                # The output has no mount point.
                del tasks[f"t{number}"].OutputMapping
        done = client.wait(client.create_job(job(tasks)), raise_on_failure=False, timeout=60)
        found = {name: client.logs(done, name, 0) for name in tasks}
        assert {name: log.stderr for name, log in found.items()} == dict.fromkeys(tasks, "")
        assert {log.stdout for log in found.values()} == {f"ran\n{SCRIPT}ran\n"}


@pytest.mark.parametrize("isolation", ["sandbox", "user in a sandbox", "no sandbox"])
def test_an_input_of_an_app_can_be_executed(tmp_path: Path, isolation: str) -> None:
    with service_of(isolation, tmp_path) as (service, client):
        put(service, "oss://b/run.sh", SCRIPT)
        line = f"{ROOT}/home/run.sh && cp {ROOT}/home/run.sh x && ./x"
        parameters = {"tool": {"Type": "String", "LocalPath": "/home/run.sh"}}
        app = {"Name": "a", "CommandLine": line, "VM": {"ECSImageId": "i"}, "InputParameters": parameters}
        client.create_app(app)
        logs = {"StdoutPath": "oss://b/l/", "StderrPath": "oss://b/l/"}
        given = {"AppName": "a", "Inputs": {"tool": "oss://b/run.sh"}, "Logging": logs}
        done = client.wait(
            client.create_job({"Name": "j", "Type": "App", "App": given}), raise_on_failure=False, timeout=30
        )
        log = client.logs(done, "a", 0)
        assert (log.stdout, log.stderr) == ("ran\nran\n", "")


@pytest.mark.parametrize("isolation", ["sandbox", "no sandbox"])
@pytest.mark.parametrize("kind", ["without rights", "linked", "setuid", "of somebody else", "of the service"])
def test_only_files_of_the_object_storage_are_made_executable(
    tmp_path: Path, isolation: str, kind: str
) -> None:
    if kind == "of somebody else" and os.geteuid() != 0:
        pytest.skip("only root can give files away")
    with service_of(isolation, tmp_path) as (service, client):
        if kind == "of the service":
            service.objects.write("oss://b/tools/run.sh", [SCRIPT.encode()])
        else:
            put(service, "oss://b/tools/run.sh", SCRIPT)
        file = service.oss_path("oss://b/tools/run.sh")
        if kind == "without rights":
            file.chmod(0)
        elif kind == "linked":
            file.chmod(0o640)
            os.link(file, tmp_path / "elsewhere")
        elif kind == "setuid":
            file.chmod(0o4644)
        elif kind == "of somebody else":
            file.chmod(0o640)
            os.chown(file, 12345, 12345)
        before = stat.S_IMODE(file.stat().st_mode)
        job_id = run(
            client, f"{ROOT}/in/run.sh; stat -c %a {ROOT}/in/run.sh", InputMapping={"oss://b/tools/": "/in/"}
        )
        lines = client.logs(job_id, "t", 0).stdout.split()
        assert lines[0] == "ran"
        assert int(lines[1], 8) & 0o7500 == 0o500, "no rights beyond its owner's"
        after = stat.S_IMODE(file.stat().st_mode)
        assert after == (0o500 if kind == "without rights" and isolation == "sandbox" else before)


def test_objects_are_private(service: LocalService, local: Client) -> None:
    service.objects.write("oss://b/put", [b"x"])
    line = f"echo x > {ROOT}/out/x; chmod 4777 {ROOT}/out/x; ln {ROOT}/out/x {ROOT}/out/y"
    run(local, line, OutputMapping={"/out/": "oss://b/o/"})
    modes = [stat.S_IMODE(service.oss_path(f"oss://b/{key}").stat().st_mode) for key in ("put", "o/x", "o/y")]
    assert modes == [0o700] * 3


# -- one file system ------------------------------------------------------------------------------

TRY = """
import itertools, json, os, sys
root, places = os.environ.get("BATCH_COMPUTE_ROOT", ""), json.loads(sys.argv[1])
at = {name: path if path[:1] != "/" or path == "/tmp" else root + path for name, path in places.items()}
for one, other in itertools.permutations(at, 2):
    for action in (os.link, os.rename):
        source = os.path.join(at[one], "from")
        target = os.path.join(at[other], f"{one} {action.__name__}")
        with open(source, "w") as file:
            file.write("x")
        try:
            action(source, target)
        except OSError as error:
            print(one, "->", other, action.__name__, error.strerror)
        if os.path.exists(source):
            os.unlink(source)
"""

PLACES = {
    "cwd": ".",
    "tmp": "/tmp",
    "out": "/cr/out",
    "nested": "/cr/out/a/b",
    "beside": "/cr",
    "of the machine": "/home",
    "far": "/results/deep",
    "writable": "/mounted",
    "output in a mount": "/mounted/res",
    "of the working directory": "/batchcompute/workdir/made",
}
OUTPUTS: dict[str, Any] = {
    "OutputMapping": {
        "/cr/out/": "oss://b/out/", "/cr/out/a/b/": "oss://b/nested/", "/cr/single": "oss://b/single",
        "/home/also-single": "oss://b/also", "/results/deep/": "oss://b/far/", "/mounted/res/": "oss://b/res/",
        "/batchcompute/workdir/made/": "oss://b/made/",
    },
    "Mounts": mount("oss://b/work/", "/mounted/", True),
}  # fmt: skip


@pytest.mark.parametrize("isolation", ["sandbox", "strict", "user in a sandbox", "user", "no sandbox"])
def test_hard_links_and_renames_work_between_all_writable_directories(tmp_path: Path, isolation: str) -> None:
    places = dict(PLACES)
    if isolation in ("no sandbox", "user") or (
        isolation != "strict" and len(list(Path("/tmp").iterdir())) > 100
    ):
        # The directory is the machine's own.
        del places["tmp"]
    with service_of(isolation, tmp_path) as (service, client):
        put(service, "oss://b/work/old", "")
        # An interpreter that every user can run.
        python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
        made = task(f"{python} -c \"$TRY\" '{json.dumps(places)}'", **OUTPUTS)
        made.Parameters.Command.EnvVars = {"TRY": TRY}
        done = client.wait(client.create_job(job({"t": made})), raise_on_failure=False, timeout=60)
        log = client.logs(done, "t", 0)
        assert (done.State, log.stdout, log.stderr) == ("Finished", "", "")
        names = sorted(f"{other} {action}" for other in places for action in ("link", "rename"))
        for place, name in (
            ("out", "out"),
            ("nested", "nested"),
            ("far", "far"),
            ("res", "output in a mount"),
        ):
            found = sorted(path.name for path in service.oss_path(f"oss://b/{place}/").iterdir())
            assert found == [each for each in names if not each.startswith(f"{name} ")], place


def test_a_directory_with_too_many_entries_is_named(tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    for number in range(301):
        (full / f"{number}").touch()
    with service_of("sandbox", tmp_path) as (_, client):
        job_id = run(client, "true", "Failed", OutputMapping={f"{full}/out/": "oss://b/out/"})
        code, message = result(client, job_id)
        assert code == "MountError"
        assert f"{full} has 301 entries" in message
        assert "at most 300" in message


def test_no_file_is_made_on_the_machine(
    service: LocalService, local: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The /tmp of this machine may have any content, also more entries than a program sees there.
    monkeypatch.setattr(file_system_view, "_MOST_OF_TMP", 1_000_000)
    monkeypatch.setattr(file_system_view, "_MOST_ENTRIES", 1_000_000)
    if not sandbox.probe().usable:
        pytest.skip(sandbox.probe().reason)
    (tmp_path / "there").write_text("here")
    before = {
        path: sorted(Path(path).iterdir()) for path in ("/", "/home", "/batchcompute") if Path(path).is_dir()
    }
    put(service, "oss://b/work/old", "")
    name = f"of-{os.getpid()}"
    line = f"pwd; cat {tmp_path}/there; echo x > /tmp/{name}; echo x > /{name}; echo x > /home/{name}; echo x > {name}"
    job_id = run(local, line, **OUTPUTS)
    logs = local.logs(job_id, "t", 0)
    assert logs.stdout == "/batchcompute/workdir\nhere", logs
    for path, names in before.items():
        assert sorted(Path(path).iterdir()) == names
    assert not Path("/tmp", name).exists()


def view(maps: dict[str, Any], strict: bool = False, empty: tuple[str, ...] = ()) -> FileSystemView:
    class Nowhere:
        def local(self, place: str) -> None:
            return None

    plan = plan_mounts(mappings_of(maps), Path("/tree"), Nowhere(), MountOptions("sandbox", "n"))
    return FileSystemView(plan, empty, strict)


def test_full_directories_are_not_mounted_entry_by_entry(tmp_path: Path) -> None:
    """A mount for each of thousands of entries takes minutes."""
    for number in range(290):
        (tmp_path / "outer" / f"{number}").mkdir(parents=True)
    for number in range(20):
        (tmp_path / "outer" / "1" / f"{number}").mkdir()
    inner = str(tmp_path / "outer" / "1")
    found = view({"OutputMapping": {f"{inner}/x/": "oss://b/x/"}})
    assert inner in found.merged
    assert str(tmp_path / "outer") not in found.merged
    arguments = found.arguments(True)
    assert arguments[arguments.index(inner) - 2 : arguments.index(inner) + 1] == [
        "--bind",
        f"/tree{inner}",
        inner,
    ]
    for number in range(20):
        (tmp_path / "outer" / f"more{number}").mkdir()
    with pytest.raises(OSError, match="has 310 entries"):
        view({"OutputMapping": {f"{tmp_path}/outer/x/": "oss://b/x/"}})


def test_a_link_in_a_path_is_resolved_as_the_program_sees_it(tmp_path: Path) -> None:
    if not sandbox.probe().usable:
        pytest.skip(sandbox.probe().reason)
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("nowhere")
    with LocalService(tmp_path / "d", slots=1) as service, service.client() as client:
        line = (
            f"echo 1 > {tmp_path}/link/out/x; echo 2 > {tmp_path}/link/single; echo 3 > {tmp_path}/dangling/y"
        )
        outputs = {
            f"{tmp_path}/link/out/": "oss://b/out/",
            f"{tmp_path}/link/single": "oss://b/single",
            f"{tmp_path}/dangling/": "oss://b/dangling/",
        }
        run(client, line, OutputMapping=outputs)
        texts = [service.oss_path(f"oss://b/{key}").read_text() for key in ("out/x", "single", "dangling/y")]
        assert texts == ["1\n", "2\n", "3\n"]
        assert list((tmp_path / "real").iterdir()) == []
        same = {f"{tmp_path}/link/a/": "oss://b/a/", f"{tmp_path}/real/a/": "oss://b/b/"}
        job_id = run(client, "true", "Failed", OutputMapping=same)
        assert "must be a path of its own" in result(client, job_id)[1]


@pytest.mark.parametrize("isolation", ["kept", "kept, no sandbox"])
def test_outputs_in_a_kept_mount(tmp_path: Path, isolation: str) -> None:
    with service_of(isolation, tmp_path) as (service, client):
        put(service, "oss://b/job/in", "in")
        line = f"cd {ROOT}/job; echo 1 > made; echo 2 > also"
        mounts = mount("oss://b/job/", "/job/", True)
        run(client, line, Mounts=mounts, OutputMapping={"/job/made": "oss://b/copy"})
        texts = {
            key: service.oss_path(f"oss://b/{key}").read_text() for key in ("job/made", "copy", "job/also")
        }
        assert texts == {"job/made": "1\n", "copy": "1\n", "job/also": "2\n"}
        nested = {"/job/res/": "oss://b/res/"}
        if isolation == "kept":
            run(client, f"echo 3 > {ROOT}/job/res/x", Mounts=mounts, OutputMapping=nested)
            assert service.oss_path("oss://b/res/x").read_text() == "3\n"
        else:
            job_id = run(client, "true", "Failed", Mounts=mounts, OutputMapping=nested)
            assert "without bubblewrap" in result(client, job_id)[1]


def test_outputs_replaced_by_links_are_not_followed(tmp_path: Path) -> None:
    """Output directories are not mounts, so a program can replace them."""
    (tmp_path / "secret").write_text("secret")
    for isolation in ("sandbox", "no sandbox"):
        with service_of(isolation, tmp_path / isolation.replace(" ", "-")) as (service, client):
            lines = (
                f"cd {ROOT}/cr && rm -r out && ln -s {tmp_path} out",
                f"cd {ROOT}/ && rm -r cr && ln -s {tmp_path} cr",
                f"cd {ROOT}/cr && ln -s {tmp_path}/secret single",
                f"cd {ROOT}/cr && mkdir single",
            )
            for line in lines:
                outputs = {"/cr/out/": "oss://b/out/", "/cr/single": "oss://b/single"}
                done = client.create_job(job({"t": task(line, OutputMapping=outputs)}))
                client.wait(done, raise_on_failure=False, timeout=30)
                code, message = result(client, done.Id)
                assert code in ("OutputIncomplete", "OutputError")
                assert "/cr/" in message
                kept = [path.name for path in service.oss_path("oss://b").rglob("*") if path.is_file()]
                assert kept == []


# -- names ----------------------------------------------------------------------------------------

NAMES = [
    "a\\b", "\\", "a\nb", "a\rb", "a\tb", " a", "a ", "-n", ".hid", "..x", "a:b", "a,b", '"q"', "a'b", "*", "?", "[x]",
    "$HOME", "`x`", "%", "%a", "%_", "%_x", "%%", "%+y", "%2F", "é", "\u2028", "\ufeffx", "a\x85b", "\x7f",
    "\U0001f600", "x" * 255, "é" * 127, "deep/%_/a\\b/c\nd",
]  # fmt: skip
WRITE = """
import json, os
root = os.environ.get("BATCH_COMPUTE_ROOT", "")
for name in json.loads(os.environ["NAMES"]):
    os.makedirs(os.path.dirname(root + "/out/" + name), exist_ok=True)
    with open(root + "/out/" + name, "w") as file: file.write(repr(name))
"""
READ = """
import json, os
root = os.environ.get("BATCH_COMPUTE_ROOT", "") + "/in/"
print(json.dumps({os.path.join(at, name)[len(root):]: open(os.path.join(at, name), newline="").read()
    for at, _, names in os.walk(root) for name in names}))
"""


@pytest.mark.parametrize("where", ["sandbox", "no sandbox", "elsewhere"])
def test_names_survive_upload_and_download(tmp_path: Path, where: str) -> None:
    storage = f"file://{tmp_path}/elsewhere" if where == "elsewhere" else ""
    mode: Any = "never" if where == "no sandbox" else "auto"
    with LocalService(tmp_path / "d", sandbox=mode, storage=storage) as service, service.client() as client:
        write = task(f'{sys.executable} -c "$WRITE"', OutputMapping={"/out/": "oss://b/o/"})
        write.Parameters.Command.EnvVars = {"WRITE": WRITE, "NAMES": json.dumps(NAMES)}
        read = task(f'{sys.executable} -c "$READ"', InputMapping={"oss://b/o/": "/in/"})
        read.Parameters.Command.EnvVars = {"READ": READ}
        done = client.wait(client.create_job(job({"w": write, "r": read}, {"w": ["r"]})), timeout=60)
        assert done.Message == ""
        expected = {name: repr(name) for name in NAMES}
        assert json.loads(client.logs(done, "r", 0).stdout) == expected
        assert {key for key, _ in service.objects.page("b", "o/", "", "", 1000).items} == {
            f"o/{name}" for name in NAMES
        }
        # And each object alone.
        single = {f"oss://b/o/{name}": f"/in/{number}" for number, name in enumerate(NAMES)}
        job_id = run(client, f"cat {ROOT}/in/*[0-9]", InputMapping=single)
        numbers = sorted(range(len(NAMES)), key=lambda number: str(number))
        assert client.logs(job_id, "t", 0).stdout == "".join(repr(NAMES[number]) for number in numbers)


@pytest.mark.parametrize("key", ["in//x", "in/a//b", f"in/{'x' * 256}/y"])
@pytest.mark.parametrize("isolation", ["sandbox", "no sandbox"])
def test_a_key_that_no_file_can_have_as_its_name_is_named(tmp_path: Path, isolation: str, key: str) -> None:
    with service_of(isolation, tmp_path) as (service, client):
        service.objects.write(f"oss://b/{key}", [b"x"])
        job_id = run(client, "true", "Failed", InputMapping={"oss://b/in/": "/in/"})
        code, message = result(client, job_id)
        assert code == "MountError"
        assert key.removeprefix("in/")[:200] in message
        run(client, f"cat {ROOT}/x", InputMapping={f"oss://b/{key}": "/x"})


def test_names_of_files_are_the_parts_of_keys() -> None:
    assert file_names(("a", "%%_x")) == ("a", "%_x")
    assert file_names(("%+ab", "c")) == ("%+ab", "c"), "nobody but the storage cuts names, and not here"
    assert file_names(("%_",)) is None
    assert file_names(("by hand %_", "%%x")) == ("by hand %_", "%%x")


LEFT = {
    "a link": f"ln -s x {ROOT}/out/left",
    "a pipe": f"mkfifo {ROOT}/out/left",
    "no text": f"echo x > \"{ROOT}$(printf '/out/left\\377')\"",
    "a control character": f"echo x > \"{ROOT}$(printf '/out/left\\001')\"",
    "too long": f"cd {ROOT}/out && n=$(printf 'left%.0s' $(seq 60)) && mkdir -p $n/$n/$n/$n && echo x > $n/$n/$n/$n/$n",
}


@pytest.mark.parametrize("isolation", ["sandbox", "no sandbox"])
def test_outputs_that_are_not_uploaded_are_named_in_the_result_and_in_the_message(
    tmp_path: Path, isolation: str
) -> None:
    with service_of(isolation, tmp_path) as (service, client):
        outputs = {"OutputMapping": {"/out/": "oss://b/out/"}}
        jobs = {
            kind: client.create_job(job({"t": task(f"{line}; echo y > {ROOT}/out/y", **outputs)}))
            for kind, line in LEFT.items()
        }
        for kind, created in jobs.items():
            done = client.wait(created, timeout=30)
            found = client.get_instance(done, "t", 0)
            assert (found.State, found.Result.ExitCode, found.Result.ErrorCode) == (
                "Finished",
                0,
                "OutputIncomplete",
            ), kind
            assert "/out/left" in found.Result.ErrorMessage
            assert done.Message.startswith("Instance 0 of task t: Not uploaded")
            assert "/out/left" in done.Message
            assert done.Message.isprintable()
        assert service.oss_path("oss://b/out/y").read_text() == "y\n"
        # The instance does not run again, and a program that fails keeps its own error.
        again = task(f"{LEFT['a link']}; exit 3", MaxRetryCount=0, **outputs)
        job_id = client.create_job(job({"t": again})).Id
        finish(client, job_id, "Failed")
        assert result(client, job_id)[0] == "ProgramFailed"
        assert "/out/left" in client.get_instance(job_id, "t", 0).Result.detail_text
