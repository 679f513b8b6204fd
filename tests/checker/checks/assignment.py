"""Finds the learning rate, the batch size and the data set with which a notebook's final network is trained."""

import ast

from checker.words import is_on_test, pieces
from checker.finding import FAILS, HOLDS, LOOK, Finding, printable
from checker.flow import OPTIMISERS, argument, called_name

TITLE = ("学习率、批大小、数据集", "learning rate, batch size and data set")
LEARNING_RATE, BATCH_SIZE, DATASET = 1e-3, 128, "fashion_mnist"
KERAS_BATCH_SIZE = 32  # what `fit` takes if it is not told
FIT_OPTIONS = {"epochs", "batch_size", "validation_data", "validation_split", "callbacks", "verbose", "steps_per_epoch"}
BATCHERS = {"batch": 0, "flow": 2, "padded_batch": 0, "image_dataset_from_directory": None, "flow_from_directory": None,
            "flow_from_dataframe": None, "timeseries_dataset_from_array": None}  # where the size stands
SETTERS = {"assign": 0, "set_value": 1}
RATE_NAMES, SIZE_NAMES = {"learning_rate", "lr", "rate"}, {"batch_size", "batch", "bs"}


def receiver_of(site):
    """Return the code of the object whose method a call at module level is, or "" elsewhere."""
    is_outside = site.scope.parent is None
    return ast.unparse(site.node.func.value) if is_outside and isinstance(site.node.func, ast.Attribute) else ""


def final_model(flow):
    """Return the name of the network that is evaluated last on the test data, or ""."""
    names = [receiver_of(site) for site in flow.calls
             if called_name(site.node) in ("evaluate", "predict") and is_on_test(site.node, flow) == "test"]
    return names[-1] if names else ""


def of_final_model(sites, name):
    """Return those sites that belong to the final network, or all of them if it is not among them."""
    return [site for site in sites if receiver_of(site) == name] or sites


def is_for_training(site, flow):
    """Return whether a call that makes batches may make those of training, by the names around it and its data."""
    expressions = [site.node.func, *site.node.args]
    names = [getattr(node, "id", getattr(node, "attr", "")) for part in expressions for node in ast.walk(part)]
    names += [target.id for target in flow.targets.get(id(site.node), ()) if isinstance(target, ast.Name)]
    names.append(getattr(site.scope.node, "name", ""))
    words = [word for name in names if isinstance(name, str) for word in pieces(name)]
    reached = {kind for part in expressions for kind, _ in flow.facts(part)} & {"train", "test"}
    if any(word.startswith(("train", "xtrain", "tr")) for word in words):
        return True
    return reached != {"test"} and not any(word.startswith(("test", "val", "eval", "dev", "xtest")) for word in words)


def sizes_of_fit(site, flow):
    """Return the batch sizes that a call of `fit` may be given, None if it gets batches that were made elsewhere."""
    size = argument(site.node, 2 if called_name(site.node) == "fit" else None, "batch_size")
    if size is not None:
        return flow.values(size, "number")
    options = flow.option(site.node, "batch_size", "number")
    if options or any(keyword.arg is None for keyword in site.node.keywords):
        return options
    has_labels = argument(site.node, 1, "y") is not None and called_name(site.node) == "fit"
    return {KERAS_BATCH_SIZE} if has_labels else None


def batch_sizes(flow, final):
    """Return the possible batch sizes in the training of the final network; an empty set where one is not known."""
    fits = [site for site in flow.calls if called_name(site.node) in ("fit", "fit_generator")
            and ({keyword.arg for keyword in site.node.keywords} & FIT_OPTIONS or len(site.node.args) > 2
                 or any(keyword.arg is None for keyword in site.node.keywords))]
    sizes = [sizes_of_fit(site, flow) for site in of_final_model(fits, final)]
    if not fits or None in sizes:
        batchers = [site for site in flow.calls if called_name(site.node) in BATCHERS and is_for_training(site, flow)]
        given = [argument(site.node, BATCHERS[called_name(site.node)], "batch_size") for site in batchers]
        sizes += [flow.values(size, "number") if size is not None else {KERAS_BATCH_SIZE} for size in given]
    return [size for size in sizes if size is not None]


def rates_of_optimizer(call, flow):
    """Return the learning rates of an optimiser's call, or its name if it is not Adam."""
    if called_name(call) not in ("Adam", "AdamOptimizer"):
        return {called_name(call)}
    rate = argument(call, 0, "learning_rate", "lr")
    if rate is not None:
        return flow.values(rate, "number")
    has_options = any(keyword.arg is None for keyword in call.keywords)
    return flow.option(call, "learning_rate", "number") if has_options else {LEARNING_RATE}


