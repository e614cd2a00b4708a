"""Runs a job on a Slurm cluster: a service in the background submits the instances, and Slurm places them."""

#     python examples/slurm.py DIRECTORY    # a directory that this machine and all nodes see
#
# Without Slurm, it says so and ends.

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from batchcompute import LOCAL, Client
from batchcompute.resources import DAG, JobDescription, TaskDescription


def describe() -> JobDescription:
    where = TaskDescription.of_command(
        'echo "instance $BATCH_COMPUTE_DAG_INSTANCE_ID says hello from $(uname -n)"',
        8,
        instance_type="ecs.t1.small",
        stdout="oss://demo/logs/",
    )
    dag = DAG()
    dag.add_task("where", where)
    return JobDescription(Name="slurm", DAG=dag)


def main(shared: Path) -> int:
    if shutil.which("sbatch") is None:
        print("Slurm is not installed here (there is no sbatch), so this example has nothing to show.")
        return 0
    with tempfile.TemporaryDirectory() as data_dir:
        environment = {**os.environ, "BATCHCOMPUTE_DATA_DIR": data_dir}
        batchcompute = [sys.executable, "-m", "batchcompute.cli"]
        options = ["--engine", "slurm", "--engine-options", f"slurm.directory={shared}", "--port", "0"]
        subprocess.run([*batchcompute, "up", *options, *sys.argv[2:]], env=environment, check=True)
        try:
            os.environ["BATCHCOMPUTE_DATA_DIR"] = data_dir
            with Client(LOCAL, "my-key-id", "my-key-secret") as client:
                job = client.wait(client.create_job(describe()), progress=True)
                for instance in client.iter_instances(job, "where"):
                    text = client.logs(job, "where", instance).stdout.strip()
                    print(f"node {instance.NodeIp}: {text}")
        finally:
            subprocess.run([*batchcompute, "down"], env=environment, check=True)
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python examples/slurm.py DIRECTORY [OPTIONS OF batchcompute serve]")
    sys.exit(main(Path(sys.argv[1]).resolve()))
