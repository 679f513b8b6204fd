"""The requirements on a notebook's run: its order, outputs, errors, accuracy, packages and privacy."""

import ast
import re
import sys

from checker.checks.accuracy import AccuracyReader, described, final_accuracy, possible_marks, stated_marks
from checker.finding import FAILS, HOLDS, LOOK, RUN_ALL, Finding, printable
from checker.flow import argument, called_name

PACKAGES = {"tensorflow", "keras", "numpy", "matplotlib", "IPython", "mpl_toolkits", "pylab"}
FORMER_MODULES = {"distutils", "imp", "asyncore", "asynchat", "smtpd"}  # Python's own once
SHOWN_PACKAGES = "tensorflow, keras, numpy, matplotlib, IPython"
PATH = re.compile(
    r"(?<![\w.])/(?:home|Users|Volumes|root|tmp|var|usr|opt|mnt|media|private|content|g?drive|kaggle|workspace|work|srv"
    r"|data)"
    r"/[\w.]+"
    r"|(?<![\w])[A-Z]:(?:\\\\?|/)(?![/\\])[\w.]+"
    r"|(?<![\w])[a-z]:(?:\\\\[\w.]+|\\[\w.]+\\|/(?!/)[\w.]+/)")
ADDRESS = re.compile(r"(?i)\b(?:https?|ftp)://[^\s'\"<>]*")
OWN_PATH = re.compile(
    r"(?<![\w.])/(?:home|Users|Volumes|media|mnt|(?:content/)?g?drive|kaggle/input)/[\w.]+"
    r"|(?<![\w])[A-Z]:(?:\\\\?|/)(?![/\\])[\w.]+")
REDIRECTED = re.compile(r"redirect_std|clear_output|sys\.stdout\s*=|\bOutput\(\)|capture_output")
IMPORT = re.compile(r"^\s*(?:import|from)\s+(\w+)", re.MULTILINE)
NAMES_OF_HOSTS = {"displayName", "userId", "photoUrl", "authors", "author", "email"}


def check_order(notebook):
    """Find whether the execution numbers are 1, 2, 3 ..."""
    counts = [cell.execution_count for cell in notebook.cells]
    if counts == list(range(1, len(counts) + 1)):
        return Finding("order", HOLDS, (f"1 到 {len(counts)}。", f"1 to {len(counts)}."))
    if not any(counts) and any(cell.outputs for cell in notebook.cells):
        return Finding("order", LOOK, (
            "有输出，但没有执行编号（有些平台导出时去掉了编号），看不出顺序。",
            "There are outputs but no execution numbers (some platforms leave them out): the order cannot be known."), (
            "请在 Jupyter 里全部运行一次再看。", "Run All once in Jupyter to be sure."))
    wrong = next(position for position, count in enumerate(counts, start=1) if count != position)
    return Finding("order", FAILS, (
        f"第 {wrong} 个代码单元格的编号是 {counts[wrong - 1]}，应为 {wrong}。",
        f"Code cell {wrong} has the execution number {counts[wrong - 1]} instead of {wrong}."), RUN_ALL)


def is_certain(call):
    """Return whether a call shows something whatever happens: it prints, draws, or trains with a progress bar."""
    name, given = called_name(call), {keyword.arg for keyword in call.keywords}
    if name in ("fit", "fit_generator"):
        return bool(given & {"epochs", "batch_size", "validation_data", "validation_split"}) and "verbose" not in given
    if name == "evaluate":
        return isinstance(call.func, ast.Attribute) and len(call.args) == 2 and "verbose" not in given
    return name in ("print", "display", "summary") and not given & {"file", "print_fn"} and None not in given


def shows_something(cell):
    """Return whether a cell shows something for certain: not in a definition nor under a condition nor redirected."""
    if cell.tree is None or re.match(r"\s*%%capture", cell.source) or REDIRECTED.search(cell.source):
        return False
    statements = list(cell.tree.body)
    for statement in statements:
        if isinstance(statement, (ast.For, ast.With)):
            statements += statement.body
    values = [statement.value for statement in statements if isinstance(statement, (ast.Expr, ast.Assign))]
    return any(isinstance(value, ast.Call) and is_certain(value) for value in values)


