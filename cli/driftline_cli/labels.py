"""``driftline labels``: what people say about single answers, and how far the judge agrees with them."""

from __future__ import annotations

import contextlib
import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from driftline.errors import DriftlineError
from driftline_cli.options import DataDir, StoreUrl, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from driftline_store.client import Client

app = typer.Typer(
    no_args_is_help=True,
    help="Verdicts of people on single answers: draw, import, list, export, compare with the judge's.",
)

File = Annotated[Path, typer.Argument(help="A .csv or .jsonl file.")]
Evaluation = Annotated[str, typer.Option("--evaluation", help="Name of the judge's evaluation.")]
OneEvaluation = Annotated[str, typer.Option("--evaluation", help="Name of one evaluation.", show_default="all")]
Days = Annotated[int, typer.Option(help="How far back, in days.", min=1, max=4000)]
Failed = Annotated[bool, typer.Option("--failed", help="Only answers that people failed.")]


@contextlib.contextmanager
def _store(data_dir: Path | None, store: str | None, doing: str) -> Iterator[Client]:
    from driftline_store.client import connect, store_errors  # noqa: PLC0415 - commands import only their own part

    with contextlib.closing(connect(load(data_dir=data_dir, store=store))) as client, store_errors(doing):
        yield client


@app.command()
def draw(
    file: File,
    *,
    number: Annotated[int, typer.Option("-n", "--number", help="How many answers.", min=1)] = 200,
    days: Days = 7,
    evaluation: Evaluation = "quality",
    seed: Annotated[int, typer.Option(help="Another number draws other answers.", min=0)] = 0,
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """Draw judged answers by chance into a file, for people to label; what the judge said is not in it."""
    from driftline_processors.labels import answers_file  # noqa: PLC0415
    from driftline_store import examples  # noqa: PLC0415

    until = datetime.now(UTC)
    with _store(data_dir, store, "drawing answers") as client:
        answers, probability = examples.draw(
            client, evaluation, number, since=until - timedelta(days=days), until=until, seed=seed
        )
        if not answers:
            raise DriftlineError(
                f"no answer of the last {days} days has a score named {evaluation!r}; give --evaluation"
            )
        answers_file.write(
            file, answers_file.to_label(answers, evaluation, probability, examples.texts(client, answers))
        )
    typer.echo(
        f"{len(answers)} answers, each drawn with a probability of {probability:.3g}, are in {file}. Fill in score "
        f"(0 to 1) or label (pass or fail), then: driftline labels import {file}"
    )


@app.command("import")
def take_in(
    file: File,
    *,
    evaluation: Evaluation = "quality",
    labeller: Annotated[str, typer.Option(help="Who labelled, where a row does not say.", show_default="you")] = "",
    pass_score: Annotated[float, typer.Option(help="Score from which on an answer passes.", min=0, max=1)] = 0.7,
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """Import labels, by trace and span id or by response id; what is there already stays as it is."""
    from driftline_processors.labels.entry import Defaults  # noqa: PLC0415
    from driftline_processors.labels.file import read  # noqa: PLC0415
    from driftline_processors.labels.take_in import take_in as store_labels  # noqa: PLC0415

    entries, waiting = read(file, Defaults(evaluation, labeller or getpass.getuser(), pass_score))
    with _store(data_dir, store, "storing labels") as client:
        done = store_labels(client, entries)
    typer.echo(f"{done.stored} labels stored, {done.unchanged} were there already, {waiting} rows have none yet")
    if done.unknown:
        lines = ", ".join(str(entry.line) for entry in done.unknown[:20])
        more = f" and {len(done.unknown) - 20} more" if len(done.unknown) > 20 else ""
        raise DriftlineError(
            f"the answers of {len(done.unknown)} labels are not in the store ({file} line {lines}{more}): wrong id, "
            "not arrived yet, or older than keep_spans_days; import the file again once they are"
        )


@app.command("list")
def show(
    *,
    days: Days = 30,
    evaluation: OneEvaluation = "",
    failed: Failed = False,
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """List the labels of the last days, the latest first."""
    from driftline_cli.labels_text import print_labels  # noqa: PLC0415
    from driftline_store.labels import labels  # noqa: PLC0415

    with _store(data_dir, store, "reading the labels") as client:
        print_labels(labels(client, _ago(days), name=evaluation, failed=failed))


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(help="A .csv or .jsonl file.", show_default="print them")] = None,
    *,
    form: Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="Of what is printed.")] = "jsonl",
    days: Days = 400,
    evaluation: OneEvaluation = "",
    failed: Failed = False,
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """Write labels with the texts of their answers: failed ones are test cases. It can be imported again."""
    from driftline_processors.labels import answers_file  # noqa: PLC0415
    from driftline_store import examples  # noqa: PLC0415
    from driftline_store.labels import labels  # noqa: PLC0415

    with _store(data_dir, store, "reading the labels") as client:
        found = labels(client, _ago(days), name=evaluation, failed=failed)
        keys = list(dict.fromkeys((label.trace_id, label.span_id) for label in found))
        rows = answers_file.labelled(found, examples.texts(client, keys))
        if file is None:
            typer.echo(answers_file.as_text(rows, form), nl=False)
        else:
            answers_file.write(file, rows)
            typer.echo(f"{len(found)} labels are in {file}")


