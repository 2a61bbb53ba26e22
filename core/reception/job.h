/* job.h - one mail from MAIL to its reply: envelope, spool file, and what a worker said of it.
 *
 * A talloc object.  A session builds it and submits it to the queue; until the
 * queue hands it back (session_job_finished) the queue owns it.  When the client
 * goes meanwhile, job->session becomes NULL and the queue finishes it alone. */
#ifndef POSTERN_RECEPTION_JOB_H
#define POSTERN_RECEPTION_JOB_H

#include <event2/event_struct.h>

#include "reception/spool.h"
#include "wire/records.h"
#include "wire/shared.h"

struct queue;
struct session;
struct worker_token;

enum job_state { JOB_BUILDING, JOB_WAITING, JOB_RUNNING, JOB_FINISHED };
enum job_outcome { JOB_ANSWERED = 1, JOB_WORKER_DIED, JOB_TIMED_OUT, JOB_WAITED_TOO_LONG };

struct mail_job {
	struct reception *reception;
	struct session *session;
	struct envelope envelope;
	uint32_t recipient_room;
	struct spool spool;
	enum job_state state;
	enum job_outcome outcome;
	struct result result;		/* when JOB_ANSWERED */
	const char **committed;		/* reply of each recipient that the next hop has taken; NULL: no COMMITTED came */
	struct ledger_key *keys;	/* of these recipients; valid where has_key */
	bool *has_key;
	uint64_t mail_size_bytes;
	int64_t timeout_ms;		/* child_timeout */
	int64_t deadline_ms;
	enum job_kind kind;
	struct queue *queue;		/* that has it */
	int answer_fd;			/* posternctl's connection, of what it asks; else -1 */
	int mail_fd, envelope_fd;	/* read-only; from the end of the mail until a worker has them */
	void *envelope_record;		/* instead of envelope_fd where it is small */
	size_t envelope_record_bytes;
	bool cancelled;
	struct event timer;
	struct worker_token *token;
	struct mail_job *previous, *next;	/* in the queue */
};

struct mail_job *job_new(struct reception *r, struct session *s, const char *log_id);
/* Adds a recipient; its strings must be on the job. */
void job_add_recipient(struct mail_job *job, struct envelope_recipient recipient);
void job_free(struct mail_job *job);
/* The envelope is complete: keeps its record, a large one in a sealed memfd. 0 or -1/errno. */
int job_seal_envelope(struct mail_job *job);
/* The worker has its own copies. */
void job_close_descriptors(struct mail_job *job);
/* The reply for a mail that no worker answered: "451 4.3.0 id=... - the worker died, try again" and its like. */
char *job_failure_reply(void *owner, const struct mail_job *job);
/* The reply for one recipient (LMTP): the worker's, else that of the next hop which has it, else the failure. */
const char *job_recipient_reply(struct mail_job *job, uint32_t recipient);
/* The one reply for all (SMTP). */
const char *job_single_reply(struct mail_job *job);

/* --- committed.c: the delivered ledger's duty of the process that answers --- */
/* A COMMITTED record came from the worker in that slot. 0, or -1: a recipient that is none. */
int job_note_committed(struct mail_job *job, const struct committed *c, uint32_t slot);
/* The client has, or has not, its reply: clear what it knows to be delivered, note the rest. */
void job_settle(struct mail_job *job, bool written, bool per_recipient);
/* The worker in that slot died: what it had entered as delivered, but not told us any more, is noted. */
void job_note_orphans(struct mail_job *job, uint32_t slot);
/* The worker in that slot died over the job: one death more for this mail. */
void job_note_death(struct mail_job *job, uint32_t slot);

#endif
