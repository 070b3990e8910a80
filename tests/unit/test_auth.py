"""Passwords, sealed tokens, the look-up's memory, and registering clients."""

import pytest

from core.auth import passwords, secrets, tokens
from core.errors import BadInput, Forbidden
from core.models import Device, OAuthClient
from core.models.db import Database
from core.policy import Actor
from core.services import clients, users

OPERATOR = Actor.operator()


@pytest.fixture(autouse=True)
def key() -> None:
    secrets.use_key("a key for tests, of no use anywhere else")


def test_a_password_verifies_and_no_other_does() -> None:
    stored = passwords.hash_password("correct horse")
    assert stored.startswith("$argon2id$")
    assert "correct" not in stored
    assert passwords.verify(stored, "correct horse")
    assert not passwords.verify(stored, "correct horses")
    assert not passwords.verify(None, "correct horse")
    assert not passwords.verify(None, "nobody has this account")
    assert not passwords.verify("not a hash", "correct horse")


def test_hashes_of_other_parameters_are_made_anew() -> None:
    weak = passwords.argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    assert passwords.needs_rehash(weak.hash("correct horse"))
    assert not passwords.needs_rehash(passwords.hash_password("correct horse"))


def test_tokens_are_random_and_hashed_under_the_key() -> None:
    one, two = secrets.new_token(), secrets.new_token()
    assert one != two
    assert len(one) == 43
    stored = secrets.hash_token(one)
    assert len(stored) == 64
    assert secrets.matches(one, stored)
    assert not secrets.matches(two, stored)
    secrets.use_key("another key")
    assert secrets.hash_token(one) != stored


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ValueError, match="TOUCHLINE_SECRET_KEY"):
        secrets.use_key("")


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"name": " "}, "/name"),
        ({"grants": []}, "/grants"),
        ({"grants": ["client_credentials"]}, "/grants"),
        ({"scope": "everything"}, "/scope"),
        ({"scope": ""}, "/scope"),
        ({"grants": ["authorization_code"]}, "/redirect_uris"),
        ({"redirect_uris": ["https://club.example/cb", "/cb"]}, "/redirect_uris/1"),
        ({"redirect_uris": ["https://club.example/cb#x"]}, "/redirect_uris/0"),
    ],
)
def test_a_bad_client_names_the_field(db: Database, given, pointer) -> None:
    facts = {"name": "x", "grants": ["password"]} | given
    with pytest.raises(BadInput) as caught:
        db.write(lambda session: clients.create(session, OPERATOR, **facts))
    assert caught.value.errors[0]["pointer"] == pointer
    assert db.read(lambda session: session.query(OAuthClient).count()) == 0


def test_only_operators_register_clients(db: Database) -> None:
    manager = Actor(1, "MANAGER")
    with pytest.raises(Forbidden):
        db.write(lambda session: clients.create(session, manager, "x", ["password"]))


def test_extra_permissions(db: Database) -> None:
    def people(session) -> None:
        users.register_manager(session, username="ada", email="a@club.example")
        users.register_athlete(session, username="noe", email="n@club.example")

    db.write(people)
    for _ in range(2):
        user = db.write(lambda s: users.permit(s, OPERATOR, "ada", "can_create_managed_athletes"))
        assert user.extra_permissions == ["can_create_managed_athletes"]
    for name, permission in (("ada", "can_fly"), ("noe", "can_create_managed_athletes")):
        with pytest.raises(BadInput):
            db.write(lambda s, n=name, p=permission: users.permit(s, OPERATOR, n, p))
    with pytest.raises(Forbidden):
        db.write(lambda s: users.permit(s, Actor(1, "MANAGER"), "ada", "x"))


def test_an_administrator_needs_a_password_of_some_length(db: Database) -> None:
    with pytest.raises(BadInput):
        db.write(lambda s: users.create_administrator(s, "root", "root@club.example", "short"))
    user = db.write(
        lambda s: users.create_administrator(s, "root", "r@club.example", "long enough")
    )
    assert user.role == "ADMINISTRATOR"
    assert passwords.verify(user.password_hash, "long enough")


@pytest.fixture
def issued(db: Database) -> tuple[Database, tokens.Pair, int]:
    """A manager's token pair, and a device with the uplink token ``uplink``."""
    pair = tokens.new_pair()

    def fill(session) -> int:
        user = users.register_manager(session, username="ada", email="a@club.example")
        client, _ = clients.create(session, OPERATOR, "x", ["password"])
        session.add(
            Device(
                device_name="d", serial_number="1", uplink_token_hash=secrets.hash_token("uplink")
            )
        )
        row = tokens.issue(
            session, pair, client_id=client.id, user_id=user.id, scope="all", seconds=60
        )
        session.flush()
        return row.id

    return db, pair, db.write(fill)


def test_the_cache_knows_accounts_and_devices(issued) -> None:
    db, pair, _ = issued
    cache = tokens.TokenCache(db)
    actor = cache.actor(pair.access)
    assert actor is not None
    assert (actor.role, actor.scopes) == ("MANAGER", frozenset({"all"}))
    assert cache.actor(pair.access) is actor
    device = cache.actor("uplink")
    assert device is not None
    assert (device.role, device.user_id, device.device_id) == ("DEVICE", None, 1)
    assert cache.actor(pair.refresh) is None
    assert cache.actor("") is None


def test_the_cache_forgets(issued) -> None:
    db, pair, row_id = issued
    cache = tokens.TokenCache(db)
    assert cache.actor(pair.access) is not None
    assert db.write(lambda session: tokens.spend(session, row_id))
    assert cache.actor(pair.access) is not None  # for CACHE_SECONDS at most
    cache.forget(secrets.hash_token(pair.access))
    assert cache.actor(pair.access) is None
    assert not db.write(lambda session: tokens.spend(session, row_id))


def test_a_full_cache_starts_over(issued, monkeypatch) -> None:
    db, pair, _ = issued
    monkeypatch.setattr(tokens, "CACHE_SIZE", 1)
    cache = tokens.TokenCache(db)
    for _ in range(2):
        assert cache.actor(pair.access) is not None
        assert cache.actor("uplink") is not None
        assert len(cache._kept) == 1
