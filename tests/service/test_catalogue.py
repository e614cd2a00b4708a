"""Images, apps with their revisions, and available resources."""

from __future__ import annotations

from typing import Any

import pytest

from batchcompute import Client, ClientError, InvalidParameterError, NotFoundError
from batchcompute.resources import AppDescription
from batchcompute.service import LocalService

APP: dict[str, Any] = {
    "Name": "Blast",
    "Description": "searches",
    "CommandLine": "blast ${in}",
    "Docker": {"Image": "blast:1"},
    "InputParameters": {"in": {"Type": "String", "Description": "what", "Default": "x", "LocalPath": "/in"}},
    "OutputParameters": {"out": {"Type": "String", "LocalPath": "/out"}},
}


def test_an_image_is_created_listed_and_deleted(local: Client) -> None:
    description = {"Name": "mine", "EcsImageId": "m-1", "Platform": "Linux", "Description": "d"}
    created = local.create_image(description, token="t1")
    assert created.Id.startswith("img-")
    assert local.create_image(description, token="t1").Id == created.Id
    with pytest.raises(InvalidParameterError, match="IdempotentTokenMismatch"):
        local.create_image({**description, "Name": "other"}, token="t1")
    image = local.get_image(created)
    assert (image.Name, image.EcsImageId, image.Platform, image.Type) == ("mine", "m-1", "Linux", "Self")
    assert image.CreationTime is not None
    for number in range(4):
        local.create_image({**description, "Name": f"i{number}"})
    assert [found.Name for found in local.iter_images(max_item_count=2)] == ["mine", "i0", "i1", "i2", "i3"]
    local.delete_image(created)
    for call in (local.get_image, local.delete_image):
        with pytest.raises(NotFoundError):
            call(created)
    assert [found.Name for found in local.iter_images()] == ["i0", "i1", "i2", "i3"]


def test_system_images_are_listed_and_cannot_be_deleted(local: Client) -> None:
    images = list(local.iter_images("System", max_item_count=1))
    assert "img-ubuntu" in [image.Id for image in images]
    assert {image.Type for image in images} == {"System"}
    assert local.get_image("img-ubuntu").Platform == "Linux"
    with pytest.raises(ClientError, match="Forbidden"):
        local.delete_image("img-ubuntu")
    # The old SDK sends no other value than System.
    assert list(local.list_images(type_="Self")) == list(local.list_images())


def test_an_app_is_created_listed_and_deleted(local: Client) -> None:
    created = local.create_app(APP)
    assert (created.Id, created.Name, created.StatusCode) == ("Blast", "Blast", 201)
    with pytest.raises(ClientError) as caught:
        local.create_app(APP)
    assert (caught.value.status, caught.value.code) == (403, "InvalidResource.AlreadyExisting")
    face = local.get_app("Blast")
    assert (face.Name, face.Description) == ("Blast", "searches")
    assert face.InputParameters["in"].Default == "x"
    assert face.CreationTime is not None
    assert not {"CommandLine", "Docker", "VM"} & set(face.content)
    assert "LocalPath" not in face.content["InputParameters"]["in"]
    detail = local.get_app_detail("Blast")
    assert (detail.CommandLine, detail.Docker.Image) == ("blast ${in}", "blast:1")
    assert detail.InputParameters["in"].LocalPath == "/in"
    assert [app.Name for app in local.iter_apps()] == ["Blast"]
    assert list(local.iter_apps("Public")) == []
    with pytest.raises(NotFoundError):
        local.get_app("Blast", "Public")
    with pytest.raises(InvalidParameterError, match="Scope"):
        local.list_apps("Secret")


def test_each_modification_of_an_app_adds_a_revision(local: Client) -> None:
    local.create_app(APP)
    local.modify_app("Blast", {**APP, "CommandLine": "blast --fast ${in}"})
    local.modify_app("Blast", AppDescription({**APP, "CommandLine": "blast --best ${in}"}))
    assert [revision.Revision for revision in local.get_app_revisions("Blast")] == [0, 1, 2]
    assert local.get_app_detail("Blast").CommandLine == "blast --best ${in}"
    assert local.get_app_detail("Blast", 0).CommandLine == "blast ${in}"
    local.delete_app("Blast", 1)
    assert [revision.Revision for revision in local.get_app_revisions("Blast")] == [0, 2]
    for qualifier in (1, 7, "9" * 40):
        with pytest.raises(NotFoundError):
            local.get_app_detail("Blast", qualifier)
    with pytest.raises(InvalidParameterError, match="Name"):
        local.modify_app("Blast", {**APP, "Name": "Other"})
    with pytest.raises(NotFoundError):
        local.modify_app("Other", {**APP, "Name": "Other"})
    local.modify_app("Blast", APP)
    # A number is never used again.
    assert [revision.Revision for revision in local.get_app_revisions("Blast")] == [0, 2, 3]
    local.delete_app("Blast")
    with pytest.raises(NotFoundError):
        local.get_app("Blast")
    # In the vendor's own tests, deleting an app that does not exist is not an error.
    assert local.delete_app("Blast").StatusCode == 204


def test_available_resources_list_the_instance_types(local: Client) -> None:
    found = local.get_available_resource()
    names = {kind.InstanceType for kind in found.AvailableClusterInstanceType}
    assert set(local.get_quotas().AvailableClusterInstanceType) == names
    large = next(
        kind for kind in found.AvailableClusterInstanceType if kind.InstanceType == "ecs.sn2ne.xlarge"
    )
    assert (large.CpuCore, large.MemorySize, large.Network.Vpc) == (4, 16, True)


def test_images_and_apps_survive_a_restart(tmp_path: Any) -> None:
    with LocalService(tmp_path / "d") as service, service.client("id", "secret") as client:
        image = client.create_image({"Name": "i", "EcsImageId": "m", "Platform": "Linux"}, token="tok").Id
        client.create_app(APP)
    with LocalService(tmp_path / "d") as service, service.client("id", "secret") as client:
        assert client.get_image(image).Name == "i"
        assert (
            client.create_image({"Name": "i", "EcsImageId": "m", "Platform": "Linux"}, token="tok").Id
            == image
        )
        assert client.get_app_detail("Blast").CommandLine == "blast ${in}"
