"""Runs the tests of the old SDK with this package."""

# ``python tools/old_sdk_tests.py SOURCE.tar.gz`` extracts the tests from the source package of the old SDK into a
# temporary directory. The tests in `PASSING` have to pass. The tests in the table of docs/migration.md, which gives the
# reason for each, have to fail.

from __future__ import annotations

import sys
import tarfile
import tempfile
import unittest
import warnings
from collections.abc import Iterator
from pathlib import Path

PASSING = {
    "client.test_response.ResponseTest": (
        "testCluster",
        "testGroup",
        "testInstanceMetrics",
        "testMetrics",
        "testResult",
        "testTaskMetrics",
    ),
    "resources.test_cluster.ClusterDescriptionTest": ("testGroup",),
    "resources.test_image.ImageDescriptionTest": ("testImageDescription",),
    "resources.test_job.JobDescriptionTest": (
        "testCommand",
        "testDAG",
        "testInputMappingConfig",
        "testJobDescription",
        "testParameters",
        "testTaskDescription",
    ),
    "utils.test_canonical.TestCanonical": ("test_remap",),
    "utils.test_functions.TestFunctions": ("test_get_region", "test_iget", "test_timediff"),
    "utils.test_jsonizable.JsonizableTest": (
        "test_copy",
        "test_dump",
        "test_init",
        "test_invalid_property",
        "test_required",
        "test_update",
    ),
}
PASS = [f"{case}.{test}" for case, tests in PASSING.items() for test in tests]

MODULES = sorted({case.rpartition(".")[0] for case in PASSING})


def reasons() -> dict[str, str]:
    """Return the tests that do not pass, with the reason of each."""
    page = (Path(__file__).parent.parent / "docs" / "migration.md").read_text("utf-8")
    section = page.partition("### The old SDK's own tests\n")[2].partition("\n#")[0]
    rows = (line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `"))
    return {test.strip().strip("`"): why.strip() for test, why in rows}


def tests_of(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    """Return the tests of a suite and of all suites in it."""
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_of(test)
        else:
            yield test


def run(folder: Path) -> dict[str, str]:
    """Return the result of each test: empty if it passed, else the last line of its traceback."""
    sys.path.insert(0, str(folder))
    ended: dict[str, str] = {}
    for test in tests_of(unittest.defaultTestLoader.loadTestsFromNames(MODULES)):
        result = unittest.TestResult()
        test.run(result)
        problems = [*result.failures, *result.errors]
        ended[test.id()] = problems[0][1].strip().splitlines()[-1] if problems else ""
    return ended


def main(archive: str) -> int:
    """Run the tests of an archive; return 0 if each has the expected result."""
    # These tests use old-style classes and unknown fields, which cause warnings.
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as work, tarfile.open(archive) as package:
        inside = [member for member in package if Path(member.name).parts[1:2] == ("tests",)]
        package.extractall(work, members=inside, filter="data")
        (folder,) = Path(work).glob("*/tests")
        ended = run(folder)
    told = reasons()
    wrong = [f"{test}: {why or 'passes'}" for test, why in ended.items() if bool(why) != (test in told)]
    wrong += [f"{test}: there is no such test" for test in {*PASS, *told} - set(ended)]
    wrong += [f"{test}: is in no table" for test in set(ended) - {*PASS, *told}]
    for line in sorted(wrong):
        print(f"unexpected result: {line}")
    print(f"the old SDK's own tests: {sum(not why for why in ended.values())} of {len(ended)} pass")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
