"""Names and reasons out of logs, made fit for one line of a terminal."""


def printable(text: str) -> str:
    """Keep data within its line: what steers a terminal or turns text around is named instead."""
    return "".join(_shown(one) for one in text)


def _shown(one: str) -> str:
    if one.isspace():
        return " "
    return one if one.isprintable() else one.encode("unicode_escape", "surrogatepass").decode()


def clipped(line: str, width: int) -> str:
    """Cut a line to a width; what could move the cursor becomes a space."""
    plain = "".join(char if char.isprintable() else " " for char in line)
    return plain[: max(0, width)]
