"""Check a submission, a .zip or .ipynb file, against the assignment without running any of it.

`check(path)` returns one Finding for each requirement. The file is not trusted: nothing is unpacked, and
nothing over 10 MB is read.
"""

import ast
import base64
import binascii
import dataclasses
import json
import pathlib
import re
import stat
import sys
import zipfile
import zlib

import nbformat

LARGEST_NOTEBOOK = 10_000_000  # bytes
LARGEST_ARCHIVE = 20_000_000  # bytes
LARGEST_CODE = 300_000  # characters
MOST_VALUES = 100_000  # in the notebook's JSON
MOST_MEMBERS = 1_000  # of an archive
PACKAGES = {"tensorflow", "keras", "numpy", "matplotlib", "IPython"}
OTHER_ARCHIVES = {b"Rar!": ".rar", b"7z\xbc\xaf": ".7z", b"\x1f\x8b": ".gz"}
REQUIREMENTS = {  # name: Chinese and English
    "archive": ("恰好一个笔记本", "exactly one notebook"),
    "format": ("有效的笔记本格式", "a valid notebook file"),
    "order": ("一次运行，按顺序执行", "every cell executed in order in one run"),
    "outputs": ("输出已保存", "outputs are saved"),
    "errors": ("没有报错", "no error in the outputs"),
    "curves": ("准确率与损失曲线", "curves of accuracy and loss"),
    "accuracy": ("测试准确率与得分", "test accuracy and score"),
    "packages": ("只用约定的软件包", "only the agreed packages"),
    "assignment": ("学习率、批大小、数据集", "learning rate, batch size and data set"),
    "privacy": ("没有本机路径和 stderr", "no machine path and no stderr"),
}


@dataclasses.dataclass
class Finding:
    """What was found on one requirement: whether it holds, why, and how to mend it, in both languages."""

    requirement: str
    holds: bool
    reason: tuple[str, str]
    hint: tuple[str, str] = ("", "")

    def __str__(self):
        lines = [f"{'✓' if self.holds else '✗'} {' · '.join(REQUIREMENTS[self.requirement])}"]
        lines += [f"    {text}" for text in (*self.reason, *(() if self.holds else self.hint)) if text]
        return "\n".join(lines)


class Refused(Exception):
    """The file cannot be read as a submission; holds the reason and the hint."""

    def __init__(self, requirement, reason, hint):
        super().__init__(reason[1])
        self.finding = Finding(requirement, False, reason, hint)


MAKE_ZIP = ("请用 README 里的一行命令重新打包。", "Make the archive again with the one-line command in the README.")
RUN_ALL = ("请“重启内核并全部运行”，保存，再提交。", "Restart the kernel, Run All, save, and submit again.")


def shown_name(member):
    """Return an archive member's name for people; Windows may have stored a Chinese one in GBK."""
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("gbk")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return member.filename


def is_metadata_file(name):
    """Return whether a member of an archive was put there by macOS or Windows, not by the student."""
    return "__MACOSX/" in name or name.rsplit("/", 1)[-1].startswith(("._", ".DS_Store", "Thumbs.db"))


def read_member(archive, member):
    """Return the content of an archive's member, of which no more than the limit is ever unpacked."""
    with archive.open(member) as stream:
        content = stream.read(LARGEST_NOTEBOOK + 1)
    if len(content) > LARGEST_NOTEBOOK:
        raise too_large()
    return content


def too_large(limit=LARGEST_NOTEBOOK):
    """Return the refusal of a file of more than `limit` bytes."""
    return Refused("archive", (
        f"文件超过 {limit // 1_000_000} MB，没有读取。", f"The file has more than {limit // 1_000_000} MB and was not read."), (
        "请清除过大的输出（如逐批的进度条），再全部运行；压缩包里只放笔记本。",
        "Clear outputs that are too large (such as a progress bar for every batch) and Run All again; "
        "put nothing but the notebook into the archive."))


