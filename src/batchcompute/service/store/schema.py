"""The schema of the database, as the scripts that bring it from each version to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

__all__: list[str] = []

MIGRATIONS: Final[Sequence[str]] = (
    """
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TABLE clusters (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        state TEXT NOT NULL,
        description TEXT NOT NULL,
        logs TEXT NOT NULL DEFAULT '[]',
        created TEXT NOT NULL
    ) STRICT;

    CREATE TABLE jobs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        message TEXT NOT NULL DEFAULT '',
        priority INTEGER NOT NULL,
        fail_fast INTEGER NOT NULL,
        auto_release INTEGER NOT NULL,
        description TEXT NOT NULL,
        created TEXT NOT NULL,
        started TEXT NOT NULL DEFAULT '',
        ended TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE INDEX jobs_active ON jobs (priority DESC, seq) WHERE state IN ('Waiting', 'Running');

    -- The counters are the instances by state; every transition moves one from here to there.
    CREATE TABLE tasks (
        job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        state TEXT NOT NULL,
        cluster TEXT NOT NULL,
        max_retries INTEGER NOT NULL,
        timeout INTEGER NOT NULL,
        blockers INTEGER NOT NULL,
        followers TEXT NOT NULL,
        started TEXT NOT NULL DEFAULT '',
        ended TEXT NOT NULL DEFAULT '',
        Waiting INTEGER NOT NULL,
        Running INTEGER NOT NULL DEFAULT 0,
        Finished INTEGER NOT NULL DEFAULT 0,
        Failed INTEGER NOT NULL DEFAULT 0,
        Stopped INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (job, position)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE instances (
        job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
        task INTEGER NOT NULL,
        number INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'Waiting',
        attempt INTEGER NOT NULL DEFAULT 0,
        retries INTEGER NOT NULL DEFAULT 0,
        losses INTEGER NOT NULL DEFAULT 0,
        token TEXT NOT NULL DEFAULT '',
        node TEXT NOT NULL DEFAULT '',
        started TEXT NOT NULL DEFAULT '',
        ended TEXT NOT NULL DEFAULT '',
        exit_code INTEGER NOT NULL DEFAULT 0,
        error_code TEXT NOT NULL DEFAULT '',
        error_message TEXT NOT NULL DEFAULT '',
        detail TEXT NOT NULL DEFAULT '',
        PRIMARY KEY (job, task, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE tokens (
        owner TEXT NOT NULL,
        operation TEXT NOT NULL,
        token TEXT NOT NULL,
        request TEXT NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (owner, operation, token)
    ) STRICT, WITHOUT ROWID;

    CREATE INDEX instances_waiting ON instances (job, task, number) WHERE state = 'Waiting';
    CREATE INDEX instances_running ON instances (token) WHERE state = 'Running';
    """,
    """
    CREATE TABLE images (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        owner TEXT NOT NULL,
        description TEXT NOT NULL,
        created TEXT NOT NULL
    ) STRICT;

    -- An app is its revisions; the newest is what jobs run.
    CREATE TABLE apps (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        owner TEXT NOT NULL,
        next INTEGER NOT NULL,
        created TEXT NOT NULL,
        UNIQUE (owner, name)
    ) STRICT;
    CREATE TABLE revisions (
        app INTEGER NOT NULL REFERENCES apps (seq) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        description TEXT NOT NULL,
        updated TEXT NOT NULL,
        PRIMARY KEY (app, number)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    CREATE TABLE machines (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        cluster INTEGER NOT NULL REFERENCES clusters (seq) ON DELETE CASCADE,
        "group" TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'Running',
        created TEXT NOT NULL,
        released REAL NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX machines_of ON machines (cluster, "group", state, seq);
    """,
    """
    -- What runs where the description does not say it in so many words: the DAG of an App job.
    ALTER TABLE jobs ADD COLUMN plan TEXT NOT NULL DEFAULT '';
    -- What its Message says for as long as it has nothing worse to say.
    ALTER TABLE jobs ADD COLUMN notes TEXT NOT NULL DEFAULT '';
    -- The machine of its cluster that an instance runs on.
    ALTER TABLE instances ADD COLUMN worker TEXT NOT NULL DEFAULT '';
    -- How its mappings got to their paths: settings may differ when its outputs are brought away.
    ALTER TABLE instances ADD COLUMN way TEXT NOT NULL DEFAULT '';
    -- When a cluster was deleted; it is shown for a while after that.
    ALTER TABLE clusters ADD COLUMN released REAL NOT NULL DEFAULT 0;
    CREATE INDEX instances_workers ON instances (worker) WHERE state = 'Running' AND worker != '';
    """,
    """
    -- A bucket belongs to its first writer; its owner grants access to others, '*' for all.
    CREATE TABLE buckets (
        name TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        created TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE grants (
        bucket TEXT NOT NULL,
        grantee TEXT NOT NULL,
        access TEXT NOT NULL,
        PRIMARY KEY (bucket, grantee)
    ) STRICT, WITHOUT ROWID;
    -- The nonces that were seen, for as long as their requests would be accepted once more.
    CREATE TABLE nonces (nonce TEXT PRIMARY KEY, seen REAL NOT NULL) STRICT, WITHOUT ROWID;
    CREATE INDEX nonces_seen ON nonces (seen);
    -- Where an attempt works: a later service may be told to work elsewhere.
    ALTER TABLE instances ADD COLUMN work TEXT NOT NULL DEFAULT '';
    -- Whether the time of an attempt was up.
    ALTER TABLE instances ADD COLUMN late INTEGER NOT NULL DEFAULT 0;
    -- A large job is written and removed in steps. Until the last step nobody sees it.
    ALTER TABLE jobs ADD COLUMN hidden INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX jobs_hidden ON jobs (seq) WHERE hidden;
    -- When a token was used, so that old ones can be trimmed.
    ALTER TABLE tokens ADD COLUMN used TEXT NOT NULL DEFAULT '';
    """,
    """
    -- Each task has its own description, so that nobody reads those of all tasks for one of them. It is apart from
    -- the counters, which are written with each instance.
    CREATE TABLE task_descriptions (
        job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        description TEXT NOT NULL,
        PRIMARY KEY (job, position)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO task_descriptions SELECT t.job, t.position, COALESCE(json_extract(
        CASE j.plan WHEN '' THEN j.description ELSE j.plan END, '$.DAG.Tasks."' || t.name || '"'
    ), '{}') FROM tasks t JOIN jobs j ON j.seq = t.job;
    """,
    """
    -- The row of an instance has its last attempt; this table has the attempts before that one. So an instance that
    -- runs once, as most do, costs no row here.
    CREATE TABLE attempts (
        job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
        task INTEGER NOT NULL,
        number INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        state TEXT NOT NULL,
        token TEXT NOT NULL,
        node TEXT NOT NULL,
        worker TEXT NOT NULL,
        started TEXT NOT NULL,
        ended TEXT NOT NULL,
        exit_code INTEGER NOT NULL,
        error_code TEXT NOT NULL,
        error_message TEXT NOT NULL,
        PRIMARY KEY (job, task, number, attempt)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- A submitted attempt waits in the queue of its engine: the state Submitted, which the API shows as Waiting.
    ALTER TABLE tasks ADD COLUMN Submitted INTEGER NOT NULL DEFAULT 0;
    -- The engine that runs the last attempt, and the name that the engine gave it.
    ALTER TABLE instances ADD COLUMN engine TEXT NOT NULL DEFAULT '';
    ALTER TABLE instances ADD COLUMN handle TEXT NOT NULL DEFAULT '';
    -- The number of attempts in a row that the engine lost; a service that ends does not count.
    ALTER TABLE instances ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
    -- The reason of the engine why attempts of a job wait in its queue.
    ALTER TABLE jobs ADD COLUMN waits TEXT NOT NULL DEFAULT '';
    -- An engine keeps what it needs to know of an attempt in its own records. Attempts of earlier versions have that
    -- in their handles.
    UPDATE instances SET engine = 'local', handle = json_object('way', way, 'work', work, 'late', late)
        WHERE state = 'Running';
    DROP INDEX instances_running;
    DROP INDEX instances_workers;
    ALTER TABLE instances DROP COLUMN way;
    ALTER TABLE instances DROP COLUMN work;
    ALTER TABLE instances DROP COLUMN late;
    CREATE INDEX instances_active ON instances (job, task, number) WHERE state IN ('Submitted', 'Running');
    CREATE INDEX instances_workers ON instances (worker)
        WHERE state IN ('Submitted', 'Running') AND worker != '';
    """,
)
"""One script for each version of the schema; ``user_version`` counts those that were executed."""
