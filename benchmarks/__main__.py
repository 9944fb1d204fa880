"""python -m benchmarks [NAME …] [--leads N] [--pairs N]: ratios against the bare engine."""

import os
from argparse import ArgumentParser, Namespace

from benchmarks import servers

NAMES = (
    "generate",
    "pages",
    "scoring",
    "simulation",
    "segments",
    "queue",
    "sends",
    "capture",
    "tracking",
    "importing",
    "matching",
    "routing",
)


def arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    for name, default, text in (
        ("leads", 200_000, "leads in the large workspace"),
        ("activities", 3, "activities for each lead"),
        ("small", 10_000, "leads in the small one, for the ratio of pages"),
        ("pairs", 5, "pairs of measurements for each ratio"),
        ("mails", 300, "mails in each measurement"),
        ("queue", 10_000, "rows of the queue in each measurement"),
        ("rows", 100_000, "rows of the imported file in each measurement"),
    ):
        value = int(os.environ.get(f"BENCH_{name.upper()}") or default)
        parser.add_argument(f"--{name}", type=int, default=value, help=f"{text} ({value})")
    parser.add_argument(
        "--seconds",
        type=float,
        default=float(os.environ.get("BENCH_SECONDS") or 4),
        help="of captures in each measurement",
    )
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(NAMES):
        parser.error(f"There is no benchmark {', '.join(sorted(unknown))}.")
    return chosen


def main() -> None:
    chosen = arguments()
    print("Starting PostgreSQL, Valkey and a mail server …", flush=True)
    servers.provide()

    import django

    django.setup()
    from benchmarks.suite import run

    run(chosen)


if __name__ == "__main__":
    main()
