-- av.lua - virus scanners by name: av.clamscan{}, av.fsecure{ "/opt/f-secure/fsav/bin/fsav" }.
-- Each takes the options of the plugin it is made of; what the caller's table says goes before what stands here, [1] being the
-- program or the socket. A program is looked up in the setting path. Returns names and their makers; states nothing by itself.

local av, used = {}, {}

local plugins = {
  command = function(o) return command(o) end, sophie = function(o) return sophie(o) end, sssp = function(o) return sssp(o) end,
  savapi = function(o) return savapi(o) end, clamd = function(o) return clamd(o) end,
}

local function define(name, plugin, defaults)
  av[name] = function(given)
    local o = {}
    if type(given) == "string" then given = { given } end
    for k, v in pairs(defaults) do o[k] = v end
    used[name] = (used[name] or 0) + 1
    o.name = used[name] > 1 and name .. "/" .. used[name] or name
    for k, v in pairs(given or {}) do o[k] = v end
    return plugins[plugin](o)
  end
end

local function program(name, file, args, clean, infected, names)
  define(name, "command", { file, args = args, clean = clean, infected = infected, names = names })
end

local function daemon(name, socket, query, reply, clean, infected, names)
  define(name, "sophie", { socket, query = query, reply = reply, session = reply == "line", clean = clean, infected = infected, names = names })
end

-- daemons
define("clamd", "clamd", {})
define("clamd_stream", "clamd", { "127.0.0.1:3310", fildes = false })
define("ikarus_scanserver", "clamd", { "127.0.0.1:3310", fildes = false, session = false, canary_interval = 0 })
define("sophie", "sophie", { "/var/run/sophie" })
define("trophie", "sophie", { "/var/run/trophie" })
define("sophos_sssp", "sssp", {})
define("savapi", "savapi", {})
daemon("openantivirus", "127.0.0.1:8127", "SCAN {}\\n", "eof", [[\AOK\s*\n\z]], "^FOUND: ", "^FOUND: ([^\\r\\n]+)")
daemon("avg", "127.0.0.1:55555", "SCAN {}\\n", "eof", [[\A(?:220[^\n]*\n)?200[^\n]*\n\z]], "^403", [[^403 .*?: ([^\r\n]+)]])
daemon("fpscand", "127.0.0.1:10200", "SCAN FILE {}/*\\n", "line", [[\A(?:0|8|64) ]],
  [[\A(?:[1235679]|1[01345]) |(?i)<[^>:]*(?:infected|suspicious|unwanted)]], [[(?i)<[^>:]*(?:infected|suspicious|unwanted)[^>:]*: ([^>]*)>]])
daemon("fprotd", { "127.0.0.1:10200", "127.0.0.1:10201", "127.0.0.1:10202", "127.0.0.1:10203", "127.0.0.1:10204" },
  "GET {}/*?-dumb%20-archive%20-packed HTTP/1.0\\r\\n\\r\\n", "eof", [[(?i)<summary[^>]*>clean</summary>]],
  [[(?i)<summary[^>]*>infected</summary>]], [[(?i)<name>([^<]+)</name>]])
