"""Send many requests that mean harm to a real server, and look whether it answers each of them well.

    python tools/fuzz_http.py --requests 100000 --seed 1

Most are signed correctly, so that they get behind the door: operations of the API and of object storage with
hostile paths, queries, headers and bodies. The rest are badly signed, or no HTTP. No answer may have a status of
500 or more, but for the 501 of what object storage does not serve, and every answer has to parse. At the end
every list of every bucket is whole, a job runs, and the server's log holds no traceback.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_from_bytes, unquote, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from batchcompute import Client, Credentials
from batchcompute.api.operations import OPERATIONS
from batchcompute.http.signing import API_VERSION, sign
from batchcompute.service.objects.signatures import SUBRESOURCES

ID, SECRET, HOST = "id", "s3cret", "127.0.0.1"
KEYS = {"ALIBABA_CLOUD_ACCESS_KEY_ID": ID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET}
BUCKETS = ("fuzz0", "fuzz1", "fuzz2")
MEMORY = 100
"""Megabytes by which the server's memory may grow."""

_SCHEMAS: dict[str, Any] = json.loads(
    files("batchcompute.service").joinpath("openapi.json").read_text("utf-8")
)["components"]["schemas"]

# fmt: off
_RAW = {"@digits": "9" * 5000, "@nan": "NaN", "@inf": "1e999", "@lone": '"\\ud800"', "@nul": '"a\\u0000b"', "@open": "[" * 5000,
    "@deep": "[" * 3000 + "]" * 3000, "@twice": '{"a": 1, "a": 2}', "@wide": "[" + "0," * 9000 + "0]",
    "@heavy": '{"' + "k" * 90_000 + '": [' + "0," * 70_000 + "0]}"}
"""What stands in a body, and is no JSON that Python would write."""
_TEXTS = ("", " ", "a", "-1", "0", "True", "x" * 5000, "中" * 300, "\u202e", "\x7f", "\x85", "a\nb", "a\tb", "a\rb", "..", "../../x",
    "/", "oss://b/k", "oss://fuzz0/", "oss://fuzz0/../x", "oss://", "oss://B/\ufffe", "nas://a/b", "/a", "/a/../b", "${x}", "$(x", "`x",
    "a'b", 'a"b', "<x>&", "a=b", "a&b", "a?acl", "a+b", "%00", "%s", "{0}", "\U0010ffff", "é" * 40, "İ", "C:\\x", "a:b", "\udcfe")
_NUMBERS: tuple[Any, ...] = (-1, 0, 1, -(2**31), 2**31 - 1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**40, 1.5, -0.0, 1e308, None, True, {}, [], [[]])
_ODD = ("0", "-1", "1", "100", "101", "1000", "1001", "9" * 19, "9" * 5000, "٣", "1e3", "1.0", "+1", " 1", "0x1", "", "True", "url", "2",
    "/", "Running", "nonsense", "job-" + "F" * 32, "job-" + "0" * 32, "Id", "System", "Public", "_" * 64, "*", "standard", " a ")
_DATES = ("", "soon", "Tue, 99 Foo", "Tue, 06 Nov 2018 08:00:00 GMT", "Tue, 06 Nov 0000 08:00:00 GMT", "9" * 400, ",",
    "Tue, 06 Nov 99999999999 08:00:00 GMT", "Tue, 06 Nov 2018 08:00:00 +" + "9" * 30, "Tue, 06 Nov 2018 08:00:00 -0000",
    "Tue, 06 Nov 2018 99:99:99 GMT", "Mon, 01 Jan 0001 00:00:00 +1400", "Fri, 31 Dec 9999 23:59:59 -1400", "2018-11-06T08:00:00Z")
_RANGES = ("bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0", "bytes=5-1", "bytes=9999999999-", "bytes=" + "9" * 5000 + "-", "bytes",
    "bytes=0-" + "9" * 30, "bytes=٣-", "bytes=0-1,2-3", "lines=0-1", "bytes=-", "bytes=--1")
_HEADERS = ("range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "content-type", "content-md5", "accept",
    "x-oss-forbid-overwrite", "x-oss-range-behavior", "x-oss-meta-a", "x-oss-copy-source-range", "x-batchcompute-challenge",
    "x-oss-copy-source-if-modified-since", "x-oss-copy-source-if-match", "x-acs-version", "x-acs-other")
