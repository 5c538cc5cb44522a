"""What a user has to know before a run begins, in words: how answers are located, and how the model is asked."""

from interp.generating.prompt_checks import PromptChecks
from interp.generating.thinking import LITTLE
from interp.labelling.method_choice import MethodChoice

CHANGE = "--exact-answer (first_line, last_number, extract), --candidates or --answer-pattern chooses otherwise"
BECAUSE = {
    "numeric": "the rule `numeric` judges the last number",
    "options": "every question offers its options, of which the one chosen is looked for",
    "label": "the rule `{rule}` judges which answer of a closed set is named first",
    "closed": "the answers are a closed set: {share:.0%} of the questions accept an answer that another one accepts "
    "too ({answers} in all)",
    "short_line": "the completions begin with a short line",
    "long_completions": "the completions are longer than a line: a model copies them out",
    "plain_text": "the prompts are plain text, which a model goes on with a line",
    "chat": "a chat model answers in sentences: the model itself copies them out",
}
"""Why a method was chosen, by `MethodChoice.why`."""
OPEN_SET = "the answers are no closed set ({share:.0%} of the questions share one with another)"


def method_sentence(choice: MethodChoice) -> str:
    """How exact answers are looked for where nobody said, and why."""
    why = BECAUSE[choice.why]
    if choice.share is not None and choice.why != "closed":
        why = f"{OPEN_SET} and {why}"
    reason = why.format(rule=choice.rule, share=choice.share, answers=choice.answers)
    return f"Exact answers are looked for by `{choice.method}`, because {reason}; {CHANGE}."


def prompt_sentences(checks: PromptChecks) -> list[str]:
    """What to do about prompts that may not ask what was meant; none where nothing was seen."""
    found = []
    if checks.hidden_contexts:
        found.append(
            f"{checks.hidden_contexts} of {checks.written} questions come with a context that their prompt does not "
            "show, so that the model answers without it; --prompt-template with {context} and {question} puts it there"
        )
    if checks.cramped_thought is not None:
        off = f", or turn thinking off with --chat-option {checks.off_switch}=false" if checks.off_switch else ""
        found.append(
            f"the model's chat template has a place for a thought, and max_new_tokens is {checks.cramped_thought}: a "
            f"thought that is cut off leaves the answer unknown; give --max-new-tokens {4 * LITTLE}{off}"
        )
    if checks.plain_text:
        found.append(
            "the model has a chat template, and the prompts are plain text: a chat model asked so answers otherwise "
            "than its users see it; --chat puts them into turns"
        )
    if checks.lacks_template:
        found.append(
            f"{checks.lacks_template} is by its name a chat model, but its tokenizer has no chat template: the prompts "
            "are plain text; give a tokenizer that has it, or whole prompts"
        )
    if checks.left_out:
        listed = ", ".join(f"{name}={value!r:.40}" for name, value in checks.left_out.items())
        found.append(
            f"the model's own generation settings ask for {listed}, which interp leaves out: every token is the "
            "likeliest, or drawn, by the model alone, so that answers may differ from those of transformers' generate"
        )
    return found


def brought_sentences(checks: PromptChecks) -> list[str]:
    """What is to be known of answers that are there already: nothing to mend, so that it stands beside the results."""
    if not checks.tokenised_again:
        return []
    return [
        f"{checks.tokenised_again} completions came as text and are tokenised again: the text is the same, but the "
        "model may have written it in other tokens, and the token that ended it is not there unless the text shows it; "
        "`prompt_ids` and `completion_ids` keep both"
    ]
