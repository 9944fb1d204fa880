"""Why a capture waits, in two or three words: for filters and lists."""

REASONS = {
    "honeypot": "Trap field filled in",
    "too_fast": "Sent too fast",
    "too_old": "Form opened long ago",
    "forged_time": "Forged time mark",
    "proof_missing": "No proof of work",
    "proof_forged": "Forged proof of work",
    "proof_replayed": "Used proof of work",
    "blocked": "On the block list",
    "disposable": "Throw-away address",
    "links": "Many links",
    "same_link": "Repeated link",
    "link_as_name": "Link as a name",
    "markup": "Link markup",
    "phrase": "Advert phrase",
    "noise": "Noise as a name",
    "mixed_letters": "Mixed alphabets",
    "other_script": "Another alphabet",
    "same_message": "Same message often",
    "rate_address": "Too many from one network",
    "rate_form": "Too many at this form",
    "rate_key": "Too many with this key",
    "rate_email": "Too many from one address",
    "unknown_key": "Unknown API key",
    "forbidden_key": "Key without the right",
    "signature": "Signature does not match",
    "json": "Not valid JSON",
    "empty": "Nothing in it",
    "type": "Of another kind than asked",
    "required": "Answers missing",
    "incomplete": "Visitor must correct it",
    "corrected": "Corrected by the visitor",
    "unknown": "Unknown form or source",
    "nobody": "Nobody can be recognised",
    "form_unpublished": "Form was not published",
    "source_off": "Source switched off",
    "double_submit": "Sent twice",
    "repeated": "Stored before",
    "by_hand": "Rejected by hand",
    "retrying": "Will be tried again",
    "error": "Error while processing",
}
DOORS = {"form": "Forms", "api": "API", "in": "Providers and webhooks", "mail": "E-mail"}


def of_code(code: str) -> str:
    return REASONS.get(code, code.replace("_", " ").capitalize())
