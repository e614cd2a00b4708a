"""The old SDK's helper functions; the expected values come from the old SDK."""

from __future__ import annotations

import json
import logging
import os
import socket
import tarfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import batchcompute
from batchcompute import ConfigError
from batchcompute.api.responses import CreateResponse, HttpResponse
from batchcompute.resources import JobDescription, Topic
from batchcompute.utils import functions, get_logger, log, remap, set_log_level
from batchcompute.utils.canonicalization import CamelCasedClass
from batchcompute.utils.jsonizable import BatchEncoder, Jsonizable


def test_functions_are_an_attribute_after_a_bare_import() -> None:
    assert batchcompute.utils.functions is functions


@pytest.fixture
def shanghai(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_times(shanghai: None) -> None:
    utc, here = datetime(2015, 11, 24, 8, 20, 20), datetime(2015, 11, 24, 16, 20, 20)  # noqa: DTZ001
    assert functions.str2datetime("2015-11-24T08:20:20.000000Z") == utc
    assert functions.str2datetime("soon") is functions.str2datetime(None) is None  # type: ignore[arg-type]
    assert functions.utc2local(utc) == here
    assert functions.local2utc(here) == utc
    assert (
        functions.datetime_timestamp("2015-11-24 16:20:20")
        == functions.datetime_timestamp(here)
        == 1448353220
    )
    assert functions.utc2local(None) is None
    assert functions.utc2local(utc.replace(tzinfo=UTC)) == here
    assert functions.utc2local(here.astimezone()) == here
    assert functions.local2utc(here.replace(microsecond=5)) == utc.replace(microsecond=5)
    assert functions.timestamp_datetime(1448353220) == "2015-11-24 16:20:20"
    assert functions.timestamp_datetime(None)[:2] == "20"
    assert functions.gmt_time().endswith(" GMT")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0"), (1, "1 Second"), (59, "59 Seconds"), (61, "1 Minute 1 Second"), (7261, "2 Hours 1 Minute 1 Second"),
     (93784, "1 Day 2 Hours 3 Minutes 4 Seconds"), (timedelta(days=2), "2 Days"), (1.5, "1 Second"),
     (None, "0"), (0.4, "0"), (-5, "-5 Seconds"), (10**9, "11574 Days 1 Hour 46 Minutes 40 Seconds")],
)  # fmt: skip
def test_timediff(seconds: Any, words: str) -> None:
    assert functions.timediff(seconds) == words


def test_texts() -> None:
    assert functions.url_safe("a b/c中~") == "a%20b%2Fc%E4%B8%AD~"
    assert functions.url_safe(5) == 5
    assert functions.utf8(b"\xe4\xb8\xad") == functions.utf8("中") == "中"
    assert functions.str_md5(b"abc") == functions.str_md5("abc") == "900150983cd24fb0d6963f7d28e17f72"
    assert functions.iget({"Name": 1}, "nAME") == 1
    assert functions.iget({"Name": 1}, "other") == ""
    assert functions.iget({"Name ": 1, "NAME": 2}, " name") == 2


T = "2015-11-24T08:20:20.000005Z"
HERE = datetime(2015, 11, 24, 16, 20, 20, 5)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("given", "found"),
    [(f'{{"StartTime": "{T}", "l": [{{"EndTime": ""}}], "d": {{"XTime": 5}}}}', {"StartTime": HERE, "l": [{"EndTime": None}], "d": {"XTime": None}}),
     (b'[1, "2"]', [1, "2"]), ({"aTime": T, 1: 2}, {"aTime": HERE, 1: 2}), ([{"aTime": "x"}], [{"aTime": None}]),
     ("", {}), (b" ", {}), (None, {}), ({}, {}), ([], []), (b'{"Items": null}', {"Items": None})],
)  # fmt: skip
def test_remap(given: Any, found: Any, shanghai: None) -> None:
    before = repr(given)
    assert remap(given) == remap(given, human_readable=True) == found
    assert repr(given) == before


@pytest.mark.parametrize("text", ["This is not a json string", b"\xff", "{", "[" * 100_000])
def test_remap_of_what_is_no_json(text: str | bytes) -> None:
    with pytest.raises(batchcompute.JsonError):
        remap(text)


