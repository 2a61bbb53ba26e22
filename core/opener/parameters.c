/* parameters.c - see parameters.h. It gives readings and judges none. */
#include "config.h"

#include "opener/parameters.h"

#include <glib.h>
#include <string.h>

#define PIECES_MAX 100		/* of one parameter: "name*0=", "name*1=" ... */
#define OCCURRENCES_MAX 200	/* of one parameter in one field; whoever repeats it more often is not read to the end */
#define NO_SECTION (-1)

/* --- the text that is searched --- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

/* Line ends go, and with `whole` the blanks behind them too. */
static char *unfolded(const char *raw, bool whole)
{
	GString *s = g_string_new(NULL);
	for (const char *p = raw; *p && p - raw < PARAMETER_VALUE_MAX_BYTES; p++) {
		if (*p != '\r' && *p != '\n') {
			g_string_append_c(s, *p);
			continue;
		}
		while (whole && is_blank(p[1]))
			p++;
	}
	return g_string_free(s, FALSE);
}

static bool folds_within_quotes(const char *raw)
{
	bool quoted = false;
	for (const char *p = raw; *p; p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (*p == '\n' && quoted)
			return true;
	}
	return false;
}

char *parameters_strip_comments(const char *text)
{
	GString *s = g_string_new(NULL);
	unsigned depth = 0;
	bool quoted = false;
	for (const char *p = text; *p; p++) {
		if (*p == '\\' && p[1]) {
			if (depth == 0)
				g_string_append_len(s, p, 2);
			p++;
			continue;
		}
		if (*p == '"' && depth == 0)
			quoted = !quoted;
		if (*p == '(' && !quoted)
			depth++;
		else if (*p == ')' && depth > 0)
			depth--;
		else if (depth == 0)
			g_string_append_c(s, *p);
	}
	return g_string_free(s, FALSE);
}

/* --- one occurrence: attribute [ "*" section ] [ "*" ] "=" value --- */

struct piece {
	int section;			/* NO_SECTION: the parameter as a whole */
	bool extended;			/* with charset and percent escapes (RFC 2231) */
	char *value;
};

struct search {
	const char *attribute;
	parameter_fn add;
	void *context;
	GArray *pieces;
	char *plain;			/* the first that was given as a whole and without charset */
	unsigned flags;
};

static const char *skip_blanks(const char *p)
{
	while (is_blank(*p))
		p++;
	return p;
}

/* What stands behind the attribute up to the value: NULL where this is no parameter. */
static const char *read_section(const char *p, struct piece *out)
{
	*out = (struct piece){ .section = NO_SECTION };
	p = skip_blanks(*p == '"' ? p + 1 : p);
	if (*p == '*' && g_ascii_isdigit(p[1])) {
		char *end;
		guint64 section = g_ascii_strtoull(p + 1, &end, 10);
		out->section = section < 100000 ? (int)section : 100000;
		p = end;
	}
	if (*p == '*') {
		out->extended = true;
		p++;
	}
	p = skip_blanks(p);
	return *p == '=' ? skip_blanks(p + 1) : NULL;
}

/* Up to the closing quote; escapes undone where asked for. */
static const char *read_quoted(const char *p, bool escapes, GString *value)
{
	for (; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1] && escapes)
			p++;
		g_string_append_c(value, *p);
	}
	return *p ? p + 1 : p;
}

static void trim_end(GString *s)
{
	while (s->len > 0 && is_blank(s->str[s->len - 1]))
		g_string_truncate(s, s->len - 1);
}

static void give(const struct search *s, const char *value)
{
	s->add(s->context, value);
}

/* Behind the closing quote something may follow before the next parameter: "evil".exe */
static void give_quoted(const struct search *s, const char *p, GString *first)
{
	GString *v = g_string_new(NULL);
	const char *end = read_quoted(p, true, first);
	give(s, first->str);
	if (strchr(first->str, '"') || memchr(p, '\\', (size_t)(end - p))) {
		read_quoted(p, false, v);
		give(s, v->str);
	}
	const char *more = end;
	g_string_assign(v, first->str);
	for (; *more && *more != ';'; more++)
		if (*more != '"')
			g_string_append_c(v, *more);
	trim_end(v);
	give(s, v->str);
	if (end[-1] != '"' || end == p) {	/* no closing quote: some end it at the next parameter */
		g_string_truncate(v, 0);
		for (more = p; *more && *more != ';'; more++)
			g_string_append_c(v, *more);
		give(s, v->str);
	}
	g_string_free(v, TRUE);
}

