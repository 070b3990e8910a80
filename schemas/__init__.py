"""JSON Schemas shared by sports and surfaces, their loader and their validator.

A schema file may say ``{"$ref": "touchline:<file>#<name>", ...}``: the loader replaces it by that
entry of ``schemas/<file>.json``, keywords beside the reference winning, so that what clients fetch
is self-contained draft 2020-12. Three annotations of ours are known to the validator or to readers:
``ascending`` (items strictly rising), ``interval`` (``end_time`` after ``start_time``) and
``zero_is_unset`` (0 means that the parameter is not set).
"""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from schemas.validator import SchemaError, check, validate

__all__ = ["SchemaError", "check", "defaults", "load", "validate"]

PREFIX = "touchline:"


@lru_cache
def _fragments(name: str) -> dict[str, Any]:
    text = files("schemas").joinpath(f"{name}.json").read_text("utf-8")
    return dict(json.loads(text))


def _inline(node: Any) -> Any:
    if isinstance(node, list):
        return [_inline(item) for item in node]
    if not isinstance(node, dict):
        return node
    reference = node.get("$ref", "")
    if reference.startswith(PREFIX):
        file, _, name = reference.removeprefix(PREFIX).partition("#")
        beside = {key: value for key, value in node.items() if key != "$ref"}
        node = {**_fragments(file)[name], **beside}
    return {key: _inline(value) for key, value in node.items()}


def load(package: str, name: str) -> dict[str, Any]:
    """A package's schema file, self-contained and checked.

    Raises FileNotFoundError, KeyError for an unknown fragment, SchemaError for an invalid schema.
    """
    schema = _inline(json.loads(files(package).joinpath(name).read_text("utf-8")))
    check(schema)
    return dict(schema)


def defaults(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Top-level properties that have a default, with it."""
    for name, field in schema.get("properties", {}).items():
        if "default" in field:
            yield name, field["default"]
