"""Reads settings from the command line, environment variables, and a TOML file."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from batchcompute.errors import ConfigError
from batchcompute.service.domain.instance_types import InstanceType
from batchcompute.service.settings import OPTIONS, Settings
from batchcompute.service.spelling import nearest

__all__ = ["CLIENT_VARIABLES", "load_settings"]

CLIENT_VARIABLES: Final = frozenset(
    {
        "BATCHCOMPUTE_ENDPOINT",
        "BATCHCOMPUTE_OSS_ENDPOINT",
        "BATCHCOMPUTE_REGION",
        "BATCHCOMPUTE_ENVIRONMENT_PIPE",
    }
)
"""Variables with the same prefix that are no settings of the service."""

_PREFIX: Final = "BATCHCOMPUTE_"
_VARIABLES: Final = {
    option.variable: option.name for option in OPTIONS.values() if "environment" in option.sources
}
_KEYS: Final = tuple(option.name for option in OPTIONS.values() if "file" in option.sources)
_TABLES: Final = ("serve", "instance_types", "engines")
_SHAPE: Final = "{ cores = 4, memory = 8 }"
_TYPE_KEYS: Final = ("cores", "memory", "gpus", "engine")

# Python refuses to read a text with thousands of digits.
_INTEGER: Final = re.compile(r"\s*[+-]?[0-9]{1,30}\s*")
_TRUE: Final = frozenset({"true", "1", "yes", "on"})
_FALSE: Final = frozenset({"false", "0", "no", "off"})


def load_settings(command_line: Mapping[str, object] | None = None) -> Settings:
    """Return the settings of a server: the command line beats the environment, and the environment the file.

    Args:
        command_line: The values on the command line, by name of the option. Texts are read as the option's type.

    Raises:
        ConfigError: A setting is unknown or not allowed, settings contradict each other, or the file cannot be
            read.
    """
    command_line = command_line or {}
    environment = _from_environment()
    config = str(command_line.get("config") or environment.get("config") or "")
    file = _from_file(config) if config else {}
    origins = {
        **{name: f"{name} in {config}" for name in file},
        **{name: OPTIONS[name].variable for name in environment},
        **{name: OPTIONS[name].flag for name in command_line},
    }
    texts = {**environment, **command_line}
    values = {**file, **{name: _value(name, text) for name, text in texts.items()}}
    return Settings.checked(values, origins, "command line")


def _value(name: str, text: object) -> object:
    """Read a text as the type of an option; what cannot be read stays text, and is refused by the model."""
    if not isinstance(text, str):
        return text
    kind = OPTIONS[name].kind
    if kind == "integer":
        return int(text) if _INTEGER.fullmatch(text) else text
    if kind == "flag":
        lower = text.strip().lower()
        return lower in _TRUE if lower in _TRUE | _FALSE else text
    return text.split(",") if kind == "list" else text


def _from_environment() -> dict[str, str]:
    """Return the texts of the environment variables that are settings.

    Raises:
        ConfigError: The name of a variable is almost the name of a setting, or of one that has no variable.
    """
    names = [name for name in os.environ if name.upper().startswith(_PREFIX)]
    for name in names:
        option = name.upper().removeprefix(_PREFIX).lower()
        if option in OPTIONS and name.upper() not in _VARIABLES:
            raise ConfigError(f"{name} cannot be set by a variable, only {_where(option)}")
        if name.upper() not in _VARIABLES and name.upper() not in CLIENT_VARIABLES:
            _refuse_misspelt(name)
    if not any(name.upper() in _VARIABLES for name in names):
        # The import takes a fifth of the time that a server needs to start.
        return {}
    from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

    class Variables(Settings, BaseSettings):
        model_config = SettingsConfigDict(enable_decoding=False)

    source = EnvSettingsSource(Variables, env_prefix=_PREFIX, env_ignore_empty=True)
    variables = cast("dict[str, str]", source())
    return {name: text for name, text in variables.items() if "environment" in OPTIONS[name].sources}


def _where(name: str) -> str:
    """Say where an option can be set that a source does not have."""
    if name == "instance_types":
        return "as the table [instance_types] of the file"
    return "on the command line" if "command line" in OPTIONS[name].sources else "by LocalService"


def _refuse_misspelt(variable: str) -> None:
    import difflib

    # Other programs may have variables with this prefix: only names that are almost right are errors.
    close = difflib.get_close_matches(variable.upper(), _VARIABLES, n=1, cutoff=0.9)
    if close:
        raise ConfigError(f"there is no setting {variable}; the nearest is {close[0]}")


def _from_file(path: str) -> dict[str, object]:
    """Return the options of a file, with its instance types.

    Raises:
        ConfigError: The file cannot be read, or contains an unknown table or key.
    """
    import tomllib

    try:
        # Editors on Windows put a mark at the start of the file.
        tables = tomllib.loads(Path(path).expanduser().read_text("utf-8-sig"))
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(f"the configuration {path} cannot be read: {error}") from None
    for name, value in tables.items():
        if name not in _TABLES:
            raise ConfigError(f"{path}: {_unknown(name, value)}")
        if not isinstance(value, dict):
            raise ConfigError(f"{path}: {name} must be a table, [{name}], not {value!r}")
    values: dict[str, object] = {}
    for key, value in _table(tables, "serve").items():
        name = key.replace("-", "_")
        if name in OPTIONS and name not in _KEYS:
            raise ConfigError(f"{path}: {key} cannot be set in [serve], only {_where(name)}")
        if name not in _KEYS:
            raise ConfigError(f"{path}: [serve] has no key {key!r}; the nearest is {nearest(name, _KEYS)!r}")
        if name in values:
            raise ConfigError(f"{path}: [serve] has {name!r} twice, with - and with _")
        values[name] = value
    types = _table(tables, "instance_types")
    if types:
        values["instance_types"] = tuple(_instance_type(name, types[name], path) for name in types)
    engines = _table(tables, "engines")
    for name, options in engines.items():
        if not isinstance(options, dict):
            raise ConfigError(f"{path}: [engines] {name} must be a table, [engines.{name}], not {options!r}")
    if engines:
        if "engine_options" in values:
            raise ConfigError(f"{path}: engine_options and [engines] set the same; use one of them")
        values["engine_options"] = engines
    return values


def _unknown(name: str, value: object) -> str:
    """Return what is wrong with a name at the top of the file."""
    if not isinstance(value, dict):
        key = name.replace("-", "_")
        near = key if key in _KEYS else nearest(key, _KEYS)
        return f"the key {name!r} stands above all tables; the nearest is {near!r}, in the table [serve]"
    return f"there is no table [{name}]; the nearest is [{nearest(name, _TABLES)}]"


def _table(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    return cast("dict[str, Any]", tables.get(name, {}))


def _instance_type(name: str, value: object, path: str) -> InstanceType:
    """Read one entry of ``[instance_types]``: ``name = { cores = 4, memory = 8 }``."""
    if not name:
        raise ConfigError(f"{path}: [instance_types] has a key that is empty: it must be the name of a type")
    place = f"{path}: [instance_types] {name}"
    if not isinstance(value, dict):
        raise ConfigError(f"{place} must be like {_SHAPE}, not {value!r}")
    table = cast("dict[str, object]", value)
    for key in table:
        if key not in _TYPE_KEYS:
            raise ConfigError(f"{place} has no key {key!r}; the nearest is {nearest(key, _TYPE_KEYS)!r}")
    cores, memory = table.get("cores"), table.get("memory")
    if isinstance(cores, bool) or not isinstance(cores, int) or cores <= 0:
        raise ConfigError(f"{place}: cores must be an integer, 1 or more, as in {_SHAPE}, not {cores!r}")
    if isinstance(memory, bool) or not isinstance(memory, (int, float)) or not 0 < memory < float("inf"):
        raise ConfigError(f"{place}: memory must be a number of GB above 0, as in {_SHAPE}, not {memory!r}")
    gpus, engine = table.get("gpus", 0), table.get("engine", "")
    if isinstance(gpus, bool) or not isinstance(gpus, int) or gpus < 0:
        raise ConfigError(f"{place}: gpus must be an integer, 0 or more, not {gpus!r}")
    if not isinstance(engine, str):
        raise ConfigError(f"{place}: engine must be the name of an engine, not {engine!r}")
    return InstanceType(name, cores, float(memory), gpus, engine)
