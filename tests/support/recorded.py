"""The recordings of tests/recordings, as the tests of this folder read them."""


def method_of(path):
    """The method of the request that `path`, a recorded answer, was for."""
    request = path.with_suffix(".request")
    return request.read_bytes().split(b" ")[0].decode() if request.exists() else "GET"
