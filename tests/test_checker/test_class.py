"""A class is marked in one command: many files, one table, bounds for all of them together."""

import collections
import csv
import io
import json
import os
import re
import subprocess
import sys
import time
import zipfile

import nbformat
import pytest

import submission
from checker import find
from checker import run as workers
from conftest import ROOT
from sample_notebooks import DATA, fill_in, make_archive, text, write, write_complete
from checker.report import reports_on

CODE = DATA + "\n".join(
    f"model_{n} = build(filters={n}, kernel={n + 1})\nprint('net', {n}, model_{n}.count_params())"
    for n in range(12)
)
RUN = [f"Epoch {n} loss: 0.{1234 + n * n} accuracy: 0.{8123 + n}" for n in range(5)]


def student(path, number, accuracy, name="张三", source="print(accuracy)", lines=()):
    """Write a student's notebook with a filled-in heading and return its path."""
    write(path, (source, text(*lines, f"Test accuracy: {accuracy}")))
    notebook = nbformat.read(path, 4)
    notebook.cells.insert(
        0,
        nbformat.v4.new_markdown_cell(
            "# 作业五\n\n| 学号 Student number | 姓名 Name | 班级 Class |\n|:---:|:---:|:---:|\n"
            f"| {number} | {name} | 计科 1 班 |"
        ),
    )
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def a_class(tmp_path):
    """A folder with a notebook, an archive in an archive, a broken file and other things."""
    folder = tmp_path / "class"
    folder.mkdir()
    student(folder / "a.ipynb", "20230001", "91.31%")
    inner = make_archive(
        tmp_path / "inner.zip",
        {"hw.ipynb": student(tmp_path / "b", "20230002", "85.12%", "李四").read_bytes()},
    )
    make_archive(
        folder / "all.zip",
        {
            "li.zip": inner.read_bytes(),
            "none.zip": b"PK",
            "wang.ipynb": student(tmp_path / "c", "20230003", "80%").read_bytes(),
        },
    )
    (folder / "z.rar").write_bytes(b"Rar!\x1a\x07\x00")
    (folder / "notes.txt").write_text("no submission")
    (folder / ".ipynb_checkpoints").mkdir()
    student(folder / ".ipynb_checkpoints" / "a-checkpoint.ipynb", "20230001", "91.31%")
    return folder


