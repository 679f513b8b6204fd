"""Write what the project takes from the released notebook: python tests/tools/release.py

The README's figures come from its saved outputs; released.json lets the checker know its copies.
"""

import base64
import json

import pathlib
import sys

import nbformat

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from conftest import NOTEBOOK_PATH, ROOT
from checker.copies import code_fingerprint, run_fingerprints
from checker.read import Notebook
from checker.report import RELEASED

FIGURES = (
    "samples",
    "learning-curves",
    "confusion-matrix",
    "mistakes",
    "trials-chart",
    "methods-chart",
)


def saved_figures(notebook):
    """Return {name: bytes of a PNG file} of the README's figures, named after their cells."""
    return {
        cell["id"]: base64.b64decode(output.data["image/png"])
        for cell in notebook.cells
        if cell.get("id") in FIGURES
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    }


def prints(content):
    """Return the fingerprints of a notebook file's code and run."""
    notebook = Notebook(content)
    return {"code": code_fingerprint(notebook), "runs": sorted(run_fingerprints(notebook))}


if __name__ == "__main__":
    for name, png in saved_figures(nbformat.read(NOTEBOOK_PATH, as_version=4)).items():
        (ROOT / "images.assets" / f"{name}.png").write_bytes(png)
    RELEASED.write_text(json.dumps(prints(NOTEBOOK_PATH.read_bytes()), indent=1) + "\n")
