"""Songs worked on side by side: interrupted, killed or out of memory, it ends alike in every tool that does so."""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from tqdm import tqdm

from tools import hosts
from tools.cli import UserError
from tools.in_place import die_with

Result = TypeVar("Result")


def add_jobs_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--jobs", type=positive, default=len(os.sched_getaffinity(0)), help="default: one a core")


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def map_songs(
    function: Callable[..., Result], *columns: Sequence, jobs: int, label: str = "songs", done: int = 0
) -> list[Result]:
    """``function`` of each song, as `map`, ``jobs`` at a time under a bar that begins at the ``done`` ones.

    An interrupt takes back the songs that no process has begun. UserError where a process is killed.
    """
    to_do, outcomes = len(columns[0]), None
    with make_executor(jobs) as executor:
        try:
            outcomes = executor.map(function, *columns)
            return list(tqdm(outcomes, label, done + to_do, initial=done, unit="song", disable=None))
        except BrokenProcessPool:
            raise UserError(
                "a process that was reading songs was killed, perhaps for want of memory: "
                "type the same command again, with a lower JOBS: what is made goes on from here"
            ) from None
        except BaseException:
            if outcomes is not None:
                outcomes.close()
            raise


def make_executor(jobs: int) -> Executor:
    """Processes of this host, or those that mpirun started on every host (`tools.hosts.become_pool`)."""
    if hosts.world_size() == 1:
        return ProcessPoolExecutor(jobs, initializer=begin_worker, initargs=(os.getpid(),))
    from mpi4py.futures import MPIPoolExecutor

    return MPIPoolExecutor()


def begin_worker(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end with it: a pool's processes wait for ever for a parent that was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with(parent)
