from leadcrm.eventlog import actions
from leadcrm.eventlog.models import EventDelivery
from leadcrm.lib import pump

pump.register(actions.QUEUE, actions.deliver_due, model=EventDelivery)
