/* lenient_fields.c - one header of a mail or a part as sloppy readers may take it: see lenient.h. */
#include "config.h"

#include "opener/lenient.h"

#include <string.h>

#include "opener/parameters.h"

#define NAME_WITHIN_BYTES 200		/* a field's name, oddities included */
#define BOUNDARY_MAX_BYTES 70		/* RFC 2046 section 5.1.1; some readers cut there */
#define BOUNDARIES_MAX 24
#define VALUES_MAX 16			/* of one field; some more are only noise */

struct line {
	size_t at, end, next;		/* end: without its line end */
};

static struct line line_at(struct slice s, size_t from)
{
	struct line l = { .at = from };
	const uint8_t *end = memchr(s.data + from, '\n', s.n - from);
	l.end = end ? (size_t)(end - s.data) : s.n;
	l.next = end ? l.end + 1 : s.n;
	if (l.end > from && s.data[l.end - 1] == '\r')
		l.end--;
	return l;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Nothing that shows. */
static bool seems_empty(struct slice s, size_t from, size_t to)
{
	while (from < to && (s.data[from] <= ' ' || s.data[from] == 0x7f))
		from++;
	return from == to;
}

/* --- where it ends --- */

/* RFC 5322: printable characters, then ':', blanks in between at most. */
static bool is_field(struct slice s, struct line l)
{
	size_t i = l.at;
	while (i < l.end && s.data[i] > ' ' && s.data[i] < 0x7f && s.data[i] != ':')
		i++;
	size_t name = i;
	while (i < l.end && is_blank(s.data[i]))
		i++;
	return name > l.at && i < l.end && s.data[i] == ':';
}

static bool is_mbox_line(struct slice s, struct line l)
{
	const char *at = (const char *)s.data + l.at;
	return l.end - l.at > 6 && (strncmp(at, "From ", 5) == 0 || strncmp(at, ">From ", 6) == 0);
}

/* Two line ends in a row for who takes a lone CR for one: the offset behind them; 0: none. */
static size_t empty_line_by_cr(struct slice s, struct line l)
{
	for (const uint8_t *p = s.data + l.at, *end = s.data + l.end; (p = memchr(p, '\r', (size_t)(end - p))); p++)
		if (p + 1 < end && p[1] == '\r')
			return (size_t)(p - s.data) + 2;
	return 0;
}

struct ends {
	struct lenient_header *out;
	unsigned count;
};

static void add_end(struct ends *e, size_t end, size_t body)
{
	for (unsigned i = 0; i < e->count; i++)
		if (e->out[i].body == body)
			return;
	if (e->count < LENIENT_HEADERS)
		e->out[e->count++] = (struct lenient_header){ .end = end, .body = body };
}

unsigned lenient_header_ends(struct slice entity, struct lenient_header out[LENIENT_HEADERS], size_t *lines)
{
	struct ends e = { .out = out, .count = 1 };
	struct line l = { 0 };
	bool blank_seen = false, odd_seen = false;
	*lines = 0;
	out[0] = (struct lenient_header){ .end = entity.n, .body = SIZE_MAX };	/* which no other equals */
	for (size_t at = 0; at < entity.n; at = l.next, ++*lines) {
		l = line_at(entity, at);
		if (l.end == l.at) {
			out[0] = (struct lenient_header){ .end = l.at, .body = l.next };
			return e.count;
		}
		size_t by_cr = empty_line_by_cr(entity, l);
		bool empty = seems_empty(entity, l.at, l.end);
		if (!blank_seen && (empty || by_cr)) {
			blank_seen = true;
			add_end(&e, empty ? l.at : by_cr, empty ? l.next : by_cr);
		} else if (!odd_seen && !is_blank(entity.data[l.at]) && !is_field(entity, l) && !(at == 0 && is_mbox_line(entity, l))) {
			odd_seen = true;
			add_end(&e, l.at, l.at);
		}
	}
	out[0] = (struct lenient_header){ .end = entity.n, .body = entity.n };
	return e.count;
}

/* --- its fields --- */

static void add_value(GPtrArray **values, char *value)
{
	if (!*values)
		*values = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < (*values)->len; i++)
		if (strcmp(g_ptr_array_index(*values, i), value) == 0) {
			g_free(value);
			return;
		}
	g_ptr_array_add(*values, value);
}

