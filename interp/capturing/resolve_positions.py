"""Which tokens of each sample a role names: the roles of a sample located, with the ledger of what stands there."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from interp.capturing.ledger import Ledger
from interp.capturing.pool import Pool, Span
from interp.capturing.positions import Positions, positions_at
from interp.capturing.role_rule import Roles, locate
from interp.capturing.role_text import role_rules
from interp.capturing.roles import ROLES, Sample
from interp.errors import DataError
from interp.generating.prompts import decoder
from interp.labelling.answers import Answers
from interp.support.arguments import instance
from interp.support.messages import shown
from interp.support.public import public

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@public
def resolve_positions(
    answers: Answers, *, roles: Roles = ROLES, tokenizer: "PreTrainedTokenizerBase | None" = None
) -> Positions:
    """The token index of every role in every sample, with the ledger of what stands there.

    `roles` names columns: some of the fifteen roles, pooled ones (`mean:exact_answer`), or texts `NAME=ROLE`
    (`interp.capturing.role_text`); a mapping {name: `Anchor`, `Match`, `Pool`, text or function of (ids, n_prompt)}
    adds columns to the fifteen. A role is absent (masked, never clamped or wrapped) where its index falls outside the
    sample or the role's region, or where its landmark is missing. Of a pooled role `index` is the last token, `span`
    the first and the last. `tokenizer` is needed for answers read back from a run (others know theirs), for `Match` and
    for the ledger's texts.

    Raises DataError for an unknown role, or an index outside the sample returned by a user's function.
    Source: docs/definitions.md, "The fifteen token positions".

    >>> from interp.demo import answered
    >>> model, answers = answered(4)
    >>> positions = interp.resolve_positions(answers)  # third={...} adds columns: interp.Anchor, interp.Match
    >>> positions.index.shape, positions.roles[:3]
    (torch.Size([4, 15]), ('last_q', 'first_answer', 'second_answer'))
    """
    instance("answers", answers, Answers, "they come from generate_answers")
    rules = role_rules(roles)
    if tokenizer is not None and (isinstance(tokenizer, bytes) or not callable(getattr(tokenizer, "decode", None))):
        raise DataError(f"tokenizer: expected a tokenizer of transformers, got {shown(tokenizer)}")
    decode = answers.decode if tokenizer is None else decoder(tokenizer)
    index: list[list[int | Span]] = []

    def located() -> Iterator[tuple[Sample, list[Span | str]]]:
        """One sample after the other: its joined ids and its text are gone before the next."""
        for i, (name, prompt, completion) in enumerate(
            zip(answers.id, answers.prompt_ids, answers.completion_ids, strict=True)
        ):
            ids = [*prompt, *completion]
            everything = (len(prompt), len(ids) - 1) if completion else None
            sample = Sample(
                name,
                ids,
                len(prompt),
                answers.exact_answer_tokens[i],
                answers.question_tokens[i],
                decode,
                thought=None if answers.thought_tokens is None else answers.thought_tokens[i],
                final=everything if answers.final_answer_tokens is None else answers.final_answer_tokens[i],
            )
            row = [locate(role, rule, sample) for role, rule in rules.items()]
            index.append([-1 if isinstance(span, str) else span for span in row])
            yield sample, row

    ledger = Ledger.of(located(), len(answers), len(rules))
    pooling = tuple(rule.how if isinstance(rule, Pool) else "" for rule in rules.values())
    return positions_at(answers, index, tuple(rules), ledger, pooling)
