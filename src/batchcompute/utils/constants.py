"""The old SDK's constants; the tuples of types are for classes in its style (``descriptor_map``)."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from batchcompute.http.signing import API_VERSION
from batchcompute.regions import (
    AP_SOUTHEAST_1,
    AP_SOUTHEAST_2,
    CN_BEIJING,
    CN_CHENGDU,
    CN_HANGZHOU,
    CN_HONGKONG,
    CN_HUHEHAOTE,
    CN_QINGDAO,
    CN_SHANGHAI,
    CN_SHENZHEN,
    CN_ZHANGJIAKOU,
    EU_CENTRAL_1,
    US_EAST_1,
    US_WEST_1,
    get_regions,
)

__all__ = [
    "ANY",
    "API_VERSION",
    "AP_SOUTHEAST_1",
    "AP_SOUTHEAST_2",
    "CN_BEIJING",
    "CN_CHENGDU",
    "CN_HANGZHOU",
    "CN_HONGKONG",
    "CN_HUHEHAOTE",
    "CN_QINGDAO",
    "CN_SHANGHAI",
    "CN_SHENZHEN",
    "CN_ZHANGJIAKOU",
    "COLLECTION",
    "DEFAULT_LIST_ITEM",
    "ENDPOINT_INFO",
    "EU_CENTRAL_1",
    "FLOAT",
    "LOG_FILE_NAME",
    "LOG_FORMATTER",
    "LOG_LEVEL",
    "NUMBER",
    "PY2",
    "PY3",
    "PY25",
    "SECURITY_SERVICE_PORT",
    "SERVICE_PORT",
    "SERVICE_PORT_MOCKED",
    "STATE_MAP",
    "STRING",
    "TIME",
    "US_EAST_1",
    "US_WEST_1",
    "UTC_FORMAT",
]

PY2: Final = False
PY25: Final = False
PY3: Final = True

STRING: Final = (str, bytes, type(None))
"""Types of a text."""
NUMBER: Final = (int, float, type(None))
"""Types of a number."""
FLOAT: Final = (float, type(None))
"""Types of a number with a fraction."""
TIME: Final = (int, datetime, type(None), str, bytes)
"""Types of a time."""
ANY: Final = (str, bytes, type(None), int, float)
"""Types of a plain value."""
COLLECTION: Final = (list, tuple)
"""Types of a list."""

UTC_FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
"""How the service writes a time."""
STATE_MAP: Final = ["Init", "Waiting", "Running", "Finished", "Failed", "Stopped"]
"""States of a job."""
DEFAULT_LIST_ITEM: Final = 100
"""How many items `easy_list` fetches at a time."""
SERVICE_PORT: Final = 80
"""Port of plain HTTP."""
SERVICE_PORT_MOCKED: Final = 8888
"""Port of a service for tests; nothing here uses it."""
SECURITY_SERVICE_PORT: Final = 443
"""Port of TLS."""
ENDPOINT_INFO: Final = get_regions()
"""The live table of regions, from id to host."""
LOG_LEVEL: Final = logging.WARNING
"""Level of `get_logger`'s loggers where none was set."""
LOG_FILE_NAME: Final = "batchcompute_python_sdk.LOG"
"""A name for `get_logger`'s files; nothing here uses it."""
LOG_FORMATTER: Final = "[%(asctime)s]\t[%(levelname)s]\t[%(thread)d]\t[%(pathname)s:%(lineno)d]\t%(message)s"
"""How `get_logger`'s files look."""
