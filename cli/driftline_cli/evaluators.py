"""``driftline evaluators``: what ``evaluators.yaml`` says, and whether it is right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from driftline_cli.options import ConfigFile, load

if TYPE_CHECKING:
    from driftline_processors.judge.check import CheckConfig
    from driftline_processors.judge.config import JudgeConfig

app = typer.Typer(no_args_is_help=True, help="Who judges which answers, and which rules all answers are checked by.")

Rubric = Annotated[str, typer.Argument(help="Of a rubric that comes with Driftline.", show_default="list them")]


@app.command("check")
def check(file: ConfigFile = None) -> None:
    """Read the file as the judge does: mistakes come with line and column."""
    from driftline_processors.judge.config import api_key, load_config  # noqa: PLC0415 - commands start fast
    from driftline_processors.judge.money import check_budgets  # noqa: PLC0415
    from driftline_processors.prices import price_book  # noqa: PLC0415

    settings = load(evaluators_file=str(file) if file else None)
    config = load_config(settings)
    check_budgets(config, price_book(settings))
    for judge in config.judges:
        if not api_key(judge, settings):
            where = judge.api_key_env or "DRIFTLINE_JUDGE_API_KEY"
            typer.echo(f"evaluator {judge.name!r} has no key and does not judge; set {where}")
    typer.echo(f"right: {len(config.judges)} judges and {len(config.checks)} checks")


@app.command("show")
def show(file: ConfigFile = None) -> None:
    """Show all evaluators, with what they have from the settings."""
    from driftline_processors.judge.config import load_config  # noqa: PLC0415

    config = load_config(load(evaluators_file=str(file) if file else None))
    judges = Table("judge", "unit", "applies to", "rate", "model", "rubric", "USD a day", "USD a month", box=None)
    for judge in config.judges:
        judges.add_row(*_judge(judge))
    checks = Table("check", "applies to", "asks for", box=None)
    for one in config.checks:
        checks.add_row(one.name, _applies(one), one.condition)
    for table in (judges, checks):
        if table.row_count:
            Console().print(table)


@app.command("rubric")
def rubric(name: Rubric = "") -> None:
    """Print a rubric that comes with Driftline, to start one of your own from."""
    from driftline_processors.judge.rubric import SHIPPED, shipped_text  # noqa: PLC0415

    typer.echo(shipped_text(name) if name else "\n".join(SHIPPED))


def _judge(judge: JudgeConfig) -> list[str]:
    budget = judge.budget
    money = ["" if usd is None else f"{usd:f}" for usd in (budget.per_day, budget.per_month)]
    rubric = judge.rubric or "quality"
    return [judge.name, judge.unit, _applies(judge), f"{judge.rate:.2%}", judge.model, rubric, *money]


def _applies(one: JudgeConfig | CheckConfig) -> str:
    given = [", ".join(values) for _, values in one.applies if values]
    return "; ".join(given) or "all"
