"""Which tests go to one of several processes together, and in which order the processes take them.

Long ones come first, so that no process is left alone with one at the end. What mostly waits
(browsers, platforms) is taken while another process computes.
"""

from collections import Counter
from collections.abc import Callable

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# One browser at a time: two starve each other's page. The platforms of tests/e2e/conftest.py are
# started in one process only.
BROWSER, PLATFORMS = "tests/browser/", "tests/e2e/"
# With platforms of their own.
ALONE = tuple(f"tests/e2e/test_{name}.py" for name in ("survival", "up", "trouble", "demo"))
FIRST = (
    "tests/browser/test_live.py",
    BROWSER,
    "tests/contract/test_rights_matrix.py",
    "tests/contract/test_contract_table.py",
    PLATFORMS,
    *ALONE,
    "tests/property/test_live_equals_final.py",
)


def together(nodeid: str) -> str:
    """The name of what is not divided: a file, or all of one kind."""
    file = nodeid.partition("::")[0]
    if file.startswith(BROWSER):
        return BROWSER
    return PLATFORMS if file.startswith(PLATFORMS) and file not in ALONE else file


def order(nodeids: list[str]) -> Callable[[str], tuple[int, int, str]]:
    """The key to sort by: what ``FIRST`` says, then the files with the most tests."""
    sizes = Counter(map(together, nodeids))

    def key(nodeid: str) -> tuple[int, int, str]:
        names = (nodeid.partition("::")[0], together(nodeid))
        place = next((n for n, name in enumerate(FIRST) if name in names), len(FIRST))
        return place, -sizes[names[1]], names[1]

    return key


class Queue(LoadFileScheduling):
    """xdist's, of what is ``together``, in the order of the collection."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)
