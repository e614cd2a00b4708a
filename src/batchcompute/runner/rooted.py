"""Files below a root directory, opened by descriptor and never through a link."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from batchcompute.runner.descriptors import (
    CREATE,
    OPEN_FOLDER,
    RACES,
    NotRegular,
    OutsideRoot,
    Parts,
    check_parts,
    chmod,
    empty,
    open_regular,
    remove_plain,
)
from batchcompute.runner.lazy_log import LazyLogger
from batchcompute.runner.os_errors import is_transient

__all__ = ["NotRegular", "OutsideRoot", "Parts", "Root", "RootedFile"]

T = TypeVar("T")

_log = LazyLogger("batchcompute.service.files")


class Root:
    """A directory, below which no link is followed.

    A path that a program, a name or a client may have influenced is not trusted: between a check and a use, a directory
    can be replaced by a link. So each part of a path is opened relative to the descriptor of the part before it,
    without following links (``openat`` with ``O_NOFOLLOW``). Names that lead out of the root (``..``, a slash, an
    absolute path) are refused before anything is opened.

    Args:
        path: The directory. Links in its own path are followed, because the path is trusted.

    Raises:
        OSError: The directory cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path: Path = path
        """Path of the directory, as it was given."""
        self._fd = os.open(path, OPEN_FOLDER & ~getattr(os, "O_NOFOLLOW", 0))

    def close(self) -> None:
        """Close the descriptor."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def parts_of(self, path: Path) -> tuple[str, ...]:
        """Return the names that lead from the root to a path.

        Raises:
            OutsideRoot: The path is not below the root.
        """
        if not path.is_relative_to(self.path):
            raise OutsideRoot(errno.EPERM, f"is not below {self.path}", str(path))
        parts = path.relative_to(self.path).parts
        check_parts(parts)
        return parts

    def file(self, *parts: str) -> RootedFile:
        """Return a file below the root.

        Raises:
            OutsideRoot: A name leads out of the root.
        """
        check_parts(parts)
        return RootedFile(self, parts)

    def where(self, parts: Parts) -> Path:
        """Return the path of a file or directory below the root.

        Raises:
            OutsideRoot: A name leads out of the root.
        """
        check_parts(parts)
        return self.path.joinpath(*parts)

    @contextmanager
    def folder(self, parts: Parts, make: int = 0) -> Generator[int]:
        """Open a directory below the root.

        Args:
            parts: Names that lead to it.
            make: Mode of missing directories, which are created; 0 to create none.

        Yields:
            The descriptor.

        Raises:
            OutsideRoot: A name leads out of the root.
            OSError: The directory does not exist, or is a link or another file.
        """
        check_parts(parts)
        here = self._fd
        try:
            for part in parts:
                try:
                    there = os.open(part, OPEN_FOLDER, dir_fd=here)
                except FileNotFoundError:
                    if not make:
                        raise
                    with suppress(FileExistsError):
                        os.mkdir(part, make, dir_fd=here)
                    there = os.open(part, OPEN_FOLDER, dir_fd=here)
                if here != self._fd:
                    os.close(here)
                here = there
            yield here
        finally:
            if here != self._fd:
                os.close(here)

    def make_folder(self, parts: Parts, mode: int = 0o700) -> None:
        """Make a directory and its parents. A directory that exists is not changed."""
        self._against_races(lambda: self._make_folder(parts, mode))

    def _make_folder(self, parts: Parts, mode: int) -> None:
        with self.folder(parts, mode):
            pass

    def new_folder(self, parts: Parts, mode: int = 0o700) -> None:
        """Make a directory that does not exist yet, in a directory that exists.

        Raises:
            FileExistsError: A file or directory of this name exists.
        """
        with self.folder(parts[:-1]) as fd:
            check_parts(parts[-1:])
            os.mkdir(parts[-1], mode, dir_fd=fd)

    def new_file(self, parts: Parts, mode: int = 0o600, make: int = 0o700) -> int:
        """Make a file, and open it for reading and writing. A file, link or pipe of the same name is replaced.

        Args:
            parts: Names that lead to it.
            mode: Mode of the file.
            make: Mode of missing directories, which are created; 0 to create none.

        Returns:
            The descriptor.

        Raises:
            OSError: The file cannot be created; `IsADirectoryError` if a directory has this name.
        """
        return self._against_races(lambda: self._new_file(parts, mode, make))

    def _new_file(self, parts: Parts, mode: int, make: int) -> int:
        check_parts(parts)
        name = parts[-1]
        with self.folder(parts[:-1], make) as fd:
            for _ in range(RACES):
                try:
                    return os.open(name, CREATE, mode, dir_fd=fd)
                except FileExistsError:
                    if stat.S_ISDIR(os.lstat(name, dir_fd=fd).st_mode):
                        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), name) from None
                    with suppress(FileNotFoundError):
                        os.unlink(name, dir_fd=fd)
        raise FileExistsError(errno.EEXIST, "another process makes this file again and again", name)

    @staticmethod
    def _against_races(action: Callable[[], T]) -> T:
        # Another thread that removes the last file of a directory also removes the directory.
        for _ in range(RACES):
            with suppress(FileNotFoundError):
                return action()
        return action()

    def open_file(self, parts: Parts) -> int:
        """Open a regular file for reading.

        Raises:
            FileNotFoundError: The file does not exist.
            NotRegular: The file is not a regular file.
            OSError: The file cannot be opened.
        """
        check_parts(parts)
        with self.folder(parts[:-1]) as fd:
            return open_regular(parts[-1], fd)

    def read(self, parts: Parts, limit: int, tail: bool = False) -> bytes:
        """Return the content of a regular file, or a part of it.

        Args:
            parts: Names that lead to it.
            limit: Largest number of bytes to read.
            tail: Whether the last bytes of a longer file are read, and not the first.

        Raises:
            FileNotFoundError: The file does not exist.
            NotRegular: The file is not a regular file.
            OSError: The file cannot be read.
        """
        fd = self.open_file(parts)
        try:
            start = max(0, os.fstat(fd).st_size - limit) if tail else 0
            return os.pread(fd, limit, start)
        finally:
            os.close(fd)

    def lstat(self, parts: Parts) -> os.stat_result:
        """Return the properties of a file or directory; of a link, those of the link itself."""
        check_parts(parts)
        if not parts:
            return os.fstat(self._fd)
        with self.folder(parts[:-1]) as fd:
            return os.stat(parts[-1], dir_fd=fd, follow_symlinks=False)

    def names(self, parts: Parts = ()) -> list[str]:
        """Return the names in a directory."""
        with self.folder(parts) as fd:
            return os.listdir(fd)

    def link(self, target: Path, parts: Parts) -> None:
        """Make a symbolic link.

        Args:
            target: Path that the link contains.
            parts: Names that lead to the link.
        """
        check_parts(parts)
        with self.folder(parts[:-1]) as fd:
            os.symlink(target, parts[-1], dir_fd=fd)

    def rename(self, parts: Parts, target: Root, target_parts: Parts, make: int = 0) -> None:
        """Move a file or directory within one file system; a file with the new name is replaced.

        Args:
            parts: Names that lead to it.
            target: The root that it is moved below.
            target_parts: The new names.
            make: Mode of missing directories, which are created; 0 to create none.
        """

        def move() -> None:
            with self.folder(parts[:-1]) as here, target.folder(target_parts[:-1], make) as there:
                check_parts([parts[-1], target_parts[-1]])
                os.rename(parts[-1], target_parts[-1], src_dir_fd=here, dst_dir_fd=there)

        # A missing source is an error. A missing target directory is made again.
        self.lstat(parts)
        if make:
            self._against_races(move)
        else:
            move()

    def unlink(self, parts: Parts) -> None:
        """Remove a file or a link. A missing file is not an error."""
        check_parts(parts)
        with suppress(FileNotFoundError), self.folder(parts[:-1]) as fd:
            os.unlink(parts[-1], dir_fd=fd)

    def remove_folder(self, parts: Parts) -> bool:
        """Remove a directory if it is empty; return whether it is gone."""
        check_parts(parts)
        try:
            with self.folder(parts[:-1]) as fd:
                os.rmdir(parts[-1], dir_fd=fd)
        except FileNotFoundError:
            return True
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR, errno.EBUSY):
                return False
            raise
        return True

    def remove(self, parts: Parts) -> None:
        """Remove a file, or a directory with its contents. A missing file is not an error.

        Depth, names and modes may be anything. A file that cannot be removed is logged and left.

        Raises:
            OSError: The machine is short of resources at this moment.
        """
        try:
            self._remove(parts)
        except FileNotFoundError:
            return
        except OSError as error:
            if is_transient(error):
                raise
            _log.warning("%s cannot be removed: %s", self.path.joinpath(*parts), error)

    def _remove(self, parts: Parts) -> None:
        check_parts(parts)
        if not parts:
            raise OutsideRoot(errno.EPERM, "the root itself is not removed", str(self.path))
        with self.folder(parts[:-1]) as fd:
            if remove_plain(parts[-1], fd):
                return
            # Subdirectories are moved up, so that any depth needs neither many descriptors nor long paths.
            waiting = [parts[-1]]
            for name in waiting:
                for moved in empty(name, fd):
                    waiting.append(moved)
                os.rmdir(name, dir_fd=fd)

    def chmod(self, parts: Parts, mode: int) -> None:
        """Change the mode of a file or directory; links are refused."""
        check_parts(parts)
        with self.folder(parts[:-1]) as fd:
            chmod(parts[-1], mode, fd)

    def walk(
        self, parts: Parts = (), skip: Callable[[str], bool] | None = None
    ) -> Iterator[tuple[str, os.stat_result]]:
        """Yield each file below a directory, with its relative path and properties.

        Directories without permissions are made accessible. Links are yielded, and not followed.

        Args:
            parts: Names that lead to the directory.
            skip: Returns whether a relative path is left out, with everything below it.
        """
        waiting = [""]
        while waiting:
            at = waiting.pop()
            for name, status in self._listed_unlocked([*parts, *at.split("/")] if at else parts):
                path = f"{at}/{name}" if at else name
                if skip is not None and skip(path):
                    continue
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(path)
                else:
                    yield path, status

    def _listed(self, parts: Parts) -> list[tuple[str, os.stat_result]]:
        with self.folder(parts) as fd:
            statuses: list[tuple[str, os.stat_result]] = []
            for name in os.listdir(fd):
                # A file that is removed meanwhile is not listed.
                with suppress(FileNotFoundError):
                    statuses.append((name, os.stat(name, dir_fd=fd, follow_symlinks=False)))
            return statuses

    def _listed_unlocked(self, parts: Parts) -> list[tuple[str, os.stat_result]]:
        try:
            return self._listed(parts)
        except PermissionError:
            for length in range(1, len(parts) + 1):
                self.chmod(parts[:length], stat.S_IRWXU)
            return self._listed(parts)


class RootedFile:
    """A file below a root.

    Args:
        root: The root directory.
        parts: Names that lead from the root to the file.
    """

    __slots__ = ("parts", "root")

    def __init__(self, root: Root, parts: tuple[str, ...]) -> None:
        self.root: Root = root
        self.parts: tuple[str, ...] = parts

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RootedFile):
            return NotImplemented
        return (self.root, self.parts) == (other.root, other.parts)

    def __hash__(self) -> int:
        return hash((self.root, self.parts))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.root!r}, {self.parts!r})"

    @property
    def path(self) -> Path:
        """Path of the file, for messages, and for functions that take a path."""
        return self.root.where(self.parts)

    def new(self) -> int:
        """Make the file, with its parent directories, and return its descriptor."""
        return self.root.new_file(self.parts)

    def read(self, limit: int, tail: bool = False) -> bytes:
        """Return the content of the file; see `Root.read`."""
        return self.root.read(self.parts, limit, tail)

    def remove(self) -> None:
        """Remove the file. A missing file is not an error."""
        self.root.remove(self.parts)
