"""Check a submission, a .zip or .ipynb file, against the assignment without running any of it.

`check(path)` returns one Finding for each requirement. The file is not trusted: nothing is unpacked, and
nothing over 10 MB is read.
"""

import ast
import base64
import binascii
import collections
import dataclasses
import json
import math
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


def printable(text):
    """Return text from a submission without characters that would change how the report looks."""
    return "".join(character if character.isprintable() else "?" for character in text)[:200]


def shown_name(member):
    """Return an archive member's name for people; Windows may have stored a Chinese one in GBK."""
    if member.flag_bits & 0x800:
        return printable(member.filename)
    try:
        return printable(member.filename.encode("cp437").decode("gbk"))
    except (UnicodeEncodeError, UnicodeDecodeError):
        return printable(member.filename)


def is_system_file(name):
    """Return whether a member of an archive was put there by macOS, Windows or Jupyter, not by the student."""
    return ("__MACOSX/" in name or ".ipynb_checkpoints/" in name
            or name.rsplit("/", 1)[-1].startswith(("._", ".DS_Store", "Thumbs.db")))


def too_large(limit=LARGEST_NOTEBOOK):
    """Return the refusal of a file of more than `limit` bytes."""
    return Refused("archive", (
        f"文件超过 {limit // 1_000_000} MB，没有读取。", f"The file has more than {limit // 1_000_000} MB and was not read."), (
        "请清除过大的输出（如逐批的进度条），再全部运行；压缩包里只放笔记本。",
        "Clear outputs that are too large (such as a progress bar for every batch) and Run All again; "
        "put nothing but the notebook into the archive."))


def find_notebook(members):
    """Return the one notebook among an archive's members and the members ignored; raises Refused."""
    if len(members) > MOST_MEMBERS:
        raise Refused("archive", (
            f"压缩包里有 {len(members)} 个文件。", f"The archive holds {len(members)} files."), MAKE_ZIP)
    for member in members:
        name = shown_name(member)
        if ".." in re.split(r"[/\\]", name) or re.match(r"[/\\]|[A-Za-z]:", name):
            raise Refused("archive", (
                f"文件名 {name} 指向压缩包之外。", f"The name {name} points out of the archive."), MAKE_ZIP)
        if stat.S_ISLNK(member.external_attr >> 16):
            raise Refused("archive", (f"{name} 是一个链接。", f"{name} is a link, not a file."), MAKE_ZIP)
    ignored = [member for member in members if is_system_file(member.filename)]
    notebooks = [member for member in members
                 if member.filename.lower().endswith(".ipynb") and member not in ignored]
    if len(notebooks) != 1:
        listed = ": " + ", ".join(map(shown_name, notebooks[:5])) if notebooks else ""
        raise Refused("archive", (
            f"压缩包里有 {len(notebooks)} 个笔记本{listed}。", f"The archive holds {len(notebooks)} notebooks{listed}."), (
            "请只放一个 .ipynb 文件。", "Put exactly one .ipynb file into it."))
    return notebooks[0], ignored


def read_archive(path):
    """Return the bytes of the one notebook in a zip archive and a remark; raises Refused."""
    with zipfile.ZipFile(path) as archive:
        notebook, ignored = find_notebook(archive.infolist())
        if notebook.flag_bits & 0x1:
            raise Refused("archive", ("压缩包有密码。", "The archive is encrypted."), (
                "请不要设密码。", "Make it without a password."))
        if notebook.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # Only these are unpacked piece by piece, so that the limit of bytes holds.
            raise Refused("archive", ("压缩方式不常见。", "The archive uses an unusual compression."), MAKE_ZIP)
        with archive.open(notebook) as stream:
            content = stream.read(LARGEST_NOTEBOOK + 1)
    if len(content) > LARGEST_NOTEBOOK:
        raise too_large()
    name = shown_name(notebook)
    remarks = [(f"读取的是 {name}。", f"Read {name}.")]
    if "/" in name:
        remarks.append(("它在文件夹里；最好放在最外层。", "It is inside a folder; the top level is better."))
    if ignored:
        remarks.append((f"忽略了 {len(ignored)} 个系统文件。", f"Ignored {len(ignored)} files of the system."))
    return content, tuple(" ".join(parts) for parts in zip(*remarks))


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
    is_archive = path.suffix.lower() == ".zip" or start.startswith(b"PK")
    limit = LARGEST_ARCHIVE if is_archive else LARGEST_NOTEBOOK
    if path.stat().st_size > limit:
        raise too_large(limit)
    if not is_archive:
        return path.read_bytes(), (f"读取的是 {path.name}。", f"Read {path.name}.")
    try:
        return read_archive(path)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, ValueError, RuntimeError):
        raise Refused("archive", ("压缩包损坏或不完整。", "The archive is damaged or incomplete."), MAKE_ZIP) from None


