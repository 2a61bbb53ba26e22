/* session.h - one client's connection, whatever it speaks: input, output, timeouts, and the mail that it waits for.
 *
 * What the bytes mean is the dialect's business (smtp.c).  An idle session costs
 * this struct and the dialect's small state; buffers exist only while bytes are
 * in them. */
#ifndef POSTERN_RECEPTION_SESSION_H
#define POSTERN_RECEPTION_SESSION_H

#include <event2/event_struct.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "reception/job.h"
#include "reception/state.h"

struct session;

struct dialect {
	/* The state of a new session, talloc on `owner`; may reply at once. */
	void *(*start)(struct session *s, void *owner);
	/* Takes bytes, returns how many; 0: more are needed. Called again while there are bytes and the session listens. */
	size_t (*input)(struct session *s, const uint8_t *data, size_t n);
	/* The reply to the session's job is due. The job is freed by the session afterwards. */
	void (*finished)(struct session *s, struct mail_job *job);
	/* No input for too long: say so; the session closes afterwards. */
	void (*timeout)(struct session *s);
	/* A mail is under way: the session must not be ended by a drain. */
	bool (*in_mail)(const struct session *s);
	/* The service ends and no mail is under way: say so; the session closes afterwards. */
	void (*shutdown)(struct session *s);
	bool (*replies_per_recipient)(const struct session *s);
	/* The session ends: what is under way and not submitted is thrown away. */
	void (*stop)(struct session *s);
};

struct session {
	struct session *previous, *next;
	struct reception *reception;
	struct listener *listener;
	const struct dialect *dialect;
	void *state;
	struct peer *peer;		/* NULL on unix sockets */
	uint64_t number;		/* the first part of log ids */
	int fd;
	unsigned entered;		/* callbacks on the stack */
	bool waiting;			/* for the reply to its job: input is kept, not processed */
	bool closing;			/* leaves once the output is written */
	bool dropped;			/* leaves now */
	bool utf8;			/* the latest mail came with SMTPUTF8: replies may be more than ASCII */
	bool paused;			/* too much kept input: only the end of the connection is watched for */
	struct event event;
	struct event *write_event;	/* exists while output is stuck */
	GString *input, *output;	/* NULL when empty */
	struct mail_job *job;		/* submitted */
	struct mail_job *unsettled;	/* replied to, the reply not yet written */
};

/* Takes fd over (non-blocking). peer: a reference is taken over too. */
void session_start(struct listener *l, int fd, struct peer *peer, const struct dialect *dialect);
/* Appends to the output, which goes out when the current batch of input is done. */
void session_send(struct session *s, const char *data, size_t n);
void session_close(struct session *s);	/* after the output is written */
void session_drop(struct session *s);	/* at once */
/* Hands a job to the queue and stops the processing of input until its reply. false: the queue is full. */
bool session_submit(struct session *s, struct mail_job *job);
/* From the queue: the reply is due, the job is the session's again. */
void session_job_finished(struct session *s, struct mail_job *job);
/* From the queue: the reply is due, the job stays the queue's and forgets the session. */
void session_job_late(struct session *s, struct mail_job *job);
/* The service ends. */
void session_drain(struct session *s);
/* Even in the middle of a mail, unless its job runs: a draining reception does not wait for ever for a client that drips. */
void session_end_now(struct session *s);

#endif
