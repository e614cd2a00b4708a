#!/usr/bin/env bash
# Tests the package with the lowest versions that pyproject.toml allows, in an environment of its own.
#
#     tools/lowest-dependencies.sh [TESTS…]    # the tests of the SDK and of the command line, without others
set -euo pipefail
cd "$(dirname "$0")/.."

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
extras=(progress credentials cli serve storage otel)
python3 tools/lowest_versions.py "${extras[@]}" >"$folder/lowest.txt"
python3 -m venv "$folder/venv"
python=$folder/venv/bin/python
$python -m pip install -q -c "$folder/lowest.txt" ".[$(IFS=,; echo "${extras[*]}")]"
# What only the tests need may be new.
$python -m pip install -q -c "$folder/lowest.txt" \
    pytest pytest-asyncio pytest-xdist respx hypothesis httpx2 jsonschema opentelemetry-sdk fastapi
$python -m pip freeze | grep -iE '^(pydantic|httpx|tenacity|click|starlette|uvicorn)=='
tests=("$@")
[ $# -gt 0 ] || tests=(tests/models tests/client tests/wire)
$python -m pytest -q "${tests[@]}"
