/* opener.h - the jailed process that takes mails apart.  See wire/records.h for its talk with the worker.
 *
 * opener_run() is the life of an opener after fork from the opener template:
 * make the scratch folder, say HELLO, jail itself, then OPEN ... DONE until the
 * worker hangs up or max_requests is reached.  Never network, exec, secrets, any other folder. */
#ifndef POSTERN_OPENER_OPENER_H
#define POSTERN_OPENER_OPENER_H

#include "base/error.h"
#include "opener/tree.h"
#include "plugin/host.h"
#include "wire/records.h"

struct opener_settings {
	int worker_fd;				/* SEQPACKET to its worker */
	const char *temp_base;			/* absolute; the scratch folder is made below it */
	uint64_t memory_limit_bytes;		/* above the size at start; 0: none (always none under ASan) */
	uint64_t file_limit_bytes;		/* RLIMIT_FSIZE */
	unsigned max_mails;			/* leaves after so many */
	bool unjailed;				/* debugging only */
	struct plugin_instance *const *instances;	/* by number; NULL where the opener has no part in it */
	size_t instance_count;
};
int opener_run(const struct opener_settings *s) __attribute__((warn_unused_result));	/* the exit code */

/* Template, before forking: iconv descriptors, libmagic database, locale, tz (reference: they cannot be opened inside the jail). */
int opener_preload(struct error *e);

/* Jail (opener/jail.c): no new privileges, landlock on the folder, seccomp allow-list, limits. Fills what is in force. */
struct jail_report { bool seccomp; int landlock_abi; uint64_t memory_limit_bytes; };
int jail_enter(int scratch_dir_fd, uint64_t memory_limit_bytes, uint64_t file_limit_bytes, struct jail_report *report, struct error *e);

/* Scratch folders (opener/scratch.c). Name "opener-XXXXXXXX"; its fd holds a flock for life. */
int scratch_make(const char *temp_base, char name[32], int *dir_fd, struct error *e);
int scratch_empty(int dir_fd);				/* below it, never following links; 0 or -1 */
int scratch_remove(const char *temp_base, const char *name);
unsigned scratch_sweep(const char *temp_base);		/* remove folders that nobody holds; how many */

/* The taking apart itself; it knows of no process, so that it can be tested and fuzzed. */
struct opener_job {
	const struct open_order *order;
	int mail_fd, dir_fd;			/* the mail; where the parts are written */
	const char *folder;			/* absolute path of dir_fd, or NULL */
	struct plugin_instance *const *instances;	/* decoders, by number; NULL where there is none */
	size_t instance_count;
	/* Have the worker run a program; `watch` is asked all the while, false: it is to be stopped. NULL: there are no programs.
	 * 0 and *out on owner; -1: the worker has gone. */
	int (*run_program)(void *context, const struct unpack_record *order, bool (*watch)(void *), void *watch_context,
		void *owner, struct unpacked_record *out);
	void *program_context;
};
/* Everything in *tree and *out hangs on owner. */
void opener_take_apart(const struct opener_job *job, struct opener_tree *tree, struct opened *out, void *owner);

#endif
