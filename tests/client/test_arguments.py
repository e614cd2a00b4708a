"""No argument vanishes, and none goes out but as the old SDK sent it."""

from __future__ import annotations

import inspect
from typing import Any

import httpx
import pytest
import respx

from batchcompute import AsyncClient, Client, ConfigError, Credentials, ValidationError
from batchcompute.operations import OPERATIONS
from batchcompute.resources import ClusterDescription, Configs, DataDisk, GroupDescription, SystemDisk
from tests.client.kinds import Kind

URL = "http://127.0.0.1:8790"
PAGE = {"Items": [], "NextMarker": ""}

PARENTS: dict[str, tuple[str, ...]] = {
    "list_tasks": ("job-1",),
    "list_instances": ("job-1", "t"),
    "list_cluster_instances": ("cls-1", "g"),
}
VALUES = {"Type": "System", "IsReverse": "True", "OrderBy": "CreationTime"}
ARGUMENTS = {"type": "type_"}
LISTS = [name for name, row in OPERATIONS.items() if row.is_list]
FILTERS = [
    (name, query)
    for name in LISTS
    for query in OPERATIONS[name].query
    if query not in ("Marker", "MaxItemCount")
]


def snake(name: str) -> str:
    text = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]
    return ARGUMENTS.get(text, text)


def asked(route: respx.Route) -> dict[str, str]:
    return dict(route.calls.last.request.url.params)


@pytest.mark.parametrize(("name", "query"), FILTERS)
@pytest.mark.parametrize("spelling", ["wire", "snake"])
@pytest.mark.parametrize("way", ["list", "iter"])
def test_every_filter_is_sent(
    kind: Kind, respx_mock: respx.MockRouter, name: str, query: str, spelling: str, way: str
) -> None:
    if query == "Scope" and spelling == "wire":
        pytest.skip("a positional argument of the old SDK, which took no other spelling")
    route = respx_mock.get(url__startswith=URL).respond(200, json=PAGE)
    value = VALUES.get(query, "x")
    keyword = query if spelling == "wire" else snake(query)
    client = kind(URL, "id", "secret")
    parents = PARENTS.get(name, ())
    if way == "list":
        getattr(client, name)(*parents, **{keyword: value})
    else:
        list(getattr(client, name.replace("list", "iter"))(*parents, **{keyword: value}))
    assert asked(route)[query] == value


@pytest.mark.parametrize("name", LISTS)
def test_an_unknown_keyword_names_the_nearest(kind: Kind, respx_mock: respx.MockRouter, name: str) -> None:
    client = kind(URL, "id", "secret")
    for method in (name, name.replace("list", "iter")):
        with pytest.raises(TypeError, match="unexpected keyword argument 'Stat'"):
            list(getattr(client, method)(*PARENTS.get(name, ()), Stat="Failed"))
    assert not respx_mock.calls


