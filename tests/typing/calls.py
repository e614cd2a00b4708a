# Calls of both clients. models.py explains the markers.
from typing import assert_type

from batchcompute import AsyncClient, Client, ClientError, CreateResponse, ListResponse
from batchcompute.api.resource_responses import (
    ClusterResponse,
    JobDescriptionResponse,
    JobResponse,
    SynchronousInstanceResponse,
)
from batchcompute.resources import (
    AppJobDescription,
    AppRevision,
    AppStatus,
    Cluster,
    Image,
    Instance,
    Job,
    JobDescription,
    JobState,
    Task,
)
from batchcompute.service import LocalService


def synchronous(client: Client) -> None:
    created = client.create_job(JobDescription(Name="demo"))
    assert_type(created, CreateResponse)
    assert_type(created.Id, str)
    assert_type(client.create_job({"Name": "demo"}, token="t"), CreateResponse)
    run = client.create_job(AppJobDescription(), sync=True)
    assert_type(run, SynchronousInstanceResponse)

    job = client.get_job(created)
    assert_type(job, JobResponse)
    assert_type(job.State, JobState)
    assert_type(job.RequestId, str)
    assert_type(job.StatusCode, int)
    print(job["Id"], job.InstanceMetrics.RunningCount)
    as_job: Job = job
    description = client.get_job_description(as_job)
    assert_type(description, JobDescriptionResponse)
    print(description.DAG.Tasks["t"].Parameters.Command.CommandLine)

    page = client.list_jobs("", 10, "Running", OrderBy="Id")
    assert_type(page, ListResponse[Job])
    assert_type(page.Items, list[Job])
    assert_type(page.NextMarker, str)
    assert_type(page[0], Job)
    assert_type(page[1:3], list[Job])
    assert_type([item.Id for item in page], list[str])
    assert_type(client.list_instances(job, "t"), ListResponse[Instance])
    assert_type(client.get_app_revisions("a")[0], AppRevision)

    assert_type(client.easy_list("jobs", Name="x"), list[Job])
    assert_type(client.easy_list("tasks", job), list[Task])
    assert_type(client.easy_list("instances", job, "t"), list[Instance])
    assert_type(client.easy_list("clusters", Name=lambda name: name == "x"), list[Cluster])
    assert_type(client.poll([job, "job-2"]), list[str])
    assert_type(client.get_cluster("cls-1"), ClusterResponse)
    assert_type(client.stop_job(page[0]).StatusCode, int)
    client.change_cluster_desired_vm_count("cls-1", group1=3)

    # Filters, by both names.
    assert_type(client.list_jobs(state="Failed", order_by="Id", is_reverse=True), ListResponse[Job])
    assert_type(client.list_jobs("", 10, State="Failed", ClusterId=created, ProjectId="p"), ListResponse[Job])
    assert_type(list(client.iter_jobs(State="Failed", IsReverse="True")), list[Job])
    assert_type(client.list_tasks(job, State="Running", ClusterId="cls-1"), ListResponse[Task])
    assert_type(list(client.iter_tasks(job, cluster_id="cls-1")), list[Task])
    assert_type(list(client.iter_instances(job, "t", State="Failed")), list[Instance])
    assert_type(client.list_images(Type="System"), ListResponse[Image])
    assert_type(list(client.iter_apps(Scope="Public")), list[AppStatus])
    client.list_jobs(Stat="Failed")  # expect-error
    client.list_jobs(ProjectId=5)  # expect-error
    client.iter_jobs(sate="Failed")  # expect-error
    client.list_tasks(job, ProjectId="p")  # expect-error
    client.list_instances(job, "t", ClusterId="cls-1")  # expect-error
    client.list_images(State="Failed")  # expect-error
    client.list_clusters(State="Active")  # expect-error
    client.list_apps(Type="Public")  # expect-error
    client.list_cluster_instances("cls-1", "g", State="Running")  # expect-error
    client.change_cluster_user_data("cls-1", None)  # expect-error

    client.get_jb("job-1")  # expect-error
    client.get_job()  # expect-error
    client.get_job(5)  # expect-error
    client.get_job(jb="job-1")  # expect-error
    client.create_job(5)  # expect-error
    client.create_job(JobDescription(), tokn="t", sync=True)  # expect-error
    client.list_jobs("", "10")  # expect-error
    client.easy_list("jobz")  # expect-error
    client.easy_list("tasks")  # expect-error
    client.change_job_priority(job, "high")  # expect-error
    print(job.Satet)  # expect-error
    print(created.Idd)  # expect-error
    Client("cn-qingdao", "id")  # expect-error
    Client("cn-qingdao", 5, "secret")  # expect-error


async def asynchronous(client: AsyncClient) -> None:
    assert_type(await client.list_jobs(State="Failed"), ListResponse[Job])
    assert_type([one async for one in client.iter_jobs(State="Failed")], list[Job])
    await client.list_jobs(Stat="Failed")  # expect-error
    client.iter_tasks("job-1", Stat="Failed")  # expect-error
    job = await client.get_job("job-1")
    assert_type(job, JobResponse)
    assert_type(await client.list_jobs(), ListResponse[Job])
    assert_type(await client.easy_list("instances", job, "t"), list[Instance])
    async with client as same:
        assert_type(await same.create_job({"Name": "demo"}), CreateResponse)
    await client.get_jb("job-1")  # expect-error
    print((await client.get_job("job-1")).Satet)  # expect-error


def local() -> None:
    with LocalService() as service, service.client() as client:
        try:
            client.get_job("job-1")
        except ClientError as error:
            assert_type(error.get_status_code(), int)
            print(error.code, error.request_id, error.stats)  # expect-error
        print(service.oss_path("oss://bucket/key").name)
