"""A page per sport (docs/sports/<sport>.md): its parameters, its metrics and an example document.

Such a page begins with words written by hand; what follows MARK is what the sport declares, and
``python -m core.sport.guide docs/sports`` writes it anew, with the index and the dictionary.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

from core.sport.contract import Metric, Sport
from core.sport.dictionary import dictionary, dictionary_page
from core.sport.hooks import GROUP
from core.sport.registry import Registry, registry

WIDTH = 100  # columns of the example
ITEMS = 2  # shown of a list
MEMBERS = 3  # shown of an object that says the same of each parameter or metric
PER_NAME = frozenset({"parameters", "metrics", "channels"})

MARK = "<!-- From here on written by `python -m core.sport.guide docs/sports`; do not edit. -->"
ANNOTATIONS = {"ascending": "ascending", "zero_is_unset": "0 is unset"}

MORE = (
    "[metrics.md](metrics.md) is the dictionary of all metrics, [quality.md](quality.md) says "
    "how results are graded by their samples, [adding-a-metric.md](adding-a-metric.md) how to add "
    "one, [adding-a-sport.md](adding-a-sport.md) how to add a sport, "
    "[cross-checks.md](cross-checks.md) compares them with other libraries'."
)

Schema = Mapping[str, Any]


# Parameters


def _type(field: Schema) -> str:
    """The JSON types that a value may have, in words."""
    kinds = field.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    if "array" in kinds and _type(field.get("items", {})):
        kinds[kinds.index("array")] = f"list of {_type(field['items'])}"
    return " or ".join(kinds)


def _bounds(field: Schema) -> list[str]:
    low = field.get("minimum", field.get("exclusiveMinimum"))
    high = field.get("maximum", field.get("exclusiveMaximum"))
    above = "above " if "exclusiveMinimum" in field else ""
    below = "below " if "exclusiveMaximum" in field else ""
    if low is None and high is None:
        return []
    if high is None:
        return [f"{above or 'from '}{low}"]
    return [f"{below or 'to '}{high}"] if low is None else [f"{above}{low} to {below}{high}"]


def _size(field: Schema, least: str, most: str, noun: str) -> list[str]:
    low, high = field.get(least), field.get(most)
    if low is None and high is None:
        return []
    count = f"{low or 0}" if low == high else f"{low or 0} to {high}" if high else f"{low} or more"
    return [f"{count} {noun}"]


def _range(field: Schema) -> str:
    """What a value may be, in words: the schema's own bounds."""
    parts = [f"`{json.dumps(field['const'])}`"] if "const" in field else []
    parts += [", ".join(f"`{json.dumps(value)}`" for value in field.get("enum", ()))]
    parts += _bounds(field)
    parts += [" or ".join(text for each in field.get("anyOf", ()) if (text := _range(each)))]
    parts += _size(field, "minLength", "maxLength", "characters")
    parts += _size(field, "minItems", "maxItems", "items")
    parts += _of_items(field["items"]) if "items" in field else []
    parts += [item["title"] for item in field.get("prefixItems", ()) if "title" in item]
    parts += [text for name, text in ANNOTATIONS.items() if field.get(name)]
    return "; ".join(part for part in parts if part)


def _of_items(items: Schema) -> list[str]:
    names = ", ".join(f"`{name}`" for name in items.get("properties", {}))
    within = _range(items)
    return [f"each of {names}" if names else "", f"each {within}" if within else ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    body = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]
    return ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *body, ""]


def _parameters(schema: Schema) -> list[str]:
    rows = (
        (
            f"`{name}`",
            field["title"],
            _type(field),
            f"`{json.dumps(field['default'])}`" if "default" in field else "",
            _range(field),
        )
        for name, field in schema["properties"].items()
    )
    return _table(("parameter", "what it is", "type", "default", "range"), rows)


# Metrics


def _facts(metric: Metric, entry: Mapping[str, Any] | None) -> list[str]:
    """A metric's definition, boundary, source and what it uses."""
    uses: list[str] = []
    if entry is not None:
        stream = entry["stream"]
        uses += [f"`{name}`" for name in (*entry["inputs"], *entry["parameters"])]
        uses += [f"metric `{need}`" for need in entry["needs"]]
        uses += [f"stream `{stream}`"] if stream not in (None, "samples") else []
    lines = [
        f"### `{metric.key}`: {metric.title}",
        "",
        metric.definition,
        "",
        f"- unit: {metric.unit}; boundary: {metric.boundary}",
    ]
    lines += [f"- uses: {', '.join(uses)}"] if uses else []
    return [*lines, f"- source: {metric.citation}", ""]


def _glance(metrics: Iterable[Metric]) -> list[str]:
    rows = (
        (
            f"`{metric.key}`",
            metric.title,
            metric.unit,
            type(metric).__name__.lower(),
            metric.grade,
            str(metric.version),
        )
        for metric in metrics
    )
    return _table(("key", "title", "unit", "kind", "grade", "version"), rows)


# The example


