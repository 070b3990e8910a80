"""What a process counts for its operator; ``GET /metrics`` shows it (core.api.metrics).

One registry per process, so every web process tells of itself. Labels have few values by nature:
route templates, never paths; kinds, never ids.
"""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)

REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

# Seconds; a page of 25,000 samples and a password's hash are in the upper half.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

REQUESTS = Counter(
    "touchline_requests",
    "Requests answered; route is the template, or unknown.",
    ("route", "method", "status"),
    registry=REGISTRY,
)
SECONDS = Histogram(
    "touchline_request_seconds",
    "From a request's first line to its answer's head.",
    ("route", "method"),
    buckets=_BUCKETS,
    registry=REGISTRY,
)
THROTTLED = Counter(
    "touchline_throttled",
    "Requests answered 429, by what they were counted for: client, device or address.",
    ("counted_for",),
    registry=REGISTRY,
)
UNJUDGED = Counter(
    "touchline_unjudged",
    "Requests served without throttling because Redis was away.",
    registry=REGISTRY,
)
SAMPLES = Counter(
    "touchline_samples_accepted",
    "Samples acknowledged on the uplink, of all streams; repeats not counted.",
    registry=REGISTRY,
)
SOCKETS = Gauge(
    "touchline_sockets_open",
    "WebSockets open in this process, by stream.",
    ("stream",),
    registry=REGISTRY,
)
