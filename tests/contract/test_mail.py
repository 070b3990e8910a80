"""Mail: what is owed, what is written, what its link opens, what happens when no server answers."""

import re
import socket
import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from core.auth import sessions
from core.clock import now
from core.mail import Message, Postbox, kept
from core.models import OneTimeLink, Outbox, User
from core.models.outbox import MAIL
from core.services import mails
from core.services.mails import Office
from tests.contract.conftest import PASSWORD, World
from tests.contract.scenes import pointers, problem

URL = "https://touchline.club.example"
LINK = re.compile(re.escape(URL) + r"/account/set-password/\?token=([\w-]{43})")
NEW = "a new password"


class Post:
    """The worker's side: writes what is owed into a folder."""

    def __init__(self, world: World, folder: Path, **office: Any) -> None:
        self.world, self.folder = world, folder
        self.office = Office(Postbox("", "touchline@club.example", folder), URL, **office)

    def owed(self) -> list[Outbox]:
        rows = self.world.db.read(lambda s: s.query(Outbox).filter(Outbox.topic == MAIL).all())
        return sorted(rows, key=lambda row: row.id)

    def forget(self) -> None:
        self.world.db.write(lambda s: s.query(Outbox).filter(Outbox.topic == MAIL).delete())

    def deliver(self) -> list[Message]:
        """What the worker does; returns the new messages."""
        before = len(kept(self.folder))
        for row in self.owed():
            mails.run(self.world.db, self.office, row.payload, (row.id, row.generation))
        return kept(self.folder)[before:]


@pytest.fixture
def post(world: World, tmp_path: Path) -> Post:
    made = Post(world, tmp_path / "mail")
    made.forget()  # of the people of the world
    return made


def secret(message: Message) -> str:
    found = LINK.search(message.body)
    assert found, message.body
    return found[1]


def login(world: World, username: str, password: str) -> int:
    return world.token_request(
        grant_type="password", username=username, password=password
    ).status_code


def set_password(world: World, token: str, password: str = NEW) -> Any:
    return world.post("//account/set-password/", json={"token": token, "password": password})


@pytest.mark.parametrize("kind", ["managers", "athletes"])
def test_a_registration_without_a_password_gets_a_link(world: World, post: Post, kind: str) -> None:
    body = {"username": "eva", "email": "eva@club.example"}
    assert world.post(f"/{kind}/", json=body).status_code == 201
    [message] = post.deliver()
    assert message.to == "eva@club.example"
    assert "Username: eva" in message.body
    assert post.owed() == []
    token = secret(message)
    page = world.get(f"//account/set-password/?token={token}")
    assert page.status_code == 200
    assert "eva" in page.text
    assert set_password(world, token).status_code == 204
    assert login(world, "eva", NEW) == 200
    assert pointers(set_password(world, token, "another one")) == ["/token"]
    assert world.get(f"//account/set-password/?token={token}").status_code == 400
    stored = world.db.read(lambda s: s.query(OneTimeLink).one())
    assert token not in (stored.token_hash,)
    assert len(stored.token_hash) == 64


def test_a_registration_with_a_password_is_confirmed_without_it(world: World, post: Post) -> None:
    body = {"username": "eva", "email": "eva@club.example", "password": "very own secret"}
    world.post("/managers/", json=body)
    [message] = post.deliver()
    assert "Username: eva" in message.body
    assert "very own secret" not in message.body
    assert not LINK.search(message.body)
    assert login(world, "eva", "very own secret") == 200


def test_an_initial_password_where_the_operator_wants_it(world: World, tmp_path: Path) -> None:
    post = Post(world, tmp_path / "mail", initial_passwords=True)
    post.forget()
    world.post("/athletes/", json={"username": "eva", "email": "eva@club.example"})
    kept_by = post.office
    with socket.create_server(("127.0.0.1", 0)) as closed:
        away = Postbox(f"smtp://127.0.0.1:{closed.getsockname()[1]}", "t@club.example", post.folder)
    post.office = Office(away, URL, initial_passwords=True)
    assert post.deliver() == []  # tried in vain, which sets nothing
    post.office = kept_by
    [message] = post.deliver()
    found = re.search(r"^Password: (\S{16})$", message.body, re.MULTILINE)
    assert found
    assert login(world, "eva", found[1]) == 200


def test_a_managed_athlete_gets_no_mail(world: World, post: Post) -> None:
    body = {"managed_by": world.ids["ada"]}
    assert world.post("/athletes/create-managed/", "ada", json=body).status_code == 201
    assert post.owed() == []


def test_a_mail_leaves_with_the_commit_that_causes_it(world: World, post: Post) -> None:
    problem(world.post("/managers/", json={"username": "ada", "email": "x@club.example"}), 400)
    assert post.owed() == []


@pytest.mark.parametrize("name", ["noe", "noe@club.example", "NOE@Club.Example"])
def test_a_forgotten_password(world: World, post: Post, name: str) -> None:
    path = "//account/forgotten-password/"
    answers = [world.post(path, json={"username": who}) for who in (name, "nobody", name)]
    assert {(answer.status_code, answer.data) for answer in answers} == {(202, b"")}
    [message] = post.deliver()
    assert message.to == "noe@club.example"
    assert login(world, "noe", PASSWORD) == 200
    assert world.get("/account/", "noe").status_code == 200
    world.post(path, json={"username": name})
    assert post.owed() == []  # one in a minute
    browser = world.db.write(lambda s: sessions.begin(s, world.ids["noe"]))
    assert set_password(world, secret(message)).status_code == 204
    assert world.db.read(lambda s: sessions.user(s, browser)) is None
    assert login(world, "noe", PASSWORD) == 400
    assert login(world, "noe", NEW) == 200
    problem(world.get("/account/", "noe"), 401)  # whoever was in is out


