"""Budgets, seeds and hyperparameters that a user may set, right and wrong."""

import pytest


def test_both_budgets_keep_to_the_assignment(notebook):
    for budget in ("brief", "quick", "full"):
        chosen = notebook.choose_hyperparameters(budget, {})
        assert (chosen["learning_rate"], chosen["batch_size"]) == (1e-3, 128)


def test_changes_take_the_place_of_the_budgets_values(notebook):
    chosen = notebook.choose_hyperparameters("full", {"epochs": 3, "filters": (16, 32, 64)})
    assert chosen == notebook.full | {"epochs": 3, "filters": (16, 32, 64)}
    assert notebook.full["epochs"] != 3


@pytest.mark.parametrize("budget", ["fast", "", None, "FULL"])
def test_unknown_budget_lists_the_known_ones(notebook, budget):
    with pytest.raises(ValueError, match="(?s)budget=.*无效.*is not allowed. Use: brief, quick, full"):
        notebook.choose_hyperparameters(budget, {})


def test_misspelt_name_lists_the_known_ones(notebook, monkeypatch):
    message = "(?s)hyperparameter='epoch' 无效.*Use: learning_rate, batch_size, .*epochs"
    with pytest.raises(ValueError, match=message):
        notebook.choose_hyperparameters("quick", {"epoch": 3})
    monkeypatch.setattr(notebook, "full", notebook.full | {"epoch": 90})  # as if the table itself had been edited
    with pytest.raises(ValueError, match=message):
        notebook.choose_hyperparameters("full", {})


@pytest.mark.parametrize("name, value", [
    ("learning_rate", 0), ("learning_rate", -1e-3), ("learning_rate", float("nan")), ("learning_rate", 10.0),
    ("learning_rate", float("inf")), ("batch_size", 0), ("epochs", 0), ("validation_size", 60_000),
    ("label_smoothing", 1.0), ("shift_pixels", -1), ("erased_pixels", 28),
])
def test_value_out_of_range_is_named_in_both_languages(notebook, name, value):
    with pytest.raises(ValueError, match=f"(?s){name}=.*无效，可用：.*is not allowed. Use: .* \\.\\.\\. "):
        notebook.choose_hyperparameters("quick", {name: value})


def test_trials_change_hyperparameters_that_exist(saved_notebook, notebook):
    [source] = [cell.source for cell in saved_notebook.cells if cell.get("id") == "trial-runs"]
    names = {"hyperparameters": notebook.full, "changes": {}, "choose_hyperparameters": notebook.choose_hyperparameters}
    exec(source[:source.index("trial_data")], names)
    assert len(names["trials"]) == 7
    for changed in names["trials"].values():
        assert changed.keys() <= notebook.quick.keys()
        assert all(notebook.quick[name] != value for name, value in changed.items())
