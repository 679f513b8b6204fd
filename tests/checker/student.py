"""Reads who the student is from the heading: a table, or lines such as "学号：20230001"."""

import re

from checker.finding import printable

LONGEST_HEADING = 20_000  # characters that are read
NUMBER = r"学号|student (?:number|id)|^(?:number|no\.?|id)$"
NAME = r"姓名|(?<!file)name"
CLASS = r"班级|class(?!es|ific)"
TITLE = re.compile(f"(?i){NUMBER}|{NAME}|{CLASS}")
ENTRY = r"([^\s|,，;；*<](?:[ \t]?[^\s|,，;；*<]){0,39}?)"
END = rf"(?=[ \t]*(?:[|,，;；*<\n\u3000]|[ \t]{{2}}|$|{TITLE.pattern[4:]}))"


def read_student(text):
    """Return student number, name and class from a heading; "" for what is blank."""
    text = text[:LONGEST_HEADING].replace("&nbsp;", " ")
    rows = [line.strip().strip("|").split("|") for line in text.split("\n")]
    rows = [[entry.strip() for entry in row] for row in rows]
    entries = [entry_of(title, rows, text) for title in (NUMBER, NAME, CLASS)]
    entries = [re.sub(r"<[^>]*>|[*_`]{1,100}|&nbsp;", " ", entry) for entry in entries]
    return tuple(printable(entry.strip(), 60) for entry in entries)


def entry_of(title, rows, text):
    """Return what stands beside, below or behind a title in the heading; "" if it is not there."""
    here = re.compile(f"(?i){title}")
    for row in rows:
        if len(row) == 2 and here.search(row[0]) and not TITLE.search(row[1]):
            return row[1]
    for header, _, values in zip(rows, rows[1:], rows[2:]):
        for name, value in zip(header, values):
            if len(header) > 1 and here.search(name):
                return value
    found = re.search(rf"(?i)(?:{title})\**\s{{0,9}}[:：]\**[ \t]{{0,9}}{ENTRY}{END}", text)
    return found[1] if found else ""