def not_a_notebook(reason):
    """Return the refusal of a file that is no notebook of Jupyter's present format."""
    return Refused("format", (f"不是有效的笔记本文件（{reason}）。", f"This is not a valid notebook file ({reason})."), (
        "请在 Jupyter 里打开、保存后再提交。", "Open it in Jupyter, save it and submit again."))


def parse_notebook(content):
    """Return the notebook in these bytes; raises Refused if they hold none."""
    if content.count(b",") > MOST_VALUES:
        raise Refused("format", ("笔记本里的数值太多，没有读取。", "The notebook holds too many values and was not read."), (
            "请清除过长的输出，再全部运行。", "Clear outputs that are too long, and Run All again."))
    try:
        contents = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise not_a_notebook("JSON") from None
    version = [contents.get(key) for key in ("nbformat", "nbformat_minor")] if isinstance(contents, dict) else [None]
    if version not in [[4, minor] for minor in range(6)] or any(type(number) is not int for number in version):
        raise not_a_notebook("nbformat 4.0 ... 4.5")
    try:
        notebook = nbformat.from_dict(contents)
        nbformat.validate(notebook)
        return nbformat.v4.rwbase.rejoin_lines(notebook)
    except (nbformat.ValidationError, RecursionError, TypeError, AttributeError) as error:
        raise not_a_notebook(printable(str(error).partition("\n")[0])) from None


OTHER_LANGUAGES = re.compile(
    r"(?i)%%(bash|sh|script|cmd|html|javascript|js|latex|markdown|svg|writefile|file|perl|ruby)\b")
CELL_MAGIC = re.compile(r"\A\s*%%.*")
TIMED = re.compile(r"^([ \t]*)%time[ \t]+(?=[\w(])", re.MULTILINE)
LINE_MAGIC = re.compile(r"^([ \t]*)(?:(?:%[A-Za-z%]|!|\?).*|[\w.]+\?{1,2}[ \t]*)$", re.MULTILINE)
ASSIGNED_MAGIC = re.compile(r"^([ \t]*\w[\w, ]*=[ \t]*)[%!].*$", re.MULTILINE)


def parse(source):
    """Return the syntax tree of a cell; IPython's own syntax (%, !, ?) but %time counts as doing nothing."""
    if OTHER_LANGUAGES.match(source.lstrip()):
        return ast.Module([], [])
    without_magic = TIMED.sub(r"\1", CELL_MAGIC.sub("", source))
    without_magic = ASSIGNED_MAGIC.sub(r"\1None", LINE_MAGIC.sub(r"\1pass", without_magic))
    for text in (source, without_magic):
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass
    first_line = printable(source.strip().partition("\n")[0])
    raise Refused("format", (
        f"这个代码单元格不是有效的 Python：{first_line}", f"This code cell is not valid Python: {first_line}"), RUN_ALL)


def called_name(call):
    """Return the last part of the name of the function that a syntax tree's call node calls."""
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


class Submission:
    """A notebook's code cells that are not blank, with their syntax trees; nothing of it is run."""

    def __init__(self, notebook):
        self.cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
        if not self.cells:
            raise Refused("format", ("没有代码单元格。", "There is no code cell."), MAKE_ZIP)
        if sum(len(cell.source) for cell in self.cells) > LARGEST_CODE:
            raise Refused("format", ("代码太长，没有读取。", "The code is too long and was not read."), (
                "请把数据放进文件，不要写在代码里。", "Keep data in files, not in the code."))
        self.trees = [parse(cell.source) for cell in self.cells]
        self.nodes = [node for tree in self.trees for node in ast.walk(tree)]
        self.calls = [node for node in self.nodes if isinstance(node, ast.Call)]
        self.outputs = [output for cell in self.cells for output in cell.outputs]
        self.text = "\n".join(printed(output) for output in self.outputs)
        self.values = collections.defaultdict(list)
        for name, value in named_values(self.nodes):
            self.values[name].append(value)

    def numbers(self, expression):
        """Return the numbers that an expression may stand for; names and keys are followed to their values."""
        found, waiting, seen = set(), [expression], set()
        while waiting:
            node = waiting.pop()
            if node is None or node in seen:
                continue
            seen.add(node)
            name = getattr(node, "id", getattr(node, "attr", None))
            if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
                found.add(node.value)
            elif isinstance(node, ast.Call):
                waiting += [*node.args, *(keyword.value for keyword in node.keywords)]
            elif isinstance(node, ast.Dict):
                waiting += node.values
            elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                waiting += self.values.get(node.slice.value, [])
            elif name is not None:
                waiting += self.values.get(name, [])
        return found


