"""Every decision where the sources of the REST API are silent or disagree, as data.

The page on behaviour is made of this table by ``tools/generate.py``; `Decision.where` names what carries a
decision out, and a test looks whether it is still there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["DECISIONS", "Decision"]


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of the page."""

    about: str
    """The part of the API: access, requests, jobs, instances, clusters, apps, images, files or storage."""
    point: str
    """What had to be decided."""
    choice: str
    """How."""
    ground: str
    """On what evidence; a citation names a section of docs/rest-api.md."""
    where: str
    """What carries it out: ``module:name``, with the module's path below ``batchcompute``."""


_D = Decision

DECISIONS: Final = (
    # -- access
    _D("access", "codes of failed authentication", "400 `InvalidAuthorization`, 404 `InvalidAccessKeyId.NotFound`, 400 `SignatureDoesNotMatch`, 400 `InvalidTimeStamp.Expired`", "documents only say 400; named after the vendor's convention (REST API, 1.5)", "service.api.authentication:Keys.owner_of"),
    _D("access", "a date that is none", "400 `InvalidTimeStamp.Format`", "silent", "service.api.authentication:Keys.owner_of"),
    _D("access", "ACS3-HMAC-SHA256", "accepted, too", "the vendor's generated clients sign so", "service.api.acs3:verify"),
    _D("access", "which resource is signed", "the path and query as they were sent, or decoded: either is right", "the SDKs disagree (REST API, 1.1)", "service.api.authentication:Keys.owner_of"),
    _D("access", "`contentMd5` and `Content-MD5`", "taken into the text as sent, never computed anew", "five sources give four encodings (REST API, 1.1)", "service.api.authentication:Keys.owner_of"),
    _D("access", "a request without a nonce", "accepted; a repeated one is refused on request only (400 `SignatureNonceUsed`)", "one of the vendor's SDKs sends none (REST API, 1.2)", "service.api.authentication:Nonces.use"),
    _D("access", "a key of a second owner where programs cannot be kept apart", "403 `Forbidden`, with what would keep them apart", "silent", "service.isolation:Isolation.problem"),
    _D("access", "headers that ACS3 has to sign", "`host`, `x-acs-date`, `x-acs-content-sha256` and every `x-acs-` header that is sent, else 400 `InvalidAuthorization`", "silent; a signature without them is good for any time and body", "service.api.acs3:unsigned"),
    _D("access", "`OwnerId`", "a number made of the owner's name; 0 for system images", "recorded as a number; the old SDK refuses a text", "service.domain.states:owner_number"),
    # -- requests
    _D("requests", "a body that is no object", "403 `InvalidHttpBody`", "the common table; one page says 400", "service.api.params:Params.json"),
    _D("requests", "a body of more than 256 KB", "403 `InvalidHttpBody`", "the size is documented, the code is not", "service.api.params:Params.json"),
    _D("requests", "a body with NUL, half of a surrogate pair, or numbers beyond 64 bits", "400 `InvalidJsonFormat`, with the name of the field", "silent", "service.api.params:Params.json"),
    _D("requests", "a path or a query that is no text in UTF-8, or names a key twice", "400 `InvalidUrlPattern`", "silent; two readers could take it for different things", "service.requests:query_of"),
    _D("requests", "the same `IdempotentToken` with another body", "400 `IdempotentTokenMismatch`; bodies are compared as JSON values", "the code is documented", "service.api.idempotency:known"),
    _D("requests", "a token with other characters, or longer than 64", "400 `InvalidIdempotentToken`", "the documents give the rule and no code", "service.api.params:Params.token"),
    _D("requests", "order of lists", "oldest first", "recordings", "service.api.handlers.jobs:Jobs.list_jobs"),
    _D("requests", "what a marker is", "the id or number of the next page's first item; it also works when that item is deleted meanwhile", "not stated (REST API, 9)", "service.api.handlers.jobs:Jobs.list_jobs"),
    _D("requests", "`NextMarker` of the last page", "`\"\"`", "documents; one recording has 0, which makes a client loop", "service.api.handlers.jobs:Jobs.list_instances"),
    _D("requests", "a `State` that is none", "400 `InvalidState`", "silent", "service.api.params:Params.state"),
    _D("requests", "`ProjectId`, `RegionId` and other unknown query keys", "ignored", "undocumented (REST API, 2.0, 2.1)", "service.api.routes:find"),
    _D("requests", "operations that only the generated SDK knows (regions, projects, renewal, workers)", "400 `InvalidUrlPattern`, or 400 `MethodNotAllowed`", "bodies unknown (REST API, 2.0)", "service.api.routes:find"),
    _D("requests", "what is not found", "404 `InvalidResource.NotFound`; the documented sentence, then the kind and the id, and which tasks, instances, groups or revisions there are", "the text is documented without them (REST API, 7)", "service.errors:not_found"),
    _D("requests", "delete of a job, cluster, image or app", "204 without a body, with `Content-Type: application/json`. Run against it: the old Python SDK 2.1.7 (all four) and the vendor's generated Python client of 2021 (all four), which take every 2xx. Only read: the Java SDK, which takes every 2xx but not an answer without this header, even if it is empty; and its functional tests, which take 200, 202 and 204, save that of clusters: it wants 202 for one with machines and 200 for one without", "documents say 204 (REST API, 2.1, 12)", "service.api.handlers.jobs:Jobs.delete_job"),
    # -- jobs
    _D("jobs", "a new job", "waits for 30 ms, whatever is free, so that who asks right after the create sees it `Waiting`", "the vendor's tests expect it", "service.dispatcher:Dispatcher.admit"),
    _D("jobs", "change of priority", "allowed in Stopped and Failed", "the API page says Stopped, the Java page both", "service.domain.states:ALLOWED"),
    _D("jobs", "`Priority` that is missing", "0", "the Java SDK leaves zeros out", "service.domain.defaults:job_description"),
    _D("jobs", "`JobFailOnInstanceFail: false`", "the failed instance stays Failed, its task ends Finished, successors run, the job ends Finished", "command-line help only", "service.domain.states:task_state"),
    _D("jobs", "`JobFailOnInstanceFail: true`", "the other instances are stopped", "silent", "service.store.transitions:fail_job"),
    _D("jobs", "a job that is stopped early", "its metrics count as Stopped; `EndTime` stays empty if it never ran", "the documented meaning; a recording of 2015 has Waiting", "service.store.transitions:stop_job"),
    _D("jobs", "times after stop and start", "a job and those of its tasks that run again have no `StartTime` until they run", "a client takes a `StartTime` for running", "service.store.transitions:start_job"),
    _D("jobs", "stop, then start, where failures are tolerated", "a task that has finished stays so, with its failed instances", "\"finished work is kept\"", "service.store.transitions:start_job"),
    _D("jobs", "`Message` of a job that has not failed", "while nothing of it runs: which slots or machines it waits for; while it is `Waiting`, also where it asks for more than this machine has, which the service's log keeps; else empty, but for a task whose cluster has no machines", "recorded as empty while it runs; programs take it for the reason of a failure", "service.domain.capacity:slot_shortage"),
    _D("jobs", "both `ClusterId` and an `AutoCluster` with machines", "refused", "\"one of two\"", "service.domain.defaults:job_description"),
    _D("jobs", "unknown task in `Dependencies`", "400 `InvalidDependencies`", "silent", "service.domain.defaults:job_description"),
    _D("jobs", "task names", "at most 32 bytes", "the documents; the command line allows 63", "service.domain.defaults:job_description"),
    _D("jobs", "instances of one job", "at most 1,000,000, else 403 `QuotaExhausted`", "silent", "service.domain.defaults:job_description"),
    _D("jobs", "`Timeout` and `MaxRetryCount`", "at most 2147483647", "silent", "service.domain.defaults:job_description"),
    _D("jobs", "notifications", "described as they were given; nothing is published, as there is no such topic service", "nowhere to publish to (REST API, 8)", "service.domain.defaults:job_description"),
    _D("jobs", "secrets in `Mounts.OSS`", "returned as stored", "one functional test; a fixture has them blank", "service.api.handlers.jobs:Jobs.get_job_description"),
    # -- instances
    _D("instances", "`Timeout`", "of each attempt, from the start of its program", "silent", "service.dispatcher:Dispatcher._launch"),
    _D("instances", "`ErrorCode` of a result", "`ProgramFailed`, `ProgramKilled`, `CommandNotFound`, `Timeout`, `PackageError`, `MountError`, `OutputError`, `StartFailed`, and `OutputIncomplete` of an instance that has finished; the end of stderr in `Detail`", "no list was published (REST API, 4.3)", "runner.outcome:outcome_of"),
    _D("instances", "a command of more than 64 KiB", "is read from a file by its shell, with the same `$0`, input and files; the body of a request is what bounds it. A simple command with a word of more than 131071 bytes is refused: no program can be given it", "the kernel passes no argument of 128 KiB", "runner.shim:is_long"),
    _D("instances", "a variable of more than 131071 bytes as `NAME=value`, or more than 2000 variables, or more than the machine hands to a program", "400 `InvalidEnvVars`, of an app's input 400 `InvalidInputs`, with the limit; variables and mounts that are more than about 2,900 together fail the instance with `MountError`, where bubblewrap makes the mounts", "the kernel passes no variable of 128 KiB, bubblewrap takes 9,000 arguments", "runner.environment:environment_room"),
    _D("instances", "attempts that were lost with their service or machine", "counted in `RetryCount`, not against `MaxRetryCount`", "silent", "service.store.transitions:requeue"),
    _D("instances", "`Progress`", "0", "every recording", "service.api.handlers.jobs:Jobs.get_instance"),
    _D("instances", "`ReserveOnFail`", "the working directory of an instance that failed for good is kept until its job is deleted; `Detail` says where", "the machines were to be kept; here their directories are", "service.workspaces.kept:KeptWorkdirs.keep"),
    # -- files
    _D("files", "outputs after a failure", "uploaded to object storage after success and after a non-zero exit, not after a stop or a time-out; logs always", "silent (REST API, 5.3)", "runner.staging:stage_out"),
    _D("files", "an output file that was not written", "no error", "silent", "runner.staging:stage_out"),
    _D("files", "links, pipes and sockets among outputs, and names that no object has", "stay behind; the instance is Finished with `ErrorCode` `OutputIncomplete`, `ErrorMessage` names them, and so does the job's `Message`", "there are none in object storage; never without a word", "runner.staging:stage_out"),
    _D("files", "modes of inputs and mounts", "every file can be read and executed, whatever its mode in the storage: objects have mode 0700, a file that was put there by hand is made executable at the start of an instance that maps it, and one that belongs to somebody else, or has a second name, is copied", "\"files appear r-x\" (REST API, 5.3)", "service.objects.directory:DirectoryStore.is_mountable"),
    _D("files", "an input whose key no file can have as its name (an empty part, a part longer than 255 bytes)", "the instance fails with `MountError`, which names the key; other keys are names of files as they are", "never left out without a word", "service.objects.keys:file_names"),
    _D("files", "hard links and renames", "work between the working directory, all outputs, writable inputs, and `/tmp`: they are one file system, and `/tmp` is then the program's own, with what this machine's holds mounted into it", "a machine of its own has one disk", "runner.file_system_view:FileSystemView"),
    _D("files", "where hard links and renames do not work", "to and from read-only inputs, mounts that are kept, and logs that grow; `/tmp`, where this machine's holds more than 100 entries or nothing is uploaded, or there is no bubblewrap; outputs in directories of this machine that hold more than 300 entries together with those around them (one that holds more than 300 by itself fails the instance with `MountError`); in a container between mapped directories that do not lie in each other", "each of these is a file system of its own", "runner.file_system_view:FileSystemView"),
    _D("files", "the working directory of a task with mappings", "`/batchcompute/workdir`", "the path of containers (REST API, 5.1); that of machines is not documented", "service.workspaces.names:workdir_of"),
    _D("files", "what is written to a mount with `WriteSupport`", "seen by the instance, not kept unless an `OutputMapping` names it; `--keep-mounts` keeps it", "documents disagree; users say it is lost (REST API, 5.3)", "service.workspaces.mounts:plan_mounts"),
    _D("files", "`WriteSupport` of a task", "its input mappings can be written to; nothing of that is kept", "a legacy flag", "service.domain.mappings:mappings_of"),
    _D("files", "an input that does not exist", "the instance fails with `MountError` before its program starts", "silent", "runner.staging:check_inputs"),
    _D("files", "a log of `LogMapping` that stays empty", "is removed", "the command line takes a missing object for no log (REST API, 5.4)", "runner.staging:stage_out"),
    _D("files", "a log of `LogMapping` while it grows", "is the object itself, mounted at its path: it can be written and cut, and not renamed", "\"uploaded while the program runs\" (REST API, 5.4)", "service.workspaces.mounts:plan_mounts"),
    _D("files", "something mapped inside of an output directory", "goes to its own target, a file or log also to that of the directory", "silent", "runner.staging:stage_out"),
    _D("files", "`nas://`, `smb://`, `lustre://`, drive letters", "refused at submit", "there are none on this machine", "service.domain.mappings:problems_of"),
    _D("files", "mounts of clusters", "seen by tasks outside of containers; in one, only the task's own are", "in a container, only the task's own mounts are seen (REST API, 5.3)", "service.workspaces.planner:AttemptPlanner.plan"),
    _D("files", "`Locale`, `Lock`, caches of mounts", "accepted, without effect: files are plain files here", "they belong to network file systems (REST API, 3.6)", "service.domain.mappings:mappings_of"),
    _D("files", "where bubblewrap cannot be used", "mappings are copies below `$BATCH_COMPUTE_ROOT`, and `Detail` says so", "no other way without root", "runner.sandbox:probe"),
    _D("files", "`Docker.Image`", "run by docker or podman where one answers, else 400 `InvalidImage` at submit", "the field is documented (REST API, 5.5)", "runner.container:probe"),
    _D("files", "a registry in object storage", "not started; the image's name is left to the runtime, without `localhost:5000/`", "the vendor's machines had one (REST API, 5.5)", "service.domain.task_needs:image_of"),
    # -- clusters
    _D("clusters", "machines", "there at once, `Running`, all with the address 127.0.0.1; when a group shrinks, idle ones go first, then the youngest", "the recorded ones took minutes", "service.store.machine_pools:adjust"),
    _D("clusters", "how much runs on a machine", "one instance at a time; on all of them together no more than this machine's slots", "\"number of parallel instances = machines\" (REST API, 3.2)", "service.domain.selection:select_runnable"),
    _D("clusters", "a machine that is released", "`Deleting` for 5 seconds, then 404; what ran on it runs again on another one", "\"Deleting on an immediate GET\"; the time is not told", "service.store.machine_pools:release"),
    _D("clusters", "recreate or delete of a machine that is `Deleting`", "409 `StateConflict`", "\"an error (409 presumably)\"", "service.api.handlers.clusters:Clusters.recreate_cluster_instance"),
    _D("clusters", "delete of a cluster that jobs need", "they fail, and `Message` says why", "silent (REST API, 12)", "service.store.transitions:fail_jobs_of"),
    _D("clusters", "a cluster that is deleted", "`Deleting` for 5 seconds, with 409 for a second delete, then 404", "`Deleting` and 409 are documented (REST API, 2.3 and 4.4), the time is not", "service.api.handlers.clusters:Clusters.delete_cluster"),
    _D("clusters", "names of machines", "`HostnamePrefix`, or this machine's name, and the machine's id", "programs tell machines by them", "service.api.handlers.clusters:_machine_status"),
    _D("clusters", "`DesiredVMCount`", "0 to 65536", "the documents say from 1, the vendor's tests use 0", "service.api.handlers.clusters:Clusters.create_cluster"),
    _D("clusters", "a task's own cluster", "has an id that programs are told, and is in no list", "silent", "service.domain.names:auto_cluster_id"),
    _D("clusters", "`Bootstrap`", "not run, and the operation log says so: the machines run already", "silent", "service.api.handlers.clusters:Clusters.create_cluster"),
    _D("clusters", "instance types", "any name is accepted; one of the catalogue that is larger than this machine is told in `Message` while the job waits, and in the service's log", "the documents list choices, not limits (REST API, 2.6)", "service.domain.capacity:notes_of"),
    # -- apps
    _D("apps", "the task of an App job", "is named after the app, cut to 32 bytes", "not documented (REST API, 12)", "service.domain.app_jobs:task_name"),
    _D("apps", "`${name}` in a command", "the value of the environment variable `BC_PARAM_name`, in one word; the variables are set for all parameters", "the placeholder is documented (REST API, 5.6); a value must not become a command", "service.domain.app_commands.substitution:substitute"),
    _D("apps", "`${name}` in a command that is not plainly an argument, or a file, of a simple command", "400 `InvalidCommandLine`, when the app is made", "safety", "service.domain.app_commands.rules:check"),
    _D("apps", "an input that is missing, unknown, or of the wrong type", "400 `MissingInputs`, 400 `InvalidInputs`", "silent (REST API, 5.6)", "service.domain.app_jobs:plan_of"),
    _D("apps", "a value for what the app does not let a job overwrite", "400 `InvalidConfig`; unknown keys are ignored", "silent; the command line sends a misspelt key (REST API, 5.6)", "service.domain.app_jobs:plan_of"),
    _D("apps", "an app that is not there", "400 `InvalidAppName`", "silent", "service.api.handlers.submit:Submissions.create_job"),
    _D("apps", "public apps", "there are none", "the vendor's are gone (REST API, 5.6)", "service.api.handlers.apps:Apps.list_apps"),
    _D("apps", "the answer to a synchronous App job that is stopped", "`Error.Code` is `Stopped`", "silent", "service.api.handlers.submit:Submissions.create_job"),
    _D("apps", "`Daemonize`", "kept, without effect: the program is started for each run", "there is no machine that it could stay on", "service.api.handlers.apps:Apps.create_app"),
    _D("apps", "delete of an app that does not exist", "204", "the vendor's tests rely on it", "service.api.handlers.apps:Apps.delete_app"),
    _D("apps", "a second app of a name", "403 `InvalidResource.AlreadyExisting`, which the SDK raises as a `StateConflictError`", "the common table of errors", "service.errors:existing"),
    _D("apps", "delete of an app's last revision", "the app is gone", "silent", "service.api.handlers.apps:Apps.delete_app"),
    # -- images
    _D("images", "delete of a system image", "403 `Forbidden`", "silent", "service.api.handlers.images:Images.delete_image"),
    # -- storage
    _D("storage", "a range of an object that begins behind its end", "the whole object with 200; 416 with `x-oss-range-behavior: standard`", "as the vendor's storage does it", "service.objects.api:ObjectApi.dispatch"),
    _D("storage", "buckets", "are there when something is put into them, and belong to their first writer, who can grant access to others", "silent; owners must not read each other's objects", "service.objects.ownership:Buckets.claim"),
    _D("storage", "an upload in parts", "belongs to its bucket and key; 404 `NoSuchUpload` under another one; removed 7 days after its last part", "silent", "service.objects.uploads:Uploads.dispatch"),
    _D("storage", "keys", "1 to 1,024 bytes of text without control characters and without `.` and `..` as parts; each is a file of its own", "the documents say 1,023", "service.objects.keys:parts_of"),
    _D("storage", "a bucket of another owner", "403 `AccessDenied`, and 403 `Forbidden` for a job or a cluster that needs it", "silent", "service.objects.ownership:Buckets.may"),
    _D("storage", "what this storage does not serve (tags, access control, links, appending, …)", "501 `NotImplemented`, and nothing changes", "never to be taken for a plain put or delete", "service.objects.api:ObjectApi.dispatch"),
    _D("storage", "headers of objects", "`Content-Type` by the name; others are not kept; an `ETag` is no MD5", "objects are plain files", "service.objects.api:ObjectApi.dispatch"),
    _D("storage", "signatures", "versions 1 and 4, in headers and URLs; a host like `bucket.oss-region.aliyuncs.com` names the bucket", "what the vendor's libraries send", "service.objects.signatures:check_signature"),
    _D("storage", "a key that ends in a slash", "is an empty directory; with content it is refused", "a file has no such name", "service.objects.api:ObjectApi.dispatch"),
)  # fmt: skip
"""The decisions, by what they are about."""
