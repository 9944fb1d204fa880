from leadcrm.lib import pump
from nurturing import engine, sending
from nurturing.models import Enrollment, Send

pump.register("enrollments", engine.advance_due, model=Enrollment)
pump.register("sends", sending.drain_sends, model=Send)
