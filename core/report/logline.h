/* logline.h - the main log line of a mail, exactly as amavisd-new's, and the same as JSON.
 *
 * One function over a struct of named fields; it reads nothing else.  Templates
 * come later and keep its goldens. */
#ifndef POSTERN_REPORT_LOGLINE_H
#define POSTERN_REPORT_LOGLINE_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* JSON only: one recipient in detail. */
struct logline_recipient {
	const char *address;		/* as in the envelope, without <> */
	const char *original;		/* ORCPT address or NULL */
	const char *sql_policy_id;	/* users.policy_id of SQL lookups, or NULL */
	bool is_local, bypass_virus_checks, bypass_banned_checks, bypass_spam_checks, whitelisted, blacklisted;
	const char *action;		/* PASS, REJECT, BOUNCE, DISCARD, TEMPFAIL */
	const char *reply;		/* "250 2.0.0 ..." or NULL */
	const char *queued_as;		/* or NULL */
	const char *ccat_blocking;	/* display name ("Virus") or NULL */
	const char *ccat_main;		/* display name, NULL when the same as ccat_blocking */
	const char *banning_reason;	/* or NULL */
};

/* One name that one scanner has found, wherever in the mail. */
struct logline_finding {
	const char *name, *scanner;
	const char *version, *database;	/* of the scanner, or NULL */
	const char **parts;		/* NULL-terminated paths: "1/2"; "0": the whole mail */
	bool spam_only;			/* counted as a score, not as malware */
};

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
	const char *quarantine;		/* list joined by ", " or NULL; below QUARANTINEDIR without that folder */
	const char *queue_id;		/* the MTA's (XFORWARD IDENT) or NULL */
	const char *message_id, *resent_message_id;	/* with their <>; or NULL */
	const char *mail_id;		/* or NULL */
	const char *hits;		/* "-" until spam checks exist */
	uint64_t size;
	const char *queued_as;		/* joined by "/" or NULL */
	uint64_t elapsed_ms;
	/* JSON only */
	const char *log_id, *host, *protocol, *reply, *subject, *from;
	const char *const *virus_names, *const *scanners;	/* NULL-terminated, in step: scanners[i] found virus_names[i]; either may be NULL */
	const struct logline_finding *findings;	/* the last has no name; or NULL */
	const char *const *score_tests;		/* NULL-terminated, or NULL */
	bool fake_sender;
	int64_t time_wall_us;		/* when the mail was received */
	/* JSON only, and left out where NULL (or 0) */
	const char *type;		/* NULL: "amavis", as tools that read these events expect */
	const char *source_ip;		/* the MTA that connected */
	const char *listener_ip, *listener_port;
	const char *content_type;	/* display name of the blocking category if blocked, else of the main one: "Clean" */
	const char *quarantine_type;	/* letter of the first copy: F Z B Q M L */
	const char *checks;		/* "V H B" */
	const char *body_digest;	/* hex */
	const char *user_agent;
	const char *const *attached_file_names, *const *to_addresses, *const *cc_addresses, *const *references, *const *ip_trace;
	bool dsn_sent;
	unsigned detail_count;
	const struct logline_recipient *details;	/* of all recipients; gives recipients[], action, smtp_code, queued_as */
};
/* Both append to out. Addresses are given without <> and printed with them, their domains in lower case and ACE labels as
 * UTF-8. No line end; control characters are left to the writer of the log (log_write escapes them). */
void logline_format(GString *out, const struct logline *l);
/* One JSON object, at most one per mail; `passed` matters only where there are no details. */
void logline_json(GString *out, const struct logline *l);

#endif
