"""The JSON schema of the short form of jobs."""

from __future__ import annotations

from typing import Any, Final

from batchcompute.cli.files.short_form import SHARED, TASK_KEYS

__all__: list[str] = []

_TEXT: Final[dict[str, Any]] = {"type": "string"}
_TEXTS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": _TEXT}

_TYPES: Final[dict[str, dict[str, Any]]] = {
    "command": {**_TEXT, "description": "The command. /bin/sh runs it."},
    "count": {"type": "integer", "minimum": 1, "description": "Number of instances."},
    "env": {
        "type": "object",
        "additionalProperties": {"type": ["string", "number", "boolean"]},
        "description": "Environment variables.",
    },
    "stdout": {**_TEXT, "description": "Directory for stdout: oss://bucket/logs/."},
    "stderr": {**_TEXT, "description": "Directory for stderr: oss://bucket/logs/."},
    "input": {**_TEXTS, "description": "Inputs: URL of the object or directory/, and its path."},
    "output": {**_TEXTS, "description": "Outputs: path of the file or directory/, and its URL."},
    "logs": {
        **_TEXTS,
        "description": "Files that are stored while the program runs: path, and URL of a directory/.",
    },
    "after": {
        "anyOf": [_TEXT, {"type": "array", "items": _TEXT}],
        "description": "The tasks that have to end before this one starts.",
    },
    "retries": {
        "type": "integer",
        "minimum": 0,
        "description": "Number of times that a failed instance is tried again.",
    },
    "timeout": {"type": "integer", "minimum": 1, "description": "Seconds that an attempt may take."},
    "package": {**_TEXT, "description": "Archive that is unpacked first: oss://bucket/worker.tar.gz."},
    "docker": {**_TEXT, "description": "Container image that the command runs in."},
    "cluster": {**_TEXT, "description": "Id of the cluster that runs the task."},
    "type": {**_TEXT, "description": "Instance type of the machines."},
    "image": {**_TEXT, "description": "Id of the image of the machines."},
}
"""The schema of each key of a task."""


def short_schema() -> dict[str, Any]:
    """Return the schema."""
    task = {
        "type": "object",
        "properties": {key: _TYPES[key] for key in TASK_KEYS},
        "required": ["command"],
        "additionalProperties": False,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Job",
        "type": "object",
        "properties": {
            "name": {
                **_TEXT,
                "maxLength": 64,
                "description": "Name of the job; by default that of the file.",
            },
            "description": {**_TEXT, "description": "Free text."},
            "priority": {"type": "integer", "minimum": 0, "maximum": 1000},
            "fail_on_instance_failure": {"type": "boolean"},
            "auto_release": {"type": "boolean"},
            **{
                key: {**_TYPES[key], "description": f"{_TYPES[key]['description']} For all tasks."}
                for key in SHARED
            },
            "tasks": {
                "type": "object",
                "minProperties": 1,
                "additionalProperties": {"anyOf": [_TEXT, task]},
                "description": "The tasks by name: a command, or a mapping.",
            },
        },
        "required": ["tasks"],
        "additionalProperties": False,
    }
