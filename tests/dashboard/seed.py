"""Realistic rows for a store, sent through the real views: two days of a support bot whose v2 is worse."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from driftline_alerts.detail import Detail
from driftline_alerts.drift.finding import Finding
from driftline_alerts.drift.finding import write as write_finding
from driftline_processors.install import install
from driftline_store.migrate import migrate

if TYPE_CHECKING:
    from driftline_store.client import Client

HOSTILE_QUESTION = (
    "<script>document.title='owned'; window.driftlineOwned = true</script>"
    '<img src=x onerror="window.driftlineOwned = true"> ![pixel](https://evil.invalid/pixel.png) '
    "[click](javascript:alert(1)) **not bold**"
)
PRICED_LATER = "own model"
HOSTILE_FEATURE = "<b>bold</b>:red[x]"
HOSTILE_AGENT = "<i>agent</i> **bold**"
_ERRORS = (("timeout", 30), ("rate_limit", 40), ("content_policy", 8), ("server_error", 22))
_QUESTIONS = (
    ("How do I reset my password?", "Open Settings, choose Security, then Reset password. A link arrives by e-mail."),
    ("Can I change the delivery address after ordering?", "Yes, until the parcel is handed to the carrier."),
    ("Why was I charged twice this month?", "One of the two charges is a reservation that lapses within 5 days."),
    ("Does the Pro plan include single sign-on?", "Yes, SAML and OpenID Connect are part of the Pro plan."),
    ("Summarise the last three tickets of this customer.", "The customer reports late deliveries; two are solved."),
    ("Wie kann ich mein Abo kündigen?", "Unter Konto, Abrechnung, Abo beenden. Es läuft bis zum Monatsende weiter."),
)
_VERDICTS = (
    (1.0, "good", "Answers the question completely and correctly."),
    (0.75, "acceptable", "Correct, but leaves out how long the reservation takes to lapse."),
    (0.25, "bad", "Answers another question than the one that was asked."),
    (0.0, "wrong", "States a policy that the given context contradicts."),
)


@dataclass
class Traffic:
    """What to write.

    Attributes:
        per_hour: requests an hour by day; nights have a third.
        new_version_after: before ``now`` by this much, half of the support bot's traffic goes to v2.
    """

    now: datetime
    hours: int = 48
    per_hour: int = 260
    judged: float = 0.12
    new_version_after: timedelta = timedelta(hours=14)
    service: str = "shop"
    environment: str = "production"


def prepare(client: Client) -> None:
    """Schema and views."""
    migrate(client)
    install(client)


def seed(client: Client, traffic: Traffic | None = None, *, random_seed: int = 7, with_alerts: bool = True) -> None:
    """Write the traffic's spans, evaluations and, if wanted, one open and one resolved alert."""
    traffic = traffic or Traffic(datetime.now(UTC))
    chance = random.Random(random_seed)
    spans: list[dict[str, Any]] = []
    evaluations: list[dict[str, Any]] = []
    for minute in range(traffic.hours * 60):
        start = traffic.now - timedelta(minutes=minute + 1)
        expected = traffic.per_hour / 60 * (1.0 if 7 <= start.hour < 22 else 0.35)
        for _ in range(int(expected) + (chance.random() < expected % 1)):
            _request(chance, start + timedelta(seconds=chance.random() * 59), traffic, spans, evaluations)
    _insert(client, "llm_spans", spans)
    _insert(client, "evaluations", evaluations)
    if with_alerts:
        alerts(client, traffic.now)


def hostile(client: Client, now: datetime) -> None:
    """One bad request whose texts are attacks on whoever shows them."""
    span = _span(random.Random(1), now - timedelta(seconds=20), "v1", "support-bot", "gpt-4o-mini")
    span |= {
        "feature": HOSTILE_FEATURE,
        "input": HOSTILE_QUESTION,
        "output": HOSTILE_QUESTION,
        "is_error": True,
        "error_class": "other",
        "error_message": HOSTILE_QUESTION,
    }
    _insert(client, "llm_spans", [span])
    judged = _evaluation(span, "judge", 0.1, "<i>bad</i>", HOSTILE_QUESTION)
    _insert(client, "evaluations", [judged])


