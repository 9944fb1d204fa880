"""The queues of scoring, and how each is drained."""

from django.utils import timezone

from leadcrm.lib import pump
from leads.models import DirtyLead
from scoring import actions
from scoring.actions import backtesting, predicting, responses, simulating
from scoring.actions.publishing import RESCORE_QUEUE
from scoring.actions.rescoring import DIRTY_QUEUE, DUE_QUEUE
from scoring.models import Backtest, Rescore, Simulation, SurveyResponse, Training

pump.register(DIRTY_QUEUE, actions.rescore_dirty, model=DirtyLead)
pump.register(DUE_QUEUE, lambda: actions.queue_due(at=timezone.now()))
pump.register(RESCORE_QUEUE, actions.continue_rescore, model=Rescore)
pump.register(
    simulating.SIMULATION_QUEUE,
    lambda: simulating.continue_simulation(at=timezone.now()),
    model=Simulation,
)
pump.register(
    backtesting.BACKTEST_QUEUE,
    lambda: backtesting.continue_backtest(at=timezone.now()),
    model=Backtest,
)
pump.register(
    predicting.TRAINING_QUEUE,
    lambda: predicting.continue_training(at=timezone.now()),
    model=Training,
)
pump.register(responses.QUEUE, lambda: responses.drain(at=timezone.now()), model=SurveyResponse)
pump.register(responses.PRUNE_QUEUE, responses.prune)
