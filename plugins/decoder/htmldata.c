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
#define NAMES_MAX 256			/* of a page; the host tells where a child has more than it takes */
#define NAME_BEHIND_BYTES 200		/* so far behind the word that tells of it */
#define DIGITS_MIN 100			/* of a literal that is taken for a file */
#define LONG_LITERAL 40
#define LOOK_BYTES 65536			/* between two looks at the time */
#define VALUES_MIN 48			/* of a list of bytes */

struct job {
	struct postern_call *call;
	struct span s;
	struct page_name { size_t at; const char *text; } names[NAMES_MAX];	/* that links and scripts give to what is put together */
	unsigned name_count;
	bool more_names;
	size_t no_url_until;		/* no scheme in front of this place begins a URL */
	size_t no_type_until;		/* nor in front of this, but without a type */
	struct base64 *base64;
};

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

/* "&colon;": those that are ASCII characters which matter here. */
static int take_named_reference(struct span s, size_t *at)
{
	static const struct { const char *name; char character; } names[] = {
		{ "&Tab;", '\t' }, { "&NewLine;", '\n' }, { "&colon;", ':' }, { "&comma;", ',' }, { "&semi;", ';' }, { "&sol;", '/' }, { "&equals;", '=' },
		{ "&plus;", '+' }, { "&period;", '.' }, { "&percnt;", '%' }, { "&num;", '#' }, { "&lpar;", '(' }, { "&rpar;", ')' }, { "&bsol;", '\\' },
		{ "&quot;", '"' }, { "&apos;", '\'' }, { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&lowbar;", '_' }, { "&hyphen;", '-' },
	};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (span_at(s, *at, names[i].name, strlen(names[i].name))) {
			*at += strlen(names[i].name);
			return names[i].character;
		}
	return s.at[(*at)++];
}

static int script_character(struct span s, size_t *at);

/* References, and what a script escapes in a string. */
static int text_character(struct span s, size_t *at)
{
	uint8_t c = s.at[*at], next = span_8(s, *at + 1);
	if (c == '&')
		return next == '#' ? take_reference(s, at) : take_named_reference(s, at);
	if (c == '\\' && next && strchr("xunrt/\r\n", next))
		return script_character(s, at);
	return s.at[(*at)++];
}

static int url_character(struct span s, size_t *at)
{
	int value = s.at[*at] == '%' ? hex_value(s, *at + 1, 2) : -1;
	if (value < 0)
		return text_character(s, at);
	*at += 3;
	return value;
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

static bool word_at(struct span s, size_t at, const char *word)
{
	size_t n = strlen(word);
	return span_has(s, at, n) && strncasecmp((const char *)s.at + at, word, n) == 0;
}

/* --- names --- */

static size_t skip_any(struct span s, size_t at, const char *characters)
{
	while (at < s.n && s.at[at] && strchr(characters, s.at[at]))
		at++;
	return at;
}

/* Copied where it is a new one. */
static void add_name(struct job *j, size_t at, const char *text)
{
	bool known = !text[0];
	for (unsigned i = 0; i < j->name_count && !known; i++)
		known = strcmp(j->names[i].text, text) == 0;
	if (known)
		return;
	j->more_names |= j->name_count == NAMES_MAX;
	if (j->name_count < NAMES_MAX)
		j->names[j->name_count++] = (struct page_name){ at, postern_printf(j->call, "%s", text) };
}

/* Text up to the quote, or without one to what ends the value of an attribute; *at goes behind. */
static void append_text(struct span s, size_t *at, uint8_t quote, char *out, size_t room)
{
	size_t n = strlen(out);
	while (*at < s.n && (quote ? s.at[*at] != quote : !is_space(s.at[*at]) && s.at[*at] != '>')) {
		int c = text_character(s, at);
		if (n < room - 1 && c > 0)
			out[n++] = c < 0x100 ? (char)c : '?';
	}
	*at += *at < s.n && quote;
}

/* A page within an attribute has its quotes told by references. */
static const char *without_quotes(char *text)
{
	size_t n = strlen(text);
	while (n > 0 && is_quote((uint8_t)text[n - 1]))
		text[--n] = '\0';
	return text + strspn(text, "\"'`");
}

/* The string in quotes at `at`, others that are joined to it by "+" with it. */
static void take_string(struct job *j, size_t at)
{
	char text[1024] = "";
	size_t from = at;
	struct span s = span_sub(j->s, 0, at + 4 * sizeof text);
	do {
		uint8_t quote = s.at[at++];
		append_text(s, &at, quote, text, sizeof text);
		at = skip_any(s, at, " \t\r\n");
		at = span_8(s, at) == '+' ? skip_any(s, at + 1, " \t\r\n") : s.n;
	} while (at < s.n && is_quote(s.at[at]));
	add_name(j, from, text);
}

/* What stands behind a word that tells of a name. */
static void take_name(struct job *j, size_t word, size_t at)
{
	bool attribute = word > 0 && (is_space(j->s.at[word - 1]) || j->s.at[word - 1] == '/' || is_quote(j->s.at[word - 1]));
	size_t behind = skip_any(j->s, at, " \t\r\n\"'`])");
	if (span_8(j->s, behind) == '=' && attribute) {
		size_t value = skip_any(j->s, behind + 1, " \t\r\n");
		char text[1024] = "";
		if (!is_quote(span_8(j->s, value))) {
			append_text(span_sub(j->s, 0, value + 4 * sizeof text), &value, 0, text, sizeof text);
			add_name(j, at, without_quotes(text));
			return;
		}
	}
	struct span s = span_sub(j->s, 0, behind + NAME_BEHIND_BYTES);
	for (size_t i = behind; i < s.n && s.at[i] != '<' && s.at[i] != ';'; i++)
		if (is_quote(s.at[i])) {
			take_string(j, i);
			return;
		}
}

/* The word at `at` that tells of a name. false: there is no time left. */
static bool take_name_at(struct job *j, size_t at)
{
	static const char *const words[] = { "download", "msSaveOrOpenBlob", "msSaveBlob", "new File(", "filename", "file_name" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t behind = at + strlen(words[i]);
		if ((j->s.at[at] | 0x20) != words[i][0] || !word_at(j->s, at, words[i]))
			continue;
		/* that word stands in prose, too */
		if (i > 0 || strchr("=,:", span_8(j->s, skip_any(j->s, behind, " \t\r\n\"'`])"))))
			take_name(j, at, behind);
		return postern_may_go_on(j->call);
	}
	return true;
}

static bool find_names(struct job *j)
{
	bool good = true;
	for (size_t at = 0; at < j->s.n && good; at++)
		good = take_name_at(j, at);
	return good;
}

/* A child with the names of the page, the nearest one first. */
static bool begin_child(struct job *j, size_t at)
{
	unsigned nearest = 0;
	size_t least = SIZE_MAX;
	for (unsigned i = 0; i < j->name_count; i++) {
		size_t away = j->names[i].at > at ? j->names[i].at - at : at - j->names[i].at;
		nearest = away < least ? i : nearest;
		least = away < least ? away : least;
	}
	if (!postern_child_begin(j->call, j->name_count > 0 ? j->names[nearest].text : NULL))
		return false;
	for (unsigned i = 0; i < j->name_count; i++)
		postern_child_name(j->call, j->names[i].text);
	if (j->more_names)
		postern_child_attribute(j->call, 'B');
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

/* "data:", in letters of either case, with escapes, with line ends in it; behind it, or 0. */
static size_t behind_scheme(struct span s, size_t at)
{
	static const char scheme[] = "data:";
	for (size_t i = 0; i < 5;) {
		if (at >= s.n)
			return 0;
		int c = text_character(s, &at);
		if (i > 0 && (c == '\t' || c == '\r' || c == '\n'))
			continue;
		if (c > 0x7f || (c | (i < 4 ? 0x20 : 0)) != scheme[i])
			return 0;
		i++;
	}
	return at;
}

/* In front of blanks, and of references that may be some. */
static size_t skip_back(struct span s, size_t at)
{
	for (;;) {
		while (at > 0 && is_space(s.at[at - 1]))
			at--;
		if (at == 0 || s.at[at - 1] != ';')
			return at;
		size_t begin = at - 1;
		while (begin > 0 && at - begin < 9 && s.at[begin] != '&')
			begin--;
		if (s.at[begin] != '&')
			return at;
		at = begin;
	}
}

/* What ends the URL that begins at `from`: the quote, the bracket that it is in; 0: a blank does. */
static uint8_t end_mark(struct span s, size_t from)
{
	size_t at = skip_back(s, from);
	uint8_t before = at > 0 ? s.at[at - 1] : 0;
	if (is_quote(before))
		return before;
	if (before == '(')
		return ')';
	/* content="0; url=data:" */
	for (size_t i = 1; at >= 4 && word_at(s, at - 4, "url=") && i < 64 && at >= 4 + i; i++) {
		uint8_t c = s.at[at - 4 - i];
		if (is_quote(c))
			return c;
		if (c == '<' || c == '>')
			break;
	}
	return 0;
}

/* A type, parameters, or nothing at all: a script's object with a member "data" is none. */
static bool is_head(const struct url *u, size_t n)
{
	return u->base64 || is_quote(u->end) || n == 0 || u->head[0] == ';' || strchr(u->head, '/');
}

static bool ends_head(const struct url *u, uint8_t raw, int c)
{
	if (is_quote(u->end))
		return raw == u->end;
	return c > 0x7e || c < 0x20 || strchr("<>(){}[]\\`", c);
}

/* What of the last characters is kept of a head, however long it is. */
static void keep_last(char last[6], char c)
{
	memmove(last, last + 1, 5);
	last[5] = c;
}

/* Each place is walked over for few URLs, whatever begins as if it were one. */
static bool read_url(struct job *j, size_t from, size_t at, struct url *u)
{
	struct span s = j->s;
	size_t n = 0;
	char last[6] = "";
	*u = (struct url){ .from = from, .end = end_mark(s, from) };
	bool quoted = is_quote(u->end);
	if (!quoted && (at < j->no_url_until || (at < j->no_type_until && span_8(s, at) != ';' && span_8(s, at) != ',')))
		return false;
	while (at < s.n) {
		size_t before = at;
		int c = url_character(s, &at);
		if (c == ',') {
			u->data = at;
			u->base64 = n >= 6 && strncasecmp(last, "base64", 6) == 0;
			if (is_head(u, n))
				return true;
			j->no_type_until = before;
			return false;
		}
		if (c < 0x100 && is_space((uint8_t)c))
			continue;
		if (ends_head(u, s.at[before], c)) {
			j->no_url_until = quoted ? j->no_url_until : before;
			return false;
		}
		if (n < HEAD_MAX - 1)
			u->head[n] = (char)c;
		keep_last(last, (char)c);
		n++;
	}
	j->no_url_until = quoted ? j->no_url_until : s.n;
	return false;
}

static bool ends_url(const struct url *u, uint8_t c)
{
	return u->end ? c == u->end : is_space(c) || is_quote(c) || c == '>' || c == '<' || c == ')';
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
	if (!begin_child(j, u->from))
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
	bool good = begin_child(j, from);
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
	if (!begin_child(j, from))
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
	good = begin_child(j, from);
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
	for (*digits = 0; at < s.n && s.at[at] != '<' && s.at[at] != ']'; at++) {
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

/* *at: behind a '>', or "<![CDATA[". */
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

/* Nothing but base64 was in it: no other URL is. */
static bool is_plain(struct span s, const struct url *u, size_t end)
{
	return u->base64 && !memchr(s.at + u->data, ':', end - u->data) && !memchr(s.at + u->data, '&', end - u->data);
}

/* A quote may stand in prose: what follows is looked at by itself, too. */
static bool take_url(struct job *j, size_t *at, size_t behind)
{
	struct url u;
	if (!read_url(j, *at, behind, &u)) {
		*at = behind;
		return true;
	}
	size_t end = end_of_url(j->s, &u);
	*at = end > u.data && is_plain(j->s, &u, end) ? end : u.data;
	return end <= u.data || put_url(j, &u, end);
}

/* One character looked at; *at goes on. false: over a limit. */
static bool look_at(struct job *j, size_t *at)
{
	uint8_t c = j->s.at[*at];
	size_t behind = (c | 0x20) == 'd' || c == '&' || c == '\\' ? behind_scheme(j->s, *at) : 0;
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
	bool data = c == '[' && *at >= 8 && span_at(j->s, *at - 8, "<![CDATA", 8);
	if ((c == '[' || c == '(') && !data)
		return take_values(j, at);
	++*at;
	return (c != '>' && !data) || take_element_text(j, at);
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

/* A page in UTF-16 is looked at by the lower half of each character: what matters here is ASCII. Other NULs are passed over,
 * as readers do: they may be the upper halves where no mark is in front. *n: how many bytes there are; NULL: no memory. */
static uint8_t *narrow(struct span s, size_t *n)
{
	bool little = span_at(s, 0, "\xff\xfe", 2), wide = little || span_at(s, 0, "\xfe\xff", 2);
	uint8_t *out = malloc(s.n + 1);
	*n = 0;
	for (size_t i = wide && !little; out && i < s.n; i += wide ? 2 : 1)
		if (wide || s.at[i])
			out[(*n)++] = s.at[i];
	return out;
}

static bool look_at_all(struct job *j)
{
	size_t asked = 0;
	bool good = find_names(j);
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
	struct job *j = postern_alloc(call, sizeof *j);
	j->call = call;
	j->s.at = postern_part_data(call, part, &j->s.n);
	if (!j->s.at)
		return POSTERN_TEMPFAIL;
	uint8_t *narrowed = NULL;
	if (memchr(j->s.at, '\0', j->s.n)) {
		narrowed = narrow(j->s, &j->s.n);
		if (!narrowed)
			return postern_fail(call, POSTERN_LIMIT, "it wants more memory than there is");
		j->s.at = narrowed;
	}
	bool good = look_at_all(j);
	free(narrowed);
	return good ? POSTERN_OK : POSTERN_LIMIT;
}

static const struct postern_decoder_ops decoder_ops = {
	.size = sizeof decoder_ops, .types = "html|svg|xml|js|hta|wsf|vbs|script", .decode = decode,
};

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "htmldata", .version = "1", .doc = "Opens data: URLs and files that scripts put together in HTML, SVG and XML.",
	.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .decoder = &decoder_ops,
};
