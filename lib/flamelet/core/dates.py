"""Reads the date of an HTTP header, and counts days."""


def parse(date: bytes) -> int:
    """Return the seconds since 1970, or 0 if `date` is not a date."""
    try:
        _, day, name, year, clock, _ = date.decode().split(" ")
        hour, minute, second = [int(part) for part in clock.split(":")]
        month = "JanFebMarAprMayJunJulAugSepOctNovDec".index(name) // 3 + 1
        return ((days(int(year), month, int(day)) * 24 + hour) * 60 + minute) * 60 + second
    except (ValueError, UnicodeError):
        return 0


def days(year, month, day):
    """Return the days since 1970-01-01 (Gregorian calendar, counted in years that begin in March)."""
    if month < 3:
        year -= 1
        month += 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719469
