"""The program of the jobs of `word_count.py`: counts the words of one file, or adds up the counts of all."""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from pathlib import Path

# Without bubblewrap, mapped paths are below this directory. With it, they are the literal paths.
ROOT = os.environ.get("BATCH_COMPUTE_ROOT", "")


def count() -> None:
    files = sorted(Path(f"{ROOT}/home/texts").iterdir())
    number = int(os.environ["BATCH_COMPUTE_DAG_INSTANCE_ID"])
    words = Counter(re.findall(r"[a-z]{4,}", files[number].read_text("utf-8").lower()))
    Path(f"{ROOT}/home/counts/{number}.json").write_text(json.dumps(words))
    print(f"{files[number].name}: {words.total()} words")


def add_up() -> None:
    total: Counter[str] = Counter()
    for path in sorted(Path(f"{ROOT}/home/counts").iterdir()):
        total.update(json.loads(path.read_text()))
    Path(f"{ROOT}/home/result/words.json").write_text(json.dumps(total.most_common()))


if __name__ == "__main__":
    count() if sys.argv[1] == "count" else add_up()
