"""Find Chromium for the browser tests, or install it where that is allowed.

python -m tests.chromium    install if missing, or say what to install
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
APPLICATIONS = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
]
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ADVICE = (
    "The browser tests need Chromium. Install it (Debian: apt install chromium, Fedora: dnf "
    "install chromium, macOS: brew install --cask chromium), or set CHROMIUM to a browser's path."
)


def find() -> str | None:
    candidates = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES), *APPLICATIONS]
    return next((path for path in candidates if path and Path(path).exists()), None)


def install() -> None:
    """Only root on a Debian-like machine; everybody else is told what to do."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium …", flush=True)  # noqa: T201
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
        ):
            subprocess.call(command, env=environment, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    if find() is None:
        install()
    if find() is None:
        sys.exit(ADVICE)
