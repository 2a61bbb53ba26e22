/* mail.h - the facts of one mail: envelope, header, parts, findings, scores, and each recipient's fate.
 *
 * One `struct mail` lives on one talloc context in a worker and goes in one
 * talloc_free(), with descriptors and files attached to it.  Stages of the
 * pipeline fill it from the top to the bottom; only judge.c writes fates. */
#ifndef POSTERN_MAIL_MAIL_H
#define POSTERN_MAIL_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/deadline.h"
#include "mail/header.h"
#include "mail/header_check.h"
#include "wire/records.h"

#define MAIL_MAGIC 0x4d41494cu

/* Content categories, amavisd-new's numbers (higher is worse). */
enum ccat {
	CC_CATCHALL = 0, CC_CLEAN = 1, CC_MTA = 2, CC_OVERSIZED = 3, CC_BADH = 4, CC_SPAMMY = 5, CC_SPAM = 6,
	CC_UNCHECKED = 7, CC_BANNED = 8, CC_VIRUS = 9
};
enum { CC_UNCHECKED_ENCRYPTED = 1, CC_UNCHECKED_OVER_LIMITS = 2, CC_UNCHECKED_AMBIGUOUS = 3 };
enum { CC_MTA_TEMPFAILED = 1, CC_MTA_REJECTED = 2 };

struct category { uint8_t major, minor; };
/* A sorted set (descending), as amavisd-new keeps it: adding (major, minor) also adds (major, 0). */
struct categories { unsigned count; struct category at[24]; };
void categories_add(struct categories *c, enum ccat major, unsigned minor);
bool categories_have(const struct categories *c, enum ccat major);
struct category categories_main(const struct categories *c);	/* the highest, or CC_CLEAN */

enum destiny { D_TEMPFAIL = -4, D_REJECT = -3, D_BOUNCE = -2, D_UNSET = -1, D_DISCARD = 0, D_PASS = 1 };

struct part {
	uint32_t number, parent, index_in_parent, level;
	bool has_file;
	uint16_t attributes;		/* enum part_attribute */
	uint64_t size_bytes;
	const char *placement;		/* "1/2/3" */
	const char *mime_type;		/* the first that was declared, or NULL */
	const char *type_short, *type_full;
	const char *digest, *decoder, *note;	/* as in struct part_record */
	unsigned mime_type_count;
	const char **mime_types;	/* all that were declared */
	unsigned name_count;
	const char **names;
};

struct finding {
	const char *scanner;		/* "clamd", "clamd/2" */
	const char *version;		/* engine and database, or NULL */
	const char *name;		/* of the malware */
	uint32_t part;			/* number; 0: the whole mail */
};

enum scan_outcome { SCAN_COMPLETED, SCAN_FAILED, SCAN_INCONCLUSIVE };
struct scan_report {			/* one per scanner asked */
	const char *scanner;
	enum scan_outcome outcome;
	const char *error;		/* when failed */
	const char *output;		/* last reply of the scanner, for macro %v; may be NULL */
	const char *version, *way;	/* what answered, and how it was asked; may be NULL */
	uint32_t elapsed_us;
	bool backup;
};

struct score_line {			/* until spam checks exist only virus_name_to_spam_score makes some */
	const char *origin, *test;
	double points;
	int recipient;			/* index, -1: all */
};

struct bank_step { const char *name, *why; bool known; };	/* a policy bank that was named, and by what */

struct rcpt_policy;			/* worker/rcpt_policy.h */
struct banned_result;			/* worker/banned.h */
struct record_asker;			/* lookup/record_asker.h */

