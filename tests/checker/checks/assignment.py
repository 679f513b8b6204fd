"""Finds the learning rate, the batch size and the data set of the final network's training."""

import ast
import re

from checker.finding import FAILS, HOLDS, LOOK, Finding, printable
from checker.flow import OPTIMISERS, argument, words_in
from checker.words import is_on_test, splits

TITLE = ("学习率、批大小、数据集", "learning rate, batch size and data set")
HINT = (
    "请按作业要求设置这些值，并直接写成数字。",
    "Set these values as the assignment says, and write them as numbers.",
)
LEARNING_RATE, BATCH_SIZE, DATASET = 1e-3, 128, "fashion_mnist"
KERAS_BATCH_SIZE, TORCH_BATCH_SIZE = 32, 1  # what they take if they are not told
FIT_OPTIONS = set(
    "epochs validation_data validation_split callbacks verbose steps_per_epoch".split()
)
BATCHERS = {  # what makes batches, and at which position it is told their size
    **dict(batch=0, padded_batch=0, next_batch=0, load_data_fashion_mnist=0, DataLoader=1, flow=2),
    **dict.fromkeys(["flow_from_directory", "flow_from_dataframe", "image_dataset_from_directory"]),
}
RATE_NAMES, SIZE_NAMES = {"learning_rate", "lr", "rate"}, {"batch_size", "batch", "bs"}
DATA_NAME = re.compile(r"(?i)fashion|mnist|cifar|svhn|imagenet|idx[13]-ubyte")
DATA_CLASS = re.compile(r"(?:Fashion|K|E|Q)?MNIST|CIFAR100?|SVHN")
LOADING = re.compile(
    r"(?i)load(?!.*(?:model|weights|im))|(?<!im)read|open|fetch|dataset|builder|get_file"
)
NO_DATA = re.compile(r"(?i)\.(?:h5|hdf5|keras|pth?|ckpt|json|png|jpe?g|svg)\Z|log|history")


def receiver_of(site):
    """Return the code of the object whose method a call at module level is, or "" elsewhere."""
    is_method = site.scope.parent is None and isinstance(site.node.func, ast.Attribute)
    return ast.unparse(site.node.func.value) if is_method else ""


def of_final_model(sites, flow):
    """Return the sites of the network that is evaluated last on the test data, or all."""
    evaluations = flow.called("evaluate", "predict")
    names = [receiver_of(site) for site in evaluations if is_on_test(site.node, flow) == "test"]
    return [site for site in sites if receiver_of(site) == (names or [""])[-1]] or sites


def is_for_training(site, flow):
    """Return whether a call may make the batches of training, by names and by its data."""
    expressions = [site.node.func, *site.node.args]
    words = " ".join(map(words_in, (*expressions, *site.targets)))
    named = splits(f"{words} {getattr(site.scope.node, 'name', '')}")
    reached = {kind for part in expressions for kind, _ in flow.facts(part)} & {"train", "test"}
    return "train" in named or not named and reached != {"test"}


def batch_sizes(flow):
    """Return the possible batch sizes of the final training, an empty set for one unknown."""
    fits = flow.called("fit", "fit_generator")
    options = FIT_OPTIONS | {"batch_size", None}
    fits = [site for site in fits if site.keywords & options or len(site.node.args) > 2]
    sizes = []  # None if others made the batches
    for site in of_final_model(fits, flow):
        is_fit = site.name == "fit"
        given = flow.given(site, "number", 2 if is_fit else None, "batch_size")
        has_labels = is_fit and argument(site.node, 1, "y") is not None
        sizes.append({KERAS_BATCH_SIZE} if given is None and has_labels else given)
    if not fits or None in sizes:
        for site in filter(lambda site: is_for_training(site, flow), flow.called(*BATCHERS)):
            given = flow.given(site, "number", BATCHERS[site.name], "batch_size")
            default = TORCH_BATCH_SIZE if site.name == "DataLoader" else KERAS_BATCH_SIZE
            sizes.append({default} if given is None else given)
    return [size for size in sizes if size is not None]


def rates_of_optimizer(site, flow):
    """Return the learning rates of an optimiser's call, or its name if it is not Adam."""
    if site.name not in ("Adam", "AdamOptimizer"):
        return {site.name}
    rates = flow.given(site, "number", 0, "learning_rate", "lr")
    first = words_in(argument(site.node, 0) or site.node.func)
    if not rates and ("param" in first.lower() or "optim" in words_in(site.node.func).split()):
        # PyTorch's: the network's parameters come first.
        rates = flow.given(site, "number", 1, "learning_rate", "lr")
    return {LEARNING_RATE} if rates is None else rates


def rates_of_compile(site, flow):
    """Return the learning rates that `compile` may be given, or optimisers other than Adam."""
    numbers = flow.given(site, "optimizer", 0, "optimizer")
    if numbers is None:
        return {"rmsprop"}  # Keras's own choice
    names = flow.given(site, "string", 0, "optimizer")
    rates = set().union(*(rates_of_optimizer(flow.calls[number], flow) for number in numbers))
    return rates | {LEARNING_RATE if name.lower() == "adam" else name for name in names}


