"""The one table that people come for: what the paper says beside what was reproduced by clip, by song and by artist."""

from __future__ import annotations

from caffe.proto import caffe_pb2
from google.protobuf.message import Message

from tools import paths
from tools.nets import prototxt
from tools.nets.network import Network
from tools.report.collect import Collection, Vote
from tools.report.headlines import measured
from tools.report.paper import HEADLINES, TABLE_2, Headline, Table2Row
from tools.report.table import DASH, Column, Interval, Row, Table, Values

# Where a figure is looked for, in turn: all folds before fold 0
PLACES = {
    "by clip (leaks)": ("clip",),
    "by song": (paths.ALL_FOLDS, "song"),
    "by artist": (paths.joined_folds("artist"), "artist"),
}
MEASURES = ("clips", "songs")


def paper_beside_ours(collection: Collection) -> Table:
    """A row for each of the paper's Table 2 and for each of its headlines on what is tested, in percent."""
    columns = [Column("what", "right, in %"), Column("paper", "the paper"), *(Column(place, place) for place in PLACES)]
    rows = [table_2_row(collection, row) for row in TABLE_2]
    rows += [headline_row(collection, headline) for headline in HEADLINES if headline.measure in MEASURES]
    return Table("paper", "", columns, rows)


def table_2_row(collection: Collection, row: Table2Row) -> Row:
    """Clips, and songs by the paper's own rule, of the complex CNN with its dropout raised by hand."""
    what = f"Table 2, complex CNN, {row.iterations:,} iterations: clips / songs by {row.threshold} of 15"
    values: Values = {"what": what, "paper": f"{row.clip_percent:g} / {row.song_percent:g}"}
    for place, splits in PLACES.items():
        vote = newest(collection, "complex_cnn", splits, row.iterations)
        if vote and vote.iteration == row.iterations:
            values[place] = f"{short(vote.clips_right)} / {short(vote.songs_right('true_label', row.threshold))}"
        else:
            values[place] = "not run"
    return Row(values)


def headline_row(collection: Collection, headline: Headline) -> Row:
    """A headline of the paper, and ours at its iteration, else at the newest before it."""
    after = f", {headline.iterations:,} iterations" if headline.iterations else ""
    values: Values = {"what": headline.what + after, "paper": headline.words or f"{headline.percent:g}"}
    for place, splits in PLACES.items():
        vote = newest(collection, headline.net, splits, headline.iterations)
        values[place] = f"{short(measured(vote, headline))} after {vote.iteration:,}" if vote else "not run"
    return Row(values)


def newest(collection: Collection, net: str, splits: tuple[str, ...], iterations: int | None) -> Vote | None:
    """The vote of a network as it is, or with its dropout raised by hand, that answers to an iteration of the paper.

    Where several are as far, the first of the splits counts.
    """
    places = [(split, different) for split in reversed(splits) for different in ({}, {"dropout": None})]
    votes = [vote for split, different in places for vote in collection.find_votes(net, split, **different)]
    before = [vote for vote in votes if iterations is None or vote.iteration <= iterations]
    return sorted(before, key=lambda vote: vote.iteration)[-1] if before else None


def short(share: Interval | None) -> str:
    """``60.0 [47, 73]``, in percent."""
    if share is None:
        return DASH
    return f"{100 * share.value:.1f} [{100 * share.low:.0f}, {100 * share.high:.0f}]"


def note(collection: Collection) -> str:
    """Which kept results are of a network that is no longer here; nothing where none is."""
    others = other_networks(collection)
    words = f"Of a network with other layers than `prototxt/` has, and to be run again: {', '.join(others)}."
    return f"\n\n{words}" if others else ""


def other_networks(collection: Collection) -> list[str]:
    """The networks whose kept runs were trained with other layers than prototxt/ has now."""
    plain = [run for run in collection.runs if not run.differences]
    return sorted({run.net for run in plain if layers(run.record["prototxt"]["deploy"]) != layers_now(run.net)})


def layers_now(net: str) -> list[tuple[str, str]]:
    return layers(prototxt.text(Network(net).deploy))


def layers(deploy: str) -> list[tuple[str, str]]:
    """Type and settings of each layer, but for those that only take the input in."""
    net = prototxt.parse(deploy, caffe_pb2.NetParameter(), "deploy")
    kept = [layer for layer in net.layer if layer.type not in ("Input", "Power")]
    fields = (
        "convolution_param",
        "inner_product_param",
        "pooling_param",
        "lrn_param",
        "dropout_param",
        "recurrent_param",
    )
    return [(layer.type, "".join(sizes(getattr(layer, field)) for field in fields)) for layer in kept]


def sizes(parameters: Message) -> str:
    """Settings as text, without how weights begin."""
    copy = type(parameters)()
    copy.CopyFrom(parameters)
    for filler in ("weight_filler", "bias_filler"):
        if filler in copy.DESCRIPTOR.fields_by_name:
            copy.ClearField(filler)
    return prototxt.text(copy)
