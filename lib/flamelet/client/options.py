"""What few programs say of a client: a budget that is shared, or cannot be, and a transport. Loaded where one does."""

from .budget import to_budget


def take(client, budget, transport) -> None:
    """Give `client` its budget and its transport; InvalidArgument where one cannot be."""
    client._budget = to_budget(budget)
    if transport:
        from .requests_transport import use

        use(client, transport)
