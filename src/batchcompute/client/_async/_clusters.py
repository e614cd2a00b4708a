"""Calls for clusters and their machines (REST API, 2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Unpack

from batchcompute.api import calls
from batchcompute.client._async._base import AsyncBase
from batchcompute.client._async._iterate import AsyncItems

if TYPE_CHECKING:
    from batchcompute.api.arguments import IdLike
    from batchcompute.api.filters import NoFilters
    from batchcompute.api.resource_responses import ClusterInstanceResponse, ClusterResponse
    from batchcompute.api.responses import ActionResponse, CreateResponse, ListResponse
    from batchcompute.resources import (
        Cluster,
        ClusterDescription,
        ClusterInstance,
        ModifyClusterDescription,
    )

__all__: list[str] = []

_EMPTY: Mapping[str, Any] = MappingProxyType({})


class AsyncClusters(AsyncBase):
    """Calls for clusters and their machines."""

    async def create_cluster(
        self, cluster_desc: ClusterDescription | Mapping[str, object] | str | bytes, token: str = ""
    ) -> CreateResponse:
        """Create a cluster (CreateCluster).

        Args:
            cluster_desc: The cluster: a description, a mapping of one, or its JSON text.
            token: Idempotent token; a create that is repeated with it answers with the same cluster.

        Returns:
            The answer with the cluster's ``Id``.

        Raises:
            ValidationError: The description is one that the service would refuse; nothing was sent.
            ClientError: The service refused.
        """
        return await self._call(calls.create_cluster(cluster_desc, token))

    async def list_clusters(
        self, marker: str | None = "", max_item_count: int = 50, **filters: Unpack[NoFilters]
    ) -> ListResponse[Cluster]:
        """Return one page of the clusters (ListClusters).

        Args:
            marker: Where the page begins: empty, or the ``NextMarker`` of the page before.
            max_item_count: How many clusters the page may hold, 0 to 100.
            **filters: There are none.

        Raises:
            TypeError: There is another keyword; the nearest one is named.
        """
        return await self._call(calls.list_clusters(marker, max_item_count, **filters))

    def iter_clusters(
        self, *, max_item_count: int = 100, marker: str = "", **filters: Unpack[NoFilters]
    ) -> AsyncItems[Cluster]:
        """Iterate over the clusters of all pages (ListClusters).

        Args:
            max_item_count: How many clusters are fetched at a time, 1 to 100.
            marker: Where to begin: empty, or the ``next_marker`` of an earlier iteration.
            **filters: There are none.

        Raises:
            TypeError: There is another keyword; the nearest one is named.
        """
        # A wrong argument is told now, not with the first item.
        calls.list_clusters(marker, max_item_count, **filters)
        return AsyncItems(lambda page: self.list_clusters(page, max_item_count), marker)

    async def get_cluster(self, cluster: IdLike) -> ClusterResponse:
        """Return the status of a cluster (GetCluster).

        Args:
            cluster: Id of the cluster, or anything that has it.

        Raises:
            NotFoundError: There is no such cluster.
        """
        return await self._call(calls.get_cluster(cluster))

    async def modify_cluster(
        self,
        cluster: IdLike,
        modify_cluster_desc: ModifyClusterDescription | Mapping[str, object] | str | bytes,
    ) -> ActionResponse:
        """Change a cluster (ModifyCluster); its machines follow in their own time.

        Args:
            cluster: Id of the cluster, or anything that has it.
            modify_cluster_desc: What shall change; the rest stays as it is.

        Raises:
            ValidationError: The description is one that the service would refuse; nothing was sent.
            NotFoundError: There is no such cluster.
        """
        return await self._call(calls.modify_cluster(cluster, modify_cluster_desc))

    async def change_cluster_desired_vm_count(self, cluster: IdLike, **kwargs: int) -> ActionResponse:
        """Change how many machines groups shall have (ModifyCluster).

        Args:
            cluster: Id of the cluster, or anything that has it.
            **kwargs: From group name to number of machines.

        Raises:
            ValidationError: A number is out of range; nothing was sent.
        """
        return await self._call(calls.change_cluster_desired_vm_count(cluster, kwargs))

    async def change_cluster_spot_config(
        self, cluster: IdLike, group_name: str, strategy: str = "", price_limit: float = 0.0
    ) -> ActionResponse:
        """Change how a group bids for spot machines (ModifyCluster).

        Args:
            cluster: Id of the cluster, or anything that has it.
            group_name: Name of the group.
            strategy: ``SpotWithPriceLimit`` or ``SpotAsPriceGo``.
            price_limit: Highest price per hour.
        """
        return await self._call(calls.change_cluster_spot_config(cluster, group_name, strategy, price_limit))

    async def change_cluster_user_data(
        self, cluster: IdLike, data: Mapping[str, object] = _EMPTY
    ) -> ActionResponse:
        """Replace the data that machines of a cluster can read (ModifyCluster).

        Args:
            cluster: Id of the cluster, or anything that has it.
            data: All of it; without it there is none afterwards.
        """
        return await self._call(calls.change_cluster_map(cluster, "UserData", data))

    async def change_cluster_env_vars(
        self, cluster: IdLike, data: Mapping[str, object] = _EMPTY
    ) -> ActionResponse:
        """Replace the environment variables of a cluster's machines (ModifyCluster).

        Args:
            cluster: Id of the cluster, or anything that has it.
            data: All of it; without it there is none afterwards.
        """
        return await self._call(calls.change_cluster_map(cluster, "EnvVars", data))

    async def change_cluster_input_mapping(
        self, cluster: IdLike, data: Mapping[str, str] = _EMPTY
    ) -> ActionResponse:
        """Replace the input mappings of a cluster (ModifyCluster, in older documents).

        Args:
            cluster: Id of the cluster, or anything that has it.
            data: All of it; without it there is none afterwards.
        """
        return await self._call(calls.change_cluster_map(cluster, "InputMapping", data))

    async def delete_cluster(self, cluster: IdLike) -> ActionResponse:
        """Delete a cluster (DeleteCluster).

        Args:
            cluster: Id of the cluster, or anything that has it.

        Raises:
            StateConflictError: It is being deleted already.
            NotFoundError: There is no such cluster.
        """
        return await self._call(calls.delete_cluster(cluster))

    async def list_cluster_instances(
        self,
        cluster_id: IdLike,
        group_name: str,
        marker: str | None = "",
        max_item_count: int = 50,
        **filters: Unpack[NoFilters],
    ) -> ListResponse[ClusterInstance]:
        """Return one page of a group's machines (ListClusterInstances).

        Args:
            cluster_id: Id of the cluster, or anything that has it.
            group_name: Name of the group.
            marker: Where the page begins: empty, or the ``NextMarker`` of the page before.
            max_item_count: How many machines the page may hold, 0 to 100.
            **filters: There are none.

        Raises:
            TypeError: There is another keyword; the nearest one is named.
        """
        return await self._call(
            calls.list_cluster_instances(cluster_id, group_name, marker, max_item_count, **filters)
        )

    def iter_cluster_instances(
        self,
        cluster_id: IdLike,
        group_name: str,
        *,
        max_item_count: int = 100,
        marker: str = "",
        **filters: Unpack[NoFilters],
    ) -> AsyncItems[ClusterInstance]:
        """Iterate over the machines of a group, over all pages (ListClusterInstances).

        Args:
            cluster_id: Id of the cluster, or anything that has it.
            group_name: Name of the group.
            max_item_count: How many machines are fetched at a time, 1 to 100.
            marker: Where to begin: empty, or the ``next_marker`` of an earlier iteration.
            **filters: There are none.

        Raises:
            TypeError: There is another keyword; the nearest one is named.
        """
        # A wrong argument is told now, not with the first item.
        calls.list_cluster_instances(cluster_id, group_name, marker, max_item_count, **filters)
        return AsyncItems(
            lambda page: self.list_cluster_instances(cluster_id, group_name, page, max_item_count), marker
        )

    async def get_cluster_instance(
        self, cluster_id: IdLike, group_name: str, instance_id: IdLike
    ) -> ClusterInstanceResponse:
        """Return the status of a machine (GetClusterInstance).

        Args:
            cluster_id: Id of the cluster, or anything that has it.
            group_name: Name of the group.
            instance_id: Id of the machine, or anything that has it.

        Raises:
            NotFoundError: There is no such cluster, group or machine.
        """
        return await self._call(calls.get_cluster_instance(cluster_id, group_name, instance_id))

    async def recreate_cluster_instance(
        self, cluster_id: IdLike, group_name: str, instance_id: IdLike
    ) -> ActionResponse:
        """Replace a machine by a new one with an id of its own (RecreateClusterInstance).

        Args:
            cluster_id: Id of the cluster, or anything that has it.
            group_name: Name of the group.
            instance_id: Id of the machine, or anything that has it.
        """
        return await self._call(calls.recreate_cluster_instance(cluster_id, group_name, instance_id))

    async def delete_cluster_instance(
        self, cluster_id: IdLike, group_name: str, instance_id: IdLike
    ) -> ActionResponse:
        """Release a machine; its group shall have one less from then on (DeleteClusterInstance).

        Args:
            cluster_id: Id of the cluster, or anything that has it.
            group_name: Name of the group.
            instance_id: Id of the machine, or anything that has it.
        """
        return await self._call(calls.delete_cluster_instance(cluster_id, group_name, instance_id))
