from datetime import UTC, datetime, timedelta


def next_minute() -> datetime:
    """Where a minute begins, so that a limit by the minute is not split between two."""
    return datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
