"""The OpenAPI document, and requests that schemathesis makes from it."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from batchcompute import Client, Credentials
from batchcompute.api.operations import OPERATIONS
from batchcompute.http.signing import sign
from tests.service.helpers import job as make_job
from tests.service.helpers import task
from tests.service.test_serve import serving

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")
DOCUMENT: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "src/batchcompute/service/openapi.json").read_text("utf-8")
)
EXAMPLES = 30


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    keys = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret"}
    with serving(tmp_path_factory.mktemp("served") / "data", "--log-level", "ERROR", **keys) as (found, _):
        yield found


def test_the_document_has_every_operation_and_is_served(url: str) -> None:
    assert httpx.get(f"{url}/openapi.json").json() == {**DOCUMENT, "servers": [{"url": url}]}
    documented = {
        (path, method.upper())
        for path, item in DOCUMENT["paths"].items()
        for method in item
        if method != "parameters"
    }
    assert documented == {(row.path, row.method) for row in OPERATIONS.values()}
    summaries = " ".join(
        operation["summary"]
        for item in DOCUMENT["paths"].values()
        for method, operation in item.items()
        if method != "parameters"
    )
    assert all(row.api in summaries for row in OPERATIONS.values())


def test_every_reference_has_a_target() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    text = json.dumps(DOCUMENT)
    for name in schemas:
        assert f'#/components/schemas/{name}"' in text or name in ("Config",), name
    for part in text.split("#/components/schemas/")[1:]:
        assert part.partition('"')[0] in schemas


def test_no_unusual_request_gets_an_undocumented_response(url: str) -> None:
    schemathesis = pytest.importorskip("schemathesis")
    checks = pytest.importorskip("schemathesis.checks")
    specific = pytest.importorskip("schemathesis.specs.openapi.checks")
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st
    from requests import PreparedRequest
    from requests.auth import AuthBase

    class Signed(AuthBase):
        """Signs each request before it is sent, like a client."""

        def __call__(self, request: PreparedRequest) -> PreparedRequest:
            parts = urlsplit(request.url or "")
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            body: Any = request.body or b""
            content: bytes = body.encode() if isinstance(body, str) else body
            headers = sign(
                request.method or "", target, content, credentials=Credentials("id", "secret"), region="local",
                now=datetime.now(UTC), nonce=secrets.token_hex(8), user_agent="schemathesis",
            )  # fmt: skip
            request.headers.clear()
            request.headers.update({**headers, "Content-Length": str(len(content))})
            return request

    with Client(url, "id", "secret") as client:
        job_id = client.create_job(make_job({"t": task("sleep 600")})).Id
        cluster_id = client.create_cluster(
            {"Name": "c", "ImageId": "img-ubuntu", "Groups": {"g": {"DesiredVMCount": 1}}}
        ).Id
        image_id = client.create_image({"Name": "i", "EcsImageId": "m-1", "Platform": "Linux"}).Id
        client.create_app({"Name": "a", "CommandLine": "true", "VM": {"ECSImageId": "img-ubuntu"}})
        machine = next(iter(client.iter_cluster_instances(cluster_id, "g"))).Id
    known = {
        "JobId": job_id, "TaskName": "t", "ClusterId": cluster_id, "GroupName": "g", "ImageId": image_id,
        "AppName": "a",
    }  # fmt: skip
    tasks = {"t": {"AutoCluster": {"InstanceType": "x"}, "Parameters": {"Command": {"CommandLine": "true"}}}}
    app = {"Name": "a", "CommandLine": "true", "VM": {"ECSImageId": "m-1"}, "Docker": {}}
    bodies: dict[str, dict[str, Any]] = {
        "post /jobs": {"Name": "n", "Type": "DAG", "Priority": 1, "DAG": {"Tasks": tasks}},
        "put /jobs/{JobId}": {"Priority": 1},
        "post /clusters": {"Name": "c", "ImageId": "img-ubuntu", "Groups": {"g": {"DesiredVMCount": 0}}},
        "put /clusters/{ClusterId}": {"Groups": {"g": {"DesiredVMCount": 1}}},
        "post /images": {"Name": "i", "EcsImageId": "m-1", "Platform": "Linux"},
        "post /apps": app,
        "put /apps/{AppName}": app,
    }
    chosen = [
        checks.not_a_server_error, specific.status_code_conformance, specific.content_type_conformance,
        specific.response_schema_conformance,
    ]  # fmt: skip
    seen: dict[str, set[int]] = {}

    def check_of(operation: Any) -> Any:
        @given(case=operation.as_strategy(), real=st.booleans())
        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
        )  # fmt: skip
        def check(case: Any, real: bool) -> None:
            if real:
                path = {**known, "InstanceId": machine if "/clusters/" in operation.path else "0"}
                case.path_parameters = {name: path[name] for name in case.path_parameters or {}}
                if isinstance(case.body, dict):
                    case.body = {**case.body, **bodies.get(f"{operation.method} {operation.path}", {})}
            if case.query and "sync" in case.query:
                # The test does not wait for jobs that may run for hours.
                del case.query["sync"]
            response = case.call_and_validate(base_url=url, auth=Signed(), checks=chosen)
            seen.setdefault(f"{operation.method} {operation.path}", set()).add(response.status_code)

        return check

    operations = [found.ok() for found in schemathesis.openapi.from_dict(DOCUMENT).get_all_operations()]
    # Deletions come last, and machines before their cluster.
    for operation in sorted(operations, key=lambda each: (each.method == "delete", -len(each.path))):
        check_of(operation)()
    # Some of the requests have succeeded.
    refused = [name for name, statuses in seen.items() if min(statuses) >= 300]
    assert len(refused) < len(seen) / 4, refused
