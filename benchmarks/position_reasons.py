"""Why the paper's code names another token than `interp`: each disagreement with the one reason that explains it.

A reason is not guessed from the look of the two indices: each is a condition on the sample that is checked, and what
meets none of them stays unexplained.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from position_oracle import Decode, Reading, Span, find_candidate, fold, is_border, on_boundary

from interp.capturing.positions import Positions
from interp.capturing.roles import ROLES
from interp.data.rows import QARow
from interp.experiments.orgad.labels import paper_span
from interp.labelling.answers import Answers

REASONS = {
    "clamped": "`exact_answer_after_last` past the end is clamped to the last token; ours is absent",
    "into the prompt": "`-k` of a short completion counts back into the prompt; ours is absent",
    "equal prompts": "samples with equal prompts share the span of the first one visited; ours each have their own",
    "lower case is longer": "the place found in the lower-cased text, where `İ` is two characters, is cut out of the "
    "text as written; ours keeps the way back",
    "inside a word": "a substring match, also inside a word; ours stands on word boundaries",
    "another word or number": "a substring match, also in a number or a word of another case (`5` in `1.5`, `US` in "
    "`us`); ours is neither",
    "the right number anywhere": "the accepted number wherever it occurs; ours is the last number of the completion",
    "the number's first place": "the first place of a wrong number that occurs more than once; ours is the last number",
    "the right number as digits": "nothing where the accepted number is written otherwise; ours is the last number",
    "part of the number": "the accepted digits alone; ours is the whole number with its sign, currency or per cent",
    "gold, not the rule": "a right answer is found by the row's own accepted answer; ours by the one "
    "rule for all rows, which here finds an earlier or longer place",
    "the row's wrong answer": "a wrong answer is found by the row's own wrong answer; ours by the one rule, as above",
    "no answer of the row": "nothing where neither of the row's own two answers is named; ours is another row's",
    "shortest stretch": "the fewest tokens whose text alone holds the answer; ours are all that cover one of its "
    "characters",
    "stuck in a character": "the stretch is narrowed token by token and stops where its text would begin inside a "
    "character; ours are the tokens of the answer only",
    "only after folding": "lower case only; ours is found after NFKC and case folding",
}
"""What the paper's code does, and ours, by name."""

UNEXPLAINED = "unexplained"


@dataclass(frozen=True)
class Disagreement:
    """One role of one sample."""

    sample: int
    role: str
    ours: int | None
    paper: int | None
    reason: str


def disagreements(
    ours: Answers,
    paper: Answers,
    positions: Positions,
    paper_positions: Positions,
    rows: Sequence[QARow],
    readings: Sequence[Reading],
    decode: Decode,
    *,
    rule: str,
) -> Iterator[Disagreement]:
    """Every (sample, role) in which the two indices differ; `paper` holds the answers as `by_gold` located them."""
    for i in range(len(ours)):
        mine, theirs = positions.index[i].tolist(), paper_positions.index[i].tolist()
        span = None
        for role, a, b in zip(ROLES, mine, theirs, strict=True):
            if a == b:
                continue
            if role.startswith("exact_answer") and ours.exact_answer_tokens[i] != paper.exact_answer_tokens[i]:
                span = span or span_reason(i, ours, paper, rows[i], readings[i], decode, rule=rule)
                reason = span
            else:
                reason = index_reason(role, a, b, len(ours.prompt_ids[i]), len(ours.completion_ids[i]))
            yield Disagreement(i, role, None if a < 0 else a, None if b < 0 else b, reason)


def index_reason(role: str, ours: int, paper: int, n_prompt: int, n_completion: int) -> str:
    """Why one role differs where both have the same exact answer (-1: absent)."""
    n = n_prompt + n_completion
    if role == "exact_answer_after_last" and ours < 0 and paper == n - 1:
        return "clamped"
    if role.startswith("-") and ours < 0 and paper == n + int(role) < n_prompt:
        return "into the prompt"
    return UNEXPLAINED


def span_reason(
    i: int, ours: Answers, paper: Answers, row: QARow, reading: Reading, decode: Decode, *, rule: str
) -> str:
    """Why the exact answers of one sample are other tokens."""
    n_prompt, completion = len(ours.prompt_ids[i]), ours.completion_ids[i]
    ids, text = [*ours.prompt_ids[i], *completion], decode(completion)
    wanted, right = paper.exact_answer[i], bool(paper.correct[i])
    own = paper_span(ids, n_prompt, wanted, decode) if wanted else None
    if paper.exact_answer_tokens[i] != own:
        return "equal prompts"
    if _is_shifted(wanted or "", right, row, text, reading):
        return "lower case is longer"
    if wanted is None or own is None:
        return _why_none(right, row, text, reading, rule)
    begin = text.lower().find(wanted.lower().strip())
    place = begin, begin + len(wanted)
    if not _on_boundaries(text, place):
        return "inside a word"
    if rule != "numeric" and place not in find_candidate(text, [wanted]):
        return "another word or number"
    if reading.characters is None:
        return UNEXPLAINED
    # Decoded alone, a completion may lack the blank that it begins with after its prompt.
    blank = len(reading.text) - len(text)
    mine = reading.characters[0] - blank, reading.characters[1] - blank
    if mine == place:
        first, last = ours.exact_answer_tokens[i] or (0, -1)
        if own[0] <= first and last <= own[1] and "\N{REPLACEMENT CHARACTER}" in decode(ids[own[0] + 1 : own[1] + 1]):
            return "stuck in a character"
        return "shortest stretch" if first <= own[0] and own[1] <= last else UNEXPLAINED
    if rule == "numeric":
        if mine[0] <= place[0] and place[1] <= mine[1]:
            return "part of the number"
        if place[0] > mine[0]:
            return UNEXPLAINED
        return "the right number anywhere" if right else "the number's first place"
    said = text[slice(*mine)]
    if not (mine[0] < place[0] or (mine[0] == place[0] and mine[1] > place[1])):
        return UNEXPLAINED
    if fold(said) == fold(wanted):
        return "only after folding" if said.lower() != wanted.lower() else UNEXPLAINED
    if right:
        return "gold, not the rule"
    return "the row's wrong answer" if row.wrong_answer is not None else UNEXPLAINED


def _is_shifted(wanted: str, right: bool, row: QARow, text: str, reading: Reading) -> bool:
    """Whether a character before the answer is longer in lower case, so that what was cut out is not what was meant."""
    meant = row.answers if right else row.wrong_answers or [reading.exact_answer]
    at = min((at for one in meant if one and (at := text.lower().find(one.lower().strip())) >= 0), default=-1)
    return at >= 0 and len(text[:at].lower()) > at and not text.lower().startswith(wanted.lower() or "\0", at)


def _why_none(right: bool, row: QARow, text: str, reading: Reading, rule: str) -> str:
    """Ours has a span and the paper's code none."""
    if reading.characters is None:
        return UNEXPLAINED
    if right:
        return "the right number as digits" if rule == "numeric" else UNEXPLAINED
    if not row.wrong_answers or any(wrong.lower().strip() in text.lower() for wrong in row.wrong_answers):
        return UNEXPLAINED
    return "no answer of the row"


def _on_boundaries(text: str, place: Span) -> bool:
    begin, end = place
    borders = is_border(text, begin) and is_border(text, end)
    return borders and on_boundary(text, begin, side="begin") and on_boundary(text, end, side="end")
