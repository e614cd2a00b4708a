"""The constants of the old SDK."""

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

# The tuples of types are for classes in the style of the old SDK, which have a ``descriptor_map``.
STRING: Final = (str, bytes, type(None))
"""Types of a text."""
NUMBER: Final = (int, float, type(None))
"""Types of a number."""
FLOAT: Final = (float, type(None))
"""Types of a floating-point number."""
TIME: Final = (int, datetime, type(None), str, bytes)
"""Types of a time."""
ANY: Final = (str, bytes, type(None), int, float)
"""Types of a plain value."""
COLLECTION: Final = (list, tuple)
"""Types of a list."""

UTC_FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
"""Format of a time of the service."""
STATE_MAP: Final = ["Init", "Waiting", "Running", "Finished", "Failed", "Stopped"]
"""States of a job."""
DEFAULT_LIST_ITEM: Final = 100
"""Number of items that `easy_list` of the old SDK fetched at a time."""
SERVICE_PORT: Final = 80
"""Port of plain HTTP."""
SERVICE_PORT_MOCKED: Final = 8888
"""Port of a test service; this package does not use it."""
SECURITY_SERVICE_PORT: Final = 443
"""Port of TLS."""
ENDPOINT_INFO: Final = get_regions()
"""The registered regions, as a live mapping from id to host."""
LOG_LEVEL: Final = logging.WARNING
"""Default level of the loggers of `get_logger`."""
LOG_FILE_NAME: Final = "batchcompute_python_sdk.LOG"
"""Name of a log file; this package does not use it."""
LOG_FORMATTER: Final = "[%(asctime)s]\t[%(levelname)s]\t[%(thread)d]\t[%(pathname)s:%(lineno)d]\t%(message)s"
"""Format of the log files of `get_logger`."""
