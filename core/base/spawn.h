/* spawn.h - start another program by posix_spawn: an argument vector, an empty environment, never a shell. */
#ifndef POSTERN_BASE_SPAWN_H
#define POSTERN_BASE_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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

/* The same step by step, for callers that wait for more than the program.
 * Start `program` (absolute) with these descriptors as its 0..count-1 (at most SPAWN_FDS_MAX, closed-on-exec here or not) and no
 * others, in a process group of its own, no signal blocked or ignored, in folder cwd (NULL: /). 0 or -1/errno. */
#define SPAWN_FDS_MAX 8
int spawn_start(const char *program, const char *const argv[], const int *fds, int count, const char *cwd, pid_t *pid);
/* A descriptor that is readable once it has ended; -1: the kernel has none, look from time to time. */
int spawn_watch_fd(pid_t pid);
/* Has it ended? Its number stays ours until spawn_finish(). */
bool spawn_has_ended(pid_t pid);
/* End it where it has not ended, and its group; reap it. 0 and how it ended, and what CPU time it took; or -1/errno. */
int spawn_finish(pid_t pid, int *exit_code, int *signal, uint64_t *cpu_us);

/* Find a program: NULL when absent; malloc'd absolute path otherwise. */
char *spawn_find(const char *name, const char *path);

#endif
