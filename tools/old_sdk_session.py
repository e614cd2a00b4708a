"""A session of the old SDK with a running server; old-sdk.sh runs it with the Python of the old SDK."""

import sys

from batchcompute import Client, ClientError
from batchcompute.resources import (
    DAG,
    AppDescription,
    ClusterDescription,
    GroupDescription,
    ImageDescription,
    JobDescription,
    TaskDescription,
)


def expect(found, wanted):
    if found != wanted:
        sys.exit(f"found {found!r} where {wanted!r} was expected")


def describe(command):
    task = TaskDescription()
    task.InstanceCount = 2
    task.Parameters.Command.CommandLine = command
    task.Parameters.StdoutRedirectPath = "oss://bucket/logs/"
    task.Parameters.StderrRedirectPath = "oss://bucket/logs/"
    task.AutoCluster.InstanceType = "ecs.s3.large"
    task.AutoCluster.ImageId = "img-ubuntu"
    dag = DAG()
    dag.add_task("first", task)
    dag.add_task("second", task)
    dag.Dependencies = {"first": ["second"]}
    job = JobDescription()
    job.Name = "old-session"
    job.Priority = 1
    job.DAG = dag
    return job


Client.register_region("local", "127.0.0.1", int(sys.argv[1]))
client = Client("127.0.0.1", "old-id", "old-secret")

created = client.create_job(describe("echo $BATCH_COMPUTE_DAG_INSTANCE_ID"))
expect(created.StatusCode, 201)
expect(client.poll(created.Id, interval=0.1), [])
job = client.get_job(created)
expect((job.State, job.Name), ("Finished", "old-session"))
expect([task.TaskName for task in client.list_tasks(created.Id, "", 10)], ["first", "second"])
expect([item.InstanceId for item in client.list_instances(created.Id, "first", 0, 10)], [0, 1])
expect(client.get_instance(created.Id, "second", 1).State, "Finished")
expect(client.get_job_description(created.Id).DAG.Tasks["first"].InstanceCount, 2)
expect([found.Id for found in client.easy_list("jobs", State="Finished")], [created.Id])

slow = client.create_job(describe("sleep 60"))
expect(client.get_job(slow.Id).State in ("Waiting", "Running"), True)
client.stop_job(slow.Id)
expect(client.get_job(slow.Id).State, "Stopped")
client.change_job_priority(slow.Id, 7)
client.start_job(slow.Id)
client.stop_job(slow.Id)
client.delete_job(slow.Id)
try:
    client.get_job(slow.Id)
except ClientError as error:
    expect((error.get_status_code(), error.get_code()), (404, "InvalidResource.NotFound"))
else:
    sys.exit("a deleted job is still there")
try:
    client.stop_job(created.Id)
except ClientError as error:
    expect((error.get_status_code(), error.get_code()), (409, "StateConflict"))

cluster = ClusterDescription()
cluster.Name = "old"
cluster.ImageId = "img-ubuntu"
group = GroupDescription()
group.DesiredVMCount = 2
group.InstanceType = "ecs.s3.large"
cluster.add_group("group1", group)
cluster_id = client.create_cluster(cluster).Id
expect(client.get_cluster(cluster_id).State, "Active")
client.change_cluster_desired_vm_count(cluster_id, group1=3)
expect(client.get_cluster(cluster_id).Groups["group1"].DesiredVMCount, 3)
client.delete_cluster(cluster_id)

image = ImageDescription({"Name": "old", "EcsImageId": "m-1", "Platform": "Linux"})
image_id = client.create_image(image).Id
expect(client.get_image(image_id).Name, "old")
expect([found.Id for found in client.list_images("", 10)], [image_id])
client.delete_image(image_id)
expect("img-ubuntu" in [found.Id for found in client.list_images("", 10, "System")], True)

app = AppDescription({"Name": "Blast", "CommandLine": "blast", "Docker": {"Image": "blast:1"}})
expect(client.create_app(app).Name, "Blast")
client.modify_app("Blast", app)
expect([revision.Revision for revision in client.get_app_revisions("Blast").Items], [0, 1])
expect(client.get_app_detail("Blast").CommandLine, "blast")
client.delete_app("Blast")

expect(client.get_quotas().StatusCode, 200)
expect(client.get_available_resource().StatusCode, 200)
print("the old SDK's session is done")
