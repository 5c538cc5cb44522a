r"""Roles as text: what `interp run --role NAME=ROLE` takes and `run.json` keeps.

    LANDMARK[±N][@REGION]                   an `Anchor`: exact_last+3, question_last, end-1@completion
    first|last[[K]][±N][@REGION]:REGEX      a `Match`:   last+1:</think>, last[1]:<end_of_turn>
    mean|max|min:SPAN                       a `Pool`:    mean:exact_answer, max:completion, mean:last[1]:<end_of_turn>
    mean|max|min:FROM..TO                                mean:first_answer..-2, max:last+1:</think>..end-1

Everything after the colon of a match is the regular expression, as it is. Landmarks are `start`, `question_last`,
`prompt_end`, `exact_first`, `exact_last`, `thought_first`, `thought_middle`, `thought_last`, `final_first` and `end`;
regions `sample` (the default), `prompt` and `completion`; K counts
matches from 0, or from the end if negative; ±N moves by tokens.

A SPAN is `sample`, `prompt`, `completion`, `question`, `exact_answer`, `thought` or `final_answer`, or a match without
±N, of which it is all tokens. FROM and TO are one token each, both inclusive: an anchor, a match, or the label of a
column. The first `..` stands between them: in a regular expression before it write `.{2}`. The text of a `Pool` is a
column's name too; with one of its own it is NAME=mean:SPAN.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from interp.capturing.pool import BETWEEN, POOLS, SPANS, Pool
from interp.capturing.role_rule import RoleFunction, RoleRule, Roles
from interp.capturing.roles import LANDMARKS, NAMED_ROLES, REGIONS, ROLES, Anchor, Match
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
HOWS = "|".join(POOLS)
POOLED = re.compile(rf"(?P<how>{HOWS}):(?P<span>.*)", re.DOTALL)


def role_rules(roles: Roles) -> dict[str, RoleRule]:
    """The rule of every column, in order.

    A sequence names the columns: some of the fifteen roles, texts `NAME=ROLE`, or pairs (name, rule). A mapping
    {name: rule} adds columns to the fifteen. A rule is an `Anchor`, a `Match`, a `Pool`, a text like the one after
    `NAME=`, or a function of (ids, n_prompt). The text of a `Pool` may stand alone, as its own name.

    Raises DataError for an unknown role, a name that is taken or cannot label a column, or a text that is no role.
    """
    rules: dict[str, RoleRule] = {}
    for role in _listed(roles):
        name, rule = _named(role) if isinstance(role, str) else role
        if one_text("role name", name) in rules:
            raise DataError(f"role {name!r} is there already; give every column a name of its own")
        if name not in NAMED_ROLES and not NAME.fullmatch(name) and not _is_label(name):
            raise DataError(
                f"role name {name!r}: expected a letter, then letters, digits, '_', '.' or '-'{own_role(name)}"
            )
        if not isinstance(rule, str | Anchor | Match | Pool) and (not callable(rule) or isinstance(rule, type)):
            raise DataError(
                f"role {name!r}: expected an Anchor, a Match, a Pool, a text or a function, got {shown(rule)}"
            )
        rules[name] = _parse(name, rule) if isinstance(rule, str) else rule
        meant = _parse(name, name) if _is_label(name) else NAMED_ROLES.get(name, rules[name])
        if rules[name] != meant:
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
    texts = tuple(
        name if name in NAMED_ROLES or _is_label(name) else f"{name}={_text(rule)}" for name, rule in rules.items()
    )
    functions = {name: rule for name, rule in rules.items() if not isinstance(rule, Anchor | Match | Pool)}
    return {**options, "roles": texts}, functions


def split_name(role: str) -> tuple[str, str | None]:
    """The name of a column and the text of its rule; that of a pooled role is both, None: the name says it."""
    if POOLED.fullmatch(role):
        return role, role
    name, given, text = role.partition("=")
    return (name.strip(), text) if given else (role, None)


def is_function(role: str) -> bool:
    """Whether a role of a run's settings was a Python function."""
    return (split_name(role)[1] or "").startswith(FUNCTION)


def pooling_of(roles: Sequence[str]) -> dict[str, str]:
    """{name: mean, max or min} of the pooled ones among the roles of a run's settings."""
    rules = role_rules([role for role in roles if not is_function(role)])
    return {name: rule.how for name, rule in rules.items() if isinstance(rule, Pool)}


def read_roles(roles: str | Sequence[str]) -> tuple[str, ...]:
    """Roles as texts. Raises DataError unless there is one, and every text is one or names a function."""
    found = several_texts("roles", roles)
    if not found:
        raise DataError("roles: expected at least one")
    role_rules([role for role in found if not is_function(role)])
    return found


