"""Configuration of machines: disks, networks, mounts and notifications (REST API, 3.6 and 3.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import Field

from batchcompute.models.base import Description
from batchcompute.models.constraints import Range, Required, StorageUrl
from batchcompute.models.field_types import Boolean, Integer, NonBlankText, Number, Text, TextList, empty_list

__all__ = [
    "NAS",
    "OSS",
    "VPC",
    "Classic",
    "Configs",
    "DataDisk",
    "Disks",
    "InputMappingConfig",
    "MountEntry",
    "Mounts",
    "Networks",
    "Notification",
    "SystemDisk",
    "Topic",
]


class SystemDisk(Description):
    """The system disk of a machine."""

    type: NonBlankText | None = None
    """Type of the disk, for example ``cloud_efficiency``; empty for the default."""
    size: Annotated[Integer, Range(40, 500)] | None = None
    """Size in GB, 40 to 500."""


class DataDisk(Description):
    """The data disk of a machine."""

    type: NonBlankText | None = None
    """Type of the disk. It must be the type of the system disk."""
    size: Annotated[Integer, Range(5, 2000)] | None = None
    """Size in GB, 5 to 2000."""
    mount_point: NonBlankText | None = None
    """Mount point: a directory on Linux, a drive letter on Windows."""


class Disks(Description):
    """The disks of a machine."""

    system_disk: SystemDisk | None = None
    """The system disk."""
    data_disk: DataDisk | None = None
    """The data disk."""


class Classic(Description):
    """The classic network."""

    allow_security_group: TextList | None = None
    """Security groups that may connect to the machines."""
    allow_security_group_egress: TextList | None = None
    """Security groups that the machines may connect to."""
    allow_ip_address: TextList | None = None
    """IP addresses that may connect to the machines."""
    allow_ip_address_egress: TextList | None = None
    """IP addresses that the machines may connect to."""


class VPC(Description):
    """A private network."""

    cidr_block: Text | None = None
    """Address range, for example ``192.168.0.0/16``."""
    vpc_id: Text | None = None
    """Id of an existing VPC."""
    express_connect_spec: Text | None = None
    """Bandwidth class of the connection to another network."""
    opposite_region_id: Text | None = None
    """Region of the other network."""
    opposite_access_point_id: Text | None = None
    """Access point of the other network."""
    opposite_router_type: Text | None = None
    """Router type of the other network."""
    opposite_router_id: Text | None = None
    """Router id of the other network."""
    opposite_interface_id: Text | None = None
    """Interface id of the other network."""


class Networks(Description):
    """The networks of a machine."""

    classic: Classic | None = Field(default_factory=Classic)
    """The classic network."""
    vpc: VPC | None = Field(default_factory=VPC, validation_alias="VPC", serialization_alias="VPC")
    """A private network."""

    def _state(self) -> dict[str, Any]:
        # An object that is part of a larger one has an empty classic network, and a new object has none.
        state = super()._state()
        return {name: value for name, value in state.items() if name != "classic" or len(list(value))}


class MountEntry(Description):
    """A file or directory of a storage, mounted on a machine."""

    source: Annotated[Text, Required("a URL like oss://bucket/dir/"), StorageUrl()] | None = None
    """URL of the file or directory: ``oss://``, ``nas://``, ``smb://``, ``lustre://`` or ``nasplus://``."""
    destination: Annotated[Text, Required("a path on the machine")] | None = None
    """Path on the machine."""
    write_support: Boolean | None = None
    """Whether the machine may write to the directory."""


class NAS(Description):
    """The settings of mounts from NAS."""

    access_group: TextList | None = None
    """Access groups."""
    file_system: TextList | None = None
    """Host names of the file systems."""


class OSS(Description):
    """Credentials for mounts from OSS."""

    access_key_id: Text | None = None
    """Access key id."""
    access_key_secret: Text | None = None
    """Access key secret. ``repr`` never shows it."""
    security_token: Text | None = None
    """STS token, under the name in the old SDK."""
    access_security_token: Text | None = None
    """STS token, under the name in the documents and the Node SDK."""


