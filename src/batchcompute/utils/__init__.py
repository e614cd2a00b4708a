"""The old SDK's import path of its helper functions."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from batchcompute.errors import ConfigError
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
)
from batchcompute.utils.functions import (
    add_metaclass,
    add_region,
    get_all_region,
    get_api_version,
    get_region,
    gmt_time,
    iget,
    import_json,
    partial,
    str_md5,
    utf8,
)
from batchcompute.utils.log import get_logger, set_log_level

if TYPE_CHECKING:
    from batchcompute.utils import canonicalization as canonicalization
    from batchcompute.utils import functions as functions
    from batchcompute.utils import jsonizable as jsonizable
    from batchcompute.utils.canonicalization import CamelCasedClass, remap

__all__ = [
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
    "EU_CENTRAL_1",
    "US_EAST_1",
    "US_WEST_1",
    "CamelCasedClass",
    "ConfigError",
    "add_metaclass",
    "add_region",
    "get_all_region",
    "get_api_version",
    "get_logger",
    "get_region",
    "gmt_time",
    "iget",
    "import_json",
    "partial",
    "remap",
    "set_log_level",
    "str_md5",
    "utf8",
]


def _load(name: str) -> object:
    # These modules load all models, so a bare import does not load them.
    if name in ("canonicalization", "jsonizable"):
        return import_module(f"batchcompute.utils.{name}")
    if name in ("CamelCasedClass", "remap"):
        return getattr(import_module("batchcompute.utils.canonicalization"), name)
    raise AttributeError(f"module 'batchcompute.utils' has no attribute {name!r}")


if not TYPE_CHECKING:
    # With a `__getattr__`, a type checker accepts the import of any name.
    __getattr__ = _load