def named_values(nodes):
    """Yield (name, expression) for every variable, dictionary entry and default that the code sets."""
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    yield from ((getattr(name, "id", None), value)
                                for name, value in zip(target.elts, node.value.elts))
                else:
                    yield getattr(target, "id", getattr(target, "attr", None)), node.value
        elif isinstance(node, ast.AnnAssign) and node.value:
            yield getattr(node.target, "id", None), node.value
        elif isinstance(node, ast.Dict):
            yield from ((getattr(key, "value", None), value) for key, value in zip(node.keys, node.values))
        elif isinstance(node, ast.Call) and called_name(node) == "dict":
            yield from ((keyword.arg, keyword.value) for keyword in node.keywords)
        elif isinstance(node, ast.arguments):
            names = [argument.arg for argument in (*node.posonlyargs, *node.args)]
            yield from zip(names[len(names) - len(node.defaults):], node.defaults)
            yield from ((argument.arg, value) for argument, value in zip(node.kwonlyargs, node.kw_defaults) if value)


def printed(output):
    """Return the text that a person reads in an output, without colours."""
    data = output.get("data", {})
    texts = [output.get("text", ""), *(data.get(kind, "") for kind in ("text/plain", "text/html"))]
    text = "\n".join(text if isinstance(text, str) else "".join(map(str, text)) for text in texts)
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def check_order(submission):
    counts = [cell.execution_count for cell in submission.cells]
    for position, count in enumerate(counts, start=1):
        if count != position:
            return Finding("order", False, (
                f"第 {position} 个代码单元格的编号是 {count}，应为 {position}。",
                f"Code cell {position} has the execution number {count} instead of {position}."), RUN_ALL)
    return Finding("order", True, (f"1 到 {len(counts)}。", f"1 to {len(counts)}."))


def shows_something(tree):
    """Return whether a cell prints or draws for certain: not in a definition nor under a condition."""
    statements = list(tree.body)
    for statement in statements:
        if isinstance(statement, (ast.For, ast.With)):
            statements += statement.body
    calls = [statement.value for statement in statements
             if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)]
    return any(called_name(call) in ("print", "display", "show", "summary")
               and not any(keyword.arg == "file" for keyword in call.keywords) for call in calls)


def check_outputs(submission):
    empty = [number for number, (cell, tree) in enumerate(zip(submission.cells, submission.trees), start=1)
             if not cell.outputs and shows_something(tree) and not cell.source.lstrip().startswith("%%capture")]
    if empty or not submission.outputs:
        return Finding("outputs", False, (
            f"没有输出的代码单元格：{empty or '全部'}。", f"Code cells without their outputs: {empty or 'all'}."), RUN_ALL)
    return Finding("outputs", True, (f"{len(submission.outputs)} 个输出。", f"{len(submission.outputs)} outputs."))


def check_errors(submission):
    errors = [printable(output.ename) for output in submission.outputs if output.output_type == "error"]
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


CURVES = {"accuracy": re.compile(r"(?i)(?<![a-z])acc(?:s|uracy|uracies)?(?![a-z])|准确率|精度"),
          "loss": re.compile(r"(?i)loss|损失")}


def drawn(node):
    """Return what the code under a node could draw as a curve: a subset of "accuracy", "loss", "plot"."""
    found = set()
    for part in ast.walk(node):
        words = [getattr(part, field, None) for field in ("id", "attr", "arg", "value", "name")]
        text = " ".join(word for word in words if isinstance(word, str))
        found |= {name for name, pattern in CURVES.items() if text and pattern.search(text)}
        if isinstance(part, ast.Call) and called_name(part) in ("plot", "errorbar", "semilogy", "scatter"):
            found.add("plot")
        if isinstance(part, ast.For) and any(getattr(node, "attr", "") == "history" for node in ast.walk(part.iter)):
            found |= set(CURVES)  # A loop over all that Keras recorded.
    return found


