"""The pace of replays, for those who ask for one and those who play it."""

SLOWEST, FASTEST = 0.1, 100.0  # times real time
STEP = 1_000  # ms between two messages
BEGIN_WITHIN = 60_000  # ms for the first listener to come
ALONE = 10_000  # ms without a listener, then a replay that has begun ends
