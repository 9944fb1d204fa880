"""From a template in Liquid and a lead to the parts of a mail."""

from nurturing.rendering.checking import Check, check_template, refuse_broken
from nurturing.rendering.composing import Mail, compose, finish_html
from nurturing.rendering.context import FIELDS, context_of, sample_contexts
from nurturing.rendering.sandbox import TemplateBroken

__all__ = [
    "FIELDS",
    "Check",
    "Mail",
    "TemplateBroken",
    "check_template",
    "compose",
    "context_of",
    "finish_html",
    "refuse_broken",
    "sample_contexts",
]
