# What a passive CCR node of Windows 2008 with Exchange 2007 SP3 would answer, in the documented output shapes
# (facts/exchange.md, sections 1.6, 2 and 3). Stands before a script that is run where there is no such node.
#
# Only functions and PowerShell 2.0, so that it serves any PowerShell and the practice range's own. What a
# script asks for and nobody wrote an answer to is an error: a test would notice.

$Asked = New-Object Collections.ArrayList

# A COM object is there only on Windows; every other object is made as ever. The comma keeps a list from being unrolled.
function New-Object {
    param($TypeName, $ArgumentList, $ComObject, $Property)
    if ($ComObject -eq 'WinHttp.WinHttpRequest.5.1') {
        return (Get-Request)
    }
    if ($Property) {
        return (Microsoft.PowerShell.Utility\New-Object -TypeName $TypeName -Property $Property)
    }
    if ($ArgumentList) {
        return , (Microsoft.PowerShell.Utility\New-Object -TypeName $TypeName -ArgumentList $ArgumentList)
    }
    return , (Microsoft.PowerShell.Utility\New-Object -TypeName $TypeName)
}

function Get-Request {
    $request = New-Thing @{ Status = 200 }
    foreach ($method in @('SetTimeouts', 'Open', 'Send')) {
        $request | Add-Member -MemberType ScriptMethod -Name $method -Value { }
    }
    $request
}

function New-Thing {
    param($Properties)
    New-Object PSObject -Property $Properties
}

function New-Link {
    param($Group, $Part)
    New-Thing @{ GroupComponent = $Group; PartComponent = $Part }
}

function Get-ClusterPath {
    param($Kind, $Name)
    '\\EXN2\root\MSCluster:MSCluster_' + $Kind + '.Name="' + $Name + '"'
}

function Get-Services {
    New-Thing @{ Name = 'ClusSvc'; State = 'Running'; StartMode = 'Auto' }
    New-Thing @{ Name = 'MSExchangeRepl'; State = 'Running'; StartMode = 'Auto' }
    New-Thing @{ Name = 'MSExchangeIS'; State = 'Stopped'; StartMode = 'Manual' }
    New-Thing @{ Name = 'Spooler'; State = 'Running'; StartMode = 'Auto' }
}

function Get-Resources {
    $none = New-Thing @{ SharePath = $null; MNSFileShare = $null }
    $share = New-Thing @{ SharePath = '\\HUB1\FSW_CLUSTER01'; MNSFileShare = $null }
    $name = New-Thing @{ SharePath = $null; MNSFileShare = $null; Name = 'CLUSTER01'; HostRecordTTL = 1200 }
    New-Thing @{ Name = 'Cluster Name'; Type = 'Network Name'; State = 2; CoreResource = $true; PrivateProperties = $name }
    New-Thing @{ Name = 'Witness'; Type = 'File Share Witness'; State = 2; CoreResource = $true; PrivateProperties = $share }
    New-Thing @{ Name = 'IS (CMS1)'; Type = 'Microsoft Exchange Information Store'; State = 2; CoreResource = $false; PrivateProperties = $none }
}

