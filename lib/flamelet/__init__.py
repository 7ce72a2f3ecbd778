"""flamelet: a lightweight IoT client for Firebase, for MicroPython and CPython.

What is named here is the public interface. Each part is imported when it is first asked for, so that a program pays
for what it uses.
"""

__version__ = "0.1.0"

_PLACES = {
    "Budget": "_budget",
    "Database": "database",
    "FlameletError": "errors",
    "Timeouts": "_transport",
    "Token": "auth",
}


def __getattr__(name: str):
    # MicroPython asks here first for `from flamelet import device`: every other name is that of a submodule.
    if name in _PLACES:
        value = getattr(_import(_PLACES[name]), name)
    else:
        try:
            value = _import(name)
        except ImportError:
            raise AttributeError("flamelet has no %s" % name)
    globals()[name] = value
    return value


def _import(name):
    return __import__("flamelet." + name, None, None, ("*",))
