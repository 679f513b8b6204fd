"""The course's marking rule, at and around each of its limits."""

import numpy as np
import pytest

import submission


@pytest.mark.parametrize(
    "accuracy, mark",
    [
        (1.0, 10),
        (0.886, 10),
        (0.8859, 8),
        (0.88, 8),
        (0.8799, 6),
        (0.87, 6),
        (0.8699, 5),
        (0.86, 5),
        (0.8599, 4),
        (0.85, 4),
        (0.82, 1),
        (0.8199, 0),
        (0.81, 0),
        (0.0, 0),
    ],
)
@pytest.mark.parametrize("number", [float, np.float32, np.float64])
def test_marks_at_the_limits(notebook, accuracy, mark, number):
    assert notebook.course_score(number(accuracy)) == mark


def test_every_count_of_right_answers_gets_the_mark_of_whole_number_arithmetic(notebook):
    for right in range(10_001):
        begun_points_below = max(0, -((right - 8_700) // 100))
        mark = max(0, 6 - begun_points_below) + 2 * (right >= 8_800) + 2 * (right >= 8_860)
        assert notebook.course_score(right / 10_000) == mark


@pytest.mark.parametrize("accuracy", [-0.01, 1.01, 93.1, float("nan"), float("inf")])
def test_what_is_no_fraction_is_refused_in_both_languages(notebook, accuracy):
    with pytest.raises(
        ValueError, match="(?s)accuracy=.*无效.*accuracy=.*is not allowed. Use: 0 ... 1"
    ):
        notebook.course_score(accuracy)


def test_checker_of_submissions_has_the_same_rule(notebook):
    for hundredths in range(10_001):  # of a percent
        accuracy = hundredths / 10_000
        assert submission.course_score(accuracy) == notebook.course_score(accuracy), accuracy
