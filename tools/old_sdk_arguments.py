"""Compares the requests of the old SDK for unusual arguments with tests/wire/arguments.json; old-sdk.sh runs it."""

# It runs with the Python of the old SDK. With ``--write``, it writes the file.

import http.server
import json
import sys
import threading
from pathlib import Path

from batchcompute import Client

FILE = Path(__file__).resolve().parent.parent / "tests" / "wire" / "arguments.json"
KEYS = ("id", "secret")
JOB = {
    "Name": "n",
    "Priority": 1,
    "Type": "DAG",
    "JobFailOnInstanceFail": True,
    "DAG": {"Tasks": {"t": {"ClusterId": "c", "Parameters": {"Command": {"CommandLine": "x"}}}}},
}
IMAGE = {"Name": "i", "EcsImageId": "m-1", "Platform": "Linux"}
VALUES = [
    "a",
    " a ",
    "\ta\n",
    "a\n",
    "a b",
    "a/b",
    "a,b",
    "a?b",
    "a%20b",
    "..",
    "a\xa0",
    "\u4e2d",
    "\x7f",
    "\ud800",
]
VALUES += [
    "",
    "  ",
    "System",
    " System ",
    "system",
    "Self",
    "Private",
    "Public",
    "True",
    "7",
    None,
    0,
    7,
    True,
    ["a"],
]

# Name of the argument, the call, and its arguments with "?" in place of the value.
CALLS = [
    ("state", "list_jobs", ["", 50, "?"], {}),
    ("state", "list_jobs", ["", 50], {"state": "?"}),
    ("State", "list_jobs", ["", 50], {"State": "?"}),
    ("cluster_id", "list_jobs", ["", 50, "", "?"], {}),
    ("ClusterId", "list_jobs", ["", 50], {"ClusterId": "?"}),
    ("project_id", "list_jobs", ["", 50, "", "", "?"], {}),
    ("ProjectId", "list_jobs", ["", 50], {"ProjectId": "?"}),
    ("OrderBy", "list_jobs", ["", 50], {"OrderBy": "?"}),
    ("IsReverse", "list_jobs", ["", 50], {"IsReverse": "?"}),
    ("marker", "list_jobs", ["?", 50], {}),
    ("max_item_count", "list_jobs", ["", "?"], {}),
    ("state", "list_tasks", ["j", "", 50, "?"], {}),
    ("State", "list_tasks", ["j", "", 50], {"State": "?"}),
    ("cluster_id", "list_tasks", ["j", "", 50, "", "?"], {}),
    ("ClusterId", "list_tasks", ["j", "", 50], {"ClusterId": "?"}),
    ("marker", "list_tasks", ["j", "?", 50], {}),
    ("state", "list_instances", ["j", "t", "", 50, "?"], {}),
    ("State", "list_instances", ["j", "t", "", 50], {"State": "?"}),
    ("marker", "list_instances", ["j", "t", "?", 50], {}),
    ("type_", "list_images", ["", 50, "?"], {}),
    ("marker", "list_images", ["?", 50], {}),
    ("marker", "list_clusters", ["?", 50], {}),
    ("marker", "list_cluster_instances", ["c", "g", "?", 50], {}),
    ("scope", "list_apps", ["?"], {}),
    ("marker", "list_apps", ["Private", "?"], {}),
    ("scope", "get_app", ["a", "?"], {}),
    ("qualifier", "get_app_detail", ["a", "?"], {}),
    ("qualifier", "delete_app", ["a", "?"], {}),
    ("job", "get_job", ["?"], {}),
    ("job", "get_job_description", ["?"], {}),
    ("job", "stop_job", ["?"], {}),
    ("job", "start_job", ["?"], {}),
    ("job", "delete_job", ["?"], {}),
    ("task_name", "get_task", ["j", "?"], {}),
    ("instance_id", "get_instance", ["j", "t", "?"], {}),
    ("cluster", "get_cluster", ["?"], {}),
    ("cluster", "delete_cluster", ["?"], {}),
    ("group_name", "get_cluster_instance", ["c", "?", "i"], {}),
    ("machine", "get_cluster_instance", ["c", "g", "?"], {}),
    ("machine", "recreate_cluster_instance", ["c", "g", "?"], {}),
    ("machine", "delete_cluster_instance", ["c", "g", "?"], {}),
    ("image", "get_image", ["?"], {}),
    ("image", "delete_image", ["?"], {}),
    ("app_name", "get_app", ["?"], {}),
    ("app_name", "get_app_revisions", ["?"], {}),
    ("token", "create_job", [JOB, "?"], {}),
    ("token", "create_image", [IMAGE, "?"], {}),
    ("priority", "change_job_priority", ["j", "?"], {}),
    ("strategy", "change_cluster_spot_config", ["c", "g", "?"], {}),
    ("price_limit", "change_cluster_spot_config", ["c", "g"], {"price_limit": "?"}),
    ("count", "change_cluster_desired_vm_count", ["c"], {"g": "?"}),
    ("data", "change_cluster_user_data", ["c", "?"], {}),
    ("UserData", "change_cluster_user_data", ["c", {"a": "?"}], {}),
    ("EnvVars", "change_cluster_env_vars", ["c", {"a": "?"}], {}),
    ("InputMapping", "change_cluster_input_mapping", ["c", {"oss://b/k/": "?"}], {}),
    ("access_key_id", "Client", ["?", "secret"], {}),
    ("access_key_secret", "Client", ["id", "?"], {}),
    ("security_token", "Client", ["id", "secret", "?"], {}),
    ("header", "Client", ["id", "secret"], {"X-A": "?"}),
    ("version", "set_version", ["?"], {}),
]


