"""The page over HTTP, without JavaScript: login, rights, views, forms, hostile texts."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchcompute import Client
from batchcompute.resources import ClusterDescription
from batchcompute.service import LocalService
from batchcompute.service.store.keys import FIRST_OWNER
from batchcompute.service.web import limits
from batchcompute.service.web.rendering import STATIC
from batchcompute.service.web.sessions import one_time_code
from tests.service.helpers import connection, finish, job, task, until
from tests.service.web.helpers import Visitor

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")

HOSTILE = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>{{7*7}}\u202e"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    with LocalService(tmp_path_factory.mktemp("page") / "data", slots=2) as opened:
        opened._parts.keys.add("id", "s3cret", FIRST_OWNER)
        opened._parts.keys.add("bob", "b0bs", "bob")
        yield opened


@pytest.fixture(scope="module")
def client(service: LocalService) -> Iterator[Client]:
    with service.client("id", "s3cret") as opened:
        yield opened


@pytest.fixture
def visitor(service: LocalService) -> Visitor:
    visitor = Visitor(service)
    assert visitor.log_in().status_code == 303
    return visitor


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", html))


# -- login and rights -----------------------------------------------------------------------------


def test_the_first_page_asks_for_a_login(service: LocalService) -> None:
    visitor = Visitor(service)
    response = visitor.get("/?state=Failed")
    assert (response.status_code, response.headers["location"]) == (303, "/-/login?next=%2F%3Fstate%3DFailed")
    form = visitor.get("/-/login?next=%2F%3Fstate%3DFailed")
    assert 'name="next" value="/?state=Failed"' in form.text
    response = visitor.log_in(next="/?state=Failed")
    assert (response.status_code, response.headers["location"]) == (303, "/?state=Failed")
    assert visitor.get("/?state=Failed").status_code == 200
    # Who is logged in sees no form.
    assert visitor.get("/-/login").status_code == 303


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "/-/..\\", "x", "/é"]
)
def test_a_login_leads_to_the_page_only(service: LocalService, target: str) -> None:
    assert Visitor(service).log_in(next=target).headers["location"] == "/"


def test_a_wrong_secret_is_said_plainly_and_shown_nowhere(service: LocalService) -> None:
    response = Visitor(service).log_in(HOSTILE, "not-the-secret")
    assert response.status_code == 403
    assert "The access key id or the secret is wrong." in response.text
    assert "not-the-secret" not in response.text
    assert "<script>alert" not in response.text
    assert "set-cookie" not in response.headers


def test_many_failed_logins_are_refused(service: LocalService) -> None:
    visitor = Visitor(service)
    visitor.address = "203.0.113.10"
    codes = [visitor.log_in(secret="x").status_code for _ in range(limits.MOST_FAILURES + 1)]
    assert codes == [403] * limits.MOST_FAILURES + [429]
    assert int(visitor.log_in().headers["retry-after"]) in range(1, 62)


def test_a_one_time_code_logs_in_once(service: LocalService) -> None:
    visitor = Visitor(service)
    code = one_time_code(service.identity, "id")
    response = visitor.get(f"/-/open?code={code}")
    assert response.status_code == 200
    assert '<meta http-equiv="refresh" content="0; url=/">' in response.text
    assert visitor.get("/").status_code == 200
    again = Visitor(service).get(f"/-/open?code={code}")
    assert again.status_code == 403
    assert "batchcompute page" in again.text


def test_a_logout_ends_the_session_of_a_stolen_cookie_too(visitor: Visitor) -> None:
    stolen = dict(visitor.cookies)
    response = visitor.post("/-/logout", token=visitor.token())
    assert response.status_code == 303
    assert not visitor.cookies
    visitor.cookies = stolen
    assert visitor.get("/").status_code == 303


def test_cookies_under_tls_are_secure(service: LocalService) -> None:
    visitor = Visitor(service, "https://page.test")
    cookie = visitor.log_in().headers["set-cookie"]
    assert cookie.startswith("__Host-")
    assert "; HttpOnly; SameSite=Strict; Secure" in cookie
    assert visitor.get("/").status_code == 200


def test_every_response_forbids_foreign_scripts(service: LocalService, visitor: Visitor) -> None:
    for response in (
        Visitor(service).get("/"), Visitor(service).get("/-/login"), visitor.get("/"), visitor.get("/-/nothing"),
        visitor.get("/-/static/page.js"), visitor.log_in(secret="wrong"), visitor.send("PUT", "/-/x"),
    ):  # fmt: skip
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        if "static" not in str(response.url):
            assert response.headers["cache-control"] == "no-store"
            assert not re.search(r"<script(?! src=\"/-/static/)|\bon\w+=|\bstyle=", response.text)


def test_owners_see_their_own_only(service: LocalService, client: Client, visitor: Visitor) -> None:
    mine = client.create_job(job("echo private", Name="mine")).Id
    finish(client, mine)
    bob = Visitor(service)
    bob.log_in("bob", "b0bs")
    assert "mine" not in text_of(bob.get("/").text)
    assert "no buckets" in bob.get("/-/storage").text
    token = bob.token()
    for target, status in (
        (f"/-/jobs/{mine}", 404), (f"/-/jobs/{mine}/tasks/t", 404), (f"/-/jobs/{mine}/tasks/t/0", 404),
        (f"/-/jobs/{mine}/tasks/t/0/log?stream=stdout", 404), (f"/-/jobs/{mine}/tasks/t/0/raw?stream=stdout", 404),
        (f"/-/jobs/{mine}/tasks/t/0/follow?stream=stdout", 404), ("/-/storage/bucket", 403),
        (f"/-/storage/bucket/object?key=logs/stdout.{mine}.t.0", 403),
    ):  # fmt: skip
        response = bob.get(target)
        assert response.status_code == status, target
        assert "private" not in response.text
    for action in ("stop", "start", "delete"):
        assert bob.post(f"/-/jobs/{mine}/{action}", token=token).status_code == 404
    assert "private" in visitor.get(f"/-/jobs/{mine}/tasks/t/0").text


# -- the API does not notice the page -------------------------------------------------------------


def test_programs_get_the_answers_of_the_api(service: LocalService) -> None:
    visitor = Visitor(service)
    for target, headers in (
        ("/", {"accept": "*/*"}), ("/jobs", {}), ("/", {"authorization": "acs id:x"}), ("/", {"authorization": "OSS id:x"}),
        ("/?OSSAccessKeyId=id&Signature=x&Expires=1", {}), ("/bucket/key", {}), ("/-/jobs", {"authorization": "OSS id:x"}),
    ):  # fmt: skip
        response = visitor.send("GET", target, headers)
        assert response.headers["content-type"] in ("application/json", "application/xml"), target
        assert response.status_code >= 400
    assert visitor.send("POST", "/").status_code == 400
    assert visitor.get("/healthz").json()["status"] == "ok"


def test_files_of_the_page_are_small_and_cached() -> None:
    assert sum(map(len, STATIC.values())) <= 150_000


def test_the_files_of_the_page_do_not_change_under_their_address(visitor: Visitor) -> None:
    for address in re.findall(r'(?:href|src)="(/-/static/[^"]+)"', visitor.get("/").text):
        response = visitor.get(address)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
    assert visitor.get("/-/static/../page.js").status_code == 404


# -- views ----------------------------------------------------------------------------------------


def test_jobs_are_listed_found_and_filtered(client: Client, visitor: Visitor) -> None:
    good = client.create_job(job("true", Name="needle-1")).Id
    bad = client.create_job(job("exit 3", Name="needle-2")).Id
    finish(client, good)
    finish(client, bad, "Failed")
    page = visitor.get("/?q=needle").text
    assert good in page
    assert bad in page
    assert "exit code 3" in text_of(page)
    assert page.index(bad) < page.index(good)
    failed = visitor.get("/?q=needle&state=Failed").text
    assert bad in failed
    assert good not in failed
    assert good in visitor.get(f"/?q={good}").text
    assert "No job matches" in visitor.get("/?q=no_such%25").text
    assert visitor.get("/?state=Sleeping").status_code == 400
    assert visitor.get("/?q=a&q=b").status_code == 400
    for before in ("", "x", "-1", "9" * 40, "²"):
        assert visitor.get(f"/?before={quote(before)}").status_code == 200


def test_older_jobs_are_on_the_next_page(service: LocalService, client: Client, visitor: Visitor) -> None:
    for number in range(52):
        client.create_job(
            job({"t": task("true", ClusterId=_cluster(client), AutoCluster=None)}, Name=f"page-{number}")
        )
    first = visitor.get("/?q=page-").text
    assert len(re.findall('<tr id="job-', first)) == 50
    older = re.search('rel="next" href="([^"]+)"', first)
    assert older is not None
    second = visitor.get(older[1].replace("&amp;", "&")).text
    assert re.findall(">(page-[01])<", second) == ["page-1", "page-0"]


def _cluster(client: Client) -> str:
    clusters = client.list_clusters().Items
    if clusters:
        return str(clusters[0].Id)
    description = ClusterDescription(Name="empty", ImageId="img", InstanceType="ecs.s3.large")
    description.Groups = {"g": {"DesiredVMCount": 0}}
    return str(client.create_cluster(description).Id)


def test_a_job_says_what_it_waits_for(client: Client, visitor: Visitor) -> None:
    tasks = {
        "first": task("true", ClusterId=_cluster(client), AutoCluster=None),
        "second": task("true"),
        "third": task("true"),
    }
    job_id = client.create_job(job(tasks, {"first": ["second"], "second": ["third"]}, Name="waits")).Id
    page = text_of(visitor.get(f"/-/jobs/{job_id}").text)
    assert "Why it waits" in page
    assert "has no machines" in page
    assert "Waits for first" in page
    assert "Waits for second" in page
    # A task and an instance say the same as their job.
    for name, reason in (
        ("first", "has no machines"),
        ("second", "Waits for first."),
        ("third", "Waits for second."),
    ):
        for target in (name, f"{name}/0"):
            page = text_of(visitor.get(f"/-/jobs/{job_id}/tasks/{target}").text)
            assert re.search(f"Why it waits [^.]*{re.escape(reason)}", page), page
    cluster = visitor.get(f"/-/clusters/{_cluster(client)}").text
    assert "has no machines, so jobs that use it wait" in cluster
    assert "empty" in visitor.get("/-/clusters").text
    assert visitor.post(f"/-/jobs/{job_id}/stop", token=visitor.token()).status_code == 303
    assert "Why it waits" not in visitor.get(f"/-/jobs/{job_id}/tasks/second/0").text


def test_only_a_description_that_somebody_wrote_is_shown(client: Client, visitor: Visitor) -> None:
    unwritten = client.create_job(job("true")).Id
    written = client.create_job(job("true", Description="the words of spring")).Id
    for each in (unwritten, written):
        finish(client, each)
    assert 'class="description"' not in visitor.get(f"/-/jobs/{unwritten}").text
    assert "the words of spring" in visitor.get(f"/-/jobs/{written}").text


def test_the_queue_of_an_engine_is_told_with_its_reason(
    service: LocalService, client: Client, visitor: Visitor
) -> None:
    tasks = {"t": task("true", ClusterId=_cluster(client), AutoCluster=None)}
    job_id = client.create_job(job(tasks, Name="queued")).Id
    seq = int(job_id[-8:], 16)
    with connection(service._parts.store.write()) as db:
        db.execute("UPDATE tasks SET Submitted = 1, Waiting = 0 WHERE job = ?", (seq,))
        db.execute("UPDATE jobs SET waits = 'The partition is <full>.' WHERE seq = ?", (seq,))
    page = text_of(visitor.get(f"/-/jobs/{job_id}").text)
    assert "In the queue of the engine 1" in page
    assert "The partition is &lt;full&gt;." in page
    with connection(service._parts.store.write()) as db:
        db.execute("UPDATE tasks SET Submitted = 0, Waiting = 1 WHERE job = ?", (seq,))
    client.stop_job(job_id)


def test_a_job_that_is_being_retried_is_failing(client: Client, visitor: Visitor) -> None:
    tasks = {"t": task("sleep 0.05; exit 7", MaxRetryCount=1000)}
    job_id = client.create_job(job(tasks, Name="flaky")).Id
    until(lambda: client.get_instance(job_id, "t", 0).RetryCount)
    assert job_id in visitor.get("/?state=Failing").text
    page = text_of(visitor.get(f"/-/jobs/{job_id}").text)
    assert "Failing" in page
    assert "exit code 7" in page
    until(lambda: client.get_instance(job_id, "t", 0).RetryCount > 10)
    html = visitor.get(f"/-/jobs/{job_id}").text
    assert html.count(f'href="/-/jobs/{job_id}/tasks/t/0"') == 1
    short = visitor.get(f"/-/jobs/{job_id}/tasks/t/0").text
    assert short.count('<tr id="a-') == 8
    assert visitor.get(f"/-/jobs/{job_id}/tasks/t/0?attempts=all").text.count('<tr id="a-') > 10
    attempts = text_of(short)
    assert "127.0.0.1" in attempts
    assert "Failed 7" in attempts
    client.stop_job(job_id)
    assert job_id not in visitor.get("/?state=Failing").text


def test_instances_are_listed_by_state(client: Client, visitor: Visitor) -> None:
    tasks = {"t": task('test "$BATCH_COMPUTE_DAG_INSTANCE_ID" != 3', InstanceCount=5)}
    job_id = client.create_job(job(tasks, Name="some", JobFailOnInstanceFail=False)).Id
    finish(client, job_id)
    page = visitor.get(f"/-/jobs/{job_id}/tasks/t").text
    assert re.findall('<tr id="i-([0-9])"', page) == list("01234")
    failed = visitor.get(f"/-/jobs/{job_id}/tasks/t?state=Failed").text
    assert re.findall('<tr id="i-([0-9])"', failed) == ["3"]
    assert "t 3" in visitor.get(f"/-/jobs/{job_id}").text
    assert visitor.get(f"/-/jobs/{job_id}/tasks/t?state=x").status_code == 400
    assert visitor.get(f"/-/jobs/{job_id}/tasks/u").status_code == 404
    assert visitor.get(f"/-/jobs/{job_id}/tasks/t/9").status_code == 404


def test_a_stopped_attempt_shows_no_exit_code(client: Client, visitor: Visitor) -> None:
    job_id = client.create_job(job("sleep 300")).Id
    client.wait(job_id, until="Running")
    client.stop_job(job_id)
    for target in ("tasks/t", "tasks/t/0"):
        page = visitor.get(f"/-/jobs/{job_id}/{target}").text
        assert re.findall('data-label="Exit code">(.*?)</td>', page) == [
            '<span class="none">\N{EN DASH}</span>'
        ]
    client.delete_job(job_id)


def test_a_drawing_and_a_timeline_are_readable_for_everybody(client: Client, visitor: Visitor) -> None:
    tasks = {name: task("true") for name in ("one", "two", "a-name-that-is-long-for-a-box")}
    job_id = client.create_job(job(tasks, {"one": ["two"]}, Name="drawn")).Id
    finish(client, job_id)
    page = visitor.get(f"/-/jobs/{job_id}").text
    assert 'aria-label="two: Finished, 1 of 1 instances have finished"' in page
    assert 'aria-label="one 0: Finished, ' in page
    assert page.count('<path class="arrow done"') == 1


def test_a_large_dag_is_shown_by_its_levels(client: Client, visitor: Visitor) -> None:
    tasks = {
        f"t{number}": task("true", ClusterId=_cluster(client), AutoCluster=None) for number in range(160)
    }
    job_id = client.create_job(
        job(tasks, {"t0": [f"t{number}" for number in range(1, 160)]}, Name="large")
    ).Id
    page = text_of(visitor.get(f"/-/jobs/{job_id}").text)
    assert "160 tasks are too many to draw" in page
    assert "1 1 ○ 1 waiting 2 159 ○ 159 waiting" in page


def test_the_service_describes_itself(service: LocalService, visitor: Visitor) -> None:
    page = text_of(visitor.get("/-/service").text)
    assert "It runs jobs" in page
    assert "of 2" in page
    assert "ecs.s3.large 4 8 GB" in page
    assert "file://" in page
    bob = Visitor(service)
    bob.log_in("bob", "b0bs")
    assert "file://" not in bob.get("/-/service").text


@pytest.mark.parametrize(
    "target", ["/-/", "/-/nothing", "/-/jobs/", "/-/jobs/x/y/z", "/-/jobs/job-1", "/-/clusters/cls-1"]
)
def test_what_does_not_exist_is_said_plainly(visitor: Visitor, target: str) -> None:
    response = visitor.get(target)
    assert response.status_code == 404
    assert "Not found" in response.text


def test_malformed_addresses_are_refused(visitor: Visitor) -> None:
    for target in ("/-/jobs/%ff", "/-/jobs/%00", "/?q=%zz", "/-/events", "/-/events?view=%2Fjobs"):
        assert visitor.get(target).status_code in (400, 404), target
    assert visitor.send("PUT", "/-/jobs").status_code == 405
    assert visitor.send("HEAD", "/").content == b""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(
    ["jobs", "tasks", "storage", "bucket", "object", "log", "follow", "raw", "static", "open", "clusters", "t", "0",
     "-1", "9" * 30, "..", "%2F", "%25", "\u00e9", "job-000000000000000000000000000000001", "?", "&", "=", "at", "end",
     "stream", "stdout", "key", "prefix", "after", "view", "state", "from", "before", "q"]
), max_size=9), st.sampled_from(["GET", "POST", "HEAD", "DELETE"]))  # fmt: skip
def test_no_address_breaks_the_page(visitor: Visitor, parts: list[str], method: str) -> None:
    # Codes that are wrong count as failed logins.
    visitor.address = "203.0.113.77"
    address = "/-/" + quote(
        "/".join(parts).replace("/?/", "?").replace("/&/", "&").replace("/=/", "="), safe="/?&=%.-"
    )
    assert visitor.send(method, address, {"origin": "http://page.test"}).status_code < 500, address


# -- forms ----------------------------------------------------------------------------------------


def test_a_job_is_stopped_started_and_deleted(client: Client, visitor: Visitor) -> None:
    job_id = client.create_job(job("sleep 300", Name="acted")).Id
    token = visitor.token()
    page = visitor.get(f"/-/jobs/{job_id}").text
    assert f'formaction="/-/jobs/{job_id}/stop"' in page
    assert f'formaction="/-/jobs/{job_id}/delete"' not in page
    # The API refuses what the state forbids, and the page says so.
    refused = visitor.post(f"/-/jobs/{job_id}/delete", token=token)
    assert refused.status_code == 409
    assert "The current resource state is" in refused.text
    for action, state in (("stop", "Stopped"), ("start", "Waiting"), ("stop", "Stopped")):
        response = visitor.post(f"/-/jobs/{job_id}/{action}", token=token)
        assert response.headers["location"] == f"/-/jobs/{job_id}?done={action}"
        assert client.get_job(job_id).State in (state, "Running" if state == "Waiting" else state)
    assert "The job is stopped." in visitor.get(f"/-/jobs/{job_id}?done=stop").text
    assert visitor.post(f"/-/jobs/{job_id}/delete", token=token).headers["location"] == "/?done=delete"
    assert visitor.get(f"/-/jobs/{job_id}").status_code == 404
    assert visitor.post(f"/-/jobs/{job_id}/explode", token=token).status_code == 404


def test_forms_of_other_sites_and_of_other_logins_change_nothing(
    service: LocalService, client: Client, visitor: Visitor
) -> None:
    job_id = client.create_job(job("sleep 300", Name="guarded")).Id
    token, target = visitor.token(), f"/-/jobs/{job_id}/stop"
    other = Visitor(service)
    other.log_in()
    for headers, value in (
        ({}, ""), ({}, other.token()), ({"origin": "https://evil.example"}, token), ({"origin": "null"}, token),
        ({"origin": "", "sec-fetch-site": "cross-site"}, token), ({"origin": "", "sec-fetch-site": "same-site"}, token),
    ):  # fmt: skip
        assert visitor.post(target, headers, token=value).status_code == 403
    assert (
        visitor.post("/-/login", {"origin": "https://evil.example"}, id="id", secret="s3cret").status_code
        == 403
    )
    assert visitor.get(target).status_code == 404
    assert client.get_job(job_id).State in ("Waiting", "Running")
    assert visitor.post(target, token=token).status_code == 303


def test_an_action_after_the_login_has_ended_says_so_and_leads_back(
    service: LocalService, client: Client
) -> None:
    job_id = client.create_job(job("sleep 300", Name="kept")).Id
    stranger = Visitor(service)
    page = stranger.post(f"/-/jobs/{job_id}/stop", token="")
    assert page.status_code == 403
    assert "You are not logged in any more, so nothing was done." in page.text
    assert f'name="next" value="/-/jobs/{job_id}"' in page.text
    assert client.get_job(job_id).State in ("Waiting", "Running")
    assert 'name="next" value="/"' in stranger.post("/-/jobs/x/%zz", token="").text
    assert stranger.post("/-/logout", token="").headers["location"] == "/-/login"
    client.stop_job(job_id)


def test_a_large_form_is_refused(visitor: Visitor) -> None:
    assert visitor.post("/-/logout", token="x" * 20_000).status_code == 413


# -- texts of jobs --------------------------------------------------------------------------------


def test_texts_of_jobs_stay_text(service: LocalService, client: Client, visitor: Visitor) -> None:
    tasks = {
        "t": task(
            f"printf %s {HOSTILE.translate({39: None})!r}; printf %s {HOSTILE.translate({39: None})!r} >&2; exit 1"
        )
    }
    job_id = client.create_job(job(tasks, Name="hostile", Description=HOSTILE)).Id
    finish(client, job_id, "Failed")
    key = f"logs/{HOSTILE.replace('/', '')}"
    service.objects.write(f"oss://bucket/{key}", [b"x"])
    with service._parts.store.write() as transaction:
        seq = int(job_id[-8:], 16)
        transaction.jobs._db.execute(
            "UPDATE jobs SET message = ?, name = ? WHERE seq = ?", (HOSTILE, HOSTILE, seq)
        )
        transaction.jobs._db.execute(
            "UPDATE instances SET error_message = ?, node = ? WHERE job = ?", (HOSTILE, HOSTILE, seq)
        )
    for target in (
        "/", f"/-/jobs/{job_id}", f"/-/jobs/{job_id}/tasks/t", f"/-/jobs/{job_id}/tasks/t/0?stream=stdout",
        f"/-/jobs/{job_id}/tasks/t/0?stream=stderr", "/-/storage/bucket?prefix=logs/", f"/?q={quote(HOSTILE)}",
        f"/-/jobs/{quote(HOSTILE, safe='')}", f"/?state={quote(HOSTILE)}",
    ):  # fmt: skip
        page = visitor.get(target).text
        assert "&lt;img src=x onerror=" in page, target
        assert "<img src=x" not in page
        assert "<script>" not in page
        assert "\u202e" not in page
        assert ">49<" not in page
    download = visitor.get(f"/-/storage/bucket/object?key={quote(key, safe='')}")
    assert download.headers["content-type"] == "application/octet-stream"
    assert download.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in download.headers["content-security-policy"]


# -- storage --------------------------------------------------------------------------------------


def test_storage_is_browsed_and_downloaded(service: LocalService, visitor: Visitor) -> None:
    for key in ("a.txt", "dir/b ü?.bin", "dir/deep/c", "dir/100%"):
        service.objects.write(f"oss://shelf/{key}", [key.encode() * 3])
    assert 'href="/-/storage/shelf"' in visitor.get("/-/storage").text
    top = visitor.get("/-/storage/shelf").text
    assert "a.txt" in top
    assert "dir/" in top
    folder = re.search('href="(/-/storage/shelf\\?prefix=dir%2F)"', top)
    assert folder is not None
    inner = visitor.get(folder[1]).text
    links = dict(re.findall(r'href="(/-/storage/shelf/object[^"]+)" download><bdi>([^<]+)<', inner))
    assert sorted(links.values()) == ["100%", "b ü?.bin"]
    for link, name in links.items():
        assert visitor.get(link).content == f"dir/{name}".encode() * 3
    for target, status in (
        ("/-/storage/shelf/object?key=none", 404), ("/-/storage/shelf/object", 404), ("/-/storage/a..b", 400),
        ("/-/storage/shelf/object?key=../../credentials.json", 400),
    ):  # fmt: skip
        assert visitor.get(target).status_code == status, target


def test_large_folders_have_pages(service: LocalService, visitor: Visitor) -> None:
    for number in range(205):
        service.objects.write(f"oss://pages/n{number:03}", [b""])
    first = visitor.get("/-/storage/pages").text
    link = re.search('rel="next" href="([^"]+)"', first)
    assert link is not None
    second = visitor.get(link[1].replace("&amp;", "&")).text
    names = [name for page in (first, second) for name in re.findall("<bdi>(n[0-9]{3})<", page)]
    assert names == [f"n{number:03}" for number in range(205)]