/* A NUL ends the value for some, and is nothing to others. */
static void take_value(GPtrArray **values, struct slice s, size_t from, size_t to)
{
	if (*values && (*values)->len >= VALUES_MAX)
		return;
	while (from < to && is_blank(s.data[from]))
		from++;
	to = MIN(to, from + PARAMETER_VALUE_MAX_BYTES);
	char *text = g_malloc(to - from + 1);
	size_t n = 0;
	for (size_t i = from; i < to; i++)
		if (s.data[i] != '\0')
			text[n++] = (char)s.data[i];
	text[n] = '\0';
	if (n < to - from)
		add_value(values, g_strndup((const char *)s.data + from, to - from));
	add_value(values, text);
}

/* The letters and digits of a name, comments left out. */
static void read_name(struct slice s, size_t from, size_t colon, char name[64])
{
	size_t n = 0, depth = 0;
	for (size_t i = from; i < colon && n < 63; i++) {
		depth += s.data[i] == '(';
		if (depth == 0 && g_ascii_isalnum(s.data[i]))
			name[n++] = g_ascii_tolower((char)s.data[i]);
		depth -= s.data[i] == ')' && depth > 0;
	}
	name[n] = '\0';
}

static GPtrArray **values_of(struct lenient_fields *f, const char *name)
{
	if (strcmp(name, "contenttype") == 0)
		return &f->types;
	if (strcmp(name, "contenttransferencoding") == 0)
		return &f->encodings;
	return strcmp(name, "contentdisposition") == 0 ? &f->dispositions : NULL;
}

/* A field that begins at `from` and, with its continuations, ends at `to`. */
static void take_field(struct slice s, size_t from, size_t to, struct lenient_fields *out)
{
	char name[64];
	while (from < to && (s.data[from] <= ' ' || s.data[from] >= 0x7f))
		from++;
	if (from == to || (s.data[from] | 0x20) != 'c')
		return;
	size_t look = to - from < NAME_WITHIN_BYTES ? to - from : NAME_WITHIN_BYTES;
	const uint8_t *colon = memchr(s.data + from, ':', look);
	if (!colon)
		return;
	read_name(s, from, (size_t)(colon - s.data), name);
	GPtrArray **values = values_of(out, name);
	out->too_long |= values && to - from > LENIENT_FIELD_BYTES_MAX;
	if (values)
		take_value(values, s, (size_t)(colon - s.data) + 1, to);
}

/* What stands behind a lone CR is a field to some. */
static void take_fields_by_cr(struct slice s, size_t from, size_t to, struct lenient_fields *out)
{
	bool behind = false;
	for (const uint8_t *p = s.data + from; (p = memchr(p, '\r', to - (size_t)(p - s.data))); p++) {
		size_t at = (size_t)(p - s.data) + 1;
		if (at < to && s.data[at] != '\n') {
			const uint8_t *next = memchr(s.data + at, '\r', to - at);
			if (!behind)
				take_field(s, from, at - 1, out);
			behind = true;
			take_field(s, at, next ? (size_t)(next - s.data) : to, out);
		}
	}
}

void lenient_fields_read(struct slice header, struct lenient_fields *out)
{
	*out = (struct lenient_fields){ 0 };
	for (size_t at = 0; at < header.n;) {
		struct line first = line_at(header, at), l = first;
		while (l.next < header.n && is_blank(header.data[l.next])) {
			l = line_at(header, l.next);
			if (l.end - l.at < NAME_WITHIN_BYTES * 2)
				take_field(header, l.at, l.end, out);	/* to who trims lines */
		}
		take_field(header, at, l.end, out);
		if (first.end > at && memchr(header.data + at, '\r', first.end - at))
			take_fields_by_cr(header, at, l.end, out);
		at = l.next;
	}
}

static void clear_values(GPtrArray **values)
{
	if (*values)
		g_ptr_array_unref(*values);
	*values = NULL;
}

void lenient_fields_clear(struct lenient_fields *f)
{
	clear_values(&f->types);
	clear_values(&f->encodings);
	clear_values(&f->dispositions);
}

/* --- what they say --- */

