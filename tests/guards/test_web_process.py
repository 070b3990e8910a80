"""What the web process must never do: load numba, or wait for itself."""

import subprocess
import sys
from pathlib import Path

LISTS_MODULES = """
from core import serve
from core.config import Config
import sys
web = serve.build(Config.load({"TOUCHLINE_SECRET_KEY": "k"}, data_dir=sys.argv[1]))
print(len(list(web.app.url_map.iter_rules())))
print(*sorted(sys.modules))
"""

RAISES_IN_POOL = """
from core import serve
from gevent.threadpool import ThreadPool
import threading
run = serve.in_pool(ThreadPool(1))
assert run(lambda: 40 + 2) == 42
assert run(lambda: threading.get_native_id()) != threading.get_native_id()
try:
    run(lambda: {}["absent"])
except KeyError as error:
    assert error.args == ("absent",)
else:
    raise AssertionError("nothing was raised")
"""

LISTENS = """
from core import serve
import socket
listener = serve.listen("127.0.0.1", 0)
client = socket.create_connection(listener.getsockname())
accepted, _ = listener.accept()
assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
again = serve.listen("", 0, fd=listener.fileno())
assert again.getsockname() == listener.getsockname()
again.detach()
"""


def run(program: str, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done


def test_the_web_process_never_imports_numba(tmp_path: Path) -> None:
    routes, modules = run(LISTS_MODULES, str(tmp_path)).stdout.splitlines()
    assert int(routes) > 20
    loaded = set(modules.split())
    assert "flask" in loaded
    assert not loaded & {"numba", "llvmlite", "rq", "pandas"}


def test_an_exception_crosses_the_pool_unprinted() -> None:
    assert run(RAISES_IN_POOL).stderr == ""


def test_accepted_connections_have_nodelay_and_the_socket_may_be_inherited() -> None:
    run(LISTENS)