def test_a_filter_twice(kind: Kind, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get(url__startswith=URL).respond(200, json=PAGE)
    client = kind(URL, "id", "secret")
    with pytest.raises(TypeError, match="State twice, as 'Failed' and as 'Running'"):
        client.list_jobs("", 100, "Failed", State="Running")
    client.list_jobs("", 100, "Failed", State="Failed")
    assert asked(route)["State"] == "Failed"
    with pytest.raises(TypeError, match="did you mean 'State'"):
        client.list_jobs("", 100, Sate="Running")


TEXTS: list[tuple[str, tuple[Any, ...], dict[str, Any], dict[str, str | None]]] = [
    # What was given, and what the old SDK sent: None for nothing.
    ("list_jobs", ("", 50, " Failed "), {}, {"State": "Failed"}),
    ("list_jobs", ("", 50, "\tFailed\n"), {}, {"State": "Failed"}),
    ("list_jobs", ("", 50, "  "), {}, {"State": None}),
    ("list_jobs", ("", 50, "", " cls-1"), {}, {"ClusterId": "cls-1"}),
    ("list_jobs", ("", 50, "", "", " p "), {}, {"ProjectId": "p"}),
    ("list_jobs", (), {"State": " Failed "}, {"State": " Failed "}),
    ("list_jobs", (), {"State": " ", "OrderBy": " ", "IsReverse": ""}, {"State": None, "OrderBy": None}),
    ("list_tasks", ("job-1", "", 50, " Failed "), {}, {"State": "Failed"}),
    ("list_instances", ("job-1", "t", "", 50, " Failed "), {}, {"State": "Failed"}),
    ("list_images", ("", 50, "System"), {}, {"Type": "System"}),
    ("list_images", ("", 50, " System "), {}, {"Type": "System"}),
    ("list_images", ("", 50, "Self"), {}, {"Type": None}),
    ("list_images", ("", 50, "system"), {}, {"Type": None}),
    ("list_apps", (" Public ",), {}, {"Scope": " Public "}),
]


@pytest.mark.parametrize(("name", "arguments", "keywords", "sent"), TEXTS)
def test_texts_go_out_as_the_old_sdk_sent_them(
    kind: Kind,
    respx_mock: respx.MockRouter,
    name: str,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
    sent: dict[str, str | None],
) -> None:
    route = respx_mock.get(url__startswith=URL).respond(200, json=PAGE)
    if name == "list_jobs" and len(arguments) > 3 and arguments[3].strip() != arguments[3]:
        # An id with outer blanks is no id.
        with pytest.raises(ValidationError, match="cluster_id"):
            getattr(kind(URL, "id", "secret"), name)(*arguments, **keywords)
        return
    getattr(kind(URL, "id", "secret"), name)(*arguments, **keywords)
    for query, value in sent.items():
        assert asked(route).get(query) == value


METHODS: list[tuple[str, tuple[Any, ...], str]] = [
    (name, arguments, argument)
    for bad in (" job-1", "job-1\n", "", " ", "\ud800", ".", "a/../b", 5, None)
    for name, arguments, argument in (
        ("get_job", (bad,), "job"),
        ("get_job_description", (bad,), "job"),
        ("stop_job", (bad,), "job"),
        ("start_job", (bad,), "job"),
        ("delete_job", (bad,), "job"),
        ("change_job_priority", (bad, 1), "job"),
        ("list_tasks", (bad,), "job"),
        ("get_task", ("job-1", bad), "task_name"),
        ("list_instances", ("job-1", bad), "task_name"),
        ("get_cluster", (bad,), "cluster"),
        ("delete_cluster", (bad,), "cluster"),
        ("get_image", (bad,), "image"),
        ("delete_image", (bad,), "image"),
        ("get_app", (bad,), "app_name"),
        ("delete_app", (bad,), "app_name"),
        ("list_cluster_instances", ("cls-1", bad), "group"),
    )
]


@pytest.mark.parametrize(("name", "arguments", "argument"), METHODS)
def test_what_cannot_be_sent_is_refused_where_it_enters(
    respx_mock: respx.MockRouter, name: str, arguments: tuple[Any, ...], argument: str
) -> None:
    with Client(URL, "id", "secret") as client, pytest.raises(ValidationError) as caught:
        getattr(client, name)(*arguments)
    assert argument in caught.value.problems[0].path
    assert not respx_mock.calls


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("list_jobs", ("\ud800",)), ("list_jobs", ("", 50, "\ud800")), ("list_jobs", ("", 50, 5)),
        ("list_jobs", ("", 50, "", "", "\udfff")), ("list_images", ("", 50, "\ud800")), ("list_apps", ("\ud800",)),
        ("get_app", ("a", "\ud800")), ("create_job", ({"Name": "a"}, "\ud800")), ("list_jobs", (["m"],)),
    ],
)  # fmt: skip
def test_half_characters_and_other_types(
    respx_mock: respx.MockRouter, name: str, arguments: tuple[Any, ...]
) -> None:
    with Client(URL, "id", "secret") as client, pytest.raises(ValidationError):
        getattr(client, name)(*arguments)
    assert not respx_mock.calls


