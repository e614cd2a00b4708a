"""The contract of engines on a real Dask cluster."""

from __future__ import annotations

import pytest

from batchcompute.service.engines.contract_suite import EngineContract

from .helpers import DaskHarness


@pytest.mark.usefixtures("cluster")
class TestDaskEngine(DaskHarness, EngineContract):
    """Everything that the service relies on."""


@pytest.mark.long
@pytest.mark.usefixtures("cluster")
class TestTenThousand(DaskHarness, EngineContract):
    large = 10_000
    patience = 300.0

    test_a_large_batch = EngineContract.test_a_large_batch


for _name in [name for name in dir(EngineContract) if name.startswith("test_")]:
    if _name != "test_a_large_batch":
        setattr(TestTenThousand, _name, None)
