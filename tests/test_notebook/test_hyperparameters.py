"""Budgets, seeds and hyperparameters that a user may set, right and wrong."""

import re
import warnings

import pytest

from conftest import cell_of


@pytest.fixture
def run_machine(saved_notebook, notebook, monkeypatch):
    """run_machine(**values) runs the cell that settles budget and seed; returns its variables."""
    source = cell_of(saved_notebook, "machine").source
    for name in ("FMNIST_BUDGET", "FMNIST_SEED"):
        monkeypatch.delenv(name, raising=False)
    policy = notebook.keras.config.dtype_policy()

    def run(**values):
        variables = vars(notebook) | values
        exec(source, variables)
        return variables

    with warnings.catch_warnings():
        yield run
    notebook.keras.config.set_dtype_policy(policy)


def test_all_budgets_keep_to_the_assignment(notebook):
    for budget in ("brief", "quick", "full"):
        hyperparameters, run = notebook.choose(budget, {})
        assert (hyperparameters["learning_rate"], hyperparameters["batch_size"]) == (1e-3, 128)
        assert hyperparameters.keys() == notebook.quick.keys()
        assert run.keys() == notebook.quick_run.keys()
        assert not hyperparameters.keys() & run.keys()


def test_changes_take_the_place_of_the_budgets_values_in_either_table(notebook):
    before = dict(notebook.full), dict(notebook.full_run)
    changes = {"epochs": 3, "filters": (16, 32, 64), "trial_steps": 7, "accuracy_floor": 0}
    hyperparameters, run = notebook.choose("full", changes)
    assert hyperparameters == notebook.full | {"epochs": 3, "filters": (16, 32, 64)}
    assert run == notebook.full_run | {"trial_steps": 7, "accuracy_floor": 0}
    assert (notebook.full, notebook.full_run) == before


@pytest.mark.parametrize("budget", ["fast", "", None, "FULL"])
def test_unknown_budget_lists_the_known_ones(notebook, budget):
    message = "(?s)budget=.*无效.*brief, quick, full.*is not allowed. Use: brief, quick, full"
    with pytest.raises(ValueError, match=message):
        notebook.choose(budget, {})


def test_misspelt_name_lists_the_known_ones(notebook, monkeypatch):
    message = "(?s)hyperparameter='epoch' 无效.*Use: learning_rate, batch_size, .*epochs"
    with pytest.raises(ValueError, match=message):
        notebook.choose("quick", {"epoch": 3})
    monkeypatch.setitem(notebook.full, "epoch", 90)  # as if the table itself had been edited
    with pytest.raises(ValueError, match=message):
        notebook.choose("full", {})


@pytest.mark.parametrize(
    "name, value, allowed",
    [
        ("learning_rate", "1e-3", "float"),  # YAML 1.1, which papermill reads, takes this for text
        ("learning_rate", None, "float"),
        ("epochs", 2.5, "int"),
        ("epochs", True, "int"),
        ("batch_size", 128.0, "int"),
        ("filters", 32, "tuple"),
        ("filters", "abc", "tuple"),
        ("filters", [8, 16], r"\(32, 64, 128\)"),
        ("filters", (8, 16, 32.0), r"\(32, 64, 128\)"),
        ("filters", (8, 0, 32), r"\(32, 64, 128\)"),
        ("augment", "False", "bool"),
        ("augment", 0, "bool"),
        ("trial_steps", "80", "int"),
        ("learning_rate", float("nan"), "0 ... 1"),
        ("learning_rate", -1e-3, "0 ... 1"),
        ("batch_size", 0, "1 ... "),
        ("batch_size", 60_000, "1 ... "),
        ("convolutions", 0, "1 ... "),
        ("epochs", 0, "1 ... "),
        ("validation_size", 60_000, "100 ... "),
        ("label_smoothing", 1.0, "0 ... "),
        ("six_conv_images", 100, "256 ... "),
        ("trial_seeds", 0, "1 ... "),
    ],
)
@pytest.mark.parametrize("budget", ["quick", "full"])
def test_wrong_value_is_named_in_both_languages(notebook, budget, name, value, allowed):
    shown = re.escape(f"{name}={value!r}")
    message = f"(?s){shown} 无效，允许的取值：.*{shown} is not allowed. Use: {allowed}"
    with pytest.raises(ValueError, match=message):
        notebook.choose(budget, {"beta_2": 0.9, name: value})


