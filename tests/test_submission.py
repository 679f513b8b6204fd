"""Is a submission complete? `pytest tests/test_submission.py --submission PATH` asks it of any file.

Without the option: of this folder's notebook and of the archive that the command for handing in makes from it.
"""

import re
import shutil
import subprocess
import sys

import pytest

import submission
from conftest import NOTEBOOK_PATH


@pytest.fixture(scope="module")
def archive_to_hand_in(saved_notebook, tmp_path_factory):
    """The archive that the command for handing in makes, which the notebook and the README name."""
    folder = tmp_path_factory.mktemp("submission")
    shutil.copy(NOTEBOOK_PATH, folder)
    [command] = re.findall(r"^python -m zipfile .*$", saved_notebook.cells[-1].source, re.MULTILINE)
    subprocess.run([sys.executable, *command.split()[1:]], cwd=folder, check=True)
    return folder / "submission.zip"


def pytest_generate_tests(metafunc):
    subjects = ["given"] if metafunc.config.getoption("--submission") else ["notebook", "archive"]
    metafunc.parametrize("findings", subjects, indirect=True, scope="module")


@pytest.fixture(scope="module")
def findings(request):
    if request.param == "given":
        path = request.config.getoption("--submission")
    else:
        path = NOTEBOOK_PATH if request.param == "notebook" else request.getfixturevalue("archive_to_hand_in")
    return {finding.requirement: finding for finding in submission.check(path)}


@pytest.mark.parametrize("requirement", submission.REQUIREMENTS)
def test_submission(findings, requirement):
    if requirement not in findings:
        pytest.skip("not looked at, since the file could not be read")
    if not findings[requirement].holds:
        pytest.fail(str(findings[requirement]), pytrace=False)
