"""."""


def page(found: dict) -> str:  # type: ignore
    return ""
