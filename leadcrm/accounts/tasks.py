from django.utils import timezone

from leadcrm.accounts import noticemail
from leadcrm.accounts.models import Digest, Notification
from leadcrm.lib import pump


def send_notices() -> int:
    return noticemail.send_due(at=timezone.now())


def send_digests() -> int:
    return noticemail.send_digests(at=timezone.now())


pump.register(noticemail.QUEUE, send_notices, model=Notification)
pump.register(noticemail.DIGESTS, send_digests, model=Digest)
