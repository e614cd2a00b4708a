"""Containers, run by docker or podman (REST API, 5.5)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from batchcompute.runner.staging_plan import WORKDIR, StagingPlan, ancestors

__all__: list[str] = []

_LONGEST_LINE = 60_000
"""Bytes of a line of an environment file; docker cannot read a line of 64 KiB."""


class Runtime(NamedTuple):
    """The container runtime of this machine."""

    program: str
    """Path of its command; empty if no runtime works."""
    reason: str = ""
    """The reason why no runtime works; empty if one works."""


@lru_cache(maxsize=1)
def probe() -> Runtime:
    """Return the first container runtime that works. The daemon of an installed command may not run."""
    reasons: list[str] = []
    for name in ("docker", "podman"):
        program = shutil.which(name)
        if program is None:
            reasons.append(f"{name} is not installed")
            continue
        try:
            done = subprocess.run(
                [program, "info"], capture_output=True, text=True, check=False, timeout=20, stdin=subprocess.DEVNULL
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            reasons.append(f"{name}: {error}")
            continue
        if done.returncode == 0:
            return Runtime(program)
        lines = done.stderr.strip().splitlines()
        reasons.append(f"{name}: {lines[-1][:200] if lines else f'exit code {done.returncode}'}")
    return Runtime("", "; ".join(reasons))


def own_environment() -> dict[str, str]:
    """Return the variables that the command of the runtime needs: they name its configuration."""
    names = (
        "PATH",
        "HOME",
        "XDG_RUNTIME_DIR",
        "DOCKER_HOST",
        "DOCKER_CONFIG",
        "DOCKER_CONTEXT",
        "CONTAINER_HOST",
    )
    return {name: os.environ[name] for name in names if name in os.environ}


def name_of(token: str) -> str:
    """Return the name of the container of an attempt, with which the container is removed."""
    return f"batchcompute-{token}"


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables of a program in a container."""

    listed: bytes = field(repr=False)
    """Content of an environment file: the variables whose values are one line."""
    inherited: Mapping[str, str] = field(repr=False)
    """The other variables, which the command of the runtime passes on from its own environment."""


def split_environment(variables: Mapping[str, str]) -> Variables:
    """Split variables by how they are passed to a container.

    No value is on a command line, because every user can read those. A file holds most values: in the environment of
    the command of the runtime, variables such as ``LD_PRELOAD`` would act outside of the container. A file cannot hold
    values of several lines or very long ones, so the command passes those on from its environment.

    Raises:
        ValueError: A variable cannot be in a file, and would act on the command of the runtime.
    """
    lines: list[str] = []
    inherited: dict[str, str] = {}
    for name, value in variables.items():
        line = f"{name}={value}\n"
        if "\n" not in value and "\r" not in value and len(line.encode("utf-8", "replace")) <= _LONGEST_LINE:
            lines.append(line)
        elif name.startswith(("LD_", "DYLD_", "DOCKER_", "CONTAINER", "BASH_", "GO")):
            raise ValueError(f"the variable {name} has several lines, or more than {_LONGEST_LINE} bytes")
        else:
            inherited[name] = value
    return Variables("".join(lines).encode("utf-8", "surrogateescape"), inherited)


def arguments_of(
    program: str, image: str, token: str, variables: Variables, file: Path, plan: StagingPlan
) -> list[str]:
    """Return the arguments that run a command in a container; the command follows them.

    Args:
        program: Path of the command of the runtime.
        image: The image.
        token: Token of the attempt.
        variables: The variables of the program.
        file: Path of the environment file.
        plan: What is mounted.
    """
    arguments = [program, "run", "--rm", "--init", "--network=host", f"--name={name_of(token)}"]
    arguments += [f"--workdir={WORKDIR}", "--entrypoint=/bin/sh"]
    arguments.append(f"--env-file={file}")
    for name in variables.inherited:
        arguments += ["--env", name]
    # Only the outermost directories are mounted, so that everything in one of them is one file system.
    folders = {WORKDIR, *plan.empty_folders, *plan.merged_folders, *(copy.path for copy in plan.copies)}
    outermost = [path for path in sorted(folders) if not any(outer in folders for outer in ancestors(path))]
    arguments += [_mount(plan.at(path), path, True) for path in outermost]
    arguments += [_mount(mount.source, mount.path, mount.writable) for mount in plan.mounts]
    return [*arguments, image, "-c"]


def _mount(source: Path, path: str, write: bool) -> str:
    # Not --volume, in which a path cannot contain a colon. Here a comma can be quoted.
    fields = ["type=bind", f"source={source}", f"target={path}", *([] if write else ["readonly"])]
    special = {",", '"', "\n", "\r"}
    quoted = ('"' + field.replace('"', '""') + '"' if set(field) & special else field for field in fields)
    return f"--mount={','.join(quoted)}"


def remove(program: str, token: str) -> None:
    """Remove a container in any state. A missing container is not an error."""
    subprocess.run(
        [program, "rm", "--force", name_of(token)], capture_output=True, check=False, timeout=60, stdin=subprocess.DEVNULL
    )  # fmt: skip
