"""Links and the picture in e-mails that colleagues wrote: followed without anybody signing in."""

import structlog
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.http import require_safe

from leadcrm.lib import tokens
from leads.tracking.machines import is_crawler
from pipeline.actions import letters
from pipeline.models import Letter

logger = structlog.get_logger(__name__)

# The smallest transparent GIF.
PIXEL = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)


@login_not_required
@require_safe
def opened(request: HttpRequest, token: str) -> HttpResponse:
    letter = _letter(tokens.unsign(letters.OPENED, token))
    if letter is not None:
        _attempt(lambda: letters.note_opened(
            letter, at=timezone.now(), by_machine=_is_machine(request)
        ))  # fmt: skip
    return _private(HttpResponse(PIXEL, content_type="image/gif"))


@login_not_required
@require_safe
def clicked(request: HttpRequest, token: str) -> HttpResponse:
    """On to where the e-mail points; what cannot be written down holds nobody up."""
    value = tokens.unsign(letters.CLICKED, token) or ""
    key, _, number = value.rpartition("-")
    letter = _letter(key)
    url = letters.link_of(letter, int(number)) if letter and number.isdigit() else None
    if letter is None or url is None:
        raise Http404("This link was not made by us, or was cut off on the way.")
    _attempt(lambda: letters.note_clicked(
        letter, url, at=timezone.now(), by_machine=_is_machine(request)
    ))  # fmt: skip
    return _private(HttpResponseRedirect(url))


def _letter(key: str | None) -> Letter | None:
    return Letter.objects.filter(public_id=key, is_tracked=True).first() if key else None


def _is_machine(request: HttpRequest) -> bool:
    """Whether a program looks: a scanner, a preview, or the mail program's own picture store."""
    agent = request.headers.get("User-Agent", "")
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    return request.method == "HEAD" or not agent or is_crawler(agent) or "prefetch" in purpose


def _attempt(write: object) -> None:
    try:
        write()  # type: ignore[operator]
    except Exception:
        logger.exception("Could not write down what came of a letter")


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store, private"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