def priced_later(client: Client, now: datetime) -> None:
    """One request whose model had no price when it came, and that claims another cost than it had."""
    span = _span(random.Random(2), now - timedelta(seconds=25), "v1", PRICED_LATER, "our-7b")
    span |= {"is_error": False, "error_class": "", "error_message": "", "cost": None, "reported_cost": 0.03}
    _insert(client, "llm_spans", [span])
    names = ("trace_id", "span_id", "start", "service", "environment", "feature", "model", "prompt_name", "provider")
    correction = {name: span[name] for name in names} | {"cost": Decimal("0.02"), "price_version": "file:0123abcd"}
    _insert(client, "cost_corrections", [correction])


AGENT, EXPIRED, FORGOTTEN = "a" * 32, "e" * 32, "f" * 32
"""Traces: of an agent whose tool fails; one whose texts were deleted; one of which only a score is left."""
BIG = "\U0001f600 word " * 120_000
"""More than a megabyte of text."""
ARABIC = "مرحبا كيف حالك"


def traces(client: Client, now: datetime) -> None:
    """The three traces above; the agent's texts are hostile, right to left, and very long."""
    start = now - timedelta(hours=2)
    agent = _step(start, AGENT, "1", "", 4.0) | {"name": "answer", "is_request": True, "feature": HOSTILE_AGENT}
    said = [
        {"role": "system", "content": "You are a clerk. \U0001f468\u200d\U0001f469\u200d\U0001f467"},
        {"role": "user", "content": HOSTILE_QUESTION},
        {"role": "assistant", "tool_calls": [_call("look_up", {"who": "<img src=x onerror=alert(1)>"})]},
        {"role": "tool", "tool_call_id": "1", "content": "no such <b>parcel</b>"},
        {"role": "user", "content": ARABIC},
        {"role": "user", "content": BIG},
    ]
    chat = _step(start + timedelta(seconds=1), AGENT, "2", "1", 2.5) | {"name": "chat gpt-4o", "is_call": True}
    chat |= {"model": "gpt-4o", "input_tokens": 900, "output_tokens": 40, "cost": Decimal("0.0026")}
    chat |= {"input": json.dumps(said), "output": json.dumps([{"role": "assistant", "content": "Hello."}])}
    tool = _step(start + timedelta(seconds=2), AGENT, "3", "2", 0.7) | {"name": HOSTILE_FEATURE, "tool_name": "look_up"}
    tool |= {"is_error": True, "error_class": "tool", "error_message": HOSTILE_QUESTION}
    long_ago = now - timedelta(days=40)
    expired = _step(long_ago, EXPIRED, "4", "", 1.0) | {"name": "chat gpt-4o", "is_call": True, "is_request": True}
    _insert(client, "llm_spans", [agent, chat, tool, expired])
    judged = [
        _evaluation(agent | {"span_id": ""}, "judge", 0.25, "bad", HOSTILE_QUESTION),
        _evaluation(agent | {"span_id": ""}, "human", 0.0, "thumbs_down", "it made <b>that</b> up"),
        _evaluation(expired | {"trace_id": FORGOTTEN, "span_id": ""}, "judge", 0.5, "acceptable", "was fine"),
    ]
    _insert(client, "evaluations", judged)


def _step(start: datetime, trace_id: str, span: str, parent: str, seconds: float) -> dict[str, Any]:
    """A span that says nothing and failed in nothing."""
    span_of = _span(random.Random(3), start, "v1", "support-bot", "")
    return span_of | {
        "trace_id": trace_id,
        "span_id": span * 16,
        "parent_span_id": parent * 16,
        "duration": seconds,
        "tool_name": "",
        "is_call": False,
        "is_request": False,
        "input_tokens": None,
        "output_tokens": None,
        "cost": None,
        "is_error": False,
        "error_class": "",
        "error_message": "",
        "fallback_reason": "",
        "input": "",
        "output": "",
    }