_GOOD = {"Name": "n", "Type": "DAG", "ClusterId": "@cluster", "ImageId": "img-ubuntu", "Platform": "Linux", "CommandLine": "true", "Image": "",
    "ECSImageId": "img-ubuntu", "DesiredVMCount": 1, "Destination": "/in/", "Source": "oss://fuzz0/in/", "AppName": "fuzz", "Priority": 1, "ResourceType": "OnDemand", "EcsImageId": "m"}
"""What is right for a field; for the others, an empty text, a one or a list of nothing is."""
_NAMES = {"Tasks": "t", "Groups": "g", "InputMapping": "oss://fuzz0/i", "Inputs": "p", "Dependencies": "t"}
_NEEDED = frozenset({"DAG", "App", "Tasks", "Parameters", "Command", "Groups", "VM", *_GOOD}) - {"Image"}
_EITHER = {"ClusterId": "AutoCluster", "VM": "Docker"}
"""Of two fields, only one is right."""
# Of requests to object storage: method, query, and whether it is about a bucket.
_OBJECTS = (*[("PUT", "", 0)] * 6, *[("GET", "", 0)] * 3, ("HEAD", "", 0), *[("DELETE", "", 0)] * 2, *[("COPY", "", 0)] * 2,
    *[("GET", "prefix=@&delimiter=@&marker=@&max-keys=@&encoding-type=@", 1)] * 3, ("POST", "uploads", 0), ("POST", "delete", 1),
    *[("GET", "list-type=2&prefix=@&start-after=@&continuation-token=@&max-keys=@&delimiter=@&encoding-type=@", 1)] * 2,
    *[("PUT", "uploadId=@&partNumber=@", 0)] * 2, ("COPY", "uploadId=@&partNumber=@", 0), ("POST", "uploadId=@", 0),
    ("DELETE", "uploadId=@", 0), ("GET", "uploadId=@", 0), ("GET", "uploads", 1), ("GET", "acl", 0), ("GET", "objectMeta", 0),
    ("GET", "response-content-type=@&response-content-disposition=@", 0), ("GET", "acl", 1), ("GET", "bucketInfo", 1), ("GET", "stat", 1),
    ("GET", "location", 1), ("HEAD", "", 1), ("PUT", "", 1), ("DELETE", "", 1), ("PUT", "tagging", 0), ("GET", "@=@&versionId=@", 0))
_XML = (b"<a>" * 20_000 + b"</a>" * 20_000, b"<a " * 9000, b"", b"<Delete/>", b"<a/>" * 90_000, b"<Delete><Object><Key></Key></Object></Delete>",
    b'<!DOCTYPE x [<!ENTITY a "aaaa">]><Delete><Object><Key>&a;</Key></Object></Delete>', b"<Delete><Key>&#0;&#xd800;&#xffff;</Key></Delete>",
    "<?xml version='1.0' encoding='utf-16'?><Delete/>".encode("utf-16"), "<Delete><Key>é</Key></Delete>".encode("latin-1"),
    b"<?xml version='1.0' encoding='utf-7'?><Delete><Key>k1</Key></Delete>", b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1100 + b"</Delete>",
    *(f"<C><Part><PartNumber>{odd}</PartNumber><ETag>{odd}</ETag></Part></C>".encode() for odd in ("1", "0", "-1", "9" * 5000, "٣", "")))
_BAD = (b"GET /jobs HTTP/1.1\r\n\r\n", b"GET /jobs HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET http://x/jobs HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /fuzz0/k HTTP/1.0\r\n\r\n", b"GET  /jobs  HTTP/1.1\r\nHost: x\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01",
    b"GET * HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /jobs HTTP/9.9\r\nHost: x\r\n\r\n", b"GET /fuzz0/\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\n",
    b"POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 6\r\n\r\nabcde",
    b"POST /jobs HTTP/1.1\r\nHost: x\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", b"\r\n\r\n\r\n", b"GET /jobs HTTP/1.1\nHost: x\n\n",
    b"PUT /fuzz0/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"GET /jobs HTTP/1.1\r\n Host: x\r\n\r\n",
    b"PUT /fuzz0/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\nabc", b"\x00" * 100,
    b"POST /jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
    b"GET /jobs HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 12_000 + b"\r\n", b"GET /jobs HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
    b"Connection: upgrade\r\n\r\n", b"GET /jobs HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nabcd")