def run(*arguments):
    """Run the command as a teacher does."""
    return subprocess.run(
        [sys.executable, "-X", "utf8", ROOT / "tests" / "submission.py", *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


def test_a_folder_is_marked_in_one_command(a_class, tmp_path):
    result = run(a_class, a_class / "a.ipynb", "--csv", tmp_path / "marks.csv")
    lines = result.stdout.splitlines()
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert [line.split()[:4] for line in lines[2:7]] == [
        ["a.ipynb", "20230001", "张三", "计科"],
        ["all.zip/li.zip", "20230002", "李四", "计科"],
        ["all.zip/none.zip", "archive"],
        ["all.zip/wang.ipynb", "20230003", "张三", "计科"],
        ["z.rar", "archive"],
    ]
    assert (
        "91.31%" in lines[2] and " 10 " in lines[2] and "85.12%" in lines[3] and " 4 " in lines[3]
    )
    assert result.stdout.count("damaged or incomplete") == 1, "each reason stands once"
    assert "5/5" in result.stderr, "progress"
    assert (
        "not read: notes.txt" in lines[-2]
    ), "a student whose file is of another kind is not overlooked"
    content = (tmp_path / "marks.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf"), "Excel reads it as UTF-8"
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert len(rows) == 6 and rows[2][:6] == [
        "all.zip/li.zip",
        "20230002",
        "李四",
        "计科 1 班",
        "85.12%",
        "4",
    ]
    assert "curves" in rows[1][6] and "missing" in rows[1][8]


def test_json_says_the_same(a_class):
    first, *_, last = json.loads(run(a_class, "--json").stdout)
    assert (first["mark"], first["number"], first["accuracy"]) == (
        10,
        "20230001",
        pytest.approx(0.9131),
    )
    assert (
        first["findings"]["order"]["state"] == "holds"
        and last["findings"]["archive"]["state"] == "fails"
    )


def test_exit_status_is_0_only_if_all_holds(tmp_path):
    complete = write_complete(tmp_path / "complete.ipynb")
    assert run(complete).returncode == 0
    student(tmp_path / "a.ipynb", "1", "91.31%")
    assert run(complete, tmp_path).returncode == 1
    (tmp_path / "empty").mkdir()
    nothing = run(tmp_path / "empty")
    assert nothing.returncode == 2 and "没有找到" in nothing.stderr


def test_a_table_that_cannot_be_written_is_said_after_the_marks_are_shown(a_class):
    result = run(a_class / "a.ipynb", "--csv", a_class)
    assert result.returncode == 2 and "cannot write" in result.stderr and "91.31%" in result.stdout


@pytest.mark.parametrize(
    "heading, student_found",
    [
        (
            "| 学号 | 姓名 | 班级 |\n|---|---|---|\n| 2023 | **张三** | 计科 |",
            ("2023", "张三", "计科"),
        ),
        ("# HW\n\n学号：2023　姓名：张三  班级：计科", ("2023", "张三", "计科")),
        ("**姓名**：张三\n\n**学号**: 2023", ("2023", "张三", "")),
        ("Name: Zhang\nStudent ID: 2023\nClass: 1", ("2023", "Zhang", "1")),
        ("# Fashion-MNIST: ten classes", ("", "", "")),
        ("| 学号 | 姓名 | 班级 |\n|---|---|---|\n| ____ | ____ | ____ |", ("", "", "")),
        ("| Layer | Name |\n|---|---|", ("", "", "")),
        ("Name: Tom Smith\nClass: CS 2", ("", "Tom Smith", "CS 2")),
        ("姓名:张 三 班级:计算机 2101 班", ("", "张 三", "计算机 2101 班")),
        (
            "| 姓名 | 张三 |\n|---|---|\n| 学号 | 2023 |\n| 班级 | 计科 1 |",
            ("2023", "张三", "计科 1"),
        ),
        ("| Number | Name |\n|---|---|\n| 7 | Bo |", ("7", "Bo", "")),
    ],
)
def test_number_name_and_class_are_read_from_the_heading(tmp_path, heading, student_found):
    path = student(tmp_path / "a.ipynb", "", "91.31%")
    notebook = nbformat.read(path, 4)
    notebook.cells[0].source = heading
    nbformat.write(notebook, path)
    assert submission.examine(path).student == student_found


def test_patterns_are_followed_where_the_shell_does_not(a_class):
    assert [report.file for report in reports_on([f"{a_class}/*.ipynb"])] == ["a.ipynb"]


def test_pytest_takes_a_folder_and_checks_each_file_once(a_class):
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            ROOT / "tests" / "test_submission.py",
            "--submission",
            a_class,
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=ROOT,
        env=os.environ | {"PYTHONUTF8": "1"},
    )
    assert result.returncode == 1 and "5 submissions, 3 with a mark" in result.stdout
    assert result.stdout.count("20230002") == 1 and "Traceback" not in result.stdout


@pytest.mark.parametrize(
    "names, parts",
    [
        (["zhang/hw.ipynb", "li/hw.ipynb", "wang/hw.ipynb"], 3),
        (["20230001.ipynb", "20230002.ipynb", "20230003_b.ipynb"], 3),
        (["zhang/hw.ipynb", "zhang/old.ipynb", "li/hw.ipynb"], 0),
        (["a.ipynb", "b.ipynb", "c.ipynb"], 0),
        (["x/hw.ipynb", "y/hw.ipynb"], 0),
    ],
)
def test_a_class_in_an_archive_is_told_from_one_submission_with_too_much(tmp_path, names, parts):
    path = make_archive(tmp_path / "x.zip", dict.fromkeys(names, "{}"))
    answer = submission.examine(path)
    assert (
        len(answer.parts) == parts
        if parts
        else f"holds {len(names)} notebooks" in str(answer.findings[0])
    )


def test_archives_in_archives_are_opened_three_deep_only(tmp_path):
    content = student(tmp_path / "a.ipynb", "1", "91.31%").read_bytes()
    for depth in range(30):
        path = make_archive(
            tmp_path / f"{depth}.zip", {"x.ipynb" if depth == 0 else "inner.zip": content}
        )
        content = path.read_bytes()
    assert [report.mark for report in reports_on([tmp_path / "3.zip"])] == [10]
    for depth in (4, 29):
        [report] = reports_on([tmp_path / f"{depth}.zip"])
        assert "in archives more than 3 deep" in report.findings[0].reason[1]


def test_a_bomb_in_the_shape_of_a_class_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(find, "LARGEST_CLASS", 1_000_000)
    path = make_archive(
        tmp_path / "x.zip", {f"{number}/hw.ipynb": bytes(400_000) for number in range(3)}
    )
    assert "was not read" in str(submission.examine(path).findings[0])


def test_an_archive_of_very_many_submissions_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("checker.report.MOST_SUBMISSIONS", 4)
    path = make_archive(tmp_path / "x.zip", {f"{number}/hw.ipynb": "{}" for number in range(50)})
    reports = reports_on([path, path.with_name("y.zip")])
    assert len(reports) == 5 and "47 more were not read" in str(reports[-1].findings[0])


@pytest.mark.parametrize(
    "entry, safe",
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@x", "'@x"),
        ("张三", "张三"),
        ("202301010123", "\t202301010123"),
        ("20230001", "20230001"),
        ("00230001", "\t00230001"),
    ],
)
def test_an_entry_is_text_in_a_spreadsheet_program(tmp_path, entry, safe):
    student(tmp_path / "a.ipynb", entry, "91.31%", name=entry)
    submission.write_csv(reports_on([tmp_path / "a.ipynb"]), tmp_path / "marks.csv")
    assert list(csv.reader((tmp_path / "marks.csv").open(encoding="utf-8-sig", newline="")))[1][
        1:3
    ] == [safe, safe]


