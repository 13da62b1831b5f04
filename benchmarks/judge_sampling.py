"""What the decision whether to judge costs the engine: CPU time a span, beside reading the same spans.

    python benchmarks/judge_sampling.py [--quick] [--json]

One thread of the engine runs the sampling view's query over spans in memory, with three evaluators and a raised rate;
then the same query without the decision. The difference is the price of the decision.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import clickhouse_connect

from driftline_processors.install import install
from driftline_processors.judge.plan import Raise, Sampled, put_plan, raise_rates
from driftline_processors.views.sampling import sampled
from driftline_store.migrate import migrate

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

SPANS, QUICK_SPANS = 2_000_000, 200_000
ROUNDS: Final = 5
WHERE: Final = "is_request AND NOT is_abandoned AND operation != 'embeddings' AND (NOT is_error OR output != '')"

FILL: Final = """\
INSERT INTO sampled_spans (
    trace_id, span_id, start, service, feature, model, prompt_version, operation, is_request, output
)
SELECT lower(hex(MD5(toString(number)))), '0123456789abcdef', now64(6), 'shop',
    concat('feature-', toString(number % 20)), 'gpt-4o-mini', concat('v', toString(number % 3)), 'chat', true, 'Yes.'
FROM numbers({count:UInt64})"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the spans")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    count = QUICK_SPANS if options.quick else SPANS
    with tempfile.TemporaryDirectory() as folder:
        client = clickhouse_connect.get_client(interface="chdb", path=folder)
        migrate(client)
        install(client)
        result = measured(client, count)
        client.close()
    if options.json:
        print(json.dumps(result))
    else:
        print(f"{result['microseconds']:.3f} µs a span for the decision, of {count:,} spans")


def measured(client: Client, count: int) -> dict[str, float]:
    """Microseconds a span: of the decision, and of the whole query."""
    rates = {"a": 0.01, "b": 0.02, "c": 0.1}
    put_plan(client, [Sampled(name, rate=rate, error_rate=0.1) for name, rate in rates.items()])
    segment = ("shop", "", "feature-1", "", "v1")
    raise_rates(client, [Raise("a", segment, 0.1, datetime.now(UTC) + timedelta(days=1), "new_version")])
    client.command("CREATE TABLE sampled_spans AS llm_spans ENGINE = Memory")
    client.command(FILL, parameters={"count": count})
    decided = sampled("request", "sampled_spans", WHERE)
    read = f"SELECT trace_id, feature, service, prompt_version, output FROM sampled_spans WHERE {WHERE}"
    whole, without = (seconds(client, query) for query in (decided, read))
    return {"microseconds": (whole - without) / count * 1e6, "whole": whole / count * 1e6, "spans": count}


def seconds(client: Client, query: str) -> float:
    """CPU time of a query, all of which runs in this process; the median of some."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        client.query(f"SELECT count() FROM ({query}) WHERE NOT ignore(*)", settings={"max_threads": 1})
        found.append(time.process_time() - began)
    return statistics.median(found)


if __name__ == "__main__":
    main()
