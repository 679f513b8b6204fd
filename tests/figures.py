"""Write the README's figures: python tests/figures.py takes them from the notebook's saved outputs."""

import base64

import nbformat

from conftest import NOTEBOOK_PATH, ROOT

FIGURES = ("samples", "learning-curves", "confusion-matrix", "mistakes", "trials-chart", "methods-chart")


def saved_figures(notebook):
    """Return {name: bytes of a PNG file} of the README's figures; each is named after the cell that draws it."""
    return {cell["id"]: base64.b64decode(output.data["image/png"])
            for cell in notebook.cells if cell.get("id") in FIGURES
            for output in cell.outputs if "image/png" in output.get("data", {})}


if __name__ == "__main__":
    for name, png in saved_figures(nbformat.read(NOTEBOOK_PATH, as_version=4)).items():
        (ROOT / "images.assets" / f"{name}.png").write_bytes(png)