def read_archive(path):
    """Return the bytes of the one notebook in a zip archive and a remark; raises Refused."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            raise Refused("archive", (
                f"压缩包里有 {len(members)} 个文件。", f"The archive holds {len(members)} files."), MAKE_ZIP)
        for member in members:
            name = shown_name(member)
            if ".." in re.split(r"[/\\]", name) or re.match(r"[/\\]|[A-Za-z]:", name):
                raise Refused("archive", (
                    f"文件名 {name!r} 指向压缩包之外。", f"The name {name!r} points out of the archive."), MAKE_ZIP)
            if stat.S_ISLNK(member.external_attr >> 16):
                raise Refused("archive", (f"{name!r} 是一个链接。", f"{name!r} is a link, not a file."), MAKE_ZIP)
        ignored = [member for member in members if is_metadata_file(member.filename)]
        notebooks = [member for member in members if member.filename.endswith(".ipynb") and member not in ignored]
        names = [shown_name(member) for member in notebooks]
        if len(notebooks) != 1:
            listed = ": " + ", ".join(names[:5]) if names else ""
            raise Refused("archive", (
                f"压缩包里有 {len(names)} 个笔记本{listed}。", f"The archive holds {len(names)} notebooks{listed}."), (
                "请只放一个 .ipynb 文件。", "Put exactly one .ipynb file into it."))
        [notebook] = notebooks
        if notebook.flag_bits & 0x1:
            raise Refused("archive", ("压缩包有密码。", "The archive is encrypted."), (
                "请不要设密码。", "Make it without a password."))
        if notebook.file_size > LARGEST_NOTEBOOK:
            raise too_large()
        remarks = [(f"读取的是 {names[0]}。", f"Read {names[0]}.")]
        if "/" in names[0]:
            remarks.append(("它在文件夹里；最好放在最外层。", "It is inside a folder; the top level is better."))
        if ignored:
            remarks.append((f"忽略了 {len(ignored)} 个系统文件。", f"Ignored {len(ignored)} files of the operating system."))
        return read_member(archive, notebook), tuple(" ".join(parts) for parts in zip(*remarks))


def read_submission(path):
    """Return the bytes of the notebook in the file `path` and a remark on it; raises Refused."""
    path = pathlib.Path(path)
    if not path.is_file():
        raise Refused("archive", (f"找不到文件 {path.name}。", f"There is no file {path.name}."), (
            "请检查路径。", "Check the path."))
    with path.open("rb") as stream:
        start = stream.read(8)
    if not start:
        raise Refused("archive", ("文件是空的。", "The file is empty."), MAKE_ZIP)
    for signature, kind in OTHER_ARCHIVES.items():
        if start.startswith(signature):
            raise Refused("archive", (f"这是 {kind} 文件。", f"This is a {kind} file."), ("请改用 .zip。", "Make it a .zip."))
    if path.suffix.lower() == ".zip" or start.startswith(b"PK"):
        if path.stat().st_size > LARGEST_ARCHIVE:
            raise too_large(LARGEST_ARCHIVE)
        try:
            return read_archive(path)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, RuntimeError):
            raise Refused("archive", ("压缩包损坏或不完整。", "The archive is damaged or incomplete."), MAKE_ZIP) from None
    if path.stat().st_size > LARGEST_NOTEBOOK:
        raise too_large()
    return path.read_bytes(), (f"读取的是 {path.name}。", f"Read {path.name}.")


def parse_notebook(content):
    """Return the notebook in these bytes; raises Refused if they hold none."""
    invalid = Refused("format", ("不是有效的笔记本文件。", "This is not a valid notebook file."),
                      ("请在 Jupyter 里打开、保存后再提交。", "Open it in Jupyter, save it and submit again."))
    if content.count(b",") > MOST_VALUES:
        raise invalid
    try:
        notebook = nbformat.from_dict(json.loads(content.decode("utf-8-sig")))
        nbformat.validate(notebook)
        return nbformat.v4.rwbase.rejoin_lines(notebook)
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError, nbformat.ValidationError):
        raise invalid from None


class Submission:
    """A notebook's code cells that are not blank, with their syntax trees; nothing of it is run."""

    def __init__(self, notebook):
        self.cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
        if sum(len(cell.source) for cell in self.cells) > LARGEST_CODE:
            raise Refused("format", ("代码太长，没有读取。", "The code is too long and was not read."),
                          ("请把数据放进文件，不要写在代码里。", "Keep data in files, not in the code."))
        self.trees = [parse(cell.source) for cell in self.cells]
        self.texts = [printed(cell) for cell in self.cells]
        self.outputs = [output for cell in self.cells for output in cell.outputs]
        self.functions = {  # name: source
            node.name: ast.get_source_segment(cell.source, node) or ""
            for cell, tree in zip(self.cells, self.trees) for node in tree.body
            if isinstance(node, ast.FunctionDef)}

    def source_with_functions(self, number):
        """Return the source of a cell and of the notebook's own functions that it names."""
        names = {node.id for node in ast.walk(self.trees[number]) if isinstance(node, ast.Name)}
        called = [source for name, source in self.functions.items() if name in names]
        return "\n".join([self.cells[number].source, *called])


