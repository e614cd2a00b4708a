"""Hostile and correct values: texts, numbers, dates, ranges, bodies and raw requests."""

from __future__ import annotations

from typing import Any

# fmt: off
RAW = {"@digits": "9" * 5000, "@nan": "NaN", "@inf": "1e999", "@lone": '"\\ud800"', "@nul": '"a\\u0000b"', "@open": "[" * 5000,
    "@deep": "[" * 3000 + "]" * 3000, "@twice": '{"a": 1, "a": 2}', "@wide": "[" + "0," * 9000 + "0]",
    "@heavy": '{"' + "k" * 90_000 + '": [' + "0," * 70_000 + "0]}"}
"""Texts in a body that Python would not write as JSON."""
TEXTS = ("", " ", "a", "-1", "0", "True", "x" * 5000, "中" * 300, "\u202e", "\x7f", "\x85", "a\nb", "a\tb", "a\rb", "..", "../../x",
    "/", "oss://b/k", "oss://fuzz0/", "oss://fuzz0/../x", "oss://", "oss://B/\ufffe", "nas://a/b", "/a", "/a/../b", "${x}", "$(x", "`x",
    "a'b", 'a"b', "<x>&", "a=b", "a&b", "a?acl", "a+b", "%00", "%s", "{0}", "\U0010ffff", "é" * 40, "İ", "C:\\x", "a:b", "\udcfe")
NUMBERS: tuple[Any, ...] = (-1, 0, 1, -(2**31), 2**31 - 1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**40, 1.5, -0.0, 1e308, None, True, {}, [], [[]])
ODD = ("0", "-1", "1", "100", "101", "1000", "1001", "9" * 19, "9" * 5000, "٣", "1e3", "1.0", "+1", " 1", "0x1", "", "True", "url", "2",
    "/", "Running", "nonsense", "job-" + "F" * 32, "job-" + "0" * 32, "Id", "System", "Public", "_" * 64, "*", "standard", " a ")
DATES = ("", "soon", "Tue, 99 Foo", "Tue, 06 Nov 2018 08:00:00 GMT", "Tue, 06 Nov 0000 08:00:00 GMT", "9" * 400, ",",
    "Tue, 06 Nov 99999999999 08:00:00 GMT", "Tue, 06 Nov 2018 08:00:00 +" + "9" * 30, "Tue, 06 Nov 2018 08:00:00 -0000",
    "Tue, 06 Nov 2018 99:99:99 GMT", "Mon, 01 Jan 0001 00:00:00 +1400", "Fri, 31 Dec 9999 23:59:59 -1400", "2018-11-06T08:00:00Z")
RANGES = ("bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0", "bytes=5-1", "bytes=9999999999-", "bytes=" + "9" * 5000 + "-", "bytes",
    "bytes=0-" + "9" * 30, "bytes=٣-", "bytes=0-1,2-3", "lines=0-1", "bytes=-", "bytes=--1")
HEADERS = ("range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "content-type", "content-md5", "accept",
    "x-oss-forbid-overwrite", "x-oss-range-behavior", "x-oss-meta-a", "x-oss-copy-source-range", "x-batchcompute-challenge",
    "x-oss-copy-source-if-modified-since", "x-oss-copy-source-if-match", "x-acs-version", "x-acs-other")
GOOD = {"Name": "n", "Type": "DAG", "ClusterId": "@cluster", "ImageId": "img-ubuntu", "Platform": "Linux", "CommandLine": "true", "Image": "",
    "ECSImageId": "img-ubuntu", "DesiredVMCount": 1, "Destination": "/in/", "Source": "oss://fuzz0/in/", "AppName": "fuzz", "Priority": 1, "ResourceType": "OnDemand", "EcsImageId": "m"}
"""Correct values of fields. Other fields take an empty text, a one or an empty list."""
NAMES = {"Tasks": "t", "Groups": "g", "InputMapping": "oss://fuzz0/i", "Inputs": "p", "Dependencies": "t"}
NEEDED = frozenset({"DAG", "App", "Tasks", "Parameters", "Command", "Groups", "VM", *GOOD}) - {"Image"}
EITHER = {"ClusterId": "AutoCluster", "VM": "Docker"}
"""Pairs of fields that exclude each other."""
# Requests to object storage: method, query, and whether the request names a bucket only.
OBJECTS = (*[("PUT", "", 0)] * 6, *[("GET", "", 0)] * 3, ("HEAD", "", 0), *[("DELETE", "", 0)] * 2, *[("COPY", "", 0)] * 2,
    *[("GET", "prefix=@&delimiter=@&marker=@&max-keys=@&encoding-type=@", 1)] * 3, ("POST", "uploads", 0), ("POST", "delete", 1),
    *[("GET", "list-type=2&prefix=@&start-after=@&continuation-token=@&max-keys=@&delimiter=@&encoding-type=@", 1)] * 2,
    *[("PUT", "uploadId=@&partNumber=@", 0)] * 2, ("COPY", "uploadId=@&partNumber=@", 0), ("POST", "uploadId=@", 0),
    ("DELETE", "uploadId=@", 0), ("GET", "uploadId=@", 0), ("GET", "uploads", 1), ("GET", "acl", 0), ("GET", "objectMeta", 0),
    ("GET", "response-content-type=@&response-content-disposition=@", 0), ("GET", "acl", 1), ("GET", "bucketInfo", 1), ("GET", "stat", 1),
    ("GET", "location", 1), ("HEAD", "", 1), ("PUT", "", 1), ("DELETE", "", 1), ("PUT", "tagging", 0), ("GET", "@=@&versionId=@", 0))
XML = (b"<a>" * 20_000 + b"</a>" * 20_000, b"<a " * 9000, b"", b"<Delete/>", b"<a/>" * 90_000, b"<Delete><Object><Key></Key></Object></Delete>",
    b'<!DOCTYPE x [<!ENTITY a "aaaa">]><Delete><Object><Key>&a;</Key></Object></Delete>', b"<Delete><Key>&#0;&#xd800;&#xffff;</Key></Delete>",
    "<?xml version='1.0' encoding='utf-16'?><Delete/>".encode("utf-16"), "<Delete><Key>é</Key></Delete>".encode("latin-1"),
    b"<?xml version='1.0' encoding='utf-7'?><Delete><Key>k1</Key></Delete>", b"<Delete>" + b"<Object><Key>k</Key></Object>" * 1100 + b"</Delete>",
    *(f"<C><Part><PartNumber>{odd}</PartNumber><ETag>{odd}</ETag></Part></C>".encode() for odd in ("1", "0", "-1", "9" * 5000, "٣", "")))
BAD = (b"GET /jobs HTTP/1.1\r\n\r\n", b"GET /jobs HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET http://x/jobs HTTP/1.1\r\nHost: x\r\n\r\n",
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
