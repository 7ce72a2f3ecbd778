"""The Python blocks of a page of the documentation, run one after another, as a reader would."""


class Ended(Exception):
    """A block that never ends by itself has printed the line up to which its page runs it."""


def blocks(_, say, blocks):
    """Run each [line, code, until] of `blocks` in one namespace, and say what each one prints, as a list of lines."""
    namespace = {}
    for line, code, until in blocks:
        # The empty lines make the line numbers of a traceback those of the page.
        say(printed("\n" * line + code, namespace, until))


def printed(code, namespace, until):
    """The lines that `code` prints; where there is `until`, up to the one that reads so."""
    lines = []

    def note(*values):
        lines.append(" ".join([str(value) for value in values]))
        if lines[-1] == until:
            raise Ended

    namespace["print"] = note
    try:
        exec(code, namespace)
    except Ended:
        return lines
    if until:
        raise AssertionError(f"the block ended, and had not printed {until!r} but {lines!r}")
    return lines
