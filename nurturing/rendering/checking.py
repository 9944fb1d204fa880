"""What is judged before a template is saved: refusals with line and cure, and friendly remarks."""

import difflib
import re
from dataclasses import dataclass

from liquid.exceptions import LiquidError

from leadcrm.lib.errors import FieldError, Invalid
from nurturing.models import TemplateVersion
from nurturing.rendering import cleaning, sandbox
from nurturing.rendering.composing import compose
from nurturing.rendering.context import OPEN_ENDED, known_fields, sample_contexts
from nurturing.rendering.sandbox import TemplateBroken

PARTS = {"subject": "Subject", "preheader": "Preview line", "html": "Body", "text": "Plain text"}


@dataclass(frozen=True, slots=True)
class Check:
    """A remark under the editor; `ok` is green, otherwise worth a look."""

    ok: bool
    text: str


def refuse_broken(version: TemplateVersion) -> None:
    """:raises Invalid: for each part that cannot be filled in, the line and the cure."""
    errors = [
        FieldError(part, problem, "template_error")
        for part in PARTS
        for problem in problems_in(getattr(version, part), html=part == "html")
    ]
    if not version.subject.strip():
        errors.append(FieldError("subject", "Write a subject.", "required"))
    if not version.html.strip():
        errors.append(FieldError("html", "Write the mail’s text.", "required"))
    if not errors:
        errors = _trial(version)
    if errors:
        raise Invalid(
            f"{PARTS[errors[0].field]}: {errors[0].message}"
            if len(errors) == 1
            else f"The template has {len(errors)} mistakes.",
            errors=errors,
        )


def problems_in(source: str, *, html: bool) -> list[str]:
    """Syntax errors, unknown filters and unknown variables, as sentences with line numbers."""
    try:
        template = sandbox.parse(source, html=html)
        variables = template.analyze(include_partials=False).globals
    except TemplateBroken as error:
        return [_with_cure(error)]
    except (LiquidError, RecursionError):
        return ["This cannot be read as Liquid."]
    return [
        f"Line {sandbox.line_at(source, variable.span.index)}: {problem}"
        for uses in variables.values()
        for variable in uses
        if (problem := _unknown(list(variable.segments)))
    ]


def _unknown(segments: list[object]) -> str:
    """What is wrong with a variable's path; empty when it exists."""
    path = [str(segment) for segment in segments]
    written = ".".join(path)
    group = known_fields().get(path[0])
    if group is None:
        return f"“{written}” is not known. {_suggest(path[-1], written)}"
    if len(path) == 1:
        return f"“{written}” needs a field, such as {path[0]}.{next(iter(group), '…')}."
    if path[1] not in group:
        return f"“{written}” is not known. {_suggest(path[1], written)}"
    if len(path) > 2 and (path[0], path[1]) not in OPEN_ENDED:
        return f"“{written}” goes too deep: {path[0]}.{path[1]} is plain text."
    return ""


def _suggest(name: str, written: str) -> str:
    known = [f"{group}.{field}" for group, fields in known_fields().items() for field in fields]
    same = [path for path in known if path.endswith(f".{name}")]
    near = same or difflib.get_close_matches(written, known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else "Use Insert field to see all names."


def _with_cure(error: TemplateBroken) -> str:
    if match := re.search(r"nknown filter '(\w+)'", error.message):
        near = difflib.get_close_matches(match[1], sandbox.FILTERS, n=1)
        cure = f" Did you mean {near[0]}?" if near else " Leave it out."
        return f"{error}{cure}"
    if "nexpected tag" in error.message or "nknown tag" in error.message:
        return f"{error} Only if, unless, case, for, assign, capture and comment are allowed."
    return str(error)


def _trial(version: TemplateVersion) -> list[FieldError]:
    """Fill it in for three difficult people: nobody known, a hostile name, an endless one."""
    for context in sample_contexts():
        for part in PARTS:
            try:
                sandbox.render(getattr(version, part), context, html=part == "html")
            except TemplateBroken as error:
                return [FieldError(part, _trial_words(error), "template_error")]
    try:
        compose(version, sample_contexts()[0])
    except TemplateBroken as error:
        return [FieldError("html", _trial_words(error), "template_error")]
    return []


def _trial_words(error: TemplateBroken) -> str:
    if "is undefined" in error.message:
        return f"{error} Add a fallback: | default: “…”."
    return str(error)


_BARE = re.compile(r"\{\{-?\s*((?:lead|company|owner)\.[\w.]+)\s*-?\}\}")


def check_template(version: TemplateVersion) -> list[Check]:
    """Remarks for the editor; nothing here stops a save."""
    checks = [Check(ok=True, text="Unsubscribe link and postal address are added to every mail.")]
    if version.text.strip():
        checks.append(Check(ok=True, text="Plain-text part is your own."))
    else:
        checks.append(Check(ok=True, text="Plain-text part is written from the body."))
    guarded = _guarded(version.html)
    bare = [
        name
        for name in dict.fromkeys(_BARE.findall(version.subject + "\n" + version.html))
        if name not in guarded
    ]
    checks += [
        Check(ok=False, text=f"{name} may be empty. Add a fallback: | default: “…”.")
        for name in bare
    ]
    length = len(re.sub(r"\{\{.*?\}\}", "xxxxxxx", version.subject))
    if length > 60:
        checks.append(Check(ok=False, text="The subject is long; a phone cuts it after about 40."))
    if re.search(r"https?://(?:bit\.ly|tinyurl\.com|goo\.gl|t\.co)/", version.html):
        checks.append(Check(ok=False, text="Shortened links look like spam. Use the full address."))
    if re.search(r"<script|<style|<iframe|on\w+=", version.html, re.IGNORECASE):
        checks.append(Check(ok=False, text="Scripts, style blocks and frames are removed."))
    if len(cleaning.as_html(version.html)) > 100_000:
        checks.append(Check(ok=False, text="Gmail cuts mails longer than 100 kB."))
    return checks


def _guarded(source: str) -> set[str]:
    """Names that an `{% if … %}` asks for before they are printed."""
    return set(re.findall(r"\{%-?\s*(?:if|elsif)\s+((?:lead|company|owner)\.[\w.]+)", source))
