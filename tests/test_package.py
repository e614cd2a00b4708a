"""The package as a whole: its public names, its import directions, and the cost of importing it."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import batchcompute

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "batchcompute"
PUBLIC = [
    "AP_SOUTHEAST_1", "AP_SOUTHEAST_2", "ActionResponse", "AsyncClient", "Attempt", "AuthenticationError",
    "BatchComputeError", "CN_BEIJING", "CN_CHENGDU", "CN_HANGZHOU", "CN_HONGKONG", "CN_HUHEHAOTE",
    "CN_QINGDAO", "CN_SHANGHAI", "CN_SHENZHEN", "CN_ZHANGJIAKOU", "Client", "ClientError", "ConfigError",
    "ConnectError", "CreateResponse", "Credentials", "EU_CENTRAL_1", "FailedInstance", "FieldError",
    "ForbiddenError", "GetResponse", "InstanceLogs", "InvalidParameterError", "JSONError", "JobFailedError",
    "JsonError", "Jsonizable", "LOCAL", "ListResponse", "LogsUnavailable", "NotFoundError",
    "OutcomeUnknown", "Problem", "ProtocolError", "QuotaError", "RawResponse", "ResponseError",
    "ResponseTooLarge", "RetryPolicy", "ServerError", "StateConflictError", "TLSError", "ThrottledError", "Timeout",
    "TransportError", "TransportTimeout", "US_EAST_1", "US_WEST_1", "UnknownFieldWarning",
    "ValidationError", "WaitTimeout", "__version__",
]  # fmt: skip
MODULES = [info.name for info in pkgutil.walk_packages([str(SOURCE)], "batchcompute.")]
OLD = json.loads((ROOT / "tests" / "wire" / "classes.json").read_text("utf-8"))


def test_public_names_are_pinned() -> None:
    assert sorted(batchcompute.__all__) == PUBLIC
    for name in PUBLIC:
        assert getattr(batchcompute, name) is not None
    assert set(PUBLIC) <= set(dir(batchcompute))
    with pytest.raises(AttributeError, match="nope"):
        batchcompute.nope  # noqa: B018


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_is_public(name: str) -> None:
    module = importlib.import_module(name)
    if name not in ("batchcompute.core.exceptions", "batchcompute._version"):
        assert hasattr(module, "__all__")
    for public in getattr(module, "__all__", ()):
        assert hasattr(module, public)
    assert module.__doc__


OLD_IMPORT_PATHS = [
    "batchcompute", "batchcompute.client", "batchcompute.client.client", "batchcompute.client.response",
    "batchcompute.core", "batchcompute.core.exceptions", "batchcompute.resources", "batchcompute.resources.app",
    "batchcompute.resources.cluster", "batchcompute.resources.image", "batchcompute.resources.job",
    "batchcompute.utils", "batchcompute.utils.canonicalization", "batchcompute.utils.constants",
    "batchcompute.utils.functions", "batchcompute.utils.jsonizable", "batchcompute.utils.log",
]  # fmt: skip
"""All import paths of the old SDK that work; tests/models/test_old_names.py checks the names in each of them."""
REMOVED_IMPORT_PATHS = {"batchcompute.core.api", "batchcompute.utils.http"}
"""The modules that signed and sent requests; the page on migration lists them."""


def test_all_import_paths_of_the_old_sdk_are_listed() -> None:
    recorded = json.loads((ROOT / "tests" / "wire" / "names.json").read_text("utf-8"))
    modules = {key.partition(":")[0] for key in recorded if key.startswith("batchcompute")}
    assert {*OLD_IMPORT_PATHS, *REMOVED_IMPORT_PATHS} == modules


@pytest.mark.parametrize("path", OLD_IMPORT_PATHS)
def test_import_paths_of_the_old_sdk_work(path: str) -> None:
    module = importlib.import_module(path)
    for name in OLD["exports"].get(path, ()):
        assert hasattr(module, name)
    # In a fresh process, both as attributes after a bare import and with a star.
    run(f"import batchcompute; {path}; exec('from {path} import *')")


@pytest.mark.parametrize(
    "path", ["core/__init__.py", "core/exceptions.py", "client/client.py", "client/response.py"]
)
def test_old_import_paths_only_re_export(path: str) -> None:
    for node in ast.parse((SOURCE / path).read_text("utf-8")).body[1:]:
        is_all = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        assert is_all or isinstance(node, ast.ImportFrom), ast.unparse(node)


def test_methods_of_the_old_client_are_there() -> None:
    missing = set(OLD["client"]) - {"Client"} - set(dir(batchcompute.Client))
    assert not missing


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_docstring_is_one_line(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text("utf-8")), clean=False) or ""
    assert docstring.endswith(".")
    assert "\n" not in docstring


def run(program: str) -> list[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()


def test_a_bare_import_is_light() -> None:
    heavy = run(
        "import sys, batchcompute; print(*[name for name in ('httpx', 'pydantic', 'tenacity', 'asyncio', 'json') if name in sys.modules])"
    )
    assert heavy == []
    loaded = run(
        "import sys; before = set(sys.modules); import batchcompute; print(*(set(sys.modules) - before))"
    )
    assert len(loaded) <= 60
    assert run("import batchcompute; print(batchcompute.client.response.Job)")
    assert run("import batchcompute; print(batchcompute.CN_QINGDAO, batchcompute.resources.DAG().dump(None))")


def test_a_client_does_not_load_the_service() -> None:
    loaded = run(
        "import sys, batchcompute; batchcompute.Client('cn-qingdao', 'a', 'b'); batchcompute.resources.Job();"
        "print(*[name for name in sys.modules if name.startswith('batchcompute.service') or name == 'sqlite3'])"
    )
    assert loaded == []


# From the ground up; the rooms of one line are one floor.
FLOORS = [
    ["_version", "_lazy", "errors"],
    ["runner"],
    ["regions", "drawing"],
    ["models"],
    ["resources", "types"],
    ["api"],
    ["http"],
    ["client"],
    ["core", "utils"],
    ["service"],
    ["cli", "testing"],
    ["pytest_plugin"],
]
SERVICE_FLOORS = [
    [
        "errors",
        "clock",
        "simulated_clock",
        "requests",
        "durations",
        "events",
        "locking",
        "log_limit",
        "secret_environment",
        "spelling",
        "workers",
        "waiters",
    ],
    ["event_log", "event_counts", "log_format", "tracing", "trees"],
    ["domain", "data_directory"],
    ["machine"],
    ["store"],
    ["backup", "usage"],
    ["objects"],
    ["option_values", "options"],
    ["settings", "setting_sources"],
    ["isolation", "resolved_settings"],
    ["workspaces"],
    ["engines"],
    ["api"],
    ["large_jobs", "retention", "at_exit", "active_attempts"],
    ["recovery"],
    ["dispatcher"],
    ["watchdog"],
    ["numbers"],
    ["metrics"],
    ["assembly"],
    # `LocalService.client` makes a client of its own transport, so these are one floor.
    # The page reads requests with helpers of `transports`, whose application has a route to the page.
    ["local_service", "embedded", "transports", "web"],
]


def imports(path: Path, prefix: str) -> list[tuple[str, int]]:
    """Return the modules of the package that a file imports, anywhere in it, with the line of each."""
    found: list[tuple[str, int]] = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(prefix):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found += [(name[len(prefix) :].split(".")[0], node.lineno) for name in names]
        elif isinstance(node, ast.Import):
            found += [
                (alias.name[len(prefix) :].split(".")[0], node.lineno)
                for alias in node.names
                if alias.name.startswith(prefix)
            ]
    return found


def violations(folder: Path, prefix: str, floors: list[list[str]]) -> list[str]:
    floor_of = {room: number for number, rooms in enumerate(floors) for room in rooms}
    found: list[str] = []
    for path in sorted(folder.rglob("*.py*")):
        room = path.relative_to(folder).parts[0].removesuffix(path.suffix)
        if path.suffix not in (".py", ".pyi") or room == "__init__":
            continue
        for target, line in imports(path, prefix):
            if target in floor_of and target != room and floor_of[target] > floor_of[room]:
                found.append(f"{path.relative_to(folder)}:{line} imports {target}")
    return found


@pytest.mark.parametrize(
    ("folder", "prefix", "floors"),
    [(SOURCE, "batchcompute.", FLOORS), (SOURCE / "service", "batchcompute.service.", SERVICE_FLOORS)],
)
def test_imports_only_go_down(folder: Path, prefix: str, floors: list[list[str]]) -> None:
    rooms = {path.name.removesuffix(".py") for path in folder.iterdir() if path.suffix in ("", ".py")}
    listed = {room for floor in floors for room in floor}
    assert rooms - listed <= {"__init__", "__pycache__", "py.typed", "behaviour", "openapi.json"}, (
        "each room has its floor"
    )
    assert not violations(folder, prefix, floors)


def test_only_one_module_of_the_sdk_names_the_service() -> None:
    rooms = ("errors", "models", "resources", "api", "http", "client", "core", "utils")
    paths = [SOURCE / "regions.py", SOURCE / "types.py"]
    paths += [
        path for room in rooms for path in (SOURCE / room).rglob("*.py*") if path.suffix in (".py", ".pyi")
    ]
    naming = [
        path
        for path in paths
        if re.search(r"batchcompute\.service\.|import service", path.read_text("utf-8"))
    ]
    assert naming == [SOURCE / "client" / "_local.py"]


_SQL = re.compile(
    r"\b(SELECT\s+\S.*\bFROM|INSERT\s+(OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+(TABLE|INDEX)|PRAGMA)\b",
    re.DOTALL,
)
_CLOCKS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}


def sql_of(path: Path) -> list[int]:
    """Return the lines of a file with SQL, or with a call that executes it."""
    lines: list[int] = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if (isinstance(node, ast.Constant) and isinstance(node.value, str) and _SQL.search(node.value)) or (
            isinstance(node, ast.Attribute) and node.attr in ("execute", "executemany", "executescript")
        ):
            lines.append(node.lineno)
    return lines


def clock_of(path: Path) -> list[int]:
    """Return the lines of a file that read the time, or wait for it."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.attr in _CLOCKS.get(node.value.id, ())
    ] + [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom)
        and node.module == "time"
        and _CLOCKS["time"] & {alias.name for alias in node.names}
    ]


