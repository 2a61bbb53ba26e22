/* program.h - programs that take parts apart: started by the worker in a jail of their own, because an opener can start nothing.
 *
 * The worker looks neither at the part nor at what comes out: both lie in the
 * opener's scratch folder, where the opener deals with them.  What an opener
 * asks for is hostile: it names an instance, a part and a password, no more. */
#ifndef POSTERN_WORKER_PROGRAM_H
#define POSTERN_WORKER_PROGRAM_H

#include "base/deadline.h"
#include "base/error.h"
#include "plugin/host.h"
#include "wire/records.h"

struct program_job {
	struct plugin_instance *instance;
	uint32_t part;
	const char *password;		/* "": none */
	int scratch_fd;			/* the opener's scratch folder */
	int opener_fd;			/* UNPACK_STOP may come from there */
	const char *launcher;		/* postern-unpack's absolute file name */
	struct deadline deadline;
	uint64_t file_max_bytes;	/* of one file that it writes */
	uint32_t cpu_ms;		/* 0: no limit */
};
/* Run it to its end. 0: *out is what the opener is to be told. -1: the mail's opening is over: the client has gone
 * (ERROR_CANCELLED), or the opener has, or it said something that cannot be (ERROR_INPUT); nothing runs any more. */
int program_run_job(const struct program_job *j, void *owner, struct unpacked_record *out, struct error *e);

#endif
