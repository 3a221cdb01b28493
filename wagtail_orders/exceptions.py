"""What can go wrong with an order, as exceptions a shop can catch."""

__all__ = [
    "DocumentFailed",
    "IdempotencyConflict",
    "ProviderFailed",
    "StaleOrder",
    "TransitionRefused",
    "WagtailOrdersError",
]


class WagtailOrdersError(Exception):
    """The root of every exception this package raises of its own."""


class TransitionRefused(WagtailOrdersError):
    """
    A verb was asked to do what the order's state does not allow; nothing was written for that order.

    ``refused`` maps each order to its ``Reason`` (``code`` for programs, ``message`` for people).
    """

    def __init__(self, refused):
        self.refused = dict(refused)
        super().__init__("; ".join(f"{order.number}: {reason}" for order, reason in self.refused.items()))


class IdempotencyConflict(WagtailOrdersError):
    """
    The same key came with another content: an idempotency key with another order, or a payment's
    reference with another amount or order. The first one stands; ``existing`` is that object.
    """

    def __init__(self, message, *, existing):
        self.existing = existing
        super().__init__(message)


class StaleOrder(WagtailOrdersError):
    """
    Somebody changed the order after the caller had read it: ``given`` is the version the caller knew,
    ``current`` the order as it is now. Nothing was written.
    """

    def __init__(self, *, given, current):
        self.given = given
        self.current = current
        super().__init__(
            f"Order {current.number} was changed meanwhile (version {given} is now {current.version})"
        )


class DocumentFailed(WagtailOrdersError):
    """An order could not be made a PDF; the message says why, for people, in the language that was active."""


class ProviderFailed(WagtailOrdersError):
    """
    A payment provider did not do what it was asked; the message says why, for people, in the language that was
    active. ``is_passing``: it could not be reached or had a fault of its own, and whether it did it is not known: the
    same may be asked again, with the same key, and is not done twice.
    """

    def __init__(self, message, *, is_passing=False):
        self.is_passing = is_passing
        super().__init__(message)
