/* role.h - the roles a posternd process can play, and what it finds open when it starts.
 *
 * The master starts every role by executing the program again, so none
 * inherits another's memory.  A role finds its options on the command line, its
 * descriptors at fixed numbers, and everything else in records on
 * ROLE_FD_MASTER. */
#ifndef POSTERN_TEMPLATE_ROLE_H
#define POSTERN_TEMPLATE_ROLE_H

#include <stdbool.h>
#include <stdint.h>

enum role { ROLE_MASTER = 0, ROLE_WORKER_TEMPLATE, ROLE_OPENER_TEMPLATE, ROLE_RECEPTION, ROLE_COUNT };
const char *role_name(enum role r);		/* "worker-template" ... */
enum role role_from_name(const char *name);	/* ROLE_COUNT: none of them */

enum {
	ROLE_FD_MASTER = 3,	/* all: SEQPACKET to the master; end of file means: the master is gone or done with us */
	ROLE_FD_SHARED = 4,	/* worker template, reception: the shared memory */
	ROLE_FD_TOKENS = 5,	/* worker template: sends; reception: receives */
	ROLE_FD_OPENERS = 6,	/* worker template: sends OPENER_WANTED; opener template: receives */
	ROLE_FD_LIFE = 7,	/* worker template: a pipe whose end of file tells every worker to leave when idle */
	ROLE_FD_LEDGER = 8,	/* reception: the ledger file */
	ROLE_FD_LISTENERS = 16	/* reception: its listeners, one after another */
};

struct role_options {
	const char *config_file;	/* absolute; NULL: the embedded default */
	const char *plugin_dir;		/* absolute */
	const char *build_dir;		/* absolute top of a build tree, or NULL */
	unsigned generation;
	bool foreground;
	bool unjailed;
};

int worker_template_run(const struct role_options *o);	/* exit code */
int opener_template_run(const struct role_options *o);
int reception_role_run(const struct role_options *o);

/* Log settings as every role but the worker template learns them: from a settings record. */
struct settings_record;
void role_configure_log(const struct settings_record *s, const struct role_options *o);

#endif
