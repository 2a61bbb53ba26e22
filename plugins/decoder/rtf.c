/* rtf.c - RTF: objects, pictures and other data that stand in the text as hexadecimal digits, and fields that start something.
 *
 * Digits are collected as Word collects them: whatever stands between is
 * ignored, white space, control words, groups of unknown destinations; \bin gives
 * bytes as they are. A destination ends with the group that names it, or with the next one of that group.
 *
 * Programs disagree on an object with groups in its digits, or \'hh within a byte: the text is ambiguous then,
 * and what Word makes of it (half a byte in front of \'hh is lost) comes out beside the other reading. */
#include <postern/plugin.h>

#include <stdlib.h>
#include <strings.h>

#include "ole1.h"
#include "span.h"

#define CAPTURES_MAX 64		/* destinations within each other; more is no document */
#define WORD_MAX 32

enum capture_kind { CAPTURE_OBJECT, CAPTURE_PICTURE, CAPTURE_DATA, CAPTURE_FIELD, CAPTURE_TEMPLATE };

struct digits {
	uint8_t *bytes;
	size_t n, room;
	int nibble;			/* half a byte, or -1 */
};

/* What one destination has collected. */
struct capture {
	enum capture_kind kind;
	const char *name;
	size_t depth;			/* of its group */
	size_t ignored_depth;		/* of the group in it of a destination that is not known, what is in that included; 0: none */
	struct digits usual, word;	/* word: where Word's reading is another one */
	bool forked;
	bool numbered;			/* text: plain letters in it are told by \u, with others beside them for who does not know that */
};

struct reader {
	struct postern_call *call;
	struct span s;
	size_t at;
	size_t depth;			/* of groups */
	struct capture captures[CAPTURES_MAX];
	unsigned capturing;
	bool star;			/* "\*": a destination that may be ignored comes next */
	bool over, out_of_memory, too_deep, ambiguous;
};

static const struct destination { const char *word; enum capture_kind kind; const char *name; } destinations[] = {
	{ "objdata", CAPTURE_OBJECT, NULL }, { "pict", CAPTURE_PICTURE, "picture" }, { "datastore", CAPTURE_DATA, "datastore" },
	{ "themedata", CAPTURE_DATA, "themedata" }, { "fontemb", CAPTURE_DATA, "font" }, { "fldinst", CAPTURE_FIELD, "field.txt" },
	{ "template", CAPTURE_TEMPLATE, "template.txt" },
};

/* The innermost destination, where its digits count. */
static struct capture *capture_of(struct reader *r)
{
	struct capture *c = r->capturing > 0 ? &r->captures[r->capturing - 1] : NULL;
	return c && c->ignored_depth == 0 ? c : NULL;
}

/* The innermost destination, where it is an object. */
static struct capture *object_of(struct reader *r)
{
	struct capture *c = r->capturing > 0 ? &r->captures[r->capturing - 1] : NULL;
	return c && c->kind == CAPTURE_OBJECT ? c : NULL;
}

/* --- collecting --- */

static void append(struct reader *r, struct digits *d, const uint8_t *bytes, size_t n)
{
	if (d->n + n > d->room) {
		size_t room = d->room * 2 + n + 256;
		uint8_t *more = realloc(d->bytes, room);
		if (!more) {
			r->out_of_memory = true;
			return;
		}
		d->bytes = more;
		d->room = room;
	}
	if (n > 0)
		memcpy(d->bytes + d->n, bytes, n);
	d->n += n;
}

static bool is_text(const struct capture *c)
{
	return c->kind == CAPTURE_FIELD || c->kind == CAPTURE_TEMPLATE;
}

static void take_digit(struct reader *r, struct digits *d, int digit)
{
	if (d->nibble < 0) {
		d->nibble = digit;
		return;
	}
	uint8_t byte = (uint8_t)(d->nibble << 4 | digit);
	d->nibble = -1;
	append(r, d, &byte, 1);
}

static void take_character(struct reader *r, uint8_t c)
{
	struct capture *k = capture_of(r), *object = object_of(r);
	int digit = hex_digit(c);
	if (object && digit >= 0 && object->depth < r->depth)
		r->ambiguous = true;
	if (!k || c == '\r' || c == '\n')
		return;
	if (is_text(k)) {
		append(r, &k->usual, &c, 1);
	} else if (digit >= 0) {
		take_digit(r, &k->usual, digit);
		if (k->forked)
			take_digit(r, &k->word, digit);
	}
}