static unsigned encoding_named(const char *word)
{
	static const struct { const char *name; enum transfer_encoding encoding; } known[] = {
		{ "7bit", TRANSFER_IDENTITY }, { "8bit", TRANSFER_IDENTITY }, { "binary", TRANSFER_IDENTITY }, { "base64", TRANSFER_BASE64 },
		{ "quoted-printable", TRANSFER_QUOTED_PRINTABLE }, { "x-uuencode", TRANSFER_UUENCODE }, { "uuencode", TRANSFER_UUENCODE },
		{ "x-uue", TRANSFER_UUENCODE },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (strcmp(known[i].name, word) == 0)
			return 1u << known[i].encoding;
	return 0;
}

static unsigned encodings_mentioned(const char *value)
{
	unsigned found = 1u << TRANSFER_IDENTITY;
	found |= strstr(value, "64") ? 1u << TRANSFER_BASE64 : 0;		/* "base-64", "x-b64" */
	found |= strstr(value, "quoted") ? 1u << TRANSFER_QUOTED_PRINTABLE : 0;
	return found | (strstr(value, "uue") ? 1u << TRANSFER_UUENCODE : 0);
}

/* A known word and nothing else is what it says; else whatever is mentioned counts, in a comment only if it is another one. */
static unsigned encodings_of(const char *value)
{
	char *lower = g_ascii_strdown(value, -1), *word = g_strstrip(parameters_strip_comments(lower));
	unsigned found = encoding_named(word), mentioned = encodings_mentioned(lower);
	if (!found || (strchr(lower, '(') && mentioned & ~found & ~(1u << TRANSFER_IDENTITY)))
		found |= mentioned;
	g_free(word);
	g_free(lower);
	return found;
}

unsigned lenient_encodings(const struct lenient_fields *f)
{
	unsigned found = 0;
	for (guint i = 0; f->encodings && i < f->encodings->len; i++)
		found |= encodings_of(g_ptr_array_index(f->encodings, i));
	return found ? found : 1u << TRANSFER_IDENTITY;
}

static size_t token_length(const char *p)
{
	return strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&-^_.+*%'`{|}~");
}

char *lenient_type(const char *value)
{
	char *bare = parameters_strip_comments(value), *type = NULL;
	const char *p = bare + strspn(bare, " \t\r\n\"'");
	size_t n = token_length(p);
	const char *slash = p + n + strspn(p + n, " \t\r\n");
	const char *sub = slash + 1 + (*slash ? strspn(slash + 1, " \t\r\n") : 0);
	if (n > 0 && n < 128 && *slash == '/' && token_length(sub) > 0) {
		char *text = g_strdup_printf("%.*s/%.*s", (int)n, p, (int)MIN(token_length(sub), 127), sub);
		type = g_ascii_strdown(text, -1);
		g_free(text);
	}
	g_free(bare);
	return type;
}

static void add_boundary(void *context, const char *value)
{
	GPtrArray *out = context;
	size_t n = strlen(value);
	while (n > 0 && g_ascii_isspace(value[n - 1]))
		n--;
	for (guint i = 0; i < out->len; i++) {
		const char *there = g_ptr_array_index(out, i);
		if (strlen(there) == n && memcmp(there, value, n) == 0)
			return;
	}
	if (out->len < BOUNDARIES_MAX)
		g_ptr_array_add(out, g_strndup(value, n));
	if (n > BOUNDARY_MAX_BYTES) {
		char *cut = g_strndup(value, BOUNDARY_MAX_BYTES);
		add_boundary(context, cut);
		g_free(cut);
	}
	if (n > 0 && g_ascii_isspace(value[0]))
		add_boundary(context, value + 1);
}

bool lenient_boundaries(const struct lenient_fields *f, GPtrArray *out)
{
	GPtrArray *const all[] = { f->types, f->dispositions };
	bool whole = true;
	for (size_t k = 0; k < G_N_ELEMENTS(all); k++)
		for (guint i = 0; all[k] && i < all[k]->len; i++) {
			const char *value = g_ptr_array_index(all[k], i);
			if (parameters_mention(value, "boundary"))
				whole &= !(parameters_read(value, "boundary", add_boundary, out) & PARAMETERS_CUT);
		}
	return whole && out->len < BOUNDARIES_MAX;
}
