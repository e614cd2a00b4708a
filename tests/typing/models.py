# What people write, and what a type checker must say to it. A line that ends in `# expect-error`
# must be rejected by every checker, every other line accepted.
import datetime
from typing import Any, assert_type

from batchcompute.resources import (
    DAG,
    AppDescription,
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

# Both spellings, in constructors and as attributes.
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

# Mappings, JSON and objects; a plain dict variable, too.
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

# Setters take the dict form; getters give the model.
wire.DAG = {"Tasks": {"t": {"InstanceCount": 1}}}
wire.DAG = DAG()
wire.DAG.add_task("t", good_task)
wire.DAG.add_task("t", TaskDescription())
wire.DAG.add_task("t", 5)  # expect-error
wire.DAG.add_tsk("t", TaskDescription())  # expect-error
wire.DAG.Dependencies = {"a": ["b"]}

# Deep chains never meet None.
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

# Statuses: nothing that the service always sends is optional.
job = Job({"Id": "job-1"})
assert_type(job.Id, str)
assert_type(job.State, JobState)
assert_type(job.StartTime, datetime.datetime | None)
assert_type(job.TaskMetrics, TaskMetrics)
assert_type(job.InstanceMetrics.FailedCount, int)
print(job.Sate)  # expect-error
if job.State == "Finished" and job.EndTime is not None and job.StartTime is not None:
    print(job.EndTime - job.StartTime)
