include "include_of_itself.lua"
