-- av.lua - virus scanners by name: av.clamscan{}, av.clamd{ "/run/clamav/clamd.ctl" }.
-- Each takes the options of the plugin it is made of; what the caller's table says goes before what stands here, [1] being the
-- program or the socket. A program is looked up in the setting path; of several names the first that is there is run. Returns names
-- and their makers; states nothing by itself. postern-av(5) lists them all.
--
-- Whatever is not known to mean "clean" is a failure of that scanner. Behind a scanner's name stands what is known of it and from where:
-- its vendor's words; "by way of" another program's published source that reads its answers; or "unconfirmed", where no public text was
-- found for the codes, the words or the arguments: try such a one with posternd -tt before relying on it. None has met the product itself
-- but clamd and clamscan.
-- Patterns are multi-line and begin at a line's start: a file's name, which a sender may have chosen, never stands for a virus.

local av, used = {}, {}

local plugins = {
  command = function(o) return command(o) end, sophie = function(o) return sophie(o) end, sssp = function(o) return sssp(o) end,
  savapi = function(o) return savapi(o) end, clamd = function(o) return clamd(o) end,
}

-- A name of its own for each use: "clamscan", "clamscan/2".
local function name_of(name)
  used[name] = (used[name] or 0) + 1
  return used[name] > 1 and name .. "/" .. used[name] or name
end

local function table_of(given)
  return type(given) == "string" and { given } or given or {}
end

local function define(name, plugin, defaults)
  av[name] = function(given)
    local o = {}
    for k, v in pairs(defaults) do o[k] = v end
    for k, v in pairs(table_of(given)) do o[k] = v end
    o.name = o.name or name_of(name)
    return plugins[plugin](o)
  end
end

local function program(name, files, args, meaning)
  local o = { files, args = args }
  for k, v in pairs(meaning) do o[k] = v end
  define(name, "command", o)
end

