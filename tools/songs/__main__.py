"""Look at a copy of GTZAN: name every song that is missing, damaged or not the genuine one.

python -m tools.songs DIR
"""

from __future__ import annotations

from pathlib import Path

from tools import cli
from tools.songs import roots
from tools.songs.check import check_gtzan
from tools.songs.overview import overview


def main() -> int:
    parser = cli.Parser(prog="check-data", description="Look at a copy of GTZAN.")
    parser.add_argument("root", type=Path, metavar="DIR", help="the folder that holds blues/ to rock/")
    survey = roots.survey(parser.parse_args().root)
    return check_gtzan(survey) if survey.is_gtzan else overview(survey)


if __name__ == "__main__":
    cli.run("check-data", main)
