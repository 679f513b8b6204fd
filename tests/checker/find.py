"""Finds and reads submissions: files, folders, archives in archives; unpacks nothing to disk.

A place is a path and, inside an archive, the steps that lead to the notebook, each the number of a
member and its name: "class.zip" and ((3, "zhang.zip"),).
"""

import dataclasses
import glob
import io
import os
import pathlib
import re
import stat
import zipfile
import zlib

from checker.finding import Refused, printable

TITLE = "恰好一个笔记本", "exactly one notebook"
LARGEST_NOTEBOOK = 10_000_000  # bytes
LARGEST_ARCHIVE = 20_000_000  # bytes, of one submission
LARGEST_CLASS = 1_000_000_000  # bytes, of an archive that holds a class's, also when unpacked
LARGEST_DIRECTORY = 4_000_000  # bytes of an archive's list of members
MOST_MEMBERS = 1_000  # of an archive, system files not counted
DEEPEST = 3  # archives in archives
OTHER_ARCHIVES = {b"Rar!": ".rar", b"7z\xbc\xaf": ".7z", b"\x1f\x8b": ".gz"}
ARCHIVES = (".zip", ".rar", ".7z")
SUBMISSIONS = (".ipynb", *ARCHIVES)
DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)
MAKE_ZIP = "请用 README 里的命令重新打包。", "Pack it again with the command in the README."
ONE_NOTEBOOK = (
    "请只放一个 .ipynb 文件（若是全班的作业，请解压后给出文件夹）。",
    "Put exactly one .ipynb file into it (unpack a class's and name the folder).",
)


@dataclasses.dataclass
class Contents:
    """What is at a place: a notebook's bytes and a remark, or the steps to each of its parts."""

    notebook: bytes = b""
    remark: tuple[str, str] = ("", "")
    parts: list[tuple] = dataclasses.field(default_factory=list)


def is_system_file(name):
    """Return whether a file was put there by macOS, Windows or Jupyter, not by the student."""
    *folders, last = re.split(r"[/\\]", name)
    is_hidden = bool({"__MACOSX", ".ipynb_checkpoints"} & set(folders))
    return is_hidden or last.startswith(("._", ".DS_Store", "Thumbs.db"))


def submission_paths(paths):
    """Yield the files that these files, folders and patterns stand for, in order, each once."""
    seen = set()
    for path in map(str, paths):
        # A shell on Windows leaves the patterns to the program.
        matches = sorted(glob.glob(path)) if not os.path.exists(path) else []
        for match in map(pathlib.Path, matches or [path]):
            for found in files_in(match, wanted=True) if match.is_dir() else [match]:
                identity = os.path.realpath(found)
                if identity not in seen:
                    seen.add(identity)
                    yield found


def files_in(folder, wanted):
    """Yield the notebooks and archives in a folder and below if they are wanted, or all others.

    Hidden folders and system files are left out, and links are not followed.
    """
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - {"__MACOSX"} - {f for f in folders if f.startswith(".")})
        for path in (pathlib.Path(place, name) for name in sorted(names)):
            is_submission = path.suffix.lower() in SUBMISSIONS
            if is_submission == wanted and not is_system_file(path.name) and not path.is_symlink():
                yield path


def files_left_out(paths):
    """Return the names of the files in these folders that are neither notebooks nor archives."""
    folders = [path for path in map(pathlib.Path, paths) if path.is_dir()]
    return [printable(path.name) for folder in folders for path in files_in(folder, wanted=False)]


def shown_name(member):
    """Return a member's name for people: many programs store UTF-8 or GBK without saying so."""
    if not member.flag_bits & 0x800:
        for encoding in ("utf-8", "gbk"):
            try:
                return printable(member.filename.encode("cp437").decode(encoding))
            except (UnicodeEncodeError, UnicodeDecodeError):
                pass
    return printable(member.filename)


def shown_place(path, steps=()):
    """Return a place as people write it."""
    return "/".join([printable(str(path)), *(name for _, name in steps)])


def refused(chinese, english, hint=MAKE_ZIP):
    """Return the refusal of a file for this reason."""
    return Refused("archive", chinese, english, hint)


def too_large(limit=LARGEST_NOTEBOOK):
    """Return the refusal of a file of more than `limit` bytes."""
    chinese = f"文件超过 {limit // 1_000_000} MB，没有读取。"
    english = f"The file has more than {limit // 1_000_000} MB and was not read."
    hint = (
        "请清除过大的输出（如逐批的进度条），再全部运行；压缩包里只放笔记本。",
        "Clear large outputs, such as progress bars, and Run All again; pack only the notebook.",
    )
    return refused(chinese, english, hint)


def too_many(count):
    """Return the refusal of an archive of so many members."""
    chinese = f"压缩包里有 {count} 个文件，最多 {MOST_MEMBERS} 个。"
    return refused(chinese, f"The archive holds {count} files; at most {MOST_MEMBERS} are read.")


def refuse_long_directory(stream):
    """Refuse an archive whose end, which is read first, announces a list that is too long."""
    stream.seek(max(0, stream.seek(0, io.SEEK_END) - 66_000))
    _, found, end = stream.read().rpartition(b"PK\x05\x06")
    if found and int.from_bytes(end[8:12], "little") > LARGEST_DIRECTORY:
        raise too_many(f"> {MOST_MEMBERS}")


def listed_members(archive):
    """Return an archive's files apart from the system's, and how many of those there are."""
    members = [member for member in archive.infolist() if not member.is_dir()]
    own = [member for member in members if not is_system_file(member.filename)]
    if len(own) > MOST_MEMBERS:
        raise too_many(len(own))
    for member in members:
        name = shown_name(member)
        if ".." in re.split(r"[/\\]", name) or re.match(r"[/\\]|[A-Za-z]:", name):
            english = f"The name {name} points out of the archive."
            raise refused(f"文件名 {name} 指向压缩包之外。", english)
        if stat.S_ISLNK(member.external_attr >> 16):
            raise refused(f"{name} 是一个链接。", f"{name} is a link, not a file.")
    return own, len(members) - len(own)


