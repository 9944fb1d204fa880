"""Every part of the interface in every state on one page, for builders of pages (DEBUG only)."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

WAITS = ("≤ 5 m", "≤ 15 m", "≤ 30 m", "≤ 1 h", "≤ 2 h", "≤ 4 h", "≤ 8 h", "≤ 1 d", "more")
REPLIES = (188, 264, 221, 196, 131, 88, 54, 41, 18)
SAMPLE = {
    "history": [38, 41, 44, 52, 55, 62, 82, 87],
    "bars": [
        (label, count, "s1" if index < 4 else "sb")
        for index, (label, count) in enumerate(zip(WAITS, REPLIES, strict=True))
    ],
    "rates": [
        ("s0", [33, 34, 33, 35, 34, 36, 35, 34, 35, 36, 35, 36, 35]),
        ("s1", [34, 35, 33, 36, 35, 37, 38, 36, 39, 38, 40, 39, 41], "41%"),
    ],
    "weeks": ["24 Aug", "5 Oct", "16 Nov"],
    "counts": [1284, 1063, 486, 214, 118, 47],
}


def components(request: HttpRequest) -> HttpResponse:
    if not settings.DEBUG:
        raise Http404("The gallery is for developers.")
    return render(request, "settings/components.html", SAMPLE)
