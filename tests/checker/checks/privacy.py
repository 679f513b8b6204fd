"""Does anything tell of the author's machine or account?"""

import json
import re

from checker.finding import HOLDS, LOOK, Finding, printable

TITLE = "没有本机路径和 stderr", "no machine path and no stderr"
OWN_FOLDERS = "home|Users|Volumes|media|mnt|(?:content/)?g?drive|kaggle/input"
FOLDERS = "root|tmp|var|usr|opt|private|content|kaggle|work(?:space)?|srv|data|" + OWN_FOLDERS
DRIVE = r"(?<!\w)[A-Z]:(?:\\\\?|/)(?![/\\])[\w.]+"
LOWER_DRIVE = r"(?<!\w)[a-z]:(?:\\\\[\w.]+|\\[\w.]+\\|/(?!/)[\w.]+/)"
PRINTED_PATH = re.compile(rf"(?<![\w.])/(?:{FOLDERS})/[\w.]+|{DRIVE}|{LOWER_DRIVE}")
WRITTEN_PATH = re.compile(rf"(?<![\w.])/(?:{OWN_FOLDERS})/[\w.]+|{DRIVE}")
ADDRESS = re.compile(r"(?i)\b(?:https?|ftp)://[^\s'\"<>]*")
NAME_IN_METADATA = re.compile(  # as hosting services store it, if it is not blank
    r'"(displayName|userId|photoUrl|authors|author|email)": (?!null|false|0[,}]|""|\[\]|\{\})'
)
HINT = (
    "请去掉打印路径的语句或改用相对路径；消除警告（TensorFlow 的日志：导入前设 "
    "TF_CPP_MIN_LOG_LEVEL=3）；再全部运行。",
    "Drop what prints a path or use relative ones; mend what warns (for TensorFlow's log set "
    "TF_CPP_MIN_LOG_LEVEL=3 before the import); Run All again.",
)


def paths_in(texts, pattern):
    """Return the paths of a pattern in some texts, those in web addresses aside."""
    lines = [line for text in texts for line in text.split("\n") if "/" in line or "\\" in line]
    return [path for line in lines for path in pattern.findall(ADDRESS.sub("", line))]


def check(notebook):
    """Find what a person should weigh: paths, warnings, an account in the metadata."""
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    paths = paths_in([text for cell in notebook.cells for text in cell.texts], PRINTED_PATH)
    paths += paths_in([cell.source for cell in notebook.cells] + notebook.markdown, WRITTEN_PATH)
    paths = [printable(path, 60) for path in dict.fromkeys(paths)]
    stderr = sum(output.get("name") == "stderr" for output in outputs)
    names = sorted(set(NAME_IN_METADATA.findall(json.dumps(notebook.all_metadata))))
    chinese = f"路径：{'、'.join(paths[:3]) or '没有'}；stderr 输出：{stderr} 个"
    english = f"Paths: {', '.join(paths[:3]) or 'none'}; outputs on stderr: {stderr}"
    if names:
        chinese += f"；元数据里的作者：{names}"
        english += f"; the author in the metadata: {names}"
    state = LOOK if paths or stderr or names else HOLDS
    return Finding("privacy", state, (f"{chinese}。", f"{english}."), HINT)
