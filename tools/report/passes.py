"""Table 2 of the paper, and beside it as many passes over fewer songs: on a tenth of them a tenth of the iterations."""

from __future__ import annotations

from tools.report import commands, paper
from tools.report.evidence import Training
from tools.report.headlines import DROPOUT_BY_HAND, PROTOCOLS, after, measured
from tools.report.paper import Headline
from tools.report.records import Collection
from tools.report.table import Column, Row, Table, Values, words
from tools.settings import parse, text_of


def passes(collection: Collection) -> Table:
    """A row for each figure of Table 2, of the complex CNN; dropout is raised at the paper's shares of the way."""
    columns = [Column("what", "Right", words), Column("paper", "The paper")]
    titles = zip(PROTOCOLS, ("By clip (leaks)", "By song"))
    columns += [Column(split, title, after, beside=f"{split} iteration") for split, title in titles]
    figures = [headline for row in paper.TABLE_2 for headline in paper.of_table_2(row)]
    return Table("passes", "Table 2 at as many passes", columns, [passes_row(collection, figure) for figure in figures])


def training_to(iterations: int) -> Training:
    """The complex CNN to so many of the paper's iterations, its dropout raised by hand as far as it comes by then."""
    schedule = parse({"net": "complex_cnn", "dropout": DROPOUT_BY_HAND}).dropout
    begun = tuple(step for step in schedule if step[0] < iterations)
    return Training("complex_cnn", iterations, {"dropout": text_of(begun)})


def passes_row(collection: Collection, figure: Headline) -> Row:
    """A figure and ours of each split; the command of a training that is not there yet says how it is made."""
    values: Values = {"what": figure.title, "paper": f"{figure.percent:g}%"}
    training, typed, missing = training_to(figure.iterations or 0), [], True
    for split in PROTOCOLS:
        voted = [vote for vote in training.votes(collection, split) if training.is_far_enough(collection, vote)]
        values |= {split: None, f"{split} iteration": 0}
        if voted:
            values |= {split: measured(voted[-1], figure), f"{split} iteration": voted[-1].iteration}
            typed.append(commands.command_of(collection, voted[-1]))
            missing = False
        else:
            typed.append(training.command(collection, split))
    return Row(values, "\n".join(typed), missing)
