"""Packages: any archive makes only regular files, directories and safe links in the working directory, or an error."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import os
import shutil
import stat
import subprocess
import tarfile
import tempfile
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchcompute.runner import package
from batchcompute.runner.aborting import Aborted
from batchcompute.runner.archive_rules import MAX_DEPTH, MAX_PART, check_link, check_name
from batchcompute.runner.package import PackageError, unpack
from batchcompute.runner.rooted import Root
from batchcompute.runner.tar_bytes import Limits
from batchcompute.utils.functions import do_tar

PLACE = "oss://bucket/worker.tar.gz"
KIB, MIB = 1024, 1024**2

COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": lambda data: gzip.compress(data, 1),
    "bzip2": lambda data: bz2.compress(data, 1),
    "xz": lambda data: lzma.compress(data, preset=0),
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE, preset=0),
}


# -- building archives --------------------------------------------------------------------------


def member(name: str, data: bytes = b"", **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def folder(name: str, mode: int = 0o755) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.DIRTYPE, mode=mode)


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.SYMTYPE, linkname=target)


def hard(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.LNKTYPE, linkname=target)


def tar(*members: tuple[tarfile.TarInfo, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=format) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def head(
    name: bytes = b"x",
    size: bytes = b"00000000000",
    type: bytes = b"0",
    mode: bytes = b"0000644",
    mtime: bytes = b"00000000000",
    magic: bytes = b"ustar\x0000",
    prefix: bytes = b"",
) -> bytes:
    """Return a header whose fields may be anything, with a checksum that is right."""
    block = bytearray(512)
    for at, field in ((0, name), (100, mode), (124, size), (136, mtime), (156, type), (257, magic)):
        block[at : at + len(field)] = field
    block[345 : 345 + len(prefix)] = prefix
    return summed(block)


def summed(block: bytes | bytearray) -> bytes:
    block = bytearray(block)
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


def extension(type: bytes, data: bytes) -> bytes:
    return head(b"extension", b"%011o" % len(data), type) + padded(data)


def record(keyword: bytes, value: bytes) -> bytes:
    rest = b" " + keyword + b"=" + value + b"\n"
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


def pax(*records: bytes, type: bytes = b"x") -> bytes:
    return extension(type, b"".join(records))


END = bytes(1024)


# -- uncompression archives next to files that must not change --------------------------------------


class Ground:
    """A root with the file of a package, a working directory, and files that must not change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.target = folder / "root" / "work"
        self.target.mkdir(parents=True)
        (folder / "root" / "canary").mkdir()
        (folder / "root" / "canary" / "file").write_text("as it was")
        (folder / "canary").write_text("as it was")
        (folder / "root" / "base").mkdir()
        self.root = Root(folder / "root")
        self.peak = -1
        """Bytes of memory that the last package used; -1 not to measure it, which is slow."""

    def unpack(self, data: bytes, name: str = "worker", abort: threading.Event | None = None) -> Path:
        (self.folder / "root" / "base" / "file").write_bytes(data)
        before = self.outside()
        try:
            if self.peak >= 0:
                tracemalloc.start()
            unpack(self.root, ("base", "file"), name, PLACE, ("work",), abort)
        finally:
            if self.peak >= 0:
                self.peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
            assert self.outside() == before
            self.check()
        return self.target

    def outside(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for path in sorted(self.folder.rglob("*")):
            if path.is_relative_to(self.target):
                continue
            what = path.lstat()
            # The times and the number of links of the working directory itself change with its content.
            times = () if path == self.target.parent else (what.st_mtime_ns, what.st_nlink)
            content = path.read_bytes() if path.is_file() else b""
            found[str(path)] = (what.st_mode, what.st_uid, what.st_gid, times, content)
        assert len(found) >= 6
        return found

    def check(self) -> None:
        """Check that only safe files were made."""
        real = self.target.resolve()
        assert stat.S_ISDIR(self.target.lstat().st_mode)
        for base, folders, files in os.walk(self.target):
            for name in [*folders, *files]:
                path = Path(base, name)
                mode = path.lstat().st_mode
                if stat.S_ISLNK(mode):
                    assert not path.readlink().is_absolute()
                    assert Path(os.path.realpath(path)).is_relative_to(real), (path, path.readlink())
                    continue
                assert stat.S_ISREG(mode) or stat.S_ISDIR(mode), (path, oct(mode))
                assert not mode & 0o7022, (path, oct(mode))
                owner = 0o700 if stat.S_ISDIR(mode) else 0o600
                assert mode & owner == owner, (path, oct(mode))
                assert stat.S_ISDIR(mode) or path.lstat().st_nlink == 1, path

    def tree(self) -> dict[str, str]:
        """Return what was unpacked: contents of files, links with an arrow, directories with a slash."""
        found: dict[str, str] = {}
        for path in sorted(self.target.rglob("*")):
            name = path.relative_to(self.target).as_posix()
            if path.is_symlink():
                found[name] = f"-> {path.readlink()}"
            else:
                found[name] = "/" if path.is_dir() else path.read_text("utf-8", "surrogateescape")
        return found


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path)
    yield made
    made.root.close()


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    return lambda **given: monkeypatch.setattr(package, "LIMITS", Limits(**given))


# -- valid archives -----------------------------------------------------------------------------

