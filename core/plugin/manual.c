/* manual.c - the option list of a plugin's man page, from the same table that reads the options. */
#include "config.h"

#include <string.h>

#include "plugin/options.h"

/* A regular expression's backslash is none of troff's. */
static void print_text(FILE *to, const char *text)
{
	for (const char *at = text; *at; at++)
		fputs(*at == '\\' ? "\\e" : (char[]){ *at, '\0' }, to);
}

static void print_one(FILE *to, const struct postern_option *o)
{
	fprintf(to, ".It Ic %s%s\n", o->name, o->flags & POSTERN_POSITIONAL ? " Pq also without its name" : "");
	print_text(to, o->doc ? o->doc : "");
	fputc('\n', to);
	if (o->type == POSTERN_ENUM)
		fprintf(to, "One of %s", o->choices);
	else
		fprintf(to, "Value: %s", option_expected(o->type));
	if (o->flags & POSTERN_REQUIRED) {
		fprintf(to, "; required");
	} else if (o->value) {
		fputs("; default ", to);
		print_text(to, o->value);
	}
	fprintf(to, "%s.\n", o->flags & POSTERN_SECRET ? "; never shown" : "");
}

void plugin_print_options(FILE *to, const struct postern_plugin *p)
{
	fprintf(to, ".Bl -tag -width Ds\n");
	for (const struct postern_option *o = p->options; o && o->name; o++)
		print_one(to, o);
	for (const struct postern_option *o = common_option_table; o->name; o++)
		if (option_applies(p, o))
			print_one(to, o);
	fprintf(to, ".El\n");
}