def test_only_the_store_contains_sql() -> None:
    found = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py") if sql_of(path)}
    assert found
    assert not [name for name in found if not name.startswith("service/store/")]


def test_only_the_clock_reads_the_time() -> None:
    found = {str(path.relative_to(SOURCE)) for path in (SOURCE / "service").rglob("*.py") if clock_of(path)}
    assert found == {"service/clock.py"}


@pytest.mark.parametrize(
    ("room", "allowed"),
    [
        ("domain", {"hashlib", "re", "secrets"}),
        ("store", {"hashlib", "json", "os", "sqlite3", "threading", "uuid", "secrets"}),
    ],
)
def test_the_domain_and_the_store_do_nothing_but_their_own(room: str, allowed: set[str]) -> None:
    """The domain has no input or output; the store has that of its files only. Neither knows engines or workspaces."""
    plain = {
        "__future__",
        "collections",
        "contextlib",
        "dataclasses",
        "enum",
        "functools",
        "pathlib",
        "typing",
    }
    for path in (SOURCE / "service" / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = {str(node.module).split(".")[0]}
                assert ".engines" not in str(node.module), path
                assert ".workspaces" not in str(node.module), path
            else:
                continue
            assert names <= {"batchcompute", *plain, *allowed}, path


def test_below_the_handlers_nothing_reads_rows_or_json_of_the_database() -> None:
    for room in ("api", "domain", "workspaces", "engines"):
        for path in (SOURCE / "service" / room).rglob("*.py"):
            text = path.read_text("utf-8")
            assert 'row["' not in text, path
            assert "sqlite3.Row" not in text, path


@pytest.mark.parametrize(
    ("text", "find"),
    [
        ('"SELECT a FROM b"', sql_of),
        ('f"UPDATE jobs SET {name} = 1"', sql_of),
        ("db.execute(text)", sql_of),
        ("time.monotonic()", clock_of),
        ("datetime.now(UTC)", clock_of),
        ("from time import sleep", clock_of),
    ],
)
def test_the_tests_of_the_layout_find_what_they_look_for(
    text: str, find: Callable[[Path], list[int]], tmp_path: Path
) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(text)
    assert find(planted) == [1]


def test_modules_stay_small() -> None:
    long = {
        path.name: count
        for path in SOURCE.rglob("*.py")
        if (count := len(path.read_text("utf-8").splitlines())) > 400
    }
    assert set(long) <= {"types.py"}, "types.py is generated"


def test_dependencies_are_capped() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert {line.split(">=")[0] for line in project["dependencies"]} == {"pydantic", "httpx", "tenacity"}
    for line in [*project["dependencies"], *sum(project["optional-dependencies"].values(), [])]:
        assert ",<" in line, line


def test_the_version_is_one() -> None:
    assert batchcompute.__version__ == "3.0.0.dev0"
    assert (SOURCE / "py.typed").exists()