/* \'hh: a character of a text; among the digits of an object Word loses what it has of a byte there. */
static void take_hexadecimal(struct reader *r)
{
	struct capture *k = capture_of(r);
	int high = hex_digit(span_8(r->s, r->at)), low = hex_digit(span_8(r->s, r->at + 1));
	r->at += 2;
	if (k && is_text(k) && high >= 0 && low >= 0)
		take_character(r, (uint8_t)(high << 4 | low));
	if (!k || is_text(k) || (k->forked ? &k->word : &k->usual)->nibble < 0)
		return;
	if (!k->forked) {
		k->word.nibble = k->usual.nibble;
		append(r, &k->word, k->usual.bytes, k->usual.n);
		k->forked = r->ambiguous = true;
	}
	k->word.nibble = -1;
}

static bool is_word_end(struct span s, size_t at)
{
	uint8_t c = span_8(s, at);
	return c <= ' ' || c == '"' || c == '\\';
}

/* As a word of its own: an address may have it in it. */
static bool contains_dde(struct span s)
{
	for (size_t i = 0; i + 3 <= s.n; i++)
		if ((i == 0 || is_word_end(s, i - 1)) && strncasecmp((const char *)s.at + i, "dde", 3) == 0) {
			bool automatic = span_has(s, i, 7) && strncasecmp((const char *)s.at + i + 3, "auto", 4) == 0;
			if (is_word_end(s, i + (automatic ? 7 : 3)))
				return true;
		}
	return false;
}

/* Most fields are page numbers: those that start a program are told, and those that nobody writes so who has nothing to hide. */
static void end_field(struct reader *r, struct span s, bool numbered)
{
	bool starts = contains_dde(s);
	if (!starts && !numbered)
		return;
	r->ambiguous |= !starts;
	r->over |= !postern_child_begin(r->call, "field.txt");
	if (r->over)
		return;
	postern_child_attribute(r->call, starts ? 'X' : 'B');
	if (starts)
		postern_part_attribute(r->call, 'X');
	r->over |= !postern_child_write(r->call, s.at, s.n) || !postern_child_end(r->call);
}

static void end_capture(struct reader *r)
{
	struct capture *c = &r->captures[--r->capturing];
	struct span s = { c->usual.bytes, c->usual.n }, word = { c->word.bytes, c->word.n };
	if (s.n > 0 && !r->over) {
		if (c->kind == CAPTURE_OBJECT)
			r->over |= !ole1_put_object(r->call, s);
		else if (c->kind == CAPTURE_FIELD)
			end_field(r, s, c->numbered);
		else
			r->over |= !child_put(r->call, c->name, s);
	}
	if (word.n > 0 && !r->over)
		r->over |= !(c->kind == CAPTURE_OBJECT ? ole1_put_object(r->call, word) : child_put(r->call, c->name, word));
	free(c->usual.bytes);
	free(c->word.bytes);
}

/* All of this group, and of what is in it. */
static void end_captures(struct reader *r)
{
	while (r->capturing > 0 && r->captures[r->capturing - 1].depth >= r->depth)
		end_capture(r);
}

static void begin_capture(struct reader *r, const struct destination *d)
{
	end_captures(r);
	if (r->capturing < CAPTURES_MAX)
		r->captures[r->capturing++] = (struct capture){ .kind = d->kind, .name = d->name, .depth = r->depth, .usual.nibble = -1, .word.nibble = -1 };
	else
		r->too_deep = true;
}

/* --- the text --- */

static void open_group(struct reader *r)
{
	r->depth++;
	r->star = false;
}

static void close_group(struct reader *r)
{
	end_captures(r);
	struct capture *c = r->capturing > 0 ? &r->captures[r->capturing - 1] : NULL;
	if (c && c->ignored_depth >= r->depth)
		c->ignored_depth = 0;
	if (r->depth > 0)
		r->depth--;
	r->star = false;
}

static void append_bytes(struct reader *r, struct digits *d, const uint8_t *bytes, size_t n)
{
	r->ambiguous |= d->nibble >= 0;
	d->nibble = -1;
	append(r, d, bytes, n);
}

