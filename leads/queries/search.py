"""Finding somebody from a few letters, even mistyped ones."""

import re
from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.search import TrigramWordSimilarity
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Lower

from leadcrm.accounts.access import reach_of
from leadcrm.lib import normalise
from leads.models import Company, Lead, LeadIdentifier
from leads.models.lead import LeadQuerySet

LIMIT = 8
LONGEST = 200
CANDIDATES = 200  # ranked among these: a common word has thousands
SIMILAR = 0.4  # two letters swapped in a word of six still reach it
TYPO_LENGTH = 4  # shorter words with a mistake resemble everything
_PHONE = re.compile(r"^[\d\s()+./-]+$")


@dataclass(frozen=True, slots=True)
class Found:
    """`is_guess`: nothing holds these words, so the leads are those that come near."""

    leads: list[Lead]
    companies: list[Company]
    is_guess: bool = False

    def __bool__(self) -> bool:
        return bool(self.leads or self.companies)


def search(principal: Any, text: str, *, limit: int = LIMIT) -> Found:
    """Leads by e-mail, phone digits, or words of name, e-mail and company; then companies."""
    words = normalise.clean_text(text, limit=LONGEST)
    if not words:
        return Found([], [])
    visible: LeadQuerySet = Lead.objects.visible_to(principal)
    leads = _by_email(visible, words) + _by_phone(visible, words, limit)
    leads += _by_words(visible, words, limit)
    is_guess = not leads
    if is_guess:
        leads = _by_likeness(visible, words, limit)
    return Found(
        list(dict.fromkeys(leads))[:limit], _companies(principal, words), is_guess and bool(leads)
    )


def _by_email(visible: LeadQuerySet, text: str) -> list[Lead]:
    email = normalise.email(text)
    if email is None:
        return []
    owners = LeadIdentifier.objects.filter(kind=LeadIdentifier.Kind.EMAIL, value=email.canonical)
    return list(_shown(visible.filter(pk__in=owners.values("lead"))))


def _by_phone(visible: LeadQuerySet, text: str, limit: int) -> list[Lead]:
    """Digits in any spelling: a leading zero stands for the country code."""
    digits = re.sub(r"\D", "", text).lstrip("0")
    if len(digits) < 4 or not _PHONE.match(text):
        return []
    return list(_shown(visible.filter(search_text__contains=digits))[:limit])


def _by_words(visible: LeadQuerySet, text: str, limit: int) -> list[Lead]:
    """The hottest of those that hold every word.

    The limit inside keeps a common word from sorting all its leads, and the planner from walking
    the order of scores in search of a rare one.
    """
    some = visible.search(text).order_by().values("pk")[:CANDIDATES]
    hottest = Lead.objects.filter(pk__in=some, score_row__isnull=False)
    return list(_shown(hottest).order_by("-score_row__score", "pk")[:limit])


def _by_likeness(visible: LeadQuerySet, text: str, limit: int) -> list[Lead]:
    words = [word for word in text.lower().split()[:6] if len(word) >= TYPO_LENGTH]
    if not words:
        return []
    near = Q()
    for word in words:
        near &= Q(search_text__trigram_word_similar=word)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL pg_trgm.word_similarity_threshold = %s", [SIMILAR])
        likeness = TrigramWordSimilarity(" ".join(words), "search_text")
        alike = _shown(visible.filter(near)).annotate(likeness=likeness)
        return list(alike.order_by("-likeness", "pk")[:limit])


def _shown(leads: LeadQuerySet) -> LeadQuerySet:
    return leads.select_related("score_row").only(
        "public_id", "first_name", "last_name", "email", "phone", "company_name", "job_title",
        "score_row__score", "score_row__temperature",
    )  # fmt: skip


def _companies(principal: Any, text: str, limit: int = 4) -> list[Company]:
    """Companies whose name begins so, of whom this person may see a lead."""
    found = Company.objects.annotate(plain=Lower("name")).filter(plain__startswith=text.lower())
    if not reach_of(principal).everything:
        leads = Lead.objects.visible_to(principal).filter(company=OuterRef("pk"))
        found = found.filter(Exists(leads))
    return list(found.order_by(F("plain"), "pk")[:limit])
