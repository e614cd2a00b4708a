"""The arguments of methods: all are sent as by the old SDK, or rejected."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import respx

from batchcompute import AsyncClient, Client, ConfigError, Credentials, ValidationError
from batchcompute.api import filters as filters_module
from batchcompute.api.operations import OPERATIONS
from batchcompute.resources import (
    ClusterDescription,
    Configs,
    DataDisk,
    GroupDescription,
    ModifyGroupDescription,
    SystemDisk,
)
from tests.client.kinds import Kind

URL = "http://127.0.0.1:8790"
PAGE: dict[str, Any] = {"Items": [], "NextMarker": ""}

JOB = {
    "Name": "n",
    "DAG": {"Tasks": {"t": {"ClusterId": "c", "Parameters": {"Command": {"CommandLine": "x"}}}}},
}
IMAGE = {"Name": "i", "EcsImageId": "m-1", "Platform": "Linux"}

PARENTS: dict[str, tuple[str, ...]] = {
    "list_tasks": ("job-1",),
    "list_instances": ("job-1", "t"),
    "list_attempts": ("job-1", "t", "0"),
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
def test_an_unknown_keyword_error_names_the_nearest_keyword(
    kind: Kind, respx_mock: respx.MockRouter, name: str
) -> None:
    client = kind(URL, "id", "secret")
    filters = [query for query in OPERATIONS[name].query if query not in ("Marker", "MaxItemCount")]
    misspelled = {
        **{query[:-2] + query[-1] + query[-2]: query for query in filters},
        **{snake(query) + "s": snake(query) for query in filters},
        "MaxItemCount": "max_item_count", "Marker": "marker", "max_items_count": "max_item_count",
        "Nonsense": None,
    }  # fmt: skip
    for method in (name, name.replace("list", "iter")):
        for keyword, nearest in misspelled.items():
            with pytest.raises(TypeError) as caught:
                # An iterator checks its keywords before the first request.
                getattr(client, method)(*PARENTS.get(name, ()), **{keyword: "Failed"})
            hint = f"did you mean {nearest!r}?" if nearest else "; the keywords are "
            assert f"unexpected keyword argument {keyword!r}" in str(caught.value)
            assert hint in str(caught.value)
    assert not respx_mock.calls


def test_an_iterator_checks_its_arguments_at_once(kind: Kind) -> None:
    client = kind(URL, "id", "secret")
    makers: list[Callable[[], object]] = [
        lambda: client.iter_tasks(""),
        lambda: client.iter_instances("job-1", " "),
        lambda: client.iter_cluster_instances("cls-1", None),
        lambda: client.iter_jobs(5),
        lambda: client.iter_images(max_item_count="x"),
    ]
    for make in makers:
        with pytest.raises(ValidationError):
            make()


def test_a_filter_given_twice(kind: Kind, respx_mock: respx.MockRouter) -> None:
    route = respx_mock.get(url__startswith=URL).respond(200, json=PAGE)
    client = kind(URL, "id", "secret")
    with pytest.raises(TypeError, match="State twice, as 'Failed' and as 'Running'"):
        client.list_jobs("", 100, "Failed", State="Running")
    client.list_jobs("", 100, "Failed", State="Failed")
    assert asked(route)["State"] == "Failed"
    client.list_jobs("", 100, "", State="Failed", OrderBy="", order_by="Id")
    assert (asked(route)["State"], asked(route)["OrderBy"]) == ("Failed", "Id")
    with pytest.raises(TypeError, match="OrderBy twice, as 'Id' and as 'CreationTime'"):
        client.list_jobs(order_by="Id", OrderBy="CreationTime")
    for scope in ("Private", "Public"):
        with pytest.raises(TypeError, match="Scope twice"):
            client.list_apps(scope, Scope="Other")
    with pytest.raises(TypeError, match="Scope twice"):
        client.list_apps("Private", Scope="Public")
    client.list_apps(Scope="Public")
    assert asked(route)["Scope"] == "Public"
    client.list_apps("Public", Scope="Public")
    client.list_apps()
    assert asked(route)["Scope"] == "Private"
    with pytest.raises(TypeError, match="did you mean 'State'"):
        client.list_jobs("", 100, Sate="Running")


TEXTS: list[tuple[str, tuple[Any, ...], dict[str, Any], dict[str, str | None]]] = [
    # The arguments, and the query of the old SDK; None if it sent no such key.
    ("list_jobs", ("", 50, " Failed "), {}, {"State": "Failed"}),
    ("list_jobs", ("", 50, "\tFailed\n"), {}, {"State": "Failed"}),
    ("list_jobs", ("", 50, "  "), {}, {"State": None}),
    ("list_jobs", ("", 50, "", " cls-1\n"), {}, {"ClusterId": "cls-1"}),
    ("list_jobs", ("", 50, "", ".."), {}, {"ClusterId": ".."}),
    ("list_jobs", (), {"cluster_id": " cls-1"}, {"ClusterId": "cls-1"}),
    ("list_jobs", (), {"ClusterId": " cls-1"}, {"ClusterId": " cls-1"}),
    ("list_jobs", (), {"ProjectId": "\tp\n"}, {"ProjectId": "\tp\n"}),
    ("list_jobs", (" m ",), {}, {"Marker": " m "}),
    ("list_jobs", ("",), {}, {"Marker": ""}),
    ("list_jobs", (), {"state": b"Failed"}, {"State": "Failed"}),
    ("list_jobs", (), {"is_reverse": True}, {"IsReverse": "True"}),
    ("list_tasks", ("job-1", "", 50, "", " cls-1 "), {}, {"ClusterId": "cls-1"}),
    ("list_tasks", ("job-1",), {"ClusterId": " cls-1 "}, {"ClusterId": " cls-1 "}),
    ("list_instances", ("job-1", "t", 0), {}, {"Marker": "0"}),
    ("list_jobs", ("", 50, "", "", " p "), {}, {"ProjectId": "p"}),
    ("list_jobs", (), {"State": " Failed "}, {"State": " Failed "}),
    ("list_jobs", (), {"State": " ", "OrderBy": " ", "IsReverse": ""}, {"State": None, "OrderBy": None}),
    ("list_tasks", ("job-1", "", 50, " Failed "), {}, {"State": "Failed"}),
    ("list_instances", ("job-1", "t", "", 50, " Failed "), {}, {"State": "Failed"}),
    ("list_images", ("", 50, "System"), {}, {"Type": "System"}),
    ("list_images", ("", 50, " System "), {}, {"Type": "System"}),
    ("list_images", (), {"Type": " System\n"}, {"Type": "System"}),
    ("list_images", (), {"Type": "Self"}, {"Type": None}),
    ("list_images", (), {"type_": "Private"}, {"Type": None}),
    ("list_images", ("", 50, "Self"), {}, {"Type": None}),
    ("list_images", ("", 50, "system"), {}, {"Type": None}),
    ("list_apps", (" Public ",), {}, {"Scope": " Public "}),
    ("list_apps", ("",), {}, {"Scope": ""}),
    ("get_app", ("a", "Public"), {}, {"Scope": "Public"}),
    ("get_app_detail", ("a", 3), {}, {"Qualifier": "3"}),
    ("delete_app", ("a", "3"), {}, {"Qualifier": "3"}),
    ("create_job", (JOB, " a\tb\n"), {}, {"IdempotentToken": " a\tb\n"}),
    ("create_job", (JOB, "  "), {}, {"IdempotentToken": "  "}),
    ("create_job", (JOB, b"tok"), {}, {"IdempotentToken": "tok"}),
    ("create_image", (IMAGE, " t "), {}, {"IdempotentToken": " t "}),
]


@pytest.mark.parametrize(("name", "arguments", "keywords", "sent"), TEXTS)
def test_texts_are_sent_as_by_the_old_sdk(
    kind: Kind,
    respx_mock: respx.MockRouter,
    name: str,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
    sent: dict[str, str | None],
) -> None:
    route = respx_mock.route(url__startswith=URL).respond(200, json={**PAGE, "Id": "x"})
    getattr(kind(URL, "id", "secret"), name)(*arguments, **keywords)
    for query, value in sent.items():
        assert asked(route).get(query) == value


BAD_IDS: tuple[Any, ...] = (" job-1", "job-1\n", "", " ", "\ud800", ".", "a/../b", 5, None)
METHODS: list[tuple[str, tuple[Any, ...], str]] = [
    (name, arguments, argument)
    for bad in BAD_IDS
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
        ("list_cluster_instances", ("cls-1", bad), "group_name"),
        ("list_cluster_instances", (bad, "g"), "cluster_id"),
        ("get_cluster_instance", ("cls-1", "g", bad), "instance_id"),
        ("delete_cluster_instance", ("cls-1", bad, "i-1"), "group_name"),
        ("recreate_cluster_instance", (bad, "g", "i-1"), "cluster_id"),
        ("modify_cluster", (bad, {}), "cluster"),
        ("change_cluster_user_data", (bad, {}), "cluster"),
        ("get_app_detail", (bad,), "app"),
        ("get_app_revisions", (bad,), "app_name"),
        ("modify_app", (bad, {"Name": "a", "CommandLine": "x", "VM": {"ECSImageId": "m"}}), "app_name"),
    )
]


@pytest.mark.parametrize(("name", "arguments", "argument"), METHODS)
def test_ids_that_cannot_be_sent_are_rejected(
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
        ("get_app", ("a", "\ud800")), ("create_job", (JOB, "\ud800")), ("list_jobs", (["m"],)), ("list_jobs", (True,)),
        ("get_app", ("a", "Nope")), ("get_app", ("a", None)), ("get_app_detail", ("a", " 1")), ("delete_app", ("a", "x")),
        ("get_instance", ("j", "t", " 1")), ("get_instance", ("j", "t", None)), ("list_jobs", ("", " 50")),
        ("list_jobs", ("", None)), ("change_job_priority", ("j", "x")), ("change_job_priority", ("j", True)),
        ("create_job", (None,)), ("create_cluster", (None,)), ("modify_cluster", ("c", None)), ("create_app", (None,)),
        ("change_cluster_user_data", ("c", None)), ("change_cluster_env_vars", ("c", "")), ("modify_app", ("a", None)),
        ("change_cluster_input_mapping", ("c", 0)), ("change_cluster_spot_config", ("c", "g", 5)),
        ("create_job", (JOB, b"\xff")), ("list_jobs", ("", 50, b"\xff")), ("list_jobs", ("", 50, "", object())),
    ],
)  # fmt: skip
def test_invalid_arguments_are_rejected(
    respx_mock: respx.MockRouter, name: str, arguments: tuple[Any, ...]
) -> None:
    with Client(URL, "id", "secret") as client, pytest.raises(ValidationError):
        getattr(client, name)(*arguments)
    assert not respx_mock.calls


def test_machine_counts_are_numbers(respx_mock: respx.MockRouter) -> None:
    with Client(URL, "id", "secret") as client, pytest.raises(ValidationError, match="g.DesiredVMCount"):
        client.change_cluster_desired_vm_count("c", g=None)  # type: ignore[arg-type]
    assert not respx_mock.calls


HEADERS: list[tuple[dict[str, Any], str | None]] = [
    # The sent value; None if the header is rejected.
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
        (("id", "secret", " t "), "t"), (("id", "secret", "\tt\r\n"), "t"), (("id ", "secret", ""), None), (("id", " secret", ""), None),
        (("id", "secret\n", ""), None), (("i\nd", "secret", ""), None), (("id", "secret", "t\nu"), None),
        (("\ud800", "secret", ""), None), (("id", "\ud800", ""), None), (("id", "secret", "\ud800"), None),
    ],
)  # fmt: skip
def test_invalid_key_pairs_are_rejected(
    kind: Kind, respx_mock: respx.MockRouter, given: tuple[str, str, str], token: str | None
) -> None:
    route = respx_mock.get(url__startswith=URL).respond(200, json=PAGE)

    def credentials() -> Credentials:
        return Credentials(*given)

    if token is None:
        with pytest.raises(ConfigError, match="copy it again from its source") as caught:
            kind(URL, *given)
        assert given[1].strip() not in str(caught.value).replace("access_key_secret", "")
        with pytest.raises(ConfigError, match="copy it again from its source"):
            kind(URL, credentials=credentials).list_jobs()
        return
    for client in (kind(URL, *given), kind(URL, credentials=credentials)):
        client.list_jobs()
        assert route.calls.last.request.headers["x-acs-security-token"] == token


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_blank_texts_of_new_groups_and_disks_are_dropped(blank: str) -> None:
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


@pytest.mark.parametrize("blank", ["", " "])
def test_blank_texts_of_changed_groups_are_sent(blank: str) -> None:
    assert ModifyGroupDescription({"InstanceType": blank}).detail() == {"InstanceType": blank}


BAD_SETTINGS: list[tuple[str, Callable[[str], object]]] = [
    ("version", lambda bad: setattr(Client(URL, "id", "secret"), "version", bad)),
    ("version", lambda bad: Client(URL, "id", "secret").set_version(bad)),
    ("header", lambda bad: Client(URL, "id", "secret").with_options(headers={"X-A": bad})),
    ("region", lambda bad: Client.register_region(bad, "127.0.0.1")),
    ("region", lambda bad: Client(f"http://127.0.0.1{bad}", "id", "secret")),
    ("oss_endpoint", lambda bad: Client(URL, "id", "secret", oss_endpoint=f"http://x{bad}")),
    ("security_token", lambda bad: Credentials("id", "secret", bad)),
]


@pytest.mark.parametrize(("what", "act"), BAD_SETTINGS)
@pytest.mark.parametrize("bad", ["a\nb", "\x7f", "\ud800"])
def test_options_that_a_header_cannot_hold_are_rejected(
    what: str, act: Callable[[str], object], bad: str
) -> None:
    with pytest.raises(ConfigError, match=what):
        act(bad)


@pytest.mark.parametrize("part", [5, b"t", ["t"]])
def test_parts_of_a_key_pair_must_be_texts(kind: Kind, respx_mock: respx.MockRouter, part: Any) -> None:
    for given in (("id", "secret", part), (part, "secret", ""), ("id", part, "")):
        with pytest.raises(ConfigError, match="text"):
            Credentials(*given)
        with pytest.raises(ConfigError, match="text"):
            kind(URL, *given)
        with pytest.raises(ConfigError, match="text"):
            kind(URL, credentials=lambda given=given: given).list_jobs()
    assert Credentials("id", "secret", None).security_token == ""  # type: ignore[arg-type]
    assert not respx_mock.calls


def test_an_invalid_secret_of_the_environment_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCHCOMPUTE_ENDPOINT", URL)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "s3cret\r")
    with pytest.raises(ConfigError, match="ALIBABA_CLOUD_ACCESS_KEY_SECRET") as caught:
        Client.from_env()
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("cls", [Client, AsyncClient])
def test_signatures_have_the_filters_of_the_table(cls: type[Any], name: str) -> None:
    filters = [query for query in OPERATIONS[name].query if query not in ("Marker", "MaxItemCount")]
    known = {*filters, *map(snake, filters)}
    for method in (name, name.replace("list", "iter")):
        parameters = inspect.signature(getattr(cls, method)).parameters.values()
        named = {one.name for one in parameters if one.kind is not one.VAR_KEYWORD}
        (further,) = [str(one.annotation) for one in parameters if one.kind is one.VAR_KEYWORD]
        found = re.fullmatch(r"Unpack\[(\w+)\]", further)
        assert found
        keys = set(getattr(filters_module, found[1]).__annotations__)
        assert keys <= known
        assert known <= keys | named
        assert not keys & named


@pytest.mark.parametrize("cls", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("timout", "timeout"), ("oss_endpont", "oss_endpoint"), ("security_tokn", "security_token"), ("verfy", "verify"),
        ("http_clent", "http_client"), ("retries", "retry"), ("max_respone_bytes", "max_response_bytes"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("value", [5, "5"])
def test_a_misspelled_option_error_names_the_nearest_option(
    cls: type[Any], given: str, meant: str, value: object
) -> None:
    if (given, value) == ("retries", "5"):
        # The name is not similar to an option, so it is a header.
        cls(URL, "id", "secret", retries="5")
        return
    with pytest.raises(ConfigError, match=f"did you mean '{meant}'"):
        cls(URL, "id", "secret", **{given: value})
    if isinstance(value, str):
        assert cls(URL, "id", "secret").with_options(headers={given: value})


def test_a_response_of_a_mock_without_a_request(respx_mock: respx.MockRouter) -> None:
    respx_mock.get(url__startswith=URL).mock(return_value=httpx.Response(200, json=PAGE))
    with Client(URL, "id", "secret") as client:
        assert client.list_jobs().Items == []