/* Bytes as they are; a length that leads beyond the end is none to us. */
static void take_binary(struct reader *r, int64_t n)
{
	struct capture *k = capture_of(r);
	if (n <= 0 || (uint64_t)n > r->s.n - r->at) {
		r->ambiguous |= n != 0 && object_of(r);
		return;
	}
	if (k)
		append_bytes(r, &k->usual, r->s.at + r->at, (size_t)n);
	if (k && k->forked)
		append_bytes(r, &k->word, r->s.at + r->at, (size_t)n);
	r->at += (size_t)n;
}

static void take_word(struct reader *r, const char *word, bool has_number, int64_t number)
{
	bool star = r->star;
	r->star = false;
	if (strcmp(word, "bin") == 0) {
		take_binary(r, number);
		return;
	}
	if (strcmp(word, "u") == 0 && has_number && capture_of(r) && is_text(capture_of(r))) {
		capture_of(r)->numbered |= number > ' ' && number < 0x80;
		take_character(r, number > 0 && number < 0x80 ? (uint8_t)number : '?');
	}
	for (size_t i = 0; i < sizeof destinations / sizeof *destinations; i++)
		if (strcmp(word, destinations[i].word) == 0) {
			r->ambiguous |= has_number && destinations[i].kind == CAPTURE_OBJECT;	/* its first digits, or a number */
			begin_capture(r, &destinations[i]);
			return;
		}
	if (star && capture_of(r) && capture_of(r)->depth < r->depth)
		capture_of(r)->ignored_depth = r->depth;
}

/* Behind a backslash: a word of letters with a number and one space, a symbol, or \'hh. */
static void take_control(struct reader *r)
{
	char word[WORD_MAX + 1] = "";
	size_t n = 0, from = r->at;
	int64_t number = 0;
	uint8_t c = span_8(r->s, r->at);
	if (!((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
		r->star |= c == '*';
		r->at++;
		if (c == '\'')
			take_hexadecimal(r);
		return;
	}
	while (((c = span_8(r->s, r->at)) | 0x20) >= 'a' && (c | 0x20) <= 'z') {
		if (n < WORD_MAX)
			word[n++] = (char)c;
		r->at++;
	}
	bool minus = span_8(r->s, r->at) == '-';
	r->at += minus;
	for (from = r->at; (c = span_8(r->s, r->at)) >= '0' && c <= '9'; r->at++)
		if (number < INT32_MAX)
			number = number * 10 + (c - '0');
	bool has_number = r->at > from;
	r->at += span_8(r->s, r->at) == ' ';
	take_word(r, word, has_number, minus ? -number : number);
}

static void read_text(struct reader *r)
{
	for (size_t turn = 1; r->at < r->s.n && !r->over && !r->out_of_memory; turn++) {
		uint8_t c = r->s.at[r->at++];
		if (c == '{')
			open_group(r);
		else if (c == '}')
			close_group(r);
		else if (c == '\\')
			take_control(r);
		else
			take_character(r, c);
		if (turn % 65536 == 0 && !postern_may_go_on(r->call))
			r->over = true;
	}
	while (r->capturing > 0)	/* a group that was not closed */
		end_capture(r);
}

static enum postern_result decode(struct postern_call *call, const struct postern_part *part)
{
	struct reader *r = postern_alloc(call, sizeof *r);
	r->call = call;
	r->s.at = postern_part_data(call, part, &r->s.n);
	if (!r->s.at)
		return POSTERN_TEMPFAIL;
	postern_part_keep(call);
	read_text(r);
	if (r->ambiguous)
		postern_part_attribute(call, 'B');
	if (r->out_of_memory && !r->over)
		return postern_fail(call, POSTERN_LIMIT, "its objects want more memory than there is");
	if (r->over)
		return POSTERN_LIMIT;
	return r->too_deep ? postern_fail(call, POSTERN_BROKEN, "more than %d destinations within each other", CAPTURES_MAX) : POSTERN_OK;
}

static const struct postern_decoder_ops decoder_ops = { .size = sizeof decoder_ops, .types = "rtf", .decode = decode };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "rtf", .version = "1", .doc = "Opens objects and pictures in RTF.",
	.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .decoder = &decoder_ops,
};
