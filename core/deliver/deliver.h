/* deliver.h - hand one mail to next hops by SMTP or LMTP, per-recipient outcomes, edits applied while streaming.
 *
 * Worker only; plain blocking code under the mail's deadline.  Connections are
 * kept and reused per worker; dead next hops are remembered in shared memory.
 * RFC 5321, 2033 (LMTP), 2920 (PIPELINING), 3461 (DSN), 6531 (SMTPUTF8), XFORWARD as in Postfix. */
#ifndef POSTERN_DELIVER_DELIVER_H
#define POSTERN_DELIVER_DELIVER_H

#include "mail/edit.h"
#include "mail/mail.h"
#include "wire/shared.h"

struct deliver_pool;		/* a worker's kept connections */

struct deliver_settings {	/* from the mail's policy */
	const char *localhost_name;		/* EHLO name */
	const char *local_client_bind_address;	/* or NULL */
	bool connection_cache;
	bool xforward;				/* XFORWARD onward where offered */
	bool propagate_dsn;
	int64_t next_hop_retry_ms;		/* how long a dead hop comes last; 0: 30 s */
};

struct deliver_pool *deliver_pool_new(void *owner, struct shared *shared);
void deliver_pool_idle(struct deliver_pool *p);		/* between mails: close what is too old */

struct deliver_result {		/* one per recipient asked */
	unsigned recipient;	/* index into mail->recipients */
	int code;		/* 250, 4xx, 5xx */
	const char *reply;	/* "250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as X" (reference 19) */
	const char *queued_as;	/* or NULL */
	const char *next_hop;	/* method that answered */
};

/* Called at once, before anything else is done, with the indices of recipients that the next hop has just taken. */
typedef void (*deliver_committed_fn)(void *context, const unsigned *recipients, unsigned count, const char *reply);

struct deliver_order {
	const struct mail *mail;
	const char *const *methods;		/* "smtp:[127.0.0.1]:10025", "lmtp:/path", "smtp:*:*"; NULL-terminated, tried in order */
	const unsigned *recipients;		/* indices */
	unsigned recipient_count;
	const struct edit_list *edits;
	const struct deliver_settings *settings;
	deliver_committed_fn committed;
	void *committed_context;
};
/* One transaction (or several when the next hop says 452 to RCPT). Fills results[recipient_count] (talloc on `owner`). Never fails as
 * a whole: what could not be delivered has a 4xx/5xx reply. */
void deliver_mail(struct deliver_pool *pool, const struct deliver_order *order, void *owner, struct deliver_result *results);

#endif
