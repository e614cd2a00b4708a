"""The place where the jobs of a client run, and their fate after a wait ends."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["JobHost"]


class JobHost(NamedTuple):
    """The process that runs the jobs of a client."""

    kind: Literal["server", "joined", "embedded", "stored", "given", "temporary", "unknown"] = "server"
    """The kind of host.

    * ``server``: A server that the client reaches over the network.
    * ``joined``: The server that owns the data directory of ``LOCAL``.
    * ``embedded``: The service that ``LOCAL`` started in this process.
    * ``stored``: No process. The service in this process only shows jobs as they are stored.
    * ``given``: A `LocalService` of this process with a permanent data directory.
    * ``temporary``: A `LocalService` of this process whose data directory is removed when it is closed.
    * ``unknown``: The client has not sent a request yet.
    """
    directory: str = ""
    """The data directory; empty for a server elsewhere."""
    url: str = ""
    """URL of the server that owns the data directory; empty for other kinds."""

    def after_wait(self, single: bool) -> str:
        """Return the predicate of a sentence that says what happens to jobs after a wait ends.

        Args:
            single: Whether the subject of the sentence is a single job.
        """
        run, start, their = ("continues", "starts", "its") if single else ("continue", "start", "their")
        jobs = "the job" if single else "the jobs"
        again = f"{jobs} {start} again when the data directory {self.directory} is opened again"
        match self.kind:
            case "server":
                return f"{run} to run"
            case "joined":
                return f"{run} to run in the server at {self.url}, which owns {self.directory}"
            case "embedded":
                return (
                    f"{run} to run as long as this process lives; {their} programs end with it, and {again}"
                )
            case "stored":
                return f"{'does' if single else 'do'} not run now; {again}"
            case "given":
                return (
                    f"{run} to run until the LocalService of this process is closed, at the latest when the "
                    f"process ends; {their} programs end then (unless it has detach=True), and {again}"
                )
            case "temporary":
                return (
                    f"{run} to run until the LocalService of this process is closed, at the latest when the "
                    f"process ends; {jobs} {'is' if single else 'are'} lost then with its temporary data "
                    f"directory {self.directory}"
                )
            case "unknown":
                return f"{'was' if single else 'were'} not stopped"
