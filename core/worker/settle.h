/* settle.h - stage 1: which banks hold for this mail, and everything the site says about each recipient.
 *
 * All lookups of a mail happen here; later stages read `struct rcpt_policy` and nothing else. */
#ifndef POSTERN_WORKER_SETTLE_H
#define POSTERN_WORKER_SETTLE_H

#include "config/config.h"
#include "lookup/lookup.h"
#include "mail/mail.h"

/* Settings by content category, each resolved for the recipient. */
enum policy_cell { CELL_DESTINY, CELL_LOVER, CELL_QUARANTINE_METHOD, CELL_QUARANTINE_TO, CELL_FORWARD_METHOD, CELL_SMTP_REASON, CELL_COUNT };

#define CATEGORY_KEYS 28
/* Index of the key "major,minor" (minor 0: "major"); -1: no such category. */
int rcpt_policy_key(unsigned major, unsigned minor);

/* Recipients with equal policies share one; talloc'd with the mail. */
struct rcpt_policy {
	bool is_local;
	bool bypass_virus, bypass_banned;
	int64_t message_size_limit;		/* bytes; 0: none */
	const struct value *archive_to;		/* archive_quarantine_to_maps; NULL: not kept */
	const struct value *cells[CELL_COUNT][CATEGORY_KEYS];	/* NULL: the table has no such key */
};

/* The value for a list of categories, amavisd-new's walk: "major,minor", "major" of each from the top, then CC_CATCHALL. NULL: none. */
const struct value *rcpt_policy_cell(const struct rcpt_policy *p, enum policy_cell cell, const struct categories *c);
/* As above, from the category `from` downwards (the blocking one). */
const struct value *rcpt_policy_cell_from(const struct rcpt_policy *p, enum policy_cell cell, const struct categories *c, struct category from);

/* Fills policy (banks), mail->client_address, originating, policy_bank_path and every recipient's policy. -1: a lookup could not answer (TEMPFAIL). */
int settle_mail(struct mail *m, struct policy *policy, struct error *e);
/* The banks of policy have changed since: every recipient anew. Before judge.c only. */
int settle_again(struct mail *m, struct policy *policy, struct error *e);

#endif
