"""The method `logs`, which reads the output of instances."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncIterator, Coroutine
from typing import TYPE_CHECKING, Any, Literal, overload

from batchcompute.client._async._jobs import AsyncJobs
from batchcompute.client._objects import Piece, get_piece, get_tail, piece_size
from batchcompute.client.waiting import FINAL_STATES
from batchcompute.errors import BatchComputeError, ClientError, LogsUnavailable, NotFoundError
from batchcompute.http.oss import InstanceLogs, object_base

if TYPE_CHECKING:
    from batchcompute.api.arguments import IdLike
    from batchcompute.resources import Instance, Task

__all__: list[str] = []


class AsyncLogs(AsyncJobs):
    """The method `logs`."""

    _oss_endpoint: str

    @overload
    def logs(
        self,
        job: IdLike,
        task_name: str | Task,
        instance_id: int | str | Instance = 0,
        *,
        tail: int = 0,
        follow: Literal[False] = False,
    ) -> Coroutine[Any, Any, InstanceLogs]: ...
    @overload
    def logs(
        self,
        job: IdLike,
        task_name: str | Task,
        instance_id: int | str | Instance = 0,
        *,
        follow: Literal[True],
        stream: Literal["stdout", "stderr"] = "stdout",
        interval: float = 1.0,
    ) -> AsyncIterator[str]: ...
    def logs(
        self,
        job: IdLike,
        task_name: str | Task,
        instance_id: int | str | Instance = 0,
        *,
        tail: int = 0,
        follow: bool = False,
        stream: Literal["stdout", "stderr"] = "stdout",
        interval: float = 1.0,
    ) -> Coroutine[Any, Any, InstanceLogs] | AsyncIterator[str]:
        """Return the output of an instance, or follow it while the instance runs.

        The output is read from the object storage, at the task's ``StdoutRedirectPath`` and
        ``StderrRedirectPath``, with the credentials of this client. Output of more than 8 MiB, or of more than
        ``max_response_bytes`` if that is less, is read in several requests.

        Args:
            job: Id of the job, or an object with an ``Id``.
            task_name: Name of the task, or its status.
            instance_id: Number of the instance, from 0, or its status.
            tail: Number of bytes from the end of each stream; 0 for the whole output.
            follow: Return an iterator over new pieces of text, until the instance has ended.
            stream: The stream to follow.
            interval: Seconds between two polls while following.

        Returns:
            Both streams as texts; with ``follow``, an iterator over pieces of one stream.

        Raises:
            LogsUnavailable: The task does not store its output, or the object storage cannot be read.
            NotFoundError: The job, task or instance does not exist.
        """
        if follow:
            return self._follow(job, task_name, instance_id, stream, interval)
        return self._logs(job, task_name, instance_id, tail)

    async def _logs(
        self, job: IdLike, task_name: str | Task, instance_id: int | str | Instance, tail: int
    ) -> InstanceLogs:
        instance = await self.get_instance(job, task_name, instance_id)
        urls = (instance.StdoutRedirectPath, instance.StderrRedirectPath)
        if not any(urls):
            raise _not_stored("StdoutRedirectPath and StderrRedirectPath")
        texts = [await self._text(url, tail) if url else "" for url in urls]
        return InstanceLogs(*texts)

    async def _follow(
        self,
        job: IdLike,
        task_name: str | Task,
        instance_id: int | str | Instance,
        stream: Literal["stdout", "stderr"],
        interval: float,
    ) -> AsyncIterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        start = 0
        while True:
            instance = await self.get_instance(job, task_name, instance_id)
            url = instance.StdoutRedirectPath if stream == "stdout" else instance.StderrRedirectPath
            if not url:
                raise _not_stored(f"{stream.capitalize()}RedirectPath")
            # The state is read before the output, so after the end of the instance the output is complete.
            ended = instance.State in FINAL_STATES
            before, more = start, True
            while more:
                piece = await self._piece(url, start)
                start, more = piece.end, piece.more
                text = decoder.decode(piece.data, final=ended and not more)
                if text:
                    yield text
            if ended:
                return
            if start == before:
                await asyncio.sleep(interval)

    async def _text(self, object_url: str, tail: int) -> str:
        """Return an object as text, or its last bytes; empty if the object does not exist."""
        pieces: list[bytes] = []
        start, end = 0, None
        last = b""
        if tail:
            # The end is read first, because its response contains its position.
            piece = await self._piece(object_url, 0, tail)
            start, end, last = max(0, piece.end - tail), piece.start, piece.data
        more = end is None or start < end
        while more:
            piece = await self._piece(object_url, start)
            pieces.append(piece.data if end is None else piece.data[: end - start])
            start, more = piece.end, piece.more and (end is None or piece.end < end)
        return b"".join([*pieces, last]).decode("utf-8", "replace")

    async def _piece(self, object_url: str, start: int, tail: int = 0) -> Piece:
        """Read a piece of an object, as large as the limit permits.

        Args:
            object_url: ``oss://bucket/key``.
            start: Position of the first byte.
            tail: If greater than 0, the number of bytes from the end, instead of ``start``.

        Raises:
            LogsUnavailable: The object storage cannot be read.
        """
        base = object_base(self._endpoint, self._oss_endpoint)
        size = piece_size(self._max_response_bytes)
        try:
            call = (
                get_tail(base, object_url, tail, size) if tail else get_piece(base, object_url, start, size)
            )
            return await self._call(call)
        except NotFoundError:
            return Piece(b"", start)
        except ClientError as error:
            if error.status == 416:
                return Piece(b"", start)
            raise LogsUnavailable(f"{object_url} cannot be read from {base}: {error}") from error
        except BatchComputeError as error:
            raise LogsUnavailable(f"{object_url} cannot be read from {base}: {error}") from error


def _not_stored(fields: str) -> LogsUnavailable:
    return LogsUnavailable(f"the task has no {fields}, so the output of its instances is not stored")