def check_curves(submission):
    functions = {node.name: drawn(node) for tree in submission.trees for node in tree.body
                 if isinstance(node, ast.FunctionDef)}
    found, figures = set(), 0
    for cell, tree in zip(submission.cells, submission.trees):
        if any(map(is_picture, cell.outputs)):
            figures += 1
            named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} & set(functions)
            traits = drawn(tree).union(*(functions[name] for name in named))
            found |= traits if "plot" in traits else set()
    missing = [name for name in CURVES if name not in found]
    return Finding("curves", not missing, (
        f"{figures} 张图" + (f"，缺：{'、'.join(missing)}。" if missing else "。"),
        f"{figures} figures" + (f"; missing: {', '.join(missing)}." if missing else ".")), (
        "请画出训练与验证的准确率和损失曲线，再全部运行。",
        "Plot accuracy and loss in training and validation, and Run All again."))


TEST_ACCURACY = re.compile(
    r"(?i)(?:test[ _-](?:set )?acc(?:uracy)?|acc(?:uracy)? on (?:the )?test (?:set|images|data)"
    r"|测试集?(?:上)?的?(?:准确率|正确率|精度))(?![a-z_])(.*)")
FRACTION = re.compile(
    r"[\s:：=|,，]{0,60}(?:为|是|is)?\s{0,60}(?:(\d{1,3}(?:\.\d{1,20})?)\s*%|([01]\.\d{1,20}|\d{2}\.\d{1,20}))(?![\d/])")
SCORE = re.compile(  # The course's, not "F1 score" or "score for class 3".
    r"(?im)(?:\b(?:course|final|total) score|(?:^|[,;|，；。])\W{0,9}score|得分)(?:\s{0,9}[(（][^)）\n]{0,20}[)）])?"
    r"(?:\s{0,9}(?:is|为|是))?[\s:：=|]{0,20}(10|\d)(?:\.0{1,9})?(?!\.?\d|\s*%)")


def read_accuracies(text):
    """Return (accuracy, half of its last digit's unit) for each test accuracy printed, and lines not understood."""
    accuracies, puzzles = [], []
    for line in text.splitlines():
        label = TEST_ACCURACY.search(line)
        number = label and FRACTION.match(label[1])
        if number:
            digits = number[1] or number[2]
            scale = 0.01 if number[1] or float(digits) > 1 else 1
            places = len(digits.partition(".")[2])
            accuracies.append((float(digits) * scale, 0.5 * 10**-places * scale))
        elif label:
            puzzles.append(printable(line.strip()))
    return sorted(accuracies, key=lambda accuracy: accuracy[1]), puzzles


def course_score(accuracy):
    """Return the course's mark for a fraction from 0 to 1: the rule of the notebook, whose code is not run here."""
    percent = round(100 * accuracy, 4)
    return max(0, 6 - math.ceil(max(0, 87 - percent))) + 2 * (percent >= 88) + 2 * (percent >= 88.6)


def check_accuracy(submission):
    accuracies, puzzles = read_accuracies(submission.text)
    most_exact, half_unit = accuracies[0] if accuracies else (-1, 0)
    agree = all(abs(accuracy - most_exact) <= 1.001 * unit for accuracy, unit in accuracies)
    if not agree or not 0 <= most_exact <= 1:
        values = [f"{accuracy:.4g}" for accuracy, _ in accuracies]
        return Finding("accuracy", False, (
            f"打印的测试准确率：{values or puzzles[:3] or '没有'}，应恰好一个。",
            f"Test accuracies printed: {values or puzzles[:3] or 'none'}; exactly one is needed."), (
            "请打印一行 Test accuracy: …%，再全部运行。", "Print one line, Test accuracy: ...%, and Run All again."))
    score = course_score(most_exact)
    ends = max(0, most_exact - half_unit), min(1, most_exact + half_unit)  # It was rounded when it was printed.
    others = {int(number) for number in SCORE.findall(submission.text)} - {score, *map(course_score, ends)}
    return Finding("accuracy", not others, (
        f"测试准确率 {most_exact:.2%}，得分 {score} / 10" + (f"，却印着 {sorted(others)}。" if others else "。"),
        f"Test accuracy {most_exact:.2%}, score {score} / 10"
        + (f", but {sorted(others)} is printed." if others else ".")), RUN_ALL)


