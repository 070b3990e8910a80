"""What every page must be, measured in the browser: readable, reachable, within its screen.

A part of WCAG 2.2 AA that can be computed: names of controls (1.3.1, 4.1.2), landmarks and headings
(1.3.1, 2.4.1, 2.4.2), language (3.1.1), contrast of text (1.4.3), reflow (1.4.10), targets of 44 px
(2.5.5), images with an alternative (1.1.1), ids that are unique.
"""

from pathlib import Path

from tests.browser.chromium import Page

WIDTHS = (390, 820, 1440)
THEMES = ("light", "dark")
ARTEFACTS = Path(__file__).resolve().parents[2] / "artefacts" / "pages"

FAULTS = r"""
(() => {
  const faults = [], say = (what, e) => faults.push(what + ': ' + e.outerHTML.slice(0, 160));
  const shown = e => e.getClientRects().length && getComputedStyle(e).visibility !== 'hidden';
  const all = s => [...document.querySelectorAll(s)];
  if (!document.documentElement.lang) faults.push('no language');
  if (!document.title.trim()) faults.push('no title');
  if (all('main').length !== 1) faults.push('not one main');
  if (all('h1').length !== 1) faults.push('not one h1');
  let last = 0;
  for (const h of all('h1,h2,h3,h4')) {
    if (+h.tagName[1] > last + 1) say('a heading level is left out', h);
    last = +h.tagName[1];
  }
  const ids = all('[id]').map(e => e.id);
  if (new Set(ids).size !== ids.length) faults.push('an id twice');
  for (const e of all('input:not([type=hidden]),select,textarea'))
    if (!e.labels.length && !e.ariaLabel) say('no label', e);
  for (const e of all('button,a'))
    if (!(e.innerText.trim() || e.ariaLabel)) say('no name', e);
  for (const e of all('img')) if (!e.hasAttribute('alt')) say('no alternative', e);
  for (const e of all('th')) if (!e.scope) say('no scope', e);
  for (const e of all('button,input:not([type=hidden]),header a,.pages a').filter(shown)) {
    if (e.matches('.hidden,.skip')) continue;
    const r = e.getBoundingClientRect();
    if (r.height < 43.5) say('a target of ' + r.height + ' px', e);
  }
  if (document.documentElement.scrollWidth > innerWidth)
    faults.push('wider than its screen: ' + document.documentElement.scrollWidth);
  const rgb = c => (c.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = c => {
    const [r, g, b] = rgb(c).slice(0, 3).map(v => (v /= 255) <= .03928 ? v / 12.92
      : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor, p = rgb(c);
      if (p.length < 4 || p[3] === 1) return c;
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? 'rgb(0,0,0)' : 'rgb(255,255,255)';
  };
  for (const e of all('body *').filter(shown)) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    const a = light(getComputedStyle(e).color), b = light(ground(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) say('contrast ' + ratio.toFixed(2), e);
  }
  return faults;
})()
"""


def look(page: Page, name: str) -> None:
    """Take its picture in every width and theme, and find nothing wrong in any."""
    for width in WIDTHS:
        for theme in THEMES:
            page.show(width, theme)
            page.shot(ARTEFACTS / f"{name}-{width}-{theme}.png")
            assert page.js(FAULTS) == [], (name, width, theme)
    page.show(WIDTHS[-1], "light")
