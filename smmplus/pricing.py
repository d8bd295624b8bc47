"""What a request costs at a rate. Exact in Decimal: rate × units / 1000, a package its rate."""

from decimal import Decimal

from smmplus.models import OrderRequest, Service
from smmplus.numbers import EXACT
from smmplus.order_types import Units, order_type


def units(request: OrderRequest, service: Service) -> int | None:
    """Count the units that will be billed, for a request that has passed `validation.problems`.

    For Subscriptions it is the most that can be billed: max × (posts + old posts), None where posts are unlimited.
    """
    kind = order_type(service.type)
    return _COUNT[kind.units](request) if kind else None


def cost(request: OrderRequest, service: Service) -> Decimal | None:
    """Price a request in the account's currency; an upper bound for Subscriptions; None where there is none."""
    kind = order_type(service.type)
    if kind is not None and kind.units is Units.PACKAGE:
        return service.rate
    billed = units(request, service)
    return (
        None
        if billed is None or service.rate is None
        else EXACT.multiply(service.rate, Decimal(billed)).scaleb(-3, EXACT)
    )


def is_upper_bound(service: Service) -> bool:
    """Tell whether `cost` is the most that an order of a service can cost, and not what it does cost."""
    kind = order_type(service.type)
    return kind is not None and kind.units is Units.POSTS


def _lines(request: OrderRequest, field: str) -> int:
    return len(request.values.get(field, "").splitlines())


def _quantity(request: OrderRequest) -> int:
    return int(request.values["quantity"])


def _posts(request: OrderRequest) -> int | None:
    values = request.values
    if values.get("posts", "0") == "0":  # to a panel in PHP, "0" is as empty as nothing: no limit
        return None
    return int(values["max"]) * (int(values["posts"]) + int(values.get("old_posts", "0")))


_COUNT = {
    Units.QUANTITY: _quantity,
    Units.RUNS: lambda request: _quantity(request) * int(request.values.get("runs", "1")),
    Units.PACKAGE: lambda _: 1,
    Units.COMMENTS: lambda request: _lines(request, "comments"),
    Units.USERNAMES: lambda request: _lines(request, "usernames"),
    Units.POSTS: _posts,
}
