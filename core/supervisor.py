"""Supervised children.

They are started by exec, each in a session of its own, so that Ctrl-C in a terminal reaches the
supervisor alone; they are started again when they die, and the kernel kills them when the
supervisor itself is killed.
"""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from core.errors import TouchlineError
from core.process import die_with_parent

STOP_SECONDS = 8.0  # for a graceful end; what others need until their end follows
RESTART_SECONDS = (0.1, 0.5, 1.0, 2.0, 5.0)  # pauses between restarts of a child that keeps dying
STEADY_SECONDS = 30.0  # a child that lived so long starts again after the first pause
_TICK = 0.1

log = structlog.get_logger(__name__)


class StartError(TouchlineError):
    """The platform cannot start; the sentence says why."""

    code = "cannot_start"


def touchline_command() -> str:
    """The installed console script: never ``python -m``, which a folder named ``core`` misleads."""
    beside = Path(sysconfig.get_path("scripts")) / "touchline"
    found = str(beside) if beside.is_file() else shutil.which("touchline")
    if not found:
        raise StartError("the command `touchline` is not installed beside this Python")
    return found


@dataclass
class Child:
    """One supervised process."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    keep_fds: Sequence[int] = ()
    last: bool = False  # the others need it until their end
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    restart_at: float = 0.0

    def start(self) -> None:
        supervisor = os.getpid()

        def in_child() -> None:
            die_with_parent(supervisor)

        # The kernel ties PR_SET_PDEATHSIG to the thread that forks: the main one, always.
        self.process = subprocess.Popen(  # noqa: S603 -- our own commands
            list(self.argv),
            env=dict(self.env),
            pass_fds=tuple(self.keep_fds),
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            start_new_session=True,
            preexec_fn=in_child,
        )
        self.started = time.monotonic()

    def check(self) -> None:
        """Notice a death; start again after a pause that grows while the child keeps dying."""
        now = time.monotonic()
        if self.process is None:
            if now >= self.restart_at:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        if now - self.started >= STEADY_SECONDS:
            self.deaths = 0
        pause = RESTART_SECONDS[min(self.deaths, len(RESTART_SECONDS) - 1)]
        self.deaths += 1
        log.warning("child ended; starting it again", child=self.name, code=code, pause=pause)
        self.process, self.restart_at = None, now + pause

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def wait(self, deadline: float) -> bool:
        """False when it still lives at the deadline (a ``time.monotonic``)."""
        if self.process is None:
            return True
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        return True


@dataclass
class Supervisor:
    """Keeps children alive in the main thread until it is told to stop."""

    children: list[Child] = field(default_factory=list)
    stopping: bool = False

    def add(self, child: Child) -> None:
        self.children.append(child)
        child.start()

    def install_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: object) -> None:
        self.stopping = True

    def run(self, on_tick: Callable[[], None]) -> None:
        """Check the children ten times a second, calling ``on_tick`` each time."""
        while not self.stopping:
            for child in self.children:
                child.check()
            on_tick()
            time.sleep(_TICK)

    def stop(self) -> None:
        """End all children within 10 s."""
        _stop([child for child in self.children if not child.last], STOP_SECONDS)
        _stop([child for child in self.children if child.last], 1.0)


def _stop(children: Sequence[Child], seconds: float) -> None:
    for child in children:
        child.stop()
    deadline = time.monotonic() + seconds
    for child in children:
        if not child.wait(deadline):
            log.warning("child did not stop in time; killing it", child=child.name)
            child.stop(signal.SIGKILL)
            child.wait(time.monotonic() + 1.0)
