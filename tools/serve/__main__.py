"""A local web page on which to drop, record and hear songs, and to watch the net vote on them.

    python -m tools.serve [--model RUN] [--data GENRES] [--host 127.0.0.1] [--port 8000]

It answers to this machine alone unless --host says otherwise. The page is tools/serve/page, the server
`tools.serve.app`.
"""

from __future__ import annotations

import argparse
import os
import socket
from pathlib import Path

import uvicorn

from tools import cli
from tools.classify.model import add_model_options, choose_model
from tools.classify.verdict import add_threshold_option, check_threshold
from tools.cli import UserError
from tools.serve.app import LOOPBACK, Service, make_app
from tools.serve.examples import find_examples
from tools.serve.song import Limits


def parse_arguments() -> argparse.Namespace:
    parser = cli.Parser(prog="serve", description=__doc__.splitlines()[0])
    add_model_options(parser)
    add_threshold_option(parser)
    parser.add_argument(
        "--data", type=Path, help="songs to try: a data root (default: GTZAN=, else the synthetic songs)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to answer at (default: this machine alone)")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one (default: 8000)")
    parser.add_argument("--megabytes", type=int, default=50, help="largest file taken (default: 50)")
    parser.add_argument("--minutes", type=int, default=15, help="longest song taken (default: 15)")
    return parser.parse_args()


def choose_data(args: argparse.Namespace) -> Path | None:
    """Where songs to try are: --data, GTZAN, or the synthetic songs where they have been made."""
    if args.data or os.environ.get("GTZAN"):
        return args.data or Path(os.environ["GTZAN"])
    synthetic = args.build / "synthetic" / "genres"
    return synthetic if synthetic.is_dir() else None


def listen(host: str, port: int) -> socket.socket:
    """A socket at that address. UserError where it can't be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{host}, port {port}: {reason}: choose another with PORT= (0: a free one) or HOST=") from None


def main() -> int:
    args = parse_arguments()
    check_threshold(args.threshold)
    for option in ("megabytes", "minutes"):
        if getattr(args, option) < 1:
            raise UserError(f"--{option} {getattr(args, option)}: give 1 or more")
    model = choose_model(args.build, args.run, args.iteration)
    examples = find_examples(model, choose_data(args))
    service = Service(model, args.threshold, Limits(args.megabytes, args.minutes), examples)
    local = args.host in LOOPBACK
    app = make_app(service, LOOPBACK if local else ("*",))
    with listen(args.host, args.port) as door:
        print(f"model: {model.description}")
        print(f"open http://{args.host}:{door.getsockname()[1]}/ in a browser; Ctrl-C ends it", flush=True)
        if not local:
            print("others on the network can reach it, too", flush=True)
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="warning", server_header=False, timeout_graceful_shutdown=5)
        )
        try:
            server.run(sockets=[door])
        except KeyboardInterrupt:
            print("\nended")
    return 0


if __name__ == "__main__":
    cli.run("serve", main)
