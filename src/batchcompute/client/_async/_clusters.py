"""The methods for clusters and their machines (REST API, 2.3)."""

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
    """The methods for clusters and their machines."""

    async def create_cluster(
        self, cluster_desc: ClusterDescription | Mapping[str, object] | str | bytes, token: str = ""
    ) -> CreateResponse:
        """Create a cluster (CreateCluster).

        Args:
            cluster_desc: The cluster: a description, a mapping, or JSON text.
            token: Idempotent token. A repeated create with the same token returns the same cluster.

        Returns:
            The response with the ``Id`` of the cluster.

        Raises:
            ValidationError: The description is invalid. No request was sent.
            ClientError: The service rejected the request.
        """
        return await self._call(calls.create_cluster(cluster_desc, token))

    async def list_clusters(
        self, marker: str | None = "", max_item_count: int = 50, **filters: Unpack[NoFilters]
    ) -> ListResponse[Cluster]:
        """Return one page of the clusters (ListClusters).

        Args:
            marker: Marker of the page: empty for the first page, or the ``NextMarker`` of the previous page.
            max_item_count: Maximum number of clusters of the page, 0 to 100.
            **filters: None are supported.

        Raises:
            TypeError: A keyword is unknown; the message names the nearest one.
        """
        return await self._call(calls.list_clusters(marker, max_item_count, **filters))

    def iter_clusters(
        self, *, max_item_count: int = 100, marker: str = "", **filters: Unpack[NoFilters]
    ) -> AsyncItems[Cluster]:
        """Iterate over all clusters (ListClusters).

        Args:
            max_item_count: Maximum number of clusters of each fetched page, 1 to 100.
            marker: Marker of the first page: empty, or the ``next_marker`` of an earlier iteration.
            **filters: None are supported.

        Raises:
            TypeError: A keyword is unknown; the message names the nearest one.
        """
        # Checks the arguments now instead of at the first item.
        calls.list_clusters(marker, max_item_count, **filters)
        return AsyncItems(lambda page: self.list_clusters(page, max_item_count), marker)

    async def get_cluster(self, cluster: IdLike) -> ClusterResponse:
        """Return the status of a cluster (GetCluster).

        Args:
            cluster: Id of the cluster, or an object with an ``Id``.

        Raises:
            NotFoundError: The cluster does not exist.
        """
        return await self._call(calls.get_cluster(cluster))

    async def modify_cluster(
        self,
        cluster: IdLike,
        modify_cluster_desc: ModifyClusterDescription | Mapping[str, object] | str | bytes,
    ) -> ActionResponse:
        """Change a cluster (ModifyCluster). Its machines change later.

        Args:
            cluster: Id of the cluster, or an object with an ``Id``.
            modify_cluster_desc: The changed fields. All other fields keep their values.

        Raises:
            ValidationError: The description is invalid. No request was sent.
            NotFoundError: The cluster does not exist.
        """
        return await self._call(calls.modify_cluster(cluster, modify_cluster_desc))

    async def change_cluster_desired_vm_count(self, cluster: IdLike, **kwargs: int) -> ActionResponse:
        """Change the desired number of machines of groups (ModifyCluster).

        Args:
            cluster: Id of the cluster, or an object with an ``Id``.
            **kwargs: Number of machines by group name.

        Raises:
            ValidationError: A number is out of range. No request was sent.
        """
        return await self._call(calls.change_cluster_desired_vm_count(cluster, kwargs))

    async def change_cluster_spot_config(
        self, cluster: IdLike, group_name: str, strategy: str = "", price_limit: float = 0.0
    ) -> ActionResponse:
        """Change the spot bid of a group (ModifyCluster). An argument without a value changes nothing.

        Args:
            cluster: Id of the cluster, or an object with an ``Id``.
            group_name: Name of the group.
            strategy: ``SpotWithPriceLimit`` or ``SpotAsPriceGo``.
            price_limit: Maximum price per hour.
        """
        return await self._call(calls.change_cluster_spot_config(cluster, group_name, strategy, price_limit))

    async def change_cluster_user_data(
        self, cluster: IdLike, data: Mapping[str, object] = _EMPTY
    ) -> ActionResponse:
        """Replace the user data of a cluster's machines (ModifyCluster).

        Args:
            cluster: Id of the cluster, or an object with an ``Id``.
            data: The new user data; without it, all user data is removed.
        """
        return await self._call(calls.change_cluster_map(cluster, "UserData", data))

    async def change_cluster_env_vars(
        self, cluster: IdLike, data: Mapping[str, object] = _EMPTY
    ) -> ActionResponse:
        """Replace the environment variables of a cluster's machines (ModifyCluster).

        Args:
            cluster: Id of the cluster, or an object with an ``Id``.
            data: The new variables; without it, all variables are removed.
        """
        return await self._call(calls.change_cluster_map(cluster, "EnvVars", data))

    async def change_cluster_input_mapping(
        self, cluster: IdLike, data: Mapping[str, str] = _EMPTY
    ) -> ActionResponse:
        """Replace the input mappings of a cluster (ModifyCluster in older documents).

        Args:
            cluster: Id of the cluster, or an object with an ``Id``.
            data: The new mappings; without it, all mappings are removed.
        """
        return await self._call(calls.change_cluster_map(cluster, "InputMapping", data))

    async def delete_cluster(self, cluster: IdLike) -> ActionResponse:
        """Delete a cluster (DeleteCluster).

        Args:
            cluster: Id of the cluster, or an object with an ``Id``.

        Raises:
            StateConflictError: The cluster is already being deleted.
            NotFoundError: The cluster does not exist.
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
        """Return one page of the machines of a group (ListClusterInstances).

        Args:
            cluster_id: Id of the cluster, or an object with an ``Id``.
            group_name: Name of the group.
            marker: Marker of the page: empty for the first page, or the ``NextMarker`` of the previous page.
            max_item_count: Maximum number of machines of the page, 0 to 100.
            **filters: None are supported.

        Raises:
            TypeError: A keyword is unknown; the message names the nearest one.
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
        """Iterate over all machines of a group (ListClusterInstances).

        Args:
            cluster_id: Id of the cluster, or an object with an ``Id``.
            group_name: Name of the group.
            max_item_count: Maximum number of machines of each fetched page, 1 to 100.
            marker: Marker of the first page: empty, or the ``next_marker`` of an earlier iteration.
            **filters: None are supported.

        Raises:
            TypeError: A keyword is unknown; the message names the nearest one.
        """
        # Checks the arguments now instead of at the first item.
        calls.list_cluster_instances(cluster_id, group_name, marker, max_item_count, **filters)
        return AsyncItems(
            lambda page: self.list_cluster_instances(cluster_id, group_name, page, max_item_count), marker
        )

    async def get_cluster_instance(
        self, cluster_id: IdLike, group_name: str, instance_id: IdLike
    ) -> ClusterInstanceResponse:
        """Return the status of a machine (GetClusterInstance).

        Args:
            cluster_id: Id of the cluster, or an object with an ``Id``.
            group_name: Name of the group.
            instance_id: Id of the machine, or an object with an ``Id``.

        Raises:
            NotFoundError: The cluster, group or machine does not exist.
        """
        return await self._call(calls.get_cluster_instance(cluster_id, group_name, instance_id))

    async def recreate_cluster_instance(
        self, cluster_id: IdLike, group_name: str, instance_id: IdLike
    ) -> ActionResponse:
        """Replace a machine with a new one, which has another id (RecreateClusterInstance).

        Args:
            cluster_id: Id of the cluster, or an object with an ``Id``.
            group_name: Name of the group.
            instance_id: Id of the machine, or an object with an ``Id``.
        """
        return await self._call(calls.recreate_cluster_instance(cluster_id, group_name, instance_id))

    async def delete_cluster_instance(
        self, cluster_id: IdLike, group_name: str, instance_id: IdLike
    ) -> ActionResponse:
        """Release a machine, and reduce the desired number of its group by one (DeleteClusterInstance).

        Args:
            cluster_id: Id of the cluster, or an object with an ``Id``.
            group_name: Name of the group.
            instance_id: Id of the machine, or an object with an ``Id``.
        """
        return await self._call(calls.delete_cluster_instance(cluster_id, group_name, instance_id))
