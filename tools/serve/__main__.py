"""A local web page on which to drop, record and hear songs, and to watch the net vote on them.

    python -m tools.serve [--model RUN] [--data GENRES] [--host 127.0.0.1] [--port 8000]

It answers to this machine alone unless --host says otherwise. The page is tools/serve/page, the server
`tools.serve.app`.
"""

from __future__ import annotations

import argparse
import ipaddress
import os
import socket
from pathlib import Path

import uvicorn

from tools import cli
from tools.classify.model import add_model_options, kept_apart, model_of
from tools.classify.verdict import add_threshold_option, check_threshold
from tools.cli import UserError
from tools.processes import interrupts_to
from tools.serve.app import Service, make_app
from tools.serve.around import own_names
from tools.serve.examples import find_examples
from tools.serve.song import Limits
from tools.serve.uploads import Uploads
from tools.settings import read_settings


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


def choose_data(named: Path | None, build: Path) -> Path | None:
    """Where songs to try are: --data, GTZAN, or the synthetic songs where they have been made."""
    if named or os.environ.get("GTZAN"):
        return named or Path(os.environ["GTZAN"])
    synthetic = build / "synthetic" / "genres"
    return synthetic if synthetic.is_dir() else None


def listen(host: str, port: int) -> socket.socket:
    """A socket at that address. UserError where it can't be had."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        family, _, _, _, (address, _, *scope) = min(found, key=lambda entry: entry[0])  # IPv4 where it has both
        return socket.create_server((address, port, *scope), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{host}, port {port}: {reason}: choose another with PORT= (0: a free one) or HOST=") from None


def is_local(address: str) -> bool:
    """Whether this machine alone can reach an address, as 127.0.0.2 or ::1."""
    found = ipaddress.ip_address(address)
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback


class Server(uvicorn.Server):
    """That of uvicorn, which does not wait for uploads once it is to end."""

    def __init__(self, config: uvicorn.Config, uploads: Uploads) -> None:
        super().__init__(config)
        self.uploads = uploads

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.uploads.end()
        await super().shutdown(sockets)


def serve(service: Service, host: str, port: int) -> None:
    """Answer until an interrupt, or SIGTERM."""
    uploads = Uploads(service.limits, service.admitted)
    with listen(host, port) as door:
        address, port = door.getsockname()[:2]
        print(f"model: {service.model.description}")
        print(f"open http://{f'[{host}]' if ':' in host else host}:{port}/ in a browser; Ctrl-C ends it", flush=True)
        if not is_local(address):
            print("others on the network can reach it, too", flush=True)
        app = make_app(service, uploads, own_names(host))
        config = uvicorn.Config(app, log_level="warning", server_header=False, timeout_graceful_shutdown=30)
        try:
            with interrupts_to(cli.interrupt):  # uvicorn raises its signal again in the end
                Server(config, uploads).run(sockets=[door])
        except KeyboardInterrupt:
            print("\nended")


def main() -> int:
    args = parse_arguments()
    check_threshold(args.threshold)
    for option in ("megabytes", "minutes"):
        if getattr(args, option) < 1:
            raise UserError(f"--{option} {getattr(args, option)}: give 1 or more")
    model, build = model_of(args), read_settings(args).build
    examples = find_examples(model, choose_data(args.data, build), build)
    with kept_apart(model) as model:
        service = Service(model, args.threshold, Limits(args.megabytes, args.minutes), examples)
        serve(service, args.host.strip("[]"), args.port)
    return 0


if __name__ == "__main__":
    cli.run("serve", main)
