"""A changed address: what is mailed to whom, when it counts, what ends it."""

import re
from typing import Any

import pytest
from sqlalchemy import update

from core.clock import now
from core.mail import Message
from core.models import OneTimeLink, Outbox, User
from tests.contract.conftest import World
from tests.contract.scenes import pointers, problem
from tests.contract.test_mail import URL, Post, post, secret, set_password

__all__ = ["post"]

LINK = re.compile(re.escape(URL) + r"/account/confirm-address/\?token=([\w-]{43})")
OLD, NEW, NEWER = "noe@club.example", "noe@new.example", "noe@newer.example"
PATH = "//account/confirm-address/"


def ask(world: World, address: str, username: str = "noe") -> Any:
    kind = "managers" if username == "ada" else "athletes"
    body = {"username": username, "email": address}
    answer = world.put(f"/{kind}/{world.ids[username]}/", username, json=body)
    assert answer.status_code == 201
    return answer.get_json()


def token(messages: list[Message]) -> str:
    [found] = [found[1] for message in messages if (found := LINK.search(message.body))]
    return found


def confirm(world: World, link: str) -> Any:
    return world.post(PATH, json={"token": link})


def address(world: World, username: str = "noe") -> str | None:
    return world.db.read(lambda s: s.get_one(User, world.ids[username]).email)


def wait_a_minute(world: World) -> None:
    """As if what was asked and owed so far had been a minute ago."""

    def pass_by(session: Any) -> None:
        for model in (OneTimeLink, Outbox):
            session.execute(update(model).values(created=model.created - 61_000))

    world.db.write(pass_by)


@pytest.mark.parametrize("username", ["noe", "ada"])
def test_a_new_address_counts_once_it_is_confirmed(world: World, post: Post, username: str) -> None:
    old = f"{username}@club.example"
    assert ask(world, NEW, username)["email"] == old
    messages = {message.to: message for message in post.deliver()}
    assert messages.keys() == {NEW, old}
    assert not LINK.search(messages[old].body)
    assert NEW not in messages[old].body  # who reads that mailbox need not know
    link = token([messages[NEW]])
    page = world.get(f"{PATH}?token={link}")
    assert (page.status_code, page.headers["Referrer-Policy"]) == (200, "no-referrer")
    assert NEW in page.text
    assert username in page.text
    assert address(world, username) == old  # opening the page alone does nothing
    assert confirm(world, link).status_code == 204
    assert address(world, username) == NEW
    [told] = post.deliver()
    assert (told.to, told.subject) == (old, "Your address was changed")
    assert pointers(confirm(world, link)) == ["/token"]  # once
    assert world.get(f"{PATH}?token={link}").status_code == 400
    assert post.owed() == []


def test_by_form(world: World, post: Post) -> None:
    ask(world, NEW)
    link = token(post.deliver())
    done = world.post(PATH, data={"token": link})
    assert done.status_code == 200
    assert NEW in done.text
    again = world.post(PATH, data={"token": link})
    assert again.status_code == 400
    assert "used already" in again.text
    for odd in ("", "x", "x" * 101, "a\x00b", '"><script>'):
        assert world.post(PATH, data={"token": odd}).status_code == 400
        problem(world.post(PATH, json={"token": odd}), 400)
        assert "<script" not in world.get(PATH, query_string={"token": odd}).text


def test_time_ends_it(world: World, post: Post) -> None:
    ask(world, NEW)
    link = token(post.deliver())
    world.db.write(lambda s: s.execute(update(OneTimeLink).values(expires=now())))
    assert pointers(confirm(world, link)) == ["/token"]
    assert address(world) == OLD


def test_a_newer_change_supersedes_it(world: World, post: Post) -> None:
    ask(world, NEW)
    first = token(post.deliver())
    wait_a_minute(world)
    ask(world, NEWER)
    second = token(post.deliver())
    assert pointers(confirm(world, first)) == ["/token"]
    assert confirm(world, second).status_code == 204
    assert address(world) == NEWER


def test_only_the_newest_is_written_to_and_one_mail_a_minute_leaves(
    world: World, post: Post
) -> None:
    for each in (NEW, NEWER, "noe@newest.example"):
        ask(world, each)
    assert len(post.owed()) == 2
    assert sorted(message.to for message in post.deliver()) == [OLD, "noe@newest.example"]
    ask(world, NEW)
    assert all(row.due > now() + 30_000 for row in post.owed())


def test_sending_the_record_again_changes_and_mails_nothing(world: World, post: Post) -> None:
    ask(world, NEW)
    link = token(post.deliver())
    ask(world, NEW)  # a program that keeps the two sides equal
    ask(world, OLD)  # as it was read
    assert post.owed() == []
    assert confirm(world, link).status_code == 204


def test_the_two_kinds_of_links_do_not_stand_for_each_other(world: World, post: Post) -> None:
    ask(world, NEW)
    link = token(post.deliver())
    assert pointers(set_password(world, link)) == ["/token"]
    world.post("//account/forgotten-password/", json={"username": "noe"})
    [message] = post.deliver()
    assert message.to == OLD
    assert pointers(confirm(world, secret(message))) == ["/token"]
    assert confirm(world, link).status_code == 204  # neither had ended the other
    assert pointers(set_password(world, secret(message))) == ["/token"]  # mailed to the former


def test_a_password_set_by_link_ends_a_change_that_waits(world: World, post: Post) -> None:
    ask(world, NEW)
    link = token(post.deliver())
    world.post("//account/forgotten-password/", json={"username": "noe"})
    [message] = post.deliver()
    assert set_password(world, secret(message)).status_code == 204
    assert pointers(confirm(world, link)) == ["/token"]
    assert address(world) == OLD


def test_whether_somebody_has_the_address_is_not_told(world: World, post: Post) -> None:
    theirs = ask(world, "lea@club.example")
    assert theirs == ask(world, "nobody@club.example")


def test_an_administrator_changes_it_at_once(world: World, post: Post) -> None:
    ask(world, NEW)
    link = token(post.deliver())
    path = f"/admin/users/{world.ids['noe']}/"
    changed = world.call("PATCH", path, "admin", json={"email": NEWER})
    assert (changed.status_code, changed.get_json()["email"]) == (200, NEWER)
    assert [message.to for message in post.deliver()] == [OLD]
    assert pointers(confirm(world, link)) == ["/token"]
    written = world.get("/admin/audit-log/?ordering=-time", "admin").get_json()["results"][0]
    assert (written["before"], written["after"]) == ({"email": OLD}, {"email": NEWER})
    assert pointers(world.call("PATCH", path, "admin", json={"email": "no mail"})) == ["/email"]
    managed = world.post("/athletes/create-managed/", "ada", json={"managed_by": world.ids["ada"]})
    path = f"/admin/users/{managed.get_json()['id']}/"
    assert pointers(world.call("PATCH", path, "admin", json={"email": NEW})) == ["/email"]


def test_nothing_is_written_to_who_is_gone(world: World, post: Post) -> None:
    ask(world, NEW)
    assert world.delete(f"/athletes/{world.ids['noe']}/", "noe").status_code == 204
    assert post.deliver() == []
    problem(world.post(PATH, json={}), 400)
