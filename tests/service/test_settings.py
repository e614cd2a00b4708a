"""Settings: one list of options, its four sources, and one clear line for each mistake."""

from __future__ import annotations

import inspect
import os
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest

from batchcompute import ConfigError
from batchcompute.cli import main
from batchcompute.cli.arguments import chosen_settings
from batchcompute.cli.serve import serve_command
from batchcompute.cli.state import State
from batchcompute.service import LocalService
from batchcompute.service.clock import SYSTEM_CLOCK
from batchcompute.service.data_directory import default_directory
from batchcompute.service.domain.instance_types import InstanceType
from batchcompute.service.setting_sources import CLIENT_VARIABLES, load_settings
from batchcompute.service.settings import OPTIONS, Settings
from tests.client.loopback import CERTIFICATE

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BATCHCOMPUTE_")]:
        monkeypatch.delenv(name)


def file_with(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "serve.toml"
    path.write_text(text, "utf-8")
    return path


# What each text option is set to by the tests below, as text and as a value.
SAMPLES: dict[str, tuple[str, object]] = {
    "host": ("::1", "::1"), "port": ("99", 99), "data_dir": ("/d", Path("/d")), "slots": ("3", 3),
    "work_dir": ("/w", Path("/w")), "storage": ("memory://x", "memory://x"), "sandbox": ("never", "never"),
    "keep_mounts": ("true", True), "max_file_size": ("5", 5), "full_sync": ("true", True),
    "detach_jobs": ("true", True), "refuse_replays": ("true", True), "run_as": ("a=u", {"a": "u"}),
    "trust_owners": ("true", True), "tls_cert": ("/c", Path("/c")), "tls_key": ("/k", Path("/k")),
    "insecure": ("true", True), "log_level": ("error", "ERROR"), "print_credentials": ("true", True),
    "engine": ("slurm", "slurm"), "engine_options": ("slurm.partition=all", {"slurm": {"partition": "all"}}),
    "node_endpoint": ("http://head:80", "http://head:80"),
    "keep_jobs": ("30d", "30d"), "config": ("serve.toml", "serve.toml"), "log_format": ("json", "json"), "metrics_auth": ("/t", Path("/t")),
}  # fmt: skip
COMPANIONS = {"tls_cert": "tls_key", "tls_key": "tls_cert"}


def test_samples_cover_every_option_of_serve() -> None:
    assert set(SAMPLES) == {name for name, option in OPTIONS.items() if option.sources != ("keyword",)}


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "config"])
def test_the_command_line_beats_the_environment_and_the_environment_beats_the_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    option, (text, value) = OPTIONS[name], SAMPLES[name]
    default = getattr(Settings(), name)
    extra = {COMPANIONS[name]: "/x"} if name in COMPANIONS else {}
    if "file" in option.sources:
        plain = [text] if option.kind == "list" else str(value) if isinstance(value, Path) else value
        shown = str(plain).lower() if isinstance(plain, bool) else repr(plain)
        config = file_with(tmp_path, f"[serve]\n{name} = {shown}\n")
        assert getattr(load_settings({"config": str(config), **extra}), name) == value
        other = file_with(tmp_path, "[serve]\nslots = 7\nfull_sync = true\nport = 1\n")
        if name in ("slots", "full_sync", "port"):
            monkeypatch.setenv(option.variable, text)
            assert getattr(load_settings({"config": str(other)}), name) == value
    if "environment" in option.sources:
        monkeypatch.setenv(option.variable, text)
        assert getattr(load_settings(extra), name) == value
        monkeypatch.setenv(option.variable, "")
        assert getattr(load_settings({}), name) == default, "an empty variable is no setting"
        monkeypatch.setenv(option.variable, "never mind")
    given: Any = {"list": [text], "flag": True}.get(option.kind, text)
    assert getattr(load_settings({name: given, **extra}), name) == value


def test_a_flag_of_the_file_can_be_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = str(file_with(tmp_path, "[serve]\nkeep-mounts = true\nfull_sync = true\n"))
    monkeypatch.setenv("BATCHCOMPUTE_FULL_SYNC", "no")
    parsed = serve_command.make_context("serve", ["--no-keep-mounts", "--config", config], obj=State())
    settings = load_settings(chosen_settings(parsed.params, State()))
    assert (settings.keep_mounts, settings.full_sync) == (False, False)


def test_the_file_can_be_named_by_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '[serve]\nslots = 5\n[instance_types]\n"ecs.big" = { cores = 64, memory = 256 }\n'
    config = file_with(tmp_path, text)
    monkeypatch.setenv("BATCHCOMPUTE_CONFIG", str(config))
    settings = load_settings()
    assert (settings.slots, settings.config) == (5, config)
    assert settings.instance_types == (InstanceType("ecs.big", 64, 256.0),)


