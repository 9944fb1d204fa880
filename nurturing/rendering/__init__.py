"""From a template in Liquid and a lead to the parts of a mail."""

from nurturing.rendering.checking import Check, check_template, refuse_broken
from nurturing.rendering.composing import Mail, compose, finish_html
from nurturing.rendering.context import context_of, known_fields, sample_contexts
from nurturing.rendering.sandbox import TemplateBroken

__all__ = [
    "Check",
    "Mail",
    "TemplateBroken",
    "check_template",
    "compose",
    "context_of",
    "finish_html",
    "known_fields",
    "refuse_broken",
    "sample_contexts",
]