def rates_of_compile(site, flow):
    """Return the learning rates, or names of optimisers other than Adam, that a call of `compile` may be given."""
    optimizer = argument(site.node, 0, "optimizer")
    numbers, names = (
        (flow.values(optimizer, "optimizer"), flow.values(optimizer, "string")) if optimizer is not None else
        (flow.option(site.node, "optimizer", "optimizer"), flow.option(site.node, "optimizer", "string")))
    if optimizer is None and not any(keyword.arg is None for keyword in site.node.keywords):
        names = {"rmsprop"}  # Keras's own choice.
    rates = set().union(*(rates_of_optimizer(flow.calls[number].node, flow) for number in numbers))
    return rates | {LEARNING_RATE if name.lower() == "adam" else name for name in names}


def rates_set_later(notebook, flow):
    """Yield (network's code, learning rates) where one is given to an optimiser that exists already."""
    pairs = [(target, node.value) for node in notebook.nodes if isinstance(node, ast.Assign) for target in node.targets]
    for site in flow.calls:
        position = SETTERS.get(called_name(site.node))
        if position is not None and isinstance(site.node.func, ast.Attribute) and len(site.node.args) > position:
            pairs.append((site.node.func.value if position == 0 else site.node.args[0], site.node.args[position]))
    for target, value in pairs:
        if isinstance(target, ast.Attribute) and target.attr in ("learning_rate", "lr"):
            owner = target.value
            if isinstance(owner, ast.Attribute) and owner.attr == "optimizer":
                yield ast.unparse(owner.value), flow.values(value, "number")
            elif flow.values(owner, "optimizer"):
                yield "", flow.values(value, "number")


def learning_rates(notebook, flow, final):
    """Return the possible learning rates in the training of the final network, as `batch_sizes` does."""
    compiles = [site for site in flow.calls if called_name(site.node) == "compile" and receiver_of(site) != "re"]
    if not compiles:
        return [rates_of_optimizer(site.node, flow) for site in flow.calls if called_name(site.node) in OPTIMISERS]
    chosen = of_final_model(compiles, final)
    names = {receiver_of(site) for site in chosen}
    return [rates_of_compile(site, flow) for site in chosen] + [
        rates for name, rates in rates_set_later(notebook, flow) if name in names or not name]


def declared_values(notebook, names):
    """Return the numbers that cells tagged "parameters", or injected after one by papermill, give to these names."""
    pairs = []
    for cell in notebook.cells:
        if cell.tree and {"parameters", "injected-parameters"} & set(cell.tags):
            for node in ast.walk(cell.tree):
                if isinstance(node, ast.Dict):
                    pairs += [(getattr(key, "value", ""), value) for key, value in zip(node.keys, node.values)]
                elif isinstance(node, ast.Assign):
                    pairs += [(getattr(target, "id", ""), node.value) for target in node.targets]
                elif isinstance(node, ast.keyword):
                    pairs.append((node.arg, node.value))
    return {value.value for name, value in pairs if isinstance(value, ast.Constant) and str(name).lower() in names}


def judged(found, wanted, declared, notebook):
    """Return the state and the values, from those found at each place where one counts and those declared."""
    values = {round(value, 12) if isinstance(value, float) else value for part in found for value in part}
    if wanted in values and len(values) > 1:
        # Trials go through the same code; what is declared says which values are the run's.
        return (HOLDS if declared == {wanted} else LOOK), declared if len(declared) > 1 else values
    if wanted in values:
        return (HOLDS if all(found) else LOOK), values
    return (FAILS if values and all(found) else LOOK if found or notebook.unreadable else FAILS), values


def judged_data(flow):
    """Return the state and the names of the data sets that the code loads."""
    loads = [site.node for site in flow.calls if called_name(site.node) == "load_data"]
    names = set().union(*(flow.values(call, "data") for call in loads)) if loads else set()
    if names == {DATASET}:
        return HOLDS, names
    return LOOK if DATASET in names or loads and not names else FAILS, names


def check(notebook):
    """Find whether the final network is trained with Adam at 1e-3, batches of 128 and Fashion-MNIST."""
    flow = notebook.flow
    final = final_model(flow)
    rates, sizes = learning_rates(notebook, flow, final), batch_sizes(flow, final)
    data_state, data = judged_data(flow)
    facts = [
        ("Adam, learning_rate = 1e-3", *judged(rates, LEARNING_RATE, declared_values(notebook, RATE_NAMES), notebook)),
        ("batch_size = 128", *judged(sizes, BATCH_SIZE, declared_values(notebook, SIZE_NAMES), notebook)),
        ("fashion_mnist.load_data()", data_state if data or not notebook.unreadable else LOOK, data)]
    states = [state for _, state, _ in facts]
    state = FAILS if FAILS in states else LOOK if LOOK in states else HOLDS
    amiss = [(wanted, ", ".join(sorted(printable(str(value), 30) for value in values)[:6]))
             for wanted, fact_state, values in facts if fact_state != HOLDS]
    return Finding("assignment", state, (
        "".join(f"要求 {wanted}，找到：{values or '没有'}。" for wanted, values in amiss) or "与作业要求一致。",
        " ".join(f"Wanted: {wanted}; found: {values or 'none'}." for wanted, values in amiss)
        or "As the assignment says."), (
        "请按作业要求设置这些值，并直接写成数字。", "Set these values as the assignment says, and write them as numbers."))
