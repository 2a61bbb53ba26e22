/* lua_host.h - the part at hand and the host's helpers as a Lua scanner sees them: the same that plugins in C have.
 *
 *   part.number .size .type .mime_type .name .placement;  part:read([count [, offset]]) -> string
 *   host.time_left_ms();  host.log(level, text)
 *   host.connect(endpoint) -> connection: :write(text) :write_part(text, part) :read_until(delimiter, max) :read(max) :read_all(max) :close()
 *   host.run({ program, argument... } [, part]) -> { exit_code =, signal =, output = }
 * Both are of no use after the call; a failure of the surroundings (no connection, time over) is a Lua error. */
#ifndef POSTERN_CONFIG_LUA_HOST_H
#define POSTERN_CONFIG_LUA_HOST_H

#include <lua.h>

#include "postern/plugin.h"

void lua_host_setup(lua_State *L);
void lua_host_push_part(lua_State *L, struct postern_call *call, const struct postern_part *part);
void lua_host_push(lua_State *L, struct postern_call *call);
/* The call is over: what its function may have kept is dead. */
void lua_host_forget(lua_State *L);

#endif
