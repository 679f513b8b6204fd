"""Is a submission complete? `pytest tests/test_submission.py --submission PATH` asks it of a file.

Without the option: of this folder's notebook and of the archive that is made for handing it in.
"""

import itertools
import re
import shutil
import subprocess
import sys

import pytest

import submission
from conftest import NOTEBOOK_PATH, given_reports


@pytest.fixture(scope="module")
def archive_to_hand_in(saved_notebook, tmp_path_factory):
    """The archive that the command for handing in makes, which the notebook and the README name."""
    folder = tmp_path_factory.mktemp("submission")
    shutil.copy(NOTEBOOK_PATH, folder)
    [command] = re.findall(r"^python -m zipfile .*$", saved_notebook.cells[-1].source, re.MULTILINE)
    subprocess.run([sys.executable, *command.split()[1:]], cwd=folder, check=True)
    return folder / "submission.zip"


def pytest_generate_tests(metafunc):
    """Ask for each requirement of each given submission, or of this folder's own."""
    cases = [
        (report.file, finding.requirement)
        for report in given_reports(metafunc.config)
        for finding in report.findings
    ]
    if not metafunc.config.getoption("--submission"):
        cases = list(itertools.product(("notebook", "archive"), submission.REQUIREMENTS))
    metafunc.parametrize("subject, requirement", cases)


@pytest.fixture(scope="module")
def findings(request):
    """What is found, by submission and requirement."""
    reports = given_reports(request.config)
    if not request.config.getoption("--submission"):
        reports = [
            submission.Report("notebook", submission.check(NOTEBOOK_PATH)),
            submission.Report(
                "archive", submission.check(request.getfixturevalue("archive_to_hand_in"))
            ),
        ]
    return {
        (report.file, finding.requirement): finding
        for report in reports
        for finding in report.findings
    }


def test_submission(findings, subject, requirement, request):
    """For a given submission, the reasons stand once for all in the summary at the end."""
    finding = findings[subject, requirement]
    is_given = request.config.getoption("--submission")
    if is_given and finding.state == submission.LOOK:
        pytest.skip(f"{subject}: {submission.as_text(finding).splitlines()[0]}")
    if finding.state != submission.HOLDS:
        text = submission.as_text(finding)
        pytest.fail(f"{subject}: {text.splitlines()[0] if is_given else text}", pytrace=False)