@pytest.mark.parametrize("changes", ["{'epochs': 3}", None, [("epochs", 3)]])
def test_changes_that_are_no_dictionary_are_refused(notebook, changes):
    """papermill's -p hands text over, only its -y a dictionary."""
    with pytest.raises(ValueError, match='(?s)changes=.* 无效.*is not allowed. Use: {"epochs": 3}'):
        notebook.choose("quick", changes)


def test_wrong_value_in_an_edited_table_is_named_too(notebook, monkeypatch):
    monkeypatch.setitem(notebook.full, "epochs", "3")
    with pytest.raises(ValueError, match="epochs='3' is not allowed"):
        notebook.choose("full", {})


def test_trials_change_one_hyperparameter_each_to_a_value_that_is_allowed(
    saved_notebook, notebook, run_machine
):
    source = cell_of(saved_notebook, "trial-runs").source
    names = run_machine(budget="full", changes={"filters": (6, 8, 10), "accuracy_floor": 0.5})
    names["run_trial"] = lambda hyperparameters, *others: tried.append(hyperparameters) or 0.5
    tried = []
    exec(source, names | {"training_data": (), "val_data": ()})
    seeds = notebook.full_run["trial_seeds"]
    defaults = notebook.quick | {"filters": (6, 8, 10)}
    assert tried[:seeds] == [defaults] * seeds
    changed = [{name for name in defaults if trial[name] != defaults[name]} for trial in tried]
    assert len(tried) == 7 * seeds and {len(names) for names in changed[seeds:]} == {1}
    assert all(notebook.choose("quick", trial) for trial in tried)


def test_budget_and_seed_come_from_the_cell_or_else_the_environment(
    notebook, run_machine, monkeypatch, capsys
):
    assert (run_machine()["budget"], run_machine()["seed"]) == ("quick", 5)
    monkeypatch.setenv("FMNIST_BUDGET", "brief")
    monkeypatch.setenv("FMNIST_SEED", "0")
    variables = run_machine()
    assert (variables["budget"], variables["seed"]) == ("brief", 0)
    assert variables["hyperparameters"] == notebook.brief and variables["run"] == notebook.brief_run
    variables = run_machine(budget="full", seed=7, changes={"epochs": 3})
    assert (variables["budget"], variables["seed"]) == ("full", 7)
    assert "Budget: full, seed: 7\n" in capsys.readouterr().out


@pytest.mark.parametrize("seed", ["x", -1, 2.5, 2**31, True, "１２x"])
def test_seed_that_is_no_whole_number_is_refused(run_machine, seed):
    with pytest.raises(ValueError, match="(?s)seed=.*无效.*is not allowed. Use: 0 ... 2147483647"):
        run_machine(seed=seed)


def test_keras_on_another_backend_is_refused_with_advice(notebook, run_machine, monkeypatch):
    """A startup file may have imported Keras on JAX before the notebook's first cell."""
    monkeypatch.setattr(notebook.keras.backend, "backend", lambda: "jax")
    with pytest.raises(
        ValueError, match="(?s)'jax' 无效.*'jax' is not allowed.*tensorflow.*Restart"
    ):
        run_machine()


def test_old_keras_is_refused_with_advice(notebook, run_machine, monkeypatch):
    monkeypatch.setattr(notebook.keras, "__version__", "3.8.0")
    monkeypatch.delattr(notebook.layers, "RandomErasing")
    with pytest.raises(ValueError, match="(?s)'3.8.0' 无效.*not allowed.*pip install -U keras"):
        run_machine()