@app.command()
def review(
    file: Annotated[Path | None, typer.Argument(help="A .csv or .jsonl file.", show_default="list them")] = None,
    *,
    days: Days = 7,
    rule: Annotated[str, typer.Option(help="Name of one review rule of alerts.yaml.", show_default="all")] = "",
    every: Annotated[bool, typer.Option("--all", help="Also what has been labelled.")] = False,
    evaluation: Evaluation = "quality",
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """List what the review rules of alerts.yaml have found and nobody has labelled, or write it to a file for that."""
    from driftline_cli import labels_text  # noqa: PLC0415
    from driftline_processors.labels import answers_file  # noqa: PLC0415
    from driftline_store import examples  # noqa: PLC0415
    from driftline_store.review_cases import cases  # noqa: PLC0415

    with _store(data_dir, store, "reading the cases to review") as client:
        found = cases(client, _ago(days), rule=rule, every=every)
        if file is None:
            labels_text.print_cases(found)
            return
        keys = list(dict.fromkeys((case.trace_id, case.span_id) for case in found))
        # They were not drawn by chance, so they say nothing about all answers.
        answers_file.write(file, answers_file.to_label(keys, evaluation, None, examples.texts(client, keys)))
    typer.echo(
        f"{len(keys)} answers are in {file}. Fill in score (0 to 1) or label (pass or fail), then: "
        f"driftline labels import {file}"
    )


@app.command()
def agreement(
    *,
    days: Days = 30,
    by: Annotated[list[str] | None, typer.Option(help="Dimension to split by, such as feature.")] = None,
    where: Annotated[list[str] | None, typer.Option(help="Only these, such as feature=support.")] = None,
    evaluation: OneEvaluation = "",
    of: Annotated[Literal["score", "pass"], typer.Option(help="Mean score, or share that passes.")] = "score",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """Compare the judge with people: quality as it sees it, as they do, corrected, and how far they agree."""
    from driftline_cli.labels_text import print_json, print_quality  # noqa: PLC0415
    from driftline_store.quality import quality  # noqa: PLC0415

    until = datetime.now(UTC)
    with _store(data_dir, store, "comparing scores with labels") as client:
        try:
            found = quality(
                client,
                since=until - timedelta(days=days),
                until=until,
                by=by or (),
                where=_where(where or []),
                name=evaluation,
                of=of,
            )
        except ValueError as error:
            raise DriftlineError(str(error)) from None
    (print_json if as_json else print_quality)(found)


def _ago(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def _where(given: list[str]) -> Mapping[str, str]:
    for one in given:
        if "=" not in one:
            raise DriftlineError(f"--where takes a dimension and its value, such as feature=support, not {one!r}")
    return {name: value for name, _, value in (one.partition("=") for one in given)}
