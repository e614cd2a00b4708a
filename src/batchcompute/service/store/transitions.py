"""Transitions: what happens to an instance, its task and its job, in one transaction each."""

from __future__ import annotations

from batchcompute.runner.outcome import Outcome
from batchcompute.service.domain.states import (
    ENDED,
    Key,
    State,
    StoredState,
    next_of_failed,
    next_of_lost,
    task_state,
)
from batchcompute.service.store import large_jobs
from batchcompute.service.store.database import Transaction
from batchcompute.service.store.instances import storable
from batchcompute.service.store.rows import History, Progress

__all__: list[str] = []

# The states themselves are decided in `domain.states`; this module writes them, and moves the counters of tasks.


def submit(transaction: Transaction, key: Key, token: str, worker: str, engine: str) -> None:
    """Record that an attempt of an instance is submitted to an engine, where it may wait.

    Args:
        transaction: The transaction.
        key: The instance.
        token: Name of the attempt.
        worker: Id of the machine of its cluster; empty for one of its task's own.
        engine: Name of the engine.
    """
    transaction.instances.begin(key, token, worker, engine)
    transaction.tasks.mark_submitted(key[0], key[1])


def begin(
    transaction: Transaction, key: Key, token: str, worker: str, engine: str, node: str, now: str
) -> None:
    """Record that an attempt of an instance is submitted to an engine, and starts at once.

    Args:
        transaction: The transaction.
        key: The instance.
        token: Name of the attempt.
        worker: Id of the machine of its cluster; empty for one of its task's own.
        engine: Name of the engine.
        node: Address of the machine.
        now: The time.
    """
    transaction.instances.begin(key, token, worker, engine, node, now)
    _mark_running(transaction, key, "Waiting", now)


def mark_started(transaction: Transaction, key: Key, token: str, node: str, started: str) -> None:
    """Record that a submitted attempt runs, unless that is recorded, or the attempt is not needed any more."""
    if transaction.instances.state_of(key, token) == "Submitted":
        transaction.instances.mark_started(key, node, started)
        _mark_running(transaction, key, "Submitted", started)


def _mark_running(transaction: Transaction, key: Key, source: StoredState, now: str) -> None:
    # A job with a running instance runs.
    if transaction.tasks.mark_running(key[0], key[1], source, now) == 1:
        transaction.jobs.mark_running(key[0], now)


def end(transaction: Transaction, history: History, outcome: Outcome, now: str) -> None:
    """Record the outcome of the attempt of an instance, and the resulting states of its task and its job."""
    state: State = next_of_failed(history.retries, history.max_retries) if outcome.failed else "Finished"
    _end(transaction, history, state, outcome, now)


def history_of(transaction: Transaction, key: Key) -> History:
    """Return what decides on an instance whose attempt ends.

    Raises:
        LookupError: There is no such instance.
    """
    history = transaction.instances.history(key)
    if history is None:
        raise LookupError(f"instance {key} is gone")
    return history


def _end(transaction: Transaction, history: History, state: State, outcome: Outcome, now: str) -> None:
    key = history.key
    ended: State = "Failed" if outcome.failed else "Finished"
    transaction.jobs.report_attempt_end(history, ended, outcome.exit_code, outcome.error_code, now)
    transaction.instances.end(key, state, outcome, now)
    if state == "Waiting":
        transaction.attempts.archive(key, "Failed", now)
    progress = transaction.tasks.move(key[0], key[1], history.state, state)
    message = storable(outcome.error_message)
    if outcome.error_code and not outcome.failed:
        transaction.jobs.set_message_if_empty(key[0], f"Instance {key[2]} of task {history.task}: {message}")
    if state == "Failed" and history.fail_fast:
        reason = f"Instance {key[2]} of task {history.task} failed: {message}"
        fail_job(transaction, key[0], key[1], reason, now)
    else:
        _settle_task(transaction, key, progress, history.fail_fast, now)


def lose(transaction: Transaction, history: History, reason: str, now: str) -> None:
    """Record that an engine lost an attempt. The instance runs again, unless this happens too often in a row.

    Args:
        transaction: The transaction.
        history: The instance.
        reason: Why the attempt is lost, in a sentence.
        now: The time.
    """
    if next_of_lost(history.lost) == "Waiting":
        requeue(transaction, history, now, reason, by_engine=True)
        return
    text = f"The engine has lost {history.lost + 1} attempts in a row; the last time: {reason}"
    _end(transaction, history, "Failed", Outcome(137, "Lost", text), now)


def requeue(
    transaction: Transaction,
    history: History,
    now: str,
    reason: str,
    ran: bool = True,
    by_engine: bool = False,
) -> None:
    """Record that an attempt was lost with its engine or its service.

    The loss counts in ``RetryCount``, and does not use up ``MaxRetryCount``: the program did not fail.

    Args:
        transaction: The transaction.
        history: The instance.
        now: The time.
        reason: Why the attempt is lost, in a sentence.
        ran: Whether the attempt may have run; one that surely did not is not counted.
        by_engine: Whether the engine lost it, and not the service.
    """
    key = history.key
    if ran:
        transaction.jobs.report_attempt_end(history, "Lost", 0, "Lost", now)
        transaction.attempts.archive(key, "Lost", now, "Lost", storable(reason))
    transaction.instances.requeue(key, ran, by_engine)
    transaction.tasks.move(key[0], key[1], history.state, "Waiting")


def lose_machine(transaction: Transaction, machine_id: str, now: str) -> None:
    """Give up the attempts on a machine that is released; their instances run again on another one."""
    reason = f"Machine {machine_id} was released."
    for key, token in transaction.instances.tokens_of_machine(machine_id):
        transaction.effects.cancel.append(token)
        requeue(transaction, history_of(transaction, key), now, reason)


def _settle_task(transaction: Transaction, key: Key, progress: Progress, fail_fast: bool, now: str) -> None:
    """Derive the state of a task from its instances, and update its job and the tasks that depend on it."""
    job, position = key[0], key[1]
    state = task_state(progress.counts, fail_fast)
    if state not in ENDED:
        if state != progress.state:
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
    for key, _ in running:
        transaction.jobs.report_attempt_end(history_of(transaction, key), "Stopped", 0, "", now)
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