def rates_set_later(notebook):
    """Yield (network's code, learning rates) where an optimiser is given one later on."""
    flow = notebook.flow
    assignments = [node for node in notebook.nodes if isinstance(node, ast.Assign)]
    pairs = [(target, node.value) for node in assignments for target in node.targets]
    for site in flow.called("assign", "set_value"):  # `rate.assign(0.1)`, `set_value(rate, 0.1)`
        given = [getattr(site.node.func, "value", None)] * (site.name == "assign") + site.node.args
        pairs.append((given + [None, None])[:2])
    for target, value in pairs:
        if isinstance(target, ast.Attribute) and target.attr in ("learning_rate", "lr"):
            if getattr(target.value, "attr", "") == "optimizer":
                yield ast.unparse(target.value.value), flow.values(value, "number")
            elif flow.values(target.value, "optimizer"):
                yield "", flow.values(value, "number")


def learning_rates(notebook):
    """Return the possible learning rates of the final network's training, as `batch_sizes` does."""
    flow = notebook.flow
    compiles = [site for site in flow.called("compile") if receiver_of(site) not in ("re", "torch")]
    if not compiles:
        return [rates_of_optimizer(site, flow) for site in flow.called(*OPTIMISERS)]
    chosen = of_final_model(compiles, flow)
    names = {"", *map(receiver_of, chosen)}
    later = [rates for name, rates in rates_set_later(notebook) if name in names]
    return [rates_of_compile(site, flow) for site in chosen] + later


def named_values(cells, names):
    """Return the numbers that are written beside one of these names in some cells."""
    pairs = []
    for node in (node for cell in cells if cell.tree for node in ast.walk(cell.tree)):
        if isinstance(node, ast.Dict):
            pairs += zip((getattr(key, "value", "") for key in node.keys), node.values)
        elif isinstance(node, ast.Assign):
            pairs += [(getattr(target, "id", ""), node.value) for target in node.targets]
        elif isinstance(node, ast.keyword):
            pairs.append((node.arg, node.value))
    values = [getattr(value, "value", "") for name, value in pairs if str(name).lower() in names]
    return {value for value in values if type(value) in (int, float)}


def compared(found, wanted, names, notebook):
    """Return the state and the values, from those found at each place where one counts.

    Trials go through the same code; cells tagged "parameters", or injected after one by papermill,
    say which values are the run's. In a loop of the notebook's own there is no more than a name.
    """
    tags = {"parameters", "injected-parameters"}
    declared = named_values([cell for cell in notebook.cells if tags & set(cell.tags)], names)
    named = set() if any(found) else named_values(notebook.cells, names)
    found = found + [named, set()] * bool(named)
    values = set().union(*found)
    values = {round(value, 12) if isinstance(value, float) else value for value in values}
    if wanted in values and len(values) > 1:
        return HOLDS if declared == {wanted} else LOOK, declared if len(declared) > 1 else values
    if all(found) and values:
        return HOLDS if wanted in values else FAILS, values
    return LOOK if found or notebook.unreadable else FAILS, values


def loaded_elsewhere(flow):
    """Yield what is loaded as data by other means than Keras's load_data(), for people."""
    for site in flow.calls:
        owner = getattr(getattr(site.node.func, "value", None), "id", "")
        name = f"{owner}.{site.name}" if owner else site.name
        is_loading = LOADING.search(site.name)
        given = [*site.node.args[:2], *(keyword.value for keyword in site.node.keywords)]
        texts = [text for part in given if is_loading for text in flow.values(part, "string")]
        files = [text for text in texts if not NO_DATA.search(text)]
        files = [text for text in files if site.name == "read_csv" or DATA_NAME.search(text)]
        if files:
            file = re.split(r"[/\\]", min(files).rstrip("/\\"))[-1]
            yield f"{name}('{file}')"
        elif DATA_CLASS.fullmatch(site.name) or is_loading and DATA_NAME.search(site.name):
            yield name


def compared_data(notebook):
    """Return the state and the names of the data sets that the code loads."""
    loads = notebook.flow.called("load_data")
    names = set().union(*(notebook.flow.values(site.node, "data") for site in loads))
    if names == {DATASET}:
        return HOLDS, names
    is_unsure = DATASET in names or not names and (loads or notebook.unreadable)
    return LOOK if is_unsure else FAILS, names | set(loaded_elsewhere(notebook.flow))


def check(notebook):
    """Find whether Adam at 1e-3 and batches of 128 train the final network on Fashion-MNIST."""
    rates, sizes = learning_rates(notebook), batch_sizes(notebook.flow)
    facts = {
        "Adam, learning_rate = 1e-3": compared(rates, LEARNING_RATE, RATE_NAMES, notebook),
        "batch_size = 128": compared(sizes, BATCH_SIZE, SIZE_NAMES, notebook),
        "fashion_mnist.load_data()": compared_data(notebook),
    }
    states = [state for state, _ in facts.values()]
    chinese, english = "", []
    for wanted, (state, values) in facts.items():
        if state != HOLDS:
            shown = ", ".join(sorted(printable(str(value), 60) for value in values)[:6])
            chinese += f"要求 {wanted}，找到：{shown or '没有'}。"
            english.append(f"Wanted: {wanted}; found: {shown or 'none'}.")
    reason = (chinese or "与作业要求一致。", " ".join(english) or "As the assignment says.")
    state = FAILS if FAILS in states else LOOK if LOOK in states else HOLDS
    return Finding("assignment", state, reason, HINT)
