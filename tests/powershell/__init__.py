"""The scripts under a PowerShell 2.0 linter."""
