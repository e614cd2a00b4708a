"""The example for Slurm, on a real cluster."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.slurm.cluster import Cluster
from tests.slurm.engines import SOURCE
from tests.test_examples import run

pytestmark = pytest.mark.long


def test_the_example_runs_on_the_nodes(cluster: Cluster, shared: Path) -> None:
    setup = f"slurm.setup=export PYTHONPATH={shlex.quote(str(SOURCE))}"
    out = run("slurm.py", str(shared), "--engine-options", setup, environment=dict(cluster.environment))
    assert len(re.findall(r"^node n[12]: instance \d says hello", out, re.MULTILINE)) == 8
