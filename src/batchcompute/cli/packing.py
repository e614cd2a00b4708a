"""The packages of ``job.cfg`` files: a folder becomes an archive in object storage."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from batchcompute.cli.command_job import own_bucket
from batchcompute.cli.failures import fail, say
from batchcompute.cli.files.description import Description

if TYPE_CHECKING:
    from batchcompute.client import Client

__all__: list[str] = []

_NAME: Final = "worker.tar.gz"
"""Name of an archive, as the vendor's command line writes it."""


def upload_packages(description: Description, client: Client, endpoint: str) -> None:
    """Pack the folders that a description names, upload them, and set ``PackagePath``.

    Args:
        description: The description; it is changed.
        client: The client.
        endpoint: Region or URL of the service.

    Raises:
        CommandError: A folder does not exist, or there is no bucket for packages.
    """
    from batchcompute.client.object_storage import ObjectStorage

    bucket = own_bucket(endpoint, "packages")
    if not bucket:
        fail(
            "pack needs a bucket of your own here: upload the archive with `batchcompute cp`, and name it in PackagePath"
        )
    storage = ObjectStorage(client)
    urls: dict[str, str] = {}
    for task, folder in description.packs:
        if folder not in urls:
            with tempfile.TemporaryFile() as file:
                write_archive(Path(folder), file)
                file.seek(0)
                digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
                urls[folder] = f"{bucket}{digest}/{_NAME}"
                file.seek(0)
                storage.write(urls[folder], file)
            say(f"{folder} is packed in {urls[folder]}")
        fields: dict[str, Any] = description.value["DAG"]["Tasks"][task]
        fields["Parameters"]["Command"]["PackagePath"] = urls[folder]


def write_archive(folder: Path, file: BinaryIO) -> None:
    """Write the archive of a folder or of a file. The same content gives the same archive.

    Args:
        folder: The folder, whose content is at the top of the archive.
        file: The archive.

    Raises:
        CommandError: The folder does not exist.
    """
    if not folder.exists():
        fail(f"pack={folder}: there is no such folder")
    paths = sorted(folder.rglob("*")) if folder.is_dir() else [folder]
    base = folder if folder.is_dir() else folder.parent
    with (
        gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for path in paths:
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                # A link may lead out of the folder.
                say(f"batchcompute: warning: {path} is not packed, because it is no file")
                continue
            info = archive.gettarinfo(path, path.relative_to(base).as_posix())
            info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, "", ""
            if path.is_file():
                with path.open("rb") as content:
                    archive.addfile(info, content)
            else:
                archive.addfile(info)
