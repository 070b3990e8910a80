"""Webhooks on running platforms, and the verification code of the page docs/api/webhooks.md."""

import base64
import json
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from core.services.signing import signatures
from tests.conftest import IN_CI
from tests.platform import Platform
from tests.receivers import Call, Reply, receiver

pytestmark = pytest.mark.e2e

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api" / "webhooks.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PASSWORD = "a long enough password"

Verify = Callable[[list[dict[str, Any]]], list[bool]]


def block(language: str) -> str:
    (code,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return code


def run(argv: list[str], cases: list[dict[str, Any]]) -> list[bool]:
    done = subprocess.run(argv, input=json.dumps(cases), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def in_python(cases: list[dict[str, Any]]) -> list[bool]:
    program = block("python") + (
        "\nimport json, sys\n"
        "cases = json.load(sys.stdin)\n"
        "print(json.dumps([verify(c['secret'], c['headers'], c['body'].encode()) for c in cases]))"
    )
    return run([sys.executable, "-c", program], cases)


def in_javascript(cases: list[dict[str, Any]]) -> list[bool]:
    node = shutil.which("node")
    if node is None:
        if IN_CI:
            pytest.fail("CI needs node")
        pytest.skip("no node here")
    program = block("js") + (
        "\nconst cases = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "console.log(JSON.stringify(cases.map("
        "(c) => verify(c.secret, c.headers, Buffer.from(c.body)))));"
    )
    return run([node, "-e", program], cases)


def signed(secret: str, body: str, age: int = 0, sign_with: tuple[str, ...] = ()) -> dict[str, Any]:
    stamp = int(time.time()) - age
    return {
        "secret": secret,
        "body": body,
        "headers": {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(stamp),
            "webhook-signature": signatures(sign_with or [secret], "msg_1", stamp, body.encode()),
        },
    }


def changed(case: dict[str, Any], **headers: str) -> dict[str, Any]:
    return {**case, "headers": {**case["headers"], **headers}}


@pytest.mark.parametrize("verify", [in_python, in_javascript])
def test_the_pages_code_verifies(verify: Verify) -> None:
    body = json.dumps({"id": "msg_1", "name": "Zoë Ünal"}, ensure_ascii=False)
    good = signed(SECRET, body)
    raw = "whsec_" + base64.b64encode(b"\xff\xfe key").decode()
    cases = [
        (good, True),
        (signed("an old-fashioned sécret", body), True),
        (signed(raw, body), True),
        (signed("old one", body, sign_with=("new one", "old one")), True),  # while it is replaced
        (signed("new one", body, sign_with=("new one", "old one")), True),
        (signed(SECRET, body, sign_with=("another",)), False),
        (signed(SECRET, body, age=200), True),
        (signed(SECRET, body, age=400), False),
        (signed(SECRET, body, age=-400), False),
        ({**good, "body": body + " "}, False),
        (changed(good, **{"webhook-id": "msg_2"}), False),
        (changed(good, **{"webhook-timestamp": "soon"}), False),
        (changed(good, **{"webhook-signature": "v1,"}), False),
        (changed(good, **{"webhook-signature": "v2," + "A" * 44}), False),
    ]
    assert verify([case for case, _ in cases]) == [expected for _, expected in cases]


def sign_up(platform: Platform, name: str) -> tuple[httpx.Client, dict[str, Any]]:
    """A manager with an activity; a client that speaks for them."""
    client = platform.cli("client", "create", "--name", name, "--grant", "password")
    http = httpx.Client(base_url=f"{platform.url}/api/v1", timeout=30)
    account = {"username": name, "email": f"{name}@club.example", "password": PASSWORD}
    manager = http.post("/managers/", json=account).raise_for_status().json()["id"]
    form = {"grant_type": "password", "username": name, "password": PASSWORD}
    auth = (client["client_id"], client["client_secret"])
    answer = http.post(f"{platform.url}/oauth2/token/", data=form, auth=auth).raise_for_status()
    http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    rows = http.get("/json-schemas/", params={"search": "activity_soccer"}).json()["results"]
    activity = {
        "name": "Training",
        "json": {"sport": "soccer", "type": "training"},
        "json_schema": rows[0]["id"],
        "owner": manager,
    }
    made = http.post("/activities/", json=activity).raise_for_status().json()
    return http, {**activity, "id": made["id"]}


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return found


def test_from_a_change_to_a_verified_message(every_platform: Platform) -> None:
    """Registered with a challenge; updated and deleted while the receiver fails; each message in
    order, signed so that the page's code believes it; the log, the proof and the feed agree.
    """
    down: list[int] = []

    def answer(call: Call) -> Reply:
        if down and down.pop():
            return Reply(500)
        return Reply(body=json.loads(call.body).get("challenge", "").encode())

    http, activity = sign_up(every_platform, f"hooks-{time.time_ns()}")
    path = f"/activities/{activity.pop('id')}/"
    with receiver(answer) as hook, closing(http):
        body = {
            "webhook_url": hook.url,
            "secret_token": SECRET,
            "activity_events": True,
            "timeframes_events": False,
            "verify": True,
        }
        webhook = http.post(f"{path}webhooks/", json=body).raise_for_status().json()
        one = f"{path}webhooks/{webhook['id']}/"
        until(lambda: http.get(one).json()["state"] == "active", "the challenge was answered")
        down.append(1)
        for name in ("first", "second"):
            http.put(path, json={**activity, "name": name}).raise_for_status()
        until(lambda: len(hook.calls) >= 4, "the failed message came again, then the next")
        log = f"/webhooks/{webhook['id']}/"
        until(
            lambda: http.get(f"{log}deliveries/?state=pending").json()["count"] == 0,
            "all is delivered",
        )
        told = http.get(f"{log}reconcile/?from=2020-01-01T00:00:00Z").json()
        assert told["summary"] == {"delivered": 2, "pending": 0, "failed": 0, "missing": 0}
        sent = [json.loads(call.body)["id"] for call in hook.calls]
        first, second = (row["id"] for row in told["results"])
        assert sent[1:] == [first, first, second]
        http.delete(path).raise_for_status()
        until(lambda: http.get(f"{log}deliveries/").status_code == 404, "told, and gone with it")
    assert json.loads(hook.calls[-1].body)["type"] == "activity.deleted"
    cases = [
        {"secret": SECRET, "headers": call.headers, "body": call.body.decode()}
        for call in hook.calls
    ]
    assert in_python(cases) == [True] * len(cases)
    assert {call.headers["x-secret-token"] for call in hook.calls} == {SECRET}
