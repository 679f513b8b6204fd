"""Budgets, seeds, hyperparameters and versions that a user may set, right and wrong."""

import pytest

GOOD = {
    "learning_rate": 1e-3, "batch_size": 128, "validation_size": 5_000, "epochs": 7,
    "filters": (32, 64, 128), "convolutions": 2, "precision": "float32",
    "warmup_fraction": 0.1, "label_smoothing": 0.1, "shift_pixels": 1, "erased_pixels": 0,
    "accuracy_floor": 0.93, "flip": True, "batch_norm_momentum": 0.99,
    "trial_images": 2_560, "trial_epochs": 1, "trial_seeds": 1,
    "reference_images": 11_000, "reference_epochs": 1,
}


@pytest.mark.parametrize("text, budget", [
    (None, "quick"), ("", "quick"), ("full", "full"), (" QUICK ", "quick"),
])
def test_budget(notebook, text, budget):
    assert notebook.read_budget(text, default="quick") == budget


def test_unknown_budget_lists_the_allowed_ones(notebook):
    with pytest.raises(ValueError, match="(?s)无效.*'fast' is not a budget.*quick, full"):
        notebook.read_budget("fast", default="quick")


@pytest.mark.parametrize("text, seed", [(None, 5), ("", 5), ("0", 0), ("7", 7)])
def test_seed(notebook, text, seed):
    assert notebook.read_seed(text, default=5) == seed


@pytest.mark.parametrize("text", ["-1", "abc", "1.5", str(2**31)])
def test_wrong_seed_says_what_is_allowed(notebook, text):
    with pytest.raises(ValueError, match="(?s)无效.*is not a seed. Use a whole number from 0"):
        notebook.read_seed(text, default=5)


def test_good_parameters_pass(notebook):
    notebook.check_parameters(GOOD)
    assert set(GOOD) == set(notebook.PARAMETER_RANGES) | {"filters", "precision", "flip"}


@pytest.mark.parametrize("name, value", [
    ("learning_rate", 0), ("learning_rate", -1e-3), ("learning_rate", float("nan")),
    ("learning_rate", "0.001"), ("batch_size", 0), ("batch_size", 12.5), ("epochs", 0),
    ("epochs", True), ("validation_size", 60_000), ("warmup_fraction", 1.0),
    ("label_smoothing", 1.0), ("shift_pixels", -1), ("erased_pixels", 28),
    ("filters", (32, 0, 128)), ("filters", (32, 64.0)),
    ("filters", ()), ("filters", (8,) * 5), ("filters", 64), ("convolutions", 0), ("validation_size", "5000"),
    ("validation_size", 5_005), ("precision", "float16"), ("flip", 1), ("trial_images", 100), ("reference_epochs", 0),
])
def test_parameter_out_of_range_is_named_in_both_languages(notebook, name, value):
    with pytest.raises(ValueError, match=f"(?s)参数 {name}=.*允许.*Parameter {name}=.*Use: "):
        notebook.check_parameters(GOOD | {name: value})


def test_batch_larger_than_a_trial_is_refused(notebook):
    with pytest.raises(ValueError, match="Parameter trial_images=2560 is not allowed. Use: batch_size"):
        notebook.check_parameters(GOOD | {"batch_size": 4_096})


def test_versions(notebook):
    versions = {"Python": "3.11.7", "TensorFlow": "2.21.0", "Keras": "3.15.1"}
    notebook.check_versions(versions)
    with pytest.raises(RuntimeError, match="(?s)TensorFlow 2.9.3 版本过低.*requirements.txt"):
        notebook.check_versions(versions | {"TensorFlow": "2.9.3"})
