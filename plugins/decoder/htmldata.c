/* htmldata.c - HTML, SVG, XML and scripts: data: URLs, and files that a script puts together on the reader's side.
 *
 * Nothing is run. What is looked for are the forms that files take in such
 * texts: data: URLs, string literals of base64 or hexadecimal digits (several,
 * joined by + or a comma, are one), lists of byte values, what unescape() is
 * given, base64 as the text of an XML element. Escapes are undone first. */
#include <postern/plugin.h>

#include <stdlib.h>
#include <strings.h>

#include "base64.h"
#include "span.h"

#define HEAD_MAX 256			/* of a data: URL, in front of the comma */
#define NAMES_MAX 4
#define NAME_NEAR_BYTES 2048
#define DIGITS_MIN 100			/* of a literal that is taken for a file */
#define LONG_LITERAL 40
#define PAGE_TYPES "html|svg|xml|js|hta|wsf|vbs|script"
#define LOOK_BYTES 65536			/* between two looks at the time */
#define VALUES_MIN 48			/* of a list of bytes */

struct job {
	struct postern_call *call;
	struct span s;
	const char *names[NAMES_MAX];	/* that scripts give to what they put together */
	unsigned name_count;
	struct base64 *base64;
};

static int hex_digit(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

static bool is_space(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_quote(uint8_t c) { return c == '"' || c == '\'' || c == '`'; }

/* --- characters, escapes undone; *at goes behind --- */

/* digits hexadecimal digits at `at`, or -1. */
static int hex_value(struct span s, size_t at, unsigned digits)
{
	int value = 0;
	for (unsigned i = 0; i < digits; i++) {
		int digit = hex_digit(span_8(s, at + i));
		if (digit < 0)
			return -1;
		value = value << 4 | digit;
	}
	return value;
}

/* "&#65;" and "&#x41;" */
static int take_reference(struct span s, size_t *at)
{
	bool hex = (span_8(s, *at + 2) | 0x20) == 'x';
	size_t i = *at + 2 + hex, from = i;
	int value = 0, digit;
	while (i - from < 7 && (digit = hex_digit(span_8(s, i))) >= 0 && (hex || digit < 10)) {
		value = value * (hex ? 16 : 10) + digit;
		i++;
	}
	if (i == from)
		return s.at[(*at)++];
	*at = i + (span_8(s, i) == ';');
	return value < 0x100 ? value : 0x100;
}

static int url_character(struct span s, size_t *at)
{
	uint8_t c = s.at[*at];
	int value;
	if (c == '%' && (value = hex_value(s, *at + 1, 2)) >= 0) {
		*at += 3;
		return value;
	}
	if (c == '&' && span_8(s, *at + 1) == '#')
		return take_reference(s, at);
	if (c == '\\' && span_8(s, *at + 1) == '/')
		++*at;
	return s.at[(*at)++];
}

/* Within a string literal: \x41 \u0041 \n; a line that goes on. */
static int script_character(struct span s, size_t *at)
{
	uint8_t c = s.at[*at], escape = span_8(s, *at + 1);
	if (c != '\\') {
		++*at;
		return c;
	}
	int value = escape == 'x' ? hex_value(s, *at + 2, 2) : escape == 'u' ? hex_value(s, *at + 2, 4) : -1;
	*at += value < 0 ? 2 : escape == 'x' ? 4 : 6;
	*at = *at < s.n ? *at : s.n;
	if (value >= 0)
		return value;
	return escape == 'n' || escape == 'r' || escape == 't' || escape == '\r' ? '\n' : escape;
}

/* --- children --- */

/* The first string in quotes within `near` bytes behind a word. */
static char *string_behind(struct job *j, size_t at, size_t near)
{
	struct span s = span_sub(j->s, at, near);
	for (size_t i = 0; i < s.n; i++) {
		if (s.at[i] == '<' || s.at[i] == ';')
			return NULL;
		if (!is_quote(s.at[i]))
			continue;
		size_t end = span_find(s, i + 1, &s.at[i], 1);
		return end != SIZE_MAX && end > i + 1 ? span_text(j->call, span_sub(s, i + 1, end - i - 1)) : NULL;
	}
	return NULL;
}

static void find_script_names(struct job *j)
{
	static const char *const words[] = { ".download", "'download'", "\"download\"", "msSaveOrOpenBlob", "msSaveBlob", "new File(", "fileName", "filename", "file_name" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		for (size_t at = 0; j->name_count < NAMES_MAX && (at = span_find(j->s, at, words[i], strlen(words[i]))) != SIZE_MAX; at++) {
			char *name = string_behind(j, at + strlen(words[i]), 200);
			if (name)
				j->names[j->name_count++] = name;
		}
}

static bool begin_script_child(struct job *j)
{
	if (!postern_child_begin(j->call, NULL))
		return false;
	for (unsigned i = 0; i < j->name_count; i++)
		postern_child_name(j->call, j->names[i]);
	return true;
}

static struct base64 *fresh_base64(struct job *j)
{
	if (!j->base64)
		j->base64 = postern_alloc(j->call, sizeof *j->base64);
	j->base64->call = j->call;
	j->base64->bits = j->base64->count = 0;
	j->base64->n = 0;
	j->base64->over = false;
	return j->base64;
}

/* --- data: URLs --- */

struct url {
	size_t from;			/* where its scheme begins */
	char head[HEAD_MAX];		/* between "data:" and the comma, blanks taken out */
	size_t data;
	bool base64;
	uint8_t end;			/* the quote that ends it, ')' or 0 */
};

/* "data:", in letters of either case or as references; behind it, or 0. */
static size_t behind_scheme(struct span s, size_t at)
{
	static const char scheme[] = "data:";
	for (size_t i = 0; i < 5; i++) {
		if (at >= s.n)
			return 0;
		int c = s.at[at] == '&' && span_8(s, at + 1) == '#' ? take_reference(s, &at) : s.at[at++];
		if (c > 0x7f || (c | (i < 4 ? 0x20 : 0)) != scheme[i])
			return 0;
	}
	return at;
}

/* A type, parameters, or nothing at all: a script's object with a member "data" is none. */
static bool read_url(struct span s, size_t from, size_t at, struct url *u)
{
	size_t n = 0;
	int c = 0;
	for (u->from = from; at < s.n && n < HEAD_MAX - 1 && (c = url_character(s, &at)) != ','; ) {
		if (is_space((uint8_t)c))
			continue;
		if (c > 0x7e || c < 0x20 || strchr("<>(){}[]\\`", c))
			return false;
		u->head[n++] = (char)c;
	}
	u->head[n] = '\0';
	uint8_t before = from > 0 ? s.at[from - 1] : 0;
	u->data = at;
	u->base64 = n >= 6 && strcasecmp(u->head + n - 6, "base64") == 0;
	u->end = is_quote(before) ? before : before == '(' ? ')' : 0;
	return c == ',' && (n == 0 || u->head[0] == ';' || strchr(u->head, '/'));
}

static bool ends_url(const struct url *u, uint8_t c)
{
	return u->end ? c == u->end : is_space(c) || is_quote(c) || c == '>' || c == '<' || c == ')';
}

/* The name that the link gives, in the tag that the URL stands in. */
static char *name_in_tag(struct job *j, size_t at, size_t end)
{
	size_t from = at, until = end;
	while (from > 0 && at - from < NAME_NEAR_BYTES && j->s.at[from] != '<')
		from--;
	while (until < j->s.n && until - end < NAME_NEAR_BYTES && j->s.at[until] != '>')
		until++;
	struct span before = span_sub(j->s, from, at - from), behind = span_sub(j->s, end, until - end);
	size_t in_before = span_find(before, 0, "download=", 9), in_behind = span_find(behind, 0, "download=", 9);
	if (in_before != SIZE_MAX)
		return string_behind(j, from + in_before + 9, 300);
	return in_behind != SIZE_MAX ? string_behind(j, end + in_behind + 9, 300) : NULL;
}

static size_t end_of_url(struct span s, const struct url *u)
{
	size_t at = u->data;
	while (at < s.n && !ends_url(u, s.at[at]) && (u->end || s.at[at] != '<'))
		at++;
	return at;
}

static bool write_percent(struct job *j, size_t at, size_t end)
{
	uint8_t piece[4096];
	size_t n = 0;
	bool good = true;
	while (at < end && good) {
		piece[n++] = (uint8_t)url_character(j->s, &at);
		if (n == sizeof piece || at >= end) {
			good = postern_child_write(j->call, piece, n);
			n = 0;
		}
	}
	return good;
}

static bool put_url(struct job *j, const struct url *u, size_t end)
{
	size_t data = u->data;
	const char *type = postern_printf(j->call, "%.*s", (int)strcspn(u->head, ";"), u->head);
	if (!postern_child_begin(j->call, name_in_tag(j, u->from, end)))
		return false;
	if (type[0])
		postern_child_mime_type(j->call, type);
	if (!u->base64)
		return write_percent(j, data, end) && postern_child_end(j->call);
	struct base64 *b = fresh_base64(j);
	while (data < end && !b->over)
		base64_put(b, (uint8_t)url_character(j->s, &data));
	return base64_end(b) && postern_child_end(j->call);
}

/* --- literals in scripts --- */

struct literals {
	size_t end;			/* behind the last quote */
	size_t digits, longest;
	bool hex, upper, lower, number;
	bool blank_inside;
};

/* One literal of nothing but digits, from its quote at `at`; put: give its digits. 0: it is none, else behind it. */
static size_t walk_literal(struct span s, size_t at, struct literals *l, struct base64 *put)
{
	uint8_t quote = s.at[at++];
	size_t digits = 0;
	while (at < s.n && s.at[at] != quote) {
		int c = script_character(s, &at);
		if (c > 0x7f || (!base64_is((uint8_t)c) && c != '=' && !is_space((uint8_t)c)))
			return 0;
		l->blank_inside |= c == ' ';
		l->hex &= hex_digit((uint8_t)c) >= 0 || is_space((uint8_t)c);
		l->upper |= c >= 'A' && c <= 'Z';
		l->lower |= c >= 'a' && c <= 'z';
		l->number |= c >= '0' && c <= '9';
		digits += !is_space((uint8_t)c);
		if (put)
			base64_put(put, (uint8_t)c);
	}
	l->digits += digits;
	l->longest = digits > l->longest ? digits : l->longest;
	return at < s.n ? at + 1 : 0;
}

/* Literals one behind the other, joined by "+" or a comma. */
static void walk_literals(struct span s, size_t at, struct literals *l, struct base64 *put, size_t until)
{
	*l = (struct literals){ .hex = true };
	while (at < until && is_quote(s.at[at])) {
		struct literals before = *l;
		size_t end = walk_literal(s, at, l, put);
		if (end == 0) {
			*l = before;
			return;
		}
		l->end = at = end;
		while (at < until && (is_space(s.at[at]) || s.at[at] == '+' || s.at[at] == ','))
			at++;
	}
}

/* Two digits a byte. */
static bool put_hex(struct job *j, size_t from, size_t to)
{
	uint8_t piece[2048];
	size_t n = 0;
	int high = -1;
	bool good = begin_script_child(j);
	while (from < to && good) {
		int digit = hex_digit((uint8_t)script_character(j->s, &from));
		if (digit >= 0 && high >= 0)
			piece[n++] = (uint8_t)(high << 4 | digit);
		high = digit < 0 ? high : high >= 0 ? -1 : digit;
		if (n == sizeof piece || (from >= to && n > 0)) {
			good = postern_child_write(j->call, piece, n);
			n = 0;
		}
	}
	return good && postern_child_end(j->call);
}

static bool looks_like_file(const struct literals *l)
{
	bool mixed = l->upper && l->lower && l->number;
	return l->digits >= DIGITS_MIN && !l->blank_inside && (l->longest >= LONG_LITERAL || mixed || l->hex);
}

/* *at: a quote, afterwards behind what was taken. */
static bool take_literals(struct job *j, size_t *at)
{
	struct literals l;
	size_t from = *at;
	walk_literals(j->s, from, &l, NULL, j->s.n);
	*at = l.end > from ? l.end - 1 : from + 1;	/* the last quote may begin another one in prose */
	if (!looks_like_file(&l))
		return true;
	*at = l.end;
	if (l.hex && !put_hex(j, from, l.end))
		return false;
	struct base64 *b = fresh_base64(j);
	if (!begin_script_child(j))
		return false;
	walk_literals(j->s, from, &l, b, l.end);
	return base64_end(b) && postern_child_end(j->call);
}

/* --- lists of byte values --- */

static int take_value(struct span s, size_t *at)
{
	bool hex = span_8(s, *at) == '0' && (span_8(s, *at + 1) | 0x20) == 'x';
	size_t i = *at + (hex ? 2 : 0), from = i;
	int value = 0, digit;
	while (i - from < 4 && (digit = hex_digit(span_8(s, i))) >= 0 && (hex || digit < 10)) {
		value = value * (hex ? 16 : 10) + digit;
		i++;
	}
	if (i == from || value > 255)
		return -1;
	*at = i;
	return value;
}

/* How many values there are; *end behind them; out: the bytes, where it is given. */
static size_t walk_values(struct job *j, size_t at, size_t *end, bool put, bool *good)
{
	uint8_t piece[1024];
	size_t count = 0, n = 0;
	for (*end = at; *good; count++) {
		while (is_space(span_8(j->s, at)) || (count > 0 && span_8(j->s, at) == ','))
			at++;
		int value = take_value(j->s, &at);
		if (value < 0)
			break;
		*end = at;
		piece[n++] = (uint8_t)value;
		if (n == sizeof piece) {
			*good = !put || postern_child_write(j->call, piece, n);
			n = 0;
		}
	}
	if (put && n > 0 && *good)
		*good = postern_child_write(j->call, piece, n);
	return count;
}

/* *at: a bracket. */
static bool take_values(struct job *j, size_t *at)
{
	size_t from = ++*at, end;
	bool good = true;
	if (walk_values(j, from, &end, false, &good) < VALUES_MIN)
		return true;
	good = begin_script_child(j);
	if (good)
		walk_values(j, from, &end, true, &good);
	*at = end;
	return good && postern_child_end(j->call);
}

/* --- what is given to unescape() --- */

static bool take_unescape(struct job *j, size_t *at)
{
	size_t from = *at;
	if (!postern_may_go_on(j->call))	/* a quote that nothing ends is looked for in all that follows */
		return false;
	while (is_space(span_8(j->s, from)) || span_8(j->s, from) == '(')
		from++;
	uint8_t quote = span_8(j->s, from);
	size_t end = is_quote(quote) ? span_find(j->s, from + 1, &quote, 1) : SIZE_MAX;
	if (end == SIZE_MAX || end - from < 20)
		return true;
	*at = end + 1;
	return postern_child_begin(j->call, "unescaped.html") && write_percent(j, from + 1, end) && postern_child_end(j->call);
}

/* --- base64 as the text of an element: lines of it, blanks in front of a line at most --- */

static size_t end_of_element_text(struct span s, size_t at, size_t *digits)
{
	bool in_line = false, gap = false;
	for (*digits = 0; at < s.n && s.at[at] != '<'; at++) {
		uint8_t c = s.at[at];
		if (c == '\r' || c == '\n')
			in_line = gap = false;
		else if (c == ' ' || c == '\t')
			gap = in_line;
		else if (gap || (!base64_is(c) && c != '='))
			return 0;
		else
			in_line = true;
		*digits += in_line && c != ' ' && c != '\t';
	}
	return at < s.n ? at : 0;
}

/* *at: behind a '>'. */
static bool take_element_text(struct job *j, size_t *at)
{
	size_t digits, end = end_of_element_text(j->s, *at, &digits);
	if (end == 0 || digits < DIGITS_MIN)
		return true;
	struct base64 *b = fresh_base64(j);
	if (!postern_child_begin(j->call, NULL))
		return false;
	for (; *at < end && !b->over; ++*at)
		base64_put(b, j->s.at[*at]);
	return base64_end(b) && postern_child_end(j->call);
}

/* --- all of it --- */

static bool word_at(struct span s, size_t at, const char *word)
{
	size_t n = strlen(word);
	return span_has(s, at, n) && strncasecmp((const char *)s.at + at, word, n) == 0;
}

static bool take_url(struct job *j, size_t *at, size_t behind)
{
	struct url u;
	if (!read_url(j->s, *at, behind, &u)) {
		*at = behind;
		return true;
	}
	size_t end = end_of_url(j->s, &u);
	*at = end;
	return end <= u.data || put_url(j, &u, end);
}

/* One character looked at; *at goes on. false: over a limit. */
static bool look_at(struct job *j, size_t *at)
{
	uint8_t c = j->s.at[*at];
	size_t behind = (c | 0x20) == 'd' || c == '&' ? behind_scheme(j->s, *at) : 0;
	if (behind)
		return take_url(j, at, behind);
	if (c == 'u' && word_at(j->s, *at, "unescape(")) {
		*at += 8;
		return take_unescape(j, at);
	}
	if (c == 'd' && word_at(j->s, *at, "decodeURI")) {
		*at += word_at(j->s, *at, "decodeURIComponent") ? 18 : 9;
		return take_unescape(j, at);
	}
	if (is_quote(c))
		return take_literals(j, at);
	if (c == '[' || c == '(')
		return take_values(j, at);
	++*at;
	return c != '>' || take_element_text(j, at);
}

/* Excel 4 macros and Basic of newer documents are XML files. */
static void look_for_macros(struct job *j)
{
	static const char *const marks[] = { "<xm:macrosheet", "macrosheet xmlns", "<script:module", "<script:event-listener" };
	struct span near = span_sub(j->s, 0, 65536);
	for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
		if (span_find(near, 0, marks[i], strlen(marks[i])) != SIZE_MAX)
			postern_part_attribute(j->call, 'M');
}

/* By its content; any other text has the type "txt", and perhaps one of its own. */
static bool is_page(const char *types)
{
	size_t length;
	for (; *types; types += length + (types[length] == ',')) {
		length = strcspn(types, ",");
		for (const char *own = PAGE_TYPES; *own; own += strcspn(own, "|") + (own[strcspn(own, "|")] == '|'))
			if (strcspn(own, "|") == length && memcmp(own, types, length) == 0)
				return true;
	}
	return false;
}

/* Text is only looked at where a reader would take it for a page or a script: by its name, or its declared type. */
static bool is_taken_for_page(const struct postern_part *part)
{
	static const char *const endings[] = { ".html", ".htm", ".xhtml", ".shtml", ".svg", ".hta", ".js", ".jse", ".vbs", ".wsf", ".mht", ".xml" };
	const char *type = postern_part_mime_type(part);
	if (type && (strcasecmp(type, "text/html") == 0 || strcasestr(type, "script") || strcasestr(type, "svg") || strcasestr(type, "xml")))
		return true;
	for (size_t i = 0; i < postern_part_name_count(part); i++) {
		const char *name = postern_part_name_at(part, i), *dot = strrchr(name, '.');
		for (size_t k = 0; dot && k < sizeof endings / sizeof *endings; k++)
			if (strcasecmp(dot, endings[k]) == 0)
				return true;
	}
	return false;
}

/* A page in UTF-16 is looked at by the lower half of each character: what matters here is ASCII. NULL: no memory. */
static uint8_t *narrow(struct span s)
{
	size_t from = span_at(s, 0, "\xff\xfe", 2) ? 0 : 1;
	uint8_t *out = malloc(s.n / 2 + 1);
	for (size_t i = 0; out && i < s.n / 2; i++)
		out[i] = s.at[2 * i + from];
	return out;
}

static bool look_at_all(struct job *j)
{
	size_t asked = 0;
	bool good = true;
	find_script_names(j);
	look_for_macros(j);
	for (size_t at = 0; at < j->s.n && good;) {
		bool ask = at - asked > LOOK_BYTES;
		asked = ask ? at : asked;
		good = (!ask || postern_may_go_on(j->call)) && look_at(j, &at);
	}
	return good;
}

static enum postern_result decode(struct postern_call *call, const struct postern_part *part)
{
	struct job j = { .call = call };
	const char *types = postern_part_type(part);
	if (!is_page(types) && !is_taken_for_page(part))
		return POSTERN_NOTHING;
	j.s.at = postern_part_data(call, part, &j.s.n);
	if (!j.s.at)
		return POSTERN_TEMPFAIL;
	bool wide = span_at(j.s, 0, "\xff\xfe", 2) || span_at(j.s, 0, "\xfe\xff", 2);
	uint8_t *narrowed = wide ? narrow(j.s) : NULL;
	if (wide && !narrowed)
		return postern_fail(call, POSTERN_LIMIT, "it wants more memory than there is");
	if (wide)
		j.s = (struct span){ narrowed, j.s.n / 2 };
	bool good = look_at_all(&j);
	free(narrowed);
	return good ? POSTERN_OK : POSTERN_LIMIT;
}

static const struct postern_decoder_ops decoder_ops = {
	.size = sizeof decoder_ops, .types = PAGE_TYPES "|txt", .decode = decode,
};

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "htmldata", .version = "1", .doc = "Opens data: URLs and files that scripts put together in HTML, SVG and XML.",
	.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .decoder = &decoder_ops,
};
