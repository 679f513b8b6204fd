"""Are only the agreed packages imported?"""

import ast
import re
import sys

from checker.finding import FAILS, HOLDS, Finding, printable
from checker.flow import argument, called_name

TITLE = ("只用约定的软件包", "only the agreed packages")
PACKAGES = {"tensorflow", "keras", "numpy", "matplotlib", "IPython", "mpl_toolkits", "pylab"}
FORMER_MODULES = {"distutils", "imp", "asyncore", "asynchat", "smtpd"}  # Python's own once
SHOWN_PACKAGES = "tensorflow, keras, numpy, matplotlib, IPython"
IMPORT = re.compile(r"^\s*(?:import|from)\s+(\w+)", re.MULTILINE)


def check(notebook):
    """Find whether all that is imported belongs to the agreed packages or to Python."""
    imported = [
        alias.name
        for node in notebook.nodes
        if isinstance(node, ast.Import)
        for alias in node.names
    ]
    imported += [
        "." if node.level else node.module
        for node in notebook.nodes
        if isinstance(node, ast.ImportFrom)
    ]
    named = [
        argument(site.node, 0, "name")
        for site in notebook.flow.calls
        if called_name(site.node) in ("import_module", "__import__")
    ]
    imported += [node.value for node in named if isinstance(getattr(node, "value", None), str)]
    imported += [name for cell in notebook.unreadable for name in IMPORT.findall(cell.source)]
    others = (
        {name.split(".")[0] or "." for name in imported}
        - PACKAGES
        - FORMER_MODULES
        - sys.stdlib_module_names
    )
    listed = [printable(name, 40) for name in sorted(others)][:10]
    return Finding(
        "packages",
        FAILS if others else HOLDS,
        (
            f"另外导入了：{'、'.join(listed)}。" if others else "只有约定的。",
            f"Also imported: {', '.join(listed)}." if others else "Only those.",
        ),
        (
            f"请只用 {SHOWN_PACKAGES} 和 Python 自带的包。",
            f"Use only {SHOWN_PACKAGES} and Python's own.",
        ),
    )
