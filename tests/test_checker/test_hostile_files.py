"""The checker of submissions, on files that are wrong, damaged or hostile."""

import json
import re
import struct
import time
import zipfile

import nbformat
import pytest

import submission
from conftest import NOTEBOOK_PATH, code_cells, printed_text
from sample_notebooks import DATA, NAME, unmet, fill_in, found, make_archive, states, text, write


@pytest.fixture
def genuine():
    return NOTEBOOK_PATH.read_bytes()


def change_flag_bits(path, bits):
    """Set flag bits of the first member, in both of its headers, as an encrypting program would."""
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = content.index(signature) + offset
        flags = struct.unpack_from("<H", content, start)[0]
        struct.pack_into("<H", content, start, flags | bits)
    path.write_bytes(content)


def encrypted(path, genuine):
    make_archive(path, {NAME: genuine})
    change_flag_bits(path, 0x1)


def truncated(path, genuine):
    make_archive(path, {NAME: genuine})
    path.write_bytes(path.read_bytes()[:-2_000])


def damaged_inside(path, genuine):
    make_archive(path, {NAME: genuine})
    content = bytearray(path.read_bytes())
    content[5_000:6_000] = bytes(1_000)
    path.write_bytes(content)


def bomb(path, genuine):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(
        NAME, "w"
    ) as member:
        for _ in range(200):
            member.write(bytes(1_000_000))


def bomb_that_lies_about_its_size(path, genuine):
    bomb(path, genuine)
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\x01\x02")
    struct.pack_into("<I", content, start + 24, 1_000)
    path.write_bytes(content)


def bzip2_bomb(path, genuine):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr(NAME, bytes(50_000_000))


def long_directory(path, genuine):
    """200,000 members without contents, whose list alone would take hundreds of megabytes."""
    member = b"PK\x01\x02" + bytes(24) + (1).to_bytes(2, "little") + bytes(16) + b"x"
    size = len(member) * 200_000
    path.write_bytes(
        member * 200_000 + b"PK\x05\x06" + bytes(8) + size.to_bytes(4, "little") + bytes(6)
    )


def large_inner_archive(path, genuine):
    make_archive(path, {"inner.zip": b"PK" + bytes(25_000_000)})


def name_that_forges_the_report(path, genuine):
    make_archive(path, {"x\n✓ archive\x1b[2J.txt/../a.ipynb": genuine})


def link(path, genuine):
    member = zipfile.ZipInfo(NAME)
    member.create_system, member.external_attr = 3, 0o120777 << 16
    make_archive(path, {member: "/etc/passwd"})


@pytest.mark.parametrize(
    "make, message",
    [
        (encrypted, "encrypted"),
        (truncated, "damaged or incomplete"),
        (damaged_inside, "damaged or incomplete"),
        (bzip2_bomb, "unusual compression"),
        (name_that_forges_the_report, "x?✓ archive?[2J"),
        (bomb, "more than 10 MB"),
        (bomb_that_lies_about_its_size, "damaged or incomplete"),
        (
            lambda path, genuine: make_archive(path, {f"../../{NAME}": genuine}),
            "points out of the archive",
        ),
        (
            lambda path, genuine: make_archive(path, {f"/etc/{NAME}": genuine}),
            "points out of the archive",
        ),
        (
            lambda path, genuine: make_archive(path, {f"C:\\{NAME}": genuine}),
            "points out of the archive",
        ),
        (link, "is a link"),
        (
            lambda path, genuine: make_archive(path, {NAME: genuine, f"copy/{NAME}": genuine}),
            "holds 2 notebooks",
        ),
        (lambda path, genuine: make_archive(path, {"README.md": "nothing"}), "holds 0 notebooks"),
        (
            lambda path, genuine: make_archive(
                path, {f"{number}.txt": "" for number in range(10_001)}
            ),
            "holds 10001 files; at most 1000 are read",
        ),
        (lambda path, genuine: path.write_bytes(b""), "is empty"),
        (lambda path, genuine: path.write_bytes(b"Rar!\x1a\x07\x00" + bytes(50)), ".rar"),
        (lambda path, genuine: path.write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(50)), ".7z"),
        (lambda path, genuine: path.write_bytes(b"hello"), "damaged or incomplete"),
        (
            lambda path, genuine: path.write_bytes(b"PK" + bytes(25_000_000)),
            "damaged or incomplete",
        ),
        (long_directory, "> 1000 files; at most 1000"),
        (large_inner_archive, "more than 20 MB"),
        (lambda path, genuine: None, "There is no file"),
    ],
)
def test_hostile_archive_gets_its_own_message(tmp_path, genuine, make, message):
    path = tmp_path / "submission.zip"
    make(path, genuine)
    before = set(tmp_path.rglob("*"))
    findings = found(path)
    assert list(findings) == unmet(path) == ["archive"] and message in str(findings["archive"])
    assert (
        findings["archive"].state == "fails" and set(tmp_path.rglob("*")) == before
    ), "nothing is unpacked"