def check_packages(submission):
    imported = [alias.name for node in submission.nodes if isinstance(node, ast.Import) for alias in node.names]
    imported += [node.module or "." for node in submission.nodes if isinstance(node, ast.ImportFrom)]
    named = [first_argument(call, "name") for call in submission.calls
             if called_name(call) in ("import_module", "__import__")]
    imported += [node.value for node in named if isinstance(getattr(node, "value", None), str)]
    others = {name.split(".")[0] or "." for name in imported} - PACKAGES - sys.stdlib_module_names
    return Finding("packages", not others, (
        f"另外导入了：{sorted(others)}。" if others else "只有约定的。",
        f"Also imported: {sorted(others)}." if others else "Only those."), (
        f"请只用 {'、'.join(sorted(PACKAGES))} 和 Python 自带的包。",
        f"Use only {', '.join(sorted(PACKAGES))} and Python's own."))


def first_argument(call, *keywords):
    """Return the expression given to a call by one of these keywords or else first, or None."""
    named = [keyword.value for keyword in call.keywords if keyword.arg in keywords]
    return (named + call.args + [None])[0]


def check_assignment(submission):
    optimisers = [call for call in submission.calls if called_name(call) == "Adam"]
    given = [first_argument(call, "learning_rate", "lr") for call in optimisers]
    rates = set().union(*(submission.numbers(rate) for rate in given if rate))
    strings = {node.value for node in submission.nodes
               if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    if None in given or not optimisers and strings & {"adam", "Adam"}:
        rates.add(1e-3)  # Keras's own default.
    fits = [call for call in submission.calls if called_name(call) == "fit"]
    sizes = [keyword.value for call in fits for keyword in call.keywords if keyword.arg == "batch_size"]
    sizes += [call.args[2] for call in fits if len(call.args) > 2]
    sizes += [first_argument(call, "batch_size") for call in submission.calls if called_name(call) == "batch"]
    names = {getattr(node, "attr", getattr(node, "id", getattr(node, "name", None))) for node in submission.nodes}
    names |= {part for node in submission.nodes if isinstance(node, ast.ImportFrom)
              for part in str(node.module).split(".")}
    facts = {
        "Adam, learning_rate = 1e-3": 1e-3 in rates,
        "batch_size = 128": 128 in set().union(*(submission.numbers(size) for size in sizes)),
        "fashion_mnist.load_data()": "fashion_mnist" in names
        and "load_data" in map(called_name, submission.calls),
    }
    missing = [name for name, found in facts.items() if not found]
    return Finding("assignment", not missing, (
        f"没有找到：{'、'.join(missing)}。" if missing else "与作业要求一致。",
        f"Not found: {', '.join(missing)}." if missing else "As the assignment says."), (
        "请按作业要求设置这些值，并直接写成数字。", "Set these values as the assignment says, and write them as numbers."))


PATH = re.compile(
    r"(?<![\w.])/(?:home|Users|Volumes|root|tmp|var|usr|opt|mnt|media|private|content|kaggle|workspace|work|srv|data)"
    r"/\w+"
    r"|(?<![\w])[A-Za-z]:[\\/]+\w+")
ADDRESS = re.compile(r"(?i)\b(?:https?|ftp)://[^\s'\"<>]*")


def check_privacy(submission):
    own_paths = r"/home/\w+|/Users/\w+|[A-Za-z]:[\\/]+Users"
    paths = PATH.findall(ADDRESS.sub("", submission.text))
    paths += re.findall(own_paths, ADDRESS.sub("", "\n".join(cell.source for cell in submission.cells)))
    stderr = sum(output.get("name") == "stderr" for output in submission.outputs)
    return Finding("privacy", not paths and not stderr, (
        f"路径：{paths[:3] or '没有'}；stderr 输出：{stderr} 个。",
        f"Paths: {paths[:3] or 'none'}; outputs on stderr: {stderr}."), (
        "请去掉打印路径的语句或改用相对路径；消除警告（TensorFlow 的日志：导入前设 TF_CPP_MIN_LOG_LEVEL=3）；再全部运行。",
        "Drop what prints a path or use relative ones; mend what warns (for TensorFlow's log set "
        "TF_CPP_MIN_LOG_LEVEL=3 before the import); Run All again."))


def check(path):
    """Return one Finding for each of REQUIREMENTS, in their order, on the submission in the file `path`.

    If the file cannot be read the first requirement that fails says why, and the list ends with it.
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
                 check_curves(submission), check_accuracy(submission),
                 check_packages(submission), check_assignment(submission), check_privacy(submission)]
    return findings
