# The program of section 1 of the vendor's guide, in Python 3.
from batchcompute import LOCAL as REGION
from batchcompute import Client, ClientError
from batchcompute.resources import (
    DAG,
    ClusterDescription,
    GroupDescription,
    JobDescription,
    TaskDescription,
)

access_key_id = "id"
access_key_secret = "secret"
image_id = "img-ubuntu"
instance_type = "ecs.s3.large"
client = Client(REGION, access_key_id, access_key_secret)
try:
    # Create cluster.
    cluster_desc = ClusterDescription()
    group_desc = GroupDescription()
    group_desc.DesiredVMCount = 1
    group_desc.InstanceType = instance_type
    cluster_desc.add_group("group1", group_desc)
    cluster_desc.Name = "BatchcomputeCluster"
    cluster_desc.ImageId = image_id
    cluster_desc.Description = "Python SDK test"
    cluster_id = client.create_cluster(cluster_desc).Id
    # Create job.
    job_desc = JobDescription()
    echo_task = TaskDescription()
    # Create map task.
    echo_task.Parameters.Command.CommandLine = "echo Batchcompute service"
    echo_task.Parameters.Command.PackagePath = ""
    echo_task.Parameters.StdoutRedirectPath = "oss://xxx/xxx/"
    echo_task.Parameters.StderrRedirectPath = "oss://xxx/xxx/"
    echo_task.InstanceCount = 3
    echo_task.ClusterId = cluster_id
    # Create task dag.
    task_dag = DAG()
    task_dag.add_task(task_name="Echo", task=echo_task)
    # Create job description.
    job_desc.DAG = task_dag
    job_desc.Priority = 99
    job_desc.Name = "PythonSDKDemo"
    job_desc.JobFailOnInstanceFail = True
    job_id = client.create_job(job_desc).Id
    # Wait for job finished.
    errs = client.poll(job_id)
    if errs:
        print("Some errors occur: %s" % "\n".join(errs))
    # Delete cluster
    client.delete_cluster(cluster_id)
except ClientError as e:
    print(e.get_status_code(), e.get_code(), e.get_requestid(), e.get_msg())
