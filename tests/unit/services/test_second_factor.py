"""A second factor's codes in the database, on both engines."""

from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest

from core.auth.secrets import use_key
from core.models.db import Database
from core.policy import Actor
from core.services import second_factor, users


@pytest.mark.parametrize("recovery", [False, True])
def test_of_many_at_once_with_one_code_one_gets_in(db: Database, recovery: bool) -> None:
    use_key("a key for tests, of no use anywhere else")
    user = db.write(lambda s: users.create_administrator(s, "eva", "e@club.example", "long enough"))
    actor = Actor(user.id, user.role)
    secret = db.write(lambda s: second_factor.secret(second_factor.begin(s, actor)))
    totp = pyotp.TOTP(secret)
    kept = db.write(lambda s: second_factor.confirm(s, actor, totp.now()))
    step = second_factor.now() // 1000 // second_factor.STEP
    code = kept[0] if recovery else totp.generate_otp(step + 1)
    assert db.read(lambda s: second_factor.of(s, user.id)).secret_sealed != secret
    with ThreadPoolExecutor(4) as pool:
        tries = [
            pool.submit(db.write, lambda s: second_factor.use(s, user.id, code)) for _ in "abcd"
        ]
    assert sorted(one.result() for one in tries) == [False, False, False, True]
