"""A typed Python SDK for BatchCompute, and a service that runs its jobs."""

from __future__ import annotations

from os.path import exists as _exists
from typing import TYPE_CHECKING as _TYPE_CHECKING

from batchcompute._lazy import lazy_names as _lazy_names
from batchcompute._version import __version__

if _TYPE_CHECKING:
    from collections.abc import Callable as _Callable

    from batchcompute import client as client
    from batchcompute import core as core
    from batchcompute import errors as errors
    from batchcompute import resources as resources
    from batchcompute import service as service
    from batchcompute import types as types
    from batchcompute import utils as utils
    from batchcompute.api.responses import (
        ActionResponse,
        CreateResponse,
        GetResponse,
        ListResponse,
        RawResponse,
    )
    from batchcompute.client import AsyncClient, Client
    from batchcompute.client.wait_errors import JobFailedError, WaitTimeout
    from batchcompute.errors import (
        Attempt,
        AuthenticationError,
        BatchComputeError,
        ClientError,
        ConfigError,
        ConnectError,
        FailedInstance,
        FieldError,
        ForbiddenError,
        InvalidParameterError,
        JSONError,
        JsonError,
        LogsUnavailable,
        NotFoundError,
        OutcomeUnknown,
        Problem,
        ProtocolError,
        QuotaError,
        ResponseError,
        ResponseTooLarge,
        ServerError,
        StateConflictError,
        ThrottledError,
        TLSError,
        TransportError,
        TransportTimeout,
        UnknownFieldWarning,
        ValidationError,
    )
    from batchcompute.http.oss import InstanceLogs
    from batchcompute.http.retry import RetryPolicy
    from batchcompute.http.signing import Credentials
    from batchcompute.http.timeouts import Timeout
    from batchcompute.models.base import Jsonizable
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
        LOCAL,
        US_EAST_1,
        US_WEST_1,
    )

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
    "LOCAL",
    "US_EAST_1",
    "US_WEST_1",
    "ActionResponse",
    "AsyncClient",
    "Attempt",
    "AuthenticationError",
    "BatchComputeError",
    "Client",
    "ClientError",
    "ConfigError",
    "ConnectError",
    "CreateResponse",
    "Credentials",
    "FailedInstance",
    "FieldError",
    "ForbiddenError",
    "GetResponse",
    "InstanceLogs",
    "InvalidParameterError",
    "JSONError",
    "JobFailedError",
    "JsonError",
    "Jsonizable",
    "ListResponse",
    "LogsUnavailable",
    "NotFoundError",
    "OutcomeUnknown",
    "Problem",
    "ProtocolError",
    "QuotaError",
    "RawResponse",
    "ResponseError",
    "ResponseTooLarge",
    "RetryPolicy",
    "ServerError",
    "StateConflictError",
    "TLSError",
    "ThrottledError",
    "Timeout",
    "TransportError",
    "TransportTimeout",
    "UnknownFieldWarning",
    "ValidationError",
    "WaitTimeout",
    "__version__",
]

_MODULES = {
    "errors": (
        "Attempt AuthenticationError BatchComputeError ClientError ConfigError ConnectError "
        "FailedInstance FieldError ForbiddenError InvalidParameterError JSONError JobFailedError "
        "JsonError LogsUnavailable NotFoundError OutcomeUnknown Problem ProtocolError QuotaError "
        "ResponseError ResponseTooLarge ServerError StateConflictError TLSError ThrottledError "
        "TransportError TransportTimeout UnknownFieldWarning ValidationError WaitTimeout"
    ),
    "models.base": "Jsonizable",
    "regions": (
        "AP_SOUTHEAST_1 AP_SOUTHEAST_2 CN_BEIJING CN_CHENGDU CN_HANGZHOU CN_HONGKONG CN_HUHEHAOTE "
        "CN_QINGDAO CN_SHANGHAI CN_SHENZHEN CN_ZHANGJIAKOU EU_CENTRAL_1 LOCAL US_EAST_1 US_WEST_1"
    ),
    "api.responses": "ActionResponse CreateResponse GetResponse ListResponse RawResponse",
    "http.oss": "InstanceLogs",
    "http.retry": "RetryPolicy",
    "http.signing": "Credentials",
    "http.timeouts": "Timeout",
    "client": "AsyncClient Client",
}
# Programs use `batchcompute.resources.…` after a bare `import batchcompute`.
_SUBMODULES = frozenset({"client", "core", "errors", "resources", "service", "types", "utils"})


def __dir__() -> list[str]:
    return sorted({*__all__, *_SUBMODULES})


if _exists(f"{__path__[0]}/core/api.py"):  # noqa: PTH110 - pathlib takes longer to import
    # Only the vendor's distribution has this file. To look for it takes a few microseconds.
    from warnings import warn as _warn

    from batchcompute.errors.installation import both_installed as _both_installed

    _warn(_both_installed(), stacklevel=2)


_load: _Callable[[str], object] = _lazy_names(__name__, _MODULES, _SUBMODULES)

if not _TYPE_CHECKING:
    __getattr__ = _load
