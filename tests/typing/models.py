# Samples of user code for the type checkers. Every checker must reject each line that ends in `# expect-error`,
# and accept all other lines.
import datetime
from typing import TYPE_CHECKING, Any, assert_type

from pydantic import BaseModel, TypeAdapter

from batchcompute.resources import (
    DAG,
    AnyJobDescription,
    AppDescription,
    AppJobDescription,
    ClusterDescription,
    Configs,
    Job,
    JobDescription,
    JobState,
    Mounts,
    TaskDescription,
    TaskMetrics,
)
from batchcompute.types import JobDescriptionDict, TaskDescriptionDict

# Both names of fields, in constructors and as attributes.
wire = JobDescription(Name="demo", Priority=1, JobFailOnInstanceFail=True)
snake = JobDescription(name="demo", priority=1, job_fail_on_instance_fail=True)
assert_type(wire.Name, str | None)
assert_type(snake.name, str | None)
assert_type(wire.DAG, DAG)
assert_type(snake.dag.tasks, dict[str, TaskDescription])
assert_type(wire.JobFailOnInstanceFail, bool)
wire["Name"] = "other"
print(wire["Name"], "Name" in wire, wire.get("DAG"), dict(wire))

JobDescription(Nmae="demo")  # expect-error
JobDescription(nmae="demo")  # expect-error
JobDescription(Name=5)  # expect-error
JobDescription(name=5)  # expect-error
JobDescription(priority="high")  # expect-error
JobDescription(TaskDescription())  # expect-error
JobDescription(5)  # expect-error
wire.Nmae = "demo"  # expect-error
snake.nmae = "demo"  # expect-error
print(wire.Nmae)  # expect-error
wire.Name = 5  # expect-error
wire.Priority = "high"  # expect-error
wire.DAG = 5  # expect-error

# Mappings, JSON and objects, and a variable that is a plain dict.
plain: dict[str, str] = {"Name": "demo"}
loose: dict[str, Any] = {"Name": "demo", "Priority": 3}
JobDescription(plain)
JobDescription(loose)
JobDescription({"Name": "demo", "DAG": {"Tasks": {}}})
JobDescription('{"Name": "demo"}')
JobDescription(b'{"Name": "demo"}')
JobDescription(wire, Name="copy")

# Dict forms with checked keys.
task_dict: TaskDescriptionDict = {"InstanceCount": 3, "EnvVars": {}}  # expect-error
good_task: TaskDescriptionDict = {
    "InstanceCount": 3,
    "Parameters": {"Command": {"CommandLine": "x", "EnvVars": {"A": 1}}},
}
job_dict: JobDescriptionDict = {"Name": "demo", "DAG": {"Tasks": {"t": good_task}}}
bad_value: JobDescriptionDict = {"Name": 5}  # expect-error
JobDescription(job_dict)

# Setters accept dicts; getters return models.
wire.DAG = {"Tasks": {"t": {"InstanceCount": 1}}}
wire.DAG = DAG()
wire.DAG.add_task("t", good_task)
wire.DAG.add_task("t", TaskDescription())
wire.DAG.add_task("t", 5)  # expect-error
wire.DAG.add_tsk("t", TaskDescription())  # expect-error
wire.DAG.Dependencies = {"a": ["b"]}

# Nested objects are never None.
task = TaskDescription()
task.Parameters.Command.CommandLine = "echo"
task.Parameters.Command.EnvVars = {"A": 1, "B": "2"}
task.Parameters.Command.EnvVars["C"] = "3"
task.AutoCluster.Configs.Disks.SystemDisk.Size = 40
task.auto_cluster.configs.networks.vpc.cidr_block = "10.0.0.0/8"
task.Mounts.add_entry({"Source": "oss://b/", "Destination": "/b"})
assert_type(task.InstanceCount, int)
assert_type(task.Mounts, Mounts)
task.Paramters.Command.CommandLine = "echo"  # expect-error
task.Parameters.Command.CommandLien = "echo"  # expect-error
task.InstanceCount = "3"  # expect-error

configs = Configs()
configs.add_system_disk(40, "cloud")
configs.add_system_disk("40")  # expect-error
configs.add_data_disk(5, mount_pint="/x")  # expect-error
configs.InstanceCount = 1  # expect-error

cluster = ClusterDescription(groups={"g": {"DesiredVMCount": 1}})
assert_type(cluster.get_group("g").desired_vm_count, int | None)
app = AppDescription()
app.set_timeout(300, False, "secs")
app.set_timeout("300")  # expect-error

# Statuses: fields that the service always sends are not optional.
job = Job({"Id": "job-1"})
assert_type(job.Id, str)
assert_type(job.State, JobState)
assert_type(job.StartTime, datetime.datetime | None)
assert_type(job.TaskMetrics, TaskMetrics)
assert_type(job.InstanceMetrics.FailedCount, int)
print(job.Sate)  # expect-error
if job.State == "Finished" and job.EndTime is not None and job.StartTime is not None:
    print(job.EndTime - job.StartTime)

# Tasks in a single call, and dependencies as an argument of `add_task`.
short = TaskDescription.of_command(
    "echo hello", 3, instance_type="ecs.s3.large", stdout="oss://b/logs/", env_vars={"A": 1}
)
assert_type(short, TaskDescription)
TaskDescription.of_command("echo", "3")  # expect-error
TaskDescription.of_command("echo", instances=3)  # expect-error
graph = DAG()
graph.add_task("split", short)
graph.add_task("merge", short, after=["split"])
graph.add_task("print", short, after="merge")
graph.add_task("print", short, after=5)  # expect-error

# A job of either type, in models of the caller and in adapters.
adapter: TypeAdapter[AnyJobDescription] = TypeAdapter(AnyJobDescription)
assert_type(adapter.validate_json("{}"), JobDescription | AppJobDescription)


class Request(BaseModel):
    """A model of somebody else's."""

    job: AnyJobDescription
    status: Job | None = None


assert_type(Request(job=wire).job, JobDescription | AppJobDescription)
assert_type(wire.model_copy(update={"Name": "y"}), JobDescription)
assert_type(wire.copy(), JobDescription)
assert_type(JobDescription.model_validate({"Name": "x"}), JobDescription)
assert_type(wire.model_dump(by_alias=False), dict[str, Any])


class Noted(TaskDescription):
    """A task with a field of its own."""

    ticket: str | None = None

    if TYPE_CHECKING:
        # Without it, checkers derive a constructor that has only the fields of this class.
        def __init__(self, properties: object = None, **fields: object) -> None: ...


noted = Noted({"ClusterId": "c"}, ticket="T-1")
assert_type(noted.ticket, str | None)
assert_type(noted.cluster_id, str | None)
noted.ticket = 5  # expect-error
