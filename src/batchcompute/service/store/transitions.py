"""Transitions: what happens to an instance, its task and its job, in one transaction each."""

from __future__ import annotations

from batchcompute.runner.outcome import Outcome
from batchcompute.runner.spec import Isolation
from batchcompute.service.domain.states import ENDED, Key, State, next_of_failed, task_state
from batchcompute.service.store import large_jobs
from batchcompute.service.store.database import Transaction
from batchcompute.service.store.instances import storable

__all__: list[str] = []

# The states themselves are decided in `domain.states`; this module writes them, and moves the counters of tasks.


def begin(
    transaction: Transaction,
    key: Key,
    token: str,
    worker: str,
    node: str,
    now: str,
    isolation: Isolation | None = None,
    work: str = "",
) -> None:
    """Record that an attempt of an instance starts.

    Args:
        transaction: The transaction.
        key: The instance.
        token: Name of the attempt.
        worker: Id of the machine of its cluster; empty for one of its task's own.
        node: Address of that machine.
        now: The time.
        isolation: How mappings get to their paths.
        work: The directory that it works below.
    """
    transaction.instances.begin(key, token, worker, node, now, isolation, work)
    transaction.tasks.mark_running(key[0], key[1], now)
    transaction.jobs.mark_running(key[0], now)


def is_last(transaction: Transaction, key: Key) -> bool:
    """Return whether an instance is not retried if its current attempt fails."""
    found = transaction.instances.retries(key)
    return found is not None and next_of_failed(found[0], found[1]) == "Failed"


def end(transaction: Transaction, key: Key, outcome: Outcome, now: str) -> None:
    """Record the outcome of an attempt, and the resulting states of its task and its job."""
    found = transaction.instances.retries(key)
    if found is None:
        raise LookupError(f"instance {key} is gone")
    retries, max_retries, task, fail_fast = found
    state: State = next_of_failed(retries, max_retries) if outcome.failed else "Finished"
    transaction.instances.end(key, state, outcome, now)
    if state == "Waiting":
        transaction.attempts.archive(key, "Failed", now)
    transaction.tasks.move(key[0], key[1], "Running", state)
    message = storable(outcome.error_message)
    if outcome.error_code and not outcome.failed:
        transaction.jobs.add_message(key[0], f"Instance {key[2]} of task {task}: {message}")
    if state == "Failed" and fail_fast:
        fail_job(transaction, key[0], key[1], f"Instance {key[2]} of task {task} failed: {message}", now)
    else:
        settle_task(transaction, key[0], key[1], now)


def requeue(transaction: Transaction, key: Key, now: str, reason: str, ran: bool = True) -> None:
    """Record that an attempt was lost with its engine or its service.

    The loss counts in ``RetryCount``, and does not use up ``MaxRetryCount``: the program did not fail.

    Args:
        transaction: The transaction.
        key: The instance.
        now: The time.
        reason: Why the attempt is lost, in a sentence.
        ran: Whether the attempt may have run; one that surely did not is not counted.
    """
    if ran:
        transaction.attempts.archive(key, "Lost", now, "Lost", reason)
    transaction.instances.requeue(key, ran)
    transaction.tasks.move(key[0], key[1], "Running", "Waiting")


def lose_machine(transaction: Transaction, machine_id: str, now: str) -> None:
    """Give up the attempts on a machine that is released; their instances run again on another one."""
    reason = f"Machine {machine_id} was released."
    for key, token in transaction.instances.tokens_of_machine(machine_id):
        transaction.effects.cancel.append(token)
        requeue(transaction, key, now, reason)


def settle_task(transaction: Transaction, job: int, position: int, now: str) -> None:
    """Derive the state of a task from its instances, and update its job and the tasks that depend on it."""
    known, counts, fail_fast = transaction.tasks.progress(job, position)
    state = task_state(counts, fail_fast)
    if state not in ENDED:
        if state != known:
            transaction.tasks.set_state(job, position, state)
        return
    transaction.tasks.end(job, position, state, now)
    if state == "Finished":
        transaction.tasks.release_followers(job, position)
        # AutoRelease deletes a job that has finished, and no other one (REST API, 4.2).
        if transaction.tasks.all_finished(job) and transaction.jobs.mark_finished(job, now):
            remove_job(transaction, job)


def fail_job(transaction: Transaction, job: int, position: int, reason: str, now: str) -> None:
    """Fail a job because a task of it failed; instances that have not ended are stopped."""
    transaction.tasks.end(job, position, "Failed", now)
    _stop_rest(transaction, job, now)
    transaction.jobs.mark_failed(job, reason, now)


def fail_jobs_of(transaction: Transaction, cluster_id: str, now: str) -> None:
    """Fail the jobs that still need a cluster which is deleted."""
    for job, position, name in transaction.tasks.using_cluster(cluster_id):
        reason = f"Cluster {cluster_id}, which task {name} runs on, was deleted."
        fail_job(transaction, job, position, reason, now)


def stop_job(transaction: Transaction, job: int, now: str) -> None:
    """Stop a job, with all its instances that wait or run."""
    _stop_rest(transaction, job, now)
    transaction.jobs.mark_stopped(job, now)


def _stop_rest(transaction: Transaction, job: int, now: str) -> None:
    running = transaction.instances.tokens_of_job(job)
    transaction.effects.cancel += [token for _, token in running]
    waiting = transaction.tasks.count_waiting(job)
    if waiting > large_jobs.STEP:
        transaction.effects.unsettled.append(job)
    elif waiting:
        transaction.instances.stop_waiting(job)
    transaction.instances.stop((key for key, _ in running), now)
    transaction.tasks.stop_all(job, now)


def remove_job(transaction: Transaction, job: int) -> None:
    """Delete a job: at once if it is small, else it is hidden, and deleted step by step."""
    if sum(size for _, size in transaction.tasks.sizes(job)) <= large_jobs.STEP:
        transaction.jobs.delete(job)
    else:
        transaction.jobs.hide(job)
        transaction.effects.removed.append(job)


def start_job(transaction: Transaction, job: int) -> None:
    """Start a job again; tasks that have finished stay finished, with their tolerated failures.

    `large_jobs.reset` has let its instances wait before.
    """
    transaction.tasks.restart(job)
    transaction.jobs.mark_waiting(job)