HEADERS: list[tuple[dict[str, Any], str | None]] = [
    # What is sent; None where it is refused.
    ({"X-A": " b "}, "b"), ({"X-A": ""}, ""), ({"X-A": "a\tb"}, "a\tb"), ({"X-A": "b\n"}, None),
    ({"X-A": "b\r\nX-B: c"}, None), ({"X-A": "\x7f"}, None), ({"X-A": "\ud800"}, None), ({"X A": "b"}, None),
    ({"": "b"}, None), ({"X:A": "b"}, None), ({"Content-Length": "5"}, None), ({"Transfer-Encoding": "chunked"}, None),
    ({"X-A": 5}, None),
]  # fmt: skip


@pytest.mark.parametrize(("headers", "sent"), HEADERS)
def test_headers(kind: Kind, respx_mock: respx.MockRouter, headers: dict[str, Any], sent: str | None) -> None:
    route = respx_mock.get(url__startswith=URL).respond(200, json=PAGE)
    if sent is None:
        with pytest.raises(ConfigError):
            kind(URL, "id", "secret", **headers)
        return
    kind(URL, "id", "secret", **headers).list_jobs()
    assert route.calls.last.request.headers["X-A"] == sent


@pytest.mark.parametrize(
    ("given", "token"),
    [
        (("id", "secret", " t "), "t"), (("id ", "secret", ""), None), (("id", " secret", ""), None),
        (("id", "secret\n", ""), None), (("i\nd", "secret", ""), None), (("id", "secret", "t\n"), None),
        (("\ud800", "secret", ""), None), (("id", "\ud800", ""), None), (("id", "secret", "\ud800"), None),
    ],
)  # fmt: skip
def test_key_pairs(
    kind: Kind, respx_mock: respx.MockRouter, given: tuple[str, str, str], token: str | None
) -> None:
    route = respx_mock.get(url__startswith=URL).respond(200, json=PAGE)

    def credentials() -> Credentials:
        return Credentials(*given)

    if token is None:
        with pytest.raises(ConfigError, match="not copied well") as caught:
            kind(URL, *given)
        assert given[1].strip() not in str(caught.value).replace("access_key_secret", "")
        with pytest.raises(ConfigError, match="not copied well"):
            kind(URL, credentials=credentials).list_jobs()
        return
    for client in (kind(URL, *given), kind(URL, credentials=credentials)):
        client.list_jobs()
        assert route.calls.last.request.headers["x-acs-security-token"] == token


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_blank_texts_of_groups_and_disks_are_not_taken_in(blank: str) -> None:
    table: list[tuple[Any, list[str]]] = [
        (SystemDisk, ["Type"]),
        (DataDisk, ["Type", "MountPoint"]),
        (GroupDescription, ["InstanceType"]),
    ]
    for cls, names in table:
        for name in names:
            assert name not in cls({name: blank}).detail()
            assert name not in cls(**{name: blank}).detail()
            made = cls({name: "x"})
            setattr(made, name, blank)
            made[name] = blank
            assert made.detail()[name] == "x"
    configs = Configs()
    configs.add_data_disk(40, "", blank)
    assert configs.Disks.DataDisk.detail() == {"Size": 40}
    cluster = ClusterDescription({"Groups": {"g": {"InstanceType": blank, "DesiredVMCount": 1}}})
    assert cluster.detail()["Groups"]["g"] == {"ResourceType": "OnDemand", "DesiredVMCount": 1}


def test_the_signatures_of_both_clients_name_their_filters() -> None:
    for client in (Client, AsyncClient):
        for name in LISTS:
            for method in (name, name.replace("list", "iter")):
                parameters = inspect.signature(getattr(client, method)).parameters.values()
                further = [str(one.annotation) for one in parameters if one.kind is one.VAR_KEYWORD]
                assert all("Unpack[" in annotation for annotation in further)


def test_a_misspelt_option_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'timeout'"):
        Client(URL, "id", "secret", timout=5)  # type: ignore[call-overload]


def test_responses_are_mocked_whole(respx_mock: respx.MockRouter) -> None:
    respx_mock.get(url__startswith=URL).mock(return_value=httpx.Response(200, json=PAGE))
    with Client(URL, "id", "secret") as client:
        assert client.list_jobs().Items == []
