"""The distribution: its name, its extras, and a machine that has the vendor's distribution, too."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import timeit
import tomllib
from pathlib import Path

import pytest

from batchcompute.errors import installation
from batchcompute.errors.installation import DISTRIBUTION, install_command

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
TEXTS = [
    path
    for folder in ("src", "docs", "examples", ".")
    for path in (ROOT / folder).glob("**/*" if folder != "." else "*.md")
    if path.suffix in (".py", ".md")
]

# The shape of the vendor's distribution: which files it has, and what they import of each other.
VENDOR = {
    "__init__.py": "__version__ = '2.1.7'\nfrom .client import Client\nfrom .core import ClientError\n",
    "client/__init__.py": "from .client import Client\n",
    "client/client.py": "from ..core import Api\nclass Client: pass\n",
    "core/__init__.py": "from .api import Api\nfrom .exceptions import ClientError\n",
    "core/api.py": "class Api: pass\n",
    "core/exceptions.py": "class ClientError(Exception): pass\n",
    "utils/http.py": "",
}
MEND = re.compile(
    "pip uninstall batchcompute; then pip install --force-reinstall --no-deps .*openbatchcompute"
)


def install_vendor(site: Path) -> None:
    for name, text in VENDOR.items():
        path = site / "batchcompute" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def install_ours(site: Path) -> None:
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src" / "batchcompute", site / "batchcompute", dirs_exist_ok=True, ignore=ignore)


def run(site: Path, program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(site)!r}); {program}"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_a_warning_reports_the_vendors_distribution_below_this_one(tmp_path: Path) -> None:
    install_vendor(tmp_path)
    install_ours(tmp_path)
    done = run(
        tmp_path, "import batchcompute; print(batchcompute.__version__, batchcompute.Client.create_job)"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3.")
    assert MEND.search(done.stderr)
    assert "UserWarning" in done.stderr


def test_an_error_reports_the_vendors_distribution_above_this_one(tmp_path: Path) -> None:
    install_ours(tmp_path)
    install_vendor(tmp_path)
    for program in (
        "import batchcompute",
        "import batchcompute.cli",
        "from batchcompute.core import ClientError",
    ):
        done = run(tmp_path, program)
        assert done.returncode == 1
        assert MEND.search(done.stderr.splitlines()[-1])


def test_each_distribution_alone_says_nothing(tmp_path: Path) -> None:
    install_ours(tmp_path / "ours")
    install_vendor(tmp_path / "vendor")
    for name in ("ours", "vendor"):
        done = run(tmp_path / name, "import batchcompute, batchcompute.core.api, batchcompute.core")
        assert (done.returncode, done.stderr) == (0, "")


def test_the_look_for_the_vendors_distribution_costs_nothing() -> None:
    missing = str(ROOT / "src" / "batchcompute" / "core" / "api.py")
    look = f"exists({missing!r})"
    assert min(timeit.repeat(look, "from os.path import exists", number=100, repeat=5)) / 100 < 100e-6


def test_the_distribution_has_a_name_of_its_own() -> None:
    assert PROJECT["name"] == DISTRIBUTION == "openbatchcompute"
    assert PROJECT["scripts"] == {"batchcompute": "batchcompute.cli:main"}


def test_install_commands_say_what_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "__version__", "3.0.0.dev0")
    expected = (
        "pip install '.[serve]' in a clone, or pip install 'openbatchcompute[serve]' once it is released"
    )
    assert install_command("serve") == expected
    monkeypatch.setattr(installation, "__version__", "3.0.0")
    assert install_command("serve") == "pip install 'openbatchcompute[serve]'"
    assert install_command() == "pip install 'openbatchcompute'"


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_names_the_vendors_distribution_with_an_extra(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"(?<!open)batchcompute\[\w", text)
    for extra in re.findall(r"(?:openbatchcompute|'\.)\[([a-z,]+)\]", text):
        assert set(extra.split(",")) <= set(PROJECT["optional-dependencies"]), extra
    for extra in re.findall(r'install_command\([\'"](\w+)[\'"]\)', text):
        assert extra in PROJECT["optional-dependencies"]


def test_the_table_of_extras_is_that_of_the_project() -> None:
    text = (ROOT / "docs" / "installation.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \|.*\| (.+?) \|$", text, re.M)
    extras = dict(PROJECT["optional-dependencies"])
    for name in ("dev", "docs", "interop"):
        assert f"`{name}` (" in text
        del extras[name]
    assert [name for name, _ in rows] == list(extras)
    for name, packages in rows:
        names = [re.split("[>=<[]", line)[0] for line in extras[name]]
        assert packages == ", ".join(f"`{found}`" for found in names), name


def test_the_readme_installs_what_its_commands_need() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert "install -q -c constraints.txt '.[cli,serve]'" in text, "it goes on with `batchcompute serve`"
    assert "install -q -c constraints.txt -e '.[dev]'" in text


def test_what_satisfies_packages_that_require_the_vendors_distribution() -> None:
    stand_in = tomllib.loads((ROOT / "tools" / "vendor-name" / "pyproject.toml").read_text("utf-8"))[
        "project"
    ]
    assert stand_in["name"] == "batchcompute"
    assert stand_in["version"].startswith("2.1.7+")
    assert [re.split("[>=<]", line)[0] for line in stand_in["dependencies"]] == [DISTRIBUTION]
