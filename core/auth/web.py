"""What every page shares: who looks at it, its headers, the tokens of its forms.

A page works without JavaScript and asks nothing of other hosts; the Content-Security-Policy holds
it to that. Every form carries a token that only this server can make for this browser's cookie.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from authlib.oauth2 import OAuth2Error
from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    g,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.exceptions import HTTPException

from core import clock
from core.auth import browser, sessions
from core.auth.secrets import hash_token, matches, new_token
from core.errors import TouchlineError
from core.models import User
from core.policy import Actor

if TYPE_CHECKING:
    from core.auth.server import Server

KEY = "touchline-auth"
CSRF = "csrf"
_NAME = re.compile(r"[A-Za-z0-9_-]{43}")
_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")  # ASCII without spaces and backslashes
_SOURCE = re.compile(r"[a-z][a-z0-9+.-]*:(//[a-z0-9.:\[\]-]+)?", re.IGNORECASE)


class FormExpired(TouchlineError):
    """The form was not made by us for this browser, or its cookie is gone."""

    status, code, title = 400, "form_expired", "This form has expired"


class LoginWanted(Exception):
    """A page is for people who are logged in."""


def server() -> "Server":
    return current_app.extensions[KEY]


def blueprint(name: str, import_name: str, **options: Any) -> Blueprint:
    """A blueprint of pages: forms are checked before, headers set after, errors are pages."""
    pages = Blueprint(name, import_name, **options)
    pages.before_request(_check_form)
    pages.after_request(_guard)
    pages.register_error_handler(LoginWanted, lambda _: to_login())
    pages.register_error_handler(TouchlineError, _refused)
    pages.register_error_handler(OAuth2Error, _refused_by_oauth)
    pages.register_error_handler(HTTPException, _refused_by_http)
    return pages


def page(template: str, status: int = 200, *, targets: Iterable[str] = (), **values: Any) -> Any:
    """Render a page. ``targets``: URIs outside this server to which its forms may lead."""
    sources = {source for uri in targets if (source := _source(uri))}
    g.form_action = " ".join(["'self'", *sorted(sources)])
    text = render_template(template, visitor=visitor(), csrf=_form_token(), **values)
    return Response(text, status, mimetype="text/html")


def moving_page(template: str, **values: Any) -> Any:
    """A page with scripts (files of ours) that read this server's API and sockets."""
    g.moving = True
    return page(template, **values)


def visitor() -> User | None:
    """Who is logged in in this browser."""
    if "visitor" not in g:
        name = _cookie()
        g.visitor = server().db.read(lambda s: sessions.user(s, name)) if name else None
        if g.visitor is not None:
            g.user_id = g.visitor.id
    return g.visitor


def actor() -> Actor | None:
    """The same person as core.policy knows them: a page may what its visitor may."""
    user = visitor()
    if user is None:
        return None
    return Actor(user.id, user.role, frozenset(user.extra_permissions))


def required() -> Actor:
    """Who is logged in. Raises LoginWanted, which leads to the login page and back."""
    known = actor()
    if known is None:
        raise LoginWanted
    return known


def confirmed(password: str) -> bool:
    """Is it the visitor's? Wrong ones count as failed logins. Raises TooManyRequests."""
    user = visitor()
    return user is not None and server().log_in(user.username, password) is not None


def log_in(user: User, target: str) -> Any:
    """Begin a session under a new name and go on to ``target``."""
    begin(user)
    return redirect(target, 303)


def token() -> str | None:
    """A read token for the script of a page; None where nobody is logged in."""
    user, name = visitor(), _cookie()
    if user is None or name is None:
        return None
    return server().db.write(lambda s: browser.issue(s, user.id, name))


def begin(user: User, *, awaits_code: bool = False) -> None:
    """Begin a session under a new name, in this browser."""
    before = _cookie()
    g.cookie = server().db.write(
        lambda s: sessions.begin(s, user.id, before, awaits_code=awaits_code)
    )


