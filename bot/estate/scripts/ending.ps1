# ending.ps1, version 1. Stands after every script the bot sends: the last line counts the
# others, so that a reply with a hole in it cannot pass for a whole one.

Say 'clock' @((Get-Now))
Send-Said
[Console]::Out.WriteLine('[rollup-end] ' + $Said['Lines'])
