# What a PowerShell outside Windows lacks beside the cmdlets of stubs.ps1: one type and two variables.

if (-not ('Management.ManagementDateTimeConverter' -as [type])) {
    Add-Type -TypeDefinition @'
namespace System.Management
{
    public static class ManagementDateTimeConverter
    {
        public static System.DateTime ToDateTime(string dmtf)
        {
            var culture = System.Globalization.CultureInfo.InvariantCulture;
            var local = System.DateTime.ParseExact(dmtf.Substring(0, 14), "yyyyMMddHHmmss", culture);
            var offset = System.TimeSpan.FromMinutes(int.Parse(dmtf.Substring(21), culture));
            return new System.DateTimeOffset(local, offset).LocalDateTime;
        }
    }
}
'@
}
$env:COMPUTERNAME = 'EXN2'
$env:SystemDrive = 'C:'
