"""The page of metrics and the dashboard name what there is; nothing is measured inside the trusted core."""

import json
import re
from typing import Any

import pytest

from broker.metrics.table import TABLE, Kind
from tests.architecture.pages import DOCS, REFERENCE, code_blocks, rows, section, text
from tests.architecture.tree import PACKAGE

_PAGE, _HOW_TO = REFERENCE / "metrics.md", DOCS / "how-to" / "watch-a-broker.md"
_DASHBOARD = DOCS / "operations" / "grafana-dashboard.json"
_NAME = re.compile(r"\bbroker_[a-z_]+")
_SELECTED = re.compile(r"\b(broker_[a-z_]+)\{([^}]*)\}")
_SPLIT = re.compile(r"by \(([^)]*)\) \((?:rate|increase)?\(?(broker_[a-z_]+)")
_ENDS = {Kind.HISTOGRAM: ("_bucket", "_sum", "_count"), Kind.COUNTER: ("",), Kind.GAUGE: ("",)}
TOLD = {metric.name + end: metric for metric in TABLE for end in _ENDS[metric.kind]}


def asked(dashboard: Any) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def mistakes(queries: list[str]) -> list[str]:
    """Return what queries name that is not told: metrics, labels that are chosen by or split by."""
    unknown = [name for query in queries for name in _NAME.findall(query) if name not in TOLD]
    chosen = [
        (name, re.split(r"[=!]", part)[0].strip())
        for query in queries
        for name, parts in _SELECTED.findall(query)
        for part in parts.split(", ")
    ]
    split = [
        (name, part.strip()) for query in queries for parts, name in _SPLIT.findall(query) for part in parts.split(",")
    ]
    labels = [
        f"{name} {label}" for name, label in chosen + split if name in TOLD and label not in (*TOLD[name].labels, "le")
    ]
    return unknown + labels


def test_every_metric_is_documented_with_its_kind_and_labels_and_nothing_else_is() -> None:
    for title, is_stored in (("Counted by the server", False), ("Read from the database", True)):
        told = [(name, kind, labels.replace("`", "")) for name, kind, labels, _ in rows(section(_PAGE, title))]
        there = [one for one in TABLE if one.is_stored is is_stored]
        assert told == [(one.name, one.kind.value, ", ".join(one.labels) or "none") for one in there]


def test_every_query_of_the_dashboard_names_what_is_told_and_every_metric_is_looked_at() -> None:
    dashboard = json.loads(text(_DASHBOARD))
    queries = asked(dashboard)
    assert mistakes(queries) == []
    looked_at = {TOLD[name].name for query in queries for name in _NAME.findall(query)}
    assert looked_at == {metric.name for metric in TABLE}
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert "http" not in text(_DASHBOARD), "it asks the operator's own Prometheus alone"


def test_the_alerts_of_the_how_to_name_what_is_told() -> None:
    queries = re.findall(r"expr: (.+)", "\n".join(code_blocks(_HOW_TO, "yaml")))
    assert queries
    assert mistakes(queries) == []


@pytest.mark.parametrize(
    "wrong",
    [
        "sum(broker_nothing_total)",
        "sum(rate(broker_request_seconds[5m]))",
        'broker_requests_total{platform="x"}',
        "sum by (grant) (rate(broker_requests_total[5m]))",
    ],
)
def test_a_query_for_what_is_not_told_would_be_found(wrong: str) -> None:
    assert mistakes([wrong]) != []


def test_no_label_is_a_person_a_grant_a_token_or_a_platform() -> None:
    labels = {label for metric in TABLE for label in metric.labels}
    assert labels == {
        "route",
        "method",
        "status",
        "decision",
        "code",
        "hold",
        "outcome",
        "bank",
        "kind",
        "log",
        "witness",
    }


def test_nothing_below_the_composition_root_knows_that_it_is_measured() -> None:
    known = {"app.py", "cli/serve.py", "cli/metrics.py"}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        if not name.startswith("metrics/") and name not in known:
            assert "broker.metrics" not in path.read_text(encoding="utf-8"), name
            assert "prometheus_client" not in re.sub(r'""".*?"""', "", path.read_text(encoding="utf-8")), name
