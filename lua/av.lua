-- av.lua - virus scanners by name: av.clamscan{}, av.clamd{ "/run/clamav/clamd.ctl" }.
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

-- Only scanners whose protocol or manual page says what stands here; for others name the program or the socket with command{},
-- sophie{}, sssp{}, savapi{}, icap{} or clamd{} yourself.

-- daemons: the plugins' own defaults are their protocols
define("clamd", "clamd", {})
define("clamd_stream", "clamd", { "127.0.0.1:3310", fildes = false })
define("sophie", "sophie", { "/var/run/sophie" })
define("trophie", "sophie", { "/var/run/trophie" })
define("sophos_sssp", "sssp", {})
define("savapi", "savapi", {})

-- programs: clamscan(1), clamdscan(1): exit code 0 nothing found, 1 found, 2 an error
program("clamscan", "clamscan", "--stdout --no-summary -r {}", { 0 }, { 1 }, ": (.+) FOUND$")
program("clamdscan", "clamdscan", "--stdout --no-summary --fdpass {}", { 0 }, { 1 }, ": (.+) FOUND$")

return av