def member_content(archive, member, limit):
    """Return the bytes of an archive's member; refuse what cannot be had within the limit."""
    if member.flag_bits & 0x1:
        hint = "请不要设密码。", "Make it without a password."
        raise refused("压缩包有密码。", "The archive is encrypted.", hint)
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # Only these are unpacked piece by piece, so that the limit of bytes holds.
        raise refused("压缩方式不常见。", "The archive uses an unusual compression.")
    with archive.open(member) as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise too_large(limit)
    return content


def without_notebook(archive, member):
    """Return whether a member is an archive with no notebook or archive in it, such as of data."""
    try:
        content = member_content(archive, member, LARGEST_ARCHIVE)
        with zipfile.ZipFile(io.BytesIO(content)) as inner:
            return not ending(inner.infolist(), SUBMISSIONS)
    except (Refused, *DAMAGES):
        return False  # It gets a report of its own, which says what is wrong with it.


def ending(members, ends):
    """Return those members whose names end so."""
    return [member for member in members if member.filename.lower().endswith(ends)]


def parts_of_class(archive, members):
    """Return those members that are submissions of their own, or none of a single submission.

    A class's archive holds archives, or at least three notebooks, each in a folder or under a
    number of its own.
    """
    notebooks, archives = ending(members, ".ipynb"), ending(members, ARCHIVES)
    if notebooks:
        archives = [member for member in archives if not without_notebook(archive, member)]
    places = [re.split(r"[/\\]", member.filename) for member in notebooks]
    folders = {tuple(place[:-1]) for place in places} - {()}
    numbers = {number[0] for place in places if (number := re.search(r"\d{5,}", place[-1]))}
    is_class = archives or len(notebooks) >= 3 and len(notebooks) in (len(folders), len(numbers))
    return archives + notebooks if is_class else []


def the_notebook(members):
    """Return the one notebook among an archive's members; raises Refused."""
    notebooks = ending(members, ".ipynb")
    if len(notebooks) == 1:
        return notebooks[0]
    listed = ": " + ", ".join(map(shown_name, notebooks[:5])) if notebooks else ""
    chinese = f"压缩包里有 {len(notebooks)} 个笔记本{listed}。"
    english = f"The archive holds {len(notebooks)} notebooks{listed}."
    raise refused(chinese, english, ONE_NOTEBOOK)


def read_archive(stream, steps):
    """Return the Contents of an archive at the end of these steps."""
    refuse_long_directory(stream)
    with zipfile.ZipFile(stream) as archive:
        members, ignored = listed_members(archive)
        parts = parts_of_class(archive, members)
        if parts and len(steps) == DEEPEST:
            chinese = f"压缩包套压缩包，超过 {DEEPEST} 层，没有读取。"
            english = f"Archives lie in archives more than {DEEPEST} deep: they were not read."
            raise refused(chinese, english)
        if sum(part.file_size for part in parts) > LARGEST_CLASS:
            raise too_large(LARGEST_CLASS)
        if parts:
            numbers = {member: number for number, member in enumerate(archive.infolist())}
            return Contents(parts=[(*steps, (numbers[part], shown_name(part))) for part in parts])
        notebook = the_notebook(members)
        name = shown_name(notebook)
        chinese, english = f"读取的是 {name}。", f"Read {name}."
        if re.search(r"[/\\]", name):
            chinese += "它在文件夹里；最好放在最外层。"
            english += " It is inside a folder; the top level is better."
        if ignored:
            chinese += f"忽略了 {ignored} 个系统文件。"
            english += f" Ignored {ignored} files of the system."
        return Contents(member_content(archive, notebook, LARGEST_NOTEBOOK), (chinese, english))


def read_stream(stream, name, steps):
    """Return the Contents of the file that the steps have led to."""
    start, size = stream.read(8), stream.seek(0, io.SEEK_END)
    stream.seek(0)
    if not size:
        raise refused("文件是空的。", "The file is empty.")
    for signature, kind in OTHER_ARCHIVES.items():
        if start.startswith(signature):
            hint = "请改用 .zip。", "Make it a .zip."
            raise refused(f"这是 {kind} 文件。", f"This is a {kind} file.", hint)
    zipped = name.lower().endswith(".zip") or start.startswith(b"PK")
    limit = LARGEST_NOTEBOOK if not zipped else LARGEST_ARCHIVE if steps else LARGEST_CLASS
    if size > limit:
        raise too_large(limit)
    if zipped:
        return read_archive(stream, steps)
    remark = f"读取的是 {printable(name)}。", f"Read {printable(name)}."
    return Contents(stream.read(), remark)


def read_submission(path, steps=()):
    """Return the Contents of a place; raises Refused if it is no submission."""
    path = pathlib.Path(path)
    if not path.is_file():
        name, hint = printable(path.name), ("请检查路径。", "Check the path.")
        raise refused(f"找不到文件 {name}。", f"There is no file {name}.", hint)
    try:
        with path.open("rb") as stream:
            name = path.name
            for index, name in steps:
                limit = LARGEST_ARCHIVE if name.lower().endswith(ARCHIVES) else LARGEST_NOTEBOOK
                with zipfile.ZipFile(stream) as archive:
                    member = archive.infolist()[index]
                    stream = io.BytesIO(member_content(archive, member, limit))
            return read_stream(stream, name, steps)
    except DAMAGES:
        english = "The archive is damaged or incomplete."
        raise refused("压缩包损坏或不完整。", english) from None
