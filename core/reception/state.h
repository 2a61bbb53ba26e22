/* state.h - what one reception holds; passed to everything in this room instead of globals. */
#ifndef POSTERN_RECEPTION_STATE_H
#define POSTERN_RECEPTION_STATE_H

#include <event2/event.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "reception/reception.h"
#include "reception/settings.h"

#define RECEPTION_BUFFER_BYTES (64 * 1024)

struct session;
struct queue;

struct listener {
	struct reception *reception;
	const struct reception_listener *given;
	const struct listener_options *options;
	const struct timeval *timeout;	/* libevent's common timeout: sessions cost no timer each */
	struct event *event;
	struct listener *locals;	/* as options->locals, without an event: sessions at these addresses are theirs */
};

struct reception {
	const struct reception_settings *given;
	struct reception_options *options;
	struct event_base *base;
	struct shared_reception *held;	/* our place in shared memory: what we hold now */
	struct queue *queue;
	struct queue *questions;	/* RCPT jobs and the worker reserved for them */
	GHashTable *peers;
	struct listener *listeners;
	struct session *sessions;	/* doubly linked */
	unsigned session_count;
	unsigned mails_under_way;	/* from MAIL to the reply: each may want a worker yet */
	int work_area_fd;
	bool draining;
	uint8_t *input;			/* one read at a time: shared by all sessions */
	uint8_t *output;		/* decoded bytes on their way to a spool file */
	struct event *token_event, *master_event, *accept_again, *drain_limit;
};

/* NULL: e says why. Opens the work area, makes the loop and the listeners' events; does not run it. */
struct reception *reception_new(const struct reception_settings *given, struct error *e);
void reception_free(struct reception *r);
/* Sessions, mails and tokens call this when they end: leaves the loop when a drain is complete. */
void reception_check_drained(struct reception *r);
void reception_drain(struct reception *r);
/* One line, with the log id where there is one (id may be NULL). */
void reception_log(const char *id, int level, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
