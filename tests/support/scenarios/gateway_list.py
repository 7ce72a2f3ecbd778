"""A list that is larger than memory. Small, for a small heap."""

SERVICE = "Gateway"


def many(connect, say, url, options):
    """How many documents a list has, the sum of their ages, and its message."""
    with connect(url, **options) as gw:
        count = total = 0
        documents = gw.list("users")
        for document in documents:
            count += 1
            total += document["age"]
        return count, total, documents.message
