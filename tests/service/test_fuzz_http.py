"""Properties of keys and signatures, and a server that gets thousands of hostile requests."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from batchcompute.errors import ValidationError
from batchcompute.http.signing import signature, string_to_sign, verify
from batchcompute.service import LocalService
from batchcompute.service.api.routes import find
from batchcompute.service.errors import ApiError
from batchcompute.service.objects.keys import decode, is_name_of_key, names_of, parts_of
from batchcompute.service.objects.signatures import SUBRESOURCES, check_signature, path_of
from batchcompute.service.requests import BadTarget, Request, query_of
from tests.service.hostile import ask, signatures

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the service needs /proc")

TOOL = Path(__file__).parents[2] / "tools" / "fuzz_http.py"
many = settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    with LocalService(tmp_path_factory.mktemp("fuzz") / "d", slots=1) as service:
        service.add_key("id", "s3cret")
        yield service


@pytest.mark.parametrize("requests", [600, pytest.param(3000, marks=pytest.mark.long)])
def test_a_server_responds_well_to_hostile_requests(requests: int) -> None:
    command = [sys.executable, str(TOOL), "--requests", str(requests), "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 found" in done.stdout


# -- keys -----------------------------------------------------------------------------------------

pieces = st.one_of(
    st.text(max_size=6),
    st.text(st.sampled_from("%_+/.a"), max_size=8),
    st.sampled_from(["x" * 241, "é" * 121, "%" * 250, "/", "//", "a/", "\\", "\n", "\r", "\t", "\U0010fffd"]),
)
keys = st.lists(pieces, min_size=1, max_size=5).map("".join).filter(bool)


def accepted(key: str) -> bool:
    try:
        parts_of(f"oss://bucket/{key}")
    except ValidationError:
        return False
    return bool(key)


@many
@given(key=keys)
def test_names_of_files_encode_a_key_reversibly(key: str) -> None:
    if not accepted(key):
        return
    names = list(names_of(key))
    for name in names:
        assert name not in ("", ".", "..")
        assert "/" not in name
        assert "\0" not in name
        assert len(name.encode("utf-8")) <= 255
    text, is_piece = decode(names)
    assert text + ("/" if key.endswith("/") else "") == key
    assert not is_piece
    assert is_name_of_key(names, key)


@many
@given(names=st.lists(st.text(st.sampled_from("%_+a."), min_size=1, max_size=5), min_size=1, max_size=4))
def test_names_of_files_stand_for_one_key_at_most(names: list[str]) -> None:
    text, _ = decode(names)
    for key in (text, f"{text}/"):
        if accepted(key) and is_name_of_key(names, key):
            assert list(names_of(key)) == names


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(key=keys, scheme=st.sampled_from(["1", "url", "4"]))
@example("\r", "4")
@example("k?acl", "4")
@example(" ", "1")
def test_an_object_can_be_read_and_listed_after_it_was_written(
    served: LocalService, key: str, scheme: str
) -> None:
    target = f"/round/{quote(key.encode('utf-8', 'surrogatepass'))}"
    content = b"" if key.endswith("/") else key.encode("utf-8", "surrogatepass")
    put = ask(served, "PUT", target, content, scheme)
    if put.status != 200:
        assert put.status == 400
        # In version 1, a key can look like a request for a sub-resource; in version 4, none can.
        assert not accepted(key) or (scheme != "4" and "?" in key)
        return
    assert accepted(key)
    got = ask(served, "GET", target)
    assert (got.status, got.whole()) == (200, content)
    for query in ("", "?encoding-type=url", "?list-type=2"):
        root = ET.fromstring(ask(served, "GET", f"/round/{query}").body)
        read = unquote if "url" in query else str
        assert [read(found.text or "") for found in root.iter("Key")] == [key]
    assert ask(served, "DELETE", target).status == 204
    assert ask(served, "GET", target).status == 404
    assert ET.fromstring(ask(served, "GET", "/round/").body).find("Contents") is None


# -- signatures -----------------------------------------------------------------------------------

tokens = st.sampled_from(
    ["a", "b", "=", "&", "+", "/", "?", "%", "%61", "%26", "%3D", "%3d", "%2F", "%25", "%2B", "%20", "%3F", "%252F",
     "%2526", "acl", "uploadId", "uploads", "Marker", "State", "description", "%0A", "%C3%A9", "%FE", ";", "#", ":"]
)  # fmt: skip
tails = st.lists(tokens, max_size=8).map("".join)
Meaning = Any


def others(target: str) -> list[str]:
    """Return similar targets: encoded once more or once less, and with other ends."""
    path, _, query = target.partition("?")
    bare = "&".join(sorted(part.removesuffix("=") for part in query.split("&") if part))
    found = [target, unquote(target), unquote(unquote(target)), f"{path}?{bare}", f"{target}=", f"{target}&"]
    found += [
        unquote(f"{path}?{bare}"),
        f"{path}?{'&'.join(sorted(query.split('&')))}",
        path,
        quote(target, "/?=&"),
    ]
    found += [
        target.replace(old, new) for old in ("?", "&", "=", "+") for new in (quote(old, ""), " ", "%20")
    ]
    # Only targets that the HTTP library accepts.
    return sorted({text for text in found if text.isascii() and text.isprintable() and " " not in text})


def agree(targets: list[str], made: list[Any], meaning: Callable[[str, Any], Meaning]) -> None:
    """Check that all requests that one signature is valid for mean the same."""
    for right in made:
        meanings = [(target, meaning(target, right)) for target in targets]
        accepted_targets = [(target, found) for target, found in meanings if found is not None]
        assert all(found == accepted_targets[0][1] for _, found in accepted_targets), (
            right,
            accepted_targets,
        )


@many
@given(tail=tails, base=st.sampled_from(["/jobs", "/jobs/a", "/jobs/a/tasks/b"]))
@example("?Marker==", "/jobs")
@example("?a%26b=", "/jobs")
@example("?=", "/jobs")
def test_a_signature_of_the_api_is_good_for_one_meaning(tail: str, base: str) -> None:
    headers = {"date": "now", "x-acs-version": "1"}

    def meaning(target: str, made: str) -> Meaning:
        if not verify("GET", target, headers, "s3cret", made):
            return None
        try:
            operation, path, query = find("GET", target)
        except (BadTarget, ApiError):
            return None
        return operation.name, dict(path), query

    targets = others(base + tail)
    texts = {*targets, *(unquote(target) for target in targets)}
    agree(
        targets,
        [signature("s3cret", string_to_sign("GET", text, headers)) for text in sorted(texts)],
        meaning,
    )


@many
@given(tail=tails, scheme=st.sampled_from(["1", "4"]))
@example("?acl", "1")
@example("?uploadId=a%26acl", "1")
@example("%3Facl", "1")
def test_a_signature_of_object_storage_is_good_for_one_meaning(tail: str, scheme: str) -> None:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())

    def meaning(target: str, headers: dict[str, str]) -> Meaning:
        request = Request("GET", target, headers)
        try:
            if check_signature(request, lambda _: "s3cret").code:
                return None
            query = query_of(target)
        except BadTarget:
            return None
        # Of the query, version 1 signs the sub-resources only.
        signed = {name: value for name, value in query.items() if scheme == "4" or name in SUBRESOURCES}
        return path_of(request), signed

    def sign(target: str) -> dict[str, str]:
        if scheme == "4":
            made: dict[str, str] = signatures.version4("GET", target, {})
            return made
        return {"date": date, "authorization": f"OSS id:{signatures.version1('GET', target, {}, date)}"}

    targets = others("/b/k" + tail)
    agree(targets, [sign(target) for target in targets], meaning)
    assert meaning("/b/k", sign("/b/k")) == ("/b/k", {})
