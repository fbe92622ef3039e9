"""What registered things say of themselves."""


def summary(target: str) -> str:
    """First line of a registered thing's docstring."""
    from results.registry import find

    doc: str = find("entry", "it", {"it": target}).__doc__ or ""
    return doc.strip().splitlines()[0] if doc.strip() else ""
