"""Make .venv hold exactly what requirements.txt (or requirements-dev.txt) pins.

Runs on the system's Python before anything is installed, so it uses the standard library only and
parses on an old Python as well, to be able to say what is missing.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)
NAMES = ["python3." + str(minor) for minor in (13, 12, 11, 14)] + ["python3"]


def main() -> None:
    use_new_enough_python()
    dev = "--dev" in sys.argv[1:]
    with lock():
        wanted = fingerprint("requirements-dev.txt" if dev else "requirements.txt")
        stamp = VENV / ("dev.stamp" if dev else "runtime.stamp")
        if usable() and stamp.exists() and stamp.read_text() == wanted:
            return
        if not usable():
            create()
        install("requirements-dev.txt" if dev else "requirements.txt")
        stamp.write_text(wanted)
        if dev:
            (VENV / "runtime.stamp").write_text(fingerprint("requirements.txt"))


def use_new_enough_python() -> None:
    if sys.version_info >= OLDEST:
        return
    for name in NAMES:
        found = shutil.which(name)
        if found and new_enough(found):
            os.execv(found, [found, *sys.argv])
    sys.exit("LeadCRM needs Python 3.11 or newer; this machine has only " + sys.version.split()[0])


def new_enough(python: str) -> bool:
    probe = "import sys; sys.exit(sys.version_info < (3, 11))"
    return subprocess.call([python, "-c", probe], stderr=subprocess.DEVNULL) == 0


class lock:
    """`make run` and `make test` started at the same moment install one after the other."""

    def __enter__(self) -> None:
        import fcntl

        self.file = (ROOT / ".venv.lock").open("w")
        fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *exc: object) -> None:
        self.file.close()


def fingerprint(requirements: str) -> str:
    digest = hashlib.sha256((ROOT / requirements).read_bytes()).hexdigest()
    return "%s python%d.%d\n" % (digest, *sys.version_info[:2])


def usable() -> bool:
    return PYTHON.exists() and subprocess.call([str(PYTHON), "-c", "import pip"]) == 0


def create() -> None:
    say("Making .venv with Python %d.%d …" % sys.version_info[:2])
    if subprocess.call([sys.executable, "-m", "venv", "--clear", str(VENV)]) == 0:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        say("Installing python3-venv …")
        subprocess.call(["apt-get", "install", "-y", "-qq", "python3-venv"])
        if subprocess.call([sys.executable, "-m", "venv", "--clear", str(VENV)]) == 0:
            return
    sys.exit("Python's venv module is incomplete. On Debian or Ubuntu: apt install python3-venv")


def install(requirements: str) -> None:
    say("Installing %s …" % requirements)
    arguments = ["--require-hashes", "-r", str(ROOT / requirements)]
    uv = shutil.which("uv")
    if uv and succeeds(
        [uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(PYTHON), *arguments]
    ):
        return
    pip = [str(PYTHON), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    if not succeeds([*pip, "--no-input", *arguments]):
        sys.exit("The dependencies could not be installed; the lines above say why.")


def succeeds(command: List[str]) -> bool:
    return subprocess.call(command, cwd=str(ROOT)) == 0


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