daemon("drwebd", "/var/drweb/run/drwebd.sock", [[\x00\x00\x00\x01\x00\x28\x00\x01{#}{}/*\x00\x00\x00\x00\x00\x00\x00\x00]], "eof",
  [[\A\x00[\x10\x11][\x00\x10]\x00]], [==[\A\x00[\x00\x01][\x00\x10][\x20\x40\x80]]==], [[\A[\s\S]{12}(?:infected with )?([^\x00]+)\x00]])
daemon("avast_daemon", "/var/run/avast4/mailscanner.sock", "SCAN {}\\r\\nQUIT\\r\\n", "eof", [==[\t\[\+\]]==], [[\t\[L\]\t]],
  [[\t\[L\]\t([^\[ \t\r\n]+)]])
define("nod32ss", "sophie", { "127.0.0.1:8448", query = "SCAN {}/*\\r\\n", greeting = "\\A200 ", clean = "\\A200 File OK", infected = "\\A201 ",
  names = "\\A201 (.+)" })

-- programs
program("clamscan", "clamscan", "--stdout --no-summary -r {}", { 0 }, [[: .+ FOUND$]], [[^.*?: (?!Infected Archive)(.*) FOUND$]])
local kaspersky = [[(?:INFECTED|WARNING|SUSPICION|SUSPICIOUS) (.+)]]
program("aveclient", "aveclient", "-p /var/run/aveserver -s {}/*", { 0, 3, 6, 8 }, [[\b(?:INFECTED|SUSPICION|SUSPICIOUS)\b]], kaspersky)
program("avp", "avp", "-* -P -B -Y -O- {}", { 0, 3, 6, 8 }, { 2, 4 }, "infected: (.+)")
program("avpdaemonclient", "AvpDaemonClient", "{}", { 0, 8 }, { 3, 4, 5, 6 }, [[infected: ([^\r\n]+)]])
program("kavscanner", "kavscanner", "-i0 -xn -xp -mn -R -ePASBME {}/*", { 0, 10, 15 }, { 5, 20, 21, 25 }, kaspersky)
program("vascan", "vascan", "-a s --timeout=60 {}", { 0, 3 }, { 1, 2, 5 },
  [[^\s*(?:virus|iworm|macro|mutant|sequence|trojan) found: ([^\]\s']+)]])
program("antivir", "antivir", "--allfiles -noboot -nombr -rs -s -z {}", { 0 }, "ALERT:|VIRUS:",
  [[^\s*(?:ALERT:\s*(?:\[|[^']*')|(?i)VIRUS: .*? virus '?)([^\]\s']+)]])
program("csav", "csav", "-all -archive -packed {}", { 50 }, { 51, 52, 53 }, "Infection: (.+)")
local symantec = [[^(?:Info|Virus Name):\s+(.+)]]
program("cscmdline", "cscmdline", "-a scan -i 1 -v -s 127.0.0.1:7777 {}", [[^Files Infected:\s+0$]], [[^Infected\b]], symantec)
program("savsecls", "savsecls", "-server 127.0.0.1:7777 -mode scanrepair -details -verbose {}", { 0 }, [[^Infected\b]], symantec)
program("fsecure", "fsav", "--virus-action1=report --archive=yes --auto=yes --dumb=yes --list=no --mime=yes {}", { 0 }, { 3, 4, 6, 8 },
  "(?:infection|Infected|Suspected|Riskware): (.+)")
program("fsecure64", "fsanalyze", "{}", { 0 }, { 1, 2 }, [[result=infected.*?infection="?([^"\s]+)]])
program("sophos_spl", "avscanner", "--scan-archives {}", { 0 }, { 24 }, [[Detected ".*" is infected with (\S+)]])
program("inocucmd", "inocucmd", "-sec -nex {}", { 0 }, { 100 }, "was infected by virus (.+)")
program("etrust", "etrust-wrapper", "-arc -nex -spm h {}", { 0 }, { 101 }, "is infected by virus: (.+)")
program("mks32", "mks32", "-s {}/*", { 0 }, { 1, 2 }, [[--[ \t]*(.+)]])
program("mksscan", "mksscan", "-s -q {}", { 0 }, { 1, 2, 3, 4, 5, 6, 7 }, [[^... (\S+)]])
program("esets", "esets_cli", "--subdir {}", { 0 }, { 2, 3 }, [[virus="([^"]*)"]])
program("nod32", "nod32", "--files -z --mail --sfx --rtp --adware --unsafe --pattern --heur -w -a --action=1 -b {}", { 0 }, { 1, 10 },
  [[^object=.*, virus="(.*?)",]])
program("pavcl", "pavcl", "-auto -aex -heu -cmp -nbr -nor -nos -eng -nob {}", [[Number of files infected[ .]*: 0+(?!\d)]],
  [==[Number of files infected[ .]*: 0*[1-9]]==], [[Found virus :\s*(\S+)]])
program("uvscan", "uvscan", "--secure -rv --mime --summary --noboot - {}", { 0 }, { 13 },
  [[Found(?| the (.+) (?:virus|trojan)| (?:virus|trojan) or variant ([^ ]+)|: (.+) NOT a virus)]])
program("vbuster", "vbuster", "{} -ss -i '*'", { 0 }, { 1 }, [[: '(.*)' - Virus]])
program("vfind", "vfind", "--vexit {}/*", { 0 }, { 23 }, [[##==>>>> VIRUS ID: CVDL (.+)]])
program("avast", "avastcmd", "-a -i -n -t=A {}", { 0 }, { 1 }, [==[\binfected by:\s+([^ \t\n\[\]]+)]==])
program("avastlite", "avastlite", "-a /var/run/avast4/mailscanner.sock -n {}", { 0 }, { 1 }, [[\t\[L\]\t([^\[ \t\r\n]+)]])
program("ikarus", "ikarus", "{}", { 0 }, { 40 }, "Signature (.+) found")
local bitdefender = [[(?:suspected|infected): (.*?)(?:\x1b|$)]]
local bitdefender_bad = [==[^(?:Infected files|Identified viruses|Suspect files) *:0*[1-9]]==]
program("bdscan", "bdscan", "--action=ignore --no-list {}", [[^Infected files *:0+(?!\d)]], bitdefender_bad, bitdefender)
program("bdc", "bdc", "--arc --mail {}", [[^Infected files *:0+(?!\d)]], bitdefender_bad, bitdefender)
program("arcavir", "arcacmd", "-v 1 -summary 0 -s {}", { 0 }, { 1, 2 }, [[(?:VIR|WIR):[ \t]*(.+)]])
program("fpscan", "fpscan", "--report --mount --adware {}", { 0, 8, 64 }, { 1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15 },
  [==[^\[Found\s+[^\]]*\]\s+<([^ \t(>]*)]==])
program("fprot", "f-prot", "-dumb -archive -packed {}", { 0, 8 }, { 3, 6 }, [[(?|(?:Infection:|security risk named) (.+)|\s+contains\s+(.+)$)]])
program("trend", "vscan", "-za -a {}", { 0 }, "Found virus", "Found virus (.+) in")
program("drweb", "drweb", "-path={} -al -go -ot -cn -upn -ok-", { 0, 32 }, { 1, 9, 33 }, [[ infected (?:with|by)(?: virus)? (.*)$]])
program("sweep", "sweep", "-nb -f -all -rec -ss -sc -archive -cab -mime -oe -tnef --no-reset-atime {}", { 0, 2 }, "Virus .*? found",
  [[^>>> Virus(?: fragment)? '?(.*?)'? found]])

return av
