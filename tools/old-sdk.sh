#!/usr/bin/env bash
# Run the old SDK's own tests with this package, and the old SDK itself through a session with `batchcompute
# serve` and through the calls of tests/wire/arguments.json. All are fetched now and never committed.
set -euo pipefail
cd "$(dirname "$0")/.."
old=.venv/old-sdk
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || { kill "$server"; wait "$server" || true; }; rm -rf "$work"' EXIT

if [ ! -x "$old/bin/python" ]; then
    python3 -m venv "$old"
    "$old/bin/python" -m pip install -q 'wheel<1' 'setuptools<81'
    # Its setup.py fetches an ancient setuptools unless it builds with what is there.
    "$old/bin/python" -m pip install -q --no-build-isolation --no-deps 'batchcompute==2.1.7'
fi
"$old/bin/python" -m pip download -q --no-binary :all: --no-build-isolation --no-deps -d "$work" 'batchcompute==2.1.7'
.venv/bin/python tools/old_sdk_tests.py "$work/batchcompute-2.1.7.tar.gz"
"$old/bin/python" tools/old_sdk_arguments.py

export ALIBABA_CLOUD_ACCESS_KEY_ID=old-id ALIBABA_CLOUD_ACCESS_KEY_SECRET=old-secret
.venv/bin/batchcompute serve --port 0 --data-dir "$work/data" --log-level WARNING >"$work/said" &
server=$!
for _ in $(seq 200); do
    grep -q "is served at" "$work/said" && break
    sleep 0.05
done
port=$(sed -n 's/.* is served at .*:\([0-9]*\)$/\1/p' "$work/said")
"$old/bin/python" tools/old_sdk_session.py "$port"