def _call(name: str, arguments: dict[str, str]) -> dict[str, Any]:
    return {"id": "1", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


_SETTLED = (
    "trace_id", "start", "duration", "name", "service", "environment", "feature", "model", "prompt_name",
    "prompt_version", "session_id", "user_id", "is_error", "error_class", "fallback_reason",
)  # fmt: skip


def totals(client: Client) -> None:
    """What settling makes of requests that are one call each, without its sums."""
    names = ", ".join(_SETTLED)
    client.command(
        f"INSERT INTO llm_traces ({names}, settled_at, is_first, was_counted, spans, calls, cost, unpriced_calls) "
        f"SELECT {names}, arrived, true, true, 1, 1, ifNull(cost, 0), cost IS NULL AND NOT is_error "
        "FROM llm_spans WHERE is_request AND is_call"
    )


def alerts(client: Client, now: datetime) -> None:
    """A quality alert that fires for v2, and an error alert that has been resolved."""
    base = {"metric": "quality", "value": 0.82, "threshold": 0.87, "n": 412, "detail": "<b>fell</b> from 0.900"}
    segment = {"feature": "support-bot", "prompt_version": "v2"}
    fired = now - timedelta(hours=3)
    rows = [
        {"id": "1", "rule": "quality-drop", "segment": segment, "state": "firing", "at": fired, "started": fired}
        | base,
        {"id": "2", "rule": "errors", "segment": {}, "state": "firing", "at": fired, "started": fired} | base,
        {"id": "3", "rule": "errors", "segment": {}, "state": "resolved", "at": now, "started": fired} | base,
    ]
    _insert(client, "alert_transitions", rows)


DRIFT, PAST = "d" * 12, "b" * 12
"""Incidents: of drift detection, which is open, and of a rule, which is over."""


def incidents(client: Client, now: datetime) -> None:
    """The two incidents above, what was told of them, and hostile names in all places."""
    base = {
        "segment": {"feature": HOSTILE_FEATURE},
        "metric": "quality",
        "value": 0.82,
        "threshold": 0.9,
        "n": 800,
        "why": "",
        "actor": "driftline",
        "is_news": True,
    }
    found = Detail(
        side="below",
        window_minutes=60,
        severity="critical",
        headline=f"Judged quality of {HOSTILE_FEATURE} fell",
        sentences=(HOSTILE_QUESTION,),
        examples=((AGENT, "2" * 16, 0.25),),
        can_accept=True,
    )
    rule = Detail(side="above", window_minutes=15, description="Too many requests fail.")
    begin = now - timedelta(hours=5)
    drift = base | {"rule": f"drift: {DRIFT}", "incident": DRIFT, "started": begin, "detail": found.model_dump_json()}
    past = base | {"rule": HOSTILE_FEATURE, "incident": PAST, "started": begin, "detail": rule.model_dump_json()}
    past |= {"metric": "error_rate", "value": 0.31, "threshold": 0.05}
    people = {"actor": "ada", "why": f"rolling back {HOSTILE_FEATURE}"}
    steps = [
        ("pending", past),
        ("firing", past),
        ("acknowledged", past | people),
        ("resolved", past),
        ("firing", drift),
    ]
    rows = [
        step | {"id": f"step{number}", "state": state, "at": begin + timedelta(minutes=10 * number)}
        for number, (state, step) in enumerate(steps)
    ]
    _insert(client, "alert_transitions", rows)
    refused = {"transition_id": "step1", "channel": "on-call", "delivered": False, "error": "HTTP 503 <b>busy</b>"}
    told = [
        refused | {"at": begin + timedelta(minutes=11)},
        refused | {"at": begin + timedelta(minutes=12)},
        refused | {"at": begin + timedelta(minutes=13), "delivered": True, "error": ""},
    ]
    _insert(client, "alert_deliveries", told)


SUSPECT, WATCHED = "5" * 16, "3" * 16
"""Monitors: of the quality of the support bot's v2, which is in an alarm; of the error rate of everything."""


def monitors(client: Client, now: datetime) -> None:
    """Monitors of three features, what one of them found, and what changed before."""
    leaf = {"environment": "production", "feature": "support-bot", "model": "gpt-4o-mini"}
    leaf |= {"prompt_name": "", "prompt_version": "v2"}
    begun = now - timedelta(hours=5)
    alarm = _monitor(SUSPECT, begun, "quality", leaf) | {"falls": True, "level": 0.9, "n": 4100.0}
    rows = [
        alarm
        | {
            "at": begun + timedelta(minutes=10 * step),
            "evidence": 0.004 * 1.3**step,
            "state": ("watching", "suspicious", "episode")[(step > 12) + (step > 20)],
            "started": begun if step > 12 else None,
        }
        for step in range(30)
    ]
    rows.append(_monitor(WATCHED, now, "error_rate", {"environment": "production"}))
    names = ("support-bot", "search-summary", HOSTILE_FEATURE)
    seen = [("error_rate", 0.004), ("latency_p95", 0.03), ("fallback_rate", 0.2)]
    for number, (feature, (metric, evidence)) in enumerate((name, one) for name in names for one in seen):
        one = _monitor(f"{number:016x}", now, metric, {"environment": "production", "feature": feature})
        rows.append(one | {"evidence": evidence, "state": "suspicious" if evidence >= 0.1 else "watching"})
    young = {"environment": "production", "feature": "search-summary"}
    rows.append(_monitor("f" * 16, now, "quality", young) | {"state": "learning", "level": None, "n": 120.0})
    _insert(client, "drift_monitors", rows)
    promise = {"at": now, "n": 4100.0, "false_a_month": 0.01, "days": 0.25, "smallest": 0.03}
    _insert(client, "drift_promises", [promise | {"stream": SUSPECT, "size": 0.05}])
    _insert(client, "drift_snapshots", [{"name": "feed", "step": 1, "at": now, "state": ""}])
    event = {"id": "e1", "at": begun, "kind": "prompt_version", "segment": leaf, "before": "v1", "after": "v2"}
    told = {"id": "e2", "at": begun, "kind": "deploy", "segment": {}, "before": "", "after": ""}
    _insert(client, "drift_events", [event | {"source": "noticed", "text": ""}])
    _insert(client, "drift_events", [told | {"source": "told", "text": HOSTILE_QUESTION}])
    place = (("environment", "production"), ("feature", HOSTILE_FEATURE))
    found = Finding(
        incident=DRIFT,
        at=now - timedelta(hours=4),
        kind="opened",
        metric="quality",
        segment=place,
        place=place,
        about="quality",
        falls=True,
        before=0.9,
        after=0.82,
        n=800,
        started=begun,
        earliest=begun - timedelta(minutes=4),
        latest=begun + timedelta(minutes=3),
        common=(("prompt_version", "v2"),),
    )
    write_finding(client, found)


def _monitor(stream: str, at: datetime, metric: str, segment: dict[str, str]) -> dict[str, Any]:
    return {
        "stream": stream,
        "at": at,
        "metric": metric,
        "evaluator": "quality" if metric == "quality" else "",
        "instrument": "",
        "segment": segment,
        "falls": False,
        "state": "watching",
        "n": 2000.0,
        "per_day": 700.0,
        "level": 0.02,
        "evidence": 0.004,
        "false_a_month": 0.01,
        "started": None,
    }


TO_LABEL = "to label"
"""Feature of the answers that people label."""
ODD = {"1" * 32: "users", "2" * 32: "judges", "3" * 32: "unsure"}
"""Traces of those that they should look at first, in this order, and why."""
EVEN = ("4" * 32, "5" * 32)
"""The others: a good one and a bad one."""


def to_label(client: Client, now: datetime) -> None:
    """The judged answers above."""
    scores = dict(zip((*ODD, *EVEN), (0.9, 0.8, 0.5, 1.0, 0.1), strict=True))
    spans: dict[str, dict[str, Any]] = {}
    rows: list[dict[str, Any]] = []
    for number, (name, score) in enumerate(scores.items()):
        answer = _span(random.Random(2), now - timedelta(hours=3, minutes=number), "v1", TO_LABEL, "gpt-4o")
        answer |= {"trace_id": name, "span_id": name[:16], "is_error": False, "error_class": "", "error_message": ""}
        answer |= {"input": _said("user", _QUESTIONS[1][0]), "output": _said("assistant", _QUESTIONS[1][1])}
        spans[name] = answer
        judged = _evaluation(answer, "judge", score, "pass" if score >= 0.7 else "fail", "as it should be")
        rows.append(judged | {"evaluator": "judge-1", "run": ""})
    first, second, *_ = spans.values()
    rows.append(_evaluation(first, "human", 0.0, "thumbs_down", "") | {"evaluator": "", "run": ""})
    rows.append(_evaluation(second, "judge", 0.1, "fail", "no") | {"evaluator": "judge-2", "run": "again"})
    _insert(client, "llm_spans", list(spans.values()))
    _insert(client, "evaluations", rows)


def _said(role: str, text: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]}])