-- All exit codes in which one of these bits is set.
local function bits(mask)
  local codes = {}
  for code = 1, 255 do
    if code & mask ~= 0 then codes[#codes + 1] = code end
  end
  return codes
end

---- daemons ----

-- clamd(8): the plugin speaks its protocol.
define("clamd", "clamd", {})
define("clamd_stream", "clamd", { "127.0.0.1:3310", fildes = false })
-- IKARUS scan.server answers as a clamd does; it is sent the content. Unconfirmed: its address.
define("ikarus_server", "clamd", { "127.0.0.1:3310", fildes = false })

-- Sophie and Trophie (Sophos's and Trend Micro's engines behind a socket, by way of Exim and MIMEDefang): a line with a path; 0,
-- 1:NAME or -1:error.
define("sophie", "sophie", { "/var/run/sophie" })
define("trophie", "sophie", { "/var/run/trophie" })
-- Sophos's SAVI library can be reached through savdid, which speaks SSSP: the plugin does too.
define("sophos_sssp", "sssp", {})
define("savi", "sssp", {})
-- Avira's SAVAPI service: the plugin speaks its protocol.
define("savapi", "savapi", {})

-- OpenAntiVirus ScannerDaemon (by way of samba-vscan): SCAN path; OK, FOUND: NAME, or ERROR.
define("openantivirus", "sophie", {
  "127.0.0.1:8127", query = [[SCAN {}/*\n]], session = false, clean = [[\AOK\s*\z]], infected = [[\AFOUND(?::|\s*\z)]], names = [[\AFOUND: *(.+)]],
})

-- AVG's daemon (by way of kospam): answers as an SMTP server does, "220-..." being a line with more to come; 200 clean, 403
-- infected.
define("avg", "sophie", {
  "127.0.0.1:55555", greeting = [[\A220]], query = [[SCAN {}/*\r\n]], last = [[\A\d{3}(?:[^-\d]|\z)]],
  clean = [[\A(?:200[^\n]*\n)+\z]], infected = [[^403(?:\D|$)]],
  names = [[(?i)^403.*'(?:(?:virus|worm|trojan horse)\s+)?(?:(?:identified|found)\s+)?([^'\n]+)'\s*$]],
})

-- fpscand, F-PROT 6 (by way of MIMEDefang and Exim): a line with code, <what> and path. The code's bits are fpscan's: 1
-- infected, 2 suspicious and 128 disinfected accuse; four divides whatever has neither of the first two. Only 0 is clean.
define("fpscand", "sophie", {
  "127.0.0.1:10200", query = [[SCAN FILE {}/*\n]], clean = [[\A0 <]],
  infected = [[\A(?:(?!(?:\d*[02468])?[048] |\d*[13579][26] )\d{1,3}|12[89]|1[3-9]\d|2[0-5]\d) <]],
  names = [[\A\d+ <(?:(?:contains )?(?:infected|suspicious)(?: objects)?: )?([^>\n]+)>]],
})

-- f-protd, F-Prot 3 and 4 (its manual page by way of MIMEDefang): HTTP on one of five ports, the answer in XML; code 9 and 7
-- nothing found, 11 infected, 13 disinfected, the others errors or not to be read.
define("fprotd", "sophie", {
  { "127.0.0.1:10200", "127.0.0.1:10201", "127.0.0.1:10202", "127.0.0.1:10203", "127.0.0.1:10204" },
  query = [[GET {}/*?-dumb%20-archive%20-packed HTTP/1.0\r\n\r\n]], reply = "eof",
  clean = [[(?s)\AHTTP/1\.\d 200 .*<summary code="[79]">[^<]*</summary>\s*</fprot-results>\s*\z]],
  infected = [[<detected[ >]|<summary code="1[13]">]], names = [[<name>([^<\n]+)</name>]],
})

-- avast since 2014 (by way of Exim and its clients): SCAN path; 210, a line for each object, 200. [+] is clean, [L] infected,
-- all else not scanned.
define("avast", "sophie", {
  "/var/run/avast/scan.sock", greeting = [[\A220 ]], query = [[SCAN {}/*\r\n]], last = [[\A(?:200|220|[45]\d\d) ]],
  clean = [[\A210 [^\n]*\n(?:SCAN [^\t\n]*\t\[\+\][^\n]*\n)+200 [^\n]*\n\z]],
  infected = [=[^SCAN [^\t\n]*\t\[L\]]=], names = [[^SCAN [^\t\n]*\t\[L\][^\t\n]*\t(?:\d+ )?(.+)$]],
})

-- avast 4's daemon ("Avast Daemon Interface" by way of e2guardian): 200, a line for each object, an empty line.
define("avastd", "sophie", {
  "127.0.0.1:5037", greeting = [[\A220 ]], query = [[SCAN {}/*\r\n]], last = [[\A(?:\z|220 |[45]\d\d )]],
  clean = [[\A200 [^\n]*\n(?:/[^\t\n]*\t\[\+\][^\n]*\n)+\n\z]],
  infected = [=[^/[^\t\n]*\t\[L\]]=], names = [[^/[^\t\n]*\t\[L\]\t(.+)$]],
})

-- drwebd, the Dr.Web daemon (by way of Exim, avcheck and others). All numbers have four bytes, network order.
-- Sent: command 1, flags 1 (name the viruses), 0 (no file name), the content's length, the content. Answered: result bits, how many
-- viruses, for each the length of a text and the text, "... infected with NAME".
local drwebd_infected = 0x20 | 0x40 | 0x80 | 0x100	-- known, unknown, modified, cured
local drwebd_harmless = 0x10000 | 0x100000		-- an evaluation key, "is clean"
local piece_bytes, viruses_max, text_max = 1 << 20, 1000, 1 << 16

local function take(connection, count)
  local got = ""
  while #got < count do
    local more = connection:read(count - #got)
    if #more == 0 then error("drwebd closed the connection within its answer") end
    got = got .. more
  end
  return got
end

local function take_number(connection, max, what)
  local number = string.unpack(">I4", take(connection, 4))
  if number > max then error("drwebd's answer makes no sense: " .. number .. " as " .. what) end
  return number
end

local function send_part(connection, part)
  connection:write(string.pack(">I4I4I4I4", 1, 1, 0, part.size))
  for offset = 0, part.size - 1, piece_bytes do
    connection:write(part:read(math.min(piece_bytes, part.size - offset), offset))
  end
end

local function take_names(connection)
  local names = {}
  for k = 1, take_number(connection, viruses_max, "number of viruses") do
    local text = take(connection, take_number(connection, text_max, "length of a text"))
    names[k] = text:match("infected with%s+([^\r\n]+)") or text
  end
  return names
end

local function ask_drwebd(connection, part)
  send_part(connection, part)
  local result = take_number(connection, 0xffffffff, "result")
  local names = take_names(connection)
  if #names > 0 then return names end
  if result & drwebd_infected ~= 0 then return "" end
  if result & ~drwebd_harmless ~= 0 then error(("drwebd could not scan it: result 0x%x"):format(result)) end
  return false
end

-- A scanner of Lua's own: the common options besides its one socket.
local function define_lua(name, scan)
  av[name] = function(given)
    local o = {}
    for k, v in pairs(table_of(given)) do o[k] = v end
    o.scan = scan(o)
    o[1], o.socket = nil, nil
    return scanner(o.name or name_of(name))(o)
  end
end

define_lua("drwebd", function(given)
  local socket = given[1] or given.socket or "127.0.0.1:3000"
  if type(socket) ~= "string" then error("drwebd: socket: expected one \"host:port\" or \"/path\"", 0) end
  return function(part, host)
    local connection = host.connect(socket)
    local names = ask_drwebd(connection, part)
    connection:close()
    return names
  end
end)

---- programs ----

-- AvpLinux, Kaspersky 3 and 4, and the client of its daemon (user manual, "Exit codes"): 0 nothing, 2 modified or damaged virus,
-- 3 suspicious, 4 virus, 5 disinfected, 6 deleted, 8 corrupted or unreadable; 1 and 7 are failures.
local kaspersky = { clean = { 0 }, infected = { 2, 3, 4, 5, 6 }, inconclusive = { 8 }, names = [[^(?!Current object).*\s(?:infected|suspicion): +(?!ok\.)(\S+)\s*$]] }
program("avp", { "AvpLinux", "avp" }, "-Y -O- -K -I0 {}", kaspersky)
program("avpdaemonclient", { "AvpDaemonClient", "AvpTeamDream" }, "{}", kaspersky)
-- aveclient, Kaspersky 5 (aveclient(8) by way of MIMEDefang): the same codes.
program("aveclient", { "aveclient", "/opt/kav/bin/aveclient" }, "-s -p /var/run/aveserver {}/*", {
  clean = { 0 }, infected = { 2, 3, 4, 5, 6 }, inconclusive = { 8 }, names = [[^.* (?:INFECTED|SUSPICION) (?!OK\s*$)(\S+)\s*$]],
})

-- vascan, Vexira (codes by way of MIMEDefang, words and arguments of MailScanner): 0 nothing, 9 a type it does not know; 1 and 2
-- virus, 3 and 5 encrypted or corrupt.
program("vascan", { "vascan", "/usr/lib/Vexira/vascan" }, "-qq --scanning=full --action=skip {}", {
  clean = { 0 }, infected = { 1, 2 }, inconclusive = { 3, 5, 9 }, names = [[^\s+(?:virus found|virus): +(\S+) +\.\.\.]],
})

-- antivir, H+BEDV and Avira (by way of MIMEDefang and MailScanner): 0 nothing; 1 in a file, 2 in memory, 3 suspicious. Three
-- generations of output.
program("antivir", "antivir", "--allfiles -s -z -rs {}", {
  clean = { 0 }, infected = { 1, 2, 3 },
  names = [[(?|^\s*ALERT: \[([^\]\n]+?)(?: virus)?\]|^\s*VIRUS: .* '([^'\n]+)'|^\s*!Virus! .* (\S+) \([^()\n]*\)\s*$)]],
})

-- csav, Command AntiVirus (by way of MIMEDefang and MailScanner): 50 nothing, 51 virus, 52 suspicious, 53 disinfected.
program("csav", "csav", "-packed -archive {}", { clean = { 50 }, infected = { 51, 52, 53 }, names = [[^.*\sInfection: +(.+?)\s*$]] })

-- cscmdline, Symantec CarrierScan (words by way of MailScanner): File:, Infected:, Info: NAME (how), then a summary. Exit codes
-- are not asked. Unconfirmed: the arguments.
program("cscmdline", "cscmdline", "-a scan -v -s 127.0.0.1:7777 {}", {
  clean = [[(?s)^\s*Files Infected:\s+0\s*$.*^\s*Errors:\s+0\s*$]], infected = [[^Infected:|^\s*Files Infected:\s+[1-9]\d*\s*$]],
  names = [[^Info:\s+(.+?)(?:\s*\([^()\n]*\))?\s*$]],
})

-- savsecls, Symantec Scan Engine (words and most arguments by way of MailScanner; unconfirmed: code 0): "PATH had N
-- infection(s):", then File Name:, Virus Name:, Virus ID:.
program("savsecls", "savsecls", "-server 127.0.0.1:7777 -mode scan -details -recurse {}", {
  clean = { 0 }, infected = [[^.* had [1-9]\d* infection\(s\):|^\s*Virus Name:]], names = [[^\s*Virus Name:\s+(.+?)\s*$]],
})

-- fsav, F-Secure Anti-Virus and Linux Security to 11 (fsav(1)): 0 nothing; 3 virus, 4 riskware, 6 removed, 8 suspicious; 9 some
-- files could not be scanned; 1, 7 and 130 failures.
program("fsav", { "fsav", "/opt/f-secure/fsav/bin/fsav" }, "--auto --virus-action1=report --dumb --archive --mime {}", {
  clean = { 0 }, infected = { 3, 4, 6, 8 }, inconclusive = { 9 },
  names = [[^.*: (?:Infected|Suspected|Riskware): +(.+?)(?: \[[^\]\n]*\])?\s*$]],
})

-- fsanalyze, F-Secure Linux Security 64 (its help and output as users of MailScanner and MailWatch show them): "PATH:
-- result=infected infection=NAME member-name=M", at the end "N files scanned". Any other result is neither clean nor infected.
program("fsecure", { "fsanalyze", "/opt/f-secure/linuxsecurity/bin/fsanalyze" }, "--scan-archives=yes --malware=none --pua=none {}", {
  clean = [[\A(?![\s\S]*^/[^:\n]*: result=)[\s\S]*^[1-9]\d* files? scanned\s*\z]],
  infected = [[^/[^:\n]*: result=\S+ infection=]], names = [[^/[^:\n]*: result=\S+ infection=(.+?)(?: member-name=.*)?$]],
})

-- inocucmd, CA InoculateIT 4 (by way of MailScanner; unconfirmed: code 0): "[PATH] was infected by virus [NAME]".
program("inocucmd", { "inocucmd", "/opt/CA/inocucmd" }, "-nex {}", {
  clean = { 0 }, infected = [[^\[.*\] was infected by virus \[]], names = [[^\[.*\] was infected by virus \[(.+)\]\s*$]],
})

-- etrust-wrapper, CA eTrust and InoculateIT 6 (by way of MailScanner; unconfirmed: code 0): "File PATH is infected by virus: NAME".
program("etrust", { "etrust-wrapper", "inocmd32" }, "-nex -arc -mod reviewer -spm h {}", {
  clean = { 0 }, infected = [[^File:? .* is infected by virus: ]], names = [[^File:? .* is infected by virus: (.+?)\s*$]],
})

-- mks_vir for Linux, mks32 and its client mksscan (unconfirmed): 0 nothing, 1 virus, 2 suspicious.
local mks = { clean = { 0 }, infected = { 1, 2 }, names = [[^.*--[ \t]+(.+?)\s*$]] }
program("mks32", "mks32", "-s {}/*", mks)
program("mksscan", "mksscan", "-s {}/*", mks)

-- ESET's scanners (codes 0, 1 and 10 in a manual of ESET's, words by way of MailScanner; unconfirmed: the other codes): 0
-- nothing, 1 found (and cleaned), 50 found, 2 and 3 found in older versions; 10 something could not be scanned, 100 an error.
-- name="...", threat="NAME"; before 3.0 virus="NAME".
local eset_names = [[^(?:object="[^"\n]*", *)?\s*name=".*", *(?:threat|virus)="([^"\n]+)"]]
program("esets", { "esets_scan", "esets_cli", "/opt/eset/esets/sbin/esets_scan" }, "--arch --subdir --action none {}", {
  clean = { 0 }, infected = { 1, 2, 3, 50 }, inconclusive = { 10 }, names = eset_names,
})

-- nod32 2 (words by way of MailScanner; unconfirmed: the codes): 0 nothing, 1 found, 2 and 3 cleaned, 10 infected files remain;
-- above 100 errors.
program("nod32", { "nod32", "nod32cli" }, "--arch --all --mail {}", { clean = { 0 }, infected = { 1, 2, 3, 10 }, names = eset_names })

-- pavcl, Panda for Linux (arguments by way of MailScanner; unconfirmed: the words): "Found virus :NAME" below the file, a count
-- at the end. Exit codes are not asked.
program("pavcl", "pavcl", "-auto -aex -heu -cmp -nor -nos -nob {}", {
  clean = [[^Number of files infected[ .]*: *0\s*$]], infected = [[^\s*Found virus *:|^Number of files infected[ .]*: *[1-9]\d*\s*$]],
  names = [[^\s*Found virus *:\s*(.+?)\s*$]],
})

-- uvscan, McAfee (by way of MIMEDefang and MailScanner): 0 nothing, 13 found, 12 found and not cleaned; 2, 6, 8, 15, 19 and 102
-- failures. One line in version 6, two before.
program("uvscan", "uvscan", "--recursive --mime --secure --noboot {}", {
  clean = { 0 }, infected = { 12, 13 },
  names = [[^(?:\s+|.*\.\.\. )Found(?|: +(.+?)(?: NOT a virus\.?)?| (?:virus|trojan) or variant (.+?)(?: !+)?| the (.+?) (?:virus|trojan)\b.*)\s*$]],
})

-- VirusBuster's scanner and the client of its daemon (unconfirmed; the engine is vascan's): 0 nothing, 1 found.
program("vbuster", { "vbuster", "vbengcl" }, "{}", { clean = { 0 }, infected = { 1 }, names = [[^\s+(?:virus found|virus): +(\S+) +\.\.\.]] })

-- vfind, CyberSoft (unconfirmed): with --vexit 23 where something was found.
program("vfind", "vfind", "--vexit {}/*", { clean = { 0 }, infected = { 23 }, names = [[^##==>>>> VIRUS ID: (?:CVDL )?(.+?)\s*$]] })

-- avastcmd, avast 4 for Linux (words and arguments by way of MailScanner; unconfirmed: the codes): 0 nothing, 1 found, 2 an
-- error. "PATH<tab>[infected by: NAME]".
program("avastcmd", { "avastcmd", "/usr/bin/avastcmd" }, "-a -n -t=A {}", {
  clean = { 0 }, infected = { 1 }, names = [[^.*\t\[(?!OK\])(?:infected by: *)?(.+)\]\s*$]],
})

-- ikarus, IKARUS's scanner (unconfirmed): 0 nothing, 40 found. "Signature NUMBER 'NAME' found" or "Signature NAME found".
program("ikarus", "ikarus", "{}", { clean = { 0 }, infected = { 40 }, names = [[^.*\bSignature (?:\d+ )?'?([^'\n]+?)'? found\s*$]] })

-- bdscan, BitDefender for Unices (--action in its manual, words by way of MailScanner; unconfirmed: the summary): "PATH
-- infected: NAME", then counts. Exit codes are not asked.
program("bdscan", "bdscan", "--action=ignore --no-list {}", {
  clean = [[(?s)^Infected files *: *0\s*$.*^Suspect files *: *0\s*$.*^I/O errors *: *0\s*$]],
  infected = [[^/.*\s(?:infected|suspected): \S|^(?:Infected|Suspect) files *: *[1-9]\d*\s*$]], names = [[^/.*\s(?:infected|suspected): (.+?)\s*$]],
})

-- bdc, its older console (by way of MIMEDefang and MailScanner): 0 nothing, 1 found.
program("bdc", "bdc", "--arc --mail --all {}", { clean = { 0 }, infected = { 1 }, names = [[^.*\s(?:infected|suspected): ([^\t\n]+?)\s*$]] })

-- arcacmd, ArcaVir for Linux (unconfirmed): 0 nothing, 1 and 2 found. "VIR: NAME", in Polish "WIR: NAME".
program("arcacmd", { "arcacmd", "arcacmd.static" }, "-s {}", { clean = { 0 }, infected = { 1, 2 }, names = [[^(?!.* OK\s*$).*\b[VW]IR:[ \t]*(.+?)\s*$]] })

-- avscanner, Sophos Protection for Linux (codes and words in Sophos's published source; unconfirmed: --scan-archives): 0
-- nothing; 24 found, 25 found and then broken off, 20 disinfected, 28 in memory; 16 encrypted; 8, 36 and 40 failures.
program("sophos_spl", { "avscanner", "/opt/sophos-spl/plugins/av/bin/avscanner" }, "--scan-archives {}", {
  clean = { 0 }, infected = { 20, 24, 25, 28 }, inconclusive = { 16 }, names = [[^.*" is infected with (.+?)(?: \([^()\n]*\))?\s*$]],
})

---- for av_scanners_backup ----

-- clamscan(1), clamdscan(1): 0 nothing found, 1 found, 2 an error.
local clam = { clean = { 0 }, infected = { 1 }, names = [[^/.*: (.+) FOUND$]] }
program("clamscan", "clamscan", "--stdout --no-summary -r {}", clam)
program("clamdscan", "clamdscan", "--stdout --no-summary --fdpass {}", clam)

-- fpscan, F-PROT 6 (by way of MIMEDefang and MailScanner): bits: 1 infected, 2 suspicious, 4 interrupted, 8 something left out,
-- 16 and 32 errors, 64 something encrypted or damaged, 128 disinfected.
program("fpscan", "fpscan", "--report --archive=5 --adware {}", {
  clean = { 0 }, infected = bits(1 | 2 | 128), inconclusive = { 8, 64, 72 }, names = [[^\[Found [^\]\n]*\]\s+<(.+?)(?: \([^()\n]*\))?>]],
})

-- f-prot 3 and 4 (by way of MIMEDefang and MailScanner): 0 nothing; 3 virus, 6 removed, 8 suspicious; 1, 2, 4, 5 and 7 failures.
program("fprot", "f-prot", "-dumb -archive -packed {}", {
  clean = { 0 }, infected = { 3, 6, 8 }, names = [[^.*  (?:Infection: +|(?:is|could be) (?:an? )?(?:security risk named )?|contains )(.+?)\s*$]],
})

-- vscan, Trend Micro FileScanner (by way of MIMEDefang and MailScanner): 0 nothing, 1 to 9 found. "*** Found virus NAME in file
-- PATH".
program("vscan", { "vscan", "/etc/iscan/vscan" }, "-a -za -r {}", {
  clean = { 0 }, infected = { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, names = [[^\*+ Found virus (\S+) in file ]],
})

-- drweb, Dr.Web's console scanner (manual, "Exit Codes"; words and arguments by way of MailScanner): bits: 1 to 32 found, 64
-- cured, 128 removed; 128 alone also where nothing was found.
program("drweb", { "drweb", "/opt/drweb/drweb" }, "-path={} -ar -fm -ha- -fl- -ml -sd -up", {
  clean = { 0, 128 }, infected = bits(127), names = [[^(?!.* Ok\s*$).* infected with (.+?)\s*$]],
})

-- kavscanner, Kaspersky 5 (kavscanner(8) by way of MIMEDefang): 0 nothing; 5 disinfected, 20 suspicious, 21 and 25 infected; 9
-- encrypted; unconfirmed: 10 encrypted, 15 corrupt.
program("kavscanner", { "kavscanner", "/opt/kav/bin/kavscanner" }, "-e PASBME -i0 {}", {
  clean = { 0 }, infected = { 5, 20, 21, 25 }, inconclusive = { 9, 10, 15 }, names = [[^.* (?:INFECTED|SUSPICION|WARNING|CUREFAILED) (?!OK\s*$)(\S+)\s*$]],
})

-- sweep and savscan, Sophos Anti-Virus to 9 (by way of MIMEDefang and MailScanner): 0 nothing, 3 found; 1 interrupted, 2 an error.
program("sweep", { "sweep", "savscan" }, "-f -all -rec -nb -ss -archive -mime {}", {
  clean = { 0 }, infected = { 3 }, names = [[^>>> Virus (?:fragment )?'([^'\n]+)' found]],
})

-- Vouches for everything without a look. The last backup of those who would rather let mail pass than wait for a scanner.
define_lua("always_clean", function() return function() return false end end)

return av
