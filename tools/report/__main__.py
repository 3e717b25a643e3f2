"""One page of the whole paper: every table, figure and claim beside what was reproduced so far.

    python -m tools.report [--build build]

Reads what `make lmdb`, `make train` and `make vote` left under the build folder, whichever part of it there is, and
writes build/report/index.html, which needs nothing but itself, with every number on it in report.json and in a CSV file
per table and figure. What has not been run says so, with the command that runs it.
"""

from __future__ import annotations

from pathlib import Path

from tools import cli, paths
from tools.files import only_writer
from tools.report.collect import collect
from tools.report.page import make_page, write_page


def main() -> None:
    parser = cli.Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=paths.BUILD, help="where everything made lies (default: build)")
    build = parser.parse_args().build
    collection = collect(build)
    page = make_page(collection)
    with only_writer(build / "report"):
        write_page(build / "report", page)
    missing = sum(row.missing for tables in page.tables.values() for table in tables for row in table.rows)
    print(f"{page.counts['runs']} runs, {page.counts['votes']} votes; {missing} rows not run yet")
    verdicts = [claim.verdict for claim in page.claims]
    print("claims: " + ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in dict.fromkeys(verdicts)))
    for line in collection.left_out:
        print(f"left out: {line}")
    print(f"written to {build / 'report' / 'index.html'}: open it in a browser")


if __name__ == "__main__":
    cli.run("report", main)
