"""Searching everything: a part for the palette, a page without scripts."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from leads.queries.search import LIMIT, search

ON_PAGE = 50


@require_GET
@vary_on_headers("HX-Request")
def search_page(request: HttpRequest) -> HttpResponse:
    text = request.GET.get("q", "").replace("\x00", "").strip()
    is_palette = bool(request.headers.get("HX-Request"))
    found = search(request.user, text, limit=LIMIT if is_palette else ON_PAGE)
    template = "leads/search.html#options" if is_palette else "leads/search.html"
    return render(request, template, {"q": text, "found": found})
