/* sandbox.h - a Lua state that can only compute: no files, no programs, bounded memory, instructions and time. */
#ifndef POSTERN_CONFIG_SANDBOX_H
#define POSTERN_CONFIG_SANDBOX_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/deadline.h"

#define SANDBOX_MEMORY_LIMIT_BYTES ((size_t)256 * 1024 * 1024)
#define SANDBOX_INSTRUCTION_LIMIT ((int64_t)50 * 1000 * 1000)
#define SANDBOX_TIME_LIMIT_MS 10000

struct sandbox {
	size_t used_bytes, limit_bytes;
	int64_t instructions, instruction_limit;	/* limit 0: none */
	struct deadline deadline;
	int last_chunk, last_line;			/* where the latest check found the program */
	lua_State *L;
};

/* What ended a call.  Chunks are named by number ("=#3"), so that a position can always be told from text. */
struct sandbox_fault {
	int chunk;		/* 0: unknown */
	int line;
	char text[600];		/* one line, without position */
	char traceback[1500];	/* only when asked for */
};

/* A state with the harmless base functions, string, table, math and utf8; NULL when memory ends. lua_close() ends it. */
lua_State *sandbox_new(struct sandbox *s);
/* From now on: so many instructions and not past the deadline. */
void sandbox_limit(struct sandbox *s, int64_t instruction_limit, struct deadline d);
/* lua_pcall of the function and `arguments` on top of the stack. 0, or -1 with *fault filled and the stack cleared of them. */
int sandbox_call(struct sandbox *s, int arguments, int results, struct sandbox_fault *fault);
/* Compile text (never bytecode) as chunk number `chunk`. 0 with the function pushed, -1 with *fault. */
int sandbox_compile(struct sandbox *s, const char *source, size_t size, int chunk, struct sandbox_fault *fault);
/* Chunk and line of the innermost Lua function at or above `level`; false: none. */
bool sandbox_where(lua_State *L, int level, int *chunk, int *line);
struct sandbox *sandbox_of(lua_State *L);

#endif