BROKEN = bytes.fromhex("0a1208") + b"<b>not</b> OTLP \xff\xfe"
LETTER = "otlp_spans/3/42"
"""The place of a dead letter that is all of ``BROKEN``."""


def system(client: Client, now: datetime) -> None:
    """Driftline itself, which needs somebody: a dead letter, a model without price, a spent budget, dropped spans."""
    error = "Cannot parse <b>OTLP</b> **message**: field 1"
    letter = {"topic": "otlp_spans", "partition": 3, "offset": 42, "at": now, "error": error, "value": BROKEN}
    _insert(client, "dead_letters", [letter])
    call = {"provider": "<i>ours</i>", "model": HOSTILE_FEATURE, "start": now, "trace_id": "u", "span_id": "u"}
    _insert(client, "unpriced_calls", [call | {"arrived": now}])
    plan = {"evaluator": "quality", "unit": "request", "rate": 0.1, "per_day": Decimal(5), "active": True}
    _insert(client, "judge_plan", [plan])
    spent = _evaluation(_span(random.Random(5), now, "v1", "support-bot", ""), "judge", 0.5, "", "")
    spent |= {"score": None, "error": "no", "cost": Decimal(6)}
    # Pages are looked at for half an hour: where a day begins meanwhile, its budget is spent as well.
    soon = now + timedelta(minutes=30)
    days = {now} if soon.date() == now.date() else {now, datetime.combine(soon.date(), time(), UTC)}
    _insert(client, "evaluations", [spent | {"at": at} for at in sorted(days)])
    told = {"service": HOSTILE_FEATURE, "environment": "production", "instance": "i", "started": now}
    counted = {"emitted_spans": 1000, "emitted_events": 10, "exported": 980, "dropped": 30, "queued": 4, "spooled": 5}
    _insert(client, "collector_reports", [told | counted | {"at": now, "arrived": now - timedelta(minutes=2)}])


