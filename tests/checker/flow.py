"""Follows values through a notebook's code without running it: which facts can reach which expression.

A fact is a pair: ("number", 128), ("string", "adam"), ("items", n) for the n-th dictionary, list or tuple written in
the code, ("series", "val_loss") for a curve that Keras recorded ("*" for all of them), ("module", "fashion_mnist"),
("data", m) for what its load_data() returns, ("train", m) and ("test", m) for the two parts, ("score", n) for what the
n-th call returns if that is an evaluation, ("accuracy", n) for the accuracy in it, and ("optimizer", n).
The order of statements is not looked at. Every step is bounded, so that the time grows with the length of the code.
"""

import ast
import collections
import dataclasses
import functools

MOST_FACTS = 40  # at one place
MOST_STEPS = 400_000  # from place to place, in all
ANY = "any item"
OPTIMISERS = {"Adam", "AdamOptimizer", "SGD", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "AdamW",
              "Lion", "Adafactor", "Lamb", "Muon"}
DATASETS = {"fashion_mnist", "mnist", "cifar10", "cifar100"}
CASTS = {"int", "float", "constant", "Variable", "float32", "float64", "copy", "deepcopy", "list", "tuple", "dict"}
ROUNDINGS = {"round", "around", "format", "str", "item", "numpy", "float", "float32", "float64", "repr"}
OPTIONS = ("batch_size", "learning_rate", "optimizer")  # that a call may be given as **options
PAIRINGS = {"zip", "enumerate", "items"}
NAMESPACES = {"dict", "SimpleNamespace", "Namespace", "EasyDict", "AttrDict", "Munch"}


def called_name(call):
    """Return the last part of the name of the function that a call node calls."""
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def argument(call, position, *keywords):
    """Return the expression given to a call by one of these keywords or else at a position, or None."""
    named = [keyword.value for keyword in call.keywords if keyword.arg in keywords]
    positional = call.args[position:position + 1] if position is not None else []
    return (named + positional + [None])[0]


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
    """A call in the code, where it stands, and the number of its cell."""

    node: ast.Call
    scope: Scope
    cell: object


def unchanged(fact):
    """Return a fact as it is."""
    return fact


def passing(fact):
    """Return a fact that survives a calculation, or None: twice a test accuracy is still one, a number is another."""
    return fact if fact[0] in ("series", "train", "test", "accuracy", "data") else None


def passing_data(fact):
    """Return a fact that survives whatever is done with it, or None; one minus an accuracy is none."""
    return None if fact[0] == "accuracy" else passing(fact)


def as_series(fact):
    """Return the curve that a key of Keras's history names."""
    return ("series", fact[1]) if fact[0] in ("series", "string") else None


def with_prefix(prefix, fact):
    """Return the string that a prefix makes of a string, or None."""
    return ("string", prefix + fact[1]) if fact[0] == "string" and len(fact[1]) < 100 else None


def as_data(fact):
    """Return what a module's load_data() returns, or None."""
    return ("data", fact[1]) if fact[0] == "module" else None


def item_of(fact, key):
    """Return what a fact that is no list or dictionary of the code's own gives for a constant key, or None."""
    kind, value = fact
    if kind == "data":
        return {0: ("train", value), 1: ("test", value)}.get(key)
    if kind == "score":
        is_accuracy = key in (1, -1) or isinstance(key, str) and "acc" in key
        return ("accuracy", value) if is_accuracy else None
    if kind == "series" and value == "*" and isinstance(key, str) and key != ANY:
        return ("series", key)
    return passing(fact)


