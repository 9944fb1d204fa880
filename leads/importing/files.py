"""The file as it came: in the database, in compressed parts, so that any worker can read it."""

import tempfile
import zlib
from collections.abc import Iterable, Iterator
from typing import IO

from leads.models import ImportJob, ImportPart

PART_BYTES = 1_048_576


def keep(job: ImportJob, blocks: Iterable[bytes]) -> int:
    """Store the parts of a file as they come in; return how many bytes there were."""
    size = 0
    for number, part in enumerate(_parts(blocks)):
        ImportPart.objects.create(job=job, number=number, data=zlib.compress(part, 1))
        size += len(part)
    return size


def _parts(blocks: Iterable[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for block in blocks:
        waiting += block
        while len(waiting) >= PART_BYTES:
            yield bytes(waiting[:PART_BYTES])
            del waiting[:PART_BYTES]
    if waiting:
        yield bytes(waiting)


def blocks_of(job: ImportJob) -> Iterator[bytes]:
    """The file again, a part at a time."""
    numbers = ImportPart.objects.filter(job=job).order_by("number")
    for key in list(numbers.values_list("pk", flat=True)):
        yield zlib.decompress(bytes(ImportPart.objects.get(pk=key).data))


def on_disk(job: ImportJob) -> IO[bytes]:
    """The file in a temporary one, for readers that jump about. Close it to delete it."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (whoever asked for it closes it)
    for block in blocks_of(job):
        file.write(block)
    file.seek(0)
    return file
