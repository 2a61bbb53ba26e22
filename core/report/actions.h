/* actions.h - the words between { and } of the main log line: what was done with a mail, and which way it went.
 *
 * Pure.  Recipients first, each combination once and in the order amavisd-new
 * gives them (alphabetical, with plain relaying after tagged relaying), then
 * "Quarantined", then "Archived". */
#ifndef POSTERN_REPORT_ACTIONS_H
#define POSTERN_REPORT_ACTIONS_H

#include <glib.h>
#include <stdbool.h>

#include "mail/mail.h"

/* In the order of the log line. */
enum action_fate {
	ACTION_ACCEPTED,	/* nothing to deliver (AM.PDP: the MTA keeps the mail) */
	ACTION_BOUNCED,
	ACTION_DISCARDED,
	ACTION_NOBOUNCE,	/* a bounce was due and deliberately not sent */
	ACTION_REJECTED,
	ACTION_RELAYED,
	ACTION_TEMPFAILED
};

enum action_dsn { ACTION_DSN_NONE, ACTION_DSN_SENT, ACTION_DSN_SUPPRESSED };

struct action_recipient {
	enum action_fate fate;
	bool is_local;		/* in local_domains_maps */
	bool tagged;		/* relayed with a mark for the reader: address extension or Subject tag */
};

struct action_facts {
	bool originating;
	bool quarantined, archived;
	unsigned recipient_count;
	const struct action_recipient *recipients;
};

/* One recipient's fate from its destiny, whether the next hop has taken it, and the reply that the client gets for it
 * (LMTP: its own, SMTP: the one for all; NULL counts as 4xx). */
enum action_fate actions_fate(enum destiny destiny, bool relayed, const char *reply, enum action_dsn dsn);
/* "RelayedInbound,Quarantined", appended to out. */
void actions_format(GString *out, const struct action_facts *facts);

#endif
