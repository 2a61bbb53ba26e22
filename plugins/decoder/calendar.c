/* calendar.c - iCalendar (RFC 5545) and vCard (RFC 6350, and its older forms): attachments, pictures, keys that stand in the text.
 *
 * A property is a line, however often it is folded: "NAME;PARAMETER=x:value". What
 * says that it is base64, by a parameter or as a data: URL, becomes a child, and
 * what is shown as a page.  Where programs may disagree the more careless counts:
 * each of two parameters of one name, a quote that nothing ends is none. */
#include <postern/plugin.h>

#include <strings.h>

#include "base64.h"
#include "span.h"

#define HEAD_MAX 65536		/* of a property; more is ambiguous */
#define URL_HEAD_MAX 4096	/* of a data: URL, in front of the comma */
#define PIECE_BYTES 4096

/* One property: its parameters unfolded, its value where it stands. */
struct property {
	char head[HEAD_MAX];		/* "ATTACH;ENCODING=BASE64;X-FILENAME=x", in one line */
	size_t value, end;		/* offsets; end: behind its last line */
	bool cut;			/* the head is longer */
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

/* Up to the colon; false: it has none. */
static bool read_head(struct span s, size_t at, bool quotes, struct property *p)
{
	size_t n = 0;
	bool quoted = false;
	int c;
	p->cut = false;
	while ((c = next(s, &at)) >= 0 && (c != ':' || quoted)) {
		quoted ^= quotes && c == '"';
		p->cut |= n == HEAD_MAX - 1;
		if (n < HEAD_MAX - 1)
			p->head[n++] = (char)c;
	}
	p->head[n] = '\0';
	p->value = at;
	return c == ':';
}

static void read_property(struct span s, size_t at, struct property *p)
{
	if (!read_head(s, at, true, p))
		read_head(s, at, false, p);
	at = p->value;
	while (next(s, &at) >= 0)
		;
	size_t end = line_end(s, at);
	p->end = end ? end : s.n;
}

/* The next value of a parameter from *from on, quotes taken off; NULL: there is none. */
static char *parameter(struct postern_call *call, const char **from, const char *name)
{
	size_t length = strlen(name);
	for (const char *at = strchr(*from, ';'); at; at = strchr(at, ';')) {
		at++;
		if (strncasecmp(at, name, length) != 0 || at[length] != '=')
			continue;
		*from = at += length + 1;
		bool quoted = *at == '"' && strchr(at + 1, '"');
		at += quoted;
		return postern_printf(call, "%.*s", (int)strcspn(at, quoted ? "\"" : ";"), at);
	}
	return NULL;
}

/* The value of a parameter at `at` is one of these words. */
static bool is_one_of(const char *at, const char *a, const char *b)
{
	at += *at == '"';
	size_t n = strcspn(at, "\";");
	return (n == strlen(a) && strncasecmp(at, a, n) == 0) || (n == strlen(b) && strncasecmp(at, b, n) == 0);
}

static bool is_base64(const char *head)
{
	for (const char *at = strchr(head, ';'); at; at = strchr(at, ';')) {
		at++;
		if (is_one_of(at, "BASE64", "BASE64") || (strncasecmp(at, "ENCODING=", 9) == 0 && is_one_of(at + 9, "BASE64", "B")))
			return true;
	}
	return false;
}

/* "data:TYPE;base64,": where the data begins, or 0. */
static size_t behind_data_url(struct postern_call *call, struct span s, size_t at, char type[128], bool *base64)
{
	static const char scheme[] = "data:";
	char head[URL_HEAD_MAX];
	size_t n = 0;
	int c;
	while ((c = next(s, &at)) >= 0 && c != ',' && n < sizeof head - 1 && (n < 5 || strncasecmp(head, scheme, 5) == 0))
		if (n > 0 || !is_blank((uint8_t)c))
			head[n++] = (char)c;
	head[n] = '\0';
	if (n == sizeof head - 1)
		postern_part_attribute(call, 'B');	/* it goes on */
	if (c != ',' || strncasecmp(head, scheme, 5) != 0)
		return 0;
	*base64 = n >= 6 && strcasecmp(head + n - 6, "base64") == 0;
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
	static const char *const types[] = { "FMTTYPE", "MEDIATYPE" };
	const char *value;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		for (const char *at = head; (value = parameter(call, &at, names[i]));)
			if (value[0])
				postern_child_name(call, value);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		for (const char *at = head; (value = parameter(call, &at, types[i]));)
			if (value[0])
				postern_child_mime_type(call, value);
}

static bool begin_child(struct postern_call *call, const struct property *p, const char *type)
{
	if (!postern_child_begin(call, NULL))
		return false;
	name_child(call, p->head);
	if (type && type[0])
		postern_child_mime_type(call, type);
	return true;
}

static bool put_base64(struct postern_call *call, struct base64 *b, struct span s, const struct property *p, size_t from, const char *type)
{
	size_t at = from, end = end_of_unmarked(s, p->end);
	int c;
	*b = (struct base64){ .call = call };
	if (!begin_child(call, p, type))
		return false;
	while ((c = next(s, &at)) >= 0 && !b->over)
		base64_put(b, (uint8_t)c);
	for (at = p->end; at < end && !b->over; at++)
		base64_put(b, s.at[at]);
	return base64_end(b) && postern_child_end(call);
}

/* "%41" of a URL, or "\n" of a text. */
static int unescaped(struct span s, size_t *at, int c, char mark)
{
	size_t behind = *at;
	if (c != mark)
		return c;
	int first = next(s, &behind), second = mark == '%' ? hex_digit(next(s, &behind)) : 0;
	if (first < 0 || second < 0 || (mark == '%' && hex_digit(first) < 0))
		return c;
	*at = behind;
	return mark == '%' ? hex_digit(first) << 4 | second : (first | 0x20) == 'n' ? '\n' : first;
}

static bool put_text(struct postern_call *call, struct span s, const struct property *p, size_t from, const char *type, char mark)
{
	uint8_t piece[PIECE_BYTES];
	size_t n = 0;
	int c;
	bool good = begin_child(call, p, type);
	while (good && (c = next(s, &from)) >= 0) {
		piece[n++] = (uint8_t)unescaped(s, &from, c, mark);
		if (n < sizeof piece)
			continue;
		good = postern_child_write(call, piece, n);
		n = 0;
	}
	return good && (n == 0 || postern_child_write(call, piece, n)) && postern_child_end(call);
}

/* A description that is shown as a page. */
static bool is_page(const char *head)
{
	return strncasecmp(head, "X-ALT-DESC", 10) == 0 || strcasestr(head, "=text/html") || strcasestr(head, "=\"text/html");
}

static bool take_property(struct postern_call *call, struct base64 *b, struct span s, const struct property *p)
{
	char type[128] = "";
	bool base64 = false;
	size_t from = behind_data_url(call, s, p->value, type, &base64);
	if (p->cut)
		postern_part_attribute(call, 'B');
	if (from)
		return base64 ? put_base64(call, b, s, p, from, type) : put_text(call, s, p, from, type, '%');
	if (is_base64(p->head))
		return put_base64(call, b, s, p, p->value, NULL);
	return !is_page(p->head) || put_text(call, s, p, p->value, "text/html", '\\');
}

static enum postern_result decode(struct postern_call *call, const struct postern_part *part)
{
	struct property *p = postern_alloc(call, sizeof *p);
	struct base64 *b = postern_alloc(call, sizeof *b);
	struct span s;
	s.at = postern_part_data(call, part, &s.n);
	if (!s.at)
		return POSTERN_TEMPFAIL;
	for (size_t at = 0; at < s.n; at = p->end) {
		read_property(s, at, p);
		if (p->end <= at)
			break;
		if (!postern_may_go_on(call) || !take_property(call, b, s, p))
			return POSTERN_LIMIT;
	}
	return POSTERN_OK;
}

static const struct postern_decoder_ops decoder_ops = { .size = sizeof decoder_ops, .types = "ics|vcf", .decode = decode };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "calendar", .version = "1", .doc = "Opens attachments in calendars and visiting cards.",
	.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .decoder = &decoder_ops,
};