def shortened(value: Any, name: str = "") -> Any:
    """A document with of each list its first items, and how many more there are."""
    if isinstance(value, dict):
        most = MEMBERS if name in PER_NAME else len(value)
        kept = {key: shortened(value[key], key) for key in list(value)[:most]}
        return kept | ({"…": f"{len(value) - most} more"} if len(value) > most else {})
    if isinstance(value, list):
        kept_items = [shortened(item) for item in value[:ITEMS]]
        return kept_items + ([f"… {len(value) - ITEMS} more"] if len(value) > ITEMS else [])
    return value


def written(value: Any, indent: int = 0) -> str:
    """JSON in which what fits on a line stands on one."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or indent + len(flat) <= WIDTH:
        return flat
    inner = indent + 2
    pad = " " * inner
    if isinstance(value, dict):
        open_, close = "{", "}"
        parts = [
            f"{json.dumps(key, ensure_ascii=False)}: {written(item, inner)}"
            for key, item in value.items()
        ]
    else:
        open_, close = "[", "]"
        parts = [written(item, inner) for item in value]
    body = ",\n".join(pad + part for part in parts)
    return f"{open_}\n{body}\n{' ' * indent}{close}"


def example(sport: str) -> Any:
    """The document of the recording that the sport's package ships (goldens/expected.json, which
    its tests fold anew); None where it ships none.
    """
    for point in entry_points(group=GROUP, name=sport):
        shipped = files(point.module).joinpath("goldens").joinpath("expected.json")
        if shipped.is_file():
            return json.loads(shipped.read_text("utf-8"))
    return None


# Pages


def _together(name: str, of: Registry) -> list[str]:
    found = of.activity_metrics(name)
    if found is None:
        return []
    lines = [
        "## Metrics of the activity",
        "",
        "Of all its time frames together, at `activities/{id}/summary/`.",
        "",
        *_glance(found.metrics),
    ]
    for metric in found.metrics:
        lines += _facts(metric, None)
    return lines


def _example(sport: Sport) -> list[str]:
    document = example(sport.name)
    if document is None:
        return []
    return [
        "## An example",
        "",
        "The computed document of the made recording that the sport ships, shortened: of a list "
        f"its first {ITEMS} items, of an object by name its first {MEMBERS} members.",
        "",
        "```json",
        written(shortened(document)),
        "```",
        "",
    ]


def sport_facts(name: str, of: Registry | None = None) -> str:
    """What the enabled sport of that name declares, as Markdown. Raises UnknownSport."""
    known = of or registry()
    sport = known.sport(name)
    entries = {entry["key"]: entry for entry in dictionary(known) if entry["sport"] == name}
    lines = [
        MARK,
        "",
        f"Version {sport.version} of the sport `{name}`: {len(sport.metrics)} metrics of a time "
        f"frame, listed [below](#metrics) in the order of the document. "
        "[quality.md](quality.md) says how each is graded by the samples that it rests on, "
        "[metrics.md](metrics.md) has the metrics of all sports.",
        "",
        "## Parameters of an activity",
        "",
        f"The `json` of an activity, schema `activity_{name}`.",
        "",
        *_parameters(sport.activity_schema),
        "## Parameters of a time frame",
        "",
        f"The `json` of a time frame, schema `timeframe_{name}`. What is not given is taken from "
        "the athlete's parameters of that day, from the athlete's profile, or is the default.",
        "",
        *_parameters(sport.timeframe_schema),
    ]
    if sport.definition:
        printed = ", ".join(f"`{preset}`" for preset in sport.definition)
        lines += [f"Printed in each document's `definition`: {printed}.", ""]
    lines += [
        "## Metrics",
        "",
        "Grade A is a published definition, reproduced; D is our own. C and D are estimates.",
        "",
        *_glance(sport.metrics),
    ]
    for metric in sport.metrics:
        lines += _facts(metric, entries[metric.key])
    lines += _together(name, known)
    lines += _example(sport)
    return "\n".join(lines)


def index_page(of: Registry) -> str:
    """The sports."""
    lines = [
        "# Sports",
        "",
        "Written by `python -m core.sport.guide docs/sports`; do not edit.",
        "",
    ]
    for name, sport in of.sports.items():
        together = of.activity_metrics(name)
        of_activity = f", {len(together.metrics)} of an activity" if together else ""
        lines += [f"- [{sport.title}]({name}.md): {len(sport.metrics)} metrics{of_activity}"]
    return "\n".join([*lines, "", MORE, ""])


def pages(directory: Path, of: Registry | None = None) -> dict[str, str]:
    """Text by file name: the index, the dictionary, and a page per enabled sport, which begins as
    the page in ``directory`` does.
    """
    known = of or registry()
    found = {"index.md": index_page(known), "metrics.md": dictionary_page(known)}
    for name, sport in known.sports.items():
        page = directory / f"{name}.md"
        head = page.read_text("utf-8").split(MARK)[0] if page.is_file() else f"# {sport.title}\n"
        found[page.name] = f"{head.rstrip()}\n\n{sport_facts(name, known)}"
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python -m core.sport.guide DIRECTORY")
    for file, text in pages(Path(sys.argv[1])).items():
        Path(sys.argv[1], file).write_text(text, "utf-8")
        sys.stdout.write(f"{file}\n")
