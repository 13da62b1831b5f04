"""Labels find their answers, are stored once, and tell how far the judge is off."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from driftline_cli.labels import app
from driftline_processors.labels.entry import Entry
from driftline_processors.labels.take_in import take_in
from driftline_store.estimates.prediction_powered import FEWEST, Judged, Labelled, corrected_mean
from driftline_store.examples import draw
from driftline_store.labels import Label, labels, withdraw
from driftline_store.metrics import DIMENSIONS
from driftline_store.quality import quality
from processors_support import send

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from driftline_store.client import Client
    from store_fixtures import RunningStore

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
EVER = {"since": NOW - 24 * HOUR, "until": NOW + HOUR}


def judged(client: Client, scores: Sequence[float], **values: Any) -> list[str]:
    """Store scores of the judge, a trace each; gives their trace ids."""
    row = {
        "trace_id": "", "span_id": "b" * 16, "request_start": NOW - HOUR, "at": NOW, "feature": "support",
        "name": "quality", "source": "judge", "score": 0.0, "label": "", "evaluator": "judge-1",
        "inclusion_probability": 0.01, **values,
    }  # fmt: skip
    traces = [secrets.token_hex(16) for _ in scores]
    rows = [
        [*(row | {"trace_id": trace, "score": score, "label": "pass" if score >= 0.7 else "fail"}).values()]
        for trace, score in zip(traces, scores, strict=True)
    ]
    client.insert("evaluations", rows, column_names=list(row))
    return traces


LABEL = Entry(
    line=2, trace_id="", span_id="", response_id="", name="quality", score=1.0, label="pass", labeller="ann", note="",
    at=None, probability=0.0,
)  # fmt: skip


def entry(trace: str = "", score: float = 1.0, **values: Any) -> Entry:
    return replace(LABEL, trace_id=trace, score=score, label="pass" if score >= 0.7 else "fail", **values)


def said(client: Client) -> list[Label]:
    return labels(client, NOW - 24 * HOUR)


def test_a_label_is_filed_where_the_score_is_and_a_second_import_changes_nothing(client: Client) -> None:
    [trace] = judged(client, [0.9], prompt_version="7")
    one = entry(trace, 0.2, note="Invented a date.", at=NOW - HOUR, probability=0.1)
    assert (take_in(client, [one]).stored, take_in(client, [one]).stored) == (1, 0)
    assert said(client) == [Label(trace, "b" * 16, "quality", "ann", NOW - HOUR, 0.2, "fail", "Invented a date.", 0.1)]
    [row] = client.query("SELECT * FROM evaluations WHERE source = 'human'").named_results()
    assert {row["feature"], row["prompt_version"], row["request_start"]} == {"support", "7", NOW - HOUR}
    sums = client.query("SELECT sum(thumbs_up), sum(thumbs_down), sum(reports), sum(judged) FROM llm_rollups")
    assert sums.result_rows == [(0, 0, 0, 4)], "it is no feedback and no score of the judge"


def test_a_mended_label_replaces_the_earlier_one_and_an_old_file_does_not(client: Client) -> None:
    [trace] = judged(client, [0.9])
    first, mended = entry(trace, 0.2, at=NOW - HOUR), entry(trace, 1.0, at=NOW - HOUR)
    for one in (first, mended):
        assert take_in(client, [one]).stored == 1
    assert [label.score for label in said(client)] == [1.0]
    assert take_in(client, [entry(trace, 0.5, at=NOW - 2 * HOUR)]).stored == 0
    assert take_in(client, [entry(trace, 0.1, labeller="bo"), entry(trace, 0.3, labeller="bo")]).stored == 1
    assert sorted((label.labeller, label.score) for label in said(client)) == [("ann", 1.0), ("bo", 0.3)]


def test_a_label_that_is_taken_back_is_as_if_it_had_not_been_given(client: Client) -> None:
    first, other = judged(client, [0.9, 0.9])
    take_in(client, [entry(first, 1.0, at=NOW - HOUR), entry(other, 1.0, at=NOW), entry(first, 1.0, labeller="bo")])
    take_in(client, [entry(first, 0.0, note="a slip")])
    [slip] = [one for one in said(client) if one.note == "a slip"]
    withdraw(client, slip)
    counted = sorted((one.trace_id == first, one.labeller, one.score, one.note) for one in said(client))
    assert counted == [(False, "ann", 1.0, ""), (True, "ann", 1.0, ""), (True, "bo", 1.0, "")]


def test_answers_are_drawn_from_a_segment_with_its_own_probability(client: Client) -> None:
    mine = judged(client, [0.9, 0.8], feature="mine")
    judged(client, [0.9] * 6)
    drawn, probability = draw(client, "quality", 1, since=NOW - 24 * HOUR, until=NOW + HOUR, where={"feature": "mine"})
    assert probability == 0.5
    assert {trace for trace, _ in drawn} < set(mine)


def test_an_answer_is_found_by_any_of_its_ids_and_one_that_is_not_there_is_told(client: Client) -> None:
    unjudged = send(client, {"driftline.feature": "search", "gen_ai.response.id": "chatcmpl-1"})
    sent = send(client, {"driftline.feature": "support", "gen_ai.response.id": "chatcmpl-2"})
    [scored] = judged(client, [0.9])
    # The judge scored a trace of which a call is named.
    client.command(
        "INSERT INTO evaluations (trace_id, span_id, name, source, score, evaluator, feature, at) "
        f"VALUES ('{sent}', '{'c' * 16}', 'quality', 'judge', 1, 'judge-1', 'support', now())"
    )
    unknown = entry("f" * 32, line=9)
    done = take_in(
        client,
        [
            entry(response_id="chatcmpl-1"),
            entry(response_id="chatcmpl-2"),
            entry(scored, span_id="b" * 16),
            unknown,
            entry(response_id="chatcmpl-3"),
        ],
    )
    assert (done.stored, [one.line for one in done.unknown]) == (3, [9, 2])
    places = {label.trace_id: label.span_id for label in said(client)}
    assert places.keys() == {unjudged, sent, scored}
    assert (places[sent], places[scored]) == ("c" * 16, "b" * 16)
    feature = "SELECT feature FROM evaluations WHERE source = 'human' AND trace_id = {trace:String}"
    assert client.query(feature, {"trace": unjudged}).result_rows == [("search",)]


def test_quality_is_raw_and_corrected_per_instrument_with_weights(client: Client) -> None:
    random = np.random.default_rng(3)
    good = random.random(120) < 0.8
    scores = np.where(random.random(120) < 0.85, good, ~good).astype(float)
    traces = judged(client, scores[:60].tolist()) + judged(client, scores[60:].tolist(), inclusion_probability=0.5)
    weight = np.repeat([100.0, 2.0], 60)
    judged(client, [0.5] * 3, evaluator="judge-2")
    judged(client, [0.0] * 5, request_start=NOW - 48 * HOUR)
    people = good[40:100].astype(float)
    take_in(client, [entry(trace, label, probability=0.5) for trace, label in zip(traces[40:100], people, strict=True)])
    take_in(client, [entry(traces[0], 0.0)])  # chosen by somebody, not drawn
    one, other = quality(client, **EVER, by=["feature"])  # type: ignore[arg-type]
    powers = [(weight**a * scores**b).sum() for a, b in ((1, 0), (1, 1), (2, 0), (2, 1), (2, 2))]
    chosen = slice(40, 100)
    expected = corrected_mean(
        Judged(*(np.array([power]) for power in powers)),
        Labelled(np.zeros(60, np.intp), weight[chosen], weight[chosen] * 2, scores[chosen], people),
    )
    assert (one.segment, one.name, one.evaluator) == ({"feature": "support"}, "quality", "judge-1")
    assert (one.judged, one.labelled, one.both) == (120, 61, 60)
    assert one.raw.value == pytest.approx((weight * scores).sum() / weight.sum())
    assert np.isnan(expected.corrected.value[0]), "labels of such different weights are worth 21"
    assert one.corrected.reason == f"60 labels are worth 21 equal ones, and it takes {FEWEST}"
    assert sum(one.cells) == 60
    assert (other.evaluator, other.judged, other.both, other.corrected.reason) == ("judge-2", 3, 0, "no labels")
    assert other.agreement["kappa"].value is None


def test_corrected_quality_comes_from_the_labels_that_there_are(client: Client) -> None:
    random = np.random.default_rng(3)
    good = random.random(200) < 0.8
    scores = np.where(random.random(200) < 0.85, good, ~good).astype(float)
    traces = judged(client, scores.tolist())
    both = [*(entry(trace, float(is_good)) for trace, is_good in zip(traces[:80], good[:80], strict=True))]
    take_in(client, [*both, entry(traces[0], 1.0 - good[0], labeller="bo")])
    [found] = quality(client, **EVER, where={"feature": "support"}, of="pass")  # type: ignore[arg-type]
    people = good[:80].astype(float)
    people[0] = 0.5
    power = np.full(1, 100.0 * scores.sum())
    expected = corrected_mean(
        Judged(np.full(1, 2e4), power, np.full(1, 2e6), 100 * power, 100 * power),
        Labelled(np.zeros(80, np.intp), np.full(80, 100.0), np.full(80, 100.0), scores[:80], people),
    )
    for name, one in (("corrected", expected.corrected), ("people", expected.alone)):
        figure = getattr(found, name)
        assert [figure.value, figure.low, figure.high] == pytest.approx([one.value[0], one.low[0], one.high[0]])
    assert found.power == pytest.approx(expected.power[0])
    both_pass = (people * scores[:80]).sum()
    assert found.cells == pytest.approx(
        (both_pass, people.sum() - both_pass, scores[:80].sum() - both_pass, ((1 - people) * (1 - scores[:80])).sum())
    )
    assert quality(client, **EVER, where={"feature": "search"}) == []  # type: ignore[arg-type]


@pytest.fixture
def command(client: Client, embedded_store: RunningStore, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("DRIFTLINE_DATA_DIR", str(embedded_store.path))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return run


def test_answers_are_drawn_labelled_imported_compared_and_become_test_cases(
    client: Client, command: Any, tmp_path: Path
) -> None:
    traces = [
        send(client, {"driftline.feature": "support", "gen_ai.output.messages": f"=Answer {number}"})
        for number in range(3)
    ]
    for trace in traces:
        client.command(
            f"INSERT INTO evaluations ({', '.join(('trace_id', 'span_id', 'request_start', 'at', *DIMENSIONS))}, "
            "name, source, score, label, evaluator, inclusion_probability) "
            f"SELECT trace_id, span_id, start, now(), {', '.join(DIMENSIONS)}, 'quality', 'judge', 1, 'pass', 'j', 0.1 "
            f"FROM llm_spans WHERE trace_id = '{trace}'"
        )
    drawn = tmp_path / "drawn.jsonl"
    assert "2 answers, each drawn with a probability of 0.667" in command("draw", str(drawn), "-n", "2")
    rows = [json.loads(line) for line in drawn.read_text().splitlines()]
    assert {row["trace_id"] for row in rows} < set(traces)
    assert {row["output"][:7] for row in rows} == {"=Answer"}
    assert "judge" not in drawn.read_text(), "who labels does not see what the judge said"
    rows[0] |= {"label": "fail", "note": "Made up."}
    drawn.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "1 labels stored, 0 were there already, 1 rows have none yet" in command(
        "import", str(drawn), "--labeller", "ann"
    )
    assert "Made up." in command("list")
    [case] = [json.loads(line) for line in command("export", "--failed", "--format", "jsonl").splitlines()]
    assert (case["trace_id"], case["output"], case["label"], case["note"], case["labeller"]) == (
        rows[0]["trace_id"], rows[0]["output"], "fail", "Made up.", "ann",
    )  # fmt: skip
    sheet = tmp_path / "all.csv"
    command("export", str(sheet))
    assert ",'=Answer" in sheet.read_text(), "no formula in a spreadsheet"
    assert "0 labels stored, 1 were there already" in command("import", str(sheet))
    shown = command("agreement", "--by", "feature", "--where", "feature=support")
    assert "quality by j, feature support" in shown
    assert "3 judged, 1 labelled, 1 of them both and compared" in shown
    assert "1 labels are worth 1 equal ones, and it takes 30" in shown
    [as_json] = json.loads(command("agreement", "--json", "--of", "pass"))
    assert as_json["raw"]["value"] == 1
    assert as_json["agreement"]["specificity"]["value"] == 0