static void give_token(const struct search *s, const char *p, GString *first)
{
	size_t n = strcspn(p, ";"), token = strcspn(p, "; \t,\"<>()");
	g_string_append_len(first, p, (gssize)n);
	trim_end(first);
	give(s, first->str);
	if (token > 0 && token < first->len) {
		char *short_one = g_strndup(p, token);
		give(s, short_one);
		g_free(short_one);
	}
	if (strchr(first->str, '"')) {
		char **parts = g_strsplit(first->str, "\"", -1);
		char *bare = g_strjoinv(NULL, parts);
		give(s, bare);
		g_free(bare);
		g_strfreev(parts);
	}
	if (first->len > 2 && first->str[0] == '\'' && first->str[first->len - 1] == '\'') {
		char *bare = g_strndup(first->str + 1, first->len - 2);
		give(s, bare);
		g_free(bare);
	}
}

static void ignore(void *context, const char *value)
{
}

/* Keeps or frees the value. */
static void note_plain(struct search *s, char *value)
{
	if (!s->plain) {
		s->plain = value;
		return;
	}
	if (strcmp(s->plain, value) != 0)
		s->flags |= PARAMETERS_CONFLICT;
	g_free(value);
}

static void read_occurrence(struct search *s, const char *behind)
{
	struct piece piece;
	const char *p = read_section(behind, &piece);
	if (!p)
		return;
	GString *first = g_string_new(NULL);
	bool first_or_whole = piece.section <= 0;	/* some take the first piece for all of it */
	struct search quiet = { .add = ignore };
	if (*p == '"')
		give_quoted(first_or_whole ? s : &quiet, p + 1, first);
	else
		give_token(first_or_whole ? s : &quiet, p, first);
	piece.value = g_string_free(first, FALSE);
	if (piece.section == NO_SECTION && !piece.extended) {
		note_plain(s, piece.value);
	} else if (s->pieces->len < PIECES_MAX) {
		g_array_append_val(s->pieces, piece);
	} else {
		s->flags |= PARAMETERS_CUT;
		g_free(piece.value);
	}
}

/* --- pieces put together --- */

/* Undo %XX byte by byte. A NUL ends the text for some readers, others leave it out: where the first is is told, or -1. */
static gssize append_percent_decoded(GString *s, const char *text)
{
	gssize nul_at = -1;
	for (const char *p = text; *p; p++) {
		int high = *p == '%' ? g_ascii_xdigit_value(p[1]) : -1;
		int low = high >= 0 ? g_ascii_xdigit_value(p[2]) : -1;
		if (low < 0)
			g_string_append_c(s, *p);
		else if (high << 4 | low)
			g_string_append_c(s, (char)(high << 4 | low));
		else if (nul_at < 0)
			nul_at = (gssize)s->len;
		if (low >= 0)
			p += 2;
	}
	return nul_at;
}

/* charset'language'text -> text */
static const char *behind_charset(const char *text)
{
	const char *first = strchr(text, '\''), *second = first ? strchr(first + 1, '\'') : NULL;
	return second ? second + 1 : text;
}

enum decoding_of_pieces { AS_MARKED, RAW, ALL };

static void give_joined(const struct search *s, const GArray *order, guint count, enum decoding_of_pieces how)
{
	GString *v = g_string_new(NULL);
	gssize nul_at = -1;
	for (guint i = 0; i < count; i++) {
		const struct piece *p = &g_array_index(order, struct piece, i);
		bool decode = how == ALL || (how == AS_MARKED && p->extended);
		const char *text = i == 0 && decode ? behind_charset(p->value) : p->value;
		gssize at = decode ? append_percent_decoded(v, text) : -1;
		if (!decode)
			g_string_append(v, text);
		nul_at = nul_at < 0 ? at : nul_at;
	}
	give(s, v->str);
	if (nul_at >= 0)
		give(s, g_string_truncate(v, (gsize)nul_at)->str);
	g_string_free(v, TRUE);
}

