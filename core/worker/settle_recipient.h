/* settle_recipient.h - resolves every setting for one address: SQL, LDAP, static tables, in this order. For settle.c and explain only. */
#ifndef POSTERN_WORKER_SETTLE_RECIPIENT_H
#define POSTERN_WORKER_SETTLE_RECIPIENT_H

#include "lookup/lookup.h"
#include "lookup/record.h"
#include "worker/rcpt_policy.h"

/* Who said it. */
struct settle_origin {
	const struct record *record;	/* SQL or LDAP; NULL: not they */
	size_t row;			/* of the record */
	struct lookup_match match;	/* else: a table (table NULL: none matched) */
	enum setting_id list;		/* the lookup list that was asked; for a category: what the entry follows, else the table itself */
};
/* Told of every lookup list and category key as it is settled; category: "7,1" or NULL. recipient -1: the same for all of them. */
struct settle_watch {
	void (*settled)(struct settle_watch *w, int recipient, enum setting_id id, const char *category, const struct value *v,
		const struct settle_origin *origin);
};

struct settle_plan;
struct settling {
	struct mail *mail;
	const struct policy *policy;
	struct lookup_context context;
	struct lookup_style style;
	struct settle_watch *watch;
	struct error failed;		/* the first that happened */
	struct settle_plan *plan;
};

/* Everything up to what is the same for all recipients. sender: unquoted. */
void settle_prepare(struct settling *s, const char *sender);
/* A fresh policy on the mail. */
struct rcpt_policy *settle_recipient(struct settling *s, const struct recipient *r);
/* A lookup list for one key as settle_recipient() asks it; NULL: nobody says, or s->failed. Also for the banks' lists. */
const struct value *settle_ask(struct settling *s, enum setting_id id, struct lookup_key *key, void *owner, struct settle_origin *origin);

#endif
