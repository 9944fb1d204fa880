"""What runs, in which order, once Django is ready."""

from argparse import Namespace

from benchmarks import (
    capture,
    importing,
    matching,
    pages,
    queue,
    routing,
    scoring,
    segments,
    sends,
    simulation,
    tracking,
    world,
)
from benchmarks.measuring import Line, Options, show

HEAD = Line("", "LeadCRM", "bare", "ratio")


def run(chosen: Namespace) -> None:
    wanted = chosen.names
    options = Options(**{name: getattr(chosen, name) for name in Options.__slots__})
    world.prepare()
    small = {}
    if not wanted or "pages" in wanted:
        world.grow_to(options.small)
        small = pages.measure()
    few = {}
    if not wanted or "matching" in wanted:
        world.grow_to(options.small)
        few = matching.measure()
    show("Generate", grown(options), Line("", "", "", ""))
    if small:
        head = Line("p50 / p95", f"{options.leads:,} leads", f"{options.small:,}", "ratio")
        show("Pages", pages.lines(small, pages.measure()), head)
    if few:
        head = Line("fastest tenth", f"{options.leads:,} leads", f"{options.small:,}", "ratio")
        show("Matching", matching.lines(few, matching.measure()), head)
    for name, part in (
        ("scoring", scoring.run), ("simulation", simulation.run),
        ("segments", segments.run), ("queue", queue.run),
        ("sends", sends.run),
        ("capture", capture.run), ("tracking", tracking.run),
        ("importing", importing.run),
        ("routing", routing.run),
    ):  # fmt: skip
        if not wanted or name in wanted:
            show(name.capitalize(), part(options), HEAD)


def grown(options: Options) -> list[Line]:
    leads, generating, scoring_ = world.grow_to(options.leads, options.activities)
    return [
        Line("generate with indexes", f"{leads / generating:,.0f} leads/s"),
        Line("score all the first time", f"{options.leads / scoring_:,.0f} leads/s"),
    ]