@pytest.mark.parametrize(
    "content",
    [
        b"<html>not found</html>",
        b"[" * 100_000,
        b'{"cells": ' * 50_000,
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe\x00",
        b'{"worksheets": [7], "metadata": {}, "nbformat": 3, "nbformat_minor": 0}',
        b'{"cells": [{"cell_type": "code"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        b'{"cells": ['
        + b"[]," * 1_000
        + b'[]], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        b'{"cells": [], "metadata": {}, "nbformat": 5, "nbformat_minor": 0}',
        b'{"cells": [], "metadata": {}, "nbformat": "4", "nbformat_minor": 5}',
        b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 9}',
        b'{"cells": 7, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        b'{"metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    ],
)
def test_file_that_is_no_notebook_says_so(tmp_path, content):
    path = tmp_path / NAME
    path.write_bytes(content)
    assert unmet(path) == ["format"] and "not a valid notebook" in str(found(path)["format"])


def test_notebook_of_200_megabytes_is_not_read(tmp_path):
    path = tmp_path / NAME
    with path.open("wb") as file:
        file.truncate(200_000_000)
        file.write(b"{")
    assert unmet(path) == ["archive"] and "more than 10 MB" in str(found(path)["archive"])


@pytest.mark.parametrize(
    "source, message", [("x = 1  #" + "a" * 300_000, "code is too long"), ("  ", "no code cell")]
)
def test_code_that_is_too_long_or_not_there_is_refused(tmp_path, source, message):
    path = write(tmp_path / NAME, (source, []))
    finding = found(path)["format"]
    assert unmet(path) == ["format"] and message in finding.reason[1]
    assert "archive" not in finding.hint[1], "packing it again would not help"


@pytest.mark.parametrize(
    "source",
    [
        "(" * 5_000,
        "-" * 50_000 + "1",
        "def broken(:",
        "\x00",
        "x = " + "1+" * 50_000 + "1",
        "%a\n(" * 20_000,
    ],
)
def test_code_that_cannot_be_parsed_needs_a_look_and_is_no_crash(tmp_path, source):
    path = write(tmp_path / NAME, (source, []))
    assert states(path)["format"] == "look" and "Code cell 1, line" in str(found(path)["format"])


def test_too_many_values_are_not_read(tmp_path):
    path = write(tmp_path / NAME, ("print(x)", text("1," * 500_001)))
    assert unmet(path) == ["format"] and "too many values" in str(found(path)["format"])


TABLE = "<table>" + ("<tr><th>5</th>" + "<td>0.142857</td>" * 10 + "</tr>\n") * 930 + "</table>"
EVALUATED = DATA + "loss, acc = model.evaluate(x_test, y_test)\n"


@pytest.mark.parametrize(
    "source, lines",
    [
        ("def f():0\n" * 29_000, "x"),
        ("?" * 290_000, "x"),
        (" " * 290_000 + "=", "x"),
        ("%a\n" * 90_000, "x"),
        ("a = f(" + "a, " * 30_000 + ")", "x"),
        ("Adam(learning_rate=a)\na = a[0]", "x"),
        ('x = {"rate": x}\nAdam(x)', "x"),
        ("a = f(a)\n" * 2_000 + "Adam(a)\n" * 100, "x"),
        ("def f(a, b): return f(b, a)\n" + "f(x, y)\nx = f(y, 1)\n" * 3_000, "x"),
        ("".join(f"a{n} = {{'k': a{n - 1}, 'j': a{n // 2}['k']}}\n" for n in range(2_000)), "x"),
        ("".join(f"def f{n}(): f{n + 1}(); plt.plot(acc)\n" for n in range(4_000)) + "f0()", "x"),
        (
            EVALUATED + "print(acc)\n" * 20_000,
            "".join(f"{number / 10**6:.6f}\n" for number in range(500_000)),
        ),
        ("x", ("test acc" + " " * 130 + "\n") * 68_000),
        ("x", "test acc " * 1_000_000),
        ("x", "Test accuracy: 0.9\n" * 400_000),
        ("x", "<" * 3_000_000),
        ("x", "| " * 4_000_000),
        ("x", "\b" * 4_500_000),
        ("x", "得分" + "（" * 3_000_000),
        ("!pip install x\n" * 50 + "(" * 40_000, "x"),
        ("show()", [TABLE] * 49),
    ],
)
def test_what_is_made_to_be_slow_is_read_in_seconds(tmp_path, source, lines):
    """A reader whose time grows with the square of its input would need minutes for these."""
    path = write(tmp_path / NAME, (source, []))
    notebook = json.loads(path.read_text())
    notebook["cells"][0]["outputs"] = [
        nbformat.v4.new_output("display_data", {f"text/{'html' if '<' in part else 'plain'}": part})
        for part in ([lines] if isinstance(lines, str) else lines)
    ]
    path.write_text(json.dumps(notebook, ensure_ascii=False))
    assert path.stat().st_size < 10_000_000
    start = time.process_time()
    assert len(submission.check(path)) == len(submission.REQUIREMENTS)
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    "members, remark",
    [
        ({NAME: None, f"__MACOSX/._{NAME}": b"\x00\x05", ".DS_Store": b"x"}, "Ignored 2 files"),
        ({f"作业五/提交/{NAME}": None}, "inside a folder"),
        ({"作业五.ipynb": None}, "Read 作业五.ipynb"),
        ({"HW5.IPYNB": None}, "Read HW5.IPYNB"),
        (
            {NAME: None, ".ipynb_checkpoints/fashion_mnist_keras-checkpoint.ipynb": None},
            "Ignored 1 files",
        ),
        ({NAME: None, r"hw\.ipynb_checkpoints\x.ipynb": None}, "Ignored 1 files"),
        ({NAME: None, "data.zip": b"PK\x05\x06" + bytes(18)}, "Read fashion"),
    ],
)
def test_harmless_oddities_are_told_and_accepted(tmp_path, genuine, members, remark):
    path = make_archive(
        tmp_path / "submission.zip",
        {name: genuine if content is None else content for name, content in members.items()},
    )
    assert unmet(path) == [] and remark in str(found(path)["archive"])


@pytest.mark.parametrize("encoding", ["gbk", "utf-8"])
def test_chinese_name_is_shown_as_it_was(tmp_path, genuine, encoding):
    """Windows stores the name's GBK bytes, macOS its UTF-8 bytes, and neither says so."""
    stored = "作业".encode(encoding)
    path = make_archive(tmp_path / "submission.zip", {"X" * len(stored) + ".ipynb": genuine})
    path.write_bytes(path.read_bytes().replace(b"X" * len(stored) + b".ipynb", stored + b".ipynb"))
    assert unmet(path) == [] and "作业.ipynb" in str(found(path)["archive"])


@pytest.mark.parametrize("entry, blank", [("____________", True), ("20260001", False)])
def test_blank_name_is_mentioned(tmp_path, entry, blank):
    notebook = nbformat.read(NOTEBOOK_PATH, as_version=4)
    fill_in(notebook, entry)
    path = tmp_path / NAME
    nbformat.write(notebook, path)
    assert unmet(path) == [] and ("still blank" in str(found(path)["format"])) == blank
    assert submission.examine(path).student == (("",) * 3 if blank else (entry,) * 3)


def run_a_cell_again(notebook):
    code_cells(notebook)[-1].execution_count = 99


def clear_an_output(notebook):
    [cell, *_] = [
        cell
        for cell in code_cells(notebook)
        if re.search(r"^print\(", cell.source, re.MULTILINE) and "ccuracy" not in printed_text(cell)
    ]
    cell.outputs = []


def clear_all(notebook):
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None


def add_an_error(notebook):
    [cell, *_] = [cell for cell in code_cells(notebook) if "Course score" in printed_text(cell)]
    cell.outputs.append(
        nbformat.v4.new_output("error", ename="ValueError", evalue="", traceback=[])
    )


def drop_the_curves(notebook):
    for cell in code_cells(notebook):
        if any("image/png" in output.get("data", {}) for output in cell.outputs):
            cell.outputs = text("no figure")


def claim_a_better_score(notebook):
    code_cells(notebook)[-1].outputs += text("Course score: 9 / 10")


def claim_another_accuracy(notebook):
    code_cells(notebook)[-1].outputs += text("Test accuracy 97.51%")


def import_another_package(notebook):
    code_cells(notebook)[-1].source += "\nimport torch.nn"


def import_another_package_by_name(notebook):
    code_cells(notebook)[-1].source += "\nimportlib.import_module('torch.nn')"


def change_the_learning_rate(notebook):
    [cell] = [
        cell for cell in code_cells(notebook) if "parameters" in cell.metadata.get("tags", [])
    ]
    cell.source, changes = re.subn(r"(\blearning_rate\W{1,5})1e-3", r"\g<1>1e-2", cell.source)
    assert changes


def print_a_path(notebook):
    code_cells(notebook)[-1].outputs += text("saved to /home/student/model.keras")


def warn(notebook):
    code_cells(notebook)[-1].outputs.append(
        nbformat.v4.new_output("stream", name="stderr", text="warning")
    )


@pytest.mark.parametrize(
    "change, expected",
    [
        (run_a_cell_again, ["order"]),
        (clear_an_output, ["outputs"]),
        (clear_all, ["order", "outputs", "curves", "accuracy"]),
        (add_an_error, ["errors"]),
        (drop_the_curves, ["curves"]),
        (claim_a_better_score, ["accuracy"]),
        (claim_another_accuracy, ["accuracy"]),
        (import_another_package, ["packages"]),
        (import_another_package_by_name, ["packages"]),
        (change_the_learning_rate, ["assignment"]),
        (print_a_path, ["privacy"]),
        (warn, ["privacy"]),
    ],
)
def test_each_requirement_is_seen_not_to_hold(tmp_path, change, expected):
    notebook = nbformat.read(NOTEBOOK_PATH, as_version=4)
    change(notebook)
    path = tmp_path / NAME
    nbformat.write(notebook, path)
    assert unmet(path) == expected
