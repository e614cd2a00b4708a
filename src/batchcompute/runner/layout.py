"""Lays out an attempt on this machine: its isolation, its mounts, and the paths of its files. No file is touched."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from batchcompute.errors import ValidationError
from batchcompute.runner.attempt import Attempt
from batchcompute.runner.attempt_spec import AttemptSpec
from batchcompute.runner.environment import inherited_environment
from batchcompute.runner.names import tree_of, workdir_of
from batchcompute.runner.object_storage import ObjectStorage
from batchcompute.runner.os_errors import is_transient
from batchcompute.runner.rooted import Root, RootedFile
from batchcompute.runner.shim import is_long
from batchcompute.runner.spec import Account, Isolation, ProcessSpec, User
from batchcompute.runner.staging import ROOT_VARIABLE
from batchcompute.runner.staging_plan import BindMount, StagingPlan

__all__ = ["Layout", "MachineOptions"]

# Modules that only some attempts need are imported where they are used: a runner has to start fast.

_STREAMS = ("stdout", "stderr")

_SCRIPT = "/.batchcompute-command"
"""Path of the file that contains a long command, as a program in a sandbox or a container sees it."""


class MachineOptions(NamedTuple):
    """Options of the machine that runs attempts."""

    sandbox: Literal["auto", "always", "never"] = "auto"
    """The use of bubblewrap: for tasks with mappings, for all tasks, or for none."""
    keep_mounts: bool = False
    """Whether object storage keeps what programs write to mounts with ``WriteSupport``."""
    max_file_size: int = 0
    """Bytes that a file of a program may reach, its output included; 0 for any size."""
    hidden: tuple[Path, ...] = ()
    """Files and directories that no program in a sandbox sees."""
    run_as: Mapping[str, Account] = MappingProxyType({})
    """The Unix users of the owners that have one."""


class Layout:
    """Lays out attempts on this machine.

    Args:
        storage: Object storage.
        options: Options of the machine.
        permission: Returns why an attempt may not use its buckets; empty if it may.
        inherited: The variables that programs inherit from the machine; None to read them.
    """

    def __init__(
        self,
        storage: ObjectStorage,
        options: MachineOptions,
        permission: Callable[[AttemptSpec], str] = lambda _: "",
        inherited: Mapping[str, str] | None = None,
    ) -> None:
        self._storage = storage
        self._options = options
        self._permission = permission
        self._machine = inherited_environment() if inherited is None else inherited

    def attempt(self, spec: AttemptSpec, root: Root, isolation: Isolation | None = None) -> Attempt:
        """Return an attempt on this machine. If it cannot start, its `problem` says why.

        Args:
            spec: The attempt.
            root: The directory that holds the files of attempts.
            isolation: The isolation of an attempt that was started before; None to choose it.

        Raises:
            OSError: The machine is short of resources.
        """
        account = self._options.run_as.get(spec.owner)
        user = account.user if account else None
        isolation = isolation or self._choose_isolation(spec, user)
        plan = StagingPlan() if isolation == "none" else StagingPlan(root.where(tree_of(spec.token)))
        problem = _isolation_problem(spec, isolation, user) or self._permission(spec)
        outputs: list[RootedFile | None] = [None, None]
        try:
            if isolation != "none":
                plan = self._plan(spec, plan.tree, isolation, account)
            outputs, plan = self._streams(spec, root, plan)
        except (OSError, ValidationError) as error:
            if is_transient(error):
                raise
            # For example a link in the object storage. Only this instance fails.
            problem = f"The mappings cannot be made: {error}"
        variables = self._variables(spec, account)
        note = ""
        if isolation == "prefix":
            from batchcompute.runner import sandbox

            variables[ROOT_VARIABLE] = str(plan.tree)
            reason = sandbox.probe(user).reason or "the sandbox is switched off"
            note = f"Mappings are below ${ROOT_VARIABLE}, and not at their literal paths: {reason}."
        line = spec.command
        script = root.file(f"{spec.token}.command") if is_long(line) else None
        if script is not None:
            line = f". {shlex.quote(str(script.path))}"
            if isolation in ("sandbox", "container"):
                line = f". {_SCRIPT}"
                plan = plan.with_mount(BindMount(script.path, _SCRIPT, writable=False, is_folder=False))
        process = ProcessSpec(
            token=spec.token,
            command=line,
            directory=root.where(workdir_of(spec.token, isolation)),
            environment=variables,
            stdout=outputs[0],
            stderr=outputs[1],
            max_file_size=self._options.max_file_size,
            user=user,
        )
        return Attempt(
            spec=spec,
            process=process,
            work=root,
            plan=plan,
            isolation=isolation,
            note=note,
            problem=problem,
            account=account,
            script=script,
            script_content=spec.command if script else "",
        )

    def _variables(self, spec: AttemptSpec, account: Account | None) -> dict[str, str]:
        # A container has the variables of its image.
        variables = dict(spec.environment) if spec.image else {**self._machine, **spec.environment}
        if account is not None:
            variables |= {"HOME": account.home, "USER": account.name, "LOGNAME": account.name}
        return variables

    def _plan(
        self, spec: AttemptSpec, tree: Path, isolation: Isolation, account: Account | None
    ) -> StagingPlan:
        from batchcompute.runner.file_system_view import emptied, resolver
        from batchcompute.runner.mounts import MountOptions, plan_mounts

        is_separated = spec.separate or account is not None
        hidden = emptied(self._options.hidden, spec.separate)
        options = MountOptions(
            isolation,
            spec.instance,
            # If owners are separated, no program writes to the object storage: it could make links for later programs.
            keep_mounts=self._options.keep_mounts and not spec.separate,
            bind_logs=isolation != "prefix" and not is_separated,
            # Another Unix user cannot read the files of the object storage.
            copy_all=account is not None,
            resolve=resolver(hidden) if isolation == "sandbox" else str,
        )
        return plan_mounts(spec.mappings, tree, self._storage, options)

    def _choose_isolation(self, spec: AttemptSpec, user: User | None) -> Isolation:
        if spec.image:
            return "container"
        mode = self._options.sandbox
        wanted = mode == "always" or (mode != "never" and (spec.separate or spec.mappings))
        if wanted:
            from batchcompute.runner import sandbox

            if sandbox.probe(user).usable:
                return "sandbox"
        return "prefix" if spec.mappings else "none"

    def _streams(
        self, spec: AttemptSpec, root: Root, plan: StagingPlan
    ) -> tuple[list[RootedFile | None], StagingPlan]:
        """Return the files of stdout and stderr, and the plan with the logs that are uploaded."""
        outputs: list[RootedFile | None] = []
        for stream, url in zip(_STREAMS, (spec.stdout, spec.stderr), strict=True):
            file = self._storage.log_file(url) if url else None
            if not url and stream == "stdout":
                # Nobody can read this output. The end of stderr becomes a part of the result.
                file = None
            elif file is None:
                file = root.file(f"{spec.token}.{stream}")
                if url:
                    plan = plan.with_log(file.path, url, stream)
            outputs.append(file)
        return outputs, plan


def _isolation_problem(spec: AttemptSpec, isolation: Isolation, user: User | None) -> str:
    """Return why a program cannot be separated from those of other owners; empty if it can, or need not be."""
    if not spec.separate or spec.image:
        return ""
    from batchcompute.runner import sandbox

    support = sandbox.probe(user)
    if isolation == "sandbox" and support.processes:
        return ""
    reason = support.reason or "the sandbox is switched off, or has no process namespace"
    return f"Programs of owner {spec.owner} cannot be kept apart from those of others: {reason}."
