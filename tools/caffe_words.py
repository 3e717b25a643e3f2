"""What Caffe says as it dies: a failed CHECK writes a fatal line in glog's form, then ends the process."""

from __future__ import annotations

import re


def fatal_words(lines: list[str]) -> list[str]:
    """The fatal lines among a log's, without glog's own prefix (severity and date, time, thread)."""
    return [re.sub(r"^F\S+ \S+ +\d+ ", "", line) for line in lines if re.match(r"F\d{4} ", line)]
