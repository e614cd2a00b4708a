"""The conformance script of the vendor's functional tests, over HTTP (REST API, 13)."""

# Its App job runs an app without a container image, and its machines run at once.

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from batchcompute import Client, NotFoundError
from tests.service.helpers import until
from tests.service.test_serve import KEYS, serving

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with serving(tmp_path_factory.mktemp("c") / "d", "--slots", "1", **KEYS) as (url, _):
        with Client(url, "id", "s3cret") as made:
            yield made


CLUSTER: dict[str, Any] = {
    "Name": "cluster_test",
    "ImageId": "img-ubuntu",
    "InstanceType": "ecs.s3.large",
    "UserData": {"a": "b"},
    "Groups": {"group1": {"DesiredVMCount": 3, "InstanceType": "ecs.s3.large", "ResourceType": "OnDemand"}},
    "Configs": {"Disks": {"SystemDisk": {"Type": "ephemeral", "Size": 40}}},
    "Notification": {"Topic": {"Name": "t", "Endpoint": "e", "Events": ["OnClusterDeleted"]}},
}


def task(**fields: Any) -> dict[str, Any]:
    return {
        "InstanceCount": 1,
        "Parameters": {
            "Command": {"CommandLine": "sleep 30", "PackagePath": ""},
            "StdoutRedirectPath": "oss://b/l/",
            "StderrRedirectPath": "oss://b/l/",
        },
        **fields,
    }


def job(**fields: Any) -> dict[str, Any]:
    return {"Name": "n", "Type": "DAG", "Priority": 1, "DAG": {"Tasks": {"task_1": task(**fields)}}}


def test_quotas(client: Client) -> None:
    quotas = client.get_quotas()
    assert quotas.StatusCode == 200
    assert quotas.AvailableClusterInstanceType
    assert quotas.AvailableClusterResourceType


def test_clusters_and_jobs(client: Client) -> None:
    created = client.create_cluster(CLUSTER)
    assert created.StatusCode == 201
    assert created.Id.startswith("cls-")
    cluster = client.get_cluster(created)
    assert (cluster.Name, cluster.ImageId, cluster.State) == ("cluster_test", "img-ubuntu", "Active")
    assert cluster.Groups["group1"].DesiredVMCount == 3
    assert cluster.Groups["group1"].ActualVMCount <= 3
    assert cluster.UserData == {"a": "b"}
    assert cluster.Configs.Disks.SystemDisk.Size == 40
    assert cluster.Notification.Topic.Events == ["OnClusterDeleted"]
    for count in (4, 0, 1):
        assert client.change_cluster_desired_vm_count(created, group1=count).StatusCode == 200
        assert client.get_cluster(created).Groups["group1"].DesiredVMCount == count

    credentials = {"ServiceRole": "r", "Chain": [{"Role": "s", "UserId": 1}]}
    description = {
        **job(ClusterId=created.Id, CredentialConfig=credentials),
        "JobFailOnInstanceFail": False,
        "AutoRelease": True,
        "Notification": {"Topic": {"Name": "t", "Endpoint": "e", "Events": ["OnJobFinished", "OnJobFailed"]}},
    }
    first = client.create_job(description)
    assert first.StatusCode == 201
    found = client.get_job_description(first)
    assert (found.Priority, found.JobFailOnInstanceFail, found.AutoRelease) == (1, False, True)
    assert found.Notification.Topic.Events == ["OnJobFinished", "OnJobFailed"]
    assert found.DAG.Tasks["task_1"].CredentialConfig.detail() == credentials
    disks = {
        "SystemDisk": {"Type": "ephemeral", "Size": 40},
        "DataDisk": {"Type": "ephemeral", "Size": 5, "MountPoint": "/d"},
    }
    auto = {
        "InstanceType": "ecs.s3.large",
        "ImageId": "img-ubuntu",
        "ReserveOnFail": True,
        "Configs": {"Disks": disks},
    }
    second = client.create_job(job(AutoCluster=auto))
    assert second.StatusCode == 201

    listed = client.list_jobs("", 60, OrderBy="Id", IsReverse="true")
    assert [found.Id for found in listed] == [second.Id, first.Id]
    # There is one slot: the second job waits while the first one runs.
    until(lambda: client.get_job(first).State == "Running")
    assert [found.Id for found in client.list_jobs("", 60, "Waiting")] == [second.Id]
    assert [found.TaskName for found in client.list_tasks(first)] == ["task_1"]
    assert client.get_task(first, "task_1").StatusCode == 200
    assert [found.InstanceId for found in client.list_instances(first, "task_1")] == [0]
    assert client.get_instance(first, "task_1", 0).StatusCode == 200

    for created_job in (first, second):
        assert client.stop_job(created_job).StatusCode == 201
        assert client.get_job(created_job).State == "Stopped"
    assert client.change_job_priority(second, 10).StatusCode == 200
    assert client.get_job_description(second).Priority == 10
    assert client.start_job(second).StatusCode == 201
    assert client.stop_job(second).StatusCode == 201
    for created_job in (first, second):
        assert client.delete_job(created_job).StatusCode in (200, 202, 204)
        with pytest.raises(NotFoundError):
            client.get_job(created_job)
    assert client.delete_cluster(created).StatusCode in (200, 202, 204)


