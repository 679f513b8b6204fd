"""The checker of submissions, on files that are wrong, damaged or hostile."""

import base64
import io
import re
import struct
import time
import zipfile

import matplotlib.pyplot as plt
import nbformat
import pytest

import submission
from conftest import NOTEBOOK_PATH
from test_saved_notebook import code_cells

NAME = "fashion_mnist_keras.ipynb"


def check(path):
    """Return the findings and, of those that do not hold, the requirements."""
    findings = submission.check(path)
    for finding in findings:
        assert all(finding.reason) and (finding.holds or all(finding.hint)), finding
    return findings, [finding.requirement for finding in findings if not finding.holds]


def make_archive(path, members):
    """Write a zip archive of the given contents and return its path."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


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
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(NAME, "w") as member:
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


def name_that_forges_the_report(path, genuine):
    make_archive(path, {"x\n✓ archive\x1b[2J.txt/../a.ipynb": genuine})


def link(path, genuine):
    member = zipfile.ZipInfo(NAME)
    member.create_system, member.external_attr = 3, 0o120777 << 16
    make_archive(path, {member: "/etc/passwd"})


@pytest.mark.parametrize("make, message", [
    (encrypted, "encrypted"), (truncated, "damaged or incomplete"), (damaged_inside, "damaged or incomplete"),
    (bzip2_bomb, "unusual compression"), (name_that_forges_the_report, "x?✓ archive?[2J"),
    (bomb, "more than 10 MB"), (bomb_that_lies_about_its_size, "damaged or incomplete"),
    (lambda path, genuine: make_archive(path, {f"../../{NAME}": genuine}), "points out of the archive"),
    (lambda path, genuine: make_archive(path, {f"/etc/{NAME}": genuine}), "points out of the archive"),
    (lambda path, genuine: make_archive(path, {f"C:\\{NAME}": genuine}), "points out of the archive"),
    (link, "is a link"),
    (lambda path, genuine: make_archive(path, {NAME: genuine, f"copy/{NAME}": genuine}), "holds 2 notebooks"),
    (lambda path, genuine: make_archive(path, {"README.md": "nothing"}), "holds 0 notebooks"),
    (lambda path, genuine: make_archive(path, {f"{number}.txt": "" for number in range(1_001)}), "1001 files"),
    (lambda path, genuine: path.write_bytes(b""), "is empty"),
    (lambda path, genuine: path.write_bytes(b"Rar!\x1a\x07\x00" + bytes(50)), ".rar"),
    (lambda path, genuine: path.write_bytes(b"7z\xbc\xaf\x27\x1c" + bytes(50)), ".7z"),
    (lambda path, genuine: path.write_bytes(b"hello"), "damaged or incomplete"),
    (lambda path, genuine: None, "There is no file"),
])
def test_hostile_archive_gets_its_own_message(tmp_path, genuine, make, message):
    path = tmp_path / "submission.zip"
    make(path, genuine)
    before = set(tmp_path.rglob("*"))
    [finding], failed = check(path)
    assert failed == ["archive"] and message in str(finding)
    assert set(tmp_path.rglob("*")) == before, "nothing is unpacked"


@pytest.mark.parametrize("content", [
    b"<html>not found</html>", b"[" * 100_000, b'{"cells": ' * 50_000, b"[]", b"null", b'"text"', b"\xff\xfe\x00",
    b'{"cells": [], "metadata": {}, "nbformat": 3, "nbformat_minor": 0}',
    b'{"cells": [{"cell_type": "code"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    b'{"cells": [' + b"[]," * 1_000 + b'[]], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    b'{"cells": [], "metadata": {}, "nbformat": 5, "nbformat_minor": 0}',
    b'{"cells": [], "metadata": {}, "nbformat": "4", "nbformat_minor": 5}',
    b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 9}',
    b'{"cells": 7, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
])
def test_file_that_is_no_notebook_says_so(tmp_path, content):
    path = tmp_path / NAME
    path.write_bytes(content)
    findings, failed = check(path)
    assert failed == ["format"] and "not a valid notebook" in str(findings[-1])


def test_notebook_of_200_megabytes_is_not_read(tmp_path):
    path = tmp_path / NAME
    with path.open("wb") as file:
        file.truncate(200_000_000)
        file.write(b"{")
    [finding], failed = check(path)
    assert failed == ["archive"] and "more than 10 MB" in str(finding)


def write(path, *cells):
    """Write a notebook whose cells have these (source, outputs) and return its path."""
    notebook = nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_code_cell(source, execution_count=number, outputs=outputs)
        for number, (source, outputs) in enumerate(cells, start=1)])
    nbformat.write(notebook, path)
    return path


def picture():
    figure, axis = plt.subplots()
    axis.plot([1, 2])
    buffer = io.BytesIO()
    figure.savefig(buffer)
    plt.close(figure)
    return nbformat.v4.new_output("display_data", {"image/png": base64.b64encode(buffer.getvalue()).decode()})


def text(*lines):
    return [nbformat.v4.new_output("stream", text="\n".join(lines))]


@pytest.mark.parametrize("source, message", [
    ("(" * 5_000, "not valid Python"), ("-" * 50_000 + "1", "not valid Python"), ("def broken(:", "not valid Python"),
    ("\x00", "not valid Python"), ("x = " + "1+" * 50_000 + "1", "not valid Python"),
    ("x = 1  #" + "a" * 300_000, "code is too long"), ("  ", "no code cell"),
])
def test_code_that_cannot_be_parsed_is_refused_and_no_crash(tmp_path, source, message):
    findings, failed = check(write(tmp_path / NAME, (source, [])))
    assert failed == ["format"] and message in str(findings[-1])


def test_too_many_values_are_not_read(tmp_path):
    path = write(tmp_path / NAME, ("print(x)", text("1," * 100_001)))
    findings, failed = check(path)
    assert failed == ["format"] and "too many values" in str(findings[-1])


@pytest.mark.parametrize("source", [
    "def f():0\n" * 29_000, "?" * 290_000, " " * 290_000 + "=", "%a\n" * 90_000, "a = f(" + "a, " * 30_000 + ")",
    "Adam(learning_rate=a)\na = a[0]", 'x = {"learning_rate": x}\nAdam(x)',
])
def test_code_made_to_be_slow_is_read_all_the_same(tmp_path, source):
    """A reader whose time grows with the square of its input would need minutes for these, not seconds."""
    path, start = write(tmp_path / NAME, (source, [])), time.process_time()
    findings, _ = check(path)
    assert len(findings) >= 2 and time.process_time() - start < 30


@pytest.mark.parametrize("source", [
    "x = 3\nprint('%.2f'\n      % x)", "try:\n    %tensorflow_version 2.x\nexcept Exception:\n    pass",
    "files = !ls", "t = %timeit -o f()", "model.fit?", "%%time\nx = 1", "if x:\n    !ls",
    "%time model.fit(x)", "%time\nx = 1", "%matplotlib inline\ndef f():\n    return '训练'",
    "# a\u2028b\ndef f(): pass",
])
def test_what_ipython_allows_is_no_fault(tmp_path, source):
    _, failed = check(write(tmp_path / NAME, (source, text("x"))))
    assert "format" not in failed


@pytest.mark.parametrize("lines, accuracy", [
    (["Test accuracy: 94.21%, test loss: 0.6"], "94.21%"), (["Test accuracy: 0.9412000179290771"], "94.12%"),
    (["test_acc = 0.91"], "91.00%"), (["测试集上的准确率：91.5 %"], "91.50%"), (["测试准确率为 0.9"], "90.00%"),
    (["\x1b[1mTest accuracy\x1b[0m: \x1b[1m0.9123"], "91.23%"), (["Accuracy on the test set: 93.1"], "93.10%"),
    (["Test accuracy      |      91.2%", "Test accuracy: 0.9123"], "91.23%"),
    (["Test accuracy: 87.996%", "Course score: 6 / 10"], "88.00%"),
    (["Test accuracy after 20 epochs: 91.23%"], None), (["Test accuracy: 1/10"], None),
    (["test accuracy improved"], None),
    (["Test accuracy: 0.8799", "Test accuracy: 0.8802"], None), (["Test accuracy: 194%"], None),
    (["Test accuracy: 0.85", "score: 10"], None), (["Test accuracy: 0.85", "得分 10分"], None),
    (["Test accuracy: 0.85", "Course score: 10.0 / 10"], None), (["测试准确率：0.885", "得分（满分 10 分）：8"], "88.50%"),
    (["Test accuracy: 91.2%", "F1 score for class 3: 0.8", "score 91.2%"], "91.20%"),
    (["Test accuracy: 88.6%", "Course score: 8 / 10"], "88.60%"),  # may be 88.57 %
    (["Test accuracy: 88.60%", "Course score: 6 / 10"], None),
])
def test_printed_accuracy_is_read_as_a_person_would(tmp_path, lines, accuracy):
    findings, failed = check(write(tmp_path / NAME, ("print(accuracy)", text(*lines))))
    [finding] = [finding for finding in findings if finding.requirement == "accuracy"]
    assert finding.holds == (accuracy is not None)
    assert accuracy is None or f"Test accuracy {accuracy}" in str(finding)


DATA = "(x, y), _ = tf.keras.datasets.fashion_mnist.load_data()\n"


@pytest.mark.parametrize("source, holds", [
    ("model.compile('adam')\nmodel.fit(x, y, batch_size=128)", True),
    ("lr, batch_size = 1e-3, 128\nmodel.compile(Adam(lr))\nmodel.fit(x, y, batch_size=batch_size)", True),
    ("p = {'rate': 1e-3, 'size': 128}\nAdam(learning_rate=p['rate'])\ndata.batch(p['size'])", True),
    ("def train(size=128, rate: float = 1e-3):\n"
     "    Adam(CosineDecay(0.0, 9, warmup_target=rate))\n    data.batch(size)", True),
    ("Adam()\nmodel.fit(x, y, 128, 10)", True), ("Adam()\n%time model.fit(x, y, batch_size=128)", True),
    ("Adam()\nmodel.fit(x, y, 32, 128)", False),
    ("Adam(0.01)\nmodel.fit(x, y, batch_size=128)", False),
    ("learning_rate = 1e-3\nSGD(learning_rate)  # instead of adam\nmodel.fit(x, y, batch_size=128)", False),
    ("Adam(learning_rate=5e-3)\nlr = 0.001\nmodel.fit(x, y, batch_size=128)", False),
    ("Adam()\nmodel.fit(x, y, batch_size=32)\nmodel.predict(x, batch_size=128)", False),
    ("Adamax()\nmodel.fit(x, y, batch_size=128)", False),
])
def test_values_of_the_assignment_are_found_where_they_are_used(tmp_path, source, holds):
    _, failed = check(write(tmp_path / NAME, (DATA + source, text("x"))))
    assert ("assignment" not in failed) == holds


@pytest.mark.parametrize("source, holds", [
    ("for key in history.history:\n    plt.plot(history.history[key])", True),
    ("for key, values in history.history.items():\n    plt.plot(values)", True),
    ("plt.plot(train_accs)\nplt.plot(train_losses)", True),
    ("model.compile(loss='x', metrics=['accuracy'])\nplt.imshow(x[0])", False),
    ("plt.plot(history['loss'])", False),
])
def test_curves_are_those_of_accuracy_and_loss(tmp_path, source, holds):
    _, failed = check(write(tmp_path / NAME, (source, [picture()])))
    assert ("curves" not in failed) == holds


@pytest.mark.parametrize("line, found", [
    (r"'C:\\Users\\me'", True), ("C:/Users/me", True), ("file:///home/me/x", True), ("/content/drive", True),
    ("/Volumes/Disk/data", True), ("loss /acc/val", False), ("shape (n, 28, 28)", False),
    ("https://example.org/home/page", False), ("see https://example.org//home/page.", False),
])
def test_paths_of_a_machine_are_told_from_other_text(tmp_path, line, found):
    _, failed = check(write(tmp_path / NAME, ("print(x)", text(line))))
    assert ("privacy" in failed) == found


@pytest.mark.parametrize("members, remark", [
    ({NAME: None, f"__MACOSX/._{NAME}": b"\x00\x05", ".DS_Store": b"x"}, "Ignored 2 files"),
    ({f"作业五/提交/{NAME}": None}, "inside a folder"),
    ({"作业五.ipynb": None}, "Read 作业五.ipynb"), ({"HW5.IPYNB": None}, "Read HW5.IPYNB"),
    ({NAME: None, ".ipynb_checkpoints/fashion_mnist_keras-checkpoint.ipynb": None}, "Ignored 1 files"),
])
def test_harmless_oddities_are_told_and_accepted(tmp_path, genuine, members, remark):
    path = make_archive(tmp_path / "submission.zip", {
        name: genuine if content is None else content for name, content in members.items()})
    findings, failed = check(path)
    assert failed == [] and remark in str(findings[0])


def test_archive_of_many_megabytes_is_not_opened(tmp_path):
    path = tmp_path / "submission.zip"
    with path.open("wb") as file:
        file.write(b"PK")
        file.truncate(25_000_000)
    [finding], failed = check(path)
    assert failed == ["archive"] and "more than 20 MB" in str(finding)


@pytest.mark.parametrize("entry, blank", [("____________", True), ("20260001", False)])
def test_blank_name_is_mentioned(tmp_path, entry, blank):
    notebook = nbformat.read(NOTEBOOK_PATH, as_version=4)
    # The heading's last line, which a student may have filled in already.
    heading, lines = re.subn(r"(?m)(?<=:\|\n)\|.*\|$", f"| {entry} | {entry} | {entry} |", notebook.cells[0].source)
    notebook.cells[0].source = heading
    path = tmp_path / NAME
    nbformat.write(notebook, path)
    findings, failed = check(path)
    assert lines == 1 and failed == [] and ("still blank" in str(findings[1])) == blank


def test_chinese_name_in_gbk_is_shown_as_it_was(tmp_path, genuine):
    """Windows stores the name's GBK bytes without saying so."""
    path = make_archive(tmp_path / "submission.zip", {"XXXX.ipynb": genuine})
    path.write_bytes(path.read_bytes().replace(b"XXXX.ipynb", "作业".encode("gbk") + b".ipynb"))
    findings, failed = check(path)
    assert failed == [] and "作业.ipynb" in str(findings[0])


