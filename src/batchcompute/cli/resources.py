"""``batchcompute clusters``, ``apps``, ``images``: the other resources of a service."""

from __future__ import annotations

import click

from batchcompute.cli.connection import connected, part, wire
from batchcompute.cli.framework import command, examples
from batchcompute.cli.output import write, write_json, write_table
from batchcompute.cli.state import state_of
from batchcompute.cli.times import local_time

__all__: list[str] = []


@command("clusters", epilog=examples("batchcompute clusters", "batchcompute clusters cls-0001"))
@click.argument("id", required=False)
@click.pass_context
def clusters_command(context: click.Context, id: str | None) -> None:
    """List clusters, or show the cluster with an ID as JSON."""
    state = state_of(context)
    with connected(state) as client:
        if id:
            write_json(wire(client.get_cluster(id)))
            return
        rows = [wire(cluster) for cluster in client.iter_clusters()]
    if state.json:
        write_json(rows)
        return
    if not rows:
        write("there are no clusters")
        return
    write_table(
        ("ID", "STATE", "CREATED", "NAME", "GROUPS"),
        [
            (
                row.get("Id"),
                row.get("State"),
                local_time(row.get("CreationTime")),
                row.get("Name"),
                _groups(row),
            )
            for row in rows
        ],
        1,
    )


def _groups(cluster: dict[str, object]) -> str:
    groups = part(cluster, "Groups")
    texts: list[str] = []
    for name in groups:
        group = part(groups, name)
        counts = f"{group.get('ActualVMCount') or 0} of {group.get('DesiredVMCount') or 0}"
        texts.append(f"{name}: {counts} {group.get('InstanceType') or ''}".rstrip())
    return ", ".join(texts)


@command("apps", epilog=examples("batchcompute apps", "batchcompute apps my-app"))
@click.argument("name", required=False)
@click.option("--public", is_flag=True, help="Public apps instead of your own.")
@click.pass_context
def apps_command(context: click.Context, name: str | None, public: bool) -> None:
    """List apps, or show the app with a NAME as JSON."""
    state = state_of(context)
    scope = "Public" if public else "Private"
    with connected(state) as client:
        if name:
            write_json(wire(client.get_app(name, scope)))
            return
        rows = [wire(app) for app in client.iter_apps(scope)]
    if state.json:
        write_json(rows)
        return
    if not rows:
        write("there are no apps")
        return
    write_table(
        ("NAME", "CREATED", "DESCRIPTION"),
        [(row.get("Name"), local_time(row.get("CreationTime")), row.get("Description")) for row in rows],
    )


@command("images", epilog=examples("batchcompute images", "batchcompute images img-ubuntu --json"))
@click.argument("id", required=False)
@click.pass_context
def images_command(context: click.Context, id: str | None) -> None:
    """List images, or show the image with an ID as JSON."""
    state = state_of(context)
    with connected(state) as client:
        if id:
            write_json(wire(client.get_image(id)))
            return
        rows = [wire(image) for image in client.iter_images()]
    if state.json:
        write_json(rows)
        return
    if not rows:
        write("there are no images")
        return
    write_table(
        ("ID", "NAME", "PLATFORM", "CREATED", "DESCRIPTION"),
        [
            (
                row.get("Id"),
                row.get("Name"),
                row.get("Platform"),
                local_time(row.get("CreationTime")),
                row.get("Description"),
            )
            for row in rows
        ],
    )