def copies(tmp_path, *students):
    """Return what is said on copies of each of these (source, lines)."""
    for number, (source, lines) in enumerate(students):
        student(tmp_path / f"{number}.ipynb", number, f"91.{number}%", source=source, lines=lines)
    return [report.findings[-1] for report in reports_on([tmp_path])]


@pytest.mark.parametrize(
    "source, state",
    [
        (CODE.replace("model_", "net_").replace("build", "make"), "look"),
        ("# mine\n" + CODE.replace(" = ", "="), "look"),
        (CODE.replace("kernel=3", "kernel=7"), "holds"),
        (CODE + "\nprint(1)", "holds"),
    ],
)
def test_the_same_code_is_noticed(tmp_path, source, state):
    found = copies(tmp_path, (CODE, []), (source, []), ("x = 1", []))
    assert [finding.state for finding in found] == [state, state, "holds"]
    assert (
        state == "holds"
        or "1.ipynb" in found[0].reason[1]
        and "a person has to judge" in found[0].hint[1]
    )


def test_the_same_number_twice_is_noticed(tmp_path):
    for name in ("a", "b"):
        student(tmp_path / f"{name}.ipynb", "20230001", "91.31%")
    first, second = [report.findings[-1] for report in reports_on([tmp_path])]
    assert (
        first.state == second.state == "look" and "same student number: b.ipynb" in first.reason[1]
    )


def test_a_blank_heading_is_said(tmp_path):
    student(tmp_path / "a.ipynb", "____", "91.31%")
    assert "name or class is blank: a.ipynb" in run(tmp_path).stdout


def test_little_code_is_the_same_by_chance(tmp_path):
    assert {finding.state for finding in copies(tmp_path, ("x = 1", []), ("y = 1", []))} == {
        "holds"
    }


def test_the_same_digits_of_a_whole_run_are_noticed(tmp_path):
    other = [line.replace("loss: 0.12", "loss: 0.13") for line in RUN]
    timed = [line.replace(" loss", " - 3s 4ms/step - loss") for line in RUN]
    found = copies(
        tmp_path,
        ("a = 1", RUN),
        ("b = f(2)", timed),
        ("c = [3]", other),
        ("d = {}", RUN[:1]),
        ("e = ()", RUN[:1]),
    )
    assert [finding.state for finding in found] == ["look", "look", "holds", "holds", "holds"]


def test_the_released_notebook_with_a_name_filled_in_is_noticed(tmp_path):
    notebook = nbformat.read(ROOT / "fashion_mnist_keras.ipynb", 4)
    fill_in(notebook, "张三")
    nbformat.write(notebook, tmp_path / "a.ipynb")
    [report] = reports_on([tmp_path / "a.ipynb"])
    assert report.requirements("look") == ["copies"]
    assert re.search(
        "same code .*: .*the released notebook.* same digits .*: .*the released notebook",
        report.findings[-1].reason[1],
    )
    assert "Run All yourself" in report.findings[-1].hint[1], "the outputs are not the student's"


