/* worker.h - the process that settles one mail at a time: plain blocking code under one absolute deadline. */
#ifndef POSTERN_WORKER_WORKER_H
#define POSTERN_WORKER_WORKER_H

#include "config/config.h"
#include "deliver/deliver.h"
#include "mail/mail.h"
#include "plugin/call.h"
#include "plugin/host.h"
#include "wire/shared.h"

struct opener_link;

/* What a worker inherits from its template. */
struct worker_setup {
	const struct config *config;
	struct plugin_host *host;
	struct plugin_instance *const *instances;	/* of the configuration, by number */
	size_t instance_count;
	struct plugin_instance *const *deliveries;	/* delivery plugins by scheme (plugin name); NULL-terminated */
	struct shared *shared;
	unsigned slot, generation;
	int tokens_fd, openers_fd, life_fd;
	int ledger_fd;				/* the ledgers' file; -1: none */
	int leave_fd;				/* readable: leave as soon as there is no mail in hand; -1: nobody will say so */
	const char *temp_base;
	bool questions_only;			/* the worker reserved for RCPT jobs: it has no opener */
	const char *launcher;			/* postern-unpack: starts programs that take parts apart */
};

struct worker {
	const struct worker_setup *setup;
	struct shared *shared;
	struct shared_worker *slot;
	struct policy base;
	struct deliver_pool *pool;
	struct opener_link *opener;
	int token_fd;			/* our end of the token; -1: none given */
	unsigned mails, max_mails;
	bool leave;			/* take no further job */
	bool retiring;			/* reception knows that this worker would leave */
};

/* The life of a worker after fork; the exit code. */
int worker_run(const struct worker_setup *setup);
/* Shown in status; also what the fault test waits for. */
void worker_stage(struct worker *w, enum worker_stage stage);

#endif