def test_images(client: Client) -> None:
    created = client.create_image({"Name": "image-11aa", "EcsImageId": "m-28sm2m8l0", "Platform": "Linux"})
    assert created.StatusCode == 201
    assert client.get_image(created).Name == "image-11aa"
    assert created.Id in [image.Id for image in client.list_images("", 100)]
    assert client.delete_image(created).StatusCode in (200, 204)
    assert {image.Type for image in client.list_images("", 100, "System")} == {"System"}


def test_apps(client: Client) -> None:
    app = {"Name": "app_test", "CommandLine": "echo", "VM": {"ECSImageId": "img-ubuntu"}}
    client.delete_app("app_test")
    assert client.create_app(app).StatusCode == 201
    assert "app_test" in [found.Name for found in client.list_apps("Private", "", 100)]
    assert client.get_app("app_test").Name == "app_test"
    changed = {"Name": "app_test", "CommandLine": "echo", "Docker": {"Image": "img:1"}}
    assert client.modify_app("app_test", changed).StatusCode == 200
    revisions = client.get_app_revisions("app_test")
    assert len(revisions) == 2
    assert revisions[1].Revision == 1
    assert client.get_app_detail("app_test", 1).Docker.Image == "img:1"
    assert client.delete_app("app_test").StatusCode in (200, 204)
    # The vendor's test runs its own app; here, the app has no container image.
    client.create_app(
        {**app, "CommandLine": "sleep ${time}", "InputParameters": {"time": {"Type": "Number"}}}
    )
    app_job = {"Name": "app_job", "Type": "App", "App": {"AppName": "app_test", "Inputs": {"time": 60}}}
    created = client.create_job(app_job)
    assert created.StatusCode == 201
    assert client.get_job_description(created.Id).Type == "App"
    assert client.stop_job(created.Id).StatusCode == 201
    assert client.delete_job(created.Id).StatusCode in (200, 202, 204)
    assert client.delete_app("app_test").StatusCode in (200, 204)


def test_machines(client: Client) -> None:
    cluster = client.create_cluster({**CLUSTER, "Groups": {"group1": {"DesiredVMCount": 1}}})
    (machine,) = until(lambda: list(client.list_cluster_instances(cluster, "group1", "", 10)))
    assert client.get_cluster_instance(cluster, "group1", machine).Id == machine.Id
    assert client.recreate_cluster_instance(cluster, "group1", machine).StatusCode == 201
    assert client.get_cluster_instance(cluster, "group1", machine).State == "Deleting"
    new = [found for found in client.iter_cluster_instances(cluster, "group1") if found.Id != machine.Id]
    assert len(new) == 1
    assert client.delete_cluster_instance(cluster, "group1", new[0]).StatusCode in (200, 202, 204)
    assert client.get_cluster(cluster).Groups["group1"].DesiredVMCount == 0
    client.delete_cluster(cluster)


def test_a_new_job_is_waiting(client: Client) -> None:
    """The old SDK's live tests expect `Waiting` right after the create, even if a slot is free."""
    for _ in range(10):
        created = client.create_job({**job(AutoCluster={}), "Name": "waits"})
        assert client.get_job(created).State == "Waiting"
        assert client.get_instance(created, "task_1", 0).State == "Waiting"
        client.stop_job(created)
        client.delete_job(created)
