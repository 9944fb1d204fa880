from leadcrm.lib import pump
from leads import capture
from leads.models import InboxItem

pump.register(capture.QUEUE, capture.drain, model=InboxItem)
pump.register(capture.lifeboat.QUEUE, capture.lifeboat.drain)