def check_outputs(notebook):
    """Find whether what the cells show has been saved."""
    empty = [cell.number for cell in notebook.cells if not cell.outputs and shows_something(cell)]
    outputs = sum(len(cell.outputs) for cell in notebook.cells)
    if empty or not outputs:
        return Finding("outputs", FAILS, (
            f"没有输出的代码单元格：{empty[:20] or '全部'}。",
            f"Code cells without their outputs: {empty[:20] or 'all'}."), RUN_ALL)
    return Finding("outputs", HOLDS, (f"{outputs} 个输出。", f"{outputs} outputs."))


def check_errors(notebook):
    """Find whether a cell stopped with an error; one that is tagged as meant to does not count."""
    errors = [f"{printable(output['ename'], 40)} [{cell.number}]" for cell in notebook.cells for output in cell.outputs
              if output["output_type"] == "error" and "raises-exception" not in cell.tags]
    return Finding("errors", FAILS if errors else HOLDS, (
        f"报错：{'、'.join(errors[:3])}。" if errors else "没有。",
        f"Errors [in code cell]: {', '.join(errors[:3])}." if errors else "None."), (
        "请修正出错的单元格，再全部运行。", "Mend the cell with the error and Run All again."))


def find_accuracy(notebook, flow):
    """Return (candidate or None, other candidates, lines not understood) for the final test accuracy."""
    fits = [site.cell.number for site in flow.calls if called_name(site.node).startswith("fit")]
    loops_over_epochs = any(isinstance(node, ast.For) and isinstance(node.target, ast.Name)
                            and "epoch" in node.target.id.lower() for node in notebook.nodes)
    reader = AccuracyReader(notebook, flow)
    return *final_accuracy(reader.candidates(), min(fits, default=0), loops_over_epochs), reader.puzzles


def check_accuracy(notebook, found, others, puzzles):
    """Return the finding on the accuracy and the marks that were stated, and the mark or None."""
    if not found:
        return no_accuracy(others, puzzles), None
    possible = possible_marks(found)
    stated = stated_marks(notebook)
    agreeing = [mark for mark in possible if mark in stated]
    mark = (agreeing or possible)[0]
    source = {"printed": ("", ""), "evaluate": ("（由 evaluate 读出）", " (read from evaluate)"),
              "bar": ("（由 evaluate 的进度条读出）", " (read from evaluate's progress bar)"),
              "report": ("（由分类报告读出）", " (read from the classification report)")}[found.source]
    source = ("（循环的最后一轮）", " (the last of its loop)") if "loop" in found.flags else source
    accuracy = f"{found.accuracy:.2%}"
    conflict = sorted(stated - set(possible))
    if conflict:
        return Finding("accuracy", FAILS, (
            f"测试准确率 {accuracy}{source[0]}，得分 {mark} / 10，却写着 {conflict}。",
            f"Test accuracy {accuracy}{source[1]}, score {mark} / 10, but {conflict} is stated."), RUN_ALL), mark
    if len(possible) > 1 and not agreeing:
        return Finding("accuracy", LOOK, (
            f"测试准确率 {accuracy}{source[0]}，得分 {mark} / 10；但这个数舍入过，也可能是 {sorted(set(possible) - {mark})}。",
            f"Test accuracy {accuracy}{source[1]}, score {mark} / 10; but it is rounded, and "
            f"{sorted(set(possible) - {mark})} is possible."), ("请打印更多位数。", "Print more digits.")), mark
    return Finding("accuracy", HOLDS, (f"测试准确率 {accuracy}{source[0]}，得分 {mark} / 10。",
                                       f"Test accuracy {accuracy}{source[1]}, score {mark} / 10.")), mark


