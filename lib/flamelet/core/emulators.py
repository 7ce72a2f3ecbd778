"""Finds the emulators that environment variables name, on a desktop. Never loaded on MicroPython."""

import os


def emulated(url: str, options: dict) -> str:
    """Return the URL of the emulator that FIREBASE_DATABASE_EMULATOR_HOST names, as in Google's SDKs; else `url`."""
    host = os.environ.get("FIREBASE_DATABASE_EMULATOR_HOST")
    if not host:
        return url
    options["insecure"] = True
    return "http://%s/?ns=%s" % (host, url.partition("://")[2].partition(".")[0])


def auth_emulator():
    """Return the URL at which the emulator of FIREBASE_AUTH_EMULATOR_HOST renews tokens, or None without it."""
    host = os.environ.get("FIREBASE_AUTH_EMULATOR_HOST")
    return "http://%s/securetoken.googleapis.com/v1/token" % host if host else None


def firestore_emulator(url, options):
    """Return the URL of the emulator that FIRESTORE_EMULATOR_HOST names, as in Google's SDKs; else `url`."""
    host = os.environ.get("FIRESTORE_EMULATOR_HOST")
    if not host:
        return url
    options["insecure"] = True
    return "http://%s/v1" % host
