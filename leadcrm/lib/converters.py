"""Path converters: an address that cannot name anything is a 404 before any query."""

from django.urls import register_converter

from leadcrm.lib.tokens import ALPHABET, PUBLIC_ID_LENGTH


class PublicId:
    """`<public_id:lead_id>`: the twelve characters of a record's public id."""

    regex = f"[{ALPHABET}]{{{PUBLIC_ID_LENGTH}}}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(PublicId, "public_id")