def test_a_newer_link_ends_the_older_and_time_ends_both(world: World, post: Post) -> None:
    world.post("//account/forgotten-password/", json={"username": "noe"})
    [first] = post.deliver()
    world.db.write(lambda s: s.execute(update(OneTimeLink).values(created=now() - 61_000)))
    world.post("//account/forgotten-password/", json={"username": "noe"})
    [second] = post.deliver()
    assert pointers(set_password(world, secret(first))) == ["/token"]
    world.db.write(lambda s: s.execute(update(OneTimeLink).values(expires=now())))
    assert pointers(set_password(world, secret(second))) == ["/token"]
    assert login(world, "noe", PASSWORD) == 200


def test_nobody_is_written_to_after_deletion(world: World, post: Post) -> None:
    world.post("//account/forgotten-password/", json={"username": "noe"})
    world.delete(f"/athletes/{world.ids['noe']}/", "noe")
    assert post.deliver() == []
    assert post.owed() == []


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("set-password", {"token": "x" * 43, "password": NEW}, "/token"),
        ("set-password", {"token": "", "password": NEW}, "/token"),
        ("set-password", {"password": NEW}, "/token"),
        ("set-password", {"token": "x", "password": "short"}, "/password"),
        ("set-password", {"token": 1, "password": NEW}, "/token"),
        ("forgotten-password", {"username": ""}, "/username"),
        ("forgotten-password", {"username": "x" * 255}, "/username"),
        ("forgotten-password", {}, "/username"),
    ],
)
def test_what_the_json_forms_refuse(world: World, path: str, body: Any, pointer: str) -> None:
    assert pointers(world.post(f"//account/{path}/", json=body)) == [pointer]


def test_the_pages(world: World, post: Post) -> None:
    path = "//account/forgotten-password/"
    assert path.removeprefix("/") in world.get("//login/").text
    page = world.get(path)
    assert page.status_code == 200
    policy_of = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy_of
    assert "frame-ancestors 'none'" in policy_of
    assert "unsafe" not in policy_of
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    known, unknown = (world.post(path, data={"username": who}) for who in ("noe", "<b>"))
    assert known.status_code == unknown.status_code == 200
    assert known.text == unknown.text
    assert world.post(path, data={}).status_code == 400
    [message] = post.deliver()
    token = secret(message)
    form = {"token": token, "username": "noe", "password": "short"}
    refused = world.post("//account/set-password/", data=form)
    assert refused.status_code == 400
    assert "Shorter than" in refused.text or "Length" in refused.text
    assert token in refused.text
    assert world.post("//account/set-password/", data={"token": "<x>"}).status_code == 400
    nul = {"token": token, "password": "a\x00bcdefgh"}
    assert world.post("//account/set-password/", data=nul).status_code == 400
    done = world.post("//account/set-password/", data={**form, "password": NEW})
    assert done.status_code == 200
    assert "<form" not in done.text
    assert login(world, "noe", NEW) == 200
    evil = "//account/set-password/?token=%22%3E%3Cscript%3E"
    assert "<script" not in world.get(evil).text


class Smtp(socketserver.StreamRequestHandler):
    """A mail server that takes what it is given; ``server.refuse``: answers 451 instead."""

    def handle(self) -> None:
        self.wfile.write(b"220 ready\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = iter(self.rfile.readline, b".\r\n")
                self.server.got.append(b"".join(lines))  # type: ignore[attr-defined]
                self.wfile.write(b"250 taken\r\n")
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            elif word == b"MAIL" and self.server.refuse:  # type: ignore[attr-defined]
                self.wfile.write(b"451 later\r\n")
            else:
                self.wfile.write(b"250 fine\r\n")


@pytest.fixture
def smtp() -> Iterator[Any]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp) as server:
        server.got, server.refuse = [], False  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_smtp(world: World, post: Post, smtp: Any) -> None:
    url = f"smtp://127.0.0.1:{smtp.server_address[1]}"
    post.office = Office(Postbox(url, "touchline@club.example", post.folder), URL)
    world.post("/managers/", json={"username": "zoë", "email": "zoe@club.example"})
    smtp.refuse = True
    assert post.deliver() == []
    [later] = post.owed()
    assert later.due >= now() + 5_000  # tried again, not at once
    smtp.refuse = False
    assert post.deliver() == []  # nothing is kept
    assert post.owed() == []
    [raw] = smtp.got
    mail = message_from_bytes(raw, policy=policy.default)
    assert (mail["From"], mail["To"]) == ("touchline@club.example", "zoe@club.example")
    text = mail.get_content()
    assert "Username: zoë" in text
    token = LINK.search(text)
    assert token
    assert set_password(world, token[1]).status_code == 204


def test_a_server_that_is_away_for_a_day(world: World, post: Post) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"smtp://127.0.0.1:{closed.getsockname()[1]}"
    post.office = Office(Postbox(url, "touchline@club.example", post.folder), URL)
    world.post("/managers/", json={"username": "eva", "email": "eva@club.example"})
    post.deliver()
    [row] = post.owed()
    old = {**row.payload, "since": now() - mails.GIVE_UP}
    mails.run(world.db, post.office, old, (row.id, row.generation))
    assert post.owed() == []
    assert world.db.read(lambda s: s.query(User).filter_by(username="eva").count()) == 1


def test_kept_messages_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    postbox = Postbox("", "touchline@club.example", folder)
    for number in range(3):
        postbox.deliver(Message("a@club.example", f"No. {number}", f"Grüezi {number}"))
    assert [(m.subject, m.body) for m in kept(folder)] == [
        (f"No. {number}", f"Grüezi {number}") for number in range(3)
    ]
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir())
    assert kept(tmp_path / "nothing") == []
