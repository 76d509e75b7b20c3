"""Fields of lines, against Python's csv where that has an opinion."""

import csv

import pytest

from mpii_tools.formats.lines import split_line


@pytest.mark.parametrize("line", ["a.jpg,1,2", '"c d.jpg",1,2', '"a,b.jpg",1', "a,,b", "a,b,", "john's.jpg,b's.jpg"])
def test_commas_as_csv_reads_them(line):
    assert split_line(line) == next(csv.reader([line]))


@pytest.mark.parametrize(("line", "fields"), [
    ("a.jpg\t1\t2", ["a.jpg", "1", "2"]), ("a b.jpg\t1,5", ["a b.jpg", "1,5"]),
    ("  a.jpg  1 2\r\n", ["a.jpg", "1", "2"]), ('"c d.jpg" 1 2', ["c d.jpg", "1", "2"]),
    ("'c, d.jpg' 'e\tf.jpg'", ["c, d.jpg", "e\tf.jpg"]), ("john's.jpg 1", ["john's.jpg", "1"]),
    ('"a', ["a"]), ("", []),
])  # fmt: skip
def test_tabs_and_spaces_and_quotes(line, fields):
    assert split_line(line) == fields
