/* statements.h - at which line the statement that reaches into a given line of Lua source began.
 *
 * Lua reports the last line of an assignment that spans several; an
 * administrator looks for the first. */
#ifndef POSTERN_CONFIG_STATEMENTS_H
#define POSTERN_CONFIG_STATEMENTS_H

#include <stdbool.h>
#include <stddef.h>

/* Fresh array (g_malloc): entry i is the first line (from 1) of the statement that line i+1 belongs to. */
int *statements_map(const char *source, size_t size, int *line_count);

#endif