def restored_roles(
    texts: Sequence[str], functions: Mapping[str, RoleFunction]
) -> list[str | tuple[str, str | RoleRule]]:
    """The roles of a run, from its settings and the functions among them; RunError if one is not given again."""
    roles: list[str | tuple[str, str | RoleRule]] = []
    for text in texts:
        name, _ = split_name(text)
        if not is_function(text):
            roles.append(text)
        elif name in functions:
            roles.append((name, functions[name]))
        else:
            raise RunError(
                f"role {name!r} was a Python function; give it again: interp.resume(…, roles={{{name!r}: …}})"
            )
    return roles


def _named(role: str) -> tuple[str, str | RoleRule]:
    name, text = split_name(role)
    if text is not None:
        return name, text
    if role not in NAMED_ROLES:
        how, colon, _ = role.partition(":")
        pooled = f"; a pooled column is {HOWS}:SPAN{nearest(how, POOLS)}" if colon else ""
        raise DataError(
            f"unknown role {role!r}; known roles are {', '.join(NAMED_ROLES)}. One of your own is NAME=ROLE, or a "
            "mapping {name: Anchor(…), Match(…), Pool(…) or function(ids, n_prompt)}"
            f"{own_role(role) or pooled or nearest(role, NAMED_ROLES)}"
        )
    return role, NAMED_ROLES[role]


def _parse(name: str, text: str) -> RoleRule:
    pooled = POOLED.fullmatch(text.lstrip())
    try:
        rule, hint = _one_token(text) if pooled is None else _pool(pooled["how"], pooled["span"])
    except DataError as error:
        raise DataError(f"role {name!r}: {error}") from error
    if rule is not None:
        return rule
    if pooled is not None:
        raise DataError(
            f"role {name!r}: expected {HOWS}:SPAN (SPAN: {', '.join(SPANS)}, or first|last[[K]][@REGION]:REGEX) or "
            f"{HOWS}:FROM..TO (FROM, TO: LANDMARK[±N][@REGION], first|last[[K]][±N][@REGION]:REGEX, or the label of a "
            f"column), got {text!r}{hint}"
        )
    one = f"LANDMARK[±N][@REGION] (LANDMARK: {', '.join(LANDMARKS)}), first|last[[K]][±N][@REGION]:REGEX or {HOWS}:SPAN"
    raise DataError(f"role {name!r}: expected {one}, got {text!r}{hint}")


def _one_token(text: str, known: Sequence[str] = PLACES) -> tuple[Anchor | Match | None, str]:
    """The rule that a text says, or None and a hint at what was meant, out of what is `known`."""
    form = FORM.fullmatch(text.strip() if ":" not in text else text.lstrip())
    if form is not None:
        place, pattern = form["place"], form["pattern"]
        options: dict[str, Any] = {"offset": int(form["offset"] or 0), "region": form["region"] or "sample"}
        if place in ("first", "last") and pattern is not None:
            return Match(pattern, place, occurrence=int(form["occurrence"] or 0), **options), ""
        if place in LANDMARKS and pattern is None and form["occurrence"] is None:
            return Anchor(place, **options), ""
    if hint := landmark_form(text):
        return None, f"; that begins with the label of a column, where a landmark belongs: write {hint}"
    return None, nearest(form and form["place"], known)


def _pool(how: str, span: str) -> tuple[Pool | None, str]:
    """A pooled role, or None and a hint at what its span may be."""
    first, between, last = span.partition(BETWEEN)
    named = (*(() if between else SPANS), *NAMED_ROLES)
    ends: list[str | Anchor | Match] = []
    for end in (first, last) if between else (first,):
        rule, hint = (end, "") if end in named else _one_token(end, (*named, *PLACES))
        if rule is None:
            return None, hint
        ends.append(rule)
    return Pool(how, *ends), ""


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
    if POOLED.fullmatch(text):
        return f"; give this pooled column a name, as in mine={text.strip()}"
    hint = landmark_form(text)
    return f"; a column of your own is NAME=ROLE, as in mine={hint}" if hint else ""


def _is_label(text: str) -> bool:
    """Whether it is a pooled role that labels its own column: on one line, nothing that a figure reads as a formula."""
    return POOLED.fullmatch(text) is not None and text.isprintable() and text == text.strip() and "$" not in text


def _text(rule: RoleRule) -> str:
    if isinstance(rule, Anchor | Match | Pool):
        return str(rule)
    return f"{FUNCTION}{getattr(rule, '__module__', '?')}.{getattr(rule, '__qualname__', type(rule).__name__)}"
