"""The PowerShell subset."""
