"""No page scrolls sideways, at any width, whatever the names and the output are."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from batchcompute import Client
from batchcompute.service import LocalService
from tests.service.helpers import finish, job, task

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc"),
]

Site = tuple[LocalService, Client, str]

WIDTHS = (320, 390, 600, 737, 820, 1024, 1440)
LONG = "n" * 60
_BEYOND = """() => document.documentElement.scrollWidth <= innerWidth ? [] : [document.documentElement.scrollWidth]
    .concat([...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.outerHTML.slice(0, 80)).slice(0, 3))"""


@pytest.fixture(scope="module")
def targets(site: Site) -> list[str]:
    service, client, _ = site
    names = [f"{LONG[:28]}{number:02}" for number in range(24)]
    tasks = {name: task("exit 3") for name in names}
    # The last task is retried, so that it has several attempts and a long reason.
    tasks[names[0]] = task("exit 3", MaxRetryCount=2)
    links = {names[0]: names[1:]}
    failed = client.create_job(job(tasks, links, Name=LONG, Description="d" * 500)).Id
    many = {f"{LONG[:28]}{number:03}": task("true") for number in range(160)}
    waiting = client.create_job(job({"hold": task("sleep 300"), **many}, {"hold": list(many)}, Name=LONG)).Id
    retried = client.create_job(job("sleep 300", Name=LONG)).Id
    finish(client, failed, "Failed")
    instance = client.get_instance(failed, names[0], 0)
    service.objects.write(instance.StdoutRedirectPath, [b"x" * 300_000])
    service.objects.write(f"oss://bucket/{'o' * 200}/{'p' * 200}.bin", [b"x"])
    with service._parts.store.write() as transaction:
        db = transaction.jobs._db
        db.execute("UPDATE jobs SET message = ? WHERE id = ?", ("m" * 2000, failed))
        # An engine names its nodes and workers. A retried instance that runs has two badges.
        row = (
            "job = (SELECT seq FROM jobs WHERE id = ?)"
            " AND task = (SELECT task FROM instances WHERE exit_code = 3 AND retries = 2)"
        )
        long = {"error_message": "e" * 500, "node": "h" * 120}
        for table, fields in (("instances", long), ("attempts", {**long, "worker": "w" * 120})):
            columns = ", ".join(f"{name} = ?" for name in fields)
            changed = db.execute(f"UPDATE {table} SET {columns} WHERE {row}", (*fields.values(), failed))
            assert changed.rowcount, table
        db.execute(
            "UPDATE instances SET state = 'Running', ended = '' WHERE job = (SELECT seq FROM jobs WHERE id = ?)"
            " AND exit_code = 3 AND retries = 2",
            (failed,),
        )
    group = {"DesiredVMCount": 3, "InstanceType": "t" * 60}
    cluster = client.create_cluster(
        {"Name": LONG, "Description": "d" * 500, "ImageId": "img-ubuntu", "Groups": {LONG[:28]: group}}
    ).Id
    return [
        "/", f"/?q={LONG}", "/?state=Failed", f"/-/jobs/{failed}", f"/-/jobs/{waiting}", f"/-/jobs/{retried}",
        f"/-/jobs/{failed}/tasks/{names[0]}", f"/-/jobs/{failed}/tasks/{names[0]}/0?stream=stdout",
        "/-/clusters", f"/-/clusters/{cluster}", "/-/storage", "/-/storage/bucket", f"/-/storage/bucket?prefix={'o' * 200}/",
        "/-/service", f"/-/jobs/{LONG}{LONG}",
    ]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_scrolls_sideways(site: Site, browser: Browser, targets: list[str], scheme: Any) -> None:
    context = browser.new_context(base_url=site[2], color_scheme=scheme)
    page = context.new_page()
    page.goto("/-/login")
    page.fill("#id", "id")
    page.fill("#secret", "s3cret")
    page.press("#secret", "Enter")
    page.wait_for_selector("h1:text('Jobs')")
    wide: list[Any] = []
    for target in targets:
        page.goto(target)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            beyond = page.evaluate(_BEYOND)
            wide += [(target[:60], width, beyond)] if beyond else []
    context.close()
    assert wide == []
