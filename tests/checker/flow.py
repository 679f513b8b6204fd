"""Follows values through a notebook's code without running it: which facts reach which expression.

A fact is a pair: ("number", 128), ("string", "adam"), ("items", n) for the n-th dictionary, list or
tuple written in the code, ("series", "val_loss") for a curve that Keras recorded ("*" for all,
"*loss*" for those of such a name, UNKNOWN for some of them), ("module", "fashion_mnist"),
("data", m) for what its load_data() returns, ("train", m) and ("test", m) for the two parts,
("score", n) for what the n-th call returns if that is an evaluation, ("accuracy", n) for the
accuracy in it, and ("optimizer", n).
The order of statements is not looked at. Every step is bounded, so that the time grows with the
length of the code.
"""

import ast
import collections
import dataclasses
import functools
import itertools
import re
from operator import add, floordiv, mul, neg, sub, truediv

MOST_FACTS = 40  # at one place
MOST_STEPS = 400_000  # from place to place, in all
ANY, UNKNOWN = "any item", "some"
OPTIMISERS = set(
    "Adam AdamOptimizer SGD RMSprop Adagrad Adadelta Adamax Nadam Ftrl AdamW Lion Adafactor Lamb"
    " Muon RAdam Momentum GradientDescentOptimizer MomentumOptimizer RMSPropOptimizer".split()
)
DATASETS = {"fashion_mnist", "mnist", "cifar10", "cifar100"}
CASTS = set(
    "int float constant Variable float32 float64 copy deepcopy list tuple dict DataFrame".split()
)
ROUNDINGS = set("round around format str item numpy float float32 float64 repr".split())
REDUCTIONS = {"len", "max", "min", "argmax", "argmin", "amax"}  # make a number of a curve
OPTIONS = ("batch_size", "learning_rate", "optimizer")  # that a call may be given as **options
PAIRINGS = {"zip", "enumerate", "items"}
NAMESPACES = {"dict", "SimpleNamespace", "Namespace", "EasyDict", "AttrDict", "Munch"}
SELECTIONS = {"filter", "drop", "reindex"}  # of a table's columns
NO_CURVES = {"index", "shape", "size"}  # of a table's attributes
RECORDED = re.compile(r"val_?|(?:val_)?(?:(?:\w{1,40}_)?acc(?:uracy)?|loss)")  # Keras's names
LOOKUPS = {"get", "pop", "setdefault"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
BLANK = re.compile(r"%[-+.\d]{0,9}[a-z]|\{[^{}]{0,40}\}")
CALCULATIONS = dict(Add=add, Sub=sub, Mult=mul, Div=truediv, FloorDiv=floordiv, Pow=pow, USub=neg)


def called_name(call):
    """Return the last part of the name of the function that a call node calls."""
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def argument(call, position, *keywords):
    """Return the expression given to a call by one of some keywords or at a position, or None."""
    named = [keyword.value for keyword in call.keywords if keyword.arg in keywords]
    positional = call.args[position : position + 1] if position is not None else []
    return (named + positional + [None])[0]


def named_arguments(call, names=()):
    """Return (name, value) for a call's arguments, those by position under these names."""
    by_name = [(keyword.arg, keyword.value) for keyword in call.keywords]
    return [*zip(names, call.args), *by_name]


def words_in(expression):
    """Return the names and strings in an expression, with blanks between them."""
    fields = itertools.product(ast.walk(expression), ("id", "attr", "value", "arg"))
    words = [getattr(node, field, None) for node, field in fields]
    return " ".join(word for word in words if isinstance(word, str))


class Scope:
    """The module, a function or a class, with the names that are its own."""

    def __init__(self, parent=None, node=None):
        self.parent, self.node, self.names, self.others = parent, node, set(), set()

    def owner(self, name):
        """Return the scope whose variable a name means here."""
        scope = self
        while scope.parent and (name not in scope.names or name in scope.others):
            scope = scope.parent
        return scope


@dataclasses.dataclass
class CallSite:
    """A call in the code, where it stands, and its cell."""

    node: ast.Call
    scope: Scope
    cell: object
    targets: tuple = ()  # to which the assignment around it assigns

    @property
    def name(self):
        """The last part of the name of what is called."""
        return called_name(self.node)

    @property
    def keywords(self):
        """The names of the arguments that are given by name; None stands for **options."""
        return {keyword.arg for keyword in self.node.keywords}


def keeping(*kinds, kind=None):
    """Return the change that lets facts of some kinds survive, as facts of another if told."""
    return lambda fact: (kind or fact[0], fact[1]) if fact[0] in kinds else None


def choosing(pattern):
    """Return the change after which only curves of such a name are left of all."""
    return lambda fact: ("series", pattern) if fact == ("series", "*") else fact


def joining(before, after):
    """Return the change that puts text around a string, as long as it is short."""
    return lambda fact: ("string", (before + fact[1] + after)[:99]) if fact[0] == "string" else None


unchanged = choosing("*")
passing_data = keeping("series", "train", "test", "data")  # that survives whatever is done with it
passing_number = keeping("train", "test", "data", "accuracy")  # when a number is made of a curve
passing = keeping("series", "train", "test", "data", "accuracy")  # as twice an accuracy is one


def item_of(key, fact):
    """Return what a fact that is no list or dictionary of the code's own gives for a key."""
    kind, value = fact
    if kind == "data":
        return {0: ("train", value), 1: ("test", value)}.get(key)
    if kind == "score":
        is_accuracy = key in (1, -1) or isinstance(key, str) and "acc" in key
        return ("accuracy", value) if is_accuracy else None
    if fact == ("series", "*") and key != ANY:
        return ("series", key if isinstance(key, str) else UNKNOWN)
    return passing(fact)


def chosen_by(nodes):
    """Return the pattern of the curves' names that conditions, or a call's arguments, choose."""
    named = [word for node in nodes for word in words_in(node).split() if RECORDED.fullmatch(word)]
    if not named:
        return "*"
    operators = {type(getattr(node, "ops", [None])[0]) for node in nodes}
    return f"*{named[0]}*" if len(named) == 1 and ast.NotIn not in operators else UNKNOWN


class Flow:
    """The facts that reach each expression of a notebook's readable cells, and all its calls.

    Facts are kept by place: a variable's scope and name, or the expression itself, or a tuple.
    `ends` names, by the number of a cell, the line at which its run ended.
    """

    def __init__(self, cells, ends=()):
        self.module, self.ends = Scope(), dict(ends)
        self.reached = collections.defaultdict(set)
        self.steps_on, self.loads, self.stores = (collections.defaultdict(list) for _ in range(3))
        self.waiting, self.steps, self.lists = collections.deque(), 0, 0
        self.scopes, self.functions, self.classes = {}, collections.defaultdict(list), {}
        walked = [part for cell in cells if cell.tree for part in self.walk(cell)]
        for node, scope, _ in walked:
            self.read_name(node, scope)
        names = [(node, scope) for node, scope, _ in walked if isinstance(node, ast.Name)]
        self.variables = {node: (scope.owner(node.id), node.id) for node, scope in names}
        self.calls = [CallSite(*part) for part in walked if isinstance(part[0], ast.Call)]
        self.numbers = {site.node: number for number, site in enumerate(self.calls)}
        for node, scope, _ in walked:
            getattr(self, f"on_{type(node).__name__}", lambda *_: None)(node, scope)
        self.spread()

    def facts(self, expression):
        """Return the facts that can reach an expression; none for None."""
        return self.reached.get(self.place(expression), set())

    def values(self, expression, kind):
        """Return the values of the facts of one kind that can reach an expression."""
        return {value for fact_kind, value in self.facts(expression) if fact_kind == kind}

    def within(self, expression, kind):
        """Return the values of one kind that an expression can have, or items of it."""
        items = [fact for fact in self.facts(expression) if fact[0] == "items"]
        places = [expression, *((*fact, ANY) for fact in items)]
        return set().union(*(self.values(place, kind) for place in places))

    def called(self, *names):
        """Return the calls of functions or methods with one of these names."""
        return [site for site in self.calls if site.name in names]

    def given(self, site, kind, position, *names):
        """Return the values of one kind given to a call by position, name or **options, or None."""
        expression = argument(site.node, position, *names)
        if expression is None and None in site.keywords:
            expression = ("option", site.node, names[0])
        return None if expression is None else self.values(expression, kind)

    def walk(self, cell):
        """Yield each node of a cell with its scope and the cell; default values stand outside."""
        end = self.ends.get(cell.number, float("inf"))
        waiting = [(node, self.module) for node in reversed(cell.tree.body)]
        while waiting:
            node, scope = waiting.pop()
            if isinstance(node, ast.stmt) and node.lineno >= end:
                continue
            yield node, scope, cell
            inner = scope
            if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
                inner = self.scopes[node] = Scope(scope, node)
            parts = [part for part in ast.iter_child_nodes(node) if part._fields]  # no mere Load()
            waiting += [(part, inner) for part in reversed(parts)]

    def read_name(self, node, scope):
        """Note what a node defines, before any value is followed."""
        if isinstance(node, FUNCTIONS):
            self.functions[node.name].append(node)
            scope.names.add(node.name)
        elif isinstance(node, ast.ClassDef):
            self.classes[node.name] = node
        elif isinstance(node, ast.arg):
            scope.names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            scope.names.add(node.id)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            scope.others.update(node.names)

    def add(self, place, fact):
        """Let a fact reach a place."""
        facts = self.reached[place]
        if fact is not None and fact not in facts and len(facts) < MOST_FACTS:
            facts.add(fact)
            self.waiting.append((place, fact))

    def step(self, source, target, change=unchanged):
        """Let all facts at a source, each changed, reach a target; both may be expressions."""
        source, target = map(self.place, (source, target))
        self.steps += 1
        if self.steps < MOST_STEPS:
            self.steps_on[source].append((target, change))
            for fact in list(self.reached[source]):
                self.add(target, change(fact))

    def load(self, base, key, target):
        """Let what a dictionary or list at `base` holds under a key reach the target."""
        self.loads[self.place(base)].append((key, target))

    def place(self, expression):
        """Return where the facts of an expression, or of the variable that it is, are kept."""
        return self.variables.get(expression, expression)

    def spread(self):
        """Let every fact go where it can go."""
        while self.waiting and self.steps < MOST_STEPS:
            place, fact = self.waiting.popleft()
            for target, change in self.steps_on[place]:
                self.steps += 1
                self.add(target, change(fact))
            for key, target in self.loads[place]:
                if fact[0] == "items":
                    self.step((*fact, key), target)
                else:
                    self.add(target, item_of(key, fact))
            for key, source in self.stores[place]:
                if fact[0] == "items":
                    self.keep_item(fact, key, source)

    def keep_item(self, items, key, source):
        """Let what reaches `source` be an item of a dictionary or list, with a key and as any."""
        self.step(source, (*items, key))
        self.step(source, (*items, ANY))

    def new_items(self, place):
        """Return the fact of one more dictionary or list, which is what stands at a place."""
        self.lists += 1
        self.add(place, ("items", self.lists))
        return "items", self.lists

    def store(self, target, source):
        """Let what reaches `source` be assigned to a target, which may be a tuple of targets."""
        waiting = [(target, source)]
        while waiting:
            target, source = waiting.pop()
            if isinstance(target, ast.Name):
                self.step(source, target)
                if isinstance(self.variables[target][0].node, ast.ClassDef):
                    self.step(source, ("attribute", target.id))
            elif isinstance(target, (ast.Tuple, ast.List)):
                for position, part in enumerate(target.elts):
                    self.load(source, position, ("part", part))
                    waiting.append((part, ("part", part)))
            elif isinstance(target, ast.Attribute):
                self.step(source, ("attribute", target.attr))
            elif isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                self.stores[self.place(target.value)].append((target.slice.value, source))

    def on_Constant(self, node, scope):
        kind = {int: "number", float: "number", str: "string"}.get(type(node.value))
        if kind == "number" or kind and len(node.value) < 100:
            self.add(node, (kind, node.value))

    def on_Assign(self, node, scope):
        for part in ast.walk(node.value):
            if isinstance(part, ast.Call):
                self.calls[self.numbers[part]].targets = node.targets
        for target in node.targets:
            self.store(target, node.value)

    def on_AnnAssign(self, node, scope):
        self.store(node.target, node.value)

    on_NamedExpr = on_AugAssign = on_AnnAssign

    def on_withitem(self, node, scope):
        self.store(node.optional_vars, node.context_expr)

    def on_IfExp(self, node, scope):
        for part in node.values if isinstance(node, ast.BoolOp) else (node.body, node.orelse):
            self.step(part, node)

    on_BoolOp = on_IfExp

    def on_Starred(self, node, scope):
        self.step(node.value, node)

    def on_For(self, node, scope):
        self.load(node.iter, ANY, ("part", node.target))
        self.store(node.target, ("part", node.target))

    on_comprehension = on_For

    def on_Tuple(self, node, scope):
        if isinstance(node.ctx, ast.Load):
            items = self.new_items(node)
            for position, part in enumerate(node.elts):
                self.keep_item(items, position, part)
                self.step(part, node, passing)

    on_List = on_Tuple

    def on_ListComp(self, node, scope):
        conditions = [condition for part in node.generators for condition in part.ifs]
        value = node.value if isinstance(node, ast.DictComp) else node.elt
        self.step(value, ("chosen", node), choosing(chosen_by(conditions)))
        self.step(("chosen", node), node, passing)
        self.keep_item(self.new_items(node), ANY, ("chosen", node))

    on_GeneratorExp = on_ListComp

    def on_DictComp(self, node, scope):
        self.on_ListComp(node, scope)
        if isinstance(node.value, ast.Subscript) and ast.dump(node.value.slice) == ast.dump(
            node.key
        ):
            # `{name: table[name] for name in names}` is a part of the table, under the same names.
            self.step(node.value.value, node, keeping("items"))

    def on_Dict(self, node, scope):
        items = self.new_items(node)
        for key, value in zip(node.keys, node.values):
            if key is None:
                self.step(value, node)
            else:
                self.keep_item(items, key.value if isinstance(key, ast.Constant) else ANY, value)

    def on_Attribute(self, node, scope):
        change = functools.partial(item_of, node.attr) if RECORDED.fullmatch(node.attr) else passing
        self.step(node.value, node, passing_number if node.attr in NO_CURVES else change)
        self.step(("attribute", node.attr), node)
        if node.attr in ("history", "metrics_names"):
            self.add(node, ("series", "*"))
        elif node.attr in DATASETS:
            self.add(node, ("module", node.attr))

    def on_Subscript(self, node, scope):
        is_table = isinstance(node.slice, ast.Tuple) and node.slice.elts  # `table.loc[:, "loss"]`
        self.select(node.value, node.slice.elts[-1] if is_table else node.slice, node, is_table)

    def select(self, base, key, node, is_table=False):
        """Let what a dictionary, list or table holds under a key reach an expression."""
        if isinstance(key, (ast.Constant, ast.UnaryOp)):
            self.load(base, getattr(key, "value", -1), node)
            return
        # `x[:100]` is of all curves; `h[k]` and `h[["loss", "val_loss"]]` are those that are named.
        is_of_all = isinstance(key, ast.Slice) and not (is_table and (key.lower or key.upper))
        self.load(base, ANY, ("any", node))
        self.step(("any", node), node, unchanged if is_of_all else choosing(UNKNOWN))
        self.load(key, ANY, ("key", node))
        for names in (key, ("key", node)):
            self.step(names, node, keeping("series", "string", kind="series"))

    def on_BinOp(self, node, scope):
        self.on_UnaryOp(node, scope)
        scales = isinstance(node.op, (ast.Mult, ast.Div, ast.Mod))  # "%.4f" % accuracy, too
        survives = passing if scales else passing_data
        for side in (node.left, node.right):
            self.step(side, node, unchanged if isinstance(node.op, ast.BitOr) else survives)
        left, right = (getattr(side, "value", None) for side in (node.left, node.right))
        if isinstance(node.op, ast.Mod):
            self.fill_in(left, [node.right], node)
        elif isinstance(left, str):
            self.step(node.right, node, joining(left, ""))
        elif isinstance(right, str):
            self.step(node.left, node, joining("", right))

    def fill_in(self, template, values, node):
        """Let a text with a single blank, such as "%s loss", be filled in with a value."""
        texts = BLANK.split(template) if isinstance(template, str) else []
        if len(texts) == 2 and len(values) == 1:
            self.step(values[0], node, joining(*texts))

    def on_UnaryOp(self, node, scope):
        number = calculated(node)
        if type(number) in (int, float):
            self.add(node, ("number", number))

    def on_JoinedStr(self, node, scope):
        values = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
        texts = [getattr(part, "value", "") for part in node.values]
        template = "".join(text if isinstance(text, str) else "{}" for text in texts)
        self.fill_in(template, values, node)

    def on_Return(self, node, scope):
        self.step(node.value, ("return", scope.node))

    def on_Import(self, node, scope):
        for alias in node.names:
            name, module = alias.asname or alias.name, alias.name.rpartition(".")[2]
            if module == "load_data":
                module = str(getattr(node, "module", "")).rpartition(".")[2]
            if module in DATASETS:
                self.add((scope.owner(name), name), ("module", module))

    on_ImportFrom = on_Import

    def on_FunctionDef(self, node, scope):
        names, defaults = parameters(node), node.args.defaults
        by_name = zip([parameter.arg for parameter in node.args.kwonlyargs], node.args.kw_defaults)
        for name, value in (*zip(names[len(names) - len(defaults) :], defaults), *by_name):
            self.step(value, (self.scopes[node], name))

    on_AsyncFunctionDef = on_FunctionDef

    def on_Call(self, node, scope):
        name, number = called_name(node), self.numbers[node]
        receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
        if name in OPTIMISERS:
            self.add(node, ("optimizer", number))
        elif name == "load_data":
            self.step(receiver or node.func, node, keeping("module", kind="data"))
        elif name in ("accuracy_score", "accuracy"):
            self.add(node, ("accuracy", number))
        elif name.startswith("evaluate"):
            self.add(node, ("score", number))
        is_own = not (receiver and name.startswith("evaluate"))
        if not receiver and name in self.classes:
            self.make_object(node, self.classes[name])
        elif name in NAMESPACES and not node.args:
            items = self.new_items(node)
            for key, value in named_arguments(node):
                self.keep_item(items, key, value)
                self.step(value, ("attribute", key))
        elif is_own and name in self.functions:
            for function in self.functions[name][-2:]:
                self.bind(node, function)
                self.step(("return", function), node)
        elif name in PAIRINGS:
            self.make_pairs(node, [receiver] if receiver else node.args, 0 if name == "zip" else 1)
        elif name in LOOKUPS and receiver and node.args:
            self.select(receiver, node.args[0], node)
            self.step(argument(node, 1), node)
        else:
            self.follow_library_call(node, name, receiver)

    def follow_library_call(self, node, name, receiver):
        """Let what survives a calculation, or a cast or schedule its number, reach a call."""
        if name in CASTS and node.args:
            self.step(node.args[0], node)
        elif name.endswith(("Decay", "Schedule", "DecayRestarts")):
            peak = argument(node, None, "warmup_target")
            self.step(peak or argument(node, 0, "initial_learning_rate"), node)
        elif name == "join" and node.args:  # of a path, whose end tells what file it is
            self.step(node.args[-1], node)
        elif name == "format":
            self.fill_in(getattr(receiver, "value", None), node.args, node)
        for keyword in node.keywords:
            for option in OPTIONS if keyword.arg is None else ():
                self.load(keyword.value, option, ("option", node, option))
        survives = passing if name in ROUNDINGS else passing_data
        survives = passing_number if name in REDUCTIONS else survives
        given = [*node.args, *(value for _, value in named_arguments(node))]
        if name in SELECTIONS:
            chosen = chosen_by(given)
            is_rest = name == "drop" and chosen != "*"
            self.step(receiver, node, choosing(UNKNOWN if is_rest else chosen))
        else:
            self.step(receiver, node, unchanged if name == "copy" else survives)
        for part in given:
            self.step(part, node, survives)

    def make_pairs(self, node, parts, first):
        """Let zip(), enumerate() and .items() be lists of tuples."""
        pair = self.new_items(("pair", node))
        for position, part in enumerate(parts, start=first):
            self.load(part, ANY, ("part", node, position))
            self.keep_item(pair, position, ("part", node, position))
            self.step(part, node, passing)
        self.keep_item(self.new_items(node), ANY, ("pair", node))

    def make_object(self, node, definition):
        """Let the arguments of an object's making reach its __init__ and a dataclass's fields."""
        fields = [part.target for part in definition.body if isinstance(part, ast.AnnAssign)]
        names = [field.id for field in fields if isinstance(field, ast.Name)]
        for name, value in named_arguments(node, names):
            self.step(value, ("attribute", name))
        for function in definition.body:
            if isinstance(function, ast.FunctionDef) and function.name == "__init__":
                self.bind(node, function)

    def bind(self, node, function):
        """Let a call's arguments reach the parameters of a function."""
        inner, names = self.scopes[function], parameters(function)
        if isinstance(inner.parent.node, ast.ClassDef):
            names = names[1:]
        for name, value in named_arguments(node, names):
            if name:
                self.step(value, (inner, name))
            for key in inner.names if name is None else ():
                self.load(value, key, (inner, key))


def parameters(function):
    """Return the names of a function's parameters that may be given by position."""
    return [parameter.arg for parameter in (*function.args.posonlyargs, *function.args.args)]


def calculated(node, depth=3):
    """Return the number that a short calculation with written numbers gives, or None."""
    if isinstance(node, ast.Constant) or not depth:
        return getattr(node, "value", None)
    calculation = CALCULATIONS.get(type(getattr(node, "op", None)).__name__)
    parts = [getattr(node, side) for side in ("operand", "left", "right") if hasattr(node, side)]
    try:
        numbers = [calculated(part, depth - 1) for part in parts]
        most = 20 if calculation is pow else 1e6
        is_usual = abs(numbers[0]) <= 1e6 and abs(numbers[-1]) <= most
        return calculation(*numbers) if is_usual else None
    except (ArithmeticError, TypeError, IndexError):  # It is none of numbers.
        return None
