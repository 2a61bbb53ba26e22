/* address_list.c - the addresses in a From field or its like (RFC 5322 3.4), lenient: what readers would take for addresses. */
#include "config.h"
#include "mail/address.h"

#include <glib.h>
#include <string.h>
#include <talloc.h>

struct list {
	char **items;
	unsigned count, max;
	GString *bare, *angle;	/* of the entry at hand: what stands outside < >, what stands within */
	bool has_angle;
};

/* Behind the quoted string that begins at p; copied with its quotes. */
static const char *take_quoted(const char *p, GString *to)
{
	g_string_append_c(to, *p++);
	while (*p && *p != '"') {
		if (*p == '\\' && p[1])
			g_string_append_c(to, *p++);
		g_string_append_c(to, *p++);
	}
	if (*p)
		g_string_append_c(to, *p++);
	else
		g_string_append_c(to, '"');
	return p;
}

static const char *skip_comment(const char *p)
{
	unsigned depth = 0;
	for (; *p; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && --depth == 0)
			return p + 1;
	}
	return p;
}

static const char *take_angle(struct list *l, const char *p)
{
	g_string_truncate(l->angle, 0);
	l->has_angle = true;
	for (p++; *p && *p != '>'; ) {
		if (*p == '"')
			p = take_quoted(p, l->angle);
		else if (*p == '(')
			p = skip_comment(p);
		else if (g_ascii_isspace(*p))
			p++;
		else
			g_string_append_c(l->angle, *p++);
	}
	return *p ? p + 1 : p;
}

/* "Joe joe@x" without < >: the last word that has an @. A quoted local part may hold blanks. */
static const char *last_word(const char *text)
{
	const char *word = text;
	bool quoted = false;
	for (const char *p = text; *p; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (*p == ' ' && !quoted && strchr(p, '@'))
			word = p + 1;
	}
	return word;
}

static void end_entry(struct list *l)
{
	const char *text = l->has_angle ? l->angle->str : last_word(g_strstrip(l->bare->str));
	const char *route = *text == '@' ? strrchr(text, ':') : NULL;
	text = route ? route + 1 : text;
	if (strchr(text, '@') && l->count < l->max)
		l->items[l->count++] = address_unquote(l->items, text);
	g_string_truncate(l->bare, 0);
	g_string_truncate(l->angle, 0);
	l->has_angle = false;
}

static const char *take_one(struct list *l, const char *p)
{
	switch (*p) {
	case '"':
		return take_quoted(p, l->bare);
	case '(':
		return skip_comment(p);
	case '<':
		return take_angle(l, p);
	case ':':	/* what came so far is a group's name */
		g_string_truncate(l->bare, 0);
		return p + 1;
	case ',':
	case ';':
		end_entry(l);
		return p + 1;
	default:
		g_string_append_c(l->bare, g_ascii_isspace(*p) ? ' ' : *p);
		return p + 1;
	}
}

char **address_list_parse(void *owner, const char *text, unsigned max)
{
	struct list l = { .max = max, .bare = g_string_new(NULL), .angle = g_string_new(NULL) };
	l.items = talloc_zero_array(owner, char *, max + 1);
	while (*text && l.count < max)
		text = take_one(&l, text);
	end_entry(&l);
	g_string_free(l.bare, TRUE);
	g_string_free(l.angle, TRUE);
	return l.items;
}