class Mounts(Description):
    """The mounts of a machine, and their settings (REST API, 3.6)."""

    entries: list[MountEntry] | None = None
    """The mounts."""
    locale: Text | None = None
    """Character encoding of file names, for example ``UTF-8``; the default of the service is ``GBK``."""
    lock: Boolean | None = None
    """Whether file locks work across machines."""
    cache_support: Boolean | None = None
    """Whether reads use a cache."""
    cache_block_size: Integer | None = None
    """Size of a block of the cache in bytes."""
    cache_total_size: Integer | None = None
    """Size of the cache in bytes."""
    nas: NAS | None = Field(default=None, validation_alias="NAS", serialization_alias="NAS")
    """The settings of mounts from NAS."""
    oss: OSS | None = Field(default=None, validation_alias="OSS", serialization_alias="OSS")
    """Credentials for mounts from OSS."""
    refresh_strategy: Text | None = None
    """Strategy for refreshing metadata."""
    refresh_topic_name: Text | None = None
    """Name of the topic that announces a refresh."""
    refresh_time_out: Number | None = None
    """Time between refreshes in seconds."""
    nas_meta_cache: Boolean | None = None
    """Whether metadata of NAS is cached."""

    def add_entry(self, entry: MountEntry | Mapping[str, object]) -> None:
        """Add a mount. The object stores a copy of the entry."""
        self.entries.append(cast("MountEntry", entry))

    def get_entry(self, destination: str) -> MountEntry:
        """Return the mount with this destination.

        Raises:
            KeyError: No mount has this destination.
        """
        for entry in self.entries:
            if entry.destination == destination:
                return entry
        raise KeyError(destination)

    def delete_entry(self, destination: str) -> None:
        """Remove the mount with this destination.

        Raises:
            KeyError: No mount has this destination.
        """
        self.entries.remove(self.get_entry(destination))


def _default_networks() -> Networks:
    return Networks({"VPC": {"CidrBlock": "192.168.0.0/16"}})


class Configs(Description):
    """Disks, networks and mounts of the machines of a cluster."""

    disks: Disks | None = None
    """The disks."""
    networks: Networks | None = Field(default_factory=_default_networks)
    """The networks. As in the old SDK, the default is a private network with the addresses ``192.168.0.0/16``."""
    mounts: Mounts | None = None
    """The mounts."""

    def __init__(self, properties: object = None, **fields: object) -> None:
        super().__init__(properties, **fields)
        if not properties and not fields:
            # As in the old SDK, a new object shows no classic network, and each copy of it in a larger object has
            # one. So every request has it.
            self.__dict__["networks"].__dict__["classic"] = None

    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    def _on_nested(self) -> None:
        networks = self.__dict__.get("networks")
        if networks is not None and networks.__dict__.get("classic") is None:
            networks.__dict__["classic"] = Classic()

    def add_system_disk(self, size: int, type_: str = "cloud") -> None:
        """Set the system disk.

        Args:
            size: Size in GB, 40 to 500.
            type_: Type of the disk.
        """
        self.disks.system_disk = SystemDisk(type=type_, size=size)

    def add_data_disk(self, size: int, type_: str = "cloud", mount_point: str = "") -> None:
        """Set the data disk.

        Args:
            size: Size in GB, 5 to 2000.
            type_: Type of the disk.
            mount_point: A directory on Linux, a drive letter on Windows.
        """
        self.disks.data_disk = DataDisk(type=type_, size=size, mount_point=mount_point)

    def set_networks_type(self, classicnetworks: bool = False) -> None:
        """Choose the classic network, or a private network with the default address range.

        Args:
            classicnetworks: Whether to choose the classic network.
        """
        self.networks = {"Classic": {}, "VPC": None} if classicnetworks else _default_networks()

    def set_classic_networks(self) -> None:
        """Choose the classic network."""
        self.set_networks_type(True)

    def set_classic_netWorks(self) -> None:  # noqa: N802
        """Choose the classic network: the misspelt name of the old SDK."""
        self.set_networks_type(True)


class Topic(Description):
    """The topic that receives events, and which events it receives (REST API, 3.8 and 8)."""

    name: Text | None = ""
    """Name of the MNS topic."""
    endpoint: Text | None = ""
    """Endpoint of the MNS account."""
    events: TextList | None = Field(default_factory=empty_list)
    """Names of the events to send, for example ``OnJobFinished``."""
    user_data: Text | None = ""
    """A string of the caller that is sent with each event."""
    user_template: Text | None = ""
    """Template of the messages."""


class Notification(Description):
    """The notification about events."""

    topic: Topic | None = Field(default_factory=Topic)
    """The topic that receives events, and which events it receives."""


class InputMappingConfig(Description):
    """Settings for the file names of input mappings."""

    locale: Text | None = "GBK"
    """Character encoding of file names."""
    lock: Boolean | None = False
    """Whether file locks work across machines."""
