"""The page in a browser: live updates, output, actions, hostile texts, keyboard, accessibility."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from batchcompute import Client
from batchcompute.service import LocalService
from tests.service.helpers import finish, job, task, until
from tests.service.web.test_page import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc"),
]

Site = tuple[LocalService, Client, str]


def states(page: Page, selector: str = "h1 .badge") -> str:
    return re.sub(r"\W+", " ", page.inner_text(selector)).strip()


def test_a_new_job_and_its_end_appear_by_themselves(site: Site, tab: Page) -> None:
    _, client, _ = site
    tab.wait_for_selector("#live:text('Live')")
    job_id = client.create_job(job("sleep 0.3", Name="appears")).Id
    tab.wait_for_selector(f"#{job_id} .s-Running")
    tab.wait_for_selector(f"#{job_id} .badge.s-Finished")
    assert tab.locator(f"#{job_id}").count() == 1


def test_a_broken_stream_is_taken_up_again(site: Site, tab: Page) -> None:
    _, client, _ = site
    tab.expected_problems = ("ERR_INTERNET_DISCONNECTED", "ERR_NETWORK_IO_SUSPENDED", "ERR_FAILED")  # type: ignore[attr-defined]
    tab.wait_for_selector("#live:text('Live')")
    tab.evaluate("window.kept = document.querySelector('#q')")
    tab.fill("#q", "half typed")
    tab.context.set_offline(True)
    # The open connection survives the flag; a hidden and shown tab connects again.
    tab.evaluate("""() => { Object.defineProperty(document, 'hidden', {value: true, configurable: true});
        document.dispatchEvent(new Event('visibilitychange'));
        Object.defineProperty(document, 'hidden', {value: false, configurable: true});
        document.dispatchEvent(new Event('visibilitychange')); }""")
    tab.wait_for_selector("#live.off")
    job_id = client.create_job(job("true", Name="meanwhile")).Id
    finish(client, job_id)
    tab.context.set_offline(False)
    tab.wait_for_selector(f"#{job_id} .badge.s-Finished")
    tab.wait_for_selector("#live:text('Live')")
    # The page has not been loaded again.
    assert tab.evaluate("window.kept === document.querySelector('#q')")
    assert tab.input_value("#q") == "half typed"


def test_a_job_page_is_live_and_a_deleted_job_stays_readable(site: Site, tab: Page) -> None:
    _, client, _ = site
    tasks = {"one": task("sleep 0.2"), "two": task("sleep 0.2", InstanceCount=3)}
    job_id = client.create_job(job(tasks, {"one": ["two"]}, Name="watched")).Id
    tab.goto(f"/-/jobs/{job_id}")
    tab.wait_for_selector(".dag a.s-Finished[aria-label^='two: Finished, 3 of 3']")
    tab.wait_for_selector("h1 .badge.s-Finished")
    assert tab.locator(".timeline .strip").count() == 4
    assert tab.locator("#confirm-delete").count() == 1
    client.delete_job(job_id)
    tab.wait_for_selector("#banner:text('What you see is its last state.')")
    assert "watched" in tab.inner_text("h1")
    assert tab.locator("#confirm-delete").count() == 0


def test_an_expired_login_is_said_and_nothing_is_lost(site: Site, tab: Page) -> None:
    tab.expected_problems = ("401", "403")  # type: ignore[attr-defined]
    tab.wait_for_selector("#live:text('Live')")
    tab.context.clear_cookies()
    tab.evaluate("""() => { Object.defineProperty(document, 'hidden', {value: true, configurable: true});
        document.dispatchEvent(new Event('visibilitychange'));
        Object.defineProperty(document, 'hidden', {value: false, configurable: true});
        document.dispatchEvent(new Event('visibilitychange')); }""")
    tab.wait_for_selector("#banner:text('Your login has expired')")
    assert tab.inner_text("h1") == "Jobs"
    tab.click("#banner a")
    tab.wait_for_selector("#secret")


def test_output_comes_while_the_program_runs(site: Site, tab: Page, tmp_path: Path) -> None:
    _, client, _ = site
    lines = "for i in 1 2 3; do printf '\\033[3%dmline %d\\033[0m\\n' $i $i; sleep 0.1; done; printf 'half'"
    program = f"{lines}; until [ -e {tmp_path}/seen ]; do sleep 0.05; done; echo ' and half'"
    job_id = client.create_job(job(program, Name="speaks")).Id
    tab.goto(f"/-/jobs/{job_id}/tasks/t/0?stream=stdout")
    tab.wait_for_selector("#log-text .f1:text('line 1')")
    tab.wait_for_selector("#log-open:text('half')")
    (tmp_path / "seen").touch()
    finish(client, job_id)
    until(lambda: tab.evaluate("document.querySelector('.term').textContent.endsWith('half and half\\n')"))
    assert tab.inner_text(".term").split("\n")[:4] == ["line 1", "line 2", "line 3", "half and half"]


def test_a_large_log_is_read_in_parts(site: Site, tab: Page) -> None:
    service, client, _ = site
    job_id = client.create_job(job("true", Name="large")).Id
    finish(client, job_id)
    place = client.get_instance(job_id, "t", 0).StdoutRedirectPath
    line = b"%012d " + b"x" * 87 + b"\n"
    service.objects.write(
        place,
        (b"".join(line % n for n in range(start, start + 10_000)) for start in range(0, 1_000_000, 10_000)),
    )
    tab.goto(f"/-/jobs/{job_id}/tasks/t/0?stream=stdout")
    assert tab.inner_text(".term").rstrip().split("\n")[-1].startswith("000000999999 ")
    assert "101 MB of 101 MB are before" in tab.inner_text("#log-place")
    shown = tab.evaluate("document.querySelector('#log-text').textContent.length")
    tab.click("text=Earlier")
    until(lambda: tab.evaluate(f"document.querySelector('#log-text').textContent.length > {shown}"))
    lines = tab.evaluate("document.querySelector('#log-text').textContent").rstrip("\n").split("\n")
    numbers = [int(text.split()[0]) for text in lines]
    assert numbers == list(range(numbers[0], 1_000_000))
    tab.click("text=Begin")
    tab.wait_for_selector("#log-text:text('000000000000 ')")


def test_output_that_is_no_text_and_endless_lines_are_shown(site: Site, tab: Page) -> None:
    service, client, _ = site
    job_id = client.create_job(job("true", Name="binary")).Id
    finish(client, job_id)
    place = client.get_instance(job_id, "t", 0).StdoutRedirectPath
    service.objects.write(place, [bytes(range(256)) * 3000])
    tab.goto(f"/-/jobs/{job_id}/tasks/t/0?stream=stdout")
    assert "is not all text" in tab.inner_text("#log-note")
    service.objects.write(place, ["é".encode() * 2_000_000])
    tab.goto(f"/-/jobs/{job_id}/tasks/t/0?stream=stdout")
    assert tab.locator("#log-note").is_hidden()
    assert set(tab.evaluate("document.querySelector('.term').textContent")) == {"é"}
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_job_is_stopped_after_a_question_by_keyboard(site: Site, tab: Page) -> None:
    _, client, _ = site
    job_id = client.create_job(job("sleep 300", Name="held")).Id
    tab.goto(f"/-/jobs/{job_id}")
    tab.focus("#confirm-stop summary")
    tab.keyboard.press("Enter")
    tab.keyboard.press("Escape")
    assert tab.locator("#confirm-stop button").is_hidden()
    tab.keyboard.press("Enter")
    # An update of the page leaves the question open.
    until(lambda: client.get_job(job_id).State == "Running")
    tab.wait_for_selector("h1 .badge.s-Running")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    tab.wait_for_selector(".notice:text('The job is stopped.')")
    assert client.get_job(job_id).State == "Stopped"
    # The sentence is not said again.
    assert tab.url.endswith(f"/-/jobs/{job_id}")
    tab.reload()
    assert tab.locator(".notice").count() == 0


def test_a_question_is_whole_on_a_phone(site: Site, tab: Page) -> None:
    _, client, _ = site
    tab.set_viewport_size({"width": 390, "height": 844})
    for name in ("held", "held-for-a-long-time-on-a-phone"):
        job_id = client.create_job(job("sleep 300", Name=name)).Id
        client.stop_job(job_id)
        tab.goto(f"/-/jobs/{job_id}")
        for action in ("start", "delete"):
            tab.click(f"#confirm-{action} summary")
            box = tab.locator(f"#confirm-{action} .pop").bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 390
            tab.keyboard.press("Escape")


def test_hostile_texts_run_nothing(site: Site, tab: Page) -> None:
    service, client, _ = site
    job_id = client.create_job(
        job(f"printf %s {HOSTILE.translate({39: None})!r}", Name="evil", Description=HOSTILE)
    ).Id
    finish(client, job_id)
    tab.goto("/")
    with service._parts.store.write() as transaction:
        transaction.jobs._db.execute(
            "UPDATE jobs SET name = ?, message = ? WHERE id = ?", (HOSTILE, HOSTILE, job_id)
        )
    tab.wait_for_selector(f"#{job_id} :text('<img src=x onerror=alert(1)>')")
    for target in (f"/-/jobs/{job_id}", f"/-/jobs/{job_id}/tasks/t/0?stream=stdout"):
        tab.goto(target)
        assert "<script>alert(2)</script>" in tab.inner_text("main")
        assert tab.evaluate("document.querySelectorAll('main img, main script').length") == 0


def test_pages_are_readable_without_javascript(site: Site, browser: Browser) -> None:
    _, client, url = site
    job_id = client.create_job(job("echo plainly", Name="noscript")).Id
    finish(client, job_id)
    context = browser.new_context(base_url=url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.fill("#id", "id")
    page.fill("#secret", "s3cret")
    page.click("main button")
    assert "noscript" in page.inner_text("main")
    page.goto(f"/-/jobs/{job_id}/tasks/t/0")
    assert "plainly" in page.inner_text(".term")
    page.goto(f"/-/jobs/{job_id}")
    page.click("#confirm-delete summary")
    page.click("#confirm-delete button")
    assert "The job is deleted." in page.inner_text(".notice")
    context.close()


def violations(page: Page) -> list[Any]:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]

    results = Axe().run(page, options={"resultTypes": ["violations"]})
    return [
        (violation["id"], [node["html"][:200] for node in violation["nodes"]])
        for violation in json.loads(json.dumps(results.response))["violations"]
    ]


@pytest.fixture(scope="module")
def filled(site: Site) -> str:
    _, client, _ = site
    tasks = {
        "good": task("echo -e '\\033[31mred \\033[32mgreen \\033[90mgrey\\033[0m'"),
        "bad": task("exit 3", MaxRetryCount=1),
    }
    job_id = client.create_job(job(tasks, {"good": ["bad"]}, Name="filled")).Id
    finish(client, job_id, "Failed")
    return str(job_id)


@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280), ("light", 834)])
def test_pages_are_accessible_and_fit(
    site: Site, browser: Browser, filled: str, scheme: Any, width: int
) -> None:
    context = browser.new_context(
        base_url=site[2], color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True
    )
    page = context.new_page()
    page.goto("/")
    assert violations(page) == []
    page.fill("#id", "id")
    page.fill("#secret", "s3cret")
    page.press("#secret", "Enter")
    page.wait_for_selector("#live:text('Live')")
    for target in (
        "/", f"/-/jobs/{filled}", f"/-/jobs/{filled}/tasks/bad", f"/-/jobs/{filled}/tasks/good/0?stream=stdout",
        "/-/storage/bucket?prefix=logs/", "/-/service",
    ):  # fmt: skip
        page.goto(target)
        assert violations(page) == [], target
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, target
    context.close()
