/* rcpt_policy.h - everything that the site says about one recipient: filled by the settle stage, read by all later ones.
 *
 * Two tables: lookup lists (rcpt_settings.def), and settings by content category
 * (rcpt_cells.def).  A new stage finds its settings here and looks nothing up. */
#ifndef POSTERN_WORKER_RCPT_POLICY_H
#define POSTERN_WORKER_RCPT_POLICY_H

#include "config/config.h"
#include "mail/mail.h"

enum rcpt_setting {
#define RCPT(setting, key, how) RCPT_##setting,
#include "worker/rcpt_settings.def"
#undef RCPT
	RCPT_COUNT
};
enum rcpt_key { RCPT_KEY_RECIPIENT, RCPT_KEY_SENDER };
enum rcpt_how { RCPT_HOW_FIRST, RCPT_HOW_ALL };
struct rcpt_definition { enum setting_id setting; enum rcpt_key key; enum rcpt_how how; };
extern const struct rcpt_definition rcpt_definitions[RCPT_COUNT];

enum policy_cell {
#define CELL(name, setting, kind) CELL_##name,
#include "worker/rcpt_cells.def"
#undef CELL
	CELL_COUNT
};
enum cell_kind { CELL_KIND_PLAIN, CELL_KIND_MAPS };
struct cell_definition { enum setting_id setting; enum cell_kind kind; };
extern const struct cell_definition cell_definitions[CELL_COUNT];

#define CATEGORY_KEYS 28
/* Index of the key "major,minor" (minor 0: "major"); -1: no such category. */
int rcpt_policy_key(unsigned major, unsigned minor);

/* Recipients with equal policies share one; talloc'd with the mail.  The named members are the ones that many stages want. */
struct rcpt_policy {
	bool is_local;
	bool bypass_virus, bypass_banned, bypass_header, bypass_spam;
	int64_t message_size_limit;		/* bytes; 0: none */
	const struct value *values[RCPT_COUNT];	/* NULL: nobody says it; a list for those with all results, NULL when empty */
	const struct value *cells[CELL_COUNT][CATEGORY_KEYS];	/* NULL: the table has no such key */
};

static inline const struct value *rcpt_policy_value(const struct rcpt_policy *p, enum rcpt_setting s) { return p->values[s]; }
bool rcpt_policy_true(const struct rcpt_policy *p, enum rcpt_setting s);
const char *rcpt_policy_text(const struct rcpt_policy *p, enum rcpt_setting s, void *owner);	/* NULL: not said, or no scalar */
bool rcpt_policy_number(const struct rcpt_policy *p, enum rcpt_setting s, double *number);	/* false: not said: undef levels are never reached */

/* The value for a list of categories, amavisd-new's walk: "major,minor", "major" of each from the top, then CC_CATCHALL. NULL: none. */
const struct value *rcpt_policy_cell(const struct rcpt_policy *p, enum policy_cell cell, const struct categories *c);
/* As above, from the category `from` downwards (the blocking one). */
const struct value *rcpt_policy_cell_from(const struct rcpt_policy *p, enum policy_cell cell, const struct categories *c, struct category from);
/* The same as text: the first of a list; NULL: none, undef or "". */
const char *rcpt_policy_cell_text(const struct rcpt_policy *p, enum policy_cell cell, const struct categories *c, struct category from, void *owner);

#endif
