"""Writes the OpenAPI document of the service, from the table of operations and the models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from batchcompute import _version, resources
from batchcompute.api.operations import OPERATIONS, Operation
from batchcompute.models.base import Description
from batchcompute.service.domain.states import STATES

PATH = Path("src/batchcompute/service/openapi.json")
_ANSWERS = {
    "JobResponse": "Job",
    "JobDescriptionResponse": "JobDescription",
    "TaskResponse": "Task",
    "InstanceResponse": "Instance",
    "ClusterResponse": "Cluster",
    "ClusterInstanceResponse": "ClusterInstance",
    "ImageResponse": "Image",
    "AppResponse": "AppStatus",
    "QuotaResponse": "Quota",
    "AvailableResourceResponse": "AvailableResource",
}
_REASONS = {
    "400": "The request, its signature or a value in it is wrong (REST API, 7).",
    "403": "What is asked for is not allowed, or there is too much of it.",
    "404": "There is no such resource, or no such access key.",
    "409": "The state of the resource does not allow it.",
    "503": "The service ends before the job does.",
}
_TIME = {
    "type": "string",
    "pattern": r"^$|^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?Z$",
    "description": "UTC with microseconds; empty while it is not known.",
}
_FLAG = {"type": "string", "enum": ["", "True", "true"]}
_QUERY: dict[str, dict[str, Any]] = {
    "Marker": {"type": "string"},
    "MaxItemCount": {"type": "integer", "minimum": 0, "maximum": 100, "default": 50},
    "State": {"type": "string", "enum": list(STATES)},
    "OrderBy": {"type": "string", "enum": ["Id", "CreationTime"]},
    "IsReverse": {"type": "string", "enum": ["true", "false", "True", "False"]},
    "IdempotentToken": {"type": "string", "pattern": "^[A-Za-z0-9_]{1,64}$"},
    "Scope": {"type": "string", "enum": ["Private", "Public"]},
    "Type": {"type": "string", "enum": ["Self", "System"]},
    "Qualifier": {"type": "string", "pattern": "^[0-9]{0,9}$"},
    "description": _FLAG,
    "sync": _FLAG,
    "Detail": _FLAG,
    "Revisions": _FLAG,
}


def document() -> dict[Path, str]:
    """Return the text of the document."""
    schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS.values():
        path = paths.setdefault(operation.path, {})
        method = operation.method.lower()
        made = _operation(operation)
        # Some operations differ in a query flag only; OpenAPI allows one operation for each method and path.
        path[method] = _merged(path[method], made) if method in path else made
    for place, item in paths.items():
        names: list[str] = re.findall(r"{(\w+)}", place)
        item["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ]
    found = {
        "openapi": "3.1.0",
        "info": {
            "title": "BatchCompute",
            "version": "2015-11-11",
            "description": "The API of BatchCompute as `batchcompute serve` answers it. Requests are signed with "
            "HMAC-SHA1: see the page on authentication. Citations such as (REST API, 2.1) name sections of "
            "docs/rest-api.md.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "x-package-version": _version.__version__,
        },
        "servers": [{"url": "http://127.0.0.1:8790"}],
        "security": [{"acs": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "acs": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`acs AccessKeyId:Signature`",
                }
            },
            "schemas": schemas,
        },
    }
    return {PATH: json.dumps(found, indent=1, ensure_ascii=False, sort_keys=False) + "\n"}


# -- operations -----------------------------------------------------------------------------------


def _operation(row: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": row.api,
        "tags": [row.path.split("/")[1]],
        "summary": f"{row.api} (REST API, {row.section})",
        "parameters": [_parameter(name, row) for name in row.query],
        "responses": {
            str(row.status): _success(row),
            **{status: _failure(status) for status in _statuses(row)},
        },
    }
    if row.body:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": _body(row)}}}
    return made


def _parameter(name: str, row: Operation) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "in": "query", "required": False}
    if name in row.flags or _QUERY.get(name) is _FLAG:
        made["allowEmptyValue"] = True
    return {**made, "schema": _QUERY.get(name, {"type": "string"})}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _body(row: Operation) -> dict[str, Any]:
    if row.name == "create_job":
        return {"anyOf": [_ref("JobDescription"), _ref("AppJobDescription")]}
    return _ref(row.body)


def _success(row: Operation) -> dict[str, Any]:
    if row.response == "ActionResponse":
        return {"description": "Done; the body is empty."}
    schema: dict[str, Any]
    if row.name == "create_job":
        schema = {"anyOf": [_ref("Created"), _ref("SynchronousInstance")]}
    elif row.response == "CreateResponse":
        schema = _ref("CreatedApp" if row.name == "create_app" else "Created")
    elif row.name == "get_app_revisions":
        schema = {"type": "array", "items": _ref(row.response)}
    elif row.name == "get_job_description":
        schema = {"anyOf": [_ref("JobDescription"), _ref("AppJobDescription")]}
    elif row.is_list:
        schema = {
            "type": "object",
            "required": ["Items", "NextMarker"],
            "additionalProperties": False,
            "properties": {
                "Items": {"type": "array", "items": _ref(row.response), "maxItems": 100},
                "NextMarker": {"type": "string", "description": "Empty on the last page."},
            },
        }
    else:
        schema = _ref(_ANSWERS[row.response])
    return {"description": "The answer.", "content": {"application/json": {"schema": schema}}}


def _failure(status: str) -> dict[str, Any]:
    return {"description": _REASONS[status], "content": {"application/json": {"schema": _ref("ApiError")}}}


def _statuses(row: Operation) -> Iterable[str]:
    yield from ("400", "403", "404")
    if row.retry_class in ("action", "change", "delete"):
        yield "409"
    if "sync" in row.query:
        yield "503"


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    names = {parameter["name"] for parameter in first["parameters"]}
    parameters = first["parameters"] + [p for p in second["parameters"] if p["name"] not in names]
    responses = {**first["responses"]}
    for status, response in second["responses"].items():
        known = responses.get(status)
        if known and known != response:
            one, other = (each["content"]["application/json"]["schema"] for each in (known, response))
            choices = [*one.get("anyOf", [one]), *other.get("anyOf", [other])]
            schema = {"anyOf": choices}
            responses[status] = {**known, "content": {"application/json": {"schema": schema}}}
    return {
        **first,
        "summary": f"{first['summary']}; {second['summary']} with its flag in the query",
        "parameters": parameters,
        "responses": responses,
    }


# -- schemas --------------------------------------------------------------------------------------


def _schemas() -> dict[str, Any]:
    used = {row.body for row in OPERATIONS.values()} | {row.response for row in OPERATIONS.values()}
    names = {_ANSWERS.get(name, name) for name in used} | {"AppJobDescription", "SynchronousInstance"}
    classes = [getattr(resources, name) for name in sorted(names) if hasattr(resources, name)]
    inputs: Any = [(cls, "serialization") for cls in classes]
    _, made = models_json_schema(inputs, ref_template="#/components/schemas/{model}")
    text = re.sub(
        r"batchcompute__resources__(\w+?)__(\w+)",
        lambda m: f"{m[1].title()}{m[2]}",
        json.dumps(made["$defs"]),
    )
    schemas: dict[str, Any] = {}
    for name, schema in json.loads(text).items():
        cls = next((cls for cls in classes if cls.__name__ == name), None)
        schemas[name] = _cleaned(schema)
        identity = getattr(cls, "_identity", "")
        if cls is not None and not issubclass(cls, Description) and identity:
            schemas[name]["required"] = [identity]
    schemas["Priority"] = {
        "type": "object",
        "required": ["Priority"],
        "properties": {"Priority": {"type": "integer", "minimum": 0, "maximum": 1000}},
    }
    text_field = {"type": "string"}
    schemas["Created"] = {"type": "object", "required": ["Id"], "properties": {"Id": text_field}}
    schemas["CreatedApp"] = {"type": "object", "required": ["Name"], "properties": {"Name": text_field}}
    schemas["ApiError"] = {
        "type": "object",
        "required": ["Code", "Message", "RequestId"],
        "additionalProperties": False,
        "properties": {"Code": text_field, "Message": text_field, "RequestId": text_field},
    }
    return dict(sorted(schemas.items()))


def _cleaned(schema: Any) -> Any:
    """Return a schema for the wire format: without titles and defaults, with times that may be empty."""
    if isinstance(schema, list):
        return [_cleaned(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "date-time":
        doc = schema.get("description", _TIME["description"]).replace("None before", "empty before")
        return {**_TIME, "description": doc}
    if "anyOf" in schema:
        rest = {key: value for key, value in schema.items() if key not in ("anyOf", "title", "default")}
        choices: list[Any] = []
        for choice in schema["anyOf"]:
            cleaned = _cleaned(choice)
            if cleaned not in choices:
                choices.append(cleaned)
        if {"type": "string"} in choices:
            # Other values are allowed, too: the list has the known ones.
            words = [word for choice in choices for word in choice.get("enum", [])]
            others = [choice for choice in choices if choice.get("type") != "string"]
            choices = [{"type": "string", **({"examples": words} if words else {})}, *others]
        return {**rest, **choices[0]} if len(choices) == 1 else {**rest, "anyOf": choices}
    made: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            made[key] = {field: _cleaned(inner) for field, inner in value.items()}
        elif key not in ("title", "default"):
            made[key] = _cleaned(value) if key not in ("enum", "examples") else value
    return made
