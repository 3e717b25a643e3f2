"""Every network under each split, the same networks by clip, by song and by artist, and the data of all of it."""

from __future__ import annotations

from operator import attrgetter

from tools.nets.network import NETS
from tools.report import commands
from tools.report.canvas import BY_SPLIT, Figure, Line, dots_figure, line_of
from tools.report.compare import train_clips_right
from tools.report.headlines import PROTOCOLS, SPLITS, furthest, net_name
from tools.report.records import Collection, Vote
from tools.report.table import DASH, Column, Row, Table, Values, count, interval, percent, words

COLUMNS = [
    Column("network", "network"),
    Column("split", "split"),
    Column("iteration", "iterations", lambda iteration: str(iteration or DASH)),
    Column("tested", "clips / songs"),
    Column("clips", "clips right", interval),
    Column("plurality", "songs, plurality of 5", interval),
    Column("mean", "songs, mean probability", percent),
    Column("true_label", "songs, true label 5 / 7 / 8"),
]
THREE = {"by clip (leaks)": "clip", "by song (leaks artists)": "song-folds", "by artist": "artist-folds"}


def splits(collection: Collection) -> Table:
    """Every vote of the networks as they are, of each seed, by split, network and iteration, and of the CNN's dropouts.

    What differs in one thing stands with the claims and the changes.
    """
    votes = sorted(collection.votes, key=attrgetter("split", "net", "iteration"))
    rows = [
        vote_row(collection, vote)
        for vote in votes
        if vote.differences.keys() <= {"dropout", "seed"} and vote.run.settings.split != "inner"
    ]
    for split in () if rows else PROTOCOLS:
        command = commands.needed(collection, "rcnn", split)
        rows.append(Row({"network": "rcnn", "split": split}, command, missing=True))
    note = (
        "Split clip leaks: a song's clips fall on both sides. Split song keeps whole songs out; song-folds tests each "
        "song once. Plurality: the genre with most clips, if it has 5 of 15. True label: at least so many clips are "
        "right, the paper's rule; of the LSTM's 30 clips twice as many."
    )
    return Table("splits", "Every network under each split", COLUMNS, rows, note)


def vote_row(collection: Collection, vote: Vote) -> Row:
    """What was tested, on how much, how well, and the command that votes so."""
    summary = vote.summary
    trained, mean = train_clips_right(vote.clips), vote.songs_right("mean_probability")
    values: Values = {
        "network": vote.run.folder.name,
        "split": f"{vote.split}{' (leaks)' if summary['leaky'] else ''}",
        "iteration": vote.iteration,
        "tested": f"{summary['clips']} / {summary['songs']}",
        "clips": vote.clips_right,
        "mean": mean and mean.value,
        "train_clips": trained and trained.value,
        "data": collection.music_of(vote.fingerprint),
        "seed": summary.get("seed"),
        "ranks": summary.get("ranks"),
    }
    songs = summary["song_accuracy"]
    if songs:  # the paper's thresholds, of the LSTM twice those, of songs of another number of clips in proportion
        lowest = min(map(int, songs["true_label"]))  # by which songs.csv is decided
        values["plurality"] = vote.songs_right("plurality", 5) or vote.songs_right("plurality", lowest)
        values["true_label"] = " / ".join(f"{100 * share:.1f}" for share in songs["true_label"].values()) + "%"
    return Row(values, commands.command_of(collection, vote))


def splits_figure(collection: Collection) -> list[Figure]:
    """Clip accuracy of every net under every split, newest votes, with its interval."""
    lines = []
    for net in NETS:
        votes = {name: furthest(collection.find_votes, net, splits) for name, splits in SPLITS.items()}
        lines.append(Line(net_name(net), {name: vote.clips_right for name, vote in votes.items() if vote}))
    return dots_figure(
        "splits_figure",
        "Clip accuracy of every net under each split, as dots with intervals",
        "Test clips right under each split: the votes trained furthest. Chance is 10%.",
        [line for line in lines if line.dots],
        dict(zip(SPLITS, BY_SPLIT)),
        "test clips right, percent, with 95% intervals",
    )


