"""Prepares characters of Unicode 3.2 by RFC 4013 with Python's tables of RFC 3454.

A JSON array out: each character, and what it becomes alone, and what between two Hebrew letters; null where prohibited.
"""
import json
import stringprep
import unicodedata

PROHIBITED = [
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
]


def prepare(text):
    mapped = "".join(
        " " if stringprep.in_table_c12(c) else "" if stringprep.in_table_b1(c) else c for c in text
    )
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if prepared == "" or any(table(c) for c in prepared for table in PROHIBITED):
        return None
    if any(map(stringprep.in_table_d1, prepared)):
        if any(map(stringprep.in_table_d2, prepared)):
            return None
        if not (stringprep.in_table_d1(prepared[0]) and stringprep.in_table_d1(prepared[-1])):
            return None
    return prepared


def assigned():
    # Halves of pairs are no strings; of ideographs, Hangul and private use, of which there are many alike, some.
    planes = [*range(0xD800), *range(0xE000, 0x30000), *range(0xE0000, 0xE1000), *range(0xF0000, 0x110000, 61)]
    return [chr(p) for p in planes if not ((is_one_of_many(p) and p % 61) or stringprep.in_table_a1(chr(p)))]


def is_one_of_many(point):
    blocks = [(0x3400, 0x9FFF), (0xAC00, 0xD7A3), (0xE000, 0xF8FF), (0x20000, 0x2A6D6), (0xF0000, 0x10FFFD)]
    return any(first <= point <= last for first, last in blocks)


print(json.dumps([[c, prepare(c), prepare("\u05d0" + c + "\u05d0")] for c in assigned()]))
