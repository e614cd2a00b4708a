"""The old SDK's import path for its helpers; each has its place in one of the modules here."""

from __future__ import annotations

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
    add_region,
    get_all_region,
    get_api_version,
    get_region,
    gmt_time,
    iget,
    str_md5,
    utf8,
)
from batchcompute.utils.log import get_logger, set_log_level

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
    "ConfigError",
    "add_region",
    "get_all_region",
    "get_api_version",
    "get_logger",
    "get_region",
    "gmt_time",
    "iget",
    "set_log_level",
    "str_md5",
    "utf8",
]
