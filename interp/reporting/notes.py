"""What a reader has to know of a run's answers before the numbers: how they ended, where they are, who judged them."""

from collections.abc import Mapping, Sequence
from typing import Any

from interp.labelling.length_stops import length_stops, was_generated
from interp.labelling.place_check import AUC, METHOD, NO_SPAN, SHARE
from interp.text.thoughts import UNFINISHED

NOTEWORTHY = 0.1
"""Share of the generated answers from which on a reader is warned that they were cut off."""

PLACES = {
    "tokens before it": "tokens of the completion before the exact answer",
    "tokens after it": "tokens of the completion after the exact answer",
    "relative place": "share of the completion that comes before the exact answer",
}
"""The places of `interp.labelling.place_check` in words."""


def length_warnings(samples: Sequence[Mapping[str, Any]], max_new_tokens: int | None = None) -> list[str]:
    """What to do where `NOTEWORTHY` of the generated answers or more were cut off; none otherwise."""
    stopped, generated = length_stops(samples), sum(map(was_generated, samples))
    if not stopped or len(stopped) < NOTEWORTHY * generated:
        return []
    labels = [sample.get("correct") for sample in stopped]
    limit = "" if max_new_tokens is None else f" ({max_new_tokens} tokens)"
    return [
        f"{len(stopped)} of {generated} generated answers ({len(stopped) / generated:.0%}) were cut off by "
        f"--max-new-tokens{limit}: {labels.count(True)} right, {labels.count(False)} wrong, {labels.count(None)} "
        "without a label. An answer that was cut off may be called wrong before it has come to its point, and its "
        "columns -8 … -1 are not the end of an answer: give a larger --max-new-tokens, or a --stop text that ends it."
    ]


def thought_warnings(samples: Sequence[Mapping[str, Any]]) -> list[str]:
    """What to do about thoughts that never end; none where there is no such sample."""
    unfinished = [sample for sample in samples if sample.get("status") == UNFINISHED]
    if not unfinished:
        return []
    stopped = sum(sample.get("finish") == "stop" for sample in unfinished)
    early = f" {stopped} of them ended before the limit, by a --stop text or the end of their turn." if stopped else ""
    return [
        f"{len(unfinished)} of {len(samples)} completions never end their thought: what the model would have answered "
        f"is not known, and they have no label and no exact answer.{early} Give "
        f"{'a --stop text that stands in no thought, ' * bool(stopped)}a larger --max-new-tokens, or turn thinking off "
        "if the chat template can (--chat-option enable_thinking=false)."
    ]


def special_warnings(counts: Mapping[str, Any]) -> list[str]:
    """A sentence about the special tokens that a run's record counts inside answers; none where there are none."""
    inside = counts.get("special_inside") or []
    if not inside:
        return []
    named = ", ".join(f"{one['token']!r} in {one['samples']}" for one in inside[:3])
    return [
        f"Special tokens stand inside generated answers ({named} of {counts['completions']['generated']}): if one ends "
        "the model's turn, what follows is no answer, and -8 … -1 are not its end; give it as --stop text."
    ]


def filler_warnings(run: Mapping[str, Any]) -> list[str]:
    """A sentence for the candidates that a run (its run.json) left out, and one for those that it only took often."""
    fillers, sentences = run.get("used", {}).get("candidates", {}).get("fillers", ()), []
    for left_out, said in (
        (
            True,
            "These candidates were left out, since they are words of the sentence rather than answers: {}. Where the "
            "exact answer was to be one of them, it was not found; give --candidates to decide it yourself.",
        ),
        (
            False,
            "These candidates were taken far more often than rows accept them: {}. If that is not the model's "
            "favourite answer but a word of its sentences, give --candidates without it.",
        ),
    ):
        named = [
            f"{one['candidate']!r} (taken in {one['taken']} of {one['completions']} completions, accepted "
            f"{one['accepted']} times)".replace("accepted 1 times", "accepted once")
            for one in fillers
            if one["left_out"] is left_out
        ]
        if named:
            sentences.append(said.format(", ".join(named)))
    return sentences


def place_warnings(checks: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each noted check, with the rule by which it was noted."""
    noted = [check for check in checks if check["noted"]]
    sentences = [
        f"No exact answer was found in {check['right']:.0%} of the right answers and {check['wrong']:.0%} of the wrong "
        "ones; by default those are not in the grids, which then speak of the others only (noted because the "
        f"difference's 95 % interval lies beyond {SHARE:.0%})."
        for check in noted
        if check["name"] == NO_SPAN
    ]
    methods = [check for check in noted if check["name"].startswith(METHOD)]
    if methods:
        shares = "; ".join(
            f"{c['name']}: {c['right']:.0%} of the right, {c['wrong']:.0%} of the wrong" for c in methods
        )
        sentences.append(
            f"Right and wrong answers were located by different methods ({shares}): the place itself may give away "
            f"whether the answer is right (noted because a difference's 95 % interval lies beyond {SHARE:.0%})."
        )
    places = [check for check in noted if check["name"] in PLACES]
    if places:
        means = "; ".join(
            f"{PLACES[c['name']]}: mean {c['right']:.2g} if right, {c['wrong']:.2g} if wrong, AUC {c['value']:.2f} "
            f"[{c['low']:.2f}, {c['high']:.2f}]"
            for c in places
        )
        sentences.append(
            f"Right and wrong answers stand at different places ({means}): compare the grids with the control that "
            f"knows the position only (noted because an AUC's 95 % interval lies beyond {0.5 - AUC:.1f} or "
            f"{0.5 + AUC:.1f})."
        )
    return sentences


def template_sentences(counts: Mapping[str, Any]) -> list[str]:
    """What a run's record says of question templates, where they tell which answers are right."""
    check = counts.get("template_check")
    if not check or not check["noted"]:
        return []
    some = "; ".join(f"“{one['template']}”: {one['right']} of {one['n']} right" for one in check["templates"])
    return [
        f"The kind of question alone tells right from wrong answers: AUC {check['value']:.2f} "
        f"[{check['low']:.2f}, {check['high']:.2f}] by {check['n_templates']} templates ({some}). A probe may read the "
        "task, not the answer's truth: give every row its template as `group`, so that none stands on both sides of a "
        "fold, or probe one template at a time."
    ]


def judge_sentence(counts: Mapping[str, Any]) -> str:
    """What `Judgement.counts` says, in words."""
    hand = counts["agreement"]
    said = (
        f"A judge labelled answers: {counts['yes']} right, {counts['no']} wrong, {counts['unclear']} neither "
        f"yes nor no (no label), {counts['not_asked'] + counts['too_long']} samples not asked."
    )
    if not hand["n"]:
        return f"{said} There are no hand labels to compare it with."
    kappa = "undefined" if hand["kappa"] is None else f"{hand['kappa']:.2f}"
    return f"{said} It agrees with {hand['share']:.0%} of {hand['n']} hand labels (Cohen's kappa {kappa})."


def foreign_warnings(files: Sequence[str]) -> list[str]:
    """Which files of experiments are not shown, because they belong to another run."""
    if not files:
        return []
    return [
        f"Not shown, because made on another run: {', '.join(files)} (in experiments/); make them again on this run."
    ]
