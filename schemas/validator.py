"""Validation with JSON-pointer errors, and what JSON Schema cannot say by itself."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from typing import Any
from zoneinfo import available_timezones

import jsonschema
from jsonschema.validators import extend

DETAIL_LIMIT = 300  # an instance may be a 5 MB string: it is never repeated whole

SchemaError = jsonschema.SchemaError


def _ascending(validator: Any, wanted: bool, instance: Any, schema: Any) -> Iterator[Any]:
    if not wanted or not isinstance(instance, list):
        return
    numbers = [x for x in instance if isinstance(x, int | float) and not isinstance(x, bool)]
    if len(numbers) != len(instance):
        return  # the items' own type error says so
    for index, (low, high) in enumerate(pairwise(numbers)):
        if not low < high:
            yield jsonschema.ValidationError(
                f"must be strictly ascending: {high} does not exceed {low}", path=[index + 1]
            )


def _interval(validator: Any, wanted: bool, instance: Any, schema: Any) -> Iterator[Any]:
    if not wanted or not isinstance(instance, dict):
        return
    try:
        moments = [datetime.fromisoformat(instance[name]) for name in ("start_time", "end_time")]
        empty = not moments[0] < moments[1]
    except (KeyError, TypeError, ValueError):
        return  # the properties' own errors say so
    if empty:
        yield jsonschema.ValidationError("must be after start_time", path=["end_time"])


FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@FORMATS.checks("timezone")
def _is_timezone(value: object) -> bool:
    return not isinstance(value, str) or value in _timezones()


@lru_cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


KEYWORDS = {"ascending": _ascending, "interval": _interval}
Validator: Any = extend(jsonschema.Draft202012Validator, KEYWORDS)


def check(schema: Mapping[str, Any]) -> None:
    """Raise SchemaError unless ``schema`` is a valid draft 2020-12 schema."""
    Validator.check_schema(schema)


def _pointer(parts: Iterator[Any] | list[Any]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _errors_of(error: Any) -> Iterator[dict[str, str]]:
    """One entry per fault; a missing or unknown property is pointed at itself."""
    path = list(error.absolute_path)
    if error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield {"pointer": _pointer([*path, name]), "detail": "is required"}
    elif error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        for name in error.instance:
            if name not in known:
                yield {"pointer": _pointer([*path, name]), "detail": "is not a known field"}
    elif error.validator == "anyOf":
        detail = error.schema.get("description", "has none of the allowed forms")
        yield {"pointer": _pointer(path), "detail": f"must be: {detail}"}
    elif error.validator in {"minLength", "maxLength", "format", "pattern"}:
        yield {
            "pointer": _pointer(path),
            "detail": f"breaks {error.validator} {error.validator_value}",
        }
    else:
        detail = error.message
        if len(detail) > DETAIL_LIMIT:
            detail = f"breaks {error.validator} {str(error.validator_value)[:DETAIL_LIMIT]}"
        yield {"pointer": _pointer(path), "detail": detail}


def validate(schema: Mapping[str, Any], document: Any) -> list[dict[str, str]]:
    """Every fault of ``document`` as ``{"pointer", "detail"}``, by pointer; [] when valid."""
    validator = Validator(schema, format_checker=FORMATS)
    found: dict[tuple[str, str], dict[str, str]] = {}
    for error in validator.iter_errors(document):
        for entry in _errors_of(error):
            found[entry["pointer"], entry["detail"]] = entry
    return [found[key] for key in sorted(found)]
