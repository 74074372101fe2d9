"""Verifies DKIM signatures with python3-dkim.

Reads {"keys": {name: record}, "messages": [base64]} from standard input, and writes for each message the list of its
signatures, the first one first: true, false, or why it cannot be verified. The DNS is never asked.
"""

import base64
import json
import sys

import dkim

job = json.load(sys.stdin)
keys = {name.encode(): record.encode() for name, record in job["keys"].items()}


def look_up(name, timeout=0):
    return keys.get(name.rstrip(b"."))


def verify(message, index):
    try:
        return dkim.DKIM(message).verify(idx=index, dnsfunc=look_up)
    except (dkim.DKIMException, ValueError) as error:
        return f"{type(error).__name__}: {error}"


def verdicts(message):
    try:
        fields, _ = dkim.rfc822_parse(message)
    except dkim.MessageFormatError as error:
        return [str(error)]
    count = sum(name.lower() == b"dkim-signature" for name, _ in fields)
    return [verify(message, index) for index in range(count)]


json.dump([verdicts(base64.b64decode(message)) for message in job["messages"]], sys.stdout)
