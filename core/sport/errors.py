"""What can go wrong in a sport: none of these is a caller's bad input, so none carries a status."""


class SportError(Exception):
    """A sport's declaration breaks the contract; the message says where."""


class UnknownSport(LookupError):
    """No enabled sport of that name."""


class StateMismatch(Exception):
    """A saved state belongs to another fold (kernel version, parameters, window): refold (R5)."""


class MetricError(Exception):
    """A metric's kernel or output raised.

    ``key`` names the metric (or the kernel, when several metrics share it), ``cause`` is what it
    raised.
    """

    def __init__(self, key: str, cause: BaseException) -> None:
        super().__init__(f"{key}: {type(cause).__name__}: {cause}")
        self.key = key
        self.cause = cause
