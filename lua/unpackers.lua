-- unpackers.lua - programs that open archives, by name: unpackers.arj{}, unpackers.unrar{ "/opt/rar/unrar" }.
-- Each makes an unpack{} (postern-unpack(5)); what the caller's table says goes before what stands here, [1] being the program.
-- The default of decoders has those that are installed, in this order, behind all decoders that are libraries.
-- reliable = false: it was seen to end without a word at a member that it could not read, or could not be tried out.
-- Returns the makers by name, and for the default: order, programs (of which the first that is installed is taken), types.

local unpackers, used = { order = {}, programs = {}, types = {} }, {}

local function define(name, programs, types, options)
  unpackers.order[#unpackers.order + 1] = name
  unpackers.programs[name], unpackers.types[name] = programs, types
  unpackers[name] = function(given)
    local o = { programs[1], types = types }
    if type(given) == "string" then given = { given } end
    for k, v in pairs(options) do o[k] = v end
    used[name] = (used[name] or 0) + 1
    o.name = "unpack/" .. name .. (used[name] > 1 and "/" .. used[name] or "")
    for k, v in pairs(given or {}) do o[k] = v end
    return unpack(o)
  end
end

-- What libarchive lacks of zip (implode, shrink, deflate64, encryption), of 7z (encryption, ARM64, RISC-V), and what it does not read at all.
define("sevenzip", { "7zz", "/usr/lib/p7zip/7za", "/usr/lib/p7zip/7z", "/usr/lib/p7zip/7zr" },
  "zip|7z|rar|arj|cab|chm|cpio|deb|a|iso|udf|lha|rpm|tar|wim|squashfs|vhd|vmdk|qcow|dmg|xar|Z|xz|lzma|bz2|gz|zst|szdd|swf", {
    args = { "x", "-y", "-bd", "-aou", "-mmt=off", "-p{password}", "--", "{}" }, no_password = "-p",
    nothing = "Cannot open the file as( \\[[^]]*\\])? archive|Can not open the file as( \\[[^]]*\\])? archive",
    failed = "There are (some )?data after the end|open with offset|^Offset = [1-9]",
    encrypted = "Wrong password|Cannot open encrypted archive|Can not open encrypted archive|Enter password",
    good = { 0 }, memory = "2G", threads = 8,	-- one for each coder that it strings together
  })
define("unrar", { "unrar-nonfree", "rar", "unrar" }, "rar", {
  args = { "x", "-y", "-or", "-ai", "-c-", "-idc", "-p{password}", "--", "{}" }, no_password = "-p-",
  suffix = ".rar", encrypted = "[Pp]assword|encrypted file", nothing = "is not RAR archive", good = { 0 },
})
define("arj", { "arj" }, "arj", {
  args = { "x", "-y", "-g{password}", "{}" }, suffix = ".arj", encrypted = "garbled|[Pp]assword|scrambled", good = { 0 },
})
-- Programs that extract themselves; any other program is not its business (9).
define("arj-sfx", { "arj" }, "exe", {
  args = { "x", "-y", "-g{password}", "{}" }, suffix = ".exe", encrypted = "garbled|[Pp]assword|scrambled", nothing = { 9 }, good = { 0 },
})
define("unarj", { "unarj" }, "arj", { args = { "x", "{}" }, suffix = ".arj", encrypted = "garbled|[Pp]assword", good = { 0 }, reliable = false })
define("nomarch", { "nomarch" }, "arc", { args = { "{}" }, suffix = ".arc", encrypted = "[Pp]assword|encrypted", good = { 0 } })
define("zoo", { "zoo" }, "zoo", { args = { "xO", "{}" }, suffix = ".zoo", good = { 0 }, reliable = false })
define("unzoo", { "unzoo" }, "zoo", { args = { "-x", "-o", "{}" }, suffix = ".zoo", good = { 0 }, reliable = false })
-- Version 1 of ACE only.
define("unace", { "unace" }, "ace", { args = { "x", "-y", "{}" }, suffix = ".ace", good = { 0 }, reliable = false })
define("unace-nonfree", { "unace-nonfree" }, "ace", {
  args = { "x", "-y", "-p{password}", "{}" }, no_password = "-p-", suffix = ".ace", encrypted = "[Pp]assword|encrypted", good = { 0 }, reliable = false,
})
define("lha", { "lhasa", "lha" }, "lha", { args = { "xf", "{}" }, suffix = ".lzh", good = { 0 }, reliable = false })
define("unalz", { "unalz" }, "alz", { args = { "-utf8", "{}" }, suffix = ".alz", encrypted = "[Pp]assword", good = { 0 }, reliable = false })
define("unshield", { "unshield" }, "installshield", { args = { "-d", ".", "x", "{}" }, suffix = "1.cab", good = { 0 }, reliable = false })
define("cabextract", { "cabextract" }, "cab", { args = { "-q", "{}" }, suffix = ".cab", good = { 0 } })
define("rpm2cpio", { "rpm2cpio" }, "rpm", { args = { "{}" }, suffix = ".rpm", output = "content", good = { 0 }, reliable = false })
define("lrzip", { "lrzip" }, "lrz", {
  args = { "-q", "-d", "-p", "1", "-o", "-", "{}" }, suffix = ".lrz", output = "content", threads = 16, memory = "4G", good = { 0 },
})
define("lzop", { "lzop" }, "lzo", { args = { "-d", "-c" }, output = "content", good = { 0 } })
define("freeze", { "unfreeze", "freeze" }, "F", { args = { "-dc" }, output = "content", good = { 0 }, reliable = false })
define("tnef", { "tnef" }, "tnef", { args = { "--number-backups", "-C", ".", "-f", "{}" }, suffix = ".tnef", good = { 0 }, reliable = false })
-- GNUstep looks for its user's home and for its own files.
define("unar", { "unar" }, "sit|zoo|ace|arc|alz|rar|lha|arj|hqx", {
  args = { "-q", "-D", "-r", "-o", ".", "-p", "{password}", "{}" }, no_password = "",
  reads = { "/proc/self", "/etc/passwd", "/etc/nsswitch.conf", "/etc/GNUstep", "/usr/share/GNUstep", "/usr/share/zoneinfo" },
  encrypted = "[Pp]assword", nothing = "Couldn't recognize the archive format", good = { 0 },
})

return unpackers
