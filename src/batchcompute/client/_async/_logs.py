"""Reading what instances have written."""

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
    """Reading what instances have written."""

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
        """Return what an instance has written, or follow it while it runs.

        It is read from the object storage that the task's ``StdoutRedirectPath`` and
        ``StderrRedirectPath`` name, with this client's credentials. What is larger than 8 MiB, or than
        ``max_response_bytes``, is read in pieces of that size, each with a request of its own.

        Args:
            job: Id of the job, or anything that has it.
            task_name: Name of the task, or its status.
            instance_id: Number of the instance, from 0, or its status.
            tail: Only so many bytes from the end of each stream; 0 for all.
            follow: Return an iterator instead, over pieces of text as they come, until the instance
                has ended.
            stream: Which one to follow.
            interval: Seconds between two looks while following.

        Returns:
            Both streams as texts; or, to follow, an iterator over pieces of one.

        Raises:
            LogsUnavailable: The task does not store them, or the object storage cannot be read.
            NotFoundError: There is no such job, task or instance.
        """
        if follow:
            return self._follow(job, task_name, instance_id, stream, interval)
        return self._logs(job, task_name, instance_id, tail)

    async def _logs(
        self, job: IdLike, task_name: str | Task, instance_id: int | str | Instance, tail: int
    ) -> InstanceLogs:
        instance = await self.get_instance(job, task_name, instance_id)
        places = (instance.StdoutRedirectPath, instance.StderrRedirectPath)
        if not any(places):
            raise _not_stored("StdoutRedirectPath and StderrRedirectPath")
        texts = [await self._text(place, tail) if place else "" for place in places]
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
            place = instance.StdoutRedirectPath if stream == "stdout" else instance.StderrRedirectPath
            if not place:
                raise _not_stored(f"{stream.capitalize()}RedirectPath")
            # The state is read first, so what is read after an end is all that there will be.
            ended = instance.State in FINAL_STATES
            before, more = start, True
            while more:
                piece = await self._piece(place, start)
                start, more = piece.end, piece.more
                text = decoder.decode(piece.data, final=ended and not more)
                if text:
                    yield text
            if ended:
                return
            if start == before:
                await asyncio.sleep(interval)

    async def _text(self, place: str, tail: int) -> str:
        """Return an object as text, or so many of its last bytes; nothing if it does not exist."""
        pieces: list[bytes] = []
        start, end = 0, None
        last = b""
        if tail:
            # Its end first, which also tells where it is.
            piece = await self._piece(place, 0, tail)
            start, end, last = max(0, piece.end - tail), piece.start, piece.data
        more = end is None or start < end
        while more:
            piece = await self._piece(place, start)
            pieces.append(piece.data if end is None else piece.data[: end - start])
            start, more = piece.end, piece.more and (end is None or piece.end < end)
        return b"".join([*pieces, last]).decode("utf-8", "replace")

    async def _piece(self, place: str, start: int, tail: int = 0) -> Piece:
        """Read a piece of an object, as large as the limit allows.

        Args:
            place: ``oss://bucket/key``.
            start: Where it begins.
            tail: In place of that, how many bytes are wanted from the end.

        Raises:
            LogsUnavailable: The object storage cannot be read.
        """
        base = object_base(self._endpoint, self._oss_endpoint)
        size = piece_size(self._max_response_bytes)
        try:
            call = get_tail(base, place, tail, size) if tail else get_piece(base, place, start, size)
            return await self._call(call)
        except NotFoundError:
            return Piece(b"", start)
        except ClientError as error:
            if error.status == 416:
                return Piece(b"", start)
            raise LogsUnavailable(f"{place} cannot be read from {base}: {error}") from error
        except BatchComputeError as error:
            raise LogsUnavailable(f"{place} cannot be read from {base}: {error}") from error


def _not_stored(fields: str) -> LogsUnavailable:
    return LogsUnavailable(f"the task sets no {fields}, so what its instances write is not stored")
