"""Fixtures for the tests of the runner."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.test_serve import serving


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    directory = tmp_path_factory.mktemp("objects") / "d"
    with serving(directory) as (url, _):
        objects = directory / "oss" / "b"
        for name, content in (
            ("in/a", b"1"),
            ("in/sub/b é%+&<", b"2"),
            ("in/run.sh", b"#!/bin/sh\n"),
            ("large", os.urandom(3 * 2**20)),
        ):
            (objects / name).parent.mkdir(parents=True, exist_ok=True)
            (objects / name).write_bytes(content)
        (objects / "in" / "empty").mkdir()
        yield url, directory
