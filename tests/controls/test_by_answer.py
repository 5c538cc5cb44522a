"""What equal answer strings make of samples: one label for each, and folds that keep them apart."""

from interp.controls.by_answer import answer_components, control_labels


def test_control_labels_are_constant_per_string_and_keep_the_share() -> None:
    strings = [f"a{i % 23}" for i in range(300)]
    label = control_labels(strings, 0.7, seed=3)
    assert all(len({int(v) for v, s in zip(label, strings, strict=True) if s == name}) == 1 for name in set(strings))
    assert abs(label.mean() - 0.7) < 0.05
    assert (control_labels(strings, 0.7, seed=3) == label).all()
    assert (control_labels(strings, 0.7, seed=4) != label).any()


def test_components_join_shared_answers_and_groups_but_not_missing_answers() -> None:
    strings = ["x", "y", "x", "z", "", ""]
    found = answer_components(strings, ["q0", "q1", "q2", "q1", "q3", "q4"])
    assert found == ["q0", "q1", "q0", "q1", "q3", "q4"]
