"""``/activities/{id}/``: the report of an activity, one athlete at a time. No script but for
the charts, which read the public API with a read token of the session.
"""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import orjson
from flask import Response, request
from sqlalchemy.orm import Session

from core.api import figures, summary_sections
from core.api.activity_sections import Section, sections, summary
from core.api.activity_tables import Words, series_table
from core.api.live_page import pitch_of
from core.api.platform import platform
from core.api.series import drawn, windows
from core.auth import web
from core.errors import NotFound
from core.pipeline import export
from core.policy import Actor
from core.services import computed, report, series
from core.services.report import Line, Report

LONGEST = 10  # digits of an edition's number
TABLE_ROWS = 120  # of the series, for who has no script
SOURCES = {
    "params": "this time frame",
    "athlete": "the athlete's parameters",
    "profile": "the athlete's profile",
    "activity": "the activity",
    "estimate": "estimated",
    "default": "default",
    "unset": "not set",
}

blueprint = web.blueprint("activity", __name__, url_prefix="/activities/<int:activity>")


@blueprint.get("/")
def show(activity: int) -> Any:
    actor, app = web.required(), platform()
    found = app.db.read(lambda s: report.of_activity(s, actor, app.registry, activity))
    zone = figures.Zone(str(found.activity.json.get("timezone") or "UTC"))
    chosen = _chosen(found)
    values: dict[str, Any] = {"report": found, "zone": zone, "chosen": chosen, "figures": figures}
    if chosen is not None and chosen.document is not None:
        document, editions = _edition(actor, chosen, chosen.document)
        values |= _results(chosen, document, zone) | {"editions": editions}
    if found.summary is not None:
        values["together"] = _together(found, found.summary, zone)
    placed = found.owned and found.activity.json
    return web.moving_page(
        "activity.html", pitch=json.dumps(pitch_of(placed) if placed else None), **values
    )


def _chosen(found: Report) -> Line | None:
    """The time frame that the address names, else the first with results, else the first."""
    asked = request.args.get("timeframe", "")
    by_id = {str(line.timeframe): line for line in found.lines}
    if asked:
        if asked not in by_id:
            raise NotFound("no such time frame of this activity, or none that you may read")
        return by_id[asked]
    read = (line for line in found.lines if line.document and line.document.get("edition"))
    return next(read, found.lines[0] if found.lines else None)


def _together(found: Report, summary: Mapping[str, Any], zone: figures.Zone) -> list[Section]:
    declared = platform().registry.activity_metrics(found.sport)
    words = Words(declared.metrics if declared is not None else ())
    names = {line.athlete: line.name for line in found.lines}
    return summary_sections.sections(summary, words, zone, names)


def _edition(
    actor: Actor, line: Line, newest: Mapping[str, Any]
) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
    """The document of the edition that the address names, else the newest; and all editions, where
    there are several.
    """
    app, asked, frame = platform(), request.args.get("edition", ""), line.timeframe
    if asked and not (asked.isascii() and asked.isdecimal() and len(asked) < LONGEST):
        raise NotFound("an edition is a whole number")
    if newest.get("edition", 0) < 2:
        return newest, []

    def read(session: Session) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
        listed = computed.editions(session, actor, app.registry, frame)
        if not asked:
            return newest, listed
        return computed.edition(session, actor, frame, int(asked)), listed

    return app.db.read(read)


def _results(line: Line, document: Mapping[str, Any], zone: figures.Zone) -> dict[str, Any]:
    registry = platform().registry
    sport = registry.sports.get(line.sport)
    words = Words(sport.metrics if sport is not None else ())
    parameters = [
        (name.replace("_", " "), figures.plain(one["value"]), SOURCES.get(source, source))
        for name, one in document.get("parameters", {}).items()
        if (source := one["source"]) != "unset"
    ]
    unset = [
        name.replace("_", " ")
        for name, one in document.get("parameters", {}).items()
        if one["source"] == "unset"
    ]
    return {
        "document": document,
        "summary": summary(document),
        "sections": sections(document, words, zone),
        "notes": [(words.title(note["key"]), note["reason"]) for note in document["notes"]],
        "graded": [
            (words.title(key), one["level"], one["reasons"])
            for key, one in document["quality"].get("metrics", {}).items()
        ],
        "parameters": parameters,
        "unset": unset,
        "versions": _versions(document, words),
        "moved": _moved(document.get("moved"), words),
    }


def _moved(moved: Mapping[str, Any] | None, words: Words) -> list[tuple[str, str, str]]:
    """What an edition changed of the one before: title, before, after."""
    if moved is None:
        return []
    numbers = [
        (
            words.title(one["key"]),
            figures.with_unit(one["before"], words.quantity(one["key"])),
            figures.with_unit(one["after"], words.quantity(one["key"])),
        )
        for one in moved["changes"]
    ]
    return numbers + [(words.title(key), "", "changed") for key in moved["keys"]]


def _versions(document: Mapping[str, Any], words: Words) -> list[tuple[int, str]]:
    """Version → the metrics that have it, so that what is alike stands once."""
    by_version: dict[int, list[str]] = {}
    for key, version in document.get("metrics", {}).items():
        by_version.setdefault(version, []).append(words.title(key))
    return [(version, ", ".join(titles)) for version, titles in sorted(by_version.items())]


@blueprint.get("/timeframes/<int:timeframe>/series/")
def table(activity: int, timeframe: int) -> Any:
    """The numbers of the charts, for who has no script."""
    actor, app = web.required(), platform()
    found = app.db.read(lambda s: report.of_activity(s, actor, app.registry, activity))
    line = next((one for one in found.lines if one.timeframe == timeframe), None)
    if line is None:
        raise NotFound("no such time frame of this activity, or none that you may read")
    zone = figures.Zone(str(found.activity.json.get("timezone") or "UTC"))
    found_series = drawn(app, actor, timeframe, None, None, TABLE_ROWS)
    return web.page(
        "activity_series.html",
        report=found,
        line=line,
        zone=zone,
        bucket=found_series["bucket"],
        series=series_table(found_series, zone),
        figures=figures,
    )


@blueprint.get("/timeframes/<int:timeframe>/computed.json")
def computed_json(activity: int, timeframe: int) -> Response:
    """The computed document as a file."""
    actor, app = web.required(), platform()
    document = app.db.read(lambda s: computed.of_timeframe(s, actor, app.registry, timeframe))
    body = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    return _file(body, f"timeframe-{timeframe}.json", "application/json")


@blueprint.get("/timeframes/<int:timeframe>/samples.csv")
def samples_csv(activity: int, timeframe: int) -> Response:
    """The samples as they were measured, as a file; written as it is read."""
    actor, app = web.required(), platform()
    planned = app.db.read(lambda s: series.plan(s, actor, timeframe, None, None))

    def lines() -> Iterator[bytes]:
        yield export.HEAD
        for columns in windows(app, planned, set(export.COLUMNS)):
            yield app.offload(partial(export.rows, columns))

    return _file(lines(), f"timeframe-{timeframe}.csv", "text/csv; charset=utf-8")


def _file(body: Any, name: str, media: str) -> Response:
    answer = Response(body, content_type=media)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
