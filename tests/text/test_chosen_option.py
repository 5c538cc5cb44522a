"""Which option a completion chooses, blind to the key."""

from string import ascii_uppercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interp.generating.options import lettered
from interp.text.chosen_option import chosen, names_an_option
from interp.text.option_texts import named_texts
from interp.text.option_words import ANNOUNCED

CITIES = ("London", "Paris", "Paris, Texas", "None of the above")
TEN = ("4", "6", "8", "9", "10", "12", "14", "15", "17", "18")
OTHERS = ("London", "Paris", "Rome", "Berlin")


def letter(options, text):
    """The letter of the option chosen and the text of its span, or None."""
    found = chosen(options, text)
    if found is None:
        return None
    return "".join(ascii_uppercase[i] for i in sorted(found.options)), text[slice(*found.span)]


@pytest.mark.parametrize(
    "text",
    [
        *(" B", "B.", "(B)", "B)", "**B**", "**B.** Paris", "B: Paris", "B - Paris", "B Paris", "[B]", "'B'", "`B`", "\nB\n"),
        *("b", "b)", "(b)", "The answer is B", "The answer is: (B).", "Answer: B) Paris", "**Answer:** B", "answer = B"),
        *("The correct option is **B**.", "I choose B", "I'd go with option (B)", "Option B", "B is the correct answer"),
        *("B because it is", r"\boxed{B}", r"The answer is $\boxed{\text{B}}$.", "<answer>B</answer>", "答案是B", "（B）", "B。"),
        *("Option A is wrong. (C) is wrong too. The answer is B.", "(A) is incorrect. (B) is correct.", "It isn't A. It's B."),
        *("The answer is not A, it is B.", "Paris, Texas is nice, but the answer is B", "so it must be B.", "A: B"),
        *("B\n\nQuestion: Another?\nAnswer: C", "\0B\0", "B, a city in France", "The answer is B? Yes: B"),
        *("### Answer\nB", "A: The answer is B", "B <|im_end|>", '{"answer": "B"}', "A. London\nB. Paris\nThe answer is B"),
    ],
)  # fmt: skip
def test_a_letter_is_read_where_it_is_an_answer(text):
    assert letter(CITIES, text)[0] == "B"
    assert letter(CITIES, text)[1].upper() == "B"


@pytest.mark.parametrize(
    ("text", "option", "span"),
    [
        ("Paris", "B", "Paris"),
        ("It is paris.", "B", "paris"),
        ("The answer is Paris, of course.", "B", "Paris"),
        ("Paris, Texas", "C", "Paris, Texas"),
        ("London is no answer. Answer: Paris", "B", "Paris"),
        ("none of the above", "D", "none of the above"),
        ("A London bus", "A", "London"),
        ("A: Paris", "B", "Paris"),  # the prompt's "A:", said again
        ("I think that it is London", "A", "London"),
        ("It is Paris, that is (A)", "B", "Paris"),
        ("So (A), that is Paris", "A", "A"),  # whichever is named first
        ("So (A), I mean Paris", "B", "Paris"),
    ],
)
def test_the_text_of_an_option_counts_too(text, option, span):
    assert letter(CITIES, text) == (option, span)


@pytest.mark.parametrize(
    "text",
    [
        *("A good look at the map", "I think so", "I'm not sure", "As far as I know", "A-level", "A's", "C++ is a language"),
        *("", "A, B", "A or B", "Both A and C", "B/C", "(A) and (C)", "Neither A nor B", "Not A", "We drop A. We drop C.", "E", "F.", "Vitamin B is good", "answer is a mystery"),
    ],
)  # fmt: skip
def test_what_is_no_single_letter_chooses_nothing(text):
    assert letter(CITIES, text) is None


def test_options_beyond_five_and_the_letters_that_are_words():
    assert letter(TEN, "I")[0] == letter(TEN, "The answer is (I).")[0] == letter(TEN, "17")[0] == "I"
    assert letter(TEN, "I think it is J.") == ("J", "J")
    assert letter(TEN, "I am not sure") is None
    assert letter(TEN[:8], "I.") is None  # there is no I
    assert letter([*TEN, *"KLMNOPQRSTUVWXYZ"], "Z")[0] == "Z"


def test_options_that_hold_each_other_and_options_that_are_letters():
    assert letter(["York", "New York", "New York City"], "I say New York City")[0] == "C"
    assert letter(["York", "New York", "New York City"], "New York, it is")[0] == "B"
    assert letter(["A", "B", "AB", "O"], "AB")[0] == "C" and letter(["A", "B", "AB", "O"], "O")[0] == "D"
    assert letter(["B", "A"], "B")[0] == "B"  # a letter is a letter first, whatever stands beside it
    assert letter(["yes", "no", "yes"], "Yes.")[0] == "AC"  # one text, two places


