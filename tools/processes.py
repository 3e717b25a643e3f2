"""Processes: started, followed and ended, one by one, side by side on this machine, or by Open MPI on several hosts.

On another host the same checkout lies at the same path, on a file system that all of them share: `tools/runtime/run`
starts Open MPI's daemon there.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import platform
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TypeVar

from tqdm import tqdm

from tools import paths
from tools.cli import UserError

Result = TypeVar("Result")


def die_with(parent: int) -> None:
    """Let the kernel kill this process as soon as its parent, the process ``parent``, is gone."""
    set_death_signal = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


@contextmanager
def child(
    command: Sequence[str], words: IO | int | None = None, quiet: bool = False, out: int | None = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """A command whose output (``out``) can be read, out of reach of the terminal's Ctrl-C; it ends with this process.

    Its errors go to ``words``. It finds this checkout's tools. With ``quiet`` Caffe says no more than errors.
    """
    search_path = os.pathsep.join(filter(None, (str(paths.CHECKOUT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": search_path, **({"GLOG_minloglevel": "2"} if quiet else {})}
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=words,
        text=True,
        start_new_session=True,
        close_fds=False,  # a lock that this process holds is the child's too
        preexec_fn=partial(die_with, os.getpid()),
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def interrupts_to(stop: Callable[..., None]) -> Iterator[None]:
    """Have SIGINT and SIGTERM call ``stop``."""
    handlers = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def lines_of(process: subprocess.Popen[str]) -> Iterator[str]:
    """The lines of a child's output, until it ends or until all processes that write to it have ended.

    To wait for the end of the output alone is not enough: processes that mpirun started on other hosts may outlive the
    child and keep the pipe open.
    """
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        ended = process.poll() is not None
        try:
            line = lines.get(timeout=1)
        except queue.Empty:
            if ended:
                return
            continue
        if line is None:
            return
        yield line


def last_words(text: str) -> str:
    """Caffe's last fatal line, else the last line of an exception, else the last line of what a process said."""
    lines = [line for line in text.splitlines() if line.strip()]
    # of a failed CHECK, without glog's own prefix
    fatal = [re.sub(r"^F\S+ \S+ +\d+ ", "", line) for line in lines if re.match(r"F\d{4} ", line)]
    errors = [line for line in lines if re.match(r"\w*(\.\w+)*(Error|Exception)\b|mpirun noticed", line)]
    return (fatal or errors or lines or ["it left no word"])[-1]


def ending(status: int) -> str:
    """How a process ended, in words."""
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


# --- songs side by side -----------------------------------------------------------------------------------------------


def map_songs(
    function: Callable[..., Result],
    *columns: Sequence,
    jobs: int | None,
    label: str = "songs",
    unit: str = "song",
    done: int = 0,
    at_once: bool = False,
) -> list[Result]:
    """``function`` of each song, as `map`, ``jobs`` at a time (None: one a core), under a bar that begins at ``done``.

    An interrupt takes back the songs that no process has begun, and waits for the others; ``at_once`` it kills the
    processes, for work of minutes. UserError where a process is killed.
    """
    with executor(jobs or cores()) as pool:
        futures = [pool.submit(function, *song) for song in zip(*columns)]
        try:
            bar = tqdm(futures, label, done + len(futures), initial=done, unit=unit, disable=None)
            return [future.result() for future in bar]
        except BrokenProcessPool:
            raise UserError(
                "a process that read songs was killed, perhaps because memory ran out: "
                "type the same command again with a lower JOBS=: it goes on from here"
            ) from None
        except BaseException:
            end_work(futures, at_once)
            raise


def end_work(futures: list[Future], at_once: bool) -> None:
    """Take back what no process has begun, or kill the processes. Not both: the pool stumbles over the former then."""
    if at_once:
        for process in multiprocessing.active_children():
            process.kill()
    else:
        for future in futures:
            future.cancel()


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def processor() -> str:
    """The name of the processor, as Linux has it."""
    name = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return name[1] if name else platform.machine()


def executor(jobs: int) -> Executor:
    """Processes of this host, or those that mpirun started on every host (`become_pool`)."""
    if world_size() == 1:
        return ProcessPoolExecutor(jobs, initializer=begin_worker, initargs=(os.getpid(),))
    from mpi4py.futures import MPIPoolExecutor

    return MPIPoolExecutor()


def begin_worker(parent: int) -> None:
    """Leave Ctrl-C to the parent, and end with it: a pool's process would wait for ever for a killed parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with(parent)


# --- several hosts ----------------------------------------------------------------------------------------------------


def read_hostfile(file: Path) -> dict[str, int]:
    """Each host of an Open MPI hostfile and its slots, 1 where the file gives none.

    Raises UserError for a file that is missing, names no host, or has a line that Open MPI would not understand.
    """
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise UserError(f"HOSTS={file}: {reason}: give a file with a line 'HOST slots=N' for each host") from None
    hosts: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        host, *settings = line.partition("#")[0].replace(" =", "=").replace("= ", "=").split() or [""]
        values = dict(setting.partition("=")[::2] for setting in settings)
        slots = values.pop("slots", "1")
        if set(values) - {"max_slots", "max-slots"} or not slots.isdecimal() or slots == "0" or "=" in host:
            raise UserError(f"HOSTS={file}, line {number}: '{line.strip()}' is not 'HOST slots=N': mend that line")
        if host:
            hosts[host] = hosts.get(host, 0) + int(slots)
    if not hosts:
        raise UserError(f"HOSTS={file}: it names no host: give a line 'HOST slots=N' for each")
    return hosts


def mpirun(processes: int, hostfile: Path | None) -> list[str]:
    """How mpirun is called; over hosts the processes are dealt out in turn, so that each has its share."""
    command = ["mpirun", "-n", str(processes), "--bind-to", "none"]
    return command if hostfile is None else [*command, "--hostfile", str(hostfile), "--map-by", "node"]


def become_pool(hostfile: Path, module: str, arguments: list[str]) -> None:
    """Start ``python -m module arguments`` anew in place of this process, with a worker for every slot of the hosts.

    There `mpi4py.futures.MPIPoolExecutor` finds them; the module itself runs in one further process, on the first host.
    """
    command = [*mpirun(1 + sum(read_hostfile(hostfile).values()), hostfile), "--quiet"]
    command += [sys.executable, "-m", "mpi4py.futures", "-m", module, *arguments]
    sys.stdout.flush()
    os.execvp(command[0], command)


def world_size() -> int:
    """How many processes mpirun started this one with; 1 where it did not."""
    return int(os.environ.get("OMPI_COMM_WORLD_SIZE", "1"))
