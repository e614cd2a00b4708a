"""Counts the words of a folder of texts: one instance for each file, and a task that adds up."""

#     python examples/word_count.py          # the pages in docs/
#     python examples/word_count.py FOLDER   # the .md and .txt files of a folder

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

from batchcompute.resources import DAG, JobDescription, TaskDescription
from batchcompute.service import LocalService

HERE = Path(__file__).resolve().parent
PYTHON = shlex.quote(sys.executable)


def describe(files: int) -> JobDescription:
    count = TaskDescription.of_command(
        f"{PYTHON} count_words.py count", files, instance_type="ecs.s3.large", stdout="oss://books/logs/"
    )
    count.Parameters.Command.PackagePath = "oss://books/count_words.py"
    count.InputMapping = {"oss://books/texts/": "/home/texts/"}
    count.OutputMapping = {"/home/counts/": "oss://books/counts/"}

    add_up = TaskDescription.of_command(f"{PYTHON} count_words.py add-up", instance_type="ecs.s3.large")
    add_up.Parameters.Command.PackagePath = "oss://books/count_words.py"
    add_up.InputMapping = {"oss://books/counts/": "/home/counts/"}
    add_up.OutputMapping = {"/home/result/": "oss://books/result/"}

    dag = DAG()
    dag.add_task("count", count)
    dag.add_task("add-up", add_up, after=["count"])
    return JobDescription(Name="word-count", DAG=dag)


def main(folder: Path) -> int:
    files = sorted(path for path in folder.iterdir() if path.suffix in (".md", ".txt"))
    if not files:
        print(f"{folder} has no .md and no .txt files", file=sys.stderr)
        return 1
    with LocalService() as service, service.client() as client:
        for path in files:
            service.put(path, "oss://books/texts/")
        service.put(HERE / "programs" / "count_words.py", "oss://books/")

        job = client.wait(client.create_job(describe(len(files))), progress=True)
        for number in range(len(files)):
            print(client.logs(job, "count", number).stdout, end="")
        words = json.loads(service.oss_path("oss://books/result/words.json").read_text())
    print("\nthe most frequent words of four letters and more:")
    for word, number in words[:12]:
        print(f"{word:>12} {number:5}  {'█' * (40 * number // words[0][1])}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent / "docs"))
