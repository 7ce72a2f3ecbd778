"""Sorts the rows of a query, the children of a path, in the order of the service."""

_OBJECT = 5


def rows(content: object, index: str) -> list:
    """Return [(key, value), ...] of an answer, by `index`: "$key", "$value", "$priority" or the path of a child."""
    if isinstance(content, list):
        content = {str(i): content[i] for i in range(len(content)) if content[i] is not None}
    if not isinstance(content, dict):
        return []
    listed = [(key, content[key]) for key in content if key != ".priority"]
    path = index.split("/")
    if index == "$key":
        listed.sort(key=lambda row: _rank_of_key(row[0]))
    elif index == "$value":
        listed.sort(key=lambda row: (_rank(row[1]), _rank_of_key(row[0])))
    elif index == "$priority":
        listed.sort(key=lambda row: (_rank(_child(row[1], ".priority")), _rank_of_key(row[0])))
        listed = [(key, _plain(value)) for key, value in listed]
    else:
        listed.sort(key=lambda row: (_rank(_at(row[1], path)), _rank_of_key(row[0])))
    return listed


def _rank(value):
    """Return a key that sorts as the service sorts `value`: first by its type, then within the type."""
    if value is None:
        return 0, 0
    if isinstance(value, bool):
        return 1, int(value)
    if isinstance(value, (int, float)):
        return 2, value
    if isinstance(value, str):
        return 3, _units(value)
    return _OBJECT, 0


def _rank_of_key(key):
    digits = key[1:] if key.startswith("-") else key
    if digits and all("0" <= digit <= "9" for digit in digits) and len(digits.lstrip("0")) <= 10:
        number = int(key)
        if -0x80000000 <= number <= 0x7FFFFFFF:
            return 0, number, len(key), ""
    return 1, 0, 0, _units(key)


def _units(text):
    """Return `text` with each character beyond 16 bits as its two surrogates, which the service compares."""
    if all(letter <= "\uffff" for letter in text):
        return text
    units = []
    for letter in text:
        point = ord(letter) - 0x10000
        units.append(letter if point < 0 else chr(0xD800 + (point >> 10)) + chr(0xDC00 + (point & 0x3FF)))
    return "".join(units)


def _at(value, path):
    for key in path:
        value = _child(value, key)
    return value


def _child(value, key):
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and key.isdigit() and int(key) < len(value) and str(int(key)) == key:
        return value[int(key)]
    return None


def _plain(value):
    """Return `value` without the priorities of `format=export`."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if ".value" in value:
        return value[".value"]
    return {key: _plain(value[key]) for key in value if key != ".priority"}