def cells_with(notebook, text):
    return [cell for cell in code_cells(notebook) if text in cell.source]


def run_a_cell_again(notebook):
    cells_with(notebook, "course_score(test_accuracy)")[0].execution_count = 99


def clear_an_output(notebook):
    cells_with(notebook, "print(f\"Test accuracy")[0].outputs = []


def clear_all(notebook):
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None


def add_an_error(notebook):
    cells_with(notebook, "figure = plot_curves(history)")[0].outputs.append(
        nbformat.v4.new_output("error", ename="ValueError", evalue="", traceback=[]))


def drop_the_curves(notebook):
    [cell] = cells_with(notebook, "figure = plot_curves(history)")
    cell.outputs = [nbformat.v4.new_output("stream", text="no figure")]


def claim_a_better_score(notebook):
    [cell] = cells_with(notebook, "score = course_score")
    cell.outputs = [nbformat.v4.new_output("stream", text="Course score: 9 / 10")]


def claim_another_accuracy(notebook):
    notebook.cells[-2].outputs.append(nbformat.v4.new_output("stream", text="Test accuracy 97.51%"))


def import_another_package(notebook):
    notebook.cells[-2].source += "\nimport torch.nn"


def import_another_package_by_name(notebook):
    notebook.cells[-2].source += "\nimportlib.import_module('torch.nn')"


