"""Dashboards and alerts as code, from the list of metrics: Grafana JSON and Prometheus rules.

Prometheus takes the metrics by OTLP: `service.name` is the label `job`, dots are underscores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from yimen.telemetry.metrics import COUNTER, GAUGE, HISTOGRAM, METRICS, Metric

RUNBOOKS = "deploy/monitoring/runbooks"
# Multi-window burn rates (Google SRE workbook, chapter 5): factor, long window, short window, how grave.
BURN_RATES = ((14.4, "1h", "5m", "page"), (6.0, "6h", "30m", "page"), (1.0, "3d", "6h", "ticket"))
CALLS_OBJECTIVE, HOPS_OBJECTIVE, HOP_S_GOOD = 0.999, 0.99, "5.0"
OUR_FAULTS = "INTERNAL|PEER_UNAVAILABLE|DATABASE_UNAVAILABLE"


@dataclass(frozen=True)
class Alert:
    """One rule; its runbook is `<name>.md`."""

    name: str
    expression: str
    wait: str
    severity: str
    summary: str


def _p(name: str) -> str:
    return METRICS[name].prometheus


def _burning(name: str, bad_share: str, objective: float, summary: str) -> list[Alert]:
    budget = 1 - objective
    return [
        Alert(name, " and ".join(f"({bad_share.replace('WINDOW', window)}) > {factor * budget:.6g}" for window in (long, short)),
              "2m", severity, f"{summary} (burns the error budget {factor:g} times too fast)")
        for factor, long, short, severity in BURN_RATES
    ]


def alerts() -> list[Alert]:
    """Every alert."""
    calls, hops = _p("rpc.server.call.duration"), _p("yimen.hop.latency")
    failed = (f'sum by (job) (rate({calls}_count{{yimen_code=~"{OUR_FAULTS}"}}[WINDOW]))'
              f" / sum by (job) (rate({calls}_count[WINDOW]))")
    slow = (f'1 - sum by (job) (rate({hops}_bucket{{le="{HOP_S_GOOD}"}}[WINDOW]))'
            f" / sum by (job) (rate({hops}_count[WINDOW]))")
    balance = _p("yimen.channel.balance")
    return [
        *_burning("YimenCallsFail", failed, CALLS_OBJECTIVE, "Calls to {{ $labels.job }} fail"),
        *_burning("YimenHopsSlow", slow, HOPS_OBJECTIVE, "Events reach {{ $labels.job }} late"),
        Alert("YimenOutboxStuck", f"{_p('yimen.outbox.age')} > 60", "5m", "page", "{{ $labels.job }} does not publish"),
        Alert("YimenEventsFailed", f'{_p("yimen.parked.events")}{{yimen_state="failed"}} > 0', "15m", "ticket",
              "{{ $labels.job }} has set events aside that it cannot handle"),
        Alert("YimenDeadLetters", f"{_p('yimen.dead.letters')} > 0", "5m", "ticket", "{{ $labels.job }} has dead letters"),
        Alert("YimenTimersLate", f"{_p('yimen.timers.late')} > 0", "15m", "page", "Deadlines of {{ $labels.job }} do not fire"),
        Alert("YimenDeadlinesMissed", f"sum by (job, yimen_task) (increase({_p('yimen.deadlines.missed')}[1d])) > 20", "0m",
              "ticket", "Many tasks {{ $labels.yimen_task }} of {{ $labels.job }} are overdue"),
        Alert("YimenBankSilent", f"increase({_p('yimen.bank.unanswered')}[15m]) > 3", "0m", "page", "The bank does not answer"),
        Alert("YimenChannelLow", f'{balance}{{yimen_account="available"}} < 0.05 * on (yimen_channel) sum by (yimen_channel)'
                                 f' ({balance})', "1h", "ticket", "Channel {{ $labels.yimen_channel }} is nearly spent"),
        Alert("YimenBatchesRedone", f"sum by (job) (rate({_p('yimen.batch.redone')}[15m])) > 0.2", "15m", "ticket",
              "{{ $labels.job }} handles its batches one by one"),
    ]


def rules() -> dict[str, Any]:
    """The Prometheus rule file."""
    return {"groups": [{"name": "yimen", "rules": [
        {"alert": one.name, "expr": one.expression, "for": one.wait, "labels": {"severity": one.severity},
         "annotations": {"summary": one.summary, "runbook": f"{RUNBOOKS}/{one.name}.md"}}
        for one in alerts()]}]}


# ------------------------------------------------------------------------------------------------ dashboards
def _queries(metric: Metric, where: str) -> list[tuple[str, str]]:
    name, by = metric.prometheus, ", ".join(one.replace(".", "_") for one in metric.attributes)
    if metric.kind == HISTOGRAM:
        return [(f"histogram_quantile({q}, sum by (le) (rate({name}_bucket{where}[5m])))", f"p{int(q * 100)}")
                for q in (0.5, 0.95, 0.99)]
    legend = " ".join(f"{{{{{one.replace('.', '_')}}}}}" for one in metric.attributes) or "{{job}}"
    if metric.kind == COUNTER:
        return [(f"sum by ({by or 'job'}) (increase({name}{where}[5m]))", legend)]
    return [(f"sum by ({by or 'job'}) ({name}{where})", legend)]


def _panel(number: int, metric: Metric, where: str) -> dict[str, Any]:
    width, height, in_a_row = 8, 7, 3
    return {
        "id": number + 1, "type": "timeseries", "title": metric.name,
        "description": f"{metric.meaning}\n\n{metric.action}",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "gridPos": {"x": number % in_a_row * width, "y": number // in_a_row * height, "w": width, "h": height},
        "fieldConfig": {"defaults": {"unit": {"s": "s", "d": "d"}.get(metric.unit, "short")}, "overrides": []},
        "targets": [{"refId": chr(65 + place), "expr": query, "legendFormat": legend, "exemplar": metric.kind == HISTOGRAM}
                    for place, (query, legend) in enumerate(_queries(metric, where))],
    }


def _dashboard(uid: str, title: str, names: list[str], where: str, variables: list[dict[str, Any]]) -> dict[str, Any]:
    datasource = {"name": "datasource", "type": "datasource", "query": "prometheus"}
    return {"uid": uid, "title": title, "schemaVersion": 39, "timezone": "Asia/Shanghai", "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"}, "tags": ["yimen"], "templating": {"list": [datasource, *variables]},
            "panels": [_panel(number, METRICS[name], where) for number, name in enumerate(names)]}


def by_service() -> dict[str, Any]:
    """One service: its calls, events, queues and deadlines."""
    chosen = {"name": "job", "type": "query", "label": "服务", "refresh": 2, "datasource": {"type": "prometheus",
              "uid": "${datasource}"}, "query": f"label_values({_p('yimen.outbox.rows')}, job)"}
    names = [name for name, metric in METRICS.items() if not name.startswith(("yimen.bank", "yimen.channel"))]
    return _dashboard("yimen-service", "一门:按服务", names, '{job="$job"}', [chosen])


def by_journey() -> dict[str, Any]:
    """What a case goes through: hops, tasks, decisions, money, bank."""
    names = ["yimen.hop.latency", "yimen.deadlines.missed", "yimen.decision.time", "yimen.channel.balance",
             "yimen.bank.outcomes", "yimen.bank.unanswered", "yimen.parked.events", "yimen.dead.letters"]
    return _dashboard("yimen-journey", "一门:办件全程", names, "", [])


def catalogue() -> str:
    """The list of metrics for people."""
    kinds = {COUNTER: "counter", HISTOGRAM: "histogram", GAUGE: "gauge"}
    lines = ["# Metrics", "", "Made from `libs/yimen/telemetry/metrics.py` by `yimen monitoring --write`.", "",
             "| Metric | Prometheus | Kind, unit | By | Meaning | What to do |", "|---|---|---|---|---|---|"]
    lines += [f"| `{m.name}` | `{m.prometheus}` | {kinds[m.kind]}, {m.unit} | {', '.join(m.attributes) or '–'} | {m.meaning} "
              f"| {m.action} |" for m in METRICS.values()]
    return "\n".join(lines) + "\n"
