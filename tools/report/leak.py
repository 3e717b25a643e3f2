"""The leak, measured: the same net, data and iterations, tested on the same clips, once with their songs trained on.

Every clip that the split clip tests is tested by the folds of the split song too, there by a net that never heard the
song. The difference is what it gives to have heard other clips of it.
"""

from __future__ import annotations

from itertools import product

from tools import paths
from tools.nets.network import NETS
from tools.report import commands, compare, layout
from tools.report.collect import Collection, Vote
from tools.report.comparisons import same_iteration
from tools.report.headlines import net_name, protocols_of
from tools.report.layout import Column, Row, Table

Pair = tuple[Vote, Vote]
HONEST = (paths.ALL_FOLDS, "song")


def leak(collection: Collection) -> Table:
    """A row for every net tested under both splits: on all folds, and on fold 0 where it was trained further there."""
    table = Table(
        "leak",
        "What heard songs give away",
        [
            Column("Net", layout.text("net_name"), number=False),
            Column("Clips, songs heard", layout.share("clips_leaky")),
            Column("Clips, songs new", layout.share("clips_honest")),
            Column("Leak [95%]", layout.text("difference")),
            Column("Iterations", layout.count("iteration")),
            Column("Clips tested", layout.count("clips")),
        ],
        note="The same test clips in both columns: split clip trains on other clips of their songs, split song on "
        "none. Where fewer clips are tested than in another row of the net, they are those of fold 0.",
    )
    for net in NETS:
        if "clip" in protocols_of(net):
            table.rows += [leak_row(collection, *pair) for pair in both_splits(collection, net)]
    if not table.rows:
        both = (commands.make_command("rcnn", split, build=collection.build) for split in ("clip", "song"))
        table.rows.append(Row({"net_name": net_name("rcnn")}, "; ".join(both), missing=True))
    return table


def both_splits(collection: Collection, net: str) -> list[Pair]:
    """Votes of one training under split clip and under the honest one, at one iteration, ever later ones.

    Of the complex CNN the trainings whose dropout was raised by hand as well.
    """
    found: list[Pair] = []
    for split, dropout in product(HONEST, (None, commands.DROPOUT_BY_HAND)):
        setting = {"dropout": dropout} if dropout else {}
        pair = same_iteration(
            collection, collection.find_votes(net, "clip", **setting), collection.find_votes(net, split, **setting)
        )
        if pair and pair[0].iteration > max((leaky.iteration for leaky, _ in found), default=0):
            found.append(pair)
    return found


def leak_row(collection: Collection, leaky: Vote, honest: Vote) -> Row:
    a, b = compare.shared_clips(leaky.clips, honest.clips)
    difference = compare.clip_difference(leaky.clips, honest.clips)
    values = {
        "net": leaky.net,
        "net_name": net_name(leaky.net) + (", dropout raised" if "dropout" in leaky.differences else ""),
        "clips_leaky": float(leaky.clips.right[a].mean()),
        "clips_honest": float(honest.clips.right[b].mean()),
        "difference": difference.text,
        "split": honest.split,
        "iteration": leaky.iteration,
        "clips": difference.clips,
    }
    return Row(values, "; ".join(commands.command_of_vote(collection, vote) for vote in (leaky, honest)))
