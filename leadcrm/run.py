"""`make run`: LeadCRM on one machine with everything it needs.

python -m leadcrm.run [--host 127.0.0.1] [--port 8000] [--reset]
"""

import argparse
import shutil
import socket
import sys
from pathlib import Path

from leadcrm.embedded import postgres, processes, state
from leadcrm.embedded.accounts import NoAccount
from leadcrm.embedded.postgres import OtherVersion
from leadcrm.embedded.starting import DidNotStart
from leadcrm.supervisor import Supervisor


class PortTaken(Exception):
    """The web server cannot listen where it was told to."""


def main() -> None:
    arguments = parser().parse_args()
    home = state.var_dir()
    try:
        with state.sole_supervisor(home):
            if arguments.reset:
                reset(home)
                return
            if left := processes.stop_leftovers(home):
                say(f"Stopped what an earlier run left behind: {', '.join(left)}.")
            check_port(arguments.host, arguments.port)
            Supervisor(home, host=arguments.host, port=arguments.port, say=say).run()
    except state.AlreadyRunning:
        url = state.read(home / "run.json").get("url", "another address")
        sys.exit(f"LeadCRM is already running from this directory, at {url}. Stop it there first.")
    except (PortTaken, DidNotStart, NoAccount, OtherVersion) as error:
        sys.exit(str(error))


def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make run", description="Run LeadCRM on this machine.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=port_number, default=8000)
    parser.add_argument("--reset", action="store_true", help="delete all data in var/")
    return parser


def port_number(text: str) -> int:
    if not (text.isdecimal() and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError(f"“{text}” is not a port; choose one from 1 to 65535.")
    return int(text)


def check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise PortTaken(f"Port {port} is reserved for root; try make run PORT=8000.") from None
        except OSError as error:
            raise PortTaken(
                f"Port {port} on {host} cannot be used ({(error.strerror or str(error)).lower()}); "
                f"choose another one, for example: make run PORT={port + 1}"
            ) from None


def reset(home: Path) -> None:
    processes.stop_leftovers(home)
    postgres.erase(home)
    for path in home.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != "run.lock":
            path.unlink()
    say(f"All data in {home} are deleted.")


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
