"""One Dask cluster for all tests that do not break it for good."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .cluster import DaskCluster
from .helpers import DaskHarness


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    cluster = DaskCluster(tmp_path_factory.mktemp("dask"))
    try:
        cluster.wait()
        DaskHarness.cluster = cluster
        yield cluster
    finally:
        cluster.close()
