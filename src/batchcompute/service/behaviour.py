"""The decisions of the service where the sources of the REST API are silent or disagree, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["DECISIONS", "Decision"]


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of docs/behaviour.md, which ``tools/generate.py`` generates."""

    about: str
    """The part of the API: access, requests, jobs, instances, clusters, apps, images, files or storage."""
    point: str
    """The question."""
    choice: str
    """The decision."""
    ground: str
    """The evidence; a citation names a section of docs/rest-api.md."""
    where: str
    """The code that implements the decision: ``module:name``, with the module's path below ``batchcompute``."""


_D = Decision

DECISIONS: Final = (
    # -- access
    _D("access", "error codes of failed authentication", "400 `InvalidAuthorization`, 404 `InvalidAccessKeyId.NotFound`, 400 `SignatureDoesNotMatch`, 400 `InvalidTimeStamp.Expired`", "the documents only say 400; the codes are named after the vendor's convention (REST API, 1.5)", "service.api.authentication:Keys.owner_of"),
    _D("access", "a `Date` header that is not a date", "400 `InvalidTimeStamp.Format`", "silent", "service.api.authentication:Keys.owner_of"),
    _D("access", "ACS3-HMAC-SHA256 signatures", "accepted", "the vendor's generated clients use them", "service.api.acs3:verify"),
    _D("access", "the form of the signed path and query", "a signature of the encoded form and one of the decoded form are both accepted", "the SDKs disagree (REST API, 1.1)", "service.api.authentication:Keys.owner_of"),
    _D("access", "`contentMd5` and `Content-MD5`", "the signed text holds the header as it was sent; the service does not compute it", "five sources describe four encodings (REST API, 1.1)", "service.api.authentication:Keys.owner_of"),
    _D("access", "a request without a nonce", "accepted; a repeated nonce is refused only with the setting `--refuse-replays` (400 `SignatureNonceUsed`)", "one of the vendor's SDKs sends no nonce (REST API, 1.2)", "service.api.authentication:Nonces.use"),
    _D("access", "a key of a second owner, if programs of different owners cannot be isolated", "403 `Forbidden`; the message lists the settings that isolate them", "silent", "service.isolation:Isolation.problem"),
    _D("access", "headers that an ACS3 signature has to cover", "`host`, `x-acs-date`, `x-acs-content-sha256` and every `x-acs-` header of the request; otherwise 400 `InvalidAuthorization`", "silent; a signature without them would be valid for any time and any body", "service.api.acs3:unsigned"),
    _D("access", "`OwnerId`", "a number that is derived from the owner's name; 0 for system images", "a number in the recordings; the old SDK refuses a string", "service.domain.states:owner_number"),
    # -- requests
    _D("requests", "a body that is not a JSON object", "403 `InvalidHttpBody`", "the common error table; one page says 400", "service.api.routes:Params.json"),
    _D("requests", "a body of more than 256 KB", "403 `InvalidHttpBody`", "the size is documented, the code is not", "service.api.routes:Params.json"),
    _D("requests", "a body with a NUL character, an unpaired surrogate, or a number that does not fit in 64 bits", "400 `InvalidJsonFormat`; the message names the field", "silent", "service.api.routes:Params.json"),
    _D("requests", "a path or a query that is not UTF-8, or a query with the same key twice", "400 `InvalidUrlPattern`", "silent; two programs could read it differently", "service.requests:query_of"),
    _D("requests", "the same `IdempotentToken` with another body", "400 `IdempotentTokenMismatch`; bodies are compared as JSON values", "the code is documented", "service.api.idempotency:known"),
    _D("requests", "an `IdempotentToken` of more than 64 characters, or with characters other than letters, digits and `_`", "400 `InvalidIdempotentToken`", "the documents give the rule and no error code", "service.api.routes:Params.token"),
    _D("requests", "order of lists", "oldest first", "as in the recordings", "service.api.handlers.jobs:Jobs.list_jobs"),
    _D("requests", "meaning of `Marker`", "the id or number of the first item of the next page; it stays valid if that item is deleted meanwhile", "silent (REST API, 9)", "service.api.handlers.jobs:Jobs.list_jobs"),
    _D("requests", "`NextMarker` of the last page", "`\"\"`", "the documents; one recording has 0, which would make a client loop forever", "service.api.paging:page"),
    _D("requests", "an unknown `State` in a query", "400 `InvalidState`", "silent", "service.api.routes:Params.state"),
    _D("requests", "`ProjectId`, `RegionId` and other unknown query keys", "ignored", "not documented (REST API, 2.0, 2.1)", "service.api.routes:find"),
    _D("requests", "operations that only the vendor's generated SDK has (regions, projects, renewal, workers)", "400 `InvalidUrlPattern`, or 400 `MethodNotAllowed`", "their responses are unknown (REST API, 2.0)", "service.api.routes:find"),
    _D("requests", "a resource that does not exist", "404 `InvalidResource.NotFound`; the message is the documented sentence, then the kind and the id, and a list of the existing tasks, instances, groups or revisions", "the documented message is the sentence alone (REST API, 7)", "service.errors:not_found"),
    _D("requests", "response to deleting a job, cluster, image or app", "204 without a body, with `Content-Type: application/json`. Tested with the old Python SDK 2.1.7 and the vendor's generated Python client of 2021, for all four: both accept every 2xx. Known from reading only: the Java SDK accepts every 2xx, but requires this header even on an empty response; its functional tests accept 200, 202 and 204, except for clusters, where they expect 202 for a cluster with machines and 200 for one without", "the documents say 204 (REST API, 2.1, 12)", "service.api.handlers.jobs:Jobs.delete_job"),
    # -- jobs
    _D("jobs", "state of a new job", "stays `Waiting` for at least 30 ms even if a slot is free, so a client that reads it right after the create sees `Waiting`", "the vendor's tests expect this state", "service.dispatcher:Dispatcher.delay_start"),
    _D("jobs", "change of priority", "allowed while the job is `Stopped` or `Failed`", "the API page says Stopped; the Java page says both", "service.domain.states:ALLOWED"),
    _D("jobs", "a job without `Priority`", "its priority is 0", "the Java SDK omits zeros", "service.domain.defaults:job_description"),
    _D("jobs", "`JobFailOnInstanceFail: false`", "a failed instance stays `Failed`; its task ends as `Finished`, the tasks that depend on it run, and the job ends as `Finished`", "only the help of the vendor's command line", "service.domain.states:task_state"),
    _D("jobs", "`JobFailOnInstanceFail: true`", "after a failure, the other instances are stopped", "silent", "service.store.transitions:fail_job"),
    _D("jobs", "a job that is stopped before all instances have run", "the metrics count the remaining instances as `Stopped`; `EndTime` stays empty if the job never ran", "the documented meaning; a recording of 2015 counts them as Waiting", "service.store.transitions:stop_job"),
    _D("jobs", "`StartTime` after StopJob and StartJob", "empty for the job and for each task that runs again, until it runs", "a client takes a `StartTime` as a sign that the job runs", "service.store.transitions:start_job"),
    _D("jobs", "StopJob and StartJob of a job with `JobFailOnInstanceFail: false`", "a finished task stays `Finished`, together with its failed instances", "\"finished work is kept\"", "service.store.transitions:start_job"),
    _D("jobs", "`Message` of a job that has not failed", "While none of its instances runs: the slots or machines that it waits for. While it is `Waiting`, also each request for more than this machine has; the log of the service has the same text. Otherwise empty, except for a task whose cluster has no machines", "empty in the recordings while a job runs; programs take it as the reason of a failure", "service.domain.capacity:slot_shortage"),
    _D("jobs", "a task with both `ClusterId` and an `AutoCluster` that has machines", "400", "the documents require \"one of two\"", "service.domain.defaults:job_description"),
    _D("jobs", "an unknown task in `Dependencies`", "400 `InvalidDependencies`", "silent", "service.domain.defaults:job_description"),
    _D("jobs", "task names", "at most 32 bytes", "the documents; the vendor's command line allows 63", "service.domain.defaults:job_description"),
    _D("jobs", "instances of one job", "at most 1,000,000; otherwise 403 `QuotaExhausted`", "silent", "service.domain.defaults:job_description"),
    _D("jobs", "`Timeout` and `MaxRetryCount`", "at most 2147483647", "silent", "service.domain.defaults:job_description"),
    _D("jobs", "notifications", "stored and returned; nothing is published", "the topic service of the vendor does not exist here (REST API, 8)", "service.domain.defaults:job_description"),
    _D("jobs", "secrets in `Mounts.OSS`", "returned as stored", "one of the vendor's functional tests; one fixture blanks them", "service.api.handlers.jobs:Jobs.get_job_description"),
    # -- instances
    _D("instances", "`Timeout`", "limits each attempt, counted from the start of its program", "silent", "service.engines.local:LocalEngine._launch"),
    _D("instances", "`ErrorCode` of a result", "`ProgramFailed`, `ProgramKilled`, `CommandNotFound`, `Timeout`, `PackageError`, `MountError`, `OutputError`, `Lost`, or `StartFailed`; `OutputIncomplete` for a finished instance. `Detail` holds the end of stderr", "no list was published (REST API, 4.3)", "runner.outcome:outcome_of"),
    _D("instances", "a command of more than 64 KiB", "its shell reads it from a file, with the same `$0`, standard input and file descriptors; only the size of the request body limits it. A simple command with a word of more than 131071 bytes is refused, because no program can receive such an argument", "the kernel does not pass an argument of 128 KiB", "runner.shim:is_long"),
    _D("instances", "an environment variable of more than 131071 bytes as `NAME=value`, more than 2000 variables, or an environment larger than the machine allows", "400 `InvalidEnvVars`, or 400 `InvalidInputs` for an input of an app; the message gives the limit. If bubblewrap makes the mounts, more than about 2,900 variables and mounts together fail the instance with `MountError`", "the kernel does not pass a variable of 128 KiB; bubblewrap accepts 9,000 arguments", "runner.environment:environment_room"),
    _D("instances", "attempts that are lost because the service or the machine ended", "counted in `RetryCount`, not against `MaxRetryCount`", "silent", "service.store.transitions:requeue"),
    _D("instances", "attempts that the engine loses: a lost node, a preemption", "as above; with the tenth such loss in a row, the instance fails with the `ErrorCode` `Lost`", "silent", "service.store.transitions:lose"),
    _D("instances", "an instance that waits in the queue of an engine, or whose inputs are staged in", "`Waiting`; the job's `Message` has the reason of the engine. `StartTime`, `NodeIp` and `Timeout` begin when the program runs", "a user has no use for a time limit that a queue uses up", "service.active_attempts:ActiveAttempts.take_statuses"),
    _D("instances", "`Progress` of an instance", "always 0", "as in every recording", "service.api.handlers.jobs:Jobs.get_instance"),
    _D("instances", "`ReserveOnFail`", "if an instance fails and is not retried, its working directory is kept until its job is deleted; `Detail` has the path", "the vendor kept the machines; this service keeps the directories", "service.workspaces.kept:KeptWorkdirs.keep"),
    # -- files
    _D("files", "outputs after a failure", "uploaded after success and after a non-zero exit code, not after a stop or a timeout; logs are always uploaded", "silent (REST API, 5.3)", "runner.staging:stage_out"),
    _D("files", "an output file that the program does not write", "no error", "silent", "runner.staging:stage_out"),
    _D("files", "links, pipes, sockets, and files whose names cannot be object keys, in an output directory", "not uploaded; the instance is `Finished` with the `ErrorCode` `OutputIncomplete`, and its `ErrorMessage` and the job's `Message` name them", "object storage cannot hold them; lost files are always reported", "runner.staging:stage_out"),
    _D("files", "file modes of inputs and mounts", "every file is readable and executable, independent of its mode in the storage. Objects have mode 0700. A file that was copied into the storage directory by hand becomes executable when an instance that maps it starts; it is copied if it belongs to another user or has several hard links", "\"files appear r-x\" (REST API, 5.3)", "service.objects.directory:DirectoryStore.make_mountable"),
    _D("files", "an input whose key cannot be a file name (it has an empty part, or a part longer than 255 bytes)", "the instance fails with `MountError`, and the message names the key; every other key is used as a file name unchanged", "missing inputs are always reported", "service.objects.keys:file_names"),
    _D("files", "hard links and renames between directories", "work between the working directory, all outputs, writable inputs, and `/tmp`: all of them are in one file system. `/tmp` is then private to the program; the entries of the machine's `/tmp` are mounted into it", "a separate machine has one disk", "runner.file_system_view:FileSystemView"),
    _D("files", "limits of hard links and renames", "They do not work to and from read-only inputs, kept mounts, and logs of `LogMapping`; `/tmp`, if the machine's `/tmp` has more than 100 entries, if the task uploads nothing, or without bubblewrap; outputs in directories of this machine that have more than 300 entries together with the directories around them (a directory that has more than 300 entries by itself fails the instance with `MountError`); and, in a container, between mapped directories that are not nested", "each of these is a separate file system", "runner.file_system_view:FileSystemView"),
    _D("files", "the working directory of a task with mappings", "`/batchcompute/workdir`", "the documented path in containers (REST API, 5.1); the path on machines is not documented", "runner.names:workdir_of"),
    _D("files", "files that a program writes to a mount with `WriteSupport`", "visible to the instance; uploaded only if an `OutputMapping` names them, or with the setting `--keep-mounts`", "the documents disagree; users report that such files are lost (REST API, 5.3)", "runner.mounts:plan_mounts"),
    _D("files", "`WriteSupport` of a task", "its input mappings are writable; the changes are not uploaded", "a legacy flag", "service.domain.task_needs:mappings_of"),
    _D("files", "an input that does not exist", "the instance fails with `MountError` before its program starts", "silent", "runner.staging:check_inputs"),
    _D("files", "a log of `LogMapping` that stays empty", "its object is removed", "the vendor's command line treats a missing object as an absent log (REST API, 5.4)", "runner.staging:stage_out"),
    _D("files", "a log of `LogMapping` while the program runs", "the object itself is mounted at the path of the log: the program can write and truncate it, and cannot rename it", "\"uploaded while the program runs\" (REST API, 5.4)", "runner.mounts:plan_mounts"),
    _D("files", "a path that is mapped inside an output directory", "uploaded to its own target; a file or a log is also uploaded with the directory", "silent", "runner.staging:stage_out"),
    _D("files", "sources with `nas://`, `smb://` or `lustre://`, and paths with drive letters", "refused by CreateJob and CreateCluster", "this machine has no such file systems", "service.domain.task_needs:mapping_problems"),
    _D("files", "mounts of clusters", "visible to tasks without a container; in a container, only the task's own mounts are visible", "the documents say the same about containers (REST API, 5.3)", "service.workspaces.planner:AttemptPlanner.plan"),
    _D("files", "`Locale`, `Lock` and the cache settings of mounts", "accepted, without effect", "they configure network file systems; here, mounts are plain files (REST API, 3.6)", "service.domain.task_needs:mappings_of"),
    _D("files", "mappings without bubblewrap", "mapped files are copies below `$BATCH_COMPUTE_ROOT`, and `Detail` says so", "mounts at other paths need root or bubblewrap", "runner.sandbox:probe"),
    _D("files", "`Docker.Image`", "docker or podman runs the container; if neither responds, CreateJob answers 400 `InvalidImage`", "the field is documented (REST API, 5.5)", "runner.container:probe"),
    _D("files", "a container registry in object storage", "not provided; the container runtime resolves the image name, without the prefix `localhost:5000/`", "the vendor's machines had such a registry (REST API, 5.5)", "service.domain.task_needs:image_of"),
    # -- clusters
    _D("clusters", "machines of a cluster", "`Running` at once, all with the address 127.0.0.1; when a group shrinks, idle machines are released first, then the newest", "in the recordings, machines took minutes to start", "service.store.machine_pools:adjust"),
    _D("clusters", "instances on the machines of a cluster", "one at a time on each machine; on all machines together, at most as many as this machine has slots", "\"number of parallel instances = machines\" (REST API, 3.2)", "service.domain.selection:select_runnable"),
    _D("clusters", "a machine that is released", "`Deleting` for 5 seconds, then 404; an instance that ran on it runs again on another machine", "\"Deleting on an immediate GET\"; the duration is not documented", "service.store.machine_pools:release"),
    _D("clusters", "recreating or deleting a machine that is `Deleting`", "409 `StateConflict`", "\"an error (409 presumably)\"", "service.api.handlers.clusters:Clusters.recreate_cluster_instance"),
    _D("clusters", "deleting a cluster that jobs need", "the jobs fail, and their `Message` names the cluster", "silent (REST API, 12)", "service.store.transitions:fail_jobs_of"),
    _D("clusters", "a cluster that is deleted", "`Deleting` for 5 seconds, then 404; a second delete in that time gets 409", "`Deleting` and 409 are documented (REST API, 2.3 and 4.4), the duration is not", "service.api.handlers.clusters:Clusters.delete_cluster"),
    _D("clusters", "host names of machines", "`HostnamePrefix`, or else this machine's name, followed by the id of the machine", "programs tell machines apart by their host names", "service.api.handlers.clusters:_machine_status"),
    _D("clusters", "`DesiredVMCount`", "0 to 65536", "the documents start at 1; the vendor's tests use 0", "service.api.handlers.clusters:Clusters.create_cluster"),
    _D("clusters", "the cluster of a task with an `AutoCluster`", "has an id, which programs find in `BATCH_COMPUTE_CLUSTER_ID`; ListClusters does not list it", "silent", "service.domain.names:auto_cluster_id"),
    _D("clusters", "`Bootstrap`", "not executed, because the machines already run; the operation log of the cluster says so", "silent", "service.api.handlers.clusters:Clusters.create_cluster"),
    _D("clusters", "an instance type that the service does not know", "any name is accepted if all types mean the same, as on one machine. With the engines slurm and dask, the `Message` of a waiting job names it, and CreateJob, CreateCluster and ModifyCluster answer 400 `InvalidInstanceType` if `[instance_types]` or the options of the engine name types", "the documents list choices, not limits (REST API, 2.6); a misspelt type would run with the defaults", "service.domain.capacity:KnownTypes"),
    _D("clusters", "instance types larger than this machine", "accepted. If a type of the list is larger than this machine, the `Message` of a waiting job and the log of the service say so", "the documents list choices, not limits (REST API, 2.6)", "service.domain.capacity:notes_of"),
    # -- apps
    _D("apps", "name of the task of an App job", "the name of the app, cut to 32 bytes", "not documented (REST API, 12)", "service.domain.app_jobs:task_name"),
    _D("apps", "`${name}` in a command", "replaced by the environment variable `BC_PARAM_name`, as one word; the variable is set for each parameter", "the placeholder is documented (REST API, 5.6); the shell must not interpret a value as a command", "service.domain.app_commands.substitution:substitute"),
    _D("apps", "`${name}` that is not clearly an argument or a redirection target of a simple command", "CreateApp and ModifyApp answer 400 `InvalidCommandLine`", "safety: a value must not be executed", "service.domain.app_commands.rules:check"),
    _D("apps", "an input that is missing, unknown, or of the wrong type", "400 `MissingInputs` or 400 `InvalidInputs`", "silent (REST API, 5.6)", "service.domain.app_jobs:plan_of"),
    _D("apps", "a value for a setting in `Config` that the app declares as not overwritable", "400 `InvalidConfig`; unknown keys are ignored", "silent; the vendor's command line sends a misspelt key (REST API, 5.6)", "service.domain.app_jobs:plan_of"),
    _D("apps", "CreateJob with an app that does not exist", "400 `InvalidAppName`", "silent", "service.api.handlers.submit:Submissions.create_job"),
    _D("apps", "public apps", "the list is empty", "the vendor's public apps no longer exist (REST API, 5.6)", "service.api.handlers.apps:Apps.list_apps"),
    _D("apps", "the response of a synchronous App job that is stopped", "its `Error.Code` is `Stopped`", "silent", "service.api.handlers.submit:Submissions.create_job"),
    _D("apps", "`Daemonize`", "stored, without effect: the program starts anew for each job", "there is no machine on which the program could stay", "service.api.handlers.apps:Apps.create_app"),
    _D("apps", "deleting an app that does not exist", "204", "the vendor's tests rely on it", "service.api.handlers.apps:Apps.delete_app"),
    _D("apps", "creating an app whose name exists", "403 `InvalidResource.AlreadyExisting`, which the SDK raises as a `StateConflictError`", "the common error table", "service.errors:existing"),
    _D("apps", "deleting the last revision of an app", "the app is deleted", "silent", "service.api.handlers.apps:Apps.delete_app"),
    # -- images
    _D("images", "deleting a system image", "403 `Forbidden`", "silent", "service.api.handlers.images:Images.delete_image"),
    # -- storage
    _D("storage", "a range that begins after the end of an object", "the whole object with 200; 416 with `x-oss-range-behavior: standard`", "the behaviour of the vendor's storage", "service.objects.api:ObjectApi.dispatch"),
    _D("storage", "buckets", "the first write to a bucket creates it; the bucket belongs to the owner who wrote, and this owner can grant access to others", "silent; owners must not read each other's objects", "service.objects.ownership:Buckets.claim"),
    _D("storage", "a multipart upload", "belongs to its bucket and key: 404 `NoSuchUpload` for any other; removed 7 days after its last part", "silent", "service.objects.uploads:Uploads.dispatch"),
    _D("storage", "keys of objects", "1 to 1,024 bytes of UTF-8 without control characters and without the parts `.` and `..`; each key is a separate file", "the documents say 1,023", "service.objects.keys:parts_of"),
    _D("storage", "a bucket of another owner", "403 `AccessDenied`, and 403 `Forbidden` for a job or a cluster that needs it", "silent", "service.objects.ownership:Buckets.may"),
    _D("storage", "operations that this storage does not support (tags, access control, links, appending, …)", "501 `NotImplemented`, and nothing changes", "such a request must not act as a plain put or delete", "service.objects.api:ObjectApi.dispatch"),
    _D("storage", "headers of objects", "`Content-Type` depends on the name; other headers are not stored; the `ETag` is not an MD5 digest", "objects are plain files", "service.objects.api:ObjectApi.dispatch"),
    _D("storage", "signatures", "versions 1 and 4, in headers and URLs; a host like `bucket.oss-region.aliyuncs.com` names the bucket", "what the vendor's libraries send", "service.objects.signatures:check_signature"),
    _D("storage", "a key that ends in a slash", "an empty directory; content is refused", "a file cannot have such a name", "service.objects.api:ObjectApi.dispatch"),
)  # fmt: skip
"""The decisions, by what they are about."""