static void give_all_joined(const struct search *s, const GArray *order)
{
	guint gap = 0;
	while (gap < order->len && g_array_index(order, struct piece, gap).section == (int)gap)
		gap++;
	for (enum decoding_of_pieces how = AS_MARKED; how <= ALL; how++) {
		give_joined(s, order, order->len, how);
		if (gap > 0 && gap < order->len)
			give_joined(s, order, gap, how);
	}
}

static int by_section(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;
	return x->section < y->section ? -1 : x->section > y->section;
}

/* Of pieces with the same number the first, or the last. */
static GArray *sorted(const GArray *pieces, bool last)
{
	GArray *order = g_array_new(FALSE, FALSE, sizeof(struct piece));
	for (guint i = 0; i < pieces->len; i++) {
		const struct piece *p = &g_array_index(pieces, struct piece, i);
		guint k = 0;
		while (k < order->len && g_array_index(order, struct piece, k).section != p->section)
			k++;
		if (k == order->len)
			g_array_append_val(order, *p);
		else if (last)
			g_array_index(order, struct piece, k) = *p;
	}
	g_array_sort(order, by_section);
	return order;
}

static void give_pieces(const struct search *s)
{
	GArray *sections = g_array_new(FALSE, FALSE, sizeof(struct piece));
	for (guint i = 0; i < s->pieces->len; i++) {
		const struct piece *p = &g_array_index(s->pieces, struct piece, i);
		GArray one = { .data = (gchar *)&g_array_index(s->pieces, struct piece, i), .len = 1 };
		if (p->section == NO_SECTION)
			give_all_joined(s, &one);
		else
			g_array_append_val(sections, *p);
	}
	if (sections->len > 0) {
		GArray *first = sorted(sections, false), *last = sorted(sections, true);
		give_all_joined(s, sections);
		give_all_joined(s, first);
		give_all_joined(s, last);
		g_array_free(first, TRUE);
		g_array_free(last, TRUE);
	}
	g_array_free(sections, TRUE);
}

/* --- the search --- */

static const char *find_attribute(const char *from, const char *text, const char *attribute)
{
	size_t n = strlen(attribute);
	for (const char *p = from; *p; p++) {
		if (g_ascii_strncasecmp(p, attribute, n) != 0)
			continue;
		if (p == text || !(g_ascii_isalnum(p[-1]) || p[-1] == '-' || p[-1] == '_'))
			return p;
	}
	return NULL;
}

static void search_text(const char *text, struct search *s)
{
	unsigned count = 0;
	const char *p = text;
	for (; (p = find_attribute(p, text, s->attribute)) && count < OCCURRENCES_MAX; p++, count++)
		read_occurrence(s, p + strlen(s->attribute));
	if (count == OCCURRENCES_MAX)
		s->flags |= PARAMETERS_CUT;
	give_pieces(s);
	for (guint i = 0; i < s->pieces->len; i++)
		g_free(g_array_index(s->pieces, struct piece, i).value);
	g_array_set_size(s->pieces, 0);
	g_free(s->plain);
	s->plain = NULL;
}

bool parameters_mention(const char *raw, const char *attribute)
{
	return find_attribute(raw, raw, attribute) != NULL;
}

unsigned parameters_read(const char *raw, const char *attribute, parameter_fn add, void *context)
{
	struct search s = { .attribute = attribute, .add = add, .context = context };
	s.pieces = g_array_new(FALSE, FALSE, sizeof(struct piece));
	if (strnlen(raw, PARAMETER_VALUE_MAX_BYTES) == PARAMETER_VALUE_MAX_BYTES)
		s.flags |= PARAMETERS_CUT;
	char *text = unfolded(raw, false);
	search_text(text, &s);
	if (strchr(text, '(')) {
		char *bare = parameters_strip_comments(text);
		if (strcmp(bare, text) != 0)
			search_text(bare, &s);
		g_free(bare);
	}
	g_free(text);
	if (folds_within_quotes(raw)) {
		text = unfolded(raw, true);
		search_text(text, &s);
		g_free(text);
	}
	g_array_free(s.pieces, TRUE);
	return s.flags;
}
