"""The metrics that the server of `serve` tells of itself, which Prometheus scrapes from it."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_REGISTRY = CollectorRegistry()
_REQUESTS = Counter(
    "sluice_http_requests",
    "Requests that were answered, by method, route and status; 499: the client left before.",
    ("method", "route", "code"),
    registry=_REGISTRY,
)
_SECONDS = Histogram(
    "sluice_http_request_seconds",
    "How long answers took.",
    ("route",),
    registry=_REGISTRY,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
QUEUE = Gauge("sluice_queue_uploads", "Uploads that wait for a job, by table.", ("table",), registry=_REGISTRY)
RUNS = Counter("sluice_job_runs", "Jobs that have ended, by exit code.", ("table", "exit_code"), registry=_REGISTRY)
_METHODS = {"GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"}


def count_request(method: str, route: str, code: int, seconds: float) -> None:
    """Counts a request. `route` is the path as declared, so that there are only as many series as endpoints."""
    _REQUESTS.labels(method if method in _METHODS else "other", route, code).inc()
    _SECONDS.labels(route).observe(seconds)


def exposition() -> bytes:
    """All of them, as Prometheus reads them."""
    return generate_latest(_REGISTRY)
