/* jail.h - the jail of one program that takes a part of a mail apart: postern-unpack's pieces, each in a file of its own.
 *
 * The launcher puts itself in and becomes the program.  Nothing here knows of
 * mails, settings or workers; nothing here uses GLib: it starts once per part. */
#ifndef POSTERN_UNPACK_JAIL_H
#define POSTERN_UNPACK_JAIL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/seccomp_rules.h"

/* The descriptors that the worker gives the launcher (worker/program.c); above these there are none. */
enum { UNPACK_FD_FOLDER = 3, UNPACK_FD_SOURCE = 4 /* the folder that holds nothing but the part */, UNPACK_FD_REPORT = 5, UNPACK_FD_COUNT = 6 };

struct unpack_order {
	const char *program;		/* absolute */
	char *const *argv;		/* of the program */
	const char *const *reads;	/* more that it may read: absolute, a file or a folder */
	size_t read_count;
	uint64_t memory_bytes, file_bytes, cpu_seconds;	/* 0: no limit */
	uint64_t threads;		/* beside its first */
	uint64_t worker_pid;
};

/* Landlock: read the part, the program, what it is linked with and `reads`; write in the folder. A kernel without it is no error. */
int unpack_confine(const struct unpack_order *o, struct error *e);
/* What the program may call once it runs. NULL and e. */
scmp_filter_ctx unpack_filter_new(const struct unpack_order *o, struct error *e);
int unpack_limit(const struct unpack_order *o, struct error *e);

#endif
