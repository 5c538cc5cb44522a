r"""Roles as text: what `interp run --role NAME=ROLE` takes and `run.json` keeps.

    LANDMARK[±N][@REGION]                   an `Anchor`: exact_last+3, question_last, end-1@completion
    first|last[[K]][±N][@REGION]:REGEX      a `Match`:   last+1:</think>, last[1]:<end_of_turn>

Everything after the first colon is the regular expression, as it is. Landmarks are `start`, `question_last`,
`prompt_end`, `exact_first`, `exact_last`, `thought_first`, `thought_middle`, `thought_last`, `final_first` and `end`;
regions `sample` (the default), `prompt` and `completion`; K counts
matches from 0, or from the end if negative; ±N moves by tokens.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from interp.capturing.roles import LANDMARKS, NAMED_ROLES, REGIONS, ROLES, Anchor, Match, RoleFunction, RoleRule, Roles
from interp.errors import DataError, RunError
from interp.support.arguments import one_text, several_texts
from interp.support.messages import nearest, shown

FUNCTION = "function:"
"""How a Python function is named in `run.json`; it cannot be read back."""
FORM = re.compile(
    r"(?P<place>[a-z_]+)(?:\[(?P<occurrence>-?\d+)\])?(?P<offset>[+-]\d+)?(?:@(?P<region>\w+))?(?::(?P<pattern>.+))?",
    re.DOTALL,
)
LABELLED = re.compile(
    rf"(?P<label>{'|'.join(map(re.escape, NAMED_ROLES))})(?P<offset>[+-]\d+)?(?:@(?P<region>\w+))?",
)
"""The label of a column where a landmark belongs."""
PLACES = (*LANDMARKS, "first", "last")
NAME = re.compile(r"[^\W\d_][\w.-]*")


def role_rules(roles: Roles) -> dict[str, RoleRule]:
    """The rule of every column, in order.

    A sequence names the columns: some of the fifteen roles, texts `NAME=ROLE`, or pairs (name, rule). A mapping
    {name: rule} adds columns to the fifteen. A rule is an `Anchor`, a `Match`, a text like the one after `NAME=`, or a
    function of (ids, n_prompt).

    Raises DataError for an unknown role, a name that is taken or cannot label a column, or a text that is no role.
    """
    rules: dict[str, RoleRule] = {}
    for role in _listed(roles):
        name, rule = _named(role) if isinstance(role, str) else role
        if one_text("role name", name) in rules:
            raise DataError(f"role {name!r} is there already; give every column a name of its own")
        if name not in NAMED_ROLES and not NAME.fullmatch(name):
            raise DataError(
                f"role name {name!r}: expected a letter, then letters, digits, '_', '.' or '-'{own_role(name)}"
            )
        if not isinstance(rule, str | Anchor | Match) and (not callable(rule) or isinstance(rule, type)):
            raise DataError(f"role {name!r}: expected an Anchor, a Match, a text or a function, got {shown(rule)}")
        rules[name] = _parse(name, rule) if isinstance(rule, str) else rule
        if name in NAMED_ROLES and rules[name] != NAMED_ROLES[name]:
            raise DataError(f"role {name!r} has a meaning already; give yours another name")
    return rules


def _listed(roles: Any) -> Sequence[str | tuple[str, str | RoleRule]]:
    """Names and pairs, one after the other; a single text is one of them, a mapping adds to the fifteen."""
    if isinstance(roles, Mapping):
        return (*ROLES, *roles.items())
    if isinstance(roles, str):
        return (roles,)
    if isinstance(roles, bytes | bytearray) or not isinstance(roles, Iterable) or getattr(roles, "ndim", 1) == 0:
        raise DataError(f"roles: expected a list of names or a mapping {{name: rule}}, got {shown(roles)}")
    listed = list(roles)
    for role in listed:
        if not isinstance(role, str) and not (isinstance(role, tuple) and len(role) == 2):
            raise DataError(f"roles: expected names, texts NAME=ROLE or pairs (name, rule), got {shown(role)}")
    return listed


def split_roles(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, RoleFunction]]:
    """Options of a run with its roles as texts, as `Settings` keeps them, and those that no text can say: functions."""
    rules = role_rules(options.get("roles", ROLES))
    texts = tuple(name if name in NAMED_ROLES else f"{name}={_text(rule)}" for name, rule in rules.items())
    functions = {name: rule for name, rule in rules.items() if not isinstance(rule, Anchor | Match)}
    return {**options, "roles": texts}, functions


def read_roles(roles: str | Sequence[str]) -> tuple[str, ...]:
    """Roles as texts. Raises DataError unless there is one, and every text is one or names a function."""
    found = several_texts("roles", roles)
    if not found:
        raise DataError("roles: expected at least one")
    role_rules([role for role in found if not role.partition("=")[2].startswith(FUNCTION)])
    return found


def restored_roles(
    texts: Sequence[str], functions: Mapping[str, RoleFunction]
) -> list[str | tuple[str, str | RoleRule]]:
    """The roles of a run, from its settings and the functions among them; RunError if one is not given again."""
    roles: list[str | tuple[str, str | RoleRule]] = []
    for text in texts:
        name, _, rule = text.partition("=")
        if not rule.startswith(FUNCTION):
            roles.append(text)
        elif name in functions:
            roles.append((name, functions[name]))
        else:
            raise RunError(
                f"role {name!r} was a Python function; give it again: interp.resume(…, roles={{{name!r}: …}})"
            )
    return roles


def _named(role: str) -> tuple[str, str | RoleRule]:
    name, given, text = role.partition("=")
    if given:
        return name.strip(), text
    if role not in NAMED_ROLES:
        raise DataError(
            f"unknown role {role!r}; known roles are {', '.join(NAMED_ROLES)}. One of your own is NAME=ROLE, or a "
            "mapping {name: Anchor(…), Match(…) or function(ids, n_prompt)}"
            f"{own_role(role) or nearest(role, NAMED_ROLES)}"
        )
    return role, NAMED_ROLES[role]


def _parse(name: str, text: str) -> RoleRule:
    form = FORM.fullmatch(text.strip() if ":" not in text else text.lstrip())
    if form is not None:
        place, pattern = form["place"], form["pattern"]
        options: dict[str, Any] = {"offset": int(form["offset"] or 0), "region": form["region"] or "sample"}
        try:
            if place in ("first", "last") and pattern is not None:
                return Match(pattern, place, occurrence=int(form["occurrence"] or 0), **options)
            if place in LANDMARKS and pattern is None and form["occurrence"] is None:
                return Anchor(place, **options)
        except DataError as error:
            raise DataError(f"role {name!r}: {error}") from error
    if hint := landmark_form(text):
        hint = f"; that begins with the label of a column, where a landmark belongs: write {hint}"
    raise DataError(
        f"role {name!r}: expected LANDMARK[±N][@REGION] (LANDMARK: {', '.join(LANDMARKS)}) or "
        f"first|last[[K]][±N][@REGION]:REGEX, got {text!r}{hint or nearest(form and form['place'], PLACES)}"
    )


def landmark_form(text: str) -> str:
    """`exact_answer_last+1`, which moves from the label of a column, as landmark: `exact_last+1`; "" for any other."""
    moved = LABELLED.fullmatch(text.strip())
    if moved is None:
        return ""
    anchor = NAMED_ROLES[moved["label"]]
    region = moved["region"] if moved["region"] in REGIONS else anchor.region
    return str(Anchor(anchor.landmark, anchor.offset + int(moved["offset"] or 0), region))


def own_role(text: str) -> str:
    """How a column of one's own is written that moves from another: what to do about a text that names none."""
    hint = landmark_form(text)
    return f"; a column of your own is NAME=ROLE, as in mine={hint}" if hint else ""


def _text(rule: RoleRule) -> str:
    if isinstance(rule, Anchor | Match):
        return str(rule)
    return f"{FUNCTION}{getattr(rule, '__module__', '?')}.{getattr(rule, '__qualname__', type(rule).__name__)}"
