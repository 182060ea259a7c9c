"""How an error record is printed on stderr: plain text at 80 columns as the console host does, or CLIXML."""

from __future__ import annotations

import re

from bot.lab.powershell.convert import to_string
from bot.lab.powershell.typenames import name_of
from bot.lab.powershell.values import ErrorRecord

WIDTH = 79


def wrap(text: str, width: int = WIDTH, indent: str = "") -> list[str]:
    """Cut lines hard at `width`, also within words, as the 2.0 console host does; `indent` begins the cut-off parts."""
    out: list[str] = []
    for line in text.split("\n"):
        line = line.rstrip("\r")
        while len(line) > width:
            out.append(line[:width])
            line = indent + line[width:]
        out.append(line)
    return out


def category_line(record: ErrorRecord) -> str:
    """`ObjectNotFound: (C:\\x:String) [Get-Item], ItemNotFoundException`."""
    target = ":" if record.target is None else f"{to_string(record.target)}:{name_of(record.target).rpartition('.')[2]}"
    if len(target) > 40:
        head, _, kind = target.rpartition(":")
        target = f"{head[:16]}...{head[-12:]}:{kind}"
    kind = record.error.types[0].rpartition(".")[2]
    return f"{record.category}: ({target}) [{record.activity}], {kind}"


def position_lines(record: ErrorRecord) -> list[str]:
    """`At line:1 char:9` and the line with PowerShell 2.0's `<<<<` behind the command's name."""
    spot = record.spot
    if spot is None:
        return []
    text = spot.text
    head = re.match(r"[^\s|;(){}]+", text[spot.char - 1 :])
    after = spot.char - 1 + (len(head.group()) if head else 0)
    return [
        f"At line:{spot.line} char:{after + 1}",
        f"+ {text[:after]} <<<< {text[after:]}".rstrip() + ("" if text[after:] else " "),
    ]


def render(record: ErrorRecord, *, stopped: bool = False) -> str:
    """The whole message, lines ended by CR LF."""
    message = record.message
    if record.native:
        return message + "\r\n"
    if stopped:
        message = ('Command execution stopped because the preference variable "ErrorActionPreference" or common '
                   f"parameter is set to Stop: {message}")  # fmt: skip
    lines = wrap(f"{record.activity} : {message}" if record.activity else message)
    for line in position_lines(record):
        lines += wrap(line)
    lines += [
        *wrap(f"    + CategoryInfo          : {category_line(record)}", indent="   "),
        *wrap(f"    + FullyQualifiedErrorId : {record.error_id}", indent="   "),
        " ",
    ]
    return "\r\n".join(lines) + "\r\n"


def clixml_escape(text: str) -> str:
    """Text as CLIXML carries it: control characters as `_x000D_`."""
    text = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", text)
    text = re.sub(r"[\x00-\x1f]", lambda m: f"_x{ord(m.group()):04X}_", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


CLIXML_HEAD = '#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
CLIXML_TAIL = "</Objs>"


def clixml(text: str, stream: str = "Error") -> str:
    """Printed lines as `<S S="Error">` elements, one a line."""
    lines = text.split("\r\n")
    if lines and not lines[-1]:
        lines.pop()
    return "".join(f'<S S="{stream}">{clixml_escape(line)}_x000D__x000A_</S>' for line in lines)
