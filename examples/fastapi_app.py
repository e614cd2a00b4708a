"""A FastAPI application that takes job descriptions as typed bodies, and runs them."""

#     python examples/fastapi_app.py                          # sends some requests, and prints the answers
#     uvicorn --app-dir examples --factory fastapi_app:make_app    # serves it: look at /docs

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import PlainTextResponse

from batchcompute import AsyncClient, NotFoundError, ValidationError
from batchcompute.resources import Job, JobDescription, TaskDescription
from batchcompute.service import LocalService

# FastAPI silences this warning of pydantic at its start. The models are built at their first use, which is later.
warnings.filterwarnings("ignore", "The 'alias' attribute with value", UserWarning)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    with LocalService() as service:
        async with service.async_client() as client:
            app.state.client = client
            yield


def client_of(request: Request) -> AsyncClient:
    client: AsyncClient = request.app.state.client
    return client


Jobs = Annotated[AsyncClient, Depends(client_of)]


async def create(job: JobDescription, client: Jobs) -> dict[str, str]:
    """Create a job. FastAPI has checked the types of the body; the client checks the rest."""
    try:
        return {"id": (await client.create_job(job)).Id}
    except ValidationError as error:
        problems = [{"path": problem.path, "problem": problem.allowed} for problem in error.problems]
        raise HTTPException(422, problems) from error


async def status(job_id: str, client: Jobs) -> Job:
    try:
        return await client.get_job(job_id)
    except NotFoundError as error:
        raise HTTPException(404, f"there is no job {job_id}") from error


async def output(job_id: str, task: str, number: int, client: Jobs) -> PlainTextResponse:
    return PlainTextResponse((await client.logs(job_id, task, number)).stdout)


def make_app() -> FastAPI:
    app = FastAPI(title="Jobs", lifespan=lifespan)
    app.post("/jobs", status_code=201)(create)
    app.get("/jobs/{job_id}", response_model_exclude_unset=True)(status)
    app.get("/jobs/{job_id}/{task}/{number}", response_class=PlainTextResponse)(output)
    return app


async def main() -> None:
    app = make_app()
    task = TaskDescription.of_command(
        "echo 'hello from a typed body'", instance_type="ecs.s3.large", stdout="oss://demo/logs/"
    )
    body = JobDescription(Name="typed", DAG={"Tasks": {"greet": task}})
    transport = httpx.ASGITransport(app)
    async with lifespan(app), httpx.AsyncClient(transport=transport, base_url="http://app") as http:
        job_id = (await http.post("/jobs", json=body.detail())).json()["id"]
        await app.state.client.wait(job_id)
        print(f"GET /jobs/{job_id}:", Job((await http.get(f"/jobs/{job_id}")).text).State)
        print(f"GET /jobs/{job_id}/greet/0:", (await http.get(f"/jobs/{job_id}/greet/0")).text.strip())

        wrong_type = await http.post(
            "/jobs", json={"Name": "x", "DAG": {"Tasks": {"t": {"Timeout": "long"}}}}
        )
        print("a wrong type:", wrong_type.status_code, wrong_type.json()["detail"][0]["loc"])
        wrong_value = await http.post("/jobs", json={"Name": "1st job", "DAG": {"Tasks": {}}})
        print("a wrong value:", wrong_value.status_code, wrong_value.json()["detail"])
        print("an unknown job:", (await http.get("/jobs/job-0")).status_code)
        schema = (await http.get("/openapi.json")).json()["components"]["schemas"]["JobDescription"]
        print("the schema of a body:", ", ".join(schema["properties"]))


if __name__ == "__main__":
    asyncio.run(main())