def test_modules_and_metaclasses() -> None:
    assert functions.import_json() is json
    assert functions.import_httplib().HTTPConnection

    class Meta(type):
        pass

    class Plain:
        kept = 1

    made = functions.add_metaclass(Plain, Meta)
    assert (type(made), made.__name__, made.kept) == (Meta, "Plain", 1)  # type: ignore[attr-defined]
    assert functions.add_metaclass(made, Meta) is made
    # As the old SDK's own classes were made, and those that were written after their pattern.
    assert functions.add_metaclass(JobDescription, CamelCasedClass) is JobDescription


def test_regions() -> None:
    functions.add_region("mine", "10.0.0.1", 8888)
    assert functions.get_region("10.0.0.1") == functions.get_region("mine") == "mine"
    assert functions.get_all_region()["mine"] == functions.ENDPOINT_INFO["mine"] == "10.0.0.1"
    assert "http://10.0.0.1:8888" in repr(batchcompute.Client("10.0.0.1", "a", "b"))
    with pytest.raises(ConfigError):
        functions.get_region("nowhere")
    assert functions.get_api_version() == "2015-11-11"
    assert functions.get_local_ip().count(".") == 3


def test_archives(tmp_path: Path) -> None:
    worker = tmp_path / "worker"
    (worker / "deep").mkdir(parents=True)
    (worker / "main.py").write_text("x")
    (worker / "deep" / "data").write_text("y")
    functions.do_tar(str(worker), str(worker / "worker.tar.gz"))
    with tarfile.open(worker / "worker.tar.gz") as archive:
        assert sorted(archive.getnames()) == ["./deep/data", "./main.py"]