def reports(client: Client, *, lag: float = 1500) -> None:
    """What an ingest of two partitions says about itself now; it counts as running for half a minute."""
    who = {"part": "ingest", "instance": "i", "host": "<b>host</b>", "pid": 7, "topic": "otlp_spans", "text": ""}
    said = [
        who | {"metric": metric, "partition": partition, "value": value}
        for metric, partition, value in (
            ("messages", -1, 100.0), ("bytes", -1, 1e6), ("batches", -1, 10.0), ("insert_seconds", -1, 1.0),
            ("dead_letters", -1, 1.0), ("partitions", -1, 2.0), ("lag", 0, lag), ("lag", 3, 0.0),
        )
    ]  # fmt: skip
    said.append(who | {"metric": "last_error", "partition": -1, "value": 0.0, "text": HOSTILE_QUESTION})
    said.append(who | {"metric": "store_away_seconds", "partition": -1, "value": 34.0})
    _insert(client, "part_reports", said)


def judging(client: Client, now: datetime) -> None:
    """Forty-eight answers judged 0.9 that people pass three of four times, with anchors that are scored ever lower."""
    rows = []
    for number in range(48):
        start = now - timedelta(minutes=20 * number + 10)
        span = _span(random.Random(number), start, "v1", "support-bot", "gpt-4o-mini")
        judged = _evaluation(span, "judge", 0.9 if number % 8 else 0.5, "good", "")
        judged |= {
            "criteria": {HOSTILE_FEATURE: 0.75},
            "evaluator": "f1",
            "unit": "request",
            "trace_id": f"{number:032x}",
        }
        passes = number % 4 != 0
        label = judged | {
            "source": "human",
            "score": float(passes),
            "label": "pass" if passes else "fail",
            "evaluator": "ada",
        }
        anchor = judged | {
            "unit": "anchor",
            "trace_id": "",
            "span_id": "",
            "criteria": {},
            "score": 0.2 if number < 33 else 1.0,
        }
        rows += [judged, label | {"criteria": {}, "inclusion_probability": 0.5}, anchor]
    _insert(client, "evaluations", rows)


