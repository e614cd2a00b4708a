"""The environment variables of programs (REST API, 5.1)."""

from __future__ import annotations

from collections.abc import Mapping

__all__: list[str] = []


def environment(
    *,
    job_id: str,
    task_name: str,
    cluster_id: str,
    region: str,
    oss_host: str,
    env_vars: Mapping[str, str],
) -> dict[str, str]:
    """Return the variables that are the same for all instances of a task, without those of the machine.

    Args:
        job_id: Id of the job.
        task_name: Name of the task.
        cluster_id: Id of its cluster.
        region: Id of the region.
        oss_host: Address of object storage, as the machine reaches it.
        env_vars: ``Command.EnvVars``. Only the variables of the service take precedence over them.
    """
    return {
        **env_vars,
        "BATCH_COMPUTE_DAG_JOB_ID": job_id,
        "BATCH_COMPUTE_DAG_TASK_ID": task_name,
        "BATCH_COMPUTE_OSS_HOST": oss_host,
        "BATCH_COMPUTE_REGION": region,
        "BATCH_COMPUTE_CLUSTER_ID": cluster_id,
    }
