# probe.ps1, version 1. Reads what Windows and the cluster know about this machine. Changes nothing.
#
# Parameters: kinds (of sections), package (the rollup's path), root (folder of the jobs), runner (task).

Section 'fast' 'system' {
    $system = Get-WmiObject -Class Win32_OperatingSystem
    Say 'host' @($env:COMPUTERNAME)
    Say 'boot' @((Get-BootTime))
    Say 'windows' @($system.Version)
    Say 'powershell' @($PSVersionTable.PSVersion.ToString())
}

Section 'fast' 'policy' {
    $key = 'HKLM:\SOFTWARE\Policies\Microsoft\Windows\PowerShell'
    if (Test-Path $key) {
        Say 'policy' @((Get-ItemProperty $key).ExecutionPolicy)
    }
}

Section 'fast' 'exsetup' {
    $setup = Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Exchange\v8.0\Setup'
    $file = Join-Path $setup.MsiInstallPath 'bin\ExSetup.exe'
    Say 'exsetup' @((Get-Item $file).VersionInfo.FileVersion)
}

Section 'fast' 'patches' {
    $installer = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion\Installer\UserData\S-1-5-18\Products'
    $product = $installer + '\461C2B4266EDEF444B864AD6D9E5B613'
    Say 'base' @((Get-ItemProperty ($product + '\InstallProperties')).DisplayVersion)
    if (Test-Path ($product + '\Patches')) {
        foreach ($key in @(Get-ChildItem ($product + '\Patches'))) {
            $patch = Get-ItemProperty $key.PSPath
            Say 'patch' @($patch.DisplayName, $patch.State, $patch.Installed)
        }
    }
}

Section 'package' 'package' {
    if (Test-Path -LiteralPath $Given['package']) {
        Say 'package.size' @((Get-Item -LiteralPath $Given['package']).Length)
        # SHA256Managed is refused where FIPS is enforced; the other class needs .NET 3.5.
        try {
            Add-Type -AssemblyName System.Core
            $algorithm = New-Object Security.Cryptography.SHA256CryptoServiceProvider
        }
        catch {
            $algorithm = New-Object Security.Cryptography.SHA256Managed
        }
        $stream = [IO.File]::OpenRead($Given['package'])
        try {
            $hash = $algorithm.ComputeHash($stream)
        }
        finally {
            $stream.Close()
        }
        Say 'package.sha256' @([BitConverter]::ToString($hash).Replace('-', '').ToLower())
    }
    else {
        Say 'package.absent' @('')
    }
}

Section 'package' 'signature' {
    if (Test-Path -LiteralPath $Given['package']) {
        Say 'package.signature' @((Get-AuthenticodeSignature $Given['package']).Status)
    }
}

Section 'fast' 'services' {
    foreach ($service in @(Get-WmiObject -Class Win32_Service)) {
        if ($service.Name -match '^(MSExchange.*|ClusSvc|RemoteRegistry|W3SVC|FSC.*|FSE.*|MSFTESQL-Exchange)$') {
            Say 'service' @($service.Name, $service.State, $service.StartMode)
        }
    }
}

# Raw answers of the cluster's own provider: state numbers and object paths, no words.
Section 'fast' 'cluster' {
    $service = @(Get-WmiObject -Class Win32_Service | Where-Object { $_.Name -eq 'ClusSvc' })
    if ($service.Count -eq 0) {
        Say 'cluster.none' @('')
        return
    }
    if ($service[0].State -ne 'Running') {
        throw ('the Cluster service is ' + $service[0].State)
    }
    foreach ($cluster in @(Get-WmiObject -Namespace root\MSCluster -Class MSCluster_Cluster)) {
        Say 'cluster' @($cluster.Name, $cluster.QuorumType)
    }
    foreach ($node in @(Get-WmiObject -Namespace root\MSCluster -Class MSCluster_Node)) {
        Say 'cluster.node' @($node.Name, $node.State)
    }
    foreach ($group in @(Get-WmiObject -Namespace root\MSCluster -Class MSCluster_ResourceGroup)) {
        Say 'cluster.group' @($group.Name, $group.State, $group.AutoFailbackType)
    }
    foreach ($resource in @(Get-WmiObject -Namespace root\MSCluster -Class MSCluster_Resource)) {
        $private = $resource.PrivateProperties
        Say 'cluster.resource' @($resource.Name, $resource.Type, $resource.State, $resource.CoreResource, $private.SharePath, $private.MNSFileShare)
    }
    $links = @('MSCluster_NodeToActiveGroup', 'MSCluster_ResourceGroupToResource', 'MSCluster_ResourceGroupToPreferredNode', 'MSCluster_ResourceToPossibleOwner', 'MSCluster_ClusterToQuorumResource')
    foreach ($class in $links) {
        $paths = @($class)
        foreach ($link in @(Get-WmiObject -Namespace root\MSCluster -Class $class)) {
            $paths += $link.GroupComponent, $link.PartComponent
        }
        Say 'cluster.links' $paths
    }
}

# The second source for the owners.
Section 'fast' 'cluster.exe' {
    foreach ($line in @(cluster.exe group)) {
        Say 'cluster.exe' @($line)
    }
}

Section 'fast' 'reboot' {
    $session = Get-ItemProperty 'HKLM:\SYSTEM\CurrentControlSet\Control\Session Manager'
    foreach ($name in @($session.PendingFileRenameOperations)) {
        if ($name) {
            Say 'reboot' @('PendingFileRenameOperations', $name)
        }
    }
    $current = 'HKLM:\SOFTWARE\Microsoft\Windows\CurrentVersion'
    foreach ($key in @('\Component Based Servicing\RebootPending', '\WindowsUpdate\Auto Update\RebootRequired')) {
        if (Test-Path ($current + $key)) {
            Say 'reboot' @($key, '')
        }
    }
}

Section 'fast' 'disks' {
    Say 'system.drive' @($env:SystemDrive)
    foreach ($disk in @(Get-WmiObject -Class Win32_LogicalDisk)) {
        if ($disk.DriveType -eq 3) {
            Say 'disk' @($disk.DeviceID, $disk.FreeSpace)
        }
    }
}

# Owner and rights as SDDL: the names of accounts differ with the language of Windows.
Section 'fast' 'root' {
    if (Test-Path -LiteralPath $Given['root']) {
        $folder = Get-Item -LiteralPath $Given['root'] -Force
        Say 'root' @([int]$folder.Attributes, (Get-Acl $Given['root']).Sddl)
    }
    else {
        Say 'root.absent' @('')
    }
}

Section 'fast' 'runner' {
    foreach ($line in @(schtasks.exe /query /fo csv /nh)) {
        if ($line.Replace('\', '').StartsWith('"' + $Given['runner'] + '"')) {
            Say 'runner' @($Given['runner'])
        }
    }
}

Section 'fast' 'software' {
    # Does SYSTEM reach for the revocation list? 0x23e00: no, 0x23c00: yes.
    $key = 'Registry::HKEY_USERS\S-1-5-18\Software\Microsoft\Windows\CurrentVersion\WinTrust\Trust Providers\Software Publishing'
    if (Test-Path $key) {
        Say 'software' @('crl', (Get-ItemProperty $key).State)
    }
    $setup = Get-ItemProperty 'HKLM:\SOFTWARE\Microsoft\Exchange\v8.0\Setup'
    $custom = Join-Path $setup.MsiInstallPath 'Scripts\Customization\CustomPatchInstallerActions.ps1'
    if (Test-Path -LiteralPath $custom) {
        Say 'software' @('custom-actions', [IO.File]::ReadAllText($custom))
    }
}
