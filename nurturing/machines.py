"""Who opened or clicked: a person, or a program that reads mail before people do.

Only what a person did counts for scores and reports. Bursts are the strong signal: gateways follow
every link with an ordinary browser's name. Each judgement keeps its reasons.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

HUMAN, MACHINE, UNKNOWN = "human", "machine", "unknown"

CLICK_TOO_FAST = timedelta(seconds=5)
OPEN_TOO_FAST = timedelta(seconds=2)
PROXY_TOO_FAST = timedelta(seconds=10)
BURST_LINKS = 3
BURST_SPAN = timedelta(seconds=3)
BURST_REACH = timedelta(seconds=10)

SCANNERS = (
    "barracuda", "proofpoint", "mimecast", "ciscosecureemail", "tmes", "bingpreview",
    "headlesschrome", "python-requests", "curl/", "wget/", "go-http-client", "urlscan", "symantec",
    "messagelabs", "trendmicro", "sophos", "fireeye", "zscaler", "bot/", "spider", "crawler",
)  # fmt: skip
GMAIL_PREFETCH = "chrome/42.0.2311.135"


@dataclass(frozen=True, slots=True)
class Hit:
    """One request for a link or the pixel. `since_sent` is None when the mail is still in doubt."""

    method: str
    user_agent: str
    prefetch: bool
    since_sent: timedelta | None


@dataclass(frozen=True, slots=True)
class Judgement:
    klass: str
    reasons: tuple[str, ...] = ()


def judge_click(hit: Hit) -> Judgement:
    reasons = _signs(hit)
    if hit.since_sent is not None and hit.since_sent <= CLICK_TOO_FAST:
        reasons.append("too_fast")
    return Judgement(MACHINE if reasons else HUMAN, tuple(reasons))


def judge_open(hit: Hit) -> Judgement:
    reasons = _signs(hit)
    agent = hit.user_agent.lower()
    if GMAIL_PREFETCH in agent and "edge/12.246" in agent:
        reasons.append("gmail_prefetch")
    limit = PROXY_TOO_FAST if "googleimageproxy" in agent else OPEN_TOO_FAST
    if hit.since_sent is not None and hit.since_sent <= limit:
        reasons.append("too_fast")
    if reasons:
        return Judgement(MACHINE, tuple(reasons))
    if hit.user_agent.strip() == "Mozilla/5.0":
        return Judgement(UNKNOWN, ("apple_privacy",))
    if "yahoomailproxy" in agent:
        return Judgement(UNKNOWN, ("yahoo_proxy",))
    return Judgement(HUMAN)


def _signs(hit: Hit) -> list[str]:
    signs = []
    if hit.method not in {"GET", "POST"}:
        signs.append("head_request")
    if hit.prefetch:
        signs.append("prefetch")
    agent = hit.user_agent.lower()
    if not agent or any(name in agent for name in SCANNERS):
        signs.append("scanner")
    return signs


def holds_burst(clicks: Sequence[tuple[int, datetime]]) -> bool:
    """Whether three different links of one mail were followed within three seconds.

    :param clicks: (link, moment) of the clicks around the one in question.
    """
    return any(
        len({link for link, moment in clicks if start <= moment <= start + BURST_SPAN})
        >= BURST_LINKS
        for _, start in clicks
    )