def three_splits(collection: Collection) -> Table:
    """A row for each network that was voted on by artist, at the iteration of that vote. No row without such a vote.

    Beside it stand votes of the same network, trained as far on the same songs. A cell: clips right, their interval,
    songs right, mean over genres.
    """
    columns = [
        Column("network", "clips / songs right / mean over genres", words),
        Column("iteration", "iterations", lambda iteration: f"{iteration:,}" if iteration else DASH),
        *(Column(split, title, words) for title, split in THREE.items()),
    ]
    own = [vote for vote in collection.other_votes if not vote.tested_elsewhere]
    by_artist = [vote for vote in own if vote.split == "artist-folds" and vote.differences.keys() <= {"balanced"}]
    training = attrgetter("net", "iteration", "fingerprint", "trained_with", "differences")
    rows = [
        three_row(collection, {vote.split: vote for vote in own if training(vote) == training(other)})
        for other in sorted(by_artist, key=lambda vote: (vote.net not in NETS, vote.net, vote.iteration))
    ]
    note = (
        "95% intervals: a bootstrap over songs. Songs: by plurality of 5 clips, of the LSTM's 30 of 10. Mean over "
        "genres: of the share of each genre's clips that are right. The baseline takes a whole song as one."
    )
    return Table("three_splits", "By clip, by song, by artist", columns, rows, note)


def three_row(collection: Collection, votes: dict[str, Vote]) -> Row:
    """What one network got right by each split, and the commands of all."""
    last = votes["artist-folds"]
    name = net_name(last.net) + (", genres balanced" if last.differences else "")
    values: Values = {"network": name, "iteration": last.iteration, "songs": last.summary["songs"]}
    beside = [votes[split] for split in THREE.values() if split in votes]
    for vote in beside:
        clips, songs, genres = vote.clips_right, vote.songs_right("plurality", 5), vote.mean_over_genres
        cell = f"{interval(clips)} / {percent(songs.value) if songs else DASH} / {percent(genres)}"
        figures = {f"{vote.split} clips": clips, f"{vote.split} songs": songs, f"{vote.split} genres": genres}
        values |= {vote.split: cell, **figures}
    return Row(values, commands.command_of(collection, *beside))


def three_figure(table: Table) -> list[Figure]:
    """The clips right of the table as dots with intervals; nothing without a row."""
    keys = {title: f"{split} clips" for title, split in THREE.items()}
    songs = " or ".join(sorted({str(row.values["songs"]) for row in table.rows}))  # of views that leave others out
    return dots_figure(
        "three_splits_figure",
        "Clips right of each network by clip, by song and by artist, on the same songs",
        f"The same {songs} songs by clip, by song and by artist: test clips right, with 95% intervals.",
        [line_of(row.values["network"], row.values, keys) for row in table.rows],
        dict(zip(keys, BY_SPLIT)),
        "percent of clips right",
    )


def data_table(collection: Collection) -> Table:
    """Every LMDB that there is."""
    columns = [
        Column("split", "Split", words),
        Column("lmdb", "LMDB", words),
        Column("records", "Records", count),
        Column("songs", "Songs", count),
        Column("shape", "Shape"),
        Column("sha256", "SHA-256", words),
    ]
    rows = []
    for split, manifest in collection.manifests.items():
        for name, entry in manifest["lmdbs"].items():
            values: Values = {
                "split": split,
                "lmdb": name,
                "records": entry.get("records"),
                "songs": entry.get("songs"),
            }
            shape, sha256 = " x ".join(map(str, entry.get("shape", []))), str(entry.get("sha256", ""))[:12]
            rows.append(Row({**values, "shape": shape, "sha256": sha256}))
    return Table("data", "Data", columns, rows or [Row({"split": "song"}, "make lmdb", missing=True)])
