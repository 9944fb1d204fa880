"""Lists of rows as compressed bytes."""

import json
import zlib
from typing import Any


def pack(rows: list[Any]) -> bytes:
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 1)


def unpack(data: bytes | memoryview | None) -> list[Any]:
    rows: list[Any] = json.loads(zlib.decompress(bytes(data))) if data else []
    return rows