def test_whoever_uses_the_released_notebook_is_told_that_it_is_all_right(tmp_path):
    notebook = nbformat.read(ROOT / "fashion_mnist_keras.ipynb", 4)
    for cell in notebook.cells:  # Everybody's own run prints other digits.
        if cell.get("id") in ("fit", "long-trial", "six-conv-fit"):
            cell.outputs = text("trained")
    for name in ("a", "b"):
        fill_in(notebook, name)
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    for report in reports_on([tmp_path]):
        copies = report.findings[-1]
        assert "hand it in all the same" in copies.hint[1] and ".ipynb" not in copies.reason[1]


def test_json_gives_advice_only_where_something_is_to_be_done(tmp_path):
    student(tmp_path / "a.ipynb", "1", "91.31%")
    [report] = json.loads(submission.as_json(reports_on([tmp_path / "a.ipynb"])))
    for finding in report["findings"].values():
        assert any(finding["hint"]) == (finding["state"] != "holds"), finding


def test_a_job_that_takes_too_long_is_stopped_and_the_others_are_done(monkeypatch):
    monkeypatch.setattr(workers, "SECONDS", 1)
    start, jobs = time.monotonic(), collections.deque([(60,), (0,), (0.1,)])
    assert dict(workers.answers(time.sleep, jobs)) == {
        (60,): workers.TOO_LONG,
        (0,): None,
        (0.1,): None,
    }
    assert time.monotonic() - start < 20


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits the time by the clock")
def test_the_limit_counts_the_processor_s_time_so_that_waiting_stops_no_honest_file(monkeypatch):
    monkeypatch.setattr(workers, "SECONDS", 1)
    monkeypatch.setattr(workers, "PATIENCE", 60)
    assert list(workers.answers(time.sleep, collections.deque([(3,)]))) == [((3,), None)]
    endless, start = (range(10**12),), time.monotonic()
    assert dict(workers.answers(sum, collections.deque([endless]))) == {endless: workers.TOO_LONG}
    assert time.monotonic() - start < 50, "stopped before the clock's limit"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit a process's memory so")
def test_a_job_that_needs_too_much_memory_is_stopped():
    size, jobs = 2_000_000_000, collections.deque([(2_000_000_000,), (1,)])
    assert dict(workers.answers(bytes, jobs)) == {(size,): workers.TOO_LARGE, (1,): b"\0"}


def test_a_process_that_dies_costs_its_own_job_only():
    jobs = collections.deque([(3,), (4,)])
    assert {answer for _, answer in workers.answers(os._exit, jobs)} == {workers.TOO_LARGE}


def test_all_jobs_together_are_bounded(monkeypatch):
    monkeypatch.setattr(workers, "SECONDS_IN_ALL", 3)
    start, jobs = time.monotonic(), collections.deque([(1.5,)] * 40)
    answers = [answer for _, answer in workers.answers(time.sleep, jobs)]
    assert len(answers) == 40 and workers.NO_TIME in answers and time.monotonic() - start < 20


def test_system_files_and_links_in_a_folder_are_no_submissions(tmp_path):
    student(tmp_path / "a.ipynb", "1", "91.31%")
    (tmp_path / "._a.ipynb").write_bytes(b"\x00")
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "b.ipynb").write_bytes(b"\x00")
    try:
        (tmp_path / "link.ipynb").symlink_to(ROOT / "fashion_mnist_keras.ipynb")
    except OSError:
        pass  # Windows lets few users make one.
    assert list(find.submission_paths([tmp_path, tmp_path / "a.ipynb"])) == [tmp_path / "a.ipynb"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_part_of_an_archive_is_read_by_its_place_not_its_name(tmp_path):
    """Two members may have the same name."""
    contents = [
        student(tmp_path / "a.ipynb", "1", accuracy).read_bytes()
        for accuracy in ("91.31%", "87.5%")
    ]
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for content in contents:
            inner = make_archive(tmp_path / "inner.zip", {"hw.ipynb": content}).read_bytes()
            archive.writestr("same.zip", inner)
    assert [report.mark for report in reports_on([tmp_path / "x.zip"])] == [10, 6]
