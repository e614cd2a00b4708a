"""Uploads in parts."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

from batchcompute.service.objects import answers
from batchcompute.service.objects.answers import Refused
from batchcompute.service.objects.base import ObjectStore
from batchcompute.service.wire import Request, Response

__all__: list[str] = []

_UPLOAD = re.compile("[0-9A-F]{32}")
_MOST_PARTS = 10_000


class Uploads:
    """The uploads that are not yet complete.

    Args:
        store: Where objects go.
        folder: Directory for their parts.
    """

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self._store = store
        self._folder = folder

    def answer(
        self, request: Request, bucket: str, key: str, query: Mapping[str, str], copied: bytes | None
    ) -> Response:
        """Answer a request about an upload.

        Args:
            request: The request.
            bucket: The bucket.
            key: The key that the object will have.
            query: The query.
            copied: Content of a part that comes from another object; None for one that came along.

        Raises:
            Refused: There is no such upload, or a part is wrong.
        """
        names = f"<Bucket>{bucket}</Bucket><Key>{escape(key)}</Key>"
        if request.method == "POST" and "uploads" in query:
            upload = secrets.token_hex(16).upper()
            (self._folder / upload).mkdir(parents=True)
            (self._folder / upload / "place").write_text(f"{bucket}/{key}", "utf-8", "surrogateescape")
            names += f"<UploadId>{upload}</UploadId>"
            return answers.xml(f"<InitiateMultipartUploadResult>{names}</InitiateMultipartUploadResult>")
        upload = query.get("uploadId", "")
        folder = self._folder / upload
        if not _UPLOAD.fullmatch(upload) or not folder.is_dir():
            raise Refused(404, "NoSuchUpload", "The specified upload does not exist.")
        if request.method == "PUT":
            return self._put(request, folder, query.get("partNumber", ""), copied)
        if request.method == "DELETE":
            shutil.rmtree(folder, ignore_errors=True)
            return answers.done(status=204)
        if request.method == "GET":
            return self._list(folder, f"{names}<UploadId>{upload}</UploadId>")
        if request.method == "POST":
            return self._complete(request.body, bucket, key, folder)
        raise answers.not_allowed()

    @staticmethod
    def _put(request: Request, folder: Path, number: str, copied: bytes | None) -> Response:
        if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= _MOST_PARTS:
            raise Refused(400, "InvalidArgument", "A part has a number from 1 to 10000.")
        body = request.body if copied is None else copied
        tag = answers.md5(body)
        name = str(int(number))
        (folder / name).write_bytes(body)
        (folder / f"{name}.tag").write_text(tag, "ascii")
        if copied is None:
            return answers.done(tag)
        now = answers.timestamp(datetime.now(UTC))
        answer = answers.xml(
            f"<CopyPartResult><LastModified>{now}</LastModified><ETag>{escape(tag)}</ETag></CopyPartResult>"
        )
        return Response(answer.status, {**answer.headers, "ETag": tag}, answer.body)

    @staticmethod
    def _list(folder: Path, names: str) -> Response:
        numbers = sorted(int(part.name) for part in folder.iterdir() if part.name.isdigit())
        parts = ""
        for number in numbers:
            stat = (folder / str(number)).stat()
            tag = (folder / f"{number}.tag").read_text("ascii")
            modified = answers.timestamp(datetime.fromtimestamp(stat.st_mtime, UTC))
            parts += (
                f"<Part><PartNumber>{number}</PartNumber><LastModified>{modified}</LastModified>"
                f"<ETag>{escape(tag)}</ETag><Size>{stat.st_size}</Size></Part>"
            )
        return answers.xml(
            f"<ListPartsResult>{names}<NextPartNumberMarker>{max(numbers, default=0)}</NextPartNumberMarker>"
            f"<MaxParts>{_MOST_PARTS}</MaxParts><IsTruncated>false</IsTruncated>{parts}</ListPartsResult>"
        )

    def list_all(self, bucket: str) -> Response:
        """Answer with the uploads of a bucket that are not yet complete."""
        found = ""
        for folder in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            try:
                place = (folder / "place").read_text("utf-8", "surrogateescape")
            except FileNotFoundError:
                # It was completed or aborted just now.
                continue
            owner, _, key = place.partition("/")
            if owner == bucket:
                begun = answers.timestamp(datetime.fromtimestamp(folder.stat().st_ctime, UTC))
                found += (
                    f"<Upload><Key>{escape(key)}</Key><UploadId>{folder.name}</UploadId>"
                    f"<Initiated>{begun}</Initiated></Upload>"
                )
        return answers.xml(
            f"<ListMultipartUploadsResult><Bucket>{bucket}</Bucket><NextKeyMarker></NextKeyMarker>"
            f"<NextUploadIdMarker></NextUploadIdMarker><MaxUploads>1000</MaxUploads>"
            f"<IsTruncated>false</IsTruncated>{found}</ListMultipartUploadsResult>"
        )

    def _complete(self, body: bytes, bucket: str, key: str, folder: Path) -> Response:
        parts: list[Path] = []
        numbers: list[int] = []
        for element in answers.tree(body).iter("Part"):
            number = (element.findtext("PartNumber") or "").strip()
            part = folder / number
            if not number.isascii() or not number.isdigit() or not part.is_file():
                raise self._invalid()
            tag = (element.findtext("ETag") or "").strip().strip('"')
            if tag and tag.upper() != (folder / f"{number}.tag").read_text("ascii").strip('"'):
                raise self._invalid()
            numbers.append(int(number))
            parts.append(part)
        if not parts or numbers != sorted(set(numbers)):
            raise self._invalid()
        place = f"oss://{bucket}/{key}"
        self._store.write(place, (part.read_bytes() for part in parts))
        shutil.rmtree(folder, ignore_errors=True)
        stat = self._store.stat(place)
        tag = escape(stat.tag if stat else "")
        names = f"<Bucket>{bucket}</Bucket><Key>{escape(key)}</Key><ETag>{tag}</ETag>"
        return answers.xml(f"<CompleteMultipartUploadResult>{names}</CompleteMultipartUploadResult>")

    @staticmethod
    def _invalid() -> Refused:
        text = "One or more of the specified parts could not be found, or is another one than was sent."
        return Refused(400, "InvalidPart", text)
