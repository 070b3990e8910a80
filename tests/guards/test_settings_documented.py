"""docs/configuration.md and the table of settings are one."""

import re
from pathlib import Path

from core.config import PREFIX, SETTINGS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
ROW = re.compile(rf"^\| `{PREFIX}(\w+)` \| (?:`([^`]*)`)? ?\| (.+?) \|$", re.MULTILINE)


def test_the_page_lists_every_setting_with_its_default_and_meaning() -> None:
    listed = {name: (default, about) for name, default, about in ROW.findall(PAGE.read_text())}
    assert listed == {setting.name: (setting.default, setting.about) for setting in SETTINGS}
