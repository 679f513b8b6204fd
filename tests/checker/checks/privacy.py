"""Does anything tell of the author's machine or account?"""

import re

from checker.finding import HOLDS, LOOK, Finding, printable

TITLE = ("没有本机路径和 stderr", "no machine path and no stderr")
PATH = re.compile(
    r"(?<![\w.])/(?:home|Users|Volumes|root|tmp|var|usr|opt|mnt|media|private|content|g?drive|kaggle|workspace|work|srv"
    r"|data)"
    r"/[\w.]+"
    r"|(?<![\w])[A-Z]:(?:\\\\?|/)(?![/\\])[\w.]+"
    r"|(?<![\w])[a-z]:(?:\\\\[\w.]+|\\[\w.]+\\|/(?!/)[\w.]+/)"
)
ADDRESS = re.compile(r"(?i)\b(?:https?|ftp)://[^\s'\"<>]*")
OWN_PATH = re.compile(
    r"(?<![\w.])/(?:home|Users|Volumes|media|mnt|(?:content/)?g?drive|kaggle/input)/[\w.]+"
    r"|(?<![\w])[A-Z]:(?:\\\\?|/)(?![/\\])[\w.]+"
)
NAMES_OF_HOSTS = {"displayName", "userId", "photoUrl", "authors", "author", "email"}


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


def check(notebook):
    """Find what tells of the author's machine, for a person to weigh: paths, an account in the metadata, warnings."""
    texts = [text for cell in notebook.cells for text in cell.texts]
    paths = [path for text in texts for path in PATH.findall(ADDRESS.sub("", text))]
    sources = [cell.source for cell in notebook.cells] + notebook.markdown
    paths += [path for source in sources for path in OWN_PATH.findall(ADDRESS.sub("", source))]
    paths = [printable(path, 60) for path in dict.fromkeys(paths)]
    stderr = sum(
        output.get("name") == "stderr" for cell in notebook.cells for output in cell.outputs
    )
    names = names_in_metadata(notebook.all_metadata)
    return Finding(
        "privacy",
        LOOK if paths or stderr or names else HOLDS,
        (
            f"路径：{'、'.join(paths[:3]) or '没有'}；stderr 输出：{stderr} 个"
            + f"；元数据里的作者：{names}" * bool(names)
            + "。",
            f"Paths: {', '.join(paths[:3]) or 'none'}; outputs on stderr: {stderr}"
            + f"; the author in the metadata: {names}" * bool(names)
            + ".",
        ),
        (
            "请去掉打印路径的语句或改用相对路径；消除警告（TensorFlow 的日志：导入前设 TF_CPP_MIN_LOG_LEVEL=3）；再全部运行。",
            "Drop what prints a path or use relative ones; mend what warns (for TensorFlow's log set "
            "TF_CPP_MIN_LOG_LEVEL=3 before the import); Run All again.",
        ),
    )
