-- postern.lua: the configuration of Postern begins here.
--
-- The settings stand in conf.d/, one theme per file, read in the order of their names; what is assigned again
-- later wins, so your own settings go to conf.d/99-user.lua and no file of the package needs to be changed.
--
--   posternd -t     checks all of it: every mistake with its file and line
--   posternd -n     shows what differs from the defaults, and where it was set
--   posternd -d     shows all settings with their defaults and meaning; postern.lua(5) explains the language

include "conf.d/*.lua"