MISTAKES = [
    ("prt = 1", "the key 'prt' stands above all tables; the nearest is 'port', in the table [serve]"),
    ("port = 1", "the key 'port' stands above all tables; the nearest is 'port', in the table [serve]"),
    ("[serv]\nport = 1", "there is no table [serv]; the nearest is [serve]"),
    ("[instance-type]", "there is no table [instance-type]; the nearest is [instance_types]"),
    ("serve = 1", "serve must be a table, [serve], not 1"),
    ("[serve]\nslot = 1", "[serve] has no key 'slot'; the nearest is 'slots'"),
    (
        "[serve]\nprint-credentials = true",
        "print-credentials cannot be set in [serve], only on the command line",
    ),
    ("[serve]\noss_host = 'x'", "oss_host cannot be set in [serve], only by LocalService"),
    ("[serve]\ninstance_types = []", "only as the table [instance_types] of the file"),
    ("[instance_types]\n'' = { cores = 1, memory = 1 }", "[instance_types] has a key that is empty"),
    ("[[serve]]\nport = 1", "serve must be a table, [serve], not [{'port': 1}]"),
    ('[serve]\nwork_dir = "a\\u0000b"', "must be a path, not 'a\\x00b'"),
    ('[serve]\nrun_as = ["a=b\\u0000"]', "must be OWNER=USER, once for each owner, not 'a=b\\x00'"),
    ('[serve]\nhost = "a\\nb"', "must be an address or a host name, not 'a\\nb'"),
    ("[serve.tls]\ncert = 'x'", "[serve] has no key 'tls'; the nearest is 'tls_"),
    ("[serve]\nwork-dir = 'x'\nwork_dir = 'y'", "[serve] has 'work_dir' twice"),
    ("[instance_types]\nx = 3", "[instance_types] x must be like { cores = 4, memory = 8 }, not 3"),
    ("[instance_types.x]\ncore = 3", "[instance_types] x has no key 'core'; the nearest is 'cores'"),
    ("[instance_types.x]\ncores = 0\nmemory = 1", "cores must be an integer, 1 or more"),
    ("[instance_types.x]\ncores = 1\nmemory = inf", "memory must be a number of GB above 0"),
    ("x", "cannot be read"),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_a_mistake_in_the_file_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    config = file_with(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_settings({"config": str(config)})
    assert message in str(caught.value)
    assert str(config) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    assert load_settings({"config": str(file_with(tmp_path, "\ufeff[serve]\nport = 5"))}).port == 5


def test_messages_name_the_setting_as_the_user_wrote_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    range_ = "must be an integer from 0 to 65535, not"
    with pytest.raises(ConfigError, match=f"^--port {range_} 70000$"):
        load_settings({"port": "70000"})
    with pytest.raises(ConfigError, match=f"^--port {range_} '8o80'$"):
        load_settings({"port": "8o80"})
    config = file_with(tmp_path, "[serve]\nport = -1\n")
    with pytest.raises(ConfigError, match=f"^port in {re.escape(str(config))} {range_} -1$"):
        load_settings({"config": str(config)})
    monkeypatch.setenv("BATCHCOMPUTE_PORT", "tcp://10.0.0.1:80")
    with pytest.raises(ConfigError, match=f"^BATCHCOMPUTE_PORT {range_} 'tcp://10.0.0.1:80'$"):
        load_settings()
    with pytest.raises(ConfigError, match="^slots must be an integer from 1 to 1000000, not True$"):
        LocalService(tmp_path / "d", slots=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"slots": 0}, "slots must be an integer from 1 to 1000000, not 0"),
        ({"slots": "2"}, "slots must be an integer from 1 to 1000000, not '2'"),
        ({"sandbox": "x"}, "sandbox must be 'auto', 'always' or 'never', not 'x'"),
        ({"max_file_size": -1}, "max_file_size must be 0 for any size, or a number of bytes, not -1"),
        ({"detach": 1}, "detach must be true or false, not 1"),
        ({"work_dir": ""}, "work_dir must be a path, not ''"),
        ({"run_as": {"": "u"}}, "run_as must be OWNER=USER, once for each owner, not '=u'"),
        ({"run_as": {"a": "u"}, "keep_mounts": True}, "keep_mounts cannot be used with run_as"),
        ({"types": [InstanceType("x", 0, 1)]}, "types must be instances of InstanceType"),
        ({"types": [InstanceType("", 1, 1)]}, "types must be instances of InstanceType"),
        ({"types": [InstanceType("x", "4", 1)]}, "types must be instances of InstanceType"),  # type: ignore[arg-type]
        ({"types": [InstanceType("x", 1, float("inf"))]}, "types must be instances of InstanceType"),
        ({"storage": "directory"}, "storage must be a URL, not 'directory'"),
        ({"storage": "://"}, "storage must be a URL, not '://'"),
        ({"storage": " "}, "storage must be a URL, not ' '"),
        ({"storage": "user:secret@host/x"}, "storage must be a URL, not '…@host/x'"),
        ({"storage": "memory://x\0"}, "storage must be a URL, not 'memory://x\\x00'"),
        ({"hide": "x"}, "hide must be paths, not 'x'"),
    ],
)
def test_keywords_are_checked_before_anything_is_made(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        LocalService(tmp_path / "d", **options)
    assert str(caught.value).startswith(message)
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--prt", "1"], "there is no argument --prt; the nearest is --port"),
        (["--slot=1"], "there is no argument --slot; the nearest is --slots"),
        (["now"], "there is no argument now"),
        (["--port"], "argument --port: expected one argument"),
        (["--port", "65536"], "--port must be an integer from 0 to 65535, not 65536"),
        (["--slots", "9" * 5000], "--slots must be an integer from 1 to 1000000, not '999"),
        (
            ["--max-file-size", "9" * 20],
            "--max-file-size must be 0 for any size, or a number of bytes, not 999",
        ),
        (["--slots", "9" * 20], "--slots must be an integer from 1 to 1000000, not 999"),
        (["--work-dir", "~no such user/x"], "--work-dir must be a path, not '~no such user/x'"),
        (["--host", "a b"], "--host must be an address or a host name, not 'a b'"),
        (["--host", "192.0.2.1"], "--host 192.0.2.1 can be reached by others"),
        (["--host", "a..b", "--insecure"], "cannot listen on a..b:8790 (--host and --port): "),
        (["--port", "0", "--storage", "x://y"], "--storage needs fsspec, of the extra storage: pip install"),
        (["--port", "0", "--run-as", "a=no such user"], "--run-as "),
        (["--data-dir", ""], "--data-dir must be a path, not ''"),
        (["--tls-cert", "x"], "--tls-cert needs --tls-key: "),
        (["--tls-key", "x"], "--tls-key needs --tls-cert: "),
        (["--tls-key", "x", "--tls-cert", "y", "--insecure"], "--insecure cannot be used with --tls-cert: "),
        (
            ["--tls-key", "/none", "--tls-cert", "/none"],
            "--tls-cert /none and --tls-key /none cannot be used",
        ),
        (
            ["--tls-key", str(ROOT / "tests/client/tls/encrypted.pem"), "--tls-cert", CERTIFICATE],
            "encrypted.pem is encrypted; a server needs a key without a pass phrase: openssl pkey",
        ),
        (["--run-as", "a=u", "--keep-mounts"], "--keep-mounts cannot be used with --run-as: "),
        (["--config", "/none.toml"], "the configuration /none.toml cannot be read"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(
    tmp_path: Path,
    words: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("batchcompute.service.resolved_settings.find_spec", lambda name: None)
    directory = ["--data-dir", str(tmp_path / "d")]
    try:
        status = main(["serve", *directory, *words])
    except SystemExit as end:
        status = cast("int", end.code)
    said = capsys.readouterr().err
    assert status == 2
    assert message in said
    assert said.count("\n") == 1
    assert not (tmp_path / "d").exists()


def test_a_variable_that_is_almost_a_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHCOMPUTE_DATADIR", "/d")
    with pytest.raises(
        ConfigError, match="no setting BATCHCOMPUTE_DATADIR; the nearest is BATCHCOMPUTE_DATA_DIR"
    ):
        load_settings()
    monkeypatch.delenv("BATCHCOMPUTE_DATADIR")
    for name in (*CLIENT_VARIABLES, "BATCHCOMPUTE_SERVICE_HOST"):
        monkeypatch.setenv(name, "x")
    assert load_settings().model_dump() == Settings().model_dump()


@pytest.mark.parametrize(
    ("variable", "where"),
    [
        ("BATCHCOMPUTE_PRINT_CREDENTIALS", "on the command line"),
        ("BATCHCOMPUTE_INSTANCE_TYPES", "as the table [instance_types] of the file"),
        ("batchcompute_hide", "by LocalService"),
    ],
)
def test_a_variable_of_a_setting_that_has_none_is_refused(
    variable: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "true")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert str(caught.value) == f"{variable} cannot be set by a variable, only {where}"


def test_a_port_in_use_and_a_work_directory_that_is_a_file_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("BATCHCOMPUTE_PORT", str(taken.getsockname()[1]))
        assert main(["serve", "--data-dir", str(tmp_path / "d")]) == 2
    said = capsys.readouterr().err
    assert "(--host and BATCHCOMPUTE_PORT): " in said
    assert not (tmp_path / "d").exists()
    file = file_with(tmp_path, "")
    with pytest.raises(ConfigError, match=f"^work_dir {re.escape(str(file))} cannot be used: "):
        LocalService(tmp_path / "e", work_dir=file)


def test_a_data_directory_of_an_unknown_user_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["keys", "--data-dir", "~no such user/x", "list"]) == 2
    assert capsys.readouterr().err.startswith("batchcompute: --data-dir ~no such user/x cannot be used: ")
    monkeypatch.setenv("BATCHCOMPUTE_DATA_DIR", "~no such user/x")
    with pytest.raises(ConfigError, match="^BATCHCOMPUTE_DATA_DIR ~no such user/x cannot be used: "):
        default_directory()


def test_no_setting_has_the_variable_of_something_else() -> None:
    names = {
        name
        for path in (ROOT / "src").rglob("*.py")
        for name in re.findall(r'"(BATCHCOMPUTE_[A-Z_]+)"', path.read_text("utf-8"))
    }
    variables = {option.variable for option in OPTIONS.values()}
    assert names & variables == {"BATCHCOMPUTE_DATA_DIR"}, "LOCAL and the server share their data directory"
    assert names - variables == {*CLIENT_VARIABLES}


def test_no_setting_is_a_secret() -> None:
    assert not [name for name in OPTIONS if re.search("secret|token|password|access", name)]
    assert OPTIONS["print_credentials"].sources == ("command line",)


def test_the_signature_of_local_service_is_that_of_the_model() -> None:
    parameters = dict(inspect.signature(LocalService).parameters)
    assert parameters.pop("clock").default is SYSTEM_CLOCK
    options = {option.keyword: option for option in OPTIONS.values() if option.keyword}
    assert set(parameters) == set(options)
    preset = Settings()
    for keyword, parameter in parameters.items():
        default = getattr(preset, options[keyword].name)
        assert (parameter.default or default) == default, keyword
        if isinstance(default, (bool, int, str)):
            assert parameter.default == default, keyword


def test_the_docstring_of_local_service_has_the_descriptions_of_the_model() -> None:
    text = " ".join((inspect.getdoc(LocalService) or "").replace("``", "`").split())
    for option in OPTIONS.values():
        if option.keyword:
            sentence = option.description[0].upper() + option.description[1:]
            assert f" {option.keyword}: {sentence}" in text, option.keyword


def test_every_option_is_described() -> None:
    for option in OPTIONS.values():
        assert option.description, option.name
        assert not option.description.endswith(".")
        assert option.allowed, option.name
        assert option.default, option.name


def test_serve_without_its_extra_makes_nothing(tmp_path: Path) -> None:
    program = (
        "import sys, batchcompute.cli.serve as serve; from batchcompute.cli import main\n"
        "find = serve.find_spec\n"
        "serve.find_spec = lambda name: None if name == 'uvicorn' else find(name)\n"
        "sys.exit(main(['serve', '--data-dir', sys.argv[1]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "d")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert re.fullmatch(
        r"batchcompute: serve needs uvicorn, of the extra serve: pip install .*\n", done.stderr
    )
    assert not (tmp_path / "d").exists()


def test_serve_looks_for_all_of_its_extra() -> None:
    from batchcompute.cli.serve import _NEEDED

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    names = {
        re.split("[>=<]", line)[0].replace("-", "_") for line in project["optional-dependencies"]["serve"]
    }
    assert names == set(_NEEDED)


def test_the_embedded_service_needs_only_the_core_dependencies() -> None:
    program = (
        "import sys; from batchcompute.service import LocalService\n"
        "with LocalService() as service, service.client() as client: client.get_quotas()\n"
        "print(*[name for name in ('pydantic_settings', 'dotenv', 'uvicorn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_a_server_without_variables_does_not_import_pydantic_settings() -> None:
    program = (
        "import sys; from batchcompute.service.setting_sources import load_settings; load_settings()\n"
        "print('pydantic_settings' in sys.modules)"
    )
    environment = {name: text for name, text in os.environ.items() if not name.startswith("BATCHCOMPUTE_")}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == "False\n"
