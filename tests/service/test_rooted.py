"""`Root`: no link below a root is followed, and no file outside of it is changed."""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchcompute import ConfigError
from batchcompute.runner import copying
from batchcompute.runner.rooted import NotRegular, OutsideRoot, Root
from batchcompute.service import LocalService
from batchcompute.service.data_directory import private_directory

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs descriptors of directories")


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return modes and contents of all files below a directory."""
    found: dict[str, tuple[int, bytes]] = {".": (folder.lstat().st_mode, b"")}
    for path in folder.rglob("*"):
        mode = path.lstat().st_mode
        found[str(path.relative_to(folder))] = (mode, path.read_bytes() if stat.S_ISREG(mode) else b"")
    return found


NAMES = st.sampled_from(
    ["a", "b", "c", "..", ".", "", "a/b", "../canary", "/", "a\0", "link", "up", "abs", "fifo"]
)
PARTS = st.lists(NAMES, min_size=1, max_size=4)
ACTIONS = st.sampled_from(
    ["make_folder", "new_folder", "new_file", "read", "unlink", "remove", "remove_folder", "chmod", "rename", "link", "walk", "own"]
)  # fmt: skip


def plant(root: Path, canary: Path) -> None:
    """Make files that a hostile program could have left."""
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "b" / "c").write_text("c")
    (root / "link").symlink_to(canary)
    (root / "a" / "link").symlink_to("../../canary")
    (root / "up").symlink_to("..")
    (root / "abs").symlink_to("/")
    (root / "b").symlink_to(canary / "file")
    os.link(canary / "hard", root / "c")
    os.mkfifo(root / "fifo")


def act(root: Root, action: str, parts: list[str], target: list[str]) -> None:
    if action == "new_file":
        os.close(root.new_file(parts))
    elif action == "read":
        root.read(parts, 100)
    elif action == "chmod":
        root.chmod(parts, 0o777)
    elif action == "rename":
        root.rename(parts, root, target, make=0o700)
    elif action == "link":
        root.link(Path("/anywhere"), parts)
    elif action == "walk":
        list(root.walk(parts))
    elif action == "own":
        copying.chown_tree(root, parts, 1, 1)
    else:
        getattr(root, action)(parts)


@given(st.lists(st.tuples(ACTIONS, PARTS, PARTS), min_size=1, max_size=6))
@settings(max_examples=150, deadline=None)
def test_no_sequence_of_actions_leaves_the_root(actions: list[tuple[str, list[str], list[str]]]) -> None:
    base = Path(tempfile.mkdtemp(prefix="rooted-"))
    try:
        canary = base / "canary"
        canary.mkdir(mode=0o750)
        (canary / "file").write_text("alive")
        (canary / "hard").write_text("another name")
        (base / "root").mkdir()
        plant(base / "root", canary)
        owner = canary.stat().st_uid
        before = snapshot(canary)
        before.pop("hard")
        root = Root(base / "root")
        try:
            for action, parts, target in actions:
                try:
                    act(root, action, parts, target)
                except OSError:
                    # The action is refused, or the file does not exist.
                    continue
        finally:
            root.close()
        after = snapshot(canary)
        # A hard link is the file itself. Its mode may change; its content and its name outside of the root may not.
        assert after.pop("hard")[1] == b"another name"
        assert after == before
        assert canary.stat().st_uid == owner
        assert (base / "root").is_dir()
    finally:
        shutil.rmtree(base)


def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    root = Root(tmp_path)
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "file").write_text("x" * 100)
    (tmp_path / "folder").mkdir()
    names = ["fifo", "link", "folder"]
    if os.geteuid() == 0:
        os.mknod(tmp_path / "device", stat.S_IFCHR | 0o600, os.makedev(1, 5))
        names.append("device")
    for name in names:
        with pytest.raises(NotRegular):
            root.read((name,), 10)
    assert root.read(("file",), 10) == b"x" * 10
    assert len(root.read(("file",), 1000, tail=True)) == 100
    # A new file replaces all of them but directories.
    for name in ("fifo", "link"):
        os.close(root.new_file((name,)))
        assert stat.S_ISREG((tmp_path / name).lstat().st_mode)
    assert (tmp_path / "file").read_text() == "x" * 100
    with pytest.raises(IsADirectoryError):
        root.new_file(("folder",))
    with pytest.raises(OutsideRoot):
        root.read(("..", "x"), 1)
    root.close()


def test_directories_of_any_depth_and_mode_are_removed(tmp_path: Path) -> None:
    root = Root(tmp_path)
    (tmp_path / "deep").mkdir()
    here = os.open(tmp_path / "deep", os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d" * 50, dir_fd=here)
        inner = os.open("d" * 50, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    (tmp_path / "deep" / "locked").mkdir()
    (tmp_path / "deep" / "locked" / "x").write_text("x")
    (tmp_path / "deep" / "locked").chmod(0)
    root.remove(("deep",))
    assert list(tmp_path.iterdir()) == []
    root.close()


@pytest.mark.parametrize("kind", ["link", "file", "open", "foreign"])
def test_a_work_directory_that_another_user_has_made_is_refused(tmp_path: Path, kind: str) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    with LocalService(tmp_path / "data", work_dir=shared) as service:
        name = f"batchcompute-{service._parts.store.id}"
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "file").write_text("alive")
    planted = shared / name
    if kind == "link":
        planted.symlink_to(victim)
    elif kind == "file":
        planted.write_text("x")
    else:
        planted.mkdir()
        planted.chmod(0o777)
    if kind == "foreign":
        if os.geteuid() != 0:
            pytest.skip("only root can make files of others")
        planted.chmod(0o700)
        os.chown(planted, 12345, 12345)
    with pytest.raises(ConfigError, match="remove it, or name another directory"):
        LocalService(tmp_path / "data", work_dir=shared)
    assert (victim / "file").read_text() == "alive"


def test_a_private_directory(tmp_path: Path) -> None:
    folder = private_directory(tmp_path / "new" / "own")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert private_directory(folder) == folder


def test_a_file_is_made_while_its_directory_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process removes the directory several times while a file is made in it."""
    root = Root(tmp_path)
    removed: list[int] = []
    real = os.open

    def removing(name: Any, flags: int, *args: Any, **rest: Any) -> int:
        if name == "file" and len(removed) < 5:
            removed.append(1)
            shutil.rmtree(tmp_path / "folder")
        return real(name, flags, *args, **rest)

    monkeypatch.setattr(os, "open", removing)
    os.close(root.new_file(("folder", "file")))
    assert len(removed) == 5
    assert (tmp_path / "folder" / "file").exists()
    root.close()