def test_an_option_may_be_said_without_its_full_stop_and_its_article():
    endings = ["takes the oars and rows.", "A cork!", "the sea", "sea", "..."]
    assert letter(endings, "He takes the oars and rows") == ("A", "takes the oars and rows")
    assert letter(endings, "takes the oars and rows.") == ("A", "takes the oars and rows")  # the full stop is no part
    assert letter(endings, "Cork, I think") == ("B", "Cork")
    assert letter(endings, "It is the sea") == ("C", "the sea") and letter(endings, "Sea.") == ("D", "Sea")
    assert letter(["a good look", "I"], "A good look") == ("A", "A good look")
    assert letter(["The", "An apple"], "The") == ("A", "The")


@given(st.permutations(CITIES), st.sampled_from(["{}", "({})", "**{}**", "The answer is {}.", "Answer: {}"]))
def test_the_choice_follows_the_letter_whatever_the_options_are(options, form):
    for place, name in enumerate(ascii_uppercase[:4]):
        found = chosen(options, form.format(name))
        assert found is not None and found.options == {place}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["Rio", "São Paulo"], "Sao Paulo"),
        (["Rio", "São Paulo"], "The answer is Sao Paulo."),
        (["Washington state", "Washington, D.C."], "Washington DC"),
        (["Mr. Smith", "Dr. Smith"], "It was Dr Smith."),
        (["Ohm’s law", "Moore’s law"], "Moore's law"),
        (["1914–1918", "1939–1945"], "1939-1945"),
        (["Sao Paulo", "São Paulo"], "São Paulo"),  # as it is written before loosely
        (["1,000", "2,000"], "2000"),
        (["1000", "2000"], "It is 2,000."),
        (["1/2", "1/3"], r"The answer is $\frac{1}{3}$."),
    ],
)
def test_the_text_of_an_option_may_be_written_in_another_way(options, text):
    assert letter(options, text)[0] == "B"


@pytest.mark.parametrize(
    "text",
    [
        "A. London: incorrect.\nB. Paris: correct.\nC. Rome: incorrect.\nAnswer: B",
        "A) London is wrong. B) Paris is right.",
        "**A. London** - wrong\n**B. Paris** - right\n\n**Answer: B**",
        "Consider each option:\nA. London: no\nB. Paris: yes\nTherefore the answer is B.",
        "Options:\nA. London\nB. Paris\nC. Rome\nD. Berlin\nAnswer: B",
        "A. Incorrect\nB. Correct\nC. Incorrect\n",
        "A项错误；B项正确。故选B。",
        "A项错误；B项正确。",
        "A选项错误，B选项正确",
    ],
)
def test_a_walk_through_the_options_is_no_choice_of_the_first(text):
    assert letter(OTHERS, text)[0] == "B"


def test_a_list_of_the_options_alone_chooses_none():
    assert letter(OTHERS, lettered(OTHERS)) is None
    for before in (
        "The options are:",
        "Options:",
        "Consider each option:",
        "Choice:",
        "The answer is one of these. Answer:",
    ):
        assert letter(OTHERS, f"{before}\n{lettered(OTHERS)}") is None
    assert letter(OTHERS, "A\n\nWhich is warm?\nA. x\nB. y\nAnswer: B")[0] == "A"  # a model that goes on asking
    assert letter(OTHERS, "A. London. B. Paris is wrong, for it is in France.")[0] == "A"


@pytest.mark.parametrize(
    "text",
    [
        "The answer is A. Wait, that's wrong. The answer is B.",
        "Answer: A\n\nI made a mistake. Answer: B",
        "I choose London. On reflection, the answer is Paris.",
        "If the answer is A, the river would be the Thames. It is the Seine, so the answer is B.",
        "Suppose the answer is C. Then the river would be the Tiber. Hence B.",
        "If it were in England, the answer would be A. The answer is B.",
        "The answer is B.\n\nQuestion: Which is warm?\nAnswer: C",
        "The correct answer isn't A; it's B.",
        "It's not London, it's Paris.",
        "London is not the capital; Paris is.",
        "While many think it's London, it's actually Paris",
        "Not London. Paris.",
        "I'd rule out London and Rome. It must be Paris.",
        "It cannot be (A). It is (B).",
        "We can eliminate option A and option C. Between B and D, B is correct.",
        "I would go with B over A.",
        "A? No, B.",
        "It would be wrong to say the answer is A. It's B.",
        "London was never the capital of France; Paris was",
        "The answer is A... no, actually B.",
        "London? No. Paris? Yes.",
        "London ❌\nParis ✅",
        "Is it London or Rome? Paris.",
        "It's between A and B; I choose B",
        "ロンドンではなく、B",
        "排除A、C，选B",
        "A는 아닙니다. B입니다.",
        "不选A，选B",
    ],
)
def test_what_is_denied_or_supposed_is_no_choice_and_the_last_announcement_counts(text):
    assert letter(OTHERS, text)[0] == "B"


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        (("北京", "上海"), "不是北京，是上海", "B"),
        (("Yes", "No"), "No doubt, yes", "A"),
        (("Yes", "No"), "No, that is not so", "B"),
        (("Yes", "No"), "No it is not", "B"),
        (("Yes", "No"), "I have no idea", None),
        (("True", "False"), "It is not true", None),
        (("True", "False"), "It's hardly true", None),
        (("正确", "错误"), "不正确", None),
        (("True", "False"), "The statement is false.", "B"),
        (("True", "False"), "True or False? False", "B"),
        (("Yes", "No"), "It's a no from me", "B"),
        (("not true", "true"), "It is not true", "A"),  # an option that is itself a denial
    ],
)
def test_words_that_deny_are_told_from_options(options, text, expected):
    assert (letter(options, text) or (None,))[0] == expected


