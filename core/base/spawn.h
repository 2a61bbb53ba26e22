/* spawn.h - start another program by posix_spawn: an argument vector, an empty environment, never a shell. */
#ifndef POSTERN_BASE_SPAWN_H
#define POSTERN_BASE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/deadline.h"
#include "base/error.h"

struct spawn_result {
	int exit_code;		/* 0..255, or -1 when killed */
	int signal;		/* when killed by one */
	bool output_cut;	/* there was more output than output_max */
	char *output;		/* stdout and stderr together, NUL-terminated; malloc'd, the caller frees */
	size_t output_size;
};

/* Run argv[0] (absolute path, or a name looked up in the colon-separated `path`; NULL: the usual folders), standard input from stdin_fd
 * (-1: /dev/null), working directory `cwd` (NULL: /), in a process group of its own.  At the deadline or on cancel
 * the group is killed and reaped: -1, e->class ERROR_DEADLINE / ERROR_CANCELLED. Where -1 is returned there is no output to free.
 * What the program left running in its group is killed when it ends; descriptors above 2 never reach it. Thread-safe; the
 * process must not ignore SIGCHLD nor wait for "any" child. */
int spawn_run(const char *const argv[], const char *path, int stdin_fd, const char *cwd, size_t output_max,
	struct deadline d, struct spawn_result *out, struct error *e);

/* Find a program: NULL when absent; malloc'd absolute path otherwise. */
char *spawn_find(const char *name, const char *path);

#endif
