"""``batchcompute cp``, ``ls``, ``cat``, ``rm``: objects in object storage."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from batchcompute.cli.connection import connected
from batchcompute.cli.failures import NOT_FOUND, fail
from batchcompute.cli.framework import command, examples
from batchcompute.cli.logs import for_terminal
from batchcompute.cli.output import write, write_bytes, write_json, write_table, write_text
from batchcompute.cli.state import state_of
from batchcompute.cli.texts import clean
from batchcompute.cli.times import local_time
from batchcompute.errors import ValidationError

if TYPE_CHECKING:
    from batchcompute.client.object_storage import ObjectStorage

__all__: list[str] = []

_SCHEME: Final = "oss://"


def _is_url(text: str) -> bool:
    return text.startswith(_SCHEME)


def _check_url(text: str) -> str:
    """Return a URL of an object or a bucket.

    Raises:
        UsageError: The text is no such URL.
    """
    if not _is_url(text) or len(text) == len(_SCHEME):
        raise click.UsageError(f"it must be a URL like oss://bucket/key, not {text!r}")
    return text


@command(
    "ls",
    epilog=examples(
        "batchcompute ls", "batchcompute ls oss://bucket/logs/", "batchcompute ls -r oss://bucket --json"
    ),
)
@click.argument("url", default=_SCHEME)
@click.option("-r", "--recursive", is_flag=True, help="List the objects in directories, too.")
@click.pass_context
def ls_command(context: click.Context, url: str, recursive: bool) -> None:
    """List buckets, or the objects whose URLs begin with a URL."""
    from batchcompute.client.object_storage import ObjectStorage

    state = state_of(context)
    with connected(state) as client:
        storage = ObjectStorage(client)
        if url == _SCHEME:
            names = storage.buckets()
            if state.json:
                write_json([{"Url": f"{_SCHEME}{name}/"} for name in names])
            for name in () if state.json else names:
                write(clean(f"{_SCHEME}{name}/"))
            return
        entries = list(storage.entries(_check_url(url), recursive))
    if state.json:
        write_json(
            [
                {"Url": one}
                if isinstance(one, str)
                else {"Url": one.url, "Size": one.size, "Modified": one.modified}
                for one in entries
            ]
        )
        return
    if not entries:
        fail(f"nothing begins with {url}", NOT_FOUND)
    rows = [
        ("", "", one) if isinstance(one, str) else (one.size, local_time(one.modified), one.url)
        for one in entries
    ]
    write_table(("SIZE", "MODIFIED", "URL"), rows)


@command("cat", epilog=examples("batchcompute cat oss://bucket/result.txt"))
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("--raw", is_flag=True, help="Let the terminal obey control characters of the objects.")
@click.pass_context
def cat_command(context: click.Context, urls: tuple[str, ...], raw: bool) -> None:
    """Write objects to stdout."""
    from batchcompute.client.object_storage import ObjectStorage

    state = state_of(context)
    if state.json:
        raise click.UsageError("objects are no JSON: --json is for other commands")
    with connected(state) as client:
        for url in urls:
            for data in ObjectStorage(client).read(_check_url(url)):
                if sys.stdout.isatty() and not raw:
                    write_text(for_terminal(data.decode("utf-8", "replace")))
                else:
                    write_bytes(data)


@command(
    "rm", epilog=examples("batchcompute rm oss://bucket/result.txt", "batchcompute rm -r oss://bucket/logs/")
)
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("-r", "--recursive", is_flag=True, help="Remove all objects of a directory.")
@click.pass_context
def rm_command(context: click.Context, urls: tuple[str, ...], recursive: bool) -> None:
    """Remove objects."""
    from batchcompute.client.object_storage import ObjectStorage

    state = state_of(context)
    count = 0
    with connected(state) as client:
        storage = ObjectStorage(client)
        for url in urls:
            _check_url(url)
            if recursive:
                # Without the slash, a/b would also remove a/bc.
                below = url if url.endswith("/") else f"{url}/"
                listed = [one.url for one in storage.entries(below) if not isinstance(one, str)]
                if not listed:
                    fail(f"there is no object below {below}", NOT_FOUND)
                count += storage.remove(listed)
            elif url.endswith("/") or url.count("/") < 3:
                raise click.UsageError(f"{url} is a directory: give --recursive to remove all objects in it")
            elif not storage.exists(url):
                fail(f"there is no object {url}", NOT_FOUND)
            else:
                count += storage.remove([url])
    if state.json:
        write_json({"Removed": count})
    else:
        write(f"{count} {'object was' if count == 1 else 'objects were'} removed")


@command(
    "cp",
    epilog=examples(
        "batchcompute cp data.csv oss://bucket/in/",
        "batchcompute cp -r oss://bucket/out/ ./out",
        "batchcompute cp oss://bucket/a oss://bucket/b",
        "tar c src | batchcompute cp - oss://bucket/src.tar",
    ),
)
@click.argument("source")
@click.argument("target")
@click.option("-r", "--recursive", is_flag=True, help="Copy all objects or files of a directory.")
@click.pass_context
def cp_command(context: click.Context, source: str, target: str, recursive: bool) -> None:
    """Copy files and objects: at least one of SOURCE and TARGET is a URL like oss://bucket/key; - is stdin or stdout.

    A target that ends in a slash is a directory.
    """
    from batchcompute.client.object_storage import ObjectStorage

    state = state_of(context)
    if not (_is_url(source) or _is_url(target)):
        raise click.UsageError("one of SOURCE and TARGET must be a URL like oss://bucket/key")
    if recursive and "-" in (source, target):
        raise click.UsageError("--recursive cannot be used with -")
    copied: list[tuple[str, str]] = []
    with connected(state, makes_directory=target.startswith(_SCHEME)) as client:
        storage = ObjectStorage(client)
        for one, other in _pairs(storage, source, target, recursive):
            _copy(storage, one, other)
            copied.append((one, other))
            if not state.json and other != "-":
                _write_copied(one, other)
    if state.json and target != "-":
        write_json([{"Source": one, "Target": other} for one, other in copied])


def _write_copied(source: str, target: str) -> None:
    """Write what was copied.

    Args:
        source: The source.
        target: The target.
    """
    write(f"{clean(source)} -> {clean(target)}")


def _pairs(storage: ObjectStorage, source: str, target: str, recursive: bool) -> Iterator[tuple[str, str]]:
    """Yield each source with its target."""
    if recursive:
        relative = _below(storage, source)
        base = source if source.endswith("/") else f"{source}/"
        for name in relative:
            path = (
                f"{target}{'' if target.endswith('/') else '/'}{name}"
                if _is_url(target)
                else _inside(target, name)
            )
            yield f"{base}{name}", path
        return
    if _is_url(source) and (source.endswith("/") or source.count("/") < 3):
        raise click.UsageError(f"{source} is a directory: give --recursive to copy all objects in it")
    name = source.rpartition("/")[2] if _is_url(source) else Path(source).name
    if _is_url(target):
        is_directory = target.endswith("/") or target.count("/") < 3
        if is_directory and source == "-":
            raise click.UsageError("the target of stdin must be an object, not a directory")
        slash = "" if target.endswith("/") else "/"
        yield source, f"{target}{slash}{name}" if is_directory else target
    elif target != "-" and (target.endswith("/") or Path(target).is_dir()):
        yield source, _inside(target, name)
    else:
        yield source, target


def _below(storage: ObjectStorage, source: str) -> list[str]:
    """Return the names of all objects or files below a directory, relative to it."""
    if _is_url(source):
        base = source if source.endswith("/") else f"{source}/"
        urls = [one.url for one in storage.entries(base) if not isinstance(one, str)]
        names = [url.removeprefix(base) for url in urls if not url.endswith("/")]
        if not names:
            fail(f"there is no object below {base}", NOT_FOUND)
        return names
    from batchcompute.client.object_files import files_below

    root = Path(source)
    if not root.is_dir():
        raise click.UsageError(f"--recursive needs a directory, and {source} is none")
    return files_below(root)


def _inside(directory: str, name: str) -> str:
    """Return the path of a file in a directory.

    Raises:
        CommandError: The name of the object would lead out of the directory.
    """
    from batchcompute.client.object_files import path_inside

    try:
        return str(path_inside(Path(directory), name))
    except ValidationError as error:
        fail(str(error))


def _copy(storage: ObjectStorage, source: str, target: str) -> None:
    if _is_url(source) and _is_url(target):
        storage.copy(source, target)
    elif _is_url(target):
        if source == "-":
            storage.write(target, sys.stdin.buffer)
            return
        with Path(source).open("rb") as file:
            storage.write(target, file)
    elif target == "-":
        for data in storage.read(source):
            write_bytes(data)
    else:
        from batchcompute.client.object_files import download_file

        download_file(storage, source, Path(target))