LONG = "/".join(["directory-中文"] * 20) + "/file"


@pytest.mark.parametrize("compression", COMPRESSORS)
@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_archives_of_all_formats(ground: Ground, compression: str, format: int) -> None:
    deep = "d" * 90 + "/" + "e" * 90
    long = [] if format == tarfile.USTAR_FORMAT else [member(LONG, b"long"), link("l", f"./{LONG}")]
    data = tar(
        member("run.sh", b"echo\n", mode=0o755, mtime=1_500_000_000),
        folder("empty"),
        member(deep, b"x" * 1500),
        link("empty/up", "../run.sh"),
        hard("same", "run.sh"),
        *long,
        format=format,
    )
    ground.unpack(COMPRESSORS[compression](data))
    found = ground.tree()
    expected = {
        "run.sh": "echo\n",
        "same": "echo\n",
        "empty": "/",
        "empty/up": "-> ../run.sh",
        "d" * 90: "/",
        deep: "x" * 1500,
    }
    assert expected.items() <= found.items()
    assert stat.S_IMODE((ground.target / "run.sh").stat().st_mode) == 0o755
    assert (ground.target / "same").stat().st_mtime == (ground.target / "run.sh").stat().st_mtime == 1.5e9
    if long:
        assert (found[LONG], found["l"]) == ("long", f"-> {LONG}")
    else:
        assert len(found) == len(expected)


@pytest.mark.skipif(not shutil.which("tar"), reason="there is no tar")
@pytest.mark.parametrize("format", ["v7", "oldgnu", "gnu", "ustar", "posix"])
def test_archives_of_gnu_tar(ground: Ground, tmp_path: Path, format: str) -> None:
    worker = tmp_path / "worker"
    (worker / "a" / "b").mkdir(parents=True)
    (worker / "a" / "b" / "file").write_text("content")
    (worker / "a" / "hard").hardlink_to(worker / "a" / "b" / "file")
    (worker / "a" / "link").symlink_to("b/file")
    out = subprocess.run(
        ["tar", f"--format={format}", "-C", worker, "-cz", "."], capture_output=True, check=True
    ).stdout
    shutil.rmtree(worker)
    ground.unpack(out)
    expected = {"a": "/", "a/b": "/", "a/b/file": "content", "a/hard": "content", "a/link": "-> b/file"}
    assert ground.tree() == expected


def test_archives_of_do_tar(ground: Ground, tmp_path: Path) -> None:
    worker = tmp_path / "root" / "work" / "worker"
    (worker / "deep").mkdir(parents=True)
    (worker / "deep" / "main.py").write_text("x")
    (worker / "deep" / "main.py").chmod(0o4755)
    (worker / "link").symlink_to("deep/../deep/main.py")
    (worker / "same").hardlink_to(worker / "deep" / "main.py")
    do_tar(str(worker), str(worker / "worker.tar.gz"))
    data = (worker / "worker.tar.gz").read_bytes()
    shutil.rmtree(worker)
    ground.unpack(data)
    assert ground.tree() == {"deep": "/", "deep/main.py": "x", "link": "-> deep/main.py", "same": "x"}


@pytest.mark.parametrize("compression", COMPRESSORS)
@pytest.mark.parametrize("data", [tar(), bytes(512)], ids=["end", "block"])
def test_archives_without_members(ground: Ground, compression: str, data: bytes) -> None:
    ground.unpack(COMPRESSORS[compression](data))
    assert ground.tree() == {}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"#!/bin/sh\n",
        b"x" * 5000,
        bytes(100),
        b"\x1f\x8b",
        b"]\0\0 no lzma",
        gzip.compress(b"no archive", mtime=0),
        bz2.compress(b"x" * 5000),
        lzma.compress(b""),
        tar(member("x"))[:511],
    ],
    ids=range(10),
)
def test_a_file_that_is_not_an_archive_is_copied(ground: Ground, data: bytes) -> None:
    ground.unpack(data, "wor\\ker 中.py")
    copied = ground.target / "wor\\ker 中.py"
    assert copied.read_bytes() == data
    assert stat.S_IMODE(copied.stat().st_mode) == 0o755
    assert [path.name for path in ground.target.iterdir()] == [copied.name]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b", "x" * 300, "\ud800"])
def test_names_that_no_file_can_have(ground: Ground, name: str) -> None:
    with pytest.raises(PackageError, match=PLACE):
        ground.unpack(b"#!/bin/sh\n", name)
    assert ground.tree() == {}


