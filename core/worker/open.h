/* open.h - stage 2: the worker's opener, its orders and its answers (which are hostile input). */
#ifndef POSTERN_WORKER_OPEN_H
#define POSTERN_WORKER_OPEN_H

#include "base/error.h"
#include "mail/mail.h"
#include "worker/worker.h"

struct opener_link;		/* one worker's current opener */

/* What an opener's scanner said. */
struct opener_finding { const struct plugin_instance *instance; struct plugin_outcome outcome; };

struct open_result {
	bool opened;			/* parts stand in mail->parts; dir_fd is good */
	struct opener_finding *findings;
	unsigned finding_count, findings_due;
	bool awaits_keep;		/* the opener's scanners wait for open_keep() */
};

struct open_request {
	bool scan, stop_at_first, keep_mail, keep_parts;
	const struct plugin_instance **scanners;	/* those of av_scanners that run in the opener, in order */
	unsigned scanner_count;
	const struct plugin_instance **decoders;	/* in the order in which they are tried */
	unsigned decoder_count;
	bool asks_keep;			/* open_keep() will say which containers the opener's scanners get */
	const struct policy *policy;
};

struct opener_link *opener_link_new(void *owner, const struct worker_setup *setup);
int opener_link_fd(const struct opener_link *l);	/* to watch while idle; -1: none */
int opener_link_dir_fd(const struct opener_link *l);
const char *opener_link_folder(const struct opener_link *l);	/* absolute path of the scratch folder */
/* Ask for an opener if there is none (does not wait for it). */
void opener_link_ensure(struct opener_link *l);
/* Its greeting has come (its descriptor is readable while idle): take it, or drop the opener. */
void opener_link_greet(struct opener_link *l);
bool opener_link_greeted(const struct opener_link *l);
/* Drop it (end of file while idle, a lie, doubt): the next ensure makes another. */
void opener_link_drop(struct opener_link *l);
/* Open the mail and collect its parts; the opener's scanners go on meanwhile. -1: the opener failed: e says how; e->class ERROR_CANCELLED / ERROR_DEADLINE when that was it. */
int open_mail(struct opener_link *l, struct mail *m, const struct open_request *request, struct open_result *out, struct error *e);
/* Wait for what the opener's scanners found: out->findings. -1 as above. */
int open_findings(struct opener_link *l, struct mail *m, struct open_result *out, struct error *e);
/* The opened containers (numbers of parts) that scanners are to get all the same; nothing is sent where nobody waits for it. */
void open_keep(struct opener_link *l, const struct open_result *opened, const uint32_t *parts, uint32_t count);
/* The parts are not needed any more (sent at once), and: wait until they are gone. */
void open_done(struct opener_link *l);
void open_wait_emptied(struct opener_link *l, struct deadline d);

#endif