@pytest.mark.parametrize(("given", "error"), [("none", FileNotFoundError), ("file", NotADirectoryError)])
def test_archives_of_what_is_no_directory(given: str, error: type[OSError], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(error):
        functions.do_tar(str(tmp_path / given), str(tmp_path / "worker.tar.gz"))
    assert not (tmp_path / "worker.tar.gz").exists()


def test_archives_hold_what_the_service_unpacks(tmp_path: Path) -> None:
    worker, packed = tmp_path / "worker", tmp_path / "worker.tar.gz"
    (worker / "deep").mkdir(parents=True)
    (worker / "run").write_text("x")
    (worker / "run").chmod(0o6775)
    (worker / "deep" / "up").symlink_to("../run")
    (worker / "dangling").symlink_to("deep/nothing")
    (worker / "folder").symlink_to("deep")
    (worker / "same").hardlink_to(worker / "run")
    with socket.socket(socket.AF_UNIX) as listening:
        # Its path must be short.
        here = Path.cwd()
        os.chdir(worker)
        try:
            listening.bind("socket")
        finally:
            os.chdir(here)
        functions.do_tar(str(worker), str(packed))
    with tarfile.open(packed) as archive:
        found = {info.name: (info.type, info.linkname, info.mode & 0o7000) for info in archive}
        assert archive.getmember("./run").mode == 0o775
    assert found == {
        "./run": (tarfile.REGTYPE, "", 0),
        "./same": (tarfile.LNKTYPE, "./run", 0),
        "./deep/up": (tarfile.SYMTYPE, "../run", 0),
        "./dangling": (tarfile.SYMTYPE, "deep/nothing", 0),
    }
    before = packed.read_bytes()
    (worker / "deep" / "out").symlink_to("../../elsewhere")
    (worker / "absolute").symlink_to("/etc/passwd")
    os.mkfifo(worker / "pipe")
    with pytest.raises(batchcompute.ValidationError) as caught:
        functions.do_tar(str(worker), str(packed))
    assert [str(problem) for problem in caught.value.problems] == [
        "./absolute: the link points to an absolute path: '/etc/passwd'",
        "./deep/out: the link points outside of the package: '../../elsewhere'",
        "./pipe: it is a pipe; only regular files, directories and links are allowed",
    ]
    assert packed.read_bytes() == before


@pytest.fixture
def levels(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    monkeypatch.setattr(log, "_loggers", {})
    package = logging.getLogger("batchcompute")
    before, handlers = package.level, list(package.handlers)
    yield package
    package.setLevel(before)
    for logger in (package, *map(logging.getLogger, ("tests.mine", "tests.other"))):
        for handler in set(logger.handlers) - set(handlers):
            handler.close()
            logger.removeHandler(handler)


def test_levels(levels: logging.Logger) -> None:
    mine = get_logger("tests.mine")
    assert mine is logging.getLogger("tests.mine")
    assert mine.level == logging.WARNING
    for given, level in (("DEBUG", 10), ("info", 20), (30, 30), ("INFO", 20)):
        set_log_level(given)
        assert levels.level == mine.level == level
    assert get_logger("tests.other").level == 20
    # One level for all, as the old SDK had it; asking for a logger again leaves it alone.
    get_logger("tests.other", "DEBUG")
    get_logger("tests.other")
    assert levels.level == mine.level == 10
    for refused in ("loud", True, None):
        with pytest.raises(ConfigError, match="log level"):
            set_log_level(refused)  # type: ignore[arg-type]
    set_log_level()
    assert levels.level == 30


def test_files_of_loggers(levels: logging.Logger, tmp_path: Path) -> None:
    file = tmp_path / "mine.log"
    mine = get_logger("tests.mine", "INFO", str(file))
    assert get_logger("tests.mine", "INFO", str(file)) is mine
    get_logger("batchcompute.mine", file_name=str(file)).info("below")
    mine.info("own")
    levels.info("package")
    assert [line.rpartition("\t")[2] for line in file.read_text().splitlines()] == ["below", "own", "package"]
    handler = logging.NullHandler()
    log.add_handler(handler)
    assert handler in levels.handlers


def test_the_encoder() -> None:
    created = CreateResponse(HttpResponse(201, {}, b'{"Id": "job-1"}'))
    value = {"d": Topic({"Name": "n"}), "r": created, "t": datetime(2015, 1, 2, 3, 4, 5), "b": b"x"}  # noqa: DTZ001
    found = json.loads(json.dumps(value, cls=BatchEncoder))
    assert (found["d"]["Name"], found["r"], found["t"], found["b"]) == (
        "n",
        {"Id": "job-1"},
        "2015-01-02 03:04:05",
        "x",
    )
    with pytest.raises(TypeError):
        json.dumps(object(), cls=BatchEncoder)


def old_class() -> Any:
    from batchcompute.utils.constants import COLLECTION, NUMBER, STRING, TIME

    class Mine(Jsonizable):
        descriptor_type = "data descriptor"
        resource_name = "mine"
        descriptor_map = {
            "Name": STRING, "Count": NUMBER, "When": TIME, "Items": COLLECTION, "Map": dict, "Topic": Topic, "Flag": bool,
        }  # fmt: skip
        required = ["Name"]

        def __init__(self, dct: Any = None) -> None:
            super().__init__(dct or {})
            if "Count" not in self:
                self.setproperty("Count", 3)

    return Mine


def test_classes_in_the_old_style() -> None:
    with pytest.warns(DeprecationWarning, match="class Mine: descriptor_map") as caught:
        cls = old_class()
    assert caught[0].filename == __file__
    assert json.loads(cls().dump()) == {"Count": 3}
    assert json.loads(cls({"Name": "n", "Other": 1}).dump()) == {"Name": "n", "Count": 3}
    mine = cls('{"Name": "j", "Items": [1], "Map": {"a": 1}, "Topic": {"Name": "t"}}')
    assert (mine.Name, mine["Items"], mine.Map, mine.Topic.Name, mine.get("Flag")) == (
        "j",
        [1],
        {"a": 1},
        "t",
        None,
    )
    mine.validate()
    with pytest.raises(TypeError, match="Name"):
        mine.Name = 5
    with pytest.raises(batchcompute.ValidationError, match="Name: is required"):
        cls().validate()
    assert cls(mine) == mine
    assert json.loads(json.dumps(mine, cls=BatchEncoder))["Topic"] == {**Topic().detail(), "Name": "t"}
    assert (cls.required, cls.resource_name) == (["Name"], "mine")


def test_classes_derived_from_descriptions() -> None:
    class Nightly(JobDescription):
        KIND = "nightly"
        table = {"a": 1}

        def __init__(self, dct: Any = None) -> None:
            super().__init__(dct or {})
            self.Name = "nightly"

    job = Nightly()
    assert (job.Name, Nightly.KIND, job.table) == ("nightly", "nightly", {"a": 1})
    job.DAG.add_task("t", {"ClusterId": "c", "Parameters": {"Command": {"CommandLine": "x"}}})
    job.Priority = 1
    job.validate()
    assert json.loads(JobDescription(job).dump())["Name"] == "nightly"
