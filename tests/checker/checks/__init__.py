"""The requirements on a notebook, a module each: `TITLE` and `check(notebook) -> Finding`."""

import importlib

from checker import copies, find

# In the order of the report. A new requirement is a module here and its name in this list.
NAMES = "format order outputs errors curves accuracy packages assignment privacy".split()
_modules = {name: importlib.import_module(f"checker.checks.{name}") for name in NAMES}
CHECKS = {name: module.check for name, module in _modules.items()}
REQUIREMENTS = ["archive", *NAMES]  # of one submission; the file itself comes first
TITLES = {  # in Chinese and English
    "archive": find.TITLE,
    **{name: module.TITLE for name, module in _modules.items()},
    "copies": copies.TITLE,  # No check of one notebook: it compares submissions.
}
