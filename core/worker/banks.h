/* banks.h - which policy banks hold for a mail, and why: by interface, client, sender, header, hook. */
#ifndef POSTERN_WORKER_BANKS_H
#define POSTERN_WORKER_BANKS_H

#include "config/config.h"
#include "lookup/lookup.h"
#include "mail/mail.h"

/* Where a session comes in: its own end "127.0.0.1:10024", "[::1]:10024", "/run/x.sock", and the listener as written where that is another
 * text, "0.0.0.0:10024"; else NULL.  Overlay the banks of interface_policy for it, for the worker template, which tells reception each
 * listener's settings.  No ACTION is called: there is no mail. */
void banks_by_interface(struct policy *p, const char *socket_text, const char *listener_text, void *owner);
void banks_lookup_style(const struct policy *p, struct lookup_style *style);

/* What banks are laid over for one mail. */
struct bank_loading {
	struct mail *mail;		/* its bank_steps, originating and policy_bank_path follow */
	struct policy *policy;
	const struct lookup_context *context;
};
/* Each returns -1 where a table could not answer or an administrator's function failed (TEMPFAIL).  In this order: */
int banks_load_interface(struct bank_loading *l, struct error *e);
/* The first matching pair of client_ipaddr_policy; an unknown client is 0.0.0.0. */
int banks_load_client(struct bank_loading *l, struct error *e);
/* MYUSERS: mail that originates here, from a sender who is local. */
bool banks_want_sender(const struct policy *p, const char *sender);
int banks_load_myusers(struct bank_loading *l, const char *sender, struct error *e);
/* header_to_policy_bank_maps: every table with every field. */
int banks_load_header(struct bank_loading *l, struct error *e);
/* policy_bank_hook */
int banks_load_hook(struct bank_loading *l, struct error *e);
/* Names "A,B" that somebody else has found, say by the name of a virus. */
int banks_load(struct bank_loading *l, const char *names, const char *why, struct error *e);

#endif
