/* rules.c - read "/expression/flags result" with "!", "if" and "endif" from a text file; the host compiles and asks. */
#include "rules.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "field.h"

#define LETTERS_MAX 16

const struct postern_option rules_option_table[] = {
	{ .name = "file", .type = POSTERN_FILE, .offset = offsetof(struct rules_options, file), .flags = POSTERN_REQUIRED | POSTERN_POSITIONAL,
	  .doc = "The rules: /regular expression/flags, blanks, a result in each line." },
	{ .name = NULL }
};

/* load() runs on one thread of a template. */
static const struct rules_dialect *dialect_in_hand;

struct rule { bool negated; char *expression; char letters[LETTERS_MAX]; char *rest; };

static bool toggle(const struct rules_dialect *d, bool *on, char written)
{
	for (size_t k = 0; d->flags[k].written; k++) {
		if (d->flags[k].written == written) {
			on[k] = !on[k];
			return true;
		}
	}
	return false;
}

/* The flags from text on; NULL: all are known, else why not. */
static const char *parse_flags(const struct rules_dialect *d, struct rule *r, char *text)
{
	static char why[100];
	bool on[LETTERS_MAX];
	size_t n = 0;
	for (size_t k = 0; d->flags[k].written; k++)
		on[k] = d->flags[k].is_on;
	for (; *text && !isspace((unsigned char)*text); text++) {
		if (strchr(d->refused, *text))
			return d->why_refused;
		if (!toggle(d, on, *text)) {
			snprintf(why, sizeof why, "unknown flag \"%c\" of a regular expression", isprint((unsigned char)*text) ? *text : '?');
			return why;
		}
	}
	for (size_t k = 0; d->flags[k].written; k++)
		if (on[k] && d->flags[k].letter)
			r->letters[n++] = d->flags[k].letter;
	r->letters[n] = '\0';
	while (isspace((unsigned char)*text))
		text++;
	r->rest = text;
	return NULL;
}

/* "!/expression/flags rest"; NULL: good, else why not. */
static const char *parse_rule(const struct rules_dialect *d, char *text, struct rule *r)
{
	r->negated = field_is_negated(&text);
	char delimiter = *text;
	if (!delimiter || isalnum((unsigned char)delimiter) || delimiter == '\\')
		return "expected a regular expression between delimiters, /.../";
	r->expression = ++text;
	while (*text && *text != delimiter)
		text += *text == '\\' && text[1] ? 2 : 1;
	if (!*text)
		return "a regular expression without its closing delimiter";
	*text = '\0';
	return parse_flags(d, r, text + 1);
}

/* A rule that is true when nothing matched has no captures to put in. */
static bool wants_captures(const char *value)
{
	for (; (value = strchr(value, '$')); value += value[1] == '$' ? 2 : 1)
		if (isdigit((unsigned char)value[1]) || value[1] == '{' || value[1] == '(')
			return true;
	return false;
}

static void take_if(struct postern_instance *i, char *text, unsigned line)
{
	struct postern_table_line l = { .line = line, .flags = POSTERN_LINE_IF };
	struct rule r = { .negated = false };
	const char *why = parse_rule(dialect_in_hand, text, &r);
	if (!why && *r.rest)
		why = "something behind the regular expression of \"if\"";
	if (why) {
		postern_table_leave_out(i, line, "%s; what is between it and its \"endif\" is left out too", why);
	} else {
		l.key = r.expression;
		l.letters = r.letters;
		l.flags |= r.negated ? POSTERN_LINE_NOT : 0;
	}
	postern_table_add(i, &l);
}

static void take_rule(struct postern_instance *i, char *text, unsigned line)
{
	struct rule r = { .negated = false };
	const char *why = parse_rule(dialect_in_hand, text, &r);
	if (!why && r.negated && wants_captures(r.rest))
		why = "a rule with \"!\" has no captures for its result";
	if (why)
		postern_table_leave_out(i, line, "%s", why);
	else
		postern_table_add(i, &(struct postern_table_line){ .line = line, .flags = r.negated ? POSTERN_LINE_NOT : 0,
			.key = r.expression, .letters = r.letters, .value = field_or_one(r.rest) });
}

static void take_line(struct postern_instance *i, char *text, unsigned line)
{
	char *condition = field_after_word(text, "if");
	const char *behind_endif = condition ? NULL : field_after_word(text, "endif");
	if (condition)
		take_if(i, condition, line);
	else if (behind_endif)
		postern_table_add(i, &(struct postern_table_line){ .line = line, .flags = POSTERN_LINE_ENDIF });
	else
		take_rule(i, text, line);
}

enum postern_result rules_load(struct postern_instance *i, const struct rules_dialect *dialect, struct postern_error *e)
{
	const struct rules_options *o = postern_options(i);
	dialect_in_hand = dialect;
	return postern_read_lines(i, o->file, take_line, e);
}
