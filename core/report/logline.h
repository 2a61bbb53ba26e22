/* logline.h - the main log line of a mail, exactly as amavisd-new's, and the same as JSON.
 *
 * One function over a struct of named fields; it reads nothing else.  Templates
 * come later and keep its goldens. */
#ifndef POSTERN_REPORT_LOGLINE_H
#define POSTERN_REPORT_LOGLINE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct logline {
	bool passed;			/* "Passed" or "Blocked" */
	const char *category;		/* "CLEAN", "INFECTED (Eicar-Test-Signature)", "UNCHECKED-ENCRYPTED", ... */
	const char *actions;		/* "RelayedInbound,Quarantined" without braces */
	const char *policy_banks;	/* "MYNETS/AUTH" or "" */
	bool originating;		/* " LOCAL" */
	const char *client_ip;		/* NULL: left out */
	const char *client_port;
	const char *origin_ip;		/* best originator IP or NULL */
	const char *sender;		/* "" null sender */
	const char *const *recipients;	/* NULL-terminated, only those this line is about */
	const char *quarantine;		/* list joined by "," or NULL */
	const char *queue_id;		/* the MTA's (XFORWARD IDENT) or NULL */
	const char *message_id, *resent_message_id;	/* with their <>; or NULL */
	const char *mail_id;		/* or NULL */
	const char *hits;		/* "-" until spam checks exist */
	uint64_t size;
	const char *queued_as;		/* joined by "/" or NULL */
	uint64_t elapsed_ms;
	/* JSON only */
	const char *log_id, *host, *protocol, *reply, *subject, *from;
	const char *const *virus_names, *const *scanners;
	int64_t time_wall_us;
};
void logline_format(GString *out, const struct logline *l);
void logline_json(GString *out, const struct logline *l);

#endif
