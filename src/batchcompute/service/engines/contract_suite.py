"""A suite of tests that each engine passes: subclass `EngineContract` in a test module."""

from __future__ import annotations

from unittest import SkipTest

from batchcompute.service.engines.contract_attempts import AttemptTests
from batchcompute.service.engines.contract_restarts import ServiceTests

__all__ = ["EngineContract", "failures_of"]


class EngineContract(AttemptTests, ServiceTests):
    """The tests of the contract. Each method whose name begins with ``test_`` is one; pytest collects them.

    A subclass implements `make_engine`, and other hooks as far as they apply. The engine has to run four programs at the
    same time.

    Example:
        ``class TestMyEngine(EngineContract)`` with the method ``make_engine``, in a module of tests.
    """


def failures_of(contract: type[EngineContract], *tests: str) -> dict[str, str]:
    """Run tests of a contract without pytest.

    Args:
        contract: The contract.
        tests: Names of tests; none for all.

    Returns:
        The message of each test that failed, by its name. A test that was skipped has not failed.
    """
    failures: dict[str, str] = {}
    for name in tests or [name for name in dir(contract) if name.startswith("test_")]:
        suite = contract()
        try:
            suite.setup_method()
            try:
                getattr(suite, name)()
            finally:
                suite.teardown_method()
        except SkipTest:
            pass
        except Exception as error:  # noqa: BLE001 - each error is a failure of the engine
            failures[name] = f"{type(error).__name__}: {error}"
    return failures
