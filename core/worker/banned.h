/* banned.h - which parts of a mail the rules of a recipient forbid, by name and type.
 *
 * Pure: parts and rules in, hits out; what becomes of the mail is judge.c's.
 * Rules are lookup tables over the strings of a node of the part tree:
 * declared MIME types and names as they are, detected types as ".exe",
 * attributes as words (UNDECIPHERABLE, ENCRYPTED, AMBIGUOUS, MACRO, AUTOEXEC). */
#ifndef POSTERN_WORKER_BANNED_H
#define POSTERN_WORKER_BANNED_H

#include "base/error.h"
#include "base/value.h"
#include "mail/mail.h"

#define BANNED_HITS_MAX 50	/* told of one mail; one is enough to ban it */

struct banned_rules {
	const struct value *named;		/* banned_rules: VALUE_HASH of name to table */
	const struct value *namepath;		/* banned_namepath_re: a table, or NULL */
	bool by_path;				/* banned_semantics: a part's whole path makes one list of strings */
};

struct banned_hit {
	uint32_t part;				/* number */
	const char *summary;			/* macro %F: "comment:application/x-msdownload,.exe,.exe-ms,a.exe" */
	const char *path;			/* the nodes from the mail down to it: "multipart/mixed | .exe,a.exe" */
	const char *path_attributes;		/* the same as "P=p003,L=1/2,M=text/plain,T=exe,N=a.exe" */
	const char *rule;			/* the pattern or key that matched */
	const char *comment;			/* of the rule: (?# text ); NULL */
	const char *rhs;			/* the rule's result as text */
};

struct banned_result {
	unsigned count;
	struct banned_hit *hits;		/* talloc */
	bool discard;				/* a result that begins with DISCARD: its sender is not to be told */
	unsigned unknown_count;			/* names of rule sets that banned_rules does not have */
	const char **unknown;
	bool incomplete;			/* a rule could not be tried: only what was found so far is known */
};

/* `sets`: all results of banned_filename_maps for the recipient, a VALUE_LIST whose items are names ("A,B C"), tables or lists of tables; NULL: no rules.
 * -1: a rule could not be tried (its match limit, an administrator's function, the deadline): no hits say nothing then (out->incomplete). */
int banned_find(const struct mail *m, const struct banned_rules *rules, const struct value *sets, void *owner, struct banned_result *out,
	struct error *e);

#endif
