"""The .NET enumerations that scripts name."""

from __future__ import annotations

from typing import Any

from bot.lab.powershell.typenames import known
from bot.lab.powershell.values import EnumValue

ENUMS: dict[str, dict[str, int]] = {
    "System.IO.FileMode": {"CreateNew": 1, "Create": 2, "Open": 3, "OpenOrCreate": 4, "Truncate": 5, "Append": 6},
    "System.IO.FileAccess": {"Read": 1, "Write": 2, "ReadWrite": 3},
    "System.IO.FileShare": {"None": 0, "Read": 1, "Write": 2, "ReadWrite": 3, "Delete": 4},
    "System.IO.SeekOrigin": {"Begin": 0, "Current": 1, "End": 2},
    "System.IO.Compression.CompressionMode": {"Decompress": 0, "Compress": 1},
    "System.IO.FileAttributes": {
        "ReadOnly": 1, "Hidden": 2, "System": 4, "Directory": 16, "Archive": 32, "Normal": 128, "ReparsePoint": 1024},
    "System.StringComparison": {
        "CurrentCulture": 0, "CurrentCultureIgnoreCase": 1, "InvariantCulture": 2, "InvariantCultureIgnoreCase": 3,
        "Ordinal": 4, "OrdinalIgnoreCase": 5},
    "System.StringSplitOptions": {"None": 0, "RemoveEmptyEntries": 1},
    "System.DateTimeKind": {"Unspecified": 0, "Utc": 1, "Local": 2},
    "System.DayOfWeek": {
        "Sunday": 0, "Monday": 1, "Tuesday": 2, "Wednesday": 3, "Thursday": 4, "Friday": 5, "Saturday": 6},
    "System.ServiceProcess.ServiceControllerStatus": {
        "Stopped": 1, "StartPending": 2, "StopPending": 3, "Running": 4, "ContinuePending": 5, "PausePending": 6,
        "Paused": 7},
    "System.Diagnostics.EventLogEntryType": {
        "Error": 1, "Warning": 2, "Information": 4, "SuccessAudit": 8, "FailureAudit": 16},
    "System.Management.Automation.SignatureStatus": {
        "Valid": 0, "UnknownError": 1, "NotSigned": 2, "HashMismatch": 3, "NotTrusted": 4},
    "System.Text.RegularExpressions.RegexOptions": {
        "None": 0, "IgnoreCase": 1, "Multiline": 2, "ExplicitCapture": 4, "Singleline": 16},
    "System.Globalization.NumberStyles": {"None": 0, "Integer": 7, "HexNumber": 515, "Float": 167, "Any": 511},
    "Microsoft.Win32.RegistryHive": {"LocalMachine": -2147483646, "Users": -2147483645},
    "Microsoft.Win32.RegistryValueKind": {
        "Unknown": 0, "String": 1, "ExpandString": 2, "Binary": 3, "DWord": 4, "MultiString": 7, "QWord": 11},
    "System.Security.Principal.WindowsBuiltInRole": {"Administrator": 544, "User": 545, "Guest": 546},
    "System.Management.AuthenticationLevel": {
        "Default": 0, "None": 1, "Connect": 2, "Call": 3, "Packet": 4, "PacketIntegrity": 5, "PacketPrivacy": 6},
    "System.Management.Automation.ActionPreference": {
        "SilentlyContinue": 0, "Stop": 1, "Continue": 2, "Inquire": 3},
}  # fmt: skip
known(*ENUMS)


def enum_static(type_name: str, name: str) -> EnumValue | None:
    """`[type]::Name`."""
    for known_name, number in ENUMS.get(type_name, {}).items():
        if known_name.casefold() == name.casefold():
            return EnumValue(known_name, number, type_name)
    return None


def enum_member(type_name: str, value: Any) -> EnumValue | None:
    """A member from a name, several names with commas, or a number; None when there is none."""
    members = ENUMS.get(type_name)
    if members is None:
        return None
    if isinstance(value, EnumValue):
        return value if value.type_name == type_name else enum_static(type_name, str(value))
    if isinstance(value, int) and not isinstance(value, bool):
        return from_number(type_name, value)
    if isinstance(value, str):
        found = [enum_static(type_name, part.strip()) for part in value.split(",")]
        if any(item is None for item in found):
            return None
        numbers = [item.number for item in found if item is not None]
        total = 0
        for number in numbers:
            total |= number
        return EnumValue(", ".join(str(item) for item in found), total, type_name)
    return None


def from_number(type_name: str, number: int) -> EnumValue:
    """The member with a number, or flags put together; the bare number when nothing fits."""
    members = ENUMS[type_name]
    for name, own in members.items():
        if own == number:
            return EnumValue(name, number, type_name)
    flags = [name for name, own in members.items() if own and own & number == own]
    return EnumValue(", ".join(flags) or str(number), number, type_name)