# fmt: on


@dataclass(slots=True)
class Attempt:
    """A request as it goes onto the wire."""

    method: str
    data: bytes
    whole: bool = True
    """Whether it is good HTTP: then an answer has to come."""


@dataclass(slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


# -- signatures -----------------------------------------------------------------------------------


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _mac(key: bytes, text: str, kind: str = "sha256") -> bytes:
    return hmac.digest(key, _bytes(text), kind)


def _pairs(target: str, skip: str = "") -> list[tuple[str, str]]:
    parts = (part.partition("=") for part in target.partition("?")[2].split("&") if part)
    return sorted(
        (unquote(name), unquote(value.replace("+", " "))) for name, _, value in parts if name != skip
    )


def _query(pairs: list[tuple[str, str]], bare: bool) -> str:
    quoted = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in pairs)
    return "&".join(name if bare and not value else f"{name}={value}" for name, value in quoted)


def sign_api(method: str, target: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """Return headers with the API's first signature."""
    credentials, nonce, now = Credentials(ID, SECRET), os.urandom(8).hex(), datetime.now(UTC)
    more = {"credentials": credentials, "region": "local", "now": now, "nonce": nonce, "user_agent": "fuzz"}
    extra = {name: text.encode("utf-8", "replace").decode() for name, text in headers.items()}
    return sign(method, target, body, extra=extra, **more)  # type: ignore[arg-type]


def sign_api3(method: str, target: str, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """Return headers with ACS3-HMAC-SHA256."""
    digest, scheme = hashlib.sha256(body).hexdigest(), "ACS3-HMAC-SHA256"
    made = {"host": HOST, "x-acs-content-sha256": digest, "x-acs-version": API_VERSION, **headers}
    made["x-acs-date"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    names = ";".join(sorted(made))
    lines = "".join(f"{name}:{made[name].strip()}\n" for name in sorted(made))
    canonical = [method, target.partition("?")[0], _query(_pairs(target), False), lines, names, digest]
    text = f"{scheme}\n{hashlib.sha256(_bytes(chr(10).join(canonical))).hexdigest()}"
    right = _mac(SECRET.encode(), text).hex()
    return {**made, "authorization": f"{scheme} Credential={ID},SignedHeaders={names},Signature={right}"}


def version1(method: str, target: str, headers: Mapping[str, str], date: str) -> str:
    """Return object storage's first signature."""
    special = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers) if name.startswith("x-oss-"))
    named = [f"{name}={value}" if value else name for name, value in _pairs(target) if name in SUBRESOURCES]
    path = unquote(target.partition("?")[0], errors="surrogateescape")
    lines = [method, headers.get("content-md5", ""), headers.get("content-type", ""), date, special + path]
    text = "\n".join(lines) + ("?" if named else "") + "&".join(named)
    return base64.b64encode(_mac(SECRET.encode(), text, "sha1")).decode()


def version4(method: str, target: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Return headers with object storage's fourth signature."""
    moment, unsigned = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"), "UNSIGNED-PAYLOAD"
    made = {**headers, "x-oss-date": moment, "x-oss-content-sha256": unsigned}
    signed = [
        name for name in sorted(made) if name[:6] == "x-oss-" or name in ("content-type", "content-md5")
    ]
    path = quote_from_bytes(_bytes(unquote(target.partition("?")[0], errors="surrogateescape")), safe="/~-_.")
    lines = "".join(f"{name}:{made[name].strip()}\n" for name in signed)
    canonical = "\n".join([method, path, _query(_pairs(target), True), lines, "", unsigned])
    key, scope = f"aliyun_v4{SECRET}".encode(), f"{moment[:8]}/cn-hangzhou/oss/aliyun_v4_request"
    for part in scope.split("/"):
        key = _mac(key, part)
    text = f"OSS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(_bytes(canonical)).hexdigest()}"
    right = _mac(key, text).hex()
    return {**made, "authorization": f"OSS4-HMAC-SHA256 Credential={ID}/{scope},Signature={right}"}


def sign_objects(
    way: str, method: str, target: str, headers: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Return target and headers of a request, signed by version ``1``, by a ``url`` of it, or by version ``4``."""
    if way == "4":
        return target, version4(method, target, headers)
    if way == "1":
        date = formatdate(usegmt=True)
        right = f"OSS {ID}:{version1(method, target, headers, date)}"
        return target, {**headers, "date": date, "authorization": right}
    expires, mark = str(int(time.time()) + 600), "&" if "?" in target else "?"
    right = quote(version1(method, target, headers, expires), safe="")
    return f"{target}{mark}OSSAccessKeyId={ID}&Expires={expires}&Signature={right}", dict(headers)


def wire(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """Return a request as bytes."""
    lines = {"host": HOST, "content-length": str(len(body))} | {
        name.lower(): headers[name] for name in headers
    }
    head = "".join(f"{name}: {text}\r\n" for name, text in lines.items())
    return _bytes(f"{method} {target} HTTP/1.1\r\n{head}\r\n") + body


# -- requests -------------------------------------------------------------------------------------


class Source:
    """Makes requests.

    Args:
        seed: What they depend on.
        cluster: Id of a cluster without machines: jobs are made there, and wait.
    """

    def __init__(self, seed: str, cluster: str) -> None:
        self._ids: dict[str, list[str]] = {"JobId": [], "ClusterId": [], "ImageId": []}
        self._uploads = [("/fuzz0/k0", "0" * 32)]
        self._random = random.Random(seed)
        self._pick = self._random.choice
        self._cluster = cluster

    def _often(self, odds: float) -> bool:
        return self._random.random() < odds

    def attempt(self) -> Attempt:
        """Return a request."""
        return self._random.choices((self._api, self._object, self._garbage), (45, 45, 10))[0]()

    def learn(self, answer: Answer) -> None:
        """Remember an id, so that later requests are about something that is there."""
        if answer.status not in (200, 201):
            return
        if found := re.search(rb'"Id": "((job|cls|img)-\w+)"', answer.body):
            kind = {b"job": "JobId", b"cls": "ClusterId", b"img": "ImageId"}[found[2]]
            self._ids[kind] = [*self._ids[kind][-20:], found[1].decode()]
        elif b"<InitiateMultipartUploadResult>" in answer.body:
            bucket, key, upload = (element.text or "" for element in ET.fromstring(answer.body))
            self._uploads = [*self._uploads[-20:], (f"/{bucket}/{quote(key)}", upload)]

    def _text(self) -> str:
        """Return a text that few expect; a byte that is no UTF-8 is half of a surrogate pair."""
        if self._often(0.5):
            return self._pick(_TEXTS)
        top = self._pick((0x80, 0x300, 0x10000, 0x110000))
        letters = [chr(self._random.randrange(top)) for _ in range(self._random.randint(1, 9))]
        return "".join("\udcff" if "\ud800" <= letter < "\ue000" else letter for letter in letters)

    def _quoted(self, text: str, safe: str = "") -> str:
        """Percent-encode a text in one of many ways, a few of them wrong."""
        if self._often(0.03):
            return quote(text.encode("utf-8", "replace"), safe) + self._pick(("%", "%z", "%2", "+", "%2525"))
        if self._often(0.1):
            return "".join(f"%{byte:02x}" for byte in _bytes(text))
        return quote_from_bytes(_bytes(text), safe)

    def _make(self, schema: Any, name: str, odds: float) -> Any:
        """Return what a schema describes, but for a few places."""
        schema = _SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        kind, inner = schema.get("type"), schema.get("additionalProperties")
        if self._often(odds):
            # Programs of jobs are really run, so theirs are texts that do no harm.
            text = self._pick(_TEXTS) if name == "CommandLine" else self._text()
            return self._pick((text, self._pick(_NUMBERS), self._pick(list(_RAW))))
        if "properties" in schema:
            fields: dict[str, Any] = schema["properties"]
            wanted = [key for key in fields if key in _NEEDED or self._often(0.25)]
            for one, other in _EITHER.items():
                if one in wanted and other in wanted and self._often(0.95):
                    wanted.remove(other)
            found = {key: self._make(fields[key], key, odds) for key in wanted if not self._often(odds / 3)}
            return {**found, self._text(): self._pick(_NUMBERS)} if self._often(odds) else found
        if kind == "object":
            key = self._text() if self._often(odds) else _NAMES.get(name, "/o")
            return {key: self._make(inner if isinstance(inner, dict) else {}, "", odds)}
        if kind == "array":
            return [self._make(schema.get("items", {}), "", odds)] if self._often(0.3) else []
        good = _GOOD.get(name, {"integer": 1, "boolean": True}.get(kind, "" if kind else 0))
        return self._pick(schema["examples"]) if "examples" in schema and self._often(0.9) else good

    def _json(self, name: str) -> bytes:
        name = "AppJobDescription" if name == "JobDescription" and self._often(0.1) else name
        body = self._make(_SCHEMAS[name], "", self._pick((0, 0.02, 0.05, 0.3)))
        text = json.dumps(body, ensure_ascii=self._often(0.5)).replace("@cluster", self._cluster)
        for mark, raw in _RAW.items():
            text = text.replace(f'"{mark}"', raw)
        data = text.encode("utf-8", "surrogatepass")
        if self._often(0.03):
            return text.encode(self._pick(("utf-16", "utf-32", "utf-8-sig", "utf-7", "cp037")), "replace")
        cut = self._random.randrange(len(data))
        return data[:cut] + self._random.randbytes(3) + data[cut + 3 :] if self._often(0.03) else data

    def _headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in self._random.sample(_HEADERS, self._pick((0, 0, 1, 1, 2))):
            pool = _DATES if "since" in name else _RANGES if "range" in name else (*_ODD, self._text())
            found[name] = re.sub("[\0-\x1f\x7f]", "", self._pick(pool)).strip()
        return found

    def _api(self) -> Attempt:
        rows = list(OPERATIONS.values())
        row = self._pick((*rows, *[row for row in rows if row.body] * 2))
        parts: list[str] = []
        for part in row.path.split("/"):
            name = part.strip("{}")
            known = self._ids.get(name) or [
                {"TaskName": "t", "GroupName": "g", "AppName": "n"}.get(name, "0")
            ]
            hostile = self._quoted(self._text()) if self._often(0.2) else self._pick(known)
            parts.append(hostile if name != part else part)
        # "sync" waits for a job, and those of a cluster without machines never end.
        names = [name for name in row.query if name not in (*row.flags, "sync") and self._often(0.4)]
        values = [self._pick((*_ODD, self._text())) if self._often(0.4) else "" for _ in names]
        pairs = [f"{name}={self._quoted(value)}" for name, value in zip(names, values, strict=True)]
        pairs += (
            [*row.flags, self._pick(("=", "", "State=a", "x==", "%zz"))] if self._often(0.1) else row.flags
        )
        target = "/".join(parts) + ("?" if pairs else "") + "&".join(pairs)
        method = row.method if self._often(0.95) else self._pick(("PUT", "PATCH", "HEAD", "OPTIONS"))
        body = self._json(row.body) if row.body else self._pick((b"", b"", b"null", b"x" * 300_000))
        headers = self._headers() if self._often(0.2) else {}
        headers = self._pick((sign_api, sign_api3))(method, target, headers, body)
        return Attempt(method, wire(method, target, headers, body))

    def _key(self) -> str:
        if self._often(0.4):
            return f"k{self._random.randrange(30)}"
        pieces = ("a", "b", "", "", ".", "..", "\\", "%_", "%+a", "%%", "x" * 250, "é" * 500)
        count = self._random.randint(1, 4)
        return "/".join(self._text() if self._often(0.4) else self._pick(pieces) for _ in range(count))

    def _document(self) -> bytes:
        if self._often(0.5):
            return self._pick(_XML)
        keys = [escape(self._key(), {"\r": "&#13;"}).encode("utf-8", "replace") for _ in range(3)]
        return b"<Delete><Key>" + b"</Key><Key>".join(keys) + b"</Key></Delete>"

    def _object(self) -> Attempt:
        method, query, about_bucket = self._pick(_OBJECTS)
        bucket = self._pick(BUCKETS) if self._often(0.97) else self._quoted(self._text())
        target = f"/{bucket}/" + ("" if about_bucket else self._quoted(self._key(), self._pick(("", "/"))))
        first, *others = query.split("@")
        query = first + "".join(self._quoted(self._pick((*_ODD, self._key()))) + text for text in others)
        if "uploadId=" in query:
            known, upload = self._pick(self._uploads)
            target = known if self._often(0.9) else target
            number = self._pick(("1", "1", "2", "10000", self._pick(_ODD)))
            query = f"uploadId={upload}" + (f"&partNumber={quote(number)}" if "partNumber" in query else "")
        target += f"?{query}" if query else ""
        headers, body = self._headers(), b""
        if method == "COPY":
            method, headers["x-oss-copy-source"] = (
                "PUT",
                f"/{self._pick(BUCKETS)}/{self._quoted(self._key(), '/')}",
            )
        elif method == "PUT":
            body = bytes(1_100_000) if self._often(0.002) else self._random.randbytes(self._pick((0, 5, 900)))
        elif method == "POST":
            body = self._document()
        target, headers = sign_objects(self._pick(("1", "url", "4")), method, target, headers)
        return Attempt(method, wire(method, target, headers, body))

    def _garbage(self) -> Attempt:
        if self._often(0.25):
            behind = self._pick((b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"\0"))
            return Attempt("GET", self._pick(_BAD) + behind, False)
        good = self._pick((self._api, self._object))()
        # Not HEAD: for a bad chunk there, uvicorn logs a traceback until `GuardedProtocol` catches it.
        if good.method != "HEAD" and self._often(0.2):
            # The signature is right, and what follows is no body, or not all of it.
            head = re.sub(
                rb"content-length: \d+", b"transfer-encoding: chunked", good.data.partition(b"\r\n\r\n")[0]
            )
            chunks = (
                b"5\r\nabcde\r\n0\r\n\r\n",
                b"5\r\nabcde\r\nzz\r\n",
                b"f" * 40 + b"\r\n",
                b"5\r\nab",
                b"5\r\nabcdefgh\r\n",
            )
            return Attempt(good.method, head + b"\r\n\r\n" + self._pick(chunks), False)
        if self._often(0.5):
            # One byte is another one: mostly a wrong signature, now and then no HTTP.
            at = self._random.randrange(good.data.find(b"\r\n\r\n"))
            return Attempt(
                good.method, good.data[:at] + self._random.randbytes(1) + good.data[at + 1 :], False
            )
        pool = (
            *_DATES,
            "acs id",
            "acs id:x",
            "OSS id:x",
            "OSS",
            "OSS4-HMAC-SHA256 Credential=id/2020/a/oss/x",
        )
        names, value = rb"(\r\n(?:authorization|date|x-acs-date|host)): [^\r]*", _bytes(self._pick(pool))
        return Attempt(good.method, re.sub(names, lambda found: found[1] + b": " + value, good.data), False)


# -- answers --------------------------------------------------------------------------------------


class Connection:
    """A connection that is kept as long as the server keeps it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None
        self._file: Any = None

    def close(self) -> None:
        """Give it up; the next request opens another one."""
        if self._socket is not None:
            self._file.close()
            self._socket.close()
            self._socket = None

    def ask(self, attempt: Attempt) -> Answer | None:
        """Send a request and return its answer; None for what is no HTTP and got none.

        Raises:
            OSError: No answer came.
        """
        if not attempt.whole:
            self.close()
        kept = self._socket is not None
        try:
            return self._ask(attempt)
        except (ConnectionError, EOFError):
            self.close()
            if attempt.whole and kept:
                # The server closes idle connections, perhaps just then.
                return self._ask(attempt)
            if attempt.whole:
                raise
        except TimeoutError:
            if attempt.whole:
                raise
        finally:
            if not attempt.whole:
                self.close()
        return None

    def _ask(self, attempt: Attempt) -> Answer:
        if self._socket is None:
            self._socket = socket.create_connection((HOST, self._port), 20)
            self._file = self._socket.makefile("rb")
        self._socket.settimeout(30 if attempt.whole else 0.2)
        self._socket.sendall(attempt.data)
        while True:
            first = self._line().split(b" ")
            if first[0] != b"HTTP/1.1" or not 100 <= int(first[1]) < 600:
                raise ValueError(f"this is no answer: {first!r}")
            headers: dict[str, str] = {}
            while line := self._line():
                name, _, text = line.decode("utf-8").partition(":")
                headers[name.lower()] = text.strip()
            if int(first[1]) >= 200:
                break
        body = b""
        if attempt.method != "HEAD" and int(first[1]) not in (204, 304):
            if headers.get("transfer-encoding") == "chunked":
                while size := int(self._line(), 16):
                    body += self._file.read(size + 2)[:-2]
                self._line()
            else:
                # What the HTTP library itself refuses has no length: it ends with the connection.
                body = self._file.read(int(headers.get("content-length", -1)))
        if headers.get("connection") == "close":
            self.close()
        return Answer(int(first[1]), headers, body)

    def _line(self) -> bytes:
        line: bytes = self._file.readline(100_000)
        if not line:
            raise EOFError
        return line.rstrip(b"\r\n")


def what_is_wrong(answer: Answer) -> str:
    """Say what is wrong with an answer; empty for a good one."""
    body, kind = answer.body, answer.headers.get("content-type", "")
    if answer.status >= 500 and not (answer.status == 501 and b"<Code>NotImplemented<" in body):
        return f"status {answer.status}"
    is_own = "x-oss-request-id" in answer.headers or "x-acs-request-id" in answer.headers
    if not is_own or (answer.status < 300 and "x-oss-object-type" in answer.headers):
        return ""
    try:
        if body and kind == "application/json":
            content = json.loads(body, parse_constant=lambda name: int(name))
            if answer.status >= 300 and not (content["Code"] and content["Message"] and content["RequestId"]):
                return "a refusal without its parts"
        elif body:
            root = ET.fromstring(body)
            if answer.status >= 300 and not (root.findtext("Code") and root.findtext("Message")):
                return "a refusal without its parts"
    except (ValueError, KeyError, ET.ParseError) as error:
        return f"an answer that does not parse: {error!r}"
    return ""


class Fuzz:
    """A server, and what was found of it.

    Args:
        directory: Where its data and its log are.
        seed: What the requests depend on.
    """

    def __init__(self, directory: Path, seed: int) -> None:
        self.found: list[str] = []
        """What is wrong."""
        self.statuses: Counter[int] = Counter()
        """How many answers had which status; 0 for none."""
        self._seed = seed
        self._lock = threading.Lock()
        self._log, self._data = directory / "log", directory / "data"
        command = [sys.executable, "-m", "batchcompute.cli", "serve", "--port", "0", "--slots", "2"]
        command += ["--data-dir", str(self._data)]
        with self._log.open("wb") as log:
            self._server = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **KEYS}
            )
        assert self._server.stdout is not None
        self._url = next((line.split()[-1] for line in self._server.stdout if " is served at " in line), "")
        if not self._url:
            raise SystemExit(f"the server did not start: {self._log.read_text()}")
        self._port = urlsplit(self._url).port or 0

    def close(self) -> None:
        """End the server."""
        self._server.send_signal(signal.SIGTERM)
        try:
            self._server.wait(60)
        finally:
            self._server.kill()

    def memory(self) -> int:
        """Return the most memory that the server has had, in megabytes."""
        status = Path(f"/proc/{self._server.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) // 1024

    def prepare(self) -> str:
        """Make what the requests are about, and return the id of a cluster without machines."""
        with Client(self._url, ID, SECRET) as client:
            cluster = client.create_cluster(
                {"Name": "c", "ImageId": "i", "Groups": {"g": {"DesiredVMCount": 0}}}
            )
            app = {"Name": "fuzz", "CommandLine": "true", "VM": {"ECSImageId": "img-ubuntu"}}
            client.create_app({**app, "InputParameters": {"p": {"Type": "String"}}})
        target, headers = sign_objects("4", "PUT", f"/{BUCKETS[0]}/k0", {})
        Connection(self._port).ask(Attempt("PUT", wire("PUT", target, headers)))
        # Programs write files that are no objects, beside those that are.
        for name in (b"\xff", b"\x01", b"\xef\xbf\xbe", b"%_", b"%+", b"%+\xff", b"%%_", b"a\r\nb", b"%+a"):
            Path(self._data / "oss" / BUCKETS[0] / os.fsdecode(name)).write_bytes(name)
        return cluster.Id

    def send(self, worker: int, count: int, cluster: str) -> None:
        """Send requests and judge the answers."""
        source, connection = Source(f"{self._seed}-{worker}", cluster), Connection(self._port)
        for number in range(count):
            attempt = source.attempt()
            try:
                answer = connection.ask(attempt)
                wrong = what_is_wrong(answer) if answer else ""
            except (OSError, EOFError, ValueError, KeyError) as error:
                answer, wrong = None, f"no answer: {error!r}"
                connection.close()
            with self._lock:
                self.statuses[answer.status if answer else 0] += 1
                if wrong:
                    said = answer.body[:300] if answer else b""
                    self.found.append(f"{worker}/{number}: {wrong}: {attempt.data[:1500]!r} -> {said!r}")
            if answer:
                source.learn(answer)
        connection.close()

    def judge(self) -> None:
        """Look at what is left behind."""
        connection = Connection(self._port)
        for bucket in BUCKETS:
            keys = [
                self._listed(connection, bucket, way) for way in ("", "encoding-type=url&", "list-type=2&")
            ]
            if not keys[0] == keys[1] == keys[2]:
                self.found.append(f"the lists of {bucket} differ")
            for key in keys[0]:
                path = quote_from_bytes(key.encode("utf-8"))
                # By version 1, some keys read like requests for sub-resources, and are refused.
                target, headers = sign_objects("4", "HEAD", f"/{bucket}/{path}", {})
                answer = connection.ask(Attempt("HEAD", wire("HEAD", target, headers)))
                if answer is None or answer.status != 200:
                    self.found.append(f"{key!r} is in the list of {bucket}, and not there: {answer}")
            self._get(connection, f"/{bucket}/?uploads")
        self._get(connection, "/")
        connection.close()
        with Client(self._url, ID, SECRET) as client:
            task = {"AutoCluster": {}, "Parameters": {"Command": {"CommandLine": "echo alive"}}}
            job = client.create_job(
                {"Name": "last", "Type": "DAG", "Priority": 1000, "DAG": {"Tasks": {"t": task}}}
            )
            state = client.wait(job, timeout=120).State
        if state != "Finished" or self._server.poll() is not None:
            self.found.append(f"the last job is {state}, the server's end {self._server.poll()}")
        log = self._log.read_text("utf-8", "replace")
        if "Traceback" in log:
            self.found.append("the log: " + log[max(0, log.index("Traceback") - 500) :][:3000])

    def _listed(self, connection: Connection, bucket: str, way: str) -> list[str]:
        """Return all keys of a bucket."""
        found: list[str] = []
        more = ""
        while True:
            query = f"?{way}max-keys=1000&{'start-after' if '2' in way else 'marker'}={more}"
            root = self._get(connection, f"/{bucket}/{query}")
            decode = unquote if root.findtext("EncodingType") else str
            keys = [decode(element.text or "") for element in root.iter("Key")]
            found += keys
            if root.findtext("IsTruncated") != "true" or not keys:
                return found
            more = quote_from_bytes(keys[-1].encode("utf-8"), "")

    def _get(self, connection: Connection, target: str) -> ET.Element:
        target, headers = sign_objects("1", "GET", target, {})
        answer = connection.ask(Attempt("GET", wire("GET", target, headers)))
        if answer is None or answer.status != 200:
            self.found.append(f"{target} has the answer {answer}")
            return ET.Element("none")
        try:
            return ET.fromstring(answer.body)
        except ET.ParseError as error:
            self.found.append(f"{target} does not parse: {error}")
            return ET.Element("none")


def main() -> int:
    """Send the requests; return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-http-") as directory:
        fuzz = Fuzz(Path(directory), options.seed)
        try:
            cluster, begun, before = fuzz.prepare(), time.monotonic(), fuzz.memory()
            share = -(-options.requests // options.workers)
            with ThreadPoolExecutor(options.workers) as pool:
                sent = [pool.submit(fuzz.send, worker, share, cluster) for worker in range(options.workers)]
            for worker in sent:
                worker.result()
            seconds = time.monotonic() - begun
            fuzz.judge()
            grown = fuzz.memory() - before
            if grown > MEMORY:
                fuzz.found.append(f"the server's memory grew by {grown} MB")
        finally:
            fuzz.close()
    for found in fuzz.found[:20]:
        print(found)
    print(" ".join(f"{status}:{count}" for status, count in sorted(fuzz.statuses.items())))
    print(
        f"{sum(fuzz.statuses.values())} requests in {seconds:.0f} s, memory {before} + {grown} MB, "
        f"{len(fuzz.found)} found"
    )
    return 1 if fuzz.found else 0


if __name__ == "__main__":
    sys.exit(main())
