@echo off
rem runner.cmd, version 1. The action of the scheduled task rollup-bot-runner, registered once per node
rem by the Windows administrator. It runs the one job folder that runner.next names, and only once:
rem a folder that is void or has begun ends it. The bot starts the task and never knows its password.
setlocal
set NEXT=
set /p NEXT=<"%~dp0runner.next"
if not defined NEXT exit /b 2
if exist "%~dp0%NEXT%\void" exit /b 3
if exist "%~dp0%NEXT%\begun" exit /b 4
if not exist "%~dp0%NEXT%\job.ps1" exit /b 5
powershell.exe -NoProfile -NonInteractive -ExecutionPolicy Bypass -File "%~dp0%NEXT%\job.ps1"
exit /b %ERRORLEVEL%