def test_every_archive_of_tarfile_is_an_archive(ground: Ground, tmp_path: Path) -> None:
    signed = bytearray(head("\xff".encode("latin-1") * 50))
    signed[148:156] = b"%06o\0 " % (sum(signed[:148]) + sum(signed[156:]) + 256 - 256 * 50)
    samples = [
        pack(data) for pack in COMPRESSORS.values() for data in (tar(), tar(member("x")), bytes(512) + b"x")
    ]
    samples += [bytes(signed), head(b"old/", magic=b""), gzip.compress(b"") + gzip.compress(tar())]
    for number, data in enumerate(samples):
        (tmp_path / "sample").write_bytes(data)
        assert tarfile.is_tarfile(tmp_path / "sample")
        ground.unpack(data, f"copied-{number}")
    (tmp_path / "sample").unlink()
    assert not [name for name in ground.tree() if name.startswith("copied")]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("./x", "x"),
        ("a//b", "a/b"),
        ("./a/./b", "a/b"),
        ("a\\..\\b", "a\\..\\b"),
        ("C:x", "C:x"),
        ("..x", "..x"),
        (" ", " "),
        ("-rf\n", "-rf\n"),
        ("中", "中"),
        ("\udcff\udc80", "\udcff\udc80"),
        ("x" * MAX_PART, "x" * MAX_PART),
        ("a/" * (MAX_DEPTH - 1) + "f", "a/" * (MAX_DEPTH - 1) + "f"),
    ],
)
@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_valid_names(ground: Ground, name: str, made: str, format: int) -> None:
    ground.unpack(tar(member(name, b"content"), format=format))
    assert (ground.target / made).read_bytes() == b"content"


def test_the_directory_itself_may_be_a_member(ground: Ground) -> None:
    ground.target.chmod(0o700)
    ground.unpack(tar(folder("./", 0o777), folder("."), member("./x")))
    assert ground.tree() == {"x": ""}
    assert stat.S_IMODE(ground.target.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("given", "file", "directory"),
    [
        (0o644, 0o644, 0o744),
        (0o755, 0o755, 0o755),
        (0o000, 0o600, 0o700),
        (0o777, 0o755, 0o755),
        (0o7777, 0o755, 0o755),
        (0o4755, 0o755, 0o755),
        (0o2750, 0o750, 0o750),
        (0o1666, 0o644, 0o744),
        (0o100, 0o700, 0o700),
    ],
)
def test_modes(ground: Ground, given: int, file: int, directory: int) -> None:
    ground.unpack(tar(folder("d", given), member("d/f", mode=given), hard("d/h", "d/f")))
    modes = [stat.S_IMODE((ground.target / name).stat().st_mode) for name in ("d", "d/f", "d/h")]
    assert modes == [directory, file, file]


def test_times(ground: Ground) -> None:
    now = int(ground.target.stat().st_mtime) - 10
    # A pax header, its record and the header of the file: without the end marker.
    data = tar(member("pax", mtime=1234.5))[: 512 * 3]
    data += head(b"old", mtime=b"%011o" % 1000)
    data += head(b"no-number", mtime=b"tomorrow")
    data += head(b"negative", mtime=b"\xff" * 12)
    data += head(b"far", mtime=b"\x80" + b"\x7f" * 11)
    data += pax(record(b"mtime", b"-5")) + head(b"before")
    data += pax(record(b"mtime", b"1e400")) + head(b"odd")
    data += pax(record(b"mtime", b"9" * 12)) + head(b"late")
    data += pax(record(b"mtime", b"77.123456789123"), type=b"g") + head(b"shared")
    data += pax(record(b"mtime", b"")) + head(b"own")
    ground.unpack(data + END)
    times = {path.name: path.stat().st_mtime_ns for path in ground.target.iterdir()}
    assert (times["pax"], times["old"]) == (1234_500_000_000, 1000 * 10**9)
    assert times["shared"] == times["own"] == 77_123_456_789
    for name in ("no-number", "negative", "far", "before", "odd", "late"):
        assert times[name] > now * 10**9, name


def test_later_members_replace_earlier_ones(ground: Ground) -> None:
    ground.unpack(
        tar(
            member("file", b"long and old", mode=0o755),
            member("file", b"new"),
            member("was-file", b"old"),
            link("was-file", "file"),
            link("was-link", "file"),
            member("was-link", b"new"),
            link("link", "file"),
            link("link", "was-link"),
            hard("was-link", "file"),
            hard("file", "./file"),
            member("d/x"),
            folder("d", 0o700),
        )
    )
    assert ground.tree() == {
        "file": "new",
        "was-file": "-> file",
        "was-link": "new",
        "link": "-> was-link",
        "d": "/",
        "d/x": "",
    }
    assert stat.S_IMODE((ground.target / "file").stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("name", "target", "made"),
    [
        ("l", ".", "."),
        ("l", "./a//b/", "a/b"),
        ("l", "a/../b", "b"),
        ("l", "l", "l"),
        ("d/l", "..", ".."),
        ("d/l", "../d/../x", "../x"),
        ("d/e/l", "../../x", "../../x"),
        ("l", "中\udcff\\..", "中\udcff\\.."),
    ],
)
def test_valid_links(ground: Ground, name: str, target: str, made: str) -> None:
    ground.unpack(tar(link(name, target)))
    assert str((ground.target / name).readlink()) == made


# -- refused archives ---------------------------------------------------------------------------