def no_accuracy(others, puzzles):
    """Return the finding on a notebook whose final test accuracy is not known."""
    if puzzles and not others:
        return Finding("accuracy", LOOK, (
            f"写着测试准确率，但读不出数：{'；'.join(puzzles[:3])}。",
            f"A test accuracy is named, but no number could be read: {'; '.join(puzzles[:3])}."), (
            "请人工判断；最好打印一行 Test accuracy: …%。", "A person has to judge; best print one line, Test accuracy: ...%."))
    if others:
        return Finding("accuracy", LOOK, (
            f"看不出哪个是最终的测试准确率：{described(others)}。",
            f"Which of these is the final test accuracy cannot be told: {described(others)}."), (
            "请人工判断；最好最后打印一行 Final test accuracy: …%。",
            "A person has to judge; best print one line at the end, Final test accuracy: ...%."))
    return Finding("accuracy", FAILS, ("没有找到测试准确率。", "No test accuracy was found."), (
        "请打印一行 Test accuracy: …%，再全部运行。", "Print one line, Test accuracy: ...%, and Run All again."))


def check_packages(notebook, flow):
    """Find whether all that is imported belongs to the agreed packages or to Python."""
    imported = [alias.name for node in notebook.nodes if isinstance(node, ast.Import) for alias in node.names]
    imported += ["." if node.level else node.module for node in notebook.nodes if isinstance(node, ast.ImportFrom)]
    named = [argument(site.node, 0, "name") for site in flow.calls
             if called_name(site.node) in ("import_module", "__import__")]
    imported += [node.value for node in named if isinstance(getattr(node, "value", None), str)]
    imported += [name for cell in notebook.unreadable for name in IMPORT.findall(cell.source)]
    others = {name.split(".")[0] or "." for name in imported} - PACKAGES - FORMER_MODULES - sys.stdlib_module_names
    listed = [printable(name, 40) for name in sorted(others)][:10]
    return Finding("packages", FAILS if others else HOLDS, (
        f"另外导入了：{'、'.join(listed)}。" if others else "只有约定的。",
        f"Also imported: {', '.join(listed)}." if others else "Only those."), (
        f"请只用 {SHOWN_PACKAGES} 和 Python 自带的包。", f"Use only {SHOWN_PACKAGES} and Python's own."))


def names_in_metadata(value):
    """Return the keys under which a hosting service has stored who the author is."""
    found, waiting = set(), [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            found |= {key for key in NAMES_OF_HOSTS & set(value) if value[key]}
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return sorted(found)


def check_privacy(notebook):
    """Find what tells of the author's machine, for a person to weigh: paths, an account in the metadata, warnings."""
    texts = [text for cell in notebook.cells for text in cell.texts]
    paths = [path for text in texts for path in PATH.findall(ADDRESS.sub("", text))]
    sources = [cell.source for cell in notebook.cells] + notebook.markdown
    paths += [path for source in sources for path in OWN_PATH.findall(ADDRESS.sub("", source))]
    paths = [printable(path, 60) for path in dict.fromkeys(paths)]
    stderr = sum(output.get("name") == "stderr" for cell in notebook.cells for output in cell.outputs)
    names = names_in_metadata(notebook.all_metadata)
    return Finding("privacy", LOOK if paths or stderr or names else HOLDS, (
        f"路径：{'、'.join(paths[:3]) or '没有'}；stderr 输出：{stderr} 个" + f"；元数据里的作者：{names}" * bool(names) + "。",
        f"Paths: {', '.join(paths[:3]) or 'none'}; outputs on stderr: {stderr}"
        + f"; the author in the metadata: {names}" * bool(names) + "."), (
        "请去掉打印路径的语句或改用相对路径；消除警告（TensorFlow 的日志：导入前设 TF_CPP_MIN_LOG_LEVEL=3）；再全部运行。",
        "Drop what prints a path or use relative ones; mend what warns (for TensorFlow's log set "
        "TF_CPP_MIN_LOG_LEVEL=3 before the import); Run All again."))
