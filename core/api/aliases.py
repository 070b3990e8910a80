"""Other spellings of the prefixes: one rewrite before routing (contract/touchline.md section 5).
They are in no document.
"""

from collections.abc import Callable, Iterable
from typing import Any

from core.api.contract import canonical

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Aliases:
    """WSGI middleware."""

    def __init__(self, app: Wsgi) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        environ["PATH_INFO"] = canonical(environ.get("PATH_INFO", ""))
        return self._app(environ, start_response)
