"""The leak, measured: the same net, data and iterations, tested on the same clips, once with their songs trained on.

Every clip that the split clip tests is tested by the folds of the split song too, there by a net that never heard the
song. The difference is what it gives to have heard other clips of it.
"""

from __future__ import annotations

from tools.reporting import commands, compare, layout
from tools.reporting.collect import Collection, Vote
from tools.reporting.comparisons import same_iteration
from tools.reporting.headlines import NETS, net_name, protocols_of
from tools.reporting.layout import Column, Row, Table

HONEST = ("song-folds", "song")


def leak(collection: Collection) -> Table:
    """A row for every net that was tested under both splits at one iteration: on all folds, else on fold 0."""
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
        "none.",
    )
    for net in NETS:
        pair = both_splits(collection, net) if "clip" in protocols_of(net) else None
        if pair:
            table.rows.append(leak_row(collection, *pair))
    if not table.rows:
        both = (commands.make_command("rcnn", split, build=collection.build) for split in ("clip", "song"))
        table.rows.append(Row({"net_name": net_name("rcnn")}, "; ".join(both), missing=True))
    return table


def both_splits(collection: Collection, net: str) -> tuple[Vote, Vote] | None:
    """The newest votes of a net under split clip and under the honest one, at one iteration."""
    leaky = collection.find_votes(net, "clip")
    pairs = (same_iteration(collection, leaky, collection.find_votes(net, split)) for split in HONEST)
    return next(filter(None, pairs), None)


def leak_row(collection: Collection, leaky: Vote, honest: Vote) -> Row:
    a, b = compare.shared_clips(leaky.clips, honest.clips)
    difference = compare.clip_difference(leaky.clips, honest.clips)
    values = {
        "net": leaky.net,
        "net_name": net_name(leaky.net),
        "clips_leaky": float(leaky.clips.right[a].mean()),
        "clips_honest": float(honest.clips.right[b].mean()),
        "difference": difference.text,
        "split": honest.split,
        "iteration": leaky.iteration,
        "clips": difference.clips,
    }
    return Row(values, "; ".join(commands.command_of_vote(collection, vote) for vote in (leaky, honest)))
