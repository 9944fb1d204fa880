"""Addresses of the pipeline's pages."""

from django.urls import URLPattern, path

from leadcrm.lib import converters  # noqa: F401  # registers <public_id:…>
from pipeline.views import board

board_urls = [
    path("pipeline/", board.board, name="board"),
    path("pipeline/filter/", board.filter_form, name="board-filter"),
    path("pipeline/lanes/<slug:stage>/", board.lane, name="board-lane"),
    path("pipeline/undo/<slug:deed>/<str:token>/", board.undo_deed, name="pipeline-undo"),
    path("pipeline/<public_id:lead_id>/move/", board.move, name="board-move"),
]
urlpatterns: list[URLPattern] = [*board_urls]