@pytest.mark.parametrize(
    "text",
    [
        r"Half of 8 is 4. \boxed{B}",
        "Half of 8 is 4, thus (B).",
        "Half of 8 is 4\n#### B",
        "Half of 8 is 4\n#### 4",
        r"2 and 2, \boxed{\text{4}}",
    ],
)
def test_a_box_and_four_hashes_announce(text):
    assert letter(("2", "4", "6", "8"), text)[0] == "B"


@pytest.mark.parametrize(
    "text",
    [
        *(r"The answer is \(B\)", r"\boxed{ B }", r"London is in the UK, so \boxed{B}", "Ｂ", "（Ｂ）", "B...", "B…", "option b"),
        *("»B«", "〈B〉", "B is my answer", "I choose option b.", "정답은 B입니다.", "답은 B번입니다", "B가 정답입니다", "正解はBです", "我选择B。", "正确答案是B"),
    ],
)  # fmt: skip
def test_letters_in_other_scripts_and_signs(text):
    assert letter(OTHERS, text)[0] == "B"


def test_the_texts_of_options_are_found_from_left_to_right_the_longer_first():
    found = named_texts(("York", "New York", "the sea", "sea"), "new york, York by the sea; the Sea")
    assert [(sorted(one.options), one.span) for one in found] == [
        *(([1], (0, 8)), ([0], (10, 14)), ([2], (18, 25)), ([2], (27, 34))),
    ]
    assert named_texts(("York",), "Yorkshire") == []


@pytest.mark.parametrize("text", ["No", "no idea", "I think so", "A good look", "Yorkshire", ""])
def test_what_names_no_option(text):
    assert not names_an_option(OTHERS, text)
    assert names_an_option(OTHERS, f"{text} (not Rome)") and names_an_option(OTHERS, f"{text}, never C")


@pytest.mark.parametrize("cue", ["The answer is ", "Answer: ", "I choose ", "故选", "정답은 ", r"\boxed{", "#### "])
def test_what_announces(cue):
    found = ANNOUNCED.search(f"{cue}B")
    assert found is not None and found.end() == len(cue.rstrip("{"))


def test_a_long_thought_is_read_in_the_order_of_its_length():
    said = "I think London or Paris, so it is Rome. " * 500
    assert letter(OTHERS, said + "The answer is B.")[0] == "B" and letter(OTHERS, said)[0] == "C"


@given(st.permutations(OTHERS), st.sampled_from(["It is not {0}, it is {1}.", "{1}, not {0}", "Not {0}. {1}."]))
def test_a_denied_text_never_wins(options, form):
    assert chosen(options, form.format(options[0], options[1])).options == {1}


@pytest.mark.parametrize(
    "text",
    [
        *("Answer: B. Because A is wrong", "B. A is in England.", "_B_", "__B__", "Ⓑ", "ⓑ", "answer=B;confidence=3"),
        *("Die Antwort ist B", "La réponse est B.", "La respuesta correcta es B", "I think A or C. <answer>B</answer>"),
        *('{"answer": "B", "confidence": 0.9}', '{"result": {"answer": "B", "reason": "A is wrong"}}', "answer: B\nconfidence: 0.9"),
        *('{"reason": "A is in England, C in Italy", "answer": "Paris"}', '```json\n{"answer": "B"}\n```', '{"choice": "B"}'),
    ],
)  # fmt: skip
def test_more_ways_to_write_a_choice(text):
    assert letter(OTHERS, text)[0] == "B"


@pytest.mark.parametrize("text", ["A, B, and C", "(A), (B), or (C)", "A, and B"])
def test_a_list_with_a_comma_before_its_last_word_chooses_nothing(text):
    assert letter(OTHERS, text) is None


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        *((("서울", "부산"), text, "B") for text in ("부산은 바다입니다", "부산입니다", "정답은 부산입니다.", "서울이 아니라 부산입니다")),
        *((("東京", "大阪"), text, "B") for text in ("大阪です。", "答えは大阪です", "東京ではなく大阪です", "大阪は")),
        *((("Ankara", "İstanbul"), text, "B") for text in ("İstanbul'da", "İstanbul’dur.", "Cevap İstanbul'dur", "istanbul'un")),
        *((("London", "Paris"), text, "B") for text in ("Paris's", "Paris’s own", "It's Paris's.")),
        (("Ankara", "İstanbul"), "İstanbulda", None),
        (("London", "Paris"), "Parisian", None),
        (("Москва", "Рим"), "в Риме", None),
    ],
)  # fmt: skip
def test_what_is_added_to_an_option_text(options, text, expected):
    assert (letter(options, text) or (None,))[0] == expected
