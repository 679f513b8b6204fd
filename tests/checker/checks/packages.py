"""Are only the agreed packages imported?"""

import ast
import re
import sys

from checker.finding import FAILS, HOLDS, Finding, printable
from checker.flow import argument, called_name

TITLE = "只用约定的软件包", "only the agreed packages"
PACKAGES = {"tensorflow", "keras", "numpy", "matplotlib", "IPython", "mpl_toolkits", "pylab"}
FORMER_MODULES = {"distutils", "imp", "asyncore", "asynchat", "smtpd"}  # Python's own once
NAMED = "tensorflow, keras, numpy, matplotlib, IPython"
HINT = f"请只用 {NAMED} 和 Python 自带的包。", f"Use only {NAMED} and Python's own."
IMPORT = re.compile(r"^\s*(?:import|from)\s+(\w+)", re.MULTILINE)


def imported_names(notebook):
    """Yield the dotted names of all imported modules; "." for the notebook's own folder."""
    for node in notebook.nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." if node.level else node.module
        elif isinstance(node, ast.Call) and called_name(node) in ("import_module", "__import__"):
            name = getattr(argument(node, 0, "name"), "value", None)
            if isinstance(name, str):
                yield name
    for cell in notebook.unreadable:
        yield from IMPORT.findall(cell.source)


def check(notebook):
    """Find whether all that is imported belongs to the agreed packages or to Python."""
    packages = {name.split(".")[0] or "." for name in imported_names(notebook)}
    others = sorted(packages - PACKAGES - FORMER_MODULES - sys.stdlib_module_names)
    if not others:
        return Finding("packages", HOLDS, ("只有约定的。", "Only those."))
    names = [printable(name, 40) for name in others[:10]]
    reason = f"另外导入了：{'、'.join(names)}。", f"Also imported: {', '.join(names)}."
    return Finding("packages", FAILS, reason, HINT)
