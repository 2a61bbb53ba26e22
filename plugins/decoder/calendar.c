/* calendar.c - iCalendar (RFC 5545) and vCard (RFC 6350, and its older forms): attachments, pictures, keys that stand in the text.
 *
 * A property is a line, however often it is folded: "NAME;PARAMETER=x:value". What
 * says that it is base64, by a parameter or as a data: URL, becomes a child. */
#include <postern/plugin.h>

#include <strings.h>

#include "base64.h"
#include "span.h"

#define PARAMETER_MAX 1024

/* One property: its parameters unfolded, its value where it stands. */
struct property {
	char head[PARAMETER_MAX];	/* "ATTACH;ENCODING=BASE64;X-FILENAME=x", in one line */
	size_t value, end;		/* offsets; end: behind its last line */
};

static bool is_blank(uint8_t c) { return c == ' ' || c == '\t'; }

/* Behind a line's end at `at`; 0: there is none. */
static size_t line_end(struct span s, size_t at)
{
	if (span_8(s, at) == '\n')
		return at + 1;
	return span_8(s, at) == '\r' ? at + 1 + (span_8(s, at + 1) == '\n') : 0;
}

/* The next character, folds taken out; -1: the property ends. */
static int next(struct span s, size_t *at)
{
	for (;;) {
		size_t end = *at < s.n ? line_end(s, *at) : 0;
		if (*at >= s.n || (end && !(end < s.n && is_blank(s.at[end]))))
			return -1;
		if (!end)
			return s.at[(*at)++];
		*at = end + 1;
	}
}

static void read_property(struct span s, size_t at, struct property *p)
{
	size_t n = 0;
	bool quoted = false;
	int c;
	while ((c = next(s, &at)) >= 0 && (c != ':' || quoted)) {
		quoted ^= c == '"';
		if (n < PARAMETER_MAX - 1)
			p->head[n++] = (char)c;
	}
	p->head[n] = '\0';
	p->value = at;
	while (next(s, &at) >= 0)
		;
	size_t end = line_end(s, at);
	p->end = end ? end : s.n;
}

/* The value of a parameter, quotes taken off; NULL: there is none. */
static char *parameter(struct postern_call *call, const char *head, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = strchr(head, ';'); at; at = strchr(at, ';')) {
		at++;
		if (strncasecmp(at, name, length) != 0 || at[length] != '=')
			continue;
		at += length + 1;
		bool quoted = *at == '"';
		at += quoted;
		return postern_printf(call, "%.*s", (int)strcspn(at, quoted ? "\"" : ";"), at);
	}
	return NULL;
}

static bool is_base64(struct postern_call *call, const char *head)
{
	const char *encoding = parameter(call, head, "ENCODING"), *bare = strcasestr(head, ";BASE64");
	return (encoding && (strcasecmp(encoding, "BASE64") == 0 || strcasecmp(encoding, "B") == 0)) || (bare && (bare[7] == ';' || !bare[7]));
}

/* "data:TYPE;base64,": where the data begins, or 0. */
static size_t behind_data_url(struct span s, size_t at, char type[128])
{
	static const char scheme[] = "data:";
	char head[256];
	size_t n = 0;
	int c;
	while ((c = next(s, &at)) >= 0 && c != ',' && n < sizeof head - 1)
		head[n++] = (char)c;
	head[n] = '\0';
	if (c != ',' || strncasecmp(head, scheme, 5) != 0 || n < 7 || strcasecmp(head + n - 7, ";base64") != 0)
		return 0;
	size_t length = strcspn(head + 5, ";");
	memcpy(type, head + 5, length < 127 ? length : 127);
	type[length < 127 ? length : 127] = '\0';
	return at;
}

/* vCard 2.1 goes on in lines of base64 that nothing marks, up to an empty one. */
static size_t end_of_unmarked(struct span s, size_t at)
{
	while (at < s.n && base64_is(s.at[at])) {
		size_t end = at;
		while (base64_is(span_8(s, end)) || span_8(s, end) == '=')
			end++;
		size_t after = line_end(s, end);
		if (!after && end < s.n)
			break;
		at = after ? after : s.n;
	}
	return at;
}

/* --- children --- */

static void name_child(struct postern_call *call, const char *head)
{
	static const char *const names[] = { "X-FILENAME", "FILENAME", "X-APPLE-FILENAME", "X-ORACLE-FILENAME", "X-LABEL", "NAME" };
	const char *type = parameter(call, head, "FMTTYPE");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *name = parameter(call, head, names[i]);
		if (name && name[0])
			postern_child_name(call, name);
	}
	if (type && type[0])
		postern_child_mime_type(call, type);
}

static bool put_value(struct postern_call *call, struct span s, const struct property *p, size_t from, const char *type)
{
	struct base64 *b = postern_alloc(call, sizeof *b);
	size_t at = from, end = end_of_unmarked(s, p->end);
	int c;
	b->call = call;
	if (!postern_child_begin(call, NULL))
		return false;
	name_child(call, p->head);
	if (type && type[0])
		postern_child_mime_type(call, type);
	while ((c = next(s, &at)) >= 0 && !b->over)
		base64_put(b, (uint8_t)c);
	for (at = p->end; at < end && !b->over; at++)
		base64_put(b, s.at[at]);
	return base64_end(b) && postern_child_end(call);
}

static bool take_property(struct postern_call *call, struct span s, const struct property *p)
{
	char type[128] = "";
	size_t from = behind_data_url(s, p->value, type);
	if (from)
		return put_value(call, s, p, from, type);
	return !is_base64(call, p->head) || put_value(call, s, p, p->value, NULL);
}

static enum postern_result decode(struct postern_call *call, const struct postern_part *part)
{
	struct property p;
	struct span s;
	s.at = postern_part_data(call, part, &s.n);
	if (!s.at)
		return POSTERN_TEMPFAIL;
	for (size_t at = 0; at < s.n; at = p.end) {
		read_property(s, at, &p);
		if (p.end <= at)
			break;
		if (!postern_may_go_on(call) || !take_property(call, s, &p))
			return POSTERN_LIMIT;
	}
	return POSTERN_OK;
}

static const struct postern_decoder_ops decoder_ops = { .size = sizeof decoder_ops, .types = "ics|vcf", .decode = decode };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "calendar", .version = "1", .doc = "Opens attachments in calendars and visiting cards.",
	.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .decoder = &decoder_ops,
};
