"""How reports answer programs: the same numbers as on the pages. Shares run from 0 to 1."""

from rest_framework import serializers


class PeriodShape(serializers.Serializer[object]):
    first = serializers.DateField(help_text="First day, included.")
    last = serializers.DateField(help_text="Last day, included.")
    time_zone = serializers.CharField()
    currency = serializers.CharField()


class NumbersShape(serializers.Serializer[object]):
    new_leads = serializers.IntegerField()
    mql = serializers.IntegerField()
    sql = serializers.IntegerField()
    won = serializers.IntegerField()
    revenue = serializers.DecimalField(max_digits=16, decimal_places=2)
    response_median_seconds = serializers.FloatField(allow_null=True)
    share_in_target = serializers.FloatField(allow_null=True)


class OverviewShape(serializers.Serializer[object]):
    period = PeriodShape()
    now = NumbersShape()
    before = NumbersShape(allow_null=True)
    without_owner = serializers.IntegerField()
    waiting = serializers.IntegerField()
    overdue = serializers.IntegerField()


class FunnelStepShape(serializers.Serializer[object]):
    stage = serializers.CharField(source="stage.key")
    name = serializers.CharField(source="stage.name")
    type = serializers.CharField(source="stage.type")
    count = serializers.IntegerField()
    before = serializers.IntegerField()
    of_first = serializers.FloatField(allow_null=True)
    of_previous = serializers.FloatField(allow_null=True)
    of_previous_before = serializers.FloatField(allow_null=True)


class StayShape(serializers.Serializer[object]):
    stage = serializers.CharField(source="stage.key")
    left = serializers.IntegerField()
    inside = serializers.IntegerField()
    median_minutes = serializers.IntegerField(source="median", allow_null=True)
    p75_minutes = serializers.IntegerField(source="p75", allow_null=True)
    p90_minutes = serializers.IntegerField(source="p90", allow_null=True)


class ReasonShape(serializers.Serializer[object]):
    reason = serializers.CharField(source="key")
    name = serializers.CharField(source="label")
    count = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)


class SplitShape(serializers.Serializer[object]):
    key = serializers.CharField()
    name = serializers.CharField(source="label")
    counts = serializers.ListField(child=serializers.IntegerField())


class FunnelShape(serializers.Serializer[object]):
    definition = serializers.CharField()
    period = PeriodShape()
    view = serializers.CharField()
    entered = serializers.IntegerField()
    overall = serializers.FloatField(allow_null=True)
    overall_before = serializers.FloatField(allow_null=True)
    still_open = serializers.IntegerField()
    median_days_to_win = serializers.FloatField(allow_null=True)
    steps = FunnelStepShape(many=True)
    time_in_stage = StayShape(many=True)
    lost_reasons = ReasonShape(many=True)
    split_by = serializers.CharField()
    splits = SplitShape(many=True)


class TimesShape(serializers.Serializer[object]):
    received = serializers.IntegerField()
    answered = serializers.IntegerField()
    unanswered = serializers.IntegerField()
    due = serializers.IntegerField()
    in_target = serializers.IntegerField()
    share_in_target = serializers.FloatField(allow_null=True)
    median_seconds = serializers.FloatField(source="median", allow_null=True)
    p90_seconds = serializers.FloatField(source="p90", allow_null=True)
    working_median_seconds = serializers.FloatField(source="working_median", allow_null=True)


class GroupShape(serializers.Serializer[object]):
    key = serializers.CharField()
    name = serializers.CharField(source="label")
    times = TimesShape()
    waiting = serializers.IntegerField()
    overdue = serializers.IntegerField()


class BarShape(serializers.Serializer[object]):
    band = serializers.CharField(source="band.key")
    count = serializers.IntegerField()
    late = serializers.BooleanField()


class ConversionShape(serializers.Serializer[object]):
    band = serializers.CharField(source="band.key")
    count = serializers.IntegerField()
    sql = serializers.IntegerField()
    won = serializers.IntegerField()
    share_sql = serializers.FloatField(allow_null=True)
    share_won = serializers.FloatField(allow_null=True)


class CellShape(serializers.Serializer[object]):
    weekday = serializers.IntegerField(help_text="Monday is 1.")
    hour = serializers.IntegerField(help_text="The first of two hours.")
    count = serializers.IntegerField()
    median_seconds = serializers.FloatField(source="median", allow_null=True)


class ResponseTimeShape(serializers.Serializer[object]):
    definition = serializers.CharField()
    period = PeriodShape()
    times = TimesShape()
    before = TimesShape(allow_null=True)
    distribution = BarShape(many=True, source="bars")
    conversion = ConversionShape(many=True, source="conversions")
    by_hour = CellShape(many=True, source="cells")
    reps = GroupShape(many=True)
    sources = GroupShape(many=True)
    waiting = serializers.IntegerField()
    overdue = serializers.IntegerField()


class MoneyShape(serializers.Serializer[object]):
    """Counts are sums of shares: with several touches a lead can be shared among channels."""

    spend = serializers.DecimalField(max_digits=16, decimal_places=2)
    leads = serializers.FloatField()
    mql = serializers.FloatField()
    sql = serializers.FloatField()
    won = serializers.FloatField()
    revenue = serializers.DecimalField(max_digits=16, decimal_places=2)
    cost_per_lead = serializers.FloatField(allow_null=True)
    cost_per_mql = serializers.FloatField(allow_null=True)
    cost_per_sql = serializers.FloatField(allow_null=True)
    cost_per_won = serializers.FloatField(allow_null=True)
    conversion = serializers.FloatField(allow_null=True, help_text="Won, as a part of the leads.")
    return_on_spend = serializers.FloatField(source="returned", allow_null=True)
    romi = serializers.FloatField(
        allow_null=True, help_text="Revenue less spend, divided by spend."
    )
    payback_days = serializers.IntegerField(
        allow_null=True, help_text="Days after the inquiry by which the wins covered the spend."
    )


class CampaignShape(MoneyShape):
    campaign = serializers.CharField(help_text="Its id, or `none`.")
    name = serializers.CharField(source="label")


class ChannelShape(MoneyShape):
    channel = serializers.CharField()
    name = serializers.CharField(source="label")
    campaigns = CampaignShape(many=True)


class ComparedShape(serializers.Serializer[object]):
    channel = serializers.CharField()
    name = serializers.CharField(source="label")
    values = serializers.DictField(child=serializers.FloatField(), help_text="By model.")


class ComparisonShape(serializers.Serializer[object]):
    measure = serializers.CharField()
    rows = ComparedShape(many=True)
    total = serializers.DictField(child=serializers.FloatField())


class SourcesShape(serializers.Serializer[object]):
    definition = serializers.CharField()
    period = PeriodShape()
    model = serializers.CharField()
    rows = ChannelShape(many=True)
    total = MoneyShape()
    before = MoneyShape(allow_null=True)
    models = ComparisonShape()
    other_currencies = serializers.ListField(child=serializers.CharField())


class RepShape(serializers.Serializer[object]):
    key = serializers.CharField()
    name = serializers.CharField(source="label")
    assigned = serializers.FloatField()
    calls = serializers.FloatField()
    sql = serializers.FloatField()
    won = serializers.FloatField()
    revenue = serializers.DecimalField(max_digits=16, decimal_places=2)
    median_seconds = serializers.FloatField(allow_null=True)
    share_in_target = serializers.FloatField(allow_null=True)


class RepsShape(serializers.Serializer[object]):
    definition = serializers.CharField()
    period = PeriodShape()
    reps = RepShape(many=True)
    average = RepShape(allow_null=True)