HUGE = b"%011o" % (2**30)
REFUSED: dict[str, tuple[bytes, str]] = {
    # Names.
    "absolute": (tar(member("/etc/x")), r"member '/etc/x': the name is absolute"),
    "absolute by two slashes": (tar(member("//x")), "the name is absolute"),
    "up": (tar(member("../x")), r"member '\.\./x': the name contains '\.\.'"),
    "up in the middle": (tar(member("a/../b")), r"the name contains '\.\.'"),
    "up at the end": (tar(folder("a/..")), r"the name contains '\.\.'"),
    "empty": (head(b"") + END, "the name is empty"),
    "empty directory": (head(b"", type=b"5") + END, "the name is empty"),
    "itself as a file": (tar(member(".", b"x")), "that of the working directory itself"),
    "itself as a link": (tar(link("./", "x")), "that of the working directory itself"),
    "itself as a hard link": (tar(member("x"), hard("./.", "x")), "that of the working directory itself"),
    "NUL": (pax(record(b"path", b"a\0b")) + head() + END, r"member 'a\\x00b': the name contains a NUL"),
    "long": (tar(member("a/" * 2048 + "x")), "the name is longer than 4095 bytes"),
    "long by its bytes": (tar(member("中/" * 1200 + "x")), "the name is longer than 4095 bytes"),
    "long part": (tar(member("x" * 256)), "a part of the name is longer than 255 bytes"),
    "long part by its bytes": (tar(member("中" * 100)), "a part of the name is longer than 255 bytes"),
    "deep": (tar(member("a/" * 100 + "x")), "more than 100 parts"),
    "by the prefix": (head(b"x", prefix=b"/etc") + END, "member '/etc/x': the name is absolute"),
    "by a GNU name": (extension(b"L", b"../x\0") + head() + END, r"the name contains '\.\.'"),
    "by a pax name": (pax(record(b"path", b"/x")) + head() + END, "the name is absolute"),
    # Types.
    "character device": (tar(member("x", type=tarfile.CHRTYPE, devmajor=1, devminor=3)), "character device"),
    "block device": (tar(member("x", type=tarfile.BLKTYPE)), "a block device"),
    "pipe": (tar(member("x", type=tarfile.FIFOTYPE)), "member 'x': it is a pipe; only regular files"),
    "unknown type": (head(type=b"Z") + END, "of the unknown type b'Z'"),
    "volume label": (head(type=b"V") + END, "of the unknown type b'V'"),
    "old sparse file": (head(type=b"S", size=HUGE) + END, "a sparse file"),
    "sparse file 0.1": (pax(record(b"GNU.sparse.map", b"0,1")) + head() + END, "member 'x': it is a sparse"),
    "sparse file 1.0": (
        pax(record(b"GNU.sparse.major", b"1"), record(b"GNU.sparse.name", b"/x")) + head() + END,
        "it is a sparse file",
    ),
    # Symbolic links.
    "link to the root": (tar(link("x", "/")), "the link points to an absolute path: '/'"),
    "link up": (tar(link("x", "..")), r"member 'x': the link points outside of the package: '\.\.'"),
    "link up from inside": (tar(link("a/b/x", "../../../y")), "the link points outside of the package"),
    "link up behind a name": (tar(link("x", "a/../../y")), "the link points outside of the package"),
    "link to nothing": (head(type=b"2") + END, "the link points to an empty path"),
    "link to a NUL": (pax(record(b"linkpath", b"a\0")) + head(type=b"2") + END, "contains a NUL"),
    "link to a long path": (tar(link("x", "a/" * 2048)), "the link points to is longer than"),
    "through a link": (
        tar(folder("d"), link("l", "d"), member("l/x", b"x")),
        "member 'l/x': its path contains the link 'l'",
    ),
    "through a link to itself": (tar(link("a", "."), link("a/b", "..")), "contains the link 'a'"),
    "directory through a link": (tar(link("a", "."), folder("a/b")), "contains the link 'a'"),
    "through a link inside": (
        tar(folder("a/b/c"), link("a/l", "b"), hard("a/l/c/x", "y")),
        "contains the link 'a/l'",
    ),
    "through a file": (tar(member("f"), member("f/x")), "'f' is not a directory"),
    "directory in place of a link": (tar(link("l", "d"), folder("l")), "contains the link 'l'"),
    "directory in place of a file": (tar(member("f"), folder("f")), "'f' is not a directory"),
    "file in place of a directory": (tar(folder("d"), member("d", b"x")), "a directory of that name"),
    "link in place of a directory": (tar(member("d/x"), link("d", "e")), "a directory of that name"),
    "hard link in place of a directory": (
        tar(member("f"), folder("d"), hard("d", "f")),
        "a directory of that name",
    ),
    # Hard links.
    "hard link outside": (tar(hard("x", "../canary/file")), r"a hard link to '\.\./canary/file': the name"),
    "hard link to an absolute path": (tar(hard("x", "/etc/passwd")), "a hard link to '/etc/passwd': the name"),
    "hard link to what comes later": (tar(hard("x", "y"), member("y")), "not a file before it"),
    "hard link to a directory": (tar(folder("d"), hard("x", "d")), "not a file before it"),
    "hard link to the directory itself": (tar(hard("x", ".")), "not a file before it"),
    "hard link to a link": (tar(member("f"), link("l", "f"), hard("x", "l")), "not a file before it"),
    "hard link to what became a link": (
        tar(member("f"), member("g"), link("f", "g"), hard("x", "f")),
        "not a file before it",
    ),
    "hard link through a link": (
        tar(member("d/f"), link("l", "d"), hard("x", "l/f")),
        "not a file before it",
    ),
    "hard link to itself": (tar(hard("x", "x")), "not a file before it"),
    # Sizes and headers.
    "negative size": (head(b"x") + head(size=b"\xff" * 12) + END, "after 1 entries: the size in a header is"),
    "absurd size": (head(size=b"\x80" + b"\xff" * 11) + END, "member 'x': it would unpack to more than 68,719,476,736 bytes"),
    "absurd pax size": (pax(record(b"size", b"9" * 20)) + head() + END, "member 'x': it would unpack to more than"),
    "negative pax size": (pax(record(b"size", b"-1")) + head() + END, "member 'x': the pax record 'size' is"),
    "size that is no number": (head(b"x") + head(size=b"12345678") + END, "the size in a header is not a number"),
    "mode that is no number": (head(mode=b"rwxr-xr") + END, "member 'x': the mode in a header is not a number"),
    "directory with content": (head(b"d/", b"00000000005") + padded(b"hello") + END, "its name is that of a directory"),
    "large name": (head(type=b"L", size=HUGE) + END, "an extension header has more than 1,048,576 bytes"),
    "large link": (head(type=b"K", size=HUGE) + END, "an extension header has more than"),
    "large pax header": (head(type=b"x", size=HUGE) + END, "an extension header has more than"),
    "many pax headers": (pax(record(b"comment", b"x")) * 9 + head() + END, "more than 8 extension headers"),
    "many global headers": (pax(record(b"comment", b"x"), type=b"g") * 20 + END, "more than 8 extension"),
    "global name": (pax(record(b"path", b"x"), type=b"g") + head() + END, "global pax header sets 'path'"),
    "global size": (pax(record(b"size", b"9"), type=b"g") + head() + END, "global pax header sets 'size'"),
    "nothing behind a pax header": (pax(record(b"path", b"x")) + END, "ends where a member is announced"),
    "pax record of no length": (pax(b"0 path=x\n") + head() + END, "a pax record is damaged"),
    "pax record of a wrong length": (pax(b"99 path=x\n") + head() + END, "a pax record is damaged"),
    "pax record of a short length": (pax(b"3 path=x\n") + head() + END, "a pax record is damaged"),
    "pax record without a value": (pax(b"7 path\n") + head() + END, "a pax record is damaged"),
    "pax record without a length": (pax(b"path=x\n") + head() + END, "a pax record is damaged"),
    "damaged header": (head() + b"x" * 512, "after 1 entries: a header is damaged"),
    "end in a header": (head() + head()[:100], "it ends in a header"),
    "end in the content": (head(size=b"00000002000") + b"x" * 600, "member 'x': the archive ends in the mid"),
    "end in the padding": (head(size=b"00000000005") + b"hello", "it ends in the middle of a member"),
    "end in a name": (head(type=b"L", size=b"00000002000") + b"x" * 600, "it ends in the middle of a member"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_archives(ground: Ground, case: str) -> None:
    data, rule = REFUSED[case]
    with pytest.raises(PackageError, match=rule) as caught:
        ground.unpack(data)
    assert str(caught.value).startswith(f"The package {PLACE} cannot be unpacked: ")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("compression", COMPRESSORS)
def test_refused_archives_are_refused_compressed(ground: Ground, compression: str) -> None:
    for case in ("absolute", "link to the root", "through a link", "pipe", "hard link outside"):
        with pytest.raises(PackageError, match=REFUSED[case][1]):
            Ground(Path(tempfile.mkdtemp(dir=ground.folder.parent))).unpack(
                COMPRESSORS[compression](REFUSED[case][0])
            )


def test_a_chain_of_links_stays_inside(ground: Ground) -> None:
    # Each link is valid alone. Unless the last one is normalised, it points to the parent directory.
    ground.unpack(tar(folder("d/e"), link("d/e/top", "../.."), link("out", "d/e/top/.."), link("l", "out")))
    assert os.path.realpath(ground.target / "l") == str((ground.target / "d" / "e").resolve())
    with pytest.raises(PackageError, match="points outside"):
        ground.unpack(tar(link("d/e/top", "../.."), link("d/x", "../d/e/top/../../../..")))


def test_setuid_bits_and_owners_are_not_unpacked(ground: Ground) -> None:
    ground.unpack(tar(member("x", mode=0o6755, uid=12345, gid=12345, uname="nobody")))
    found = (ground.target / "x").stat()
    assert (found.st_mode & 0o7777, found.st_uid, found.st_gid) == (0o755, os.getuid(), os.getgid())


def test_rules_for_texts_that_no_archive_contains() -> None:
    for name in ("\ud800", "a/\udfff"):
        with pytest.raises(ValueError, match="cannot be encoded"):
            check_name(name)
        with pytest.raises(ValueError, match="cannot be encoded"):
            check_link(("x",), name)


# -- limits -------------------------------------------------------------------------------------


def test_the_number_of_entries(ground: Ground, limits: Callable[..., None]) -> None:
    limits(entries=10)
    ground.unpack(tar(*[member(f"{number}") for number in range(10)]))
    ground.unpack(tar(*[member("d/f") for _ in range(9)]))
    ground.unpack(tar(*[folder("d") for _ in range(10)]))
    for members in (
        [member(f"{number}") for number in range(11)],
        [member("same")] * 11,
        [folder("d")] * 11,
        [member("e/" * 10 + "x")],
        [link("l", "x")] * 11,
    ):
        with pytest.raises(PackageError, match="the package has more than 10 entries"):
            ground.unpack(tar(*members))


@pytest.mark.parametrize("compression", COMPRESSORS)
def test_the_size_is_counted_while_it_is_written(
    ground: Ground, limits: Callable[..., None], compression: str
) -> None:
    limits(size=MIB)
    data = COMPRESSORS[compression](tar(*[member(f"{number}", bytes(300 * KIB)) for number in range(5)]))
    with pytest.raises(PackageError, match="member '3': it would unpack to more than 1,048,576 bytes"):
        ground.unpack(data)
    assert sum(path.stat().st_size for path in ground.target.iterdir()) <= MIB


def test_copies_for_hard_links_are_counted(ground: Ground, limits: Callable[..., None]) -> None:
    limits(size=MIB)
    data = tar(member("f", bytes(300 * KIB)), *[hard(f"h{number}", "f") for number in range(5)])
    with pytest.raises(PackageError, match="member 'h2': it would unpack to more than 1,048,576 bytes"):
        ground.unpack(data)
    assert sum(path.stat().st_size for path in ground.target.iterdir()) <= MIB


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "xz", "lzma"])
def test_the_ratio(ground: Ground, limits: Callable[..., None], compression: str) -> None:
    limits(small=2 * MIB, ratio=20)
    ground.unpack(COMPRESSORS[compression](tar(member("small", bytes(MIB)))))
    with pytest.raises(PackageError, match="it would unpack to more than 20 times its own size"):
        ground.unpack(COMPRESSORS[compression](tar(member("large", bytes(4 * MIB)))))
    # An archive of the same size that does not compress well is valid.
    ground.unpack(COMPRESSORS[compression](tar(member("real", os.urandom(3 * MIB)))))