class Flow:
    """The facts that reach each expression of a notebook's readable cells, and all its calls."""

    def __init__(self, cells):
        self.module = Scope()
        self.reached = collections.defaultdict(set)
        self.steps_on, self.loads, self.stores = (collections.defaultdict(list) for _ in range(3))
        self.waiting, self.steps = collections.deque(), 0
        self.scopes, self.slots, self.calls, self.items = {}, {}, [], []
        self.targets = {}  # of the assignment in which a call stands, by the call's identity
        self.functions, self.classes = collections.defaultdict(list), {}
        walked = [part for cell in cells for part in self.walk(cell)]
        for node, scope, cell in walked:
            self.read_name(node, scope)
        for node, scope, cell in walked:
            getattr(self, f"on_{type(node).__name__}", self.on_other)(node, scope, cell)
        self.spread()

    def facts(self, expression):
        """Return the facts that can reach an expression; none for None."""
        return self.reached.get(self.slots.get(id(expression)), set())

    def values(self, expression, kind):
        """Return the values of the facts of one kind that can reach an expression."""
        return {value for fact_kind, value in self.facts(expression) if fact_kind == kind}

    def option(self, call, name, kind):
        """Return the values of one kind that a call is given under a name by way of **options."""
        return {value for fact_kind, value in self.reached.get(("option", id(call), name), ()) if fact_kind == kind}

    def walk(self, cell):
        """Yield each node of a cell with its scope; a function's default values belong outside of it."""
        waiting = [(node, self.module) for node in reversed(cell.tree.body)]
        while waiting:
            node, scope = waiting.pop()
            yield node, scope, cell
            inner = scope
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                inner = self.scopes[id(node)] = Scope(scope, node)
            waiting += [(child, inner) for child in reversed(list(ast.iter_child_nodes(node)))]

    def read_name(self, node, scope):
        """Note what a node defines, before any value is followed."""
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
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

    def slot(self, node, scope):
        """Return the place where an expression's facts are kept: its own, or the variable's that it names."""
        if id(node) not in self.slots:
            self.slots[id(node)] = (scope.owner(node.id), node.id) if isinstance(node, ast.Name) else id(node)
        return self.slots[id(node)]

    def add(self, slot, fact):
        """Let a fact reach a place."""
        facts = self.reached[slot]
        if fact is not None and fact not in facts and len(facts) < MOST_FACTS:
            facts.add(fact)
            self.waiting.append((slot, fact))

    def step(self, source, target, change=unchanged):
        """Let all facts at a source, each changed, reach a target."""
        self.steps += 1
        if self.steps < MOST_STEPS:
            self.steps_on[source].append((target, change))
            for fact in list(self.reached[source]):
                self.add(target, change(fact))

    def load(self, base, key, target):
        """Let what a dictionary or list at `base` holds under a key reach the target."""
        self.loads[base].append((key, target))

    def spread(self):
        """Let every fact go where it can go."""
        while self.waiting and self.steps < MOST_STEPS:
            slot, fact = self.waiting.popleft()
            for target, change in self.steps_on[slot]:
                self.steps += 1
                self.add(target, change(fact))
            for key, target in self.loads[slot]:
                if fact[0] == "items":
                    self.step((*fact, key), target)
                else:
                    self.add(target, item_of(fact, key))
            for key, source in self.stores[slot]:
                if fact[0] == "items":
                    self.keep_item(fact, key, source)

    def keep_item(self, items, key, source):
        """Let what reaches `source` be in a dictionary or list, under a key and as any of its items."""
        self.step(source, (*items, key))
        self.step(source, (*items, ANY))

    def new_items(self, slot):
        """Return the fact of one more dictionary or list, which is what stands at a place."""
        self.items.append(slot)
        self.add(slot, ("items", len(self.items)))
        return "items", len(self.items)

    def store(self, target, source, scope):
        """Let what reaches `source` be assigned to a target, which may be a tuple of targets."""
        waiting = [(target, source)]
        while waiting:
            target, source = waiting.pop()
            if isinstance(target, ast.Name):
                self.step(source, self.slot(target, scope))
                if isinstance(scope.node, ast.ClassDef):
                    self.step(source, ("attribute", target.id))
            elif isinstance(target, (ast.Tuple, ast.List)):
                for position, part in enumerate(target.elts):
                    self.load(source, position, ("part", id(part)))
                    waiting.append((part, ("part", id(part))))
            elif isinstance(target, ast.Attribute):
                self.step(source, ("attribute", target.attr))
            elif isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
                self.stores[self.slot(target.value, scope)].append((target.slice.value, source))
            elif isinstance(target, ast.Starred):
                waiting.append((target.value, source))

    def on_other(self, node, scope, cell):
        """Follow nothing through a node of another kind, but know its place."""
        if isinstance(node, ast.expr):
            self.slot(node, scope)

    def on_Constant(self, node, scope, cell):
        kind = {int: "number", float: "number", str: "string"}.get(type(node.value))
        if kind and (kind == "number" or len(node.value) < 100):
            self.add(self.slot(node, scope), (kind, node.value))

    def on_Assign(self, node, scope, cell):
        for part in ast.walk(node.value):
            if isinstance(part, ast.Call):
                self.targets[id(part)] = node.targets
        for target in node.targets:
            self.store(target, self.slot(node.value, scope), scope)

    def on_AnnAssign(self, node, scope, cell):
        if node.value:
            self.store(node.target, self.slot(node.value, scope), scope)

    on_NamedExpr = on_AnnAssign

    def on_AugAssign(self, node, scope, cell):
        self.store(node.target, self.slot(node.value, scope), scope)

    def on_For(self, node, scope, cell):
        self.load(self.slot(node.iter, scope), ANY, ("part", id(node.target)))
        self.store(node.target, ("part", id(node.target)), scope)

    on_comprehension = on_For

    def on_Tuple(self, node, scope, cell):
        if isinstance(node.ctx, ast.Load):
            items = self.new_items(self.slot(node, scope))
            for position, part in enumerate(node.elts):
                self.keep_item(items, position, self.slot(part, scope))
                self.step(self.slot(part, scope), self.slot(node, scope), passing)

    on_List = on_Tuple

    def on_Dict(self, node, scope, cell):
        items = self.new_items(self.slot(node, scope))
        for key, value in zip(node.keys, node.values):
            if isinstance(key, ast.Constant):
                self.keep_item(items, key.value, self.slot(value, scope))
            elif key is None:
                self.step(self.slot(value, scope), self.slot(node, scope))
            else:
                self.keep_item(items, ANY, self.slot(value, scope))

    def on_Attribute(self, node, scope, cell):
        here = self.slot(node, scope)
        self.step(self.slot(node.value, scope), here, passing)
        self.step(("attribute", node.attr), here)
        if node.attr == "history":
            self.add(here, ("series", "*"))
        elif node.attr in DATASETS:
            self.add(here, ("module", node.attr))

    def on_Subscript(self, node, scope, cell):
        here, base = self.slot(node, scope), self.slot(node.value, scope)
        if isinstance(node.slice, ast.Constant):
            self.load(base, node.slice.value, here)
        elif isinstance(node.slice, ast.UnaryOp):
            self.load(base, -1, here)
        else:
            # `h[k]`: the curves that k names; `table[name]`: any item; `x[:100]`: part of the same data.
            self.step(self.slot(node.slice, scope), here, as_series)
            self.load(base, ANY, here)

    def on_BinOp(self, node, scope, cell):
        here, sides = self.slot(node, scope), [self.slot(side, scope) for side in (node.left, node.right)]
        number = folded(node)
        if number is not None:
            self.add(here, ("number", number))
        scales = isinstance(node.op, (ast.Mult, ast.Div, ast.Mod))  # "%.4f" % accuracy, too
        for side in sides:
            self.step(side, here, unchanged if isinstance(node.op, ast.BitOr) else passing if scales else passing_data)
        if isinstance(node.op, ast.Add) and isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
            self.step(sides[1], here, functools.partial(with_prefix, node.left.value))

    def on_UnaryOp(self, node, scope, cell):
        number = folded(node)
        if number is not None:
            self.add(self.slot(node, scope), ("number", number))

    def on_JoinedStr(self, node, scope, cell):
        constants = [part.value for part in node.values if isinstance(part, ast.Constant)]
        others = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
        if len(others) == 1 and len(constants) <= 1:
            self.step(self.slot(others[0], scope), self.slot(node, scope),
                      functools.partial(with_prefix, "".join(constants)))

    def on_IfExp(self, node, scope, cell):
        for part in (node.body, node.orelse):
            self.step(self.slot(part, scope), self.slot(node, scope))

    def on_BoolOp(self, node, scope, cell):
        for part in node.values:
            self.step(self.slot(part, scope), self.slot(node, scope))

    def on_Starred(self, node, scope, cell):
        self.step(self.slot(node.value, scope), self.slot(node, scope))

    on_Await = on_Starred

    def on_withitem(self, node, scope, cell):
        if node.optional_vars:
            self.store(node.optional_vars, self.slot(node.context_expr, scope), scope)

    def on_Return(self, node, scope, cell):
        if node.value:
            self.step(self.slot(node.value, scope), ("return", id(scope.node)))

    def on_ImportFrom(self, node, scope, cell):
        for alias in node.names:
            place = (scope.owner(alias.asname or alias.name), alias.asname or alias.name)
            if alias.name in DATASETS:
                self.add(place, ("module", alias.name))
            elif alias.name == "load_data":
                self.add(place, ("module", str(node.module).rpartition(".")[2]))

    def on_Import(self, node, scope, cell):
        for alias in node.names:
            if alias.asname and alias.name.rpartition(".")[2] in DATASETS:
                self.add((scope.owner(alias.asname), alias.asname), ("module", alias.name.rpartition(".")[2]))

    def on_FunctionDef(self, node, scope, cell):
        inner, given = self.scopes[id(node)], node.args
        names = [parameter.arg for parameter in (*given.posonlyargs, *given.args)]
        defaults = [*zip(names[len(names) - len(given.defaults):], given.defaults),
                    *((parameter.arg, value) for parameter, value in zip(given.kwonlyargs, given.kw_defaults) if value)]
        for name, value in defaults:
            self.step(self.slot(value, scope), (inner, name))

    on_AsyncFunctionDef = on_FunctionDef

    def on_Call(self, node, scope, cell):
        site, name, here = CallSite(node, scope, cell), called_name(node), self.slot(node, scope)
        self.calls.append(site)
        number = len(self.calls) - 1
        if name in OPTIMISERS:
            self.add(here, ("optimizer", number))
        elif name == "load_data":
            source = node.func.value if isinstance(node.func, ast.Attribute) else node.func
            self.step(self.slot(source, scope), here, as_data)
        elif name.startswith("evaluate"):
            self.add(here, ("score", number))
        elif name in ("accuracy_score", "accuracy"):
            self.add(here, ("accuracy", number))
        self.follow_call(node, scope, name, here)

    def follow_call(self, node, scope, name, here):
        """Let arguments reach the function that a call names, and what it returns reach the call."""
        is_method = isinstance(node.func, ast.Attribute)
        functions = [] if name.startswith("evaluate") and is_method else self.functions.get(name, [])[-2:]
        if not is_method and name in self.classes:
            self.make_object(node, scope, self.classes[name])
        elif name in NAMESPACES and not node.args:
            self.make_namespace(node, scope, here)
        elif functions:
            for function in functions:
                self.bind(node, scope, function)
                self.step(("return", id(function)), here)
        elif name in PAIRINGS:
            self.make_pairs(node, scope, name, here)
        elif name in ("get", "pop", "setdefault") and node.args and isinstance(node.args[0], ast.Constant):
            self.load(self.slot(node.func.value, scope) if is_method else None, node.args[0].value, here)
            self.step(self.slot(node.args[-1], scope), here)
        else:
            self.follow_library_call(node, scope, name, here)

    def follow_library_call(self, node, scope, name, here):
        """Let what survives a calculation, and through a cast or schedule its number, reach a call's value."""
        peak = argument(node, None, "warmup_target")
        if name in CASTS and node.args:
            self.step(self.slot(node.args[0], scope), here)
        elif name.endswith(("Decay", "Schedule", "DecayRestarts")):
            rate = peak or argument(node, 0, "initial_learning_rate")
            if rate:
                self.step(self.slot(rate, scope), here)
        for keyword in node.keywords:
            if keyword.arg is None:
                for option in OPTIONS:
                    self.load(self.slot(keyword.value, scope), option, ("option", id(node), option))
        receiver = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        survives = passing if name in ROUNDINGS else passing_data
        for part in (*receiver, *node.args, *(keyword.value for keyword in node.keywords)):
            self.step(self.slot(part, scope), here, unchanged if part in receiver and name == "copy" else survives)

    def make_pairs(self, node, scope, name, here):
        """Let zip(), enumerate() and .items() be lists of tuples."""
        parts = [node.func.value] if isinstance(node.func, ast.Attribute) else node.args
        pair = self.new_items(("pair", id(node)))
        for position, part in enumerate(parts, start=0 if name == "zip" else 1):
            self.load(self.slot(part, scope), ANY, ("part", id(node), position))
            self.keep_item(pair, position, ("part", id(node), position))
            self.step(self.slot(part, scope), here, passing)
        self.keep_item(self.new_items(here), ANY, ("pair", id(node)))

    def make_namespace(self, node, scope, here):
        """Let a call such as dict(size=128) be a dictionary and an object with attributes."""
        items = self.new_items(here)
        for keyword in node.keywords:
            self.keep_item(items, keyword.arg, self.slot(keyword.value, scope))
            self.step(self.slot(keyword.value, scope), ("attribute", keyword.arg))

    def make_object(self, node, scope, definition):
        """Let the arguments of an object's making reach its __init__ and, as in a dataclass, its attributes."""
        fields = [part.target.id for part in definition.body
                  if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)]
        given = [*zip(fields, node.args), *((keyword.arg, keyword.value) for keyword in node.keywords)]
        for name, value in given:
            self.step(self.slot(value, scope), ("attribute", name))
        for function in definition.body:
            if isinstance(function, ast.FunctionDef) and function.name == "__init__":
                self.bind(node, scope, function)

    def bind(self, node, scope, function):
        """Let a call's arguments reach the parameters of a function."""
        inner = self.scopes[id(function)]
        names = [parameter.arg for parameter in (*function.args.posonlyargs, *function.args.args)]
        if isinstance(inner.parent.node, ast.ClassDef):
            names = names[1:]
        for name, value in zip(names, node.args):
            self.step(self.slot(value, scope), (inner, name))
        for keyword in node.keywords:
            if keyword.arg:
                self.step(self.slot(keyword.value, scope), (inner, keyword.arg))
            else:
                for name in inner.names:
                    self.load(self.slot(keyword.value, scope), name, (inner, name))


def folded(node):
    """Return the number that a sign or a calculation with two written numbers gives, or None."""
    parts = [node.operand] if isinstance(node, ast.UnaryOp) else [node.left, node.right]
    numbers = [folded(part) if isinstance(part, ast.UnaryOp) and isinstance(part.operand, ast.Constant)
               else getattr(part, "value", None) for part in parts]
    if any(type(number) not in (int, float) or abs(number) > 1e6 for number in numbers):
        return None
    try:
        if isinstance(node, ast.UnaryOp):
            return -numbers[0] if isinstance(node.op, ast.USub) else numbers[0]
        if isinstance(node.op, ast.Pow):
            return numbers[0] ** numbers[1] if abs(numbers[0]) <= 1_000 and abs(numbers[1]) <= 20 else None
        calculations = {ast.Mult: lambda a, b: a * b, ast.Div: lambda a, b: a / b, ast.Add: lambda a, b: a + b,
                        ast.Sub: lambda a, b: a - b, ast.FloorDiv: lambda a, b: a // b}
        calculation = calculations.get(type(node.op))
        return calculation(*numbers) if calculation else None
    except (ZeroDivisionError, OverflowError):
        return None
