"""Control labels and answer components against their definitions."""

import numpy as np

from interp.probing.controls import answer_components, control_labels


def test_control_labels_are_constant_per_string_and_keep_the_share() -> None:
    strings = [f"a{i % 23}" for i in range(300)]
    label = control_labels(strings, 0.7, seed=3)
    assert all(len({int(v) for v, s in zip(label, strings, strict=True) if s == name}) == 1 for name in set(strings))
    assert abs(label.mean() - 0.7) < 0.05
    assert (control_labels(strings, 0.7, seed=3) == label).all()
    assert (control_labels(strings, 0.7, seed=4) != label).any()


def test_components_join_shared_answers_and_groups_but_not_missing_answers() -> None:
    strings = ["x", "y", "x", "z", "", ""]
    group = np.array([0, 1, 2, 1, 3, 4])
    found = answer_components(strings, group)
    assert found.tolist() == [0, 1, 0, 1, 2, 3]