/* What became of one recipient. */
enum fate_kind { FATE_UNDECIDED, FATE_PASSED, FATE_BLOCKED, FATE_FAILED };
struct recipient {
	unsigned index;
	const struct envelope_recipient *envelope;
	const char *address;		/* unquoted, as lookups want it: local@domain */
	const struct rcpt_policy *policy;
	struct categories categories;
	enum destiny destiny;
	struct category blocking;	/* the deciding category when destiny is not D_PASS */
	bool whitelisted, blacklisted;	/* sender, by this recipient's lists: for spam checks */
	const char *sql_policy_id;	/* users.policy_id, or NULL */
	const char *forward_address;	/* other than the envelope's: rewritten or with an extension, RFC 5321 form; NULL: the same */
	const char *forward_orcpt;	/* ORCPT then to be said; NULL: the envelope's */
	bool tagged;			/* marked for the reader: address extension or Subject tag */
	bool delivered;			/* the next hop (or a ledger entry) has it */
	bool skipped;			/* delivered before, by an earlier try */
	enum fate_kind fate;
	const char *reply;		/* "250 2.0.0 ..." complete, without CRLF */
	const char *queued_as;		/* parsed from the next hop's reply, or NULL */
	const char *next_hop;		/* "smtp:[127.0.0.1]:10025" that answered, or NULL */
};

static inline const char *recipient_forward_address(const struct recipient *r)
{
	return r->forward_address ? r->forward_address : r->envelope->address;
}

struct quarantine_copy { const char *method; const char *location; char type; /* F Z B Q M L */ };

struct mail {
	uint32_t magic;
	const char *log_id;
	char mail_id[20], secret_id[28];	/* made when first needed: mail_id_make() */
	struct deadline deadline;
	int64_t started_ms;
	int fd;				/* read-only; the bytes as on the wire: CRLF, unstuffed */
	uint64_t size_bytes;		/* bytes in fd */
	uint64_t size_lf_bytes;		/* as amavisd-new counts: line ends are one byte */
	unsigned char digest[16];	/* below the topmost Received field: ledgers */
	unsigned char ledger_digest_known;
	const struct envelope *envelope;
	const char *client_address;	/* the client that counts (XFORWARD or peer), NULL: unknown */
	bool originating;
	const char *policy_bank_path;	/* "MYNETS/AUTH" or "" */
	unsigned bank_step_count;
	struct bank_step *bank_steps;	/* how it came to them, in order */
	struct record_asker *records;	/* what SQL and LDAP have said; settle's own */
	struct header header;		/* field index over the raw header */
	unsigned part_count;
	struct part *parts;		/* parts[i].number == i + 1 */
	bool opened;			/* the opener has finished with it */
	bool undecipherable, crypted, ambiguous, over_limits, mail_as_part, bare_file;
	bool unopened;			/* a container or document that no decoder understands */
	const char *hold;		/* X-Amavis-Hold text */
	const char *mime_error;		/* what the opener complained of, or NULL */
	bool header_checked;
	struct header_flaws header_flaws;
	unsigned header_fixes;		/* enum header_fix that some field needs and the site wants */
	bool banned_checked;
	const struct banned_result **banned;	/* one for each recipient: NULL where it bypasses them; NULL: not checked */
	unsigned finding_count;
	struct finding *findings;	/* talloc array */
	unsigned softened_count;
	struct finding *softened;	/* taken from findings: by virus_name_to_spam_score_maps a sign of spam only */
	bool is_bulk;			/* Precedence, List-Id or Auto-Submitted say that nobody waits for an answer */
	bool fake_sender;		/* viruses_that_fake_sender_maps: the envelope's sender is not to be told */
	unsigned report_count;
	struct scan_report *reports;
	unsigned score_count;
	struct score_line *scores;
	bool virus_checked;		/* at least one scanner completed */
	unsigned recipient_count;
	struct recipient *recipients;
	struct categories categories;	/* of the mail as a whole */
	unsigned quarantine_count;
	unsigned archive_count;		/* of them, those of archive_quarantine_method */
	struct quarantine_copy *quarantines;
	const char *reply;		/* the one reply for all (reference 1.6) */
};

void mail_add_finding(struct mail *m, const char *scanner, const char *version, const char *name, uint32_t part);
void mail_add_report(struct mail *m, const struct scan_report *report);
void mail_add_score(struct mail *m, const char *origin, const char *test, double points, int recipient);
/* A fresh pair: secret_id = base64url(secret), mail_id = base64url(MD5(secret)) cut to bits/6 characters, first and last
 * alphanumeric. bits: mail_id_size_bits, a multiple of 24 up to 96. */
void mail_id_make(char mail_id[20], char secret_id[28], unsigned bits);

#endif
