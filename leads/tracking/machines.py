"""Whether a browser is a person's. Each judgement keeps its reasons."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from crawlerdetect import CrawlerDetect

from leads.models import Activity

HUMAN, MACHINE, UNKNOWN = Activity.Class.HUMAN, Activity.Class.MACHINE, Activity.Class.UNKNOWN

AGENT_LENGTH = 300  # the patterns take quadratic time on what no browser sends
BURST_PAGES = 20
BURST_SPAN = timedelta(seconds=10)

WORDS = {
    "crawler": "Its name is that of a known program",
    "webdriver": "It is driven by a program",
    "burst": f"It opened {BURST_PAGES} pages within {BURST_SPAN.seconds} seconds",
    "no_agent": "It does not say which browser it is",
    "no_language": "It asks for no language",
    "no_screen": "It has no screen",
}
CERTAIN = frozenset({"crawler", "webdriver", "burst"})

_crawlers = CrawlerDetect()


@dataclass(frozen=True, slots=True)
class Judgement:
    klass: str
    reasons: tuple[str, ...] = ()


def judge(user_agent: str, signs: Iterable[str] = ()) -> Judgement:
    """:param signs: what the door and the script noticed, names of `WORDS`."""
    found = {sign for sign in signs if sign in WORDS}
    if not user_agent.strip():
        found.add("no_agent")
    elif is_crawler(user_agent):
        found.add("crawler")
    if found & CERTAIN:
        return Judgement(MACHINE, tuple(sorted(found)))
    return Judgement(UNKNOWN if found else HUMAN, tuple(sorted(found)))


@lru_cache(maxsize=4096)
def is_crawler(user_agent: str) -> bool:
    return bool(_crawlers.is_crawler(user_agent[:AGENT_LENGTH]))


def is_burst(moments: Sequence[datetime]) -> bool:
    """Whether somebody opened more pages in a few seconds than anybody can read."""
    ordered = sorted(moments)
    ends = ordered[BURST_PAGES - 1 :]
    return any(end - start <= BURST_SPAN for start, end in zip(ordered, ends, strict=False))


BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("CrOS", "Chromebook"),
    ("Linux", "Linux"),
)


def browser_name(user_agent: str) -> str:
    """“Firefox on Windows”; what cannot be told is called a browser."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "Browser")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if system else browser