def parse(source):
    """Return the syntax tree of a cell, lines of IPython's own syntax (%, !, ?) left out."""
    if source.startswith("%%") and not source.startswith(("%%time", "%%capture")):
        return ast.Module([], [])  # A cell in another language.
    lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!", "?"))]
    try:
        return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Refused("format", ("有一个代码单元格不是有效的 Python。", "A code cell is not valid Python."),
                      RUN_ALL) from None


def printed(cell):
    """Return all text among the outputs of a cell."""
    texts = [output.text if output.output_type == "stream" else output.get("data", {}).get("text/plain", "")
             for output in cell.outputs]
    return "\n".join(text if isinstance(text, str) else "".join(text) for text in texts)


def check_order(submission):
    counts = [cell.execution_count for cell in submission.cells]
    for position, count in enumerate(counts, start=1):
        if count != position:
            return Finding("order", False, (
                f"第 {position} 个代码单元格的编号是 {count}，应为 {position}。",
                f"Code cell {position} has the execution number {count} instead of {position}."), RUN_ALL)
    return Finding("order", bool(counts), (f"1 到 {len(counts)}。", f"1 to {len(counts)}."), RUN_ALL)


def shows_something(tree):
    """Return whether a cell prints or draws for certain: not in a definition nor under a condition."""
    statements = list(tree.body)
    for statement in statements:
        if isinstance(statement, (ast.For, ast.With)):
            statements += statement.body
    called = [statement.value.func for statement in statements
              if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)]
    return any(getattr(function, "id", getattr(function, "attr", "")) in ("print", "display", "show", "summary")
               for function in called)


def check_outputs(submission):
    empty = [number for number, (cell, tree) in enumerate(zip(submission.cells, submission.trees), start=1)
             if not cell.outputs and shows_something(tree)]
    if empty or not submission.outputs:
        return Finding("outputs", False, (
            f"应有输出却没有的代码单元格：{empty}。",
            f"Code cells that should have outputs but have none: {empty}."), RUN_ALL)
    return Finding("outputs", True, (f"{len(submission.outputs)} 个输出。", f"{len(submission.outputs)} outputs."))


def check_errors(submission):
    errors = [output.ename for output in submission.outputs if output.output_type == "error"]
    return Finding("errors", not errors, (
        f"报错：{errors[:3]}。" if errors else "没有。", f"Errors: {errors[:3]}." if errors else "None."), (
        "请修正出错的单元格，再全部运行。", "Mend the cell with the error and Run All again."))


def is_picture(output):
    """Return whether an output holds an image that a person can read: SVG, or PNG of 100 pixels or more."""
    if "image/svg+xml" in output.get("data", {}):
        return True
    encoded = output.get("data", {}).get("image/png", "")
    try:
        start = base64.b64decode("".join(encoded)[:64])
    except (binascii.Error, ValueError, TypeError):
        return False
    sides = [int.from_bytes(start[position:position + 4], "big") for position in (16, 20)]
    return start.startswith(b"\x89PNG") and min(sides) >= 100


def check_curves(submission):
    drawn = [submission.source_with_functions(number).lower() for number, cell in enumerate(submission.cells)
             if any(map(is_picture, cell.outputs))]
    missing = [name for name in (r"(?<![a-z])acc(uracy)?(?![a-z])", "loss")
               if not any(re.search(name, source) for source in drawn)]
    return Finding("curves", not missing, (
        f"{len(drawn)} 张图" + ("，但没有两种曲线。" if missing else "。"),
        f"{len(drawn)} figures" + (", not both curves among them." if missing else ".")), (
        "请画出训练与验证的准确率和损失曲线，再全部运行。",
        "Plot accuracy and loss in training and validation, and Run All again."))


def check_accuracy(submission, course_score):
    text = "\n".join(submission.texts)
    found = re.findall(r"(?i)(?:test accuracy|测试准确率|测试集准确率)\D{0,9}?(\d{1,3}(?:\.\d{1,9})?)( ?%)?", text)
    accuracies = sorted({round(float(number) / (100 if percent or float(number) > 1 else 1), 4)
                         for number, percent in found})
    rounding = 0.0005  # One line may show 94.21 %, another 94.2 %.
    if not accuracies or accuracies[-1] > 1 or accuracies[-1] - accuracies[0] > rounding:
        return Finding("accuracy", False, (
            f"打印的测试准确率：{accuracies or '没有'}，应恰好一个。",
            f"Test accuracies printed: {accuracies or 'none'}; exactly one is needed."), (
            "请打印一行 Test accuracy: …%，再全部运行。", "Print one line, Test accuracy: ...%, and Run All again."))
    accuracy = accuracies[0]
    score = course_score(accuracy)
    claimed = {int(number) for number in re.findall(r"(?i)(?:score|得分)\D{0,9}?(\d{1,2}) ?/ ?10\b", text)}
    return Finding("accuracy", claimed <= {score}, (
        f"测试准确率 {accuracy:.2%}，得分 {score} / 10" + ("。" if claimed <= {score} else f"，却印着 {sorted(claimed)}。"),
        f"Test accuracy {accuracy:.2%}, score {score} / 10"
        + ("." if claimed <= {score} else f", but {sorted(claimed)} is printed.")), RUN_ALL)


