"""Proof: what was shown live is what is stored, and that is one fold of the sorted samples.

Method. A session is one activity of one to three simulated players with drop-outs, late and
duplicate batches, and devices that lose their connection, gather batches and send them in a burst,
those repeated that were under way. Batches go through the uplink's parser and writer, and what they
owe through the relay's claim and the workers' jobs, in the order of a simulated clock: ticks with
folds kept in memory, a worker that dies and one that takes over, refolds, merges of the hot tail,
the close. Some frames are created in mid-session, begin later than their samples or end earlier.

At the end of each frame its stored document is compared, bit for bit outside what the digest leaves
out, with one fold of what its device sent, sorted by time; a reader who merged every live message
has the stored document; revisions rose; and where nothing came late the last live digest is the
final one. 200 sessions on SQLite, in blocks of ten; `make test` runs ten, two on PostgreSQL. Then
two matches through `touchline up` as it runs, followed on a real socket.
"""

import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import orjson
from websockets.sync.client import ClientConnection, connect

from benchmarks import proof
from benchmarks.prove_survival import KICK_OFF, PASSWORD, set_up, wait_closed
from benchmarks.sessions import FAULTS, fresh, run_sessions
from core.models.db import Database
from core.squad import Plan, Squad
from tests.platform import one_box

SESSIONS, BLOCK = 200, 10
MATCHES, MATCH_SECONDS, MATCH_SPEED = 2, 90.0, 6.0


def run_block(number: int) -> proof.Round:
    seeds = range((number - 1) * BLOCK, number * BLOCK)
    with tempfile.TemporaryDirectory(prefix="touchline-proof-") as name:
        return {"sessions": len(seeds), **run_sessions(seeds, fresh(Path(name)))}


def run_match(seed: int) -> proof.Round:
    """A match on a platform of processes: what sockets said in the end is what REST shows."""
    with tempfile.TemporaryDirectory(prefix="touchline-proof-") as name:
        folder = Path(name)
        with one_box(folder / "box", throttle="1000") as platform, ExitStack() as stack:
            match = set_up(platform, MATCH_SECONDS)
            client = platform.cli("client", "create", "--name", "reader", "--grant", "password")
            http = stack.enter_context(httpx.Client(base_url=platform.url, timeout=30))
            login = {"grant_type": "password", "username": "coach", "password": PASSWORD}
            secret = (client["client_id"], client["client_secret"])
            token = http.post("/oauth2/token/", data=login, auth=secret).json()["access_token"]
            http.headers["Authorization"] = f"Bearer {token}"
            activity = http.get(f"/api/v1/timeframes/{match.frames[0]}/").json()["activity"]
            path = f"{platform.url.replace('http', 'ws', 1)}/api/v1/ws/computed-data/{activity}/"
            socket = stack.enter_context(connect(path, max_size=None, ping_interval=None))
            socket.recv()
            socket.send(orjson.dumps({"token": token}).decode())
            plan = Plan(seed, KICK_OFF, MATCH_SECONDS, MATCH_SPEED, frozenset(FAULTS))
            squad = Squad(platform.url, match.devices, plan)
            ended = threading.Event()
            listener = stack.enter_context(ThreadPoolExecutor(1)).submit(heard, socket, ended)
            squad.start()
            tally = squad.join()
            db = Database(f"sqlite:///{folder / 'box' / 'touchline.db'}")
            wait_closed(db, match.frames)
            db.close()
            ended.set()
            has, messages = listener.result()
            for frame in match.frames:
                shown = http.get(f"/api/v1/timeframes/{frame}/computed/").json()
                wrong = [key for key in shown if has[frame].get(key) != shown[key]]
                assert not wrong, f"match {seed}, frame {frame}: a reader does not have {wrong}"
        return {"frames": len(match.frames), "messages": messages, "batches": tally["batches"]}


def heard(
    socket: ClientConnection, ended: threading.Event
) -> tuple[dict[int, dict[str, Any]], int]:
    """What messages of an activity's stream come to, by frame, until it has ended and is silent;
    and how many there were."""
    has: dict[int, dict[str, Any]] = {}
    seqs: dict[int, int] = {}
    messages = 0
    while True:
        try:
            message = orjson.loads(socket.recv(timeout=3))
        except TimeoutError:
            if ended.is_set():
                return has, messages
            continue
        if "timeframe" in message:
            frame = message["timeframe"]
            assert message["seq"] > seqs.get(frame, 0), "a revision fell or was repeated"
            seqs[frame] = message["seq"]
            has.setdefault(frame, {}).update(message["data"])
            messages += 1


def main() -> None:
    rounds = proof.prove("live", range(1, SESSIONS // BLOCK + 1), run_block)
    matches = proof.prove("live_matches", range(1, MATCHES + 1), run_match)
    total = {name: sum(row[name] for row in rounds) for name in rounds[0]}
    print(
        f"live equals final: {total['sessions']} sessions, {total['frames']} frames, "
        f"{total['batches']} batches, {total['tick']} ticks, {total['refold']} refolds, "
        f"{total['merge']} merges, {total['close']} closes, {total['messages']} messages; every "
        f"stored document is one fold of the sorted samples and what a reader merged, "
        f"{total['last_live_is_final']} last live digests were the final one; "
        f"{len(matches)} matches on a real socket, {sum(r['messages'] for r in matches)} messages"
    )


if __name__ == "__main__":
    sys.exit(main())
