"""What pydantic found in a file of the user's, in one line for each mistake."""

import difflib
import re

from pydantic import BaseModel, ValidationError


def explain(error: ValidationError, model: type[BaseModel], file: str) -> str:
    """One line for each mistake, with the nearest right key for a misspelt one."""
    lines: dict[tuple[int | str, ...], str] = {}
    for detail in error.errors():  # of a choice between types, the first one that did not fit
        where = tuple(
            part for part in detail["loc"] if not re.match(r"literal\[|dict\[", str(part))
        )
        lines.setdefault(where, _explain_one(where, detail["type"], detail["msg"], model))
    return "\n".join(f"{file}: {line}" for line in lines.values())


def _explain_one(
    where: tuple[int | str, ...], kind: str, message: str, model: type[BaseModel]
) -> str:
    path = ".".join(str(part) for part in where)
    if kind == "extra_forbidden":
        known = _keys_beside(where, model)
        near = difflib.get_close_matches(str(where[-1]), known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}."
        return f"unknown key {path!r}; {hint}"
    message = message.removeprefix("Value error, ")
    return f"{path}: {message}." if path else f"{message}."


def _keys_beside(where: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    for part in where[:-1]:
        field = model.model_fields.get(str(part))
        inner = field.annotation if field else None
        for candidate in (inner, *getattr(inner, "__args__", ())):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                model = candidate
    return list(model.model_fields)