def half_visitor() -> User | None:
    """Who has given the right password in this browser, and owes the code of the second factor."""
    name = _cookie()
    if name is None:
        return None
    return server().db.read(lambda s: sessions.user(s, name, awaits_code=True))


def log_out(target: str) -> Any:
    name = _cookie()
    if name:
        server().db.write(lambda s: sessions.end(s, name))
        server().cache.forget()
    g.cookie = ""
    return redirect(target, 303)


def to_login() -> Any:
    """The login page, which leads back to where the visitor wanted to go; after a form, which is
    gone, to the start page.
    """
    target = address() if request.method in ("GET", "HEAD") else None
    return redirect(url_for("pages.login", next=target), 303)


def address() -> str:
    """What the visitor asked for: path and query as they were sent."""
    query = request.query_string.decode("ascii", "replace")
    return f"{request.path}?{query}" if query else request.path


def local(path: str | None) -> str:
    """The path if it stays on this server, else ``/``: no open redirect."""
    return path if path and _PATH.fullmatch(path) else "/"


def _cookie_name() -> str:
    return "__Host-touchline" if request.is_secure else "touchline"


def _cookie() -> str | None:
    name = request.cookies.get(_cookie_name(), "")
    return name if _NAME.fullmatch(name) else None


def _form_token() -> str:
    """For this browser only: who reads it elsewhere cannot use it, who has no cookie gets one."""
    if not _cookie() and not g.get("cookie"):
        g.cookie = new_token()
    return hash_token(f"form {g.get('cookie') or _cookie()}")


def _check_form() -> None:
    if request.method in ("GET", "HEAD", "OPTIONS"):
        return
    name, given = _cookie(), request.form.get(CSRF, "")
    if name is None or not given.isascii() or not matches(f"form {name}", given):
        raise FormExpired("Go back, load the page again and send the form once more.")


def _source(uri: str) -> str | None:
    """What a Content-Security-Policy calls the host of a URI; its scheme where it has no host."""
    parts = urlsplit(uri)
    source = f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
    return source if _SOURCE.fullmatch(source) else None


def _guard(response: Response) -> Response:
    if "cookie" in g:
        response.set_cookie(
            _cookie_name(),
            g.cookie,
            max_age=None if g.cookie else 0,
            secure=request.is_secure,
            httponly=True,
            samesite="Lax",
        )
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'self'; img-src 'self'; {_for_scripts()}base-uri 'none'; "
        f"form-action {g.get('form_action', chr(39) + 'self' + chr(39))}; frame-ancestors 'none'"
    )
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _for_scripts() -> str:
    """Browsers do not agree on whether 'self' covers sockets, so those are named."""
    if not g.get("moving"):
        return ""
    sockets = _source(f"{'wss' if request.is_secure else 'ws'}://{request.host}")
    return f"script-src 'self'; connect-src 'self' {sockets or ''}; "


def _refused(error: TouchlineError) -> Any:
    return page("refused.html", error.status, title=error.title, detail=error.detail)


def _refused_by_oauth(error: OAuth2Error) -> Any:
    detail = error.get_error_description() or "The request is not one of OAuth2."
    return page("refused.html", 400, title="This request cannot be granted", detail=detail)


def _refused_by_http(error: HTTPException) -> Any:
    if error.response is not None:
        return error.response
    detail = error.description or error.name
    return page("refused.html", error.code or 500, title=error.name, detail=detail)


def _moment(ms: int | None) -> str:
    """For ``<time datetime>``."""
    return "" if ms is None else clock.to_iso(ms)


def _words(ms: int | None) -> str:
    """Day and minute, for people."""
    return "" if ms is None else clock.to_iso(ms)[:16].replace("T", " ")


def _ago(ms: int) -> str:
    seconds = max(0, clock.now() - ms) // 1000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"


def register(app: Flask) -> None:
    app.jinja_env.filters.update(iso=_moment, words=_words, ago=_ago)
