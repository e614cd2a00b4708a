"""Kills the service repeatedly, and checks that nothing is lost, doubled or left behind."""

#     python tools/kill_rounds.py --rounds 200 --seed 1
#
# Each round starts `batchcompute serve`, creates jobs, stops and starts some of them, and kills the server with SIGKILL
# at a random moment. After the last round, a server lets all jobs finish. Then the database, the files that the programs
# wrote, and the processes of the machine are compared.

from __future__ import annotations

import argparse
import atexit
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from batchcompute import BatchComputeError, Client, OutcomeUnknown, RetryPolicy

KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"}


class Rounds:
    """The acknowledged requests, and the directory where the programs write."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.directory = directory
        self.marks = directory / "marks"
        self.marks.mkdir()
        self.random = random.Random(seed)
        self.mark = f"kill-rounds-{uuid.uuid4().hex}"
        self.acknowledged: dict[str, int] = {}
        self.stopped: set[str] = set()
        self.open: list[tuple[str, dict[str, Any], int]] = []

    def serve(self) -> tuple[subprocess.Popen[str], str]:
        """Start a server; return it and its URL."""
        command = [sys.executable, "-m", "batchcompute.cli", "serve", "--port", "0"]
        command += ["--data-dir", str(self.directory / "data"), "--slots", "4", "--log-level", "ERROR"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **KEYS})
        assert server.stdout is not None
        for line in server.stdout:
            if " is served at " in line:
                return server, line.split()[-1]
        raise SystemExit("the server did not start")

    def describe(self) -> tuple[dict[str, Any], int]:
        """Return the description of a job whose instances record their start and their end."""
        count = self.random.randint(1, 4)
        seconds = self.random.choice([0, 0.05, 0.3])
        file = f"{self.marks}/$BATCH_COMPUTE_DAG_JOB_ID.$BATCH_COMPUTE_DAG_INSTANCE_ID"
        command = f"echo begin >> {file}; sleep {seconds}; echo end >> {file}; : {self.mark}"
        task = {
            "InstanceCount": count,
            "AutoCluster": {},
            "Parameters": {"Command": {"CommandLine": command}},
        }
        return {"Name": "round", "Type": "DAG", "Priority": 1, "DAG": {"Tasks": {"t": task}}}, count

    def create(
        self, client: Client, token: str = "", again: tuple[dict[str, Any], int] | None = None
    ) -> None:
        """Create a job. A create without an answer is repeated with its token in a later round."""
        description, count = again or self.describe()
        try:
            job_id = client.create_job(description, token).Id
        except OutcomeUnknown as error:
            self.open.append((error.token, description, count))
            return
        except BatchComputeError:
            if token:
                self.open.append((token, description, count))
            return
        assert job_id not in self.acknowledged, "one token, or two, stand for the same job"
        self.acknowledged[job_id] = count

    def work(self, url: str) -> None:
        """Create jobs until the server has ended."""
        policy = RetryPolicy(attempts=1)
        with Client(url, "id", "secret", retry=policy, timeout=5) as client:
            for token, description, count in [self.open.pop() for _ in range(len(self.open))]:
                self.create(client, token, (description, count))
            for _ in range(self.random.randint(1, 8)):
                self.create(client)
                if self.acknowledged and self.random.random() < 0.2:
                    job_id = self.random.choice(list(self.acknowledged))
                    try:
                        client.stop_job(job_id)
                        self.stopped.add(job_id)
                        if self.random.random() < 0.7:
                            client.start_job(job_id)
                    except BatchComputeError:
                        # The job has ended, or the server has; the final check distinguishes the two.
                        self.stopped.add(job_id)

    def round(self) -> None:
        """Start a server, use it, and kill it."""
        server, url = self.serve()
        delay = self.random.random() * 0.6
        timer = threading.Timer(delay, server.send_signal, (signal.SIGKILL,))
        timer.start()
        self.work(url)
        timer.join()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()

    def judge(self) -> dict[str, int]:
        """Let all jobs finish; return what is lost, doubled or left behind."""
        found = {"acknowledged": len(self.acknowledged), "lost": 0, "doubled": 0, "retried": 0, "orphans": 0}
        server, url = self.serve()
        # The server is ended even if a check fails.
        atexit.register(server.kill)
        with Client(url, "id", "secret") as client:
            for token, description, count in self.open:
                job_id = client.create_job(description, token).Id
                self.acknowledged[job_id] = count
            listed = {job.Id for job in client.iter_jobs()}
            for job_id in self.stopped:
                if client.get_job(job_id).State == "Stopped":
                    client.start_job(job_id)
            client.wait(list(self.acknowledged), timeout=600)
            if listed - set(self.acknowledged) or len(listed) > len(self.acknowledged):
                found["doubled"] += len(listed - set(self.acknowledged))
            for job_id, count in self.acknowledged.items():
                job = client.get_job(job_id)
                if job.State != "Finished" or job.InstanceMetrics.FinishedCount != count:
                    found["lost"] += 1
                for instance in client.iter_instances(job_id, "t"):
                    file = self.marks / f"{job_id}.{instance.InstanceId}"
                    lines = file.read_text().split() if file.exists() else []
                    begun = lines.count("begin")
                    found["retried"] += int(instance.RetryCount)
                    if "end" not in lines:
                        found["lost"] += 1
                    # StopJob ends an attempt, and StartJob makes another one: both are recorded, too.
                    if begun > 1 + int(instance.RetryCount) and job_id not in self.stopped:
                        found["doubled"] += 1
        server.send_signal(signal.SIGTERM)
        server.wait(30)
        if server.stdout is not None:
            server.stdout.close()
        time.sleep(0.2)
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and self.mark.encode() in (entry / "cmdline").read_bytes():
                    found["orphans"] += 1
            except OSError:
                continue
        return found


def main() -> int:
    """Run the rounds; return 1 if anything is lost, doubled or left behind."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kill-rounds-") as directory:
        rounds = Rounds(Path(directory), options.seed)
        started = time.monotonic()
        for _ in range(options.rounds):
            rounds.round()
        found = rounds.judge()
    seconds = time.monotonic() - started
    print(
        f"{options.rounds} rounds in {seconds:.0f} s: "
        + ", ".join(f"{count} {name}" for name, count in found.items())
    )
    return 1 if found["lost"] or found["doubled"] or found["orphans"] else 0


if __name__ == "__main__":
    sys.exit(main())
