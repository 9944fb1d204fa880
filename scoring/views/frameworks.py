"""Settings → Qualification: the framework in use, what it asks, and the points of its answers."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import DomainError
from leads.questions import options_of
from scoring import frameworks
from scoring.actions import frameworks as actions
from scoring.models import BantCriterion

EDITORS = (Role.MARKETER,)
BLANK = 2
ROW = ("key", "label", "question", "kind", "options")
POINTS = ("yes_points", "partial_points", "no_points")


@role_required(*EDITORS)
@require_GET
def framework_list(request: HttpRequest) -> HttpResponse:
    active = frameworks.active().key
    rows = [(each, each.key == active) for each in frameworks.everything()]
    rows.sort(key=lambda row: not row[1])
    return render(request, "scoring/frameworks.html", {"rows": rows})


@role_required(*EDITORS)
@require_http_methods(["GET", "POST"])
def framework_edit(request: HttpRequest, key: str = "") -> HttpResponse:
    """One framework; without a key a new one."""
    known = frameworks.find(key) if key else frameworks.Asking(key="", name="", criteria=())
    if known is None:
        raise Http404("There is no framework of this name.")
    if request.method == "GET":
        return _form(request, known, [_row(each) for each in known.criteria])
    rows = _posted(request)
    name = request.POST.get("name", "")
    try:
        saved = actions.save_framework(key or actions.key_of(name), name=name, criteria=rows)
    except DomainError as error:
        return _form(request, known, rows, name=name, problems=error.errors, status=422)
    return _saved(request, saved.key)


def _saved(request: HttpRequest, key: str) -> HttpResponse:
    changed = 0
    if frameworks.active().key == key:
        changed = actions.follow_points(at=timezone.now(), user=user_of(request))
    messages.success(request, f"Saved.{_words(changed)}")
    return redirect("framework-list")


def _words(changed: int) -> str:
    if not changed:
        return ""
    rules = "1 rule" if changed == 1 else f"{changed} rules"
    return f" {rules} of the scoring draft changed; publish it in Scoring, and scores follow."


def _row(criterion: frameworks.Criterion) -> dict[str, Any]:
    return {name: getattr(criterion, name) for name in (*ROW, *POINTS)}


def _posted(request: HttpRequest) -> list[dict[str, Any]]:
    """The rows in the order of their numbers; one without a label is none."""
    rows: list[dict[str, Any]] = []
    for n in range(actions.MOST_CRITERIA + BLANK):
        row: dict[str, Any] = {name: request.POST.get(f"c-{n}-{name}", "").strip() for name in ROW}
        if not row["label"]:
            continue
        row["options"] = _options(row["options"])
        row |= {name: _number(request.POST.get(f"c-{n}-{name}", "")) for name in POINTS}
        row["place"] = _number(request.POST.get(f"c-{n}-place", ""))
        rows.append(row)
    return sorted(rows, key=lambda row: int(row["place"]))


def _options(text: str) -> list[dict[str, str]]:
    """`Decides alone | yes`, one a line."""
    return [
        {name: str(each[name]) for name in ("label", "level")}
        if isinstance(each, dict)
        else {"label": str(each)}
        for each in options_of(text[:4000])
    ]


def _number(text: str) -> int:
    try:
        return max(-100, min(100, int(text.strip() or 0)))
    except ValueError:
        return 0


def _form(
    request: HttpRequest,
    known: frameworks.Asking,
    rows: list[dict[str, Any]],
    *,
    name: str = "",
    problems: Any = (),
    status: int = 200,
) -> HttpResponse:
    blank = {"kind": "text", "yes_points": 8, "partial_points": 4, "no_points": 0}
    more = min(BLANK if rows else 4, actions.MOST_CRITERIA - len(rows))
    shown = [*rows, *(dict(blank) for _ in range(max(more, 0)))]
    for row in shown:
        row["lines"] = "\n".join(
            f"{each['label']} | {each['level']}" if each.get("level") else str(each["label"])
            for each in row.get("options") or []
        )
    context = {
        "framework": known,
        "name": name or known.name,
        "rows": shown,
        "kinds": BantCriterion.Kind.choices,
        "problems": problems,
        "is_active": bool(known.key) and frameworks.active().key == known.key,
    }
    return render(request, "scoring/framework.html", context, status=status)


@role_required(*EDITORS)
@require_POST
def framework_use(request: HttpRequest, key: str) -> HttpResponse:
    changed = actions.use_framework(key, at=timezone.now(), user=user_of(request))
    used = frameworks.active().name
    messages.success(request, f"{used} is used now. All answers are kept.{_words(changed)}")
    return redirect("framework-list")


@role_required(*EDITORS)
@require_POST
def framework_delete(request: HttpRequest, key: str) -> HttpResponse:
    try:
        actions.delete_framework(key)
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, "Deleted. Answers that were given stay in the history of leads.")
    return redirect("framework-list")
