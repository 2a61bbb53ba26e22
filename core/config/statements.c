/* statements.c - see statements.h.  Counts brackets outside strings and comments; no more of Lua's grammar is needed. */
#include "config.h"

#include "config/statements.h"

#include <glib.h>
#include <string.h>

struct scan {
	const char *at, *end;
	int depth, start;	/* bracket depth; first line of the statement at hand */
	GArray *lines;
};

static void next_line(struct scan *s)
{
	if (s->depth <= 0)
		s->start = (int)s->lines->len + 1;
	g_array_append_val(s->lines, s->start);
}

/* Length of an opening long bracket "[==[" at p, 0 when there is none; *level gets the number of signs. */
static size_t long_bracket(const char *p, const char *end, size_t *level)
{
	const char *q = p + 1;

	if (p >= end || *p != '[')
		return 0;
	while (q < end && *q == '=')
		q++;
	if (q >= end || *q != '[')
		return 0;
	*level = (size_t)(q - p - 1);
	return *level + 2;
}

static void skip_long(struct scan *s, size_t open, size_t level, bool inside)
{
	int depth = s->depth;

	if (inside)
		s->depth = depth > 0 ? depth : 1;	/* a long string continues its statement */
	for (s->at += open; s->at < s->end; s->at++) {
		if (*s->at == '\n')
			next_line(s);
		if (*s->at != ']' || (size_t)(s->end - s->at) < level + 2 || s->at[level + 1] != ']')
			continue;
		if (strspn(s->at + 1, "=") >= level) {
			s->at += level + 2;
			break;
		}
	}
	s->depth = depth;
}

static void skip_quoted(struct scan *s, char quote)
{
	for (s->at++; s->at < s->end && *s->at != quote && *s->at != '\n'; s->at++)
		if (*s->at == '\\' && s->at + 1 < s->end && s->at[1] != '\n')
			s->at++;
	if (s->at < s->end && *s->at == quote)
		s->at++;
}

static void skip_comment(struct scan *s)
{
	size_t level = 0, open;

	s->at += 2;
	open = long_bracket(s->at, s->end, &level);
	if (open) {
		skip_long(s, open, level, false);
		return;
	}
	while (s->at < s->end && *s->at != '\n')
		s->at++;
}

static void step(struct scan *s)
{
	size_t level = 0, open = long_bracket(s->at, s->end, &level);
	char c = *s->at;

	if (open) {
		skip_long(s, open, level, true);
		return;
	}
	if (c == '"' || c == '\'') {
		skip_quoted(s, c);
		return;
	}
	if (c == '-' && s->at + 1 < s->end && s->at[1] == '-') {
		skip_comment(s);
		return;
	}
	if (c == '(' || c == '{' || c == '[')
		s->depth++;
	if ((c == ')' || c == '}' || c == ']') && s->depth > 0)
		s->depth--;
	s->at++;
	if (c == '\n')
		next_line(s);
}

int *statements_map(const char *source, size_t size, int *line_count)
{
	struct scan s = { .at = source, .end = source + size, .lines = g_array_new(FALSE, FALSE, sizeof(int)) };

	next_line(&s);
	while (s.at < s.end)
		step(&s);
	*line_count = (int)s.lines->len;
	return (int *)(void *)g_array_free(s.lines, FALSE);
}