function Get-WmiObject {
    param($Class, $Namespace)
    [void]$Asked.Add($Class)
    switch ($Class) {
        'Win32_OperatingSystem' { New-Thing @{ Version = '6.0.6002'; LastBootUpTime = '20260313200000.000000+000' } }
        'Win32_Service' { Get-Services }
        'Win32_LogicalDisk' {
            New-Thing @{ DeviceID = 'C:'; DriveType = 3; FreeSpace = 42949672960 }
            New-Thing @{ DeviceID = 'D:'; DriveType = 5; FreeSpace = $null }
        }
        'Win32_Volume' {
            New-Thing @{ Name = 'C:\'; DriveType = 3; DirtyBitSet = $false; FreeSpace = 42949672960 }
            New-Thing @{ Name = 'D:\Logs\'; DriveType = 3; DirtyBitSet = $true; FreeSpace = 104857600 }
            New-Thing @{ Name = 'E:\'; DriveType = 5; DirtyBitSet = $null; FreeSpace = $null }
        }
        'Win32_NetworkAdapterConfiguration' {
            New-Thing @{ IPAddress = @('10.1.0.12', 'fe80::1') }
            New-Thing @{ IPAddress = $null }
        }
        'MSCluster_Network' {
            New-Thing @{ Name = 'Public'; Address = '10.1.0.0'; AddressMask = '255.255.255.0'; Role = 3 }
            New-Thing @{ Name = 'Private'; Address = '192.168.9.0'; AddressMask = '255.255.255.0'; Role = 1 }
        }
        'MSCluster_Cluster' { New-Thing @{ Name = 'CLUSTER01'; QuorumType = 'Majority' } }
        'MSCluster_Node' {
            New-Thing @{ Name = 'EXN2'; State = 2 }
            New-Thing @{ Name = 'EXN1'; State = 0 }
        }
        'MSCluster_ResourceGroup' {
            New-Thing @{ Name = 'Cluster Group'; State = 0; AutoFailbackType = 0 }
            New-Thing @{ Name = 'CMS1'; State = 0; AutoFailbackType = 0 }
        }
        'MSCluster_Resource' { Get-Resources }
        'MSCluster_NodeToActiveGroup' {
            New-Link (Get-ClusterPath 'Node' 'EXN1') (Get-ClusterPath 'ResourceGroup' 'Cluster Group')
            New-Link (Get-ClusterPath 'Node' 'EXN1') (Get-ClusterPath 'ResourceGroup' 'CMS1')
        }
        'MSCluster_ResourceGroupToResource' {
            New-Link (Get-ClusterPath 'ResourceGroup' 'Cluster Group') (Get-ClusterPath 'Resource' 'Cluster Name')
            New-Link (Get-ClusterPath 'ResourceGroup' 'Cluster Group') (Get-ClusterPath 'Resource' 'Witness')
            New-Link (Get-ClusterPath 'ResourceGroup' 'CMS1') (Get-ClusterPath 'Resource' 'IS (CMS1)')
        }
        'MSCluster_ResourceGroupToPreferredNode' { }
        'MSCluster_ResourceToPossibleOwner' {
            foreach ($name in @('Cluster Name', 'Witness', 'IS (CMS1)')) {
                foreach ($node in @('EXN1', 'EXN2')) {
                    New-Link (Get-ClusterPath 'Resource' $name) (Get-ClusterPath 'Node' $node)
                }
            }
        }
        'MSCluster_ClusterToQuorumResource' { New-Link (Get-ClusterPath 'Cluster' 'CLUSTER01') (Get-ClusterPath 'Resource' 'Witness') }
        default { throw ('nobody wrote an answer for ' + $Class) }
    }
}

# --- the registry: only what is asked for; every other path is a real one ------------------------------------

$Setup = New-Thing @{ MsiInstallPath = $Stub['exchange'] }
$Patches = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Installer\UserData\S-1-5-18\Products\461C2B4266EDEF444B864AD6D9E5B613'
$SystemAttendant = 'HKLM:\SYSTEM\CurrentControlSet\Services\MSExchangeSA\Parameters'
$Registry = @{
    ($SystemAttendant + '\1') = (New-Thing @{ EnableOabGenOnThisNode = 'EXN1' })
    'HKLM:\SOFTWARE\Microsoft\Exchange\v8.0\Setup' = $Setup
    ($Patches + '\InstallProperties') = (New-Thing @{ DisplayVersion = '8.3.83.6' })
    ($Patches + '\Patches') = (New-Thing @{})
    ($Patches + '\Patches\1') = (New-Thing @{ DisplayName = 'Update Rollup 21 for Exchange Server 2007 Service Pack 3 (KB3184711) 8.3.485.1'; State = 1; Installed = '20170101' })
    'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager' = (New-Thing @{ PendingFileRenameOperations = @('\??\C:\Windows\Temp\a.tmp', '') })
    'Registry::HKEY_USERS\S-1-5-18\Software\Microsoft\Windows\CurrentVersion\WinTrust\Trust Providers\Software Publishing' = (New-Thing @{ State = 146432 })
}

function Test-Registry {
    param($Path)
    $Path -like 'HKLM:*' -or $Path -like 'Registry::*'
}

function Get-ItemProperty {
    param($Path)
    if (-not $Registry.ContainsKey($Path)) {
        throw ('there is no key ' + $Path)
    }
    $Registry[$Path]
}

function Test-Path {
    param($Path, $LiteralPath)
    $wanted = [string]$Path + [string]$LiteralPath
    if (Test-Registry $wanted) {
        return $Registry.ContainsKey($wanted)
    }
    [IO.File]::Exists($wanted) -or [IO.Directory]::Exists($wanted)
}

# Three logs of the last day, the file that is being written, and two that are no logs of this group.
function Get-Logs {
    New-Thing @{ Name = 'E0000000A0E.log'; LastWriteTimeUtc = [DateTime]::UtcNow.AddHours(-20) }
    New-Thing @{ Name = 'E0000000A0F.log'; LastWriteTimeUtc = [DateTime]::UtcNow.AddHours(-12) }
    New-Thing @{ Name = 'E0000000A19.log'; LastWriteTimeUtc = [DateTime]::UtcNow.AddHours(-1) }
    New-Thing @{ Name = 'E00.log'; LastWriteTimeUtc = [DateTime]::UtcNow }
    New-Thing @{ Name = 'E00tmp.log'; LastWriteTimeUtc = [DateTime]::UtcNow }
    New-Thing @{ Name = 'E0100000FFF.log'; LastWriteTimeUtc = [DateTime]::UtcNow }
}

function Get-ChildItem {
    param($Path, $LiteralPath)
    if ($LiteralPath -eq 'D:\LOGS\SG1\') {
        return (Get-Logs)
    }
    if ($LiteralPath) {
        throw ('Access to the path ' + $LiteralPath + ' is denied.')
    }
    if (Test-Registry $Path) {
        return (New-Thing @{ PSPath = ($Path + '\1'); PSChildName = 'CMS1' })
    }
    Microsoft.PowerShell.Management\Get-ChildItem -LiteralPath $Path
}

function Get-Item {
    param($Path, $LiteralPath, [switch]$Force)
    $wanted = [string]$Path + [string]$LiteralPath
    if ($wanted -like '*ExSetup.exe') {
        return (New-Thing @{ VersionInfo = (New-Thing @{ FileVersion = '08.03.0485.001' }) })
    }
    Microsoft.PowerShell.Management\Get-Item -LiteralPath $wanted -Force
}

function Get-Acl {
    param($Path)
    New-Thing @{ Sddl = 'O:BAG:DUD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)' }
}

function Get-AuthenticodeSignature {
    param($FilePath)
    New-Thing @{ Status = 'Valid' }
}

# --- native tools ---------------------------------------------------------------------------------------------

function cluster.exe {
    'Listing status for all available resource groups:'
    ''
    'Group                Node            Status'
    '-------------------- --------------- ------'
    'Cluster Group        EXN1            Online'
    'CMS1                 EXN1            Online'
    ''
}

function schtasks.exe {
    '"\rollup-bot-runner","12/12/2099 11:00:00 PM","Ready"'
    ('"\rollup-bot-' + $Stub['name'] + '","12/12/2099 11:00:00 PM","Ready"')
}

function vssadmin.exe {
    'vssadmin 1.1 - Volume Shadow Copy Service administrative command-line tool'
    ''
    "Writer name: 'System Writer'"
    '   Writer Id: {e8132975-6f93-4464-a53e-1050253ae220}'
    '   State: [1] Stable'
    '   Last error: No error'
    ''
    "Writer name: 'Microsoft Exchange Replica Writer'"
    '   Writer Id: {7e47b561-971a-46e6-96b9-696eeaa53b2a}'
    '   State: [5] Waiting for completion'
    '   Last error: No error'
    ''
}

function cmd.exe {
    [void]$Asked.Add([string]$args[$args.Count - 1])
    $global:LASTEXITCODE = 0
}

# --- the Exchange snap-in --------------------------------------------------------------------------------------

function Add-PSSnapin {
    param($Name)
}

function Get-MailboxServer {
    New-Thing @{ Name = 'CMS1'; ClusteredStorageType = 'NonShared'; RedundantMachines = @('exn1.lab.example', 'EXN2') }
    New-Thing @{ Name = 'SCR1'; ClusteredStorageType = 'Disabled'; RedundantMachines = @() }
}

function Get-ClusteredMailboxServerStatus {
    param($Identity)
    New-Thing @{ State = 'Online'; OperationalMachines = @('EXN1 <Active>', 'EXN2 <Quorum Owner>') }
}

function Get-ExchangeServer {
    param($Identity)
    New-Thing @{ Name = 'CMS1'; AdminDisplayVersion = 'Version 8.3 (Build 83.6)'; ServerRole = 'Mailbox' }
}

function Get-MailboxDatabase {
    param($Server, [switch]$Status)
    $noon = New-Object DateTime 2026, 3, 13, 12, 0, 0, ([DateTimeKind]::Utc)
    New-Thing @{ StorageGroupName = 'SG1'; Name = 'MBX1'; Mounted = $true; BackupInProgress = $false; LastFullBackup = $noon }
    New-Thing @{ StorageGroupName = 'SG2'; Name = 'MBX2'; Mounted = $false; BackupInProgress = $false; LastFullBackup = $null }
}

function Get-PublicFolderDatabase {
    param($Server, [switch]$Status)
    New-Thing @{ StorageGroupName = 'SG2'; Name = 'PF1'; Mounted = $false; BackupInProgress = $true; LastFullBackup = $null }
}

function Get-StorageGroup {
    param($Server)
    $target = New-Thing @{ NodeName = 'scr1.lab.example'; ReplayLagTime = [TimeSpan]::FromHours(24) }
    if (-not $Server) {
        $here = New-Thing @{ NodeName = 'exn2.lab.example'; ReplayLagTime = [TimeSpan]::FromHours(24) }
        New-Thing @{ Name = 'SG9'; Identity = 'CMS9\SG9'; StandbyMachines = @($here) }
        New-Thing @{ Name = 'SG8'; Identity = 'CMS9\SG8'; StandbyMachines = @($target, $here) }
        New-Thing @{ Name = 'SG7'; Identity = 'EXN2\SG7'; StandbyMachines = @($target) }
    }
    New-Thing @{ Name = 'SG1'; Identity = 'CMS1\SG1'; StandbyMachines = @($target); LogFolderPath = 'D:\LOGS\SG1'; LogFilePrefix = 'E00' }
    New-Thing @{ Name = 'SG2'; Identity = 'CMS1\SG2'; StandbyMachines = @(); LogFolderPath = 'C:\SG2\'; LogFilePrefix = 'E01' }
}

function Get-StorageGroupCopyStatus {
    param($Server, $Identity, $StandbyMachine)
    if ($Identity -eq 'CMS9\SG8') {
        throw 'The Microsoft Exchange Replication Service does not answer.'
    }
    if ($Identity -eq 'CMS9\SG9') {
        return (New-Thing @{ Name = 'SG9'; SummaryCopyStatus = 'Seeding'; CopyQueueLength = 0; ReplayQueueLength = 0 })
    }
    if ($StandbyMachine) {
        return (New-Thing @{ Name = 'SG1'; SummaryCopyStatus = 'Healthy'; CopyQueueLength = 1; ReplayQueueLength = 900 })
    }
    New-Thing @{ Name = 'SG1'; SummaryCopyStatus = 'Healthy'; CopyQueueLength = 0; ReplayQueueLength = 2 }
    New-Thing @{ Name = 'SG2'; SummaryCopyStatus = 'Initializing'; CopyQueueLength = 0; ReplayQueueLength = 0 }
}

function Test-ReplicationHealth {
    New-Thing @{ Check = 'ClusterNetwork'; Result = 'Passed'; Error = '' }
    New-Thing @{ Check = 'SGCopyInitializing'; Result = '*FAILED*'; Error = 'SG2 is initializing.' }
}

function Move-ClusteredMailboxServer {
    param($Identity, $TargetMachine, $MoveComment, [switch]$ValidateOnly, [switch]$Confirm)
    if (-not $ValidateOnly) {
        throw 'a test moved a mail server'
    }
    throw 'One or more storage group copies are failed, seeding or suspended.'
}

function Test-MapiConnectivity {
    param($Server)
    New-Thing @{ Database = 'MBX1'; Result = 'Success' }
}

function Get-Mailbox {
    param($Server, $ResultSize)
    if ($Server -eq 'CMS1') {
        foreach ($number in 1..3) {
            New-Thing @{ Name = ('user' + $number) }
        }
    }
}
