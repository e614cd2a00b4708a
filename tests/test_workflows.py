"""The workflows: every action is pinned by a hash, and every tool that they run exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_the_rights_it_needs_and_no_others(path: Path) -> None:
    text = path.read_text("utf-8")
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 45, name
        assert set(job.get("permissions", {})) <= {"id-token"}, name
        for step in job["steps"]:
            used = step.get("uses")
            assert used is None or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", used), used
            assert "${{" not in step.get("run", "").replace("${{ matrix.", ""), (
                "a script takes no text of others"
            )
    assert all(re.search(r"@[0-9a-f]{40} # v\d", line) for line in text.splitlines() if "uses:" in line)


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / ".ci" / "run", ROOT / "CONTRIBUTING.md"], ids=str)
def test_the_programs_of_the_project_exist(path: Path) -> None:
    text = path.read_text("utf-8")
    programs = re.findall(r"(?:tools|tests)/[\w/.-]+[\w]", text)
    assert programs
    for program in programs:
        assert (ROOT / program).exists(), program


def test_one_hash_for_each_action() -> None:
    text = "".join(path.read_text("utf-8") for path in WORKFLOWS)
    pins = set(re.findall(r"uses: (\S+)@(\S+)", text))
    assert len(pins) == len({action for action, _ in pins}) == 5
