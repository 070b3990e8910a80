"""Which queue serves each topic of the outbox, and for how long a worker may have it."""

from typing import NamedTuple

from core.models import outbox

LIVE, INGEST, COMPUTE, BULK, DELIVER = "live", "ingest", "compute", "bulk", "deliver"
QUEUES = (LIVE, INGEST, COMPUTE, BULK, DELIVER)

# By name, so that the relay never imports the sports' kernels that the job needs.
PERFORM = "workers.jobs.perform"


class Route(NamedTuple):
    """``seconds`` is the job's time limit; ``lease`` adds the time to notice that it is over."""

    queue: str
    seconds: int

    @property
    def lease(self) -> int:
        """How long the relay leaves a claimed row alone, in milliseconds."""
        return (self.seconds + 5) * 1000


ROUTES = {
    outbox.TICK: Route(LIVE, 5),
    outbox.REFOLD: Route(COMPUTE, 120),
    outbox.CLOSE: Route(COMPUTE, 120),
    outbox.SUMMARY: Route(COMPUTE, 120),
    outbox.IMPORT: Route(INGEST, 900),
    outbox.DELIVER: Route(DELIVER, 25),
    outbox.MERGE: Route(BULK, 120),
    outbox.DELETE: Route(BULK, 900),
    outbox.MAIL: Route(BULK, 90),
    outbox.REPLAY: Route(BULK, 30),
}

# A tick that was too slow for the live worker, or whose worker died, goes on where it can be killed
# alone: foreign kernels must not hold up every other activity.
ISOLATED_TICK = Route(COMPUTE, 120)


def route(row: outbox.Outbox) -> Route:
    """Where an outbox row is worked off."""
    return ISOLATED_TICK if row.topic == outbox.TICK and row.attempts else ROUTES[row.topic]