def check_packages(submission):
    nodes = [node for tree in submission.trees for node in ast.walk(tree)]
    imported = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    imported += [node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)]
    others = {name.split(".")[0] or "." for name in imported} - PACKAGES - sys.stdlib_module_names
    return Finding("packages", not others, (
        f"另外导入了：{sorted(others)}。" if others else "只有约定的。",
        f"Also imported: {sorted(others)}." if others else "Only those."), (
        "请只用 tensorflow、numpy、matplotlib。", "Use only tensorflow, numpy and matplotlib."))


def values_named(submission, *names):
    """Return the numbers that the code gives to these names, as keyword, in a dictionary or as variable."""
    pairs = []
    for node in (node for tree in submission.trees for node in ast.walk(tree)):
        if isinstance(node, ast.keyword):
            pairs.append((node.arg, node.value))
        elif isinstance(node, ast.Dict):
            pairs += [(getattr(key, "value", None), value) for key, value in zip(node.keys, node.values)]
        elif isinstance(node, ast.Assign):
            pairs += [(getattr(target, "id", None), node.value) for target in node.targets]
    return {value.value for key, value in pairs if str(key).lower() in names
            and isinstance(value, ast.Constant) and isinstance(value.value, (int, float))}


def check_assignment(submission):
    attributes = [node for tree in submission.trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    rates = values_named(submission, "learning_rate", "initial_learning_rate", "lr")
    batched = [node.args[0].value for tree in submission.trees for node in ast.walk(tree)
               if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "batch"
               and node.args and isinstance(node.args[0], ast.Constant)]
    facts = {
        "learning_rate = 1e-3": 1e-3 in rates or not rates,  # Keras's own default for Adam is 1e-3.
        "batch_size = 128": 128 in [*values_named(submission, "batch_size"), *batched],
        "Adam": any("adam" in cell.source.lower() for cell in submission.cells),
        "fashion_mnist.load_data()": any(
            node.attr == "load_data" and getattr(node.value, "attr", getattr(node.value, "id", "")) == "fashion_mnist"
            for node in attributes),
    }
    missing = [name for name, found in facts.items() if not found]
    return Finding("assignment", not missing, (
        f"没有找到：{'、'.join(missing)}。" if missing else "与作业要求一致。",
        f"Not found: {', '.join(missing)}." if missing else "As the assignment says."), (
        "请按作业要求设置这些值。", "Set these values as the assignment says."))


def check_privacy(submission):
    text = "\n".join(submission.texts)
    sources = "\n".join(cell.source for cell in submission.cells)
    paths = re.findall(r"(?<![\w.:/])/[A-Za-z]+/[\w./-]+|[A-Z]:\\\w+", text)
    paths += re.findall(r"/home/\w+|/Users/\w+|[A-Z]:\\+Users", sources)
    stderr = sum(output.get("name") == "stderr" for output in submission.outputs)
    return Finding("privacy", not paths and not stderr, (
        f"路径：{paths[:3]}；stderr 输出：{stderr} 个。", f"Paths: {paths[:3]}; outputs from stderr: {stderr}."), (
        "请去掉打印路径的语句或改用相对路径，消除警告，再全部运行。",
        "Drop what prints a path, use relative paths, mend what warns, and Run All again."))


def check(path, course_score):
    """Return one Finding for each of REQUIREMENTS, in their order, on the submission in the file `path`.

    course_score: the course's rule, from a fraction to points. If the file cannot be read the first
    requirement that fails says why, and the list ends with it.
    """
    findings = []
    try:
        content, remark = read_submission(path)
        findings.append(Finding("archive", True, remark))
        notebook = parse_notebook(content)
        submission = Submission(notebook)
    except Refused as refused:
        return [*findings, refused.finding]
    blank = any("________" in cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    findings.append(Finding("format", True, (
        f"{len(submission.cells)} 个代码单元格。" + "学号、姓名、班级还没有填。" * blank,
        f"{len(submission.cells)} code cells." + " Number, name and class are still blank." * blank)))
    findings += [check_order(submission), check_outputs(submission), check_errors(submission),
                 check_curves(submission), check_accuracy(submission, course_score),
                 check_packages(submission), check_assignment(submission), check_privacy(submission)]
    return findings
