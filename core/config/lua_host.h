/* lua_host.h - the part at hand and the host's helpers as a Lua scanner sees them: the same that plugins in C have.
 *
 *   part.number .size .type .mime_type .name .placement .path (paths = true);  part:read([count [, offset]]) -> string
 *   host.mail: .log_id .sender .size .recipients (while parts are scanned)
 *   host.time_left_ms();  host.log(level, text);  host.output(text): the scanner's own words
 *   host.fail("tempfail" | "limit" | "broken", text): ends the call with this result
 *   host.match(regexp, text) -> the groups of the first match, or the whole where it has none; nil: no match
 *   host.connect(endpoint) -> connection: :write(text) :write_part(text, part) :read_until(delimiter, max) :read(max) :read_all(max)
 *     :readable() :is_local() :keep() :close();  host.kept() -> the connection that an earlier call kept, or nil
 *   host.run({ program, argument... } [, part]) -> { exit_code =, signal =, output = }
 * They are of no use after the call; a failure of the surroundings (no connection, time over) is a Lua error. */
#ifndef POSTERN_CONFIG_LUA_HOST_H
#define POSTERN_CONFIG_LUA_HOST_H

#include <lua.h>

#include "postern/plugin.h"

void lua_host_setup(lua_State *L);
void lua_host_push_part(lua_State *L, struct postern_call *call, const struct postern_part *part);
/* mail: NULL where there is none. */
void lua_host_push(lua_State *L, struct postern_call *call, const struct postern_mail *mail);
/* What host.fail() was told in this call, or POSTERN_OK and NULL; text on the call. */
enum postern_result lua_host_failure(const char **text);
/* The call is over: what its function may have kept is dead. */
void lua_host_forget(lua_State *L);

#endif
