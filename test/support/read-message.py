"""Reads messages with Python's email package: a JSON object with base64 in "octets" per line in, one with what was read out."""
import base64
import email
import json
import sys
from email import errors, policy
from email.header import decode_header, make_header
from email.utils import getaddresses

ADDRESSES = ["from", "sender", "reply-to", "to", "cc", "bcc"]


def parse(octets):
    # RFC 6532 header sections are UTF-8, which the package reads from text only; the body stays octets.
    head, blank, body = octets.partition(b"\r\n\r\n")
    if head.isascii():
        return email.message_from_bytes(octets, policy=policy.default)
    text = head.decode("utf-8") + (blank + body).decode("ascii", "surrogateescape")
    return email.message_from_string(text, policy=policy.default)


def read(octets):
    message = parse(octets)
    names = sorted({name.lower() for name in message.keys()})
    raw = [(name.lower(), value) for name, value in message.raw_items()]
    defects = []
    result = {"addresses": {}, "fields": {}, "leaves": []}
    for name in names:
        values = message.get_all(name)
        if name in ADDRESSES:
            words = encoded_names(raw, name)
            result["addresses"][name] = [group(one, words) for value in values for one in value.groups]
        elif name == "date":
            result["date"] = [value.datetime.isoformat() for value in values]
        else:
            result["fields"][name] = [str(value) for value in values]
    result["tree"] = tree(message, result["leaves"], defects)
    result["defects"] = defects
    return result


def encoded_names(raw, name):
    # The newer half of the package puts a space between the encoded-words of a display name (RFC 2047 section 6.2 drops
    # it), and makes a run of blanks in one a single blank; the older half does neither.
    values = [value.replace("\r\n", "").replace("\n", "") for key, value in raw if key == name and "=?" in value]
    return {address: str(make_header(decode_header(name))) for name, address in getaddresses(values) if "=?" in name}


def group(value, words):
    return {"name": value.display_name, "members": [mailbox(one, words) for one in value.addresses]}


def mailbox(value, words):
    return {"name": words.get(value.addr_spec, value.display_name), "address": value.addr_spec}


def tree(part, leaves, defects):
    kind = part.get_content_type()
    defects += [f"{kind}: {defect!r}" for defect in part.defects]
    # A local part that is not ASCII is an observation, where RFC 6532 allows it.
    defects += [
        f"{kind} {name}: {defect!r}"
        for name, value in part.items()
        for defect in value.defects
        if not isinstance(defect, errors.NonASCIILocalPartDefect)
    ]
    if part.is_multipart() and kind != "message/rfc822":
        return kind.removeprefix("multipart/") + "(" + ", ".join(tree(one, leaves, defects) for one in part.iter_parts()) + ")"
    leaves.append(leaf(part, kind))
    return kind


def leaf(part, kind):
    if kind == "message/rfc822":
        # The package keeps the message that was read, not its octets.
        octets = part.get_payload(0).as_bytes(policy=policy.default.clone(refold_source="none", linesep="\r\n"))
    else:
        octets = part.get_payload(decode=True)
    header = part.get("content-type")
    cid = part.get("content-id")
    description = part.get("content-description")
    return {
        "type": kind,
        "parameters": {} if header is None else dict(header.params),
        "disposition": part.get_content_disposition(),
        "filename": part.get_filename(),
        "cid": None if cid is None else str(cid),
        "description": None if description is None else str(description),
        "octets": base64.b64encode(octets).decode("ascii"),
    }


for line in sys.stdin:
    print(json.dumps(read(base64.b64decode(json.loads(line)["octets"]))))