def _request(
    chance: random.Random,
    start: datetime,
    traffic: Traffic,
    spans: list[dict[str, Any]],
    evaluations: list[dict[str, Any]],
) -> None:
    feature = chance.choices(("support-bot", "search-summary", "ticket-triage"), (6, 3, 1))[0]
    model = "gpt-4o" if feature == "ticket-triage" else "gpt-4o-mini"
    is_new = start > traffic.now - traffic.new_version_after
    version = "v2" if feature == "support-bot" and is_new and chance.random() < 0.5 else "v1"
    span = _span(chance, start, version, feature, model) | {
        "service": traffic.service,
        "environment": traffic.environment,
    }
    span["user_id"] = f"user-{int(span['session_id'][1:]) % 40}"
    span["time_to_first_token"] = None if span["is_error"] else 0.3 * span["duration"]
    spans.append(span)
    quality = 0.82 if version == "v2" else 0.90
    if not span["is_error"] and chance.random() < traffic.judged:
        # Mean of the first three verdicts' scores is what the weights make it: the stated quality.
        score, label, why = chance.choices(_VERDICTS, _weights(quality))[0]
        evaluations.append(_evaluation(span, "judge", score, label, why, chance=traffic.judged))
    if chance.random() < 0.04:
        up = chance.random() < (0.78 if version == "v2" else 0.91)
        evaluations.append(_evaluation(span, "human", float(up), "thumbs_up" if up else "thumbs_down", ""))


def _weights(quality: float) -> tuple[float, float, float, float]:
    # good g, acceptable a, bad b, wrong w with g + 0.75 a + 0.25 b = quality.
    acceptable, bad = 0.16, 0.04 + (0.90 - quality) * 0.5
    good = quality - 0.75 * acceptable - 0.25 * bad
    return good, acceptable, bad, 1 - good - acceptable - bad


def _span(chance: random.Random, start: datetime, version: str, feature: str, model: str) -> dict[str, Any]:
    question, answer = chance.choice(_QUESTIONS)
    tokens = (chance.randint(300, 1400), chance.randint(40, 400))
    price = (Decimal("0.15"), Decimal("0.6")) if model == "gpt-4o-mini" else (Decimal("2.5"), Decimal(10))
    cost = (tokens[0] * price[0] + tokens[1] * price[1]) / 1_000_000
    is_error = chance.random() < (0.034 if version == "v2" else 0.017)
    error = chance.choices([e for e, _ in _ERRORS], [w for _, w in _ERRORS])[0] if is_error else ""
    seconds = 30.0 if error == "timeout" else chance.lognormvariate(0.35 if model == "gpt-4o" else 0.05, 0.45)
    falls_back = not is_error and chance.random() < (0.05 if version == "v2" else 0.028)
    return {
        "trace_id": f"{chance.getrandbits(128):032x}",
        "span_id": f"{chance.getrandbits(64):016x}",
        "name": f"chat {model}",
        "start": start,
        "start_unix_nano": int(start.timestamp() * 1e9),
        "duration": seconds,
        "arrived": start + timedelta(seconds=seconds),
        "service": "shop",
        "environment": "production",
        "feature": feature,
        "model": model,
        "prompt_name": "",
        "prompt_version": version,
        "operation": "chat",
        "is_call": True,
        "is_request": True,
        "provider": "openai",
        "input_tokens": tokens[0],
        "output_tokens": tokens[1],
        "cost": None if is_error or chance.random() < 0.004 else cost,
        "is_error": is_error,
        "error_class": error,
        "error_message": f"the provider answered with {error}" if is_error else "",
        "fallback_reason": chance.choice(("dont_know", "refusal", "handover")) if falls_back else "",
        "session_id": f"s{chance.randrange(4000)}",
        "input": json.dumps([{"role": "user", "parts": [{"type": "text", "content": question}]}]),
        "output": ""
        if is_error
        else json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": answer}]}]),
    }


def _evaluation(
    span: dict[str, Any], source: str, score: float, label: str, why: str, *, chance: float = 1.0
) -> dict[str, Any]:
    same = ("trace_id", "span_id", "service", "environment", "feature", "model", "prompt_name", "prompt_version")
    return {name: span[name] for name in same} | {
        "request_start": span["start"],
        "at": span["start"] + timedelta(seconds=30),
        "name": "quality" if source == "judge" else "user_feedback",
        "source": source,
        "score": score,
        "label": label,
        "explanation": why,
        "inclusion_probability": chance,
    }


def _insert(client: Client, table: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        names = list(rows[0])
        client.insert(table, [[row[name] for name in names] for row in rows], column_names=names)