def test_an_archive_with_data_behind_its_end(ground: Ground, limits: Callable[..., None]) -> None:
    limits(small=2 * MIB, ratio=20)
    # Only as much is read there as a checksum needs.
    ground.unpack(gzip.compress(tar(member("x", b"x")) + bytes(16 * MIB), 1))
    assert ground.tree() == {"x": "x"}


BOMB = 70 * MIB


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "xz"])
@pytest.mark.parametrize(
    ("type", "rule"),
    [
        (b"0", "more than 1,000 times its own size"),
        (b"x", "an extension header has more than"),
        (b"L", "an extension header has more than"),
        (b"V", "unknown type"),
    ],
)
def test_bombs_take_little_memory(ground: Ground, compression: str, type: bytes, rule: str) -> None:
    packer: Any = {
        "gzip": lambda: zlib.compressobj(9, wbits=31),
        "bzip2": lambda: bz2.BZ2Compressor(9),
        "xz": lambda: lzma.LZMACompressor(preset=1),
    }[compression]()
    bomb = packer.compress(head(type=type, size=b"%011o" % BOMB))
    for _ in range(BOMB // MIB):
        bomb += packer.compress(bytes(MIB))
    bomb += packer.flush()
    assert len(bomb) < BOMB / 900
    ground.peak = 0
    with pytest.raises(PackageError, match=rule):
        ground.unpack(bomb)
    assert 0 < ground.peak < 7 * MIB


def test_a_large_name_takes_little_memory(ground: Ground) -> None:
    name = b"x" * (MIB - 20)
    ground.peak = 0
    for data in (extension(b"L", name), pax(record(b"path", name)), extension(b"K", name)):
        with pytest.raises(PackageError, match="is longer than 4095 bytes") as caught:
            ground.unpack(gzip.compress(data + head(type=b"2") + END, 1))
        assert 0 < ground.peak < 9 * MIB
        assert len(str(caught.value)) < 400


@pytest.mark.long
def test_many_members_take_little_memory(ground: Ground) -> None:
    # Names of 5 MiB in all, which are not kept.
    data = gzip.compress(
        tar(*[link(f"{'x' * 200}/{number}", ("y" * 240 + "/") * 12) for number in range(2000)]), 1
    )
    ground.peak = 0
    ground.unpack(data)
    assert 0 < ground.peak < 3 * MIB


def test_the_number_of_pax_records(ground: Ground, limits: Callable[..., None]) -> None:
    limits(records=1000)
    many = pax(*[record(b"a", b"")] * 900)
    ground.unpack(many + head(b"x") + END)
    with pytest.raises(PackageError, match="after 1 entries: it has more than 1,000 pax records"):
        ground.unpack(many + head(b"x") + many + head(b"y") + END)
    assert ground.tree() == {"x": ""}


def test_a_large_dictionary_is_refused(ground: Ground) -> None:
    packed = bytearray(lzma.compress(tar(member("x")), preset=0))
    # The header of the first block: its size, flags, the filter LZMA2, the size of its one property.
    assert packed[12:16] == bytes([2, 0, 0x21, 1])
    packed[16] = 40
    packed[20:24] = zlib.crc32(packed[12:20]).to_bytes(4, "little")
    ground.peak = 0
    with pytest.raises(PackageError, match="its xz data cannot be decompressed: Memory usage limit"):
        ground.unpack(bytes(packed))
    assert 0 < ground.peak < 2 * MIB
    # A file that may have another format is not an archive.
    packed = bytearray(COMPRESSORS["lzma"](tar(member("x"))))
    packed[1:5] = (2**30).to_bytes(4, "little")
    ground.unpack(bytes(packed))
    # A file is copied in chunks.
    assert 0 < ground.peak < 20 * MIB
    assert (ground.target / "worker").read_bytes() == packed


# -- compressed streams -------------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "xz", "lzma"])
def test_streams_in_a_row(ground: Ground, limits: Callable[..., None], compression: str) -> None:
    pack, data = COMPRESSORS[compression], tar(member("x", b"x" * 5000), member("y", b"y"))
    pieces = [data[at : at + 700] for at in range(0, len(data), 700)]
    joined = b"".join(pack(piece) for piece in pieces)
    # A stream may be empty, zeros may be between streams, and other bytes after them are ignored.
    ground.unpack(pack(b"") + joined + bytes(8) + b"something else")
    assert ground.tree() == {"x": "x" * 5000, "y": "y"}
    if compression != "lzma":
        ground.unpack(bytes(8).join([pack(piece) for piece in pieces]))
    limits(streams=len(pieces) - 1)
    with pytest.raises(PackageError, match="compressed streams"):
        ground.unpack(joined)


@pytest.mark.parametrize("compression", ["gzip", "bzip2", "xz"])
def test_compressed_data_that_is_damaged(ground: Ground, compression: str) -> None:
    data = COMPRESSORS[compression](tar(member("x", os.urandom(100 * KIB))))
    for broken in (data[:-3], data[: len(data) // 2], data[:20]):
        with pytest.raises(PackageError, match=f"its {compression} data ends in the middle"):
            ground.unpack(broken)
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 255
    with pytest.raises(
        PackageError, match=f"its {compression} data cannot be decompressed|a header is damaged"
    ):
        ground.unpack(bytes(flipped))


def test_a_damaged_archive_is_an_error_and_not_a_plain_file(ground: Ground) -> None:
    # All of a block of bzip2 depends on each of its bytes, and its checksum comes last.
    data = bytearray(bz2.compress(tar(member("x", os.urandom(600 * KIB))), 9))
    data[len(data) // 2] ^= 255
    with pytest.raises(PackageError, match="its bzip2 data cannot be decompressed"):
        ground.unpack(bytes(data))
    assert ground.tree() == {}


def test_a_checksum_is_compared(ground: Ground) -> None:
    data = bytearray(gzip.compress(tar(member("x", b"x"))))
    data[-6] ^= 1
    with pytest.raises(PackageError, match="its gzip data cannot be decompressed: .*check"):
        ground.unpack(bytes(data))


# -- headers ------------------------------------------------------------------------------------


def test_headers_of_all_sorts(ground: Ground) -> None:
    data = head(b"v7", b"       1 \0", magic=b"", mode=b"   755 \0") + padded(b"7")
    data += head(b"v7-folder/", type=b"\0", magic=b"", mode=b"")
    data += head(b"gnu", b"\x80" + bytes(10) + b"\x03", type=b"7", magic=b"ustar  \0", prefix=b"atime")
    data += padded(b"gnu")
    data += head(b"posix", prefix=b"first")
    # An empty record cancels an earlier one; of two records, the last one counts.
    data += pax(record(b"path", b"no"), record(b"path", b""), record(b"SCHILY.xattr.a", b"\n=\0")) + head(
        b"field"
    )
    data += (
        pax(record(b"path", b"no"), record(b"path", b"pax"), record(b"size", b"3")) + head() + padded(b"pax")
    )
    data += extension(b"L", b"name\0ignored") + extension(b"K", b"posix\0") + head(type=b"2")
    data += extension(b"x", record(b"path", b"quiet") + bytes(3)) + head()
    # A directory and links have no content, whatever their size field says.
    data += head(b"sized", b"00000001000", type=b"5")
    data += pax(record(b"comment", b"x" * 40), type=b"g") + head(b"last")
    ground.unpack(data)
    assert ground.tree() == {
        "v7": "7",
        "v7-folder": "/",
        "gnu": "gnu",
        "first": "/",
        "first/posix": "",
        "field": "",
        "pax": "pax",
        "name": "-> posix",
        "quiet": "",
        "sized": "/",
        "last": "",
    }
    assert stat.S_IMODE((ground.target / "v7").stat().st_mode) == 0o755


# -- errors of the machine, and aborts ----------------------------------------------------------


class Later(threading.Event):
    """Is set at the n-th check."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def is_set(self) -> bool:
        self.looks -= 1
        return self.looks < 0


@pytest.mark.parametrize("compression", COMPRESSORS)
def test_uncompression_can_be_aborted(ground: Ground, compression: str) -> None:
    data = COMPRESSORS[compression](tar(member("x", os.urandom(2 * MIB)), hard("y", "x"), member("z")))
    for looks in (0, 6):
        with pytest.raises(Aborted):
            ground.unpack(data, abort=Later(looks))
        assert not (ground.target / "z").exists()
    with pytest.raises(Aborted):
        ground.unpack(b"#!/bin/sh\n", abort=Later(1))
    # Members without content take time, too.
    shutil.rmtree(ground.target)
    with pytest.raises(Aborted):
        ground.unpack(tar(*[member(f"{number}") for number in range(100)]), abort=Later(50))
    assert 0 < len(ground.tree()) < 100


@pytest.mark.parametrize(
    "method", ["new_file", "make_folder", "chmod", "link", "unlink", "open_file", "lstat"]
)
def test_a_machine_short_of_resources_is_not_an_error_of_the_package(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    data = tar(
        folder("d"),
        member("d/f", b"1"),
        link("l", "d"),
        hard("h", "d/f"),
        member("d/f", b"2"),
        link("d/f", "g"),
    )
    real = getattr(Root, method)
    calls, failing, number = 0, 0, 0

    def fails(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise OSError(number, os.strerror(number), "name")
        return real(*args, **kwargs)

    monkeypatch.setattr(Root, method, fails)
    ground.unpack(data)
    whole, expected = calls, ground.tree()
    assert whole
    for at in range(1, whole + 1):
        # Again into the same directory, which has some of the files already.
        calls, failing, number = 0, at, errno.EMFILE
        with pytest.raises(OSError) as caught:
            ground.unpack(data)
        assert caught.value.errno == errno.EMFILE
        calls, number = 0, errno.EROFS
        with pytest.raises(PackageError, match=f"{PLACE} .*Read-only file system"):
            ground.unpack(data)
        failing = 0
        ground.unpack(data)
        assert ground.tree() == expected


def test_a_package_that_is_not_a_file(ground: Ground) -> None:
    for parts, rule in ((("base",), "a directory, and not a regular file"), (("none",), "No such file")):
        with pytest.raises(PackageError, match=f"{PLACE} .*{rule}"):
            unpack(ground.root, parts, "x", PLACE, ("work",))


# -- random archives ----------------------------------------------------------------------------

PART = st.sampled_from(["a", "a", "b", "b", "c", "a/b", "a/b/c", ".", "", "..", "canary", "file", "\udcff"])
NAME = st.one_of(
    st.lists(PART, min_size=1, max_size=3).map("/".join), st.sampled_from(["a", "a/b", "a/b/c", "b", "b/c"])
)
TARGET = st.one_of(
    st.lists(st.sampled_from(["a", "b", "c", "..", "..", ".", "canary"]), min_size=1, max_size=6).map(
        "/".join
    ),
    st.sampled_from(["/", "/etc/passwd", "", "..", "../canary/file", "../../canary", "a/../../canary"]),
    # Each of these is valid somewhere, and points outside together with others.
    st.sampled_from(["../..", "..", ".", "a/..", "a/b/..", "a/b/c/..", "b/..", "c/.."]),
)
# Most values are valid, because the first invalid member ends an archive.
TYPE = st.sampled_from(
    [b"0", b"0", b"0", b"5", b"5", b"2", b"2", b"2", b"1", b"1", b"\0", b"7", b"3", b"6", b"Z"]
)


@st.composite
def members(draw: st.DrawFn) -> tuple[tarfile.TarInfo, bytes]:
    type = draw(TYPE)
    data = draw(st.binary(max_size=20)) if type in b"07" else b""
    return member(
        draw(NAME), data, type=type, linkname=draw(TARGET), mode=draw(st.integers(0, 0o7777)),
        mtime=draw(st.sampled_from([0, -1, 10**9, 2**40])), devmajor=1, devminor=3,
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(members(), max_size=12), st.sampled_from(sorted(COMPRESSORS)), st.sampled_from([0, 1, 2]))
def test_any_archive(given: list[tuple[tarfile.TarInfo, bytes]], compression: str, format: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(Path(folder))
        try:
            # Also each member alone, in the same directory: then an invalid member does not end the archive.
            for data in [tar(*given, format=max(1, format)), *[tar(one, format=2) for one in given]]:
                try:
                    ground.unpack(COMPRESSORS[compression](data))
                except PackageError as error:
                    assert PLACE in str(error)
        finally:
            ground.root.close()


BASE = [
    tar(member("d/f", b"x" * 700, mode=0o755), link("d/l", "../d/f"), hard("h", "d/f"), folder("e")),
    tar(member(LONG, b"x"), link("l", LONG), format=tarfile.GNU_FORMAT),
    tar(member(LONG, b"x", mtime=1.5), link("l", LONG), member("y", b"y")),
]
SAMPLES = [*BASE * 6, *[pack(data) for data in BASE for pack in COMPRESSORS.values()]]


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_any_bytes(data: st.DataObject) -> None:
    sample = bytearray(data.draw(st.sampled_from(SAMPLES)))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(sample) - 1))
        if data.draw(st.booleans()):
            # Headers come first, and are the interesting part.
            at %= 512
        piece = data.draw(st.binary(max_size=12))
        # Mostly, the following bytes keep their position.
        sample[at : at + data.draw(st.sampled_from([len(piece), len(piece), len(piece), 0, 2]))] = piece
        if not sample:
            break
    del sample[data.draw(st.integers(0, 2 * len(sample))) :]
    if data.draw(st.booleans()):
        # Without a correct checksum, almost every change ends at the first header.
        for at in range(0, len(sample) - 511, 512):
            if sample[at + 257 : at + 262] == b"ustar":
                sample[at : at + 512] = summed(sample[at : at + 512])
    with tempfile.TemporaryDirectory() as folder:
        ground = Ground(Path(folder))
        try:
            ground.unpack(bytes(sample))
        except PackageError as error:
            assert PLACE in str(error)
        finally:
            ground.root.close()
