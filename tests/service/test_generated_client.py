"""The vendor's generated client of 2021 works with the service."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from batchcompute import Client, NotFoundError
from tests.service.test_serve import KEYS, serving

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    generated: Any = pytest.importorskip("alibabacloud_batchcompute20151111.client")
    models: Any = pytest.importorskip("alibabacloud_batchcompute20151111.models")
    tea: Any = pytest.importorskip("alibabacloud_tea_openapi.models")
    util: Any = pytest.importorskip("alibabacloud_tea_util.models")

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("tea") / "d", **KEYS) as (url, _):
        yield url.removeprefix("http://")


def client(place: str, secret: str = "s3cret", **fields: Any) -> Any:
    return generated.Client(
        tea.Config(
            access_key_id="id", access_key_secret=secret, endpoint=place, protocol="http", region_id="cn-qingdao",
            **fields,
        )
    )  # fmt: skip


@pytest.mark.parametrize("fields", [{}, {"signature_algorithm": "v2"}], ids=["ACS3", "acs"])
def test_a_session_of_the_generated_client_succeeds(place: str, fields: dict[str, Any]) -> None:
    made = client(place, **fields)

    def call(
        action: str, method: str, path: str, body: Any = None, query: Any = None, answer: str = "json"
    ) -> Any:
        request = tea.OpenApiRequest(body=body, query=query, headers={})
        return made.do_roarequest(
            action, "2015-11-11", "HTTP", method, "AK", path, answer, request, util.RuntimeOptions()
        )["body" if answer == "json" else "headers"]  # fmt: skip

    task = {
        "AutoCluster": {"InstanceType": "x"},
        "Parameters": {"Command": {"CommandLine": "echo é; sleep 60"}},
    }
    job = {"Name": "tea", "Type": "DAG", "Priority": 1, "DAG": {"Tasks": {"t": task}}}
    token = {"IdempotentToken": "token_" + "_".join(fields)}
    job_id = call("CreateJob", "POST", "/jobs", job, token)["Id"]
    assert call("CreateJob", "POST", "/jobs", job, token)["Id"] == job_id
    assert call("GetJob", "GET", f"/jobs/{job_id}")["Name"] == "tea"
    assert call("GetJobDescription", "GET", f"/jobs/{job_id}", query={"description": ""})["Id"] == job_id
    found = call("L", "GET", "/jobs", query={"Marker": "", "MaxItemCount": "10"})
    assert job_id in [item["Id"] for item in found["Items"]]
    assert made.list_jobs(models.ListJobsRequest()).headers["x-acs-request-id"]
    made.stop_job(job_id, models.StopJobRequest())
    call("ChangeJobPriority", "PUT", f"/jobs/{job_id}", {"Priority": 5}, answer="none")
    assert call("GetJobDescription", "GET", f"/jobs/{job_id}", query={"description": ""})["Priority"] == 5
    made.delete_job(job_id, models.DeleteJobRequest())
    with pytest.raises(Exception, match=r"InvalidResource\.NotFound"):
        made.delete_job(job_id, models.DeleteJobRequest())


def test_the_generated_client_accepts_responses_to_deletes(place: str) -> None:
    made = client(place)
    ours = Client(f"http://{place}", "id", "s3cret")
    task = {"AutoCluster": {"InstanceType": "x"}, "Parameters": {"Command": {"CommandLine": "sleep 60"}}}
    with ours:
        job = ours.create_job({"Name": "deleted", "Type": "DAG", "DAG": {"Tasks": {"t": task}}}).Id
        ours.stop_job(job)
        group = {"g": {"DesiredVMCount": 1}}
        cluster = ours.create_cluster({"Name": "n", "ImageId": "img-ubuntu", "Groups": group}).Id
        image = ours.create_image({"Name": "i", "EcsImageId": "m-1", "Platform": "Linux"}).Id
        app = ours.create_app({"Name": "deleted", "CommandLine": "x", "VM": {"ECSImageId": "m-1"}}).Id
        for answer in (
            made.delete_job(job, models.DeleteJobRequest()),
            made.delete_cluster(cluster, models.DeleteClusterRequest()),
            made.delete_image(image, models.DeleteImageRequest()),
            made.delete_app(app),
        ):
            # The Java SDK refuses a response without this header, even if it is empty.
            assert answer.headers["content-type"] == "application/json"
        for gone in (lambda: ours.get_job(job), lambda: ours.get_image(image), lambda: ours.get_app(app)):
            with pytest.raises(NotFoundError):
                gone()
        assert ours.get_cluster(cluster).State == "Deleting"


@pytest.mark.parametrize("fields", [{}, {"signature_algorithm": "v2"}], ids=["ACS3", "acs"])
def test_a_wrong_secret_is_refused(place: str, fields: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="SignatureDoesNotMatch"):
        client(place, "wrong", **fields).list_jobs(models.ListJobsRequest())
