"""Hostile requests, most of them signed correctly so that they get past the admission."""

from __future__ import annotations

import json
import random
import re
from importlib.resources import files
from typing import Any
from urllib.parse import quote, quote_from_bytes
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from batchcompute.api.operations import OPERATIONS
from http_fuzzing import values
from http_fuzzing.connection import Attempt, Reply
from http_fuzzing.signatures import sign_api, sign_api3, sign_objects, to_bytes, wire

BUCKETS = ("fuzz0", "fuzz1", "fuzz2")

_SCHEMAS: dict[str, Any] = json.loads(
    files("batchcompute.service").joinpath("openapi.json").read_text("utf-8")
)["components"]["schemas"]


class Source:
    """Makes random requests.

    Args:
        seed: Seed of the random choices.
        cluster: Id of a cluster without machines, in which jobs wait.
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

    def learn(self, reply: Reply) -> None:
        """Remember an id, so that later requests name something that exists."""
        if reply.status not in (200, 201):
            return
        if found := re.search(rb'"Id": "((job|cls|img)-\w+)"', reply.body):
            kind = {b"job": "JobId", b"cls": "ClusterId", b"img": "ImageId"}[found[2]]
            self._ids[kind] = [*self._ids[kind][-20:], found[1].decode()]
        elif b"<InitiateMultipartUploadResult>" in reply.body:
            bucket, key, upload = (element.text or "" for element in ET.fromstring(reply.body))
            self._uploads = [*self._uploads[-20:], (f"/{bucket}/{quote(key)}", upload)]

    def _text(self) -> str:
        """Return an unusual text; half of a surrogate pair stands for a byte that is not UTF-8."""
        if self._often(0.5):
            return self._pick(values.TEXTS)
        top = self._pick((0x80, 0x300, 0x10000, 0x110000))
        letters = [chr(self._random.randrange(top)) for _ in range(self._random.randint(1, 9))]
        return "".join("\udcff" if "\ud800" <= letter < "\ue000" else letter for letter in letters)

    def _quoted(self, text: str, safe: str = "") -> str:
        """Percent-encode a text in one of several ways, a few of them wrong."""
        if self._often(0.03):
            return quote(text.encode("utf-8", "replace"), safe) + self._pick(("%", "%z", "%2", "+", "%2525"))
        if self._often(0.1):
            return "".join(f"%{byte:02x}" for byte in to_bytes(text))
        return quote_from_bytes(to_bytes(text), safe)

    def _make(self, schema: Any, name: str, odds: float) -> Any:
        """Return a value that fits a schema except in a few places."""
        schema = _SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
        kind, inner = schema.get("type"), schema.get("additionalProperties")
        if self._often(odds):
            # The service runs the programs of jobs, so their command lines are harmless texts.
            text = self._pick(values.TEXTS) if name == "CommandLine" else self._text()
            return self._pick((text, self._pick(values.NUMBERS), self._pick(list(values.RAW))))
        if "properties" in schema:
            fields: dict[str, Any] = schema["properties"]
            wanted = [key for key in fields if key in values.NEEDED or self._often(0.25)]
            for one, other in values.EITHER.items():
                if one in wanted and other in wanted and self._often(0.95):
                    wanted.remove(other)
            found = {key: self._make(fields[key], key, odds) for key in wanted if not self._often(odds / 3)}
            return {**found, self._text(): self._pick(values.NUMBERS)} if self._often(odds) else found
        if kind == "object":
            key = self._text() if self._often(odds) else values.NAMES.get(name, "/o")
            return {key: self._make(inner if isinstance(inner, dict) else {}, "", odds)}
        if kind == "array":
            return [self._make(schema.get("items", {}), "", odds)] if self._often(0.3) else []
        good = values.GOOD.get(name, {"integer": 1, "boolean": True}.get(kind, "" if kind else 0))
        return self._pick(schema["examples"]) if "examples" in schema and self._often(0.9) else good

    def _json(self, name: str) -> bytes:
        name = "AppJobDescription" if name == "JobDescription" and self._often(0.1) else name
        body = self._make(_SCHEMAS[name], "", self._pick((0, 0.02, 0.05, 0.3)))
        text = json.dumps(body, ensure_ascii=self._often(0.5)).replace("@cluster", self._cluster)
        for mark, raw in values.RAW.items():
            text = text.replace(f'"{mark}"', raw)
        data = text.encode("utf-8", "surrogatepass")
        if self._often(0.03):
            return text.encode(self._pick(("utf-16", "utf-32", "utf-8-sig", "utf-7", "cp037")), "replace")
        cut = self._random.randrange(len(data))
        return data[:cut] + self._random.randbytes(3) + data[cut + 3 :] if self._often(0.03) else data

    def _headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in self._random.sample(values.HEADERS, self._pick((0, 0, 1, 1, 2))):
            pool = (
                values.DATES
                if "since" in name
                else values.RANGES
                if "range" in name
                else (*values.ODD, self._text())
            )
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
        # "sync" waits for the job, and a job in a cluster without machines never ends.
        names = [name for name in row.query if name not in (*row.flags, "sync") and self._often(0.4)]
        given = [self._pick((*values.ODD, self._text())) if self._often(0.4) else "" for _ in names]
        pairs = [f"{name}={self._quoted(value)}" for name, value in zip(names, given, strict=True)]
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
            return self._pick(values.XML)
        keys = [escape(self._key(), {"\r": "&#13;"}).encode("utf-8", "replace") for _ in range(3)]
        return b"<Delete><Key>" + b"</Key><Key>".join(keys) + b"</Key></Delete>"

    def _object(self) -> Attempt:
        method, query, about_bucket = self._pick(values.OBJECTS)
        bucket = self._pick(BUCKETS) if self._often(0.97) else self._quoted(self._text())
        target = f"/{bucket}/" + ("" if about_bucket else self._quoted(self._key(), self._pick(("", "/"))))
        first, *others = query.split("@")
        query = first + "".join(
            self._quoted(self._pick((*values.ODD, self._key()))) + text for text in others
        )
        if "uploadId=" in query:
            known, upload = self._pick(self._uploads)
            target = known if self._often(0.9) else target
            number = self._pick(("1", "1", "2", "10000", self._pick(values.ODD)))
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
            return Attempt("GET", self._pick(values.BAD) + behind, False)
        good = self._pick((self._api, self._object))()
        # Not HEAD, because uvicorn logs a traceback for a malformed chunk there.
        if good.method != "HEAD" and self._often(0.2):
            # The signature is right, but the body is malformed or incomplete.
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
            # One byte is changed: usually a wrong signature, sometimes not HTTP.
            at = self._random.randrange(good.data.find(b"\r\n\r\n"))
            return Attempt(
                good.method, good.data[:at] + self._random.randbytes(1) + good.data[at + 1 :], False
            )
        pool = (
            *values.DATES,
            "acs id",
            "acs id:x",
            "OSS id:x",
            "OSS",
            "OSS4-HMAC-SHA256 Credential=id/2020/a/oss/x",
        )
        names, value = rb"(\r\n(?:authorization|date|x-acs-date|host)): [^\r]*", to_bytes(self._pick(pool))
        return Attempt(good.method, re.sub(names, lambda found: found[1] + b": " + value, good.data), False)
