"""Docker images, by whichever of docker and podman works on this machine (REST API, 5.5)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from batchcompute.runner.staging_plan import WORKDIR, StagingPlan, ancestors

__all__: list[str] = []

_LONGEST_LINE = 60_000
"""Bytes of a line of an environment file; docker reads no line of 64 KiB."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """What runs containers."""

    program: str
    """Path of its command; empty where there is none."""
    reason: str = ""
    """Why there is none."""


@lru_cache(maxsize=1)
def probe() -> Runtime:
    """Look for a container runtime that answers: an installed command may have no daemon."""
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
    """Return what the runtime's own command needs of this process: where its configuration is."""
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
    """Return the container's name, by which it can be ended from outside."""
    return f"batchcompute-{token}"


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables of a program in a container, by the way in which they get there."""

    listed: bytes = field(repr=False)
    """The content of an environment file: all values of one line."""
    inherited: Mapping[str, str] = field(repr=False)
    """Values of several lines, which the runtime's own command hands on."""


def split_environment(variables: Mapping[str, str]) -> Variables:
    """Decide how variables get into a container.

    Values stand on no command line, which everybody can read. They do not stand in the environment of the runtime's
    own command either, where names like ``LD_PRELOAD`` would act outside of the container. A file cannot hold values
    of several lines, or very long ones; those are handed on by the command, but for names that would act on it.

    Raises:
        ValueError: There is no way for one of them.
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
    """Return what is put before a command so that it runs in a container.

    Args:
        program: The runtime's command.
        image: The image.
        token: Name of the attempt.
        variables: Its variables.
        file: The file that holds those that are listed.
        plan: What is bound where.
    """
    arguments = [program, "run", "--rm", "--init", "--network=host", f"--name={name_of(token)}"]
    arguments += [f"--workdir={WORKDIR}", "--entrypoint=/bin/sh"]
    arguments.append(f"--env-file={file}")
    for name in variables.inherited:
        arguments += ["--env", name]
    # Only the outermost directories, so that what lies in one of them is one file system.
    made = {WORKDIR, *plan.empty_folders, *plan.merged_folders, *(copy.path for copy in plan.copies)}
    outermost = [path for path in sorted(made) if not any(outer in made for outer in ancestors(path))]
    arguments += [_mount(plan.at(path), path, True) for path in outermost]
    arguments += [_mount(mount.source, mount.path, mount.writable) for mount in plan.mounts]
    return [*arguments, image, "-c"]


def _mount(source: Path, path: str, write: bool) -> str:
    # Not --volume, which ends its parts at colons; a comma can be quoted here.
    fields = ["type=bind", f"source={source}", f"target={path}", *([] if write else ["readonly"])]
    special = {",", '"', "\n", "\r"}
    quoted = ('"' + field.replace('"', '""') + '"' if set(field) & special else field for field in fields)
    return f"--mount={','.join(quoted)}"


def remove(program: str, token: str) -> None:
    """End a container, whatever state it is in; one that is gone is no error."""
    subprocess.run(
        [program, "rm", "--force", name_of(token)], capture_output=True, check=False, timeout=60, stdin=subprocess.DEVNULL
    )  # fmt: skip