def change_the_learning_rate(notebook):
    [cell] = cells_with(notebook, '"learning_rate": 1e-3')
    cell.source = cell.source.replace('"learning_rate": 1e-3', '"learning_rate": 1e-2')


def print_a_path(notebook):
    notebook.cells[-2].outputs.append(nbformat.v4.new_output("stream", text="saved to /home/student/model.keras"))


def warn(notebook):
    notebook.cells[-2].outputs.append(nbformat.v4.new_output("stream", name="stderr", text="warning"))


@pytest.mark.parametrize("change, failed", [
    (run_a_cell_again, ["order"]), (clear_an_output, ["outputs"]),
    (clear_all, ["order", "outputs", "curves", "accuracy"]), (add_an_error, ["errors"]),
    (drop_the_curves, ["curves"]), (claim_a_better_score, ["accuracy"]), (claim_another_accuracy, ["accuracy"]),
    (import_another_package, ["packages"]), (import_another_package_by_name, ["packages"]),
    (change_the_learning_rate, ["assignment"]), (print_a_path, ["privacy"]), (warn, ["privacy"]),
])
def test_each_requirement_is_seen_to_fail(tmp_path, change, failed):
    notebook = nbformat.read(NOTEBOOK_PATH, as_version=4)
    change(notebook)
    path = tmp_path / NAME
    nbformat.write(notebook, path)
    assert check(path)[1] == failed