def filled(part, value):
    if isinstance(part, dict):
        return {key: filled(inner, value) for key, inner in part.items()}
    if isinstance(part, list):
        return [filled(inner, value) for inner in part]
    return value if part == "?" else part


SENT = []
USUAL = {"x-acs-access-key-id": "id", "x-acs-version": "2015-11-11"}


class Handler(http.server.BaseHTTPRequestHandler):
    """Records the method, target, body and unusual headers of every request."""

    def do_GET(self):
        """Answer a request of any method."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        names = ("x-acs-access-key-id", "x-acs-security-token", "x-acs-version", "x-a")
        headers = {name: self.headers[name] for name in names if name in self.headers}
        unusual = {name: value for name, value in headers.items() if USUAL.get(name) != value}
        SENT.append([self.command, self.path, json.loads(body) if body else None, unusual])
        reply = b'{"Items": [], "NextMarker": "", "Id": "x", "Name": "x"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_):
        """Log nothing."""


def record(call, arguments, keywords):
    """Return what the old SDK sends; None if it raises an error before it sends a request."""
    SENT.clear()
    client = Client("127.0.0.1", *KEYS)
    try:
        if call == "Client":
            Client("127.0.0.1", *arguments, **keywords).get_quotas()
        elif call == "set_version":
            client.set_version(*arguments)
            client.get_quotas()
        else:
            getattr(client, call)(*arguments, **keywords)
    except Exception:  # noqa: BLE001
        pass
    finally:
        # All clients share it.
        client.set_version("2015-11-11")
    return SENT[0] if SENT else None


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Client.register_region("local", "127.0.0.1", server.server_address[1])
    found = []
    for argument, call, arguments, keywords in CALLS:
        for value in VALUES:
            given = [filled(arguments, value), filled(keywords, value)]
            sent = record(call, *given)
            if sent is not None:
                found.append([argument, call, *given, sent])
    server.shutdown()
    lines = ",\n".join(json.dumps(row) for row in found)
    text = f"[\n{lines}\n]\n"
    if "--write" in sys.argv[1:]:
        FILE.write_text(text, "utf-8")
    elif FILE.read_text("utf-8") != text:
        sys.exit(f"the old SDK sends something else than {FILE.name} says")
    print(f"{len(found)} calls with odd arguments send the requests of {FILE.name}")


main()
