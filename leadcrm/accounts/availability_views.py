"""Pages of working hours, absences and holidays."""

from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from leadcrm.accounts import availability
from leadcrm.accounts.access import reach_of
from leadcrm.accounts.availability_forms import (
    AbilitiesForm,
    AbsenceForm,
    CalendarForm,
    HoursForm,
    days_as_text,
    initial_abilities,
    initial_hours,
)
from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.forms import show_refusal
from leadcrm.accounts.models import Absence, HolidayCalendar, Role, User
from leadcrm.lib.errors import DomainError, NotFound

managers = role_required(Role.MANAGER)


def person_of(request: HttpRequest, public_id: str | None) -> User:
    """Oneself, or somebody of one's teams, for managers.

    :raises NotFound: it is nobody this person may plan for.
    """
    me = user_of(request)
    if public_id is None or public_id == me.public_id:
        return me
    person = get_object_or_404(User, public_id=public_id)
    reach = reach_of(me)
    if not me.has_role(Role.MANAGER) or not (reach.everything or person.pk in reach.owner_ids):
        raise NotFound
    return person


def address_of(request: HttpRequest, person: User) -> str:
    return "/settings/hours/" + ("" if person == user_of(request) else f"{person.public_id}/")


def hours(request: HttpRequest, public_id: str | None = None) -> HttpResponse:
    person = person_of(request, public_id)
    form = HoursForm(request.POST or None, initial=initial_hours(person))
    if form.is_valid():
        try:
            at = timezone.now()
            availability.set_hours(person, form.blocks, at=at, actor=user_of(request))
        except DomainError as error:
            form.refuse(error.errors)
        else:
            messages.success(request, "Saved. Clocks that run are counted again.")
            return redirect(address_of(request, person))
    return show(request, person, hours=form)


def show(
    request: HttpRequest,
    person: User,
    *,
    hours: HoursForm | None = None,
    absence: AbsenceForm | None = None,
    abilities: AbilitiesForm | None = None,
) -> HttpResponse:
    today = timezone.now().astimezone(person.zone).date()
    wrong = any(form is not None and form.is_bound for form in (hours, absence, abilities))
    context = {
        "person": person,
        "is_me": person == user_of(request),
        "address": address_of(request, person),
        "form": hours or HoursForm(initial=initial_hours(person)),
        "absence_form": absence or AbsenceForm(of=person),
        "absences": availability.coming_absences(person, today),
        "today": today,
        "abilities": abilities or AbilitiesForm(initial=initial_abilities(person)),
        "may_rate": user_of(request).has_role(Role.MANAGER),
        "people": people_for(request),
    }
    return render(request, "settings/hours.html", context, status=422 if wrong else 200)


def people_for(request: HttpRequest) -> list[User]:
    """Whose hours a manager may see besides the own ones."""
    me = user_of(request)
    if not me.has_role(Role.MANAGER):
        return []
    reach = reach_of(me)
    found = User.objects.filter(is_active=True)
    if not reach.everything:
        found = found.filter(pk__in=reach.owner_ids)
    return list(found.order_by("name", "pk")[:300])


@require_POST
def absence_add(request: HttpRequest, public_id: str) -> HttpResponse:
    person = person_of(request, public_id)
    form = AbsenceForm(request.POST, of=person)
    if form.is_valid():
        try:
            at = timezone.now()
            availability.add_absence(person, **form.values, at=at, actor=user_of(request))
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, "Written down.")
            return redirect(address_of(request, person))
    return show(request, person, absence=form)


@require_POST
def absence_end(request: HttpRequest, absence_id: int) -> HttpResponse:
    absence = get_object_or_404(Absence.objects.select_related("user"), pk=absence_id)
    person = person_of(request, absence.user.public_id)
    availability.end_absence(absence, at=timezone.now(), actor=user_of(request))
    messages.success(request, "The absence is over.")
    return redirect(address_of(request, person))


@managers
@require_POST
def abilities(request: HttpRequest, public_id: str) -> HttpResponse:
    person = person_of(request, public_id)
    form = AbilitiesForm(request.POST)
    if form.is_valid():
        try:
            at = timezone.now()
            availability.set_abilities(person, **form.values, at=at, actor=user_of(request))
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, f"Saved what {person.name} can do.")
            return redirect(address_of(request, person))
    return show(request, person, abilities=form)


# Of the workspace ---------------------------------------------------------------------------------


@managers
def calendar(request: HttpRequest) -> HttpResponse:
    """Office hours, and the calendars of holidays."""
    form = HoursForm(request.POST or None, initial=initial_hours(None))
    if form.is_valid():
        try:
            availability.set_hours(None, form.blocks, at=timezone.now(), actor=user_of(request))
        except DomainError as error:
            form.refuse(error.errors)
        else:
            messages.success(request, "Saved. Clocks that run are counted again.")
            return redirect("calendar")
    calendars = HolidayCalendar.objects.prefetch_related("days", "people").order_by(
        "-is_default", "name"
    )
    context = {"form": form, "calendars": calendars}
    return render(request, "settings/calendar.html", context, status=422 if form.is_bound else 200)


@managers
def holidays(request: HttpRequest, calendar_id: int | None = None) -> HttpResponse:
    found = get_object_or_404(HolidayCalendar, pk=calendar_id) if calendar_id else None
    initial = {
        "name": found.name if found else "",
        "is_default": found.is_default if found else False,
        "days": days_as_text(found.days.order_by("day")) if found else "",
    }
    form = CalendarForm(request.POST or None, initial=initial)
    if form.is_valid() and saved(request, form, found):
        return redirect("calendar")
    context = {"form": form, "calendar": found}
    return render(request, "settings/holidays.html", context, status=422 if form.errors else 200)


def saved(request: HttpRequest, form: Form, found: HolidayCalendar | None) -> bool:
    try:
        made = availability.save_calendar(
            found, **form.cleaned_data, at=timezone.now(), actor=user_of(request)
        )
    except DomainError as error:
        show_refusal(form, error)
        return False
    messages.success(request, f"Saved “{made.name}”. Clocks that run are counted again.")
    return True


@managers
@require_POST
def holidays_delete(request: HttpRequest, calendar_id: int) -> HttpResponse:
    found = get_object_or_404(HolidayCalendar, pk=calendar_id)
    availability.delete_calendar(found, at=timezone.now(), actor=user_of(request))
    messages.success(request, f"The calendar “{found.name}” is gone.")
    return redirect("calendar")
