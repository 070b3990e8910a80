"""What every page must be, measured in the browser: readable, reachable, within its screen.

axe-core judges what it can compute of WCAG 2.0, 2.1 and 2.2 (A and AA) and of best practice. Its
wheel carries axe 4.4: what later versions made standard it has as ``experimental``, so that those
rules run too. ``FAULTS`` adds what it does not measure: targets of 44 px (2.5.5, which also holds
2.5.8), reflow (1.4.10), one h1 a page, headers of tables that say what they head.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from tests.browser.chromium import Page

WIDTHS = (390, 820, 1440)
THEMES = ("light", "dark")
ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts" / "pages"

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
TAGS += ["best-practice", "experimental"]
# Rules of axe that do not run, each with its reason.
DISABLED: Mapping[str, str] = {
    "css-orientation-lock": "fetches the stylesheet by script, which the pages' policy refuses; it "
    "says nothing about orientation",
}

FAULTS = r"""
(() => {
  const faults = [], say = (what, e) => faults.push(what + ': ' + e.outerHTML.slice(0, 160));
  const shown = e => e.getClientRects().length && getComputedStyle(e).visibility !== 'hidden';
  const all = s => [...document.querySelectorAll(s)];
  if (all('h1').length !== 1) faults.push('not one h1');
  for (const e of all('th')) if (!e.scope) say('no scope', e);
  for (const e of all('button,input:not([type=hidden]),select,header a,.pages a').filter(shown)) {
    if (e.matches('.hidden,.skip')) continue;
    const r = e.getBoundingClientRect();
    if (r.height < 43.5) say('a target of ' + r.height + ' px', e);
  }
  if (document.documentElement.scrollWidth > innerWidth)
    faults.push('wider than its screen: ' + document.documentElement.scrollWidth);
  return faults;
})()
"""


@cache
def _axe() -> str:
    return (files("axe_core_python") / "axe.min.js").read_text()


def violations(page: Page) -> list[dict[str, Any]]:
    """What axe-core finds wrong with the page as it stands: rule, impact, elements, reason."""
    if not page.js("'axe' in window"):
        page.js(_axe() + ";0")
    options = {
        "runOnly": {"type": "tag", "values": TAGS},
        "rules": {rule: {"enabled": False} for rule in DISABLED},
        "resultTypes": ["violations"],
        "preload": False,
    }
    found = page.js(f"axe.run({orjson.dumps(options).decode()})")
    return [
        {
            "rule": one["id"],
            "impact": one["impact"],
            "targets": [node["target"] for node in one["nodes"]],
            "why": one["nodes"][0]["failureSummary"],
        }
        for one in found["violations"]
    ]


def look(page: Page, name: str) -> None:
    """Take its picture in every width and theme, and find nothing wrong in any. axe-core runs at
    both ends: what it finds hangs on the theme (contrast) or on the layout, not on their pair.
    """
    for width in WIDTHS:
        for theme in THEMES:
            page.show(width, theme)
            page.shot(ARTEFACTS / f"{name}-{width}-{theme}.png")
            assert (faults := page.js(FAULTS)) == [], (name, width, theme, faults)
            if (width, theme) in ((WIDTHS[0], THEMES[0]), (WIDTHS[-1], THEMES[-1])):
                assert violations(page) == [], (name, width, theme)
    page.show(WIDTHS[-1], THEMES[0])
