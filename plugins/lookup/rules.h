/* rules.h - rules of regular expressions in text files, as Postfix' pcre_table(5) and regexp_table(5) have them. */
#ifndef POSTERN_LOOKUP_RULES_H
#define POSTERN_LOOKUP_RULES_H

#include <postern/plugin.h>

struct rules_options { const char *file; };

/* What is on without a flag behind the expression; each flag turns its own over. */
struct rules_flag {
	char written;		/* behind the expression */
	char letter;		/* as postern_table_line.letters has it; '\0': taken and without meaning */
	bool is_on;
};
struct rules_dialect {
	const struct rules_flag *flags;		/* ends with written '\0' */
	const char *refused;			/* flags that are an error */
	const char *why_refused;
};

/* load() of a plugin whose options are struct rules_options. */
enum postern_result rules_load(struct postern_instance *i, const struct rules_dialect *dialect, struct postern_error *e);
extern const struct postern_option rules_option_table[];

#endif
