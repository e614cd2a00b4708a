"""Runs a job with three instances on this machine, and prints the results."""

# The example starts its own service: it needs no account and no network. Each run has a new data directory, so several
# runs can work at the same time; the objects stay in the directory.

from __future__ import annotations

import sys
import tempfile

from batchcompute import ClientError
from batchcompute.resources import DAG, ClusterDescription, GroupDescription, JobDescription, TaskDescription
from batchcompute.service import LocalService

COMMAND = 'echo "instance $BATCH_COMPUTE_DAG_INSTANCE_ID of $BATCH_COMPUTE_DAG_TASK_ID on $(uname -s)"'


def main() -> None:
    data_dir = tempfile.mkdtemp(prefix="batchcompute-quickstart-")
    with LocalService(data_dir) as service, service.client() as client:
        cluster = ClusterDescription(Name="Demo", ImageId="img-ubuntu")
        cluster.add_group("group1", GroupDescription(DesiredVMCount=1, InstanceType="ecs.s3.large"))
        cluster_id = client.create_cluster(cluster).Id

        task = TaskDescription(InstanceCount=3, ClusterId=cluster_id)
        task.Parameters.Command.CommandLine = COMMAND
        task.Parameters.StdoutRedirectPath = "oss://demo/logs/"
        task.Parameters.StderrRedirectPath = "oss://demo/logs/"
        dag = DAG()
        dag.add_task("Echo", task)

        job_id = client.create_job(JobDescription(Name="Quickstart", Priority=99, DAG=dag)).Id
        print(f"{job_id}: {client.get_job(job_id).State}")
        for problem in client.poll(job_id):
            print(problem)
        job = client.get_job(job_id)
        print(f"{job_id}: {job.State}, {job.InstanceMetrics.FinishedCount} instances finished")

        for instance in client.list_instances(job_id, "Echo"):
            path = service.oss_path(instance.StdoutRedirectPath)
            print(f"  {instance.InstanceId}: {instance.State}, exit code {instance.Result.ExitCode}")
            print(f"     {path.read_text().strip()!r}")
            print(f"     {path}")
        client.delete_cluster(cluster_id)


if __name__ == "__main__":
    try:
        main()
    except ClientError as error:
        print(error.get_status_code(), error.get_code(), error.get_requestid(), error.get_msg())
        sys.exit(1)
