"""What happened, as rows: audit trail, outbox and source of webhooks in one.

`publish(event, at=…)` inside a transaction writes one `DomainEvent` and one `EventDelivery` for
each handler registered with `@on`. Handlers run in workers, at least once, in any order: they carry
ids, read the present and change nothing the second time.
"""
