"""Other spellings of the same paths: one rewrite before routing (contract/touchline.md section 5).
They are in no document.
"""

from collections.abc import Callable, Iterable
from typing import Any

# Prefix asked for → prefix served; the first that fits. Four spellings of the sockets and two of
# the REST paths are on record (contract/insiders.md sections 0 and 4.1).
PREFIXES = (
    ("/v1/", "/api/v1/"),
    ("/ws/v1/", "/api/v1/ws/"),
    ("/api/ws/", "/api/v1/ws/"),
)

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def canonical(path: str) -> str:
    for asked, served in PREFIXES:
        if path.startswith(asked):
            return served + path.removeprefix(asked)
    return path


class Aliases:
    """WSGI middleware."""

    def __init__(self, app: Wsgi) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        environ["PATH_INFO"] = canonical(environ.get("PATH_INFO", ""))
        return self._app(environ, start_response)
