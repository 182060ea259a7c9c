"""Fills the tables: importing this makes every cmdlet and .NET member known."""

from bot.lab.powershell import (
    cmdlets_change,
    cmdlets_core,
    cmdlets_items,
    cmdlets_make,
    cmdlets_objects,
    cmdlets_output,
    cmdlets_shell,
    cmdlets_system,
    cmdlets_wmi,
    dotnet_convert,
    dotnet_io,
    dotnet_process,
    dotnet_streams,
    dotnet_system,
    dotnet_text,
    dotnet_time,
)

MODULES = (
    cmdlets_change, cmdlets_core, cmdlets_items, cmdlets_make, cmdlets_objects, cmdlets_output, cmdlets_shell,
    cmdlets_system, cmdlets_wmi, dotnet_convert, dotnet_io, dotnet_process, dotnet_streams, dotnet_system,
    dotnet_text, dotnet_time,
)  # fmt: skip
