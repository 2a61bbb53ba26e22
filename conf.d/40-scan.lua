-- Virus scanners.  All of av_scanners are asked side by side; av_scanners_backup only where none of them could answer.

av_scanners = {
	clamd { socket = "/run/clamav/clamd.ctl" },
}

-- ClamAV within Postern's own jail, without a daemon:
-- av_scanners = { clamav { database = "/var/lib/clamav" } }

-- Scanners that are known by name, postern-av(5):
-- av_scanners = { av.fsecure {}, av.drwebd { "127.0.0.1:3000" } }
-- av_scanners_backup = { av.clamscan {} }

-- Any scanner that is a program:
-- av_scanners_backup = {
-- 	command { "clamscan", args = "--stdout --no-summary -r {}", clean = { 0 }, infected = { 1 }, names = [[: (.+) FOUND$]] },
-- }

-- No virus scanning at all must be said:
-- bypass_virus_checks_maps = { true }