def test_printing_into_a_file_needs_no_output(tmp_path):
    _, failed = check(write(tmp_path / NAME, ("print(x, file=log)", []), ("print(x)", text("x"))))
    assert "outputs" not in failed


def test_a_usual_keras_notebook_of_another_design_is_accepted(tmp_path):
    cells = [
        ("%matplotlib inline\nimport numpy as np\nfrom tensorflow import keras\nimport matplotlib.pyplot as plt", []),
        ("(x, y), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()\nif x.max() > 255:\n    print('?')", []),
        ("%%bash\nls -l | head", text("total 4")),
        ("model.compile(optimizer='adam', loss='sparse_categorical_crossentropy')\n"
         "history = model.fit(x, y, batch_size=128)", text("Epoch 1/10 accuracy: 0.9")),
        ("plt.plot(history.history['acc'])\nplt.plot(history.history['loss'])\nplt.show()", [picture()]),
        ("print('测试准确率:', accuracy)", text("测试准确率: 0.9131000041961670")),
    ]
    findings, failed = check(write(tmp_path / NAME, *cells))
    assert failed == [], "\n".join(map(str, findings))
    assert "91.31%, score 10 / 10" in str(findings[6])


def test_a_student_who_fell_short_is_told_the_score(tmp_path):
    findings, failed = check(write(tmp_path / NAME, ("print(accuracy)", text("Test accuracy: 0.8650"))))
    assert "accuracy" not in failed
    assert "score 5 / 10" in str(next(finding for finding in findings if finding.requirement == "accuracy"))
