/* rtf.c - RTF: objects, pictures and other data that stand in the text as hexadecimal digits, and fields that start something.
 *
 * Digits are collected as Word collects them: whatever stands between is
 * ignored, white space, control words, groups of unknown destinations; \bin gives
 * bytes as they are. A destination ends with the group that names it, or with the next one of that group. */
#include <postern/plugin.h>

#include <stdlib.h>

#include "ole1.h"
#include "span.h"

#define CAPTURES_MAX 64		/* destinations within each other; more is no document */
#define WORD_MAX 32

enum capture_kind { CAPTURE_OBJECT, CAPTURE_PICTURE, CAPTURE_DATA, CAPTURE_FIELD, CAPTURE_TEMPLATE };

/* What one destination has collected. */
struct capture {
	enum capture_kind kind;
	const char *name;
	size_t depth;			/* of its group */
	uint8_t *bytes;
	size_t n, room;
	int nibble;			/* half a byte, or -1 */
};

struct reader {
	struct postern_call *call;
	struct span s;
	size_t at;
	size_t depth;			/* of groups */
	size_t ignored_depth;		/* of the group of a destination that is not known, what is in it included; 0: none */
	struct capture captures[CAPTURES_MAX];
	unsigned capturing;
	bool star;			/* "\*": a destination that may be ignored comes next */
	bool over, out_of_memory, too_deep;
};

static const struct destination { const char *word; enum capture_kind kind; const char *name; } destinations[] = {
	{ "objdata", CAPTURE_OBJECT, NULL }, { "pict", CAPTURE_PICTURE, "picture" }, { "datastore", CAPTURE_DATA, "datastore" },
	{ "themedata", CAPTURE_DATA, "themedata" }, { "fontemb", CAPTURE_DATA, "font" }, { "fldinst", CAPTURE_FIELD, "field.txt" },
	{ "template", CAPTURE_TEMPLATE, "template.txt" },
};

/* The innermost destination, where its digits count. */
static struct capture *capture_of(struct reader *r)
{
	return r->capturing > 0 && r->ignored_depth == 0 ? &r->captures[r->capturing - 1] : NULL;
}

/* --- collecting --- */

static void append(struct reader *r, struct capture *c, const uint8_t *bytes, size_t n)
{
	if (c->n + n > c->room) {
		size_t room = c->room * 2 + n + 256;
		uint8_t *more = realloc(c->bytes, room);
		if (!more) {
			r->out_of_memory = true;
			return;
		}
		c->bytes = more;
		c->room = room;
	}
	if (n > 0)
		memcpy(c->bytes + c->n, bytes, n);
	c->n += n;
}

static bool is_text(const struct capture *c)
{
	return c->kind == CAPTURE_FIELD || c->kind == CAPTURE_TEMPLATE;
}

static void take_character(struct reader *r, uint8_t c)
{
	struct capture *k = capture_of(r);
	int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
	if (!k || c == '\r' || c == '\n')
		return;
	if (is_text(k)) {
		append(r, k, &c, 1);
	} else if (digit >= 0 && k->nibble < 0) {
		k->nibble = digit;
	} else if (digit >= 0) {
		uint8_t byte = (uint8_t)(k->nibble << 4 | digit);
		k->nibble = -1;
		append(r, k, &byte, 1);
	}
}

static bool contains_dde(struct span s)
{
	for (size_t i = 0; i + 3 <= s.n; i++)
		if ((s.at[i] | 0x20) == 'd' && (s.at[i + 1] | 0x20) == 'd' && (s.at[i + 2] | 0x20) == 'e')
			return true;
	return false;
}

/* Most fields are page numbers: those that start a program are told. */
static void end_field(struct reader *r, struct span s)
{
	if (!contains_dde(s))
		return;
	r->over |= !postern_child_begin(r->call, "field.txt");
	if (r->over)
		return;
	postern_child_attribute(r->call, 'X');
	postern_part_attribute(r->call, 'X');
	r->over |= !postern_child_write(r->call, s.at, s.n) || !postern_child_end(r->call);
}

static void end_capture(struct reader *r)
{
	struct capture *c = &r->captures[--r->capturing];
	struct span s = { c->bytes, c->n };
	if (s.n > 0 && !r->over) {
		if (c->kind == CAPTURE_OBJECT)
			r->over |= !ole1_put_object(r->call, s);
		else if (c->kind == CAPTURE_FIELD)
			end_field(r, s);
		else
			r->over |= !child_put(r->call, c->name, s);
	}
	free(c->bytes);
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
		r->captures[r->capturing++] = (struct capture){ .kind = d->kind, .name = d->name, .depth = r->depth, .nibble = -1 };
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
	if (r->ignored_depth >= r->depth)
		r->ignored_depth = 0;
	if (r->depth > 0)
		r->depth--;
	r->star = false;
}

/* Bytes as they are; a length that leads beyond the end is none. */
static void take_binary(struct reader *r, int64_t n)
{
	struct capture *k = capture_of(r);
	if (n <= 0 || (uint64_t)n > r->s.n - r->at)
		return;
	if (k) {
		k->nibble = -1;
		append(r, k, r->s.at + r->at, (size_t)n);
	}
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
	if (strcmp(word, "u") == 0 && has_number && capture_of(r) && is_text(capture_of(r)))
		take_character(r, number > 0 && number < 0x80 ? (uint8_t)number : '?');
	for (size_t i = 0; i < sizeof destinations / sizeof *destinations; i++)
		if (strcmp(word, destinations[i].word) == 0) {
			begin_capture(r, &destinations[i]);
			return;
		}
	if (star && r->ignored_depth == 0 && r->capturing > 0 && r->captures[r->capturing - 1].depth < r->depth)
		r->ignored_depth = r->depth;
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
		r->at += c == '\'' ? 3 : 1;
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
