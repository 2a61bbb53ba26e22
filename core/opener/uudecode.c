/* uudecode.c - "begin 644 name" ... "end": uuencode, its base64 kind, and xxencode, which looks the same but for the alphabet. */
#include "config.h"

#include <string.h>

#include "opener/text_file.h"
#include "opener/text_line.h"
#include "opener/transfer.h"

#define NO_VALUE 0xff

struct begin_line {
	size_t name;		/* its offset in the line; the line's length: there is none */
	bool base64;
	bool loose;		/* no mode and a name: a sentence may begin so, too */
};

static size_t skip_blanks(const struct text_line *l, size_t i)
{
	while (i < l->length && (l->at[i] == ' ' || l->at[i] == '\t'))
		i++;
	return i;
}

/* "begin 644 name" or "begin-base64 644 name". Some readers want no mode, none less than three octal digits, or take any blanks. */
static bool read_begin_line(const struct text_line *l, struct begin_line *b)
{
	b->base64 = text_line_begins(l, "begin-base64");
	size_t word = b->base64 ? strlen("begin-base64") : strlen("begin"), digits = skip_blanks(l, word), i = digits;
	if (digits == word || !text_line_begins(l, "begin"))
		return false;
	while (i < l->length && l->at[i] >= '0' && l->at[i] <= '7')
		i++;
	b->name = skip_blanks(l, i);
	b->loose = i - digits < 3 || i - digits > 6 || b->name == i || b->name == l->length;
	if (b->name == i && i < l->length)
		b->name = digits;	/* what looks like a mode begins a word */
	return true;
}

/* --- alphabets --- */

static uint8_t uu_value(uint8_t c)
{
	return c >= 32 && c <= 127 ? (uint8_t)(c - 32) & 63 : NO_VALUE;
}

static uint8_t xx_value(uint8_t c)
{
	if (c == '+' || c == '-')
		return c == '-';
	if (c >= '0' && c <= '9')
		return (uint8_t)(c - '0' + 2);
	if (c >= 'A' && c <= 'Z')
		return (uint8_t)(c - 'A' + 12);
	return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 38) : NO_VALUE;
}

typedef uint8_t (*value_fn)(uint8_t c);

static uint8_t value_at(const struct text_line *l, size_t i, value_fn value)
{
	return i < l->length ? value(l->at[i]) : 0;	/* trailing blanks get lost in transport */
}

static size_t announced(const struct text_line *l, value_fn value)
{
	return l->length > 0 ? value(l->at[0]) : 0;
}

static size_t characters_for(size_t bytes)
{
	return (bytes + 2) / 3 * 4;
}

/* uuencode has no small letters, but some decoders read them; a line that is too long must do without: it is prose else. */
static bool is_data(const struct text_line *l, value_fn value)
{
	bool strict = l->length > characters_for(announced(l, value)) + 3;
	uint8_t last = value == uu_value ? '`' : 'z';
	for (size_t i = 0; i < l->length; i++)
		if (value(l->at[i]) == NO_VALUE || (strict && l->at[i] > last))
			return false;
	return l->length > 0 && l->at[0] <= last;
}

/* A line that holds what it announces, give or take lost blanks and a checksum character. */
static bool is_plausible(const struct text_line *l, value_fn value)
{
	size_t needed = characters_for(announced(l, value));
	return is_data(l, value) && l->length <= needed + 3 && (l->length - 1) * 2 >= needed;
}

/* Neither lacks more of what it announces than the blanks that fill its last characters, nor has a small letter: prose is otherwise. */
static bool is_exact(const struct text_line *l)
{
	size_t bytes = announced(l, uu_value);
	if (bytes == 0 || l->length + 2 <= characters_for(bytes))
		return false;
	for (size_t i = 0; i < l->length; i++)
		if (l->at[i] > '`')
			return false;
	return true;
}

static void decode_line(const struct text_line *l, size_t bytes, value_fn value, GByteArray *out)
{
	guint old = out->len;
	for (size_t i = 1; out->len - old < bytes; i += 4) {
		uint32_t v = 0;
		for (size_t k = 0; k < 4; k++)
			v = v << 6 | value_at(l, i + k, value);
		uint8_t three[3] = { (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
		g_byte_array_append(out, three, 3);
	}
	g_byte_array_set_size(out, old + (guint)bytes);
}

/* --- blocks --- */

struct block {
	GByteArray *content;
	GByteArray *whole_lines;	/* the lengths in front of the lines ignored; NULL: they are true */
	bool broken, differs;
	size_t end;
};

static void block_free(struct block *b)
{
	g_byte_array_unref(b->content);
	if (b->whole_lines)
		g_byte_array_unref(b->whole_lines);
}

static void add_line(struct block *b, const struct text_line *l, value_fn value)
{
	size_t bytes = announced(l, value);
	bool lies = l->length > characters_for(bytes) + 3;
	if (lies && !b->whole_lines) {
		b->whole_lines = g_byte_array_new();
		g_byte_array_append(b->whole_lines, b->content->data, b->content->len);
	}
	decode_line(l, bytes, value, b->content);
	if (b->whole_lines)
		decode_line(l, lies ? (l->length - 1) / 4 * 3 : bytes, value, b->whole_lines);
	b->differs |= lies;
}

static bool is_within(const struct block *b, size_t max_bytes)
{
	return b->content->len < max_bytes && (!b->whole_lines || b->whole_lines->len < max_bytes);
}

static void cut_to(GByteArray *a, size_t max_bytes)
{
	if (a && a->len > max_bytes)
		g_byte_array_set_size(a, (guint)max_bytes);
}

/* A line may lack the blanks at its end, all of them: two bytes of text become 45. */
static struct block decode_block(const uint8_t *text, size_t n, size_t at, value_fn value, size_t max_bytes)
{
	struct block b = { .content = g_byte_array_new() };
	while (at < n && is_within(&b, max_bytes)) {
		struct text_line l = text_line_at(text, n, at);
		if (text_line_is(&l, "end")) {
			b.end = l.next;
			return b;
		}
		if (!is_data(&l, value))
			break;
		at = l.next;
		add_line(&b, &l, value);
	}
	b.broken = true;
	b.end = at;
	cut_to(b.content, max_bytes);
	cut_to(b.whole_lines, max_bytes);
	return b;
}

static void take_decoded(struct block *b, struct text_file *out)
{
	out->broken = b->broken || b->differs;
	out->end = b->end;
	out->content = g_byte_array_ref(b->content);
	out->other = b->differs ? g_byte_array_ref(b->whole_lines) : NULL;
	block_free(b);
}

/* Lines may make sense in both alphabets: the one that comes to an end counts, or both do. */
static void decode_either(const uint8_t *text, size_t n, size_t at, bool as_uu, bool as_xx, size_t max_bytes, struct text_file *out)
{
	struct block uu = decode_block(text, n, at, uu_value, as_uu ? max_bytes : 0), xx = decode_block(text, n, at, xx_value, as_xx ? max_bytes : 0);
	bool xx_wins = as_xx && (!as_uu || (uu.broken && !xx.broken) || (uu.differs && !xx.differs));
	bool both = as_uu && as_xx && !xx.broken && !xx.differs && !uu.broken && !uu.differs;
	if (both)
		out->other = g_byte_array_ref(xx.content);
	out->ambiguous = both || (xx_wins ? xx : uu).differs;
	GByteArray *other = out->other;
	take_decoded(xx_wins ? &xx : &uu, out);
	if (other)
		out->other = other;
	block_free(xx_wins ? &uu : &xx);
}

static void decode_base64(const uint8_t *text, size_t n, size_t at, struct text_file *f)
{
	struct transfer t;
	transfer_begin(&t, TRANSFER_BASE64);
	f->content = g_byte_array_new();
	f->broken = true;
	while (at < n) {
		struct text_line l = text_line_at(text, n, at);
		guint old = f->content->len;
		at = l.next;
		if (text_line_is(&l, "====")) {
			f->broken = transfer_failed(&t);
			break;
		}
		g_byte_array_set_size(f->content, old + (guint)transfer_room(l.length));
		g_byte_array_set_size(f->content, old + (guint)transfer_decode(&t, l.at, l.length, f->content->data + old));
	}
	uint8_t rest[4];
	g_byte_array_append(f->content, rest, (guint)transfer_end(&t, rest));
	f->end = at;
}

/* Prose may hold a line "begin 123 times": only a plausible line behind it makes a block. */
bool uu_at(const uint8_t *text, size_t n, size_t at, size_t max_bytes, struct text_file *out)
{
	struct begin_line b;
	struct text_line begin = text_line_at(text, n, at);
	if (!read_begin_line(&begin, &b) || begin.next >= n)
		return false;
	struct text_line first = text_line_at(text, n, begin.next);
	bool as_uu = is_plausible(&first, uu_value), as_xx = is_plausible(&first, xx_value);
	if (b.loose ? b.base64 || !as_uu || !is_exact(&first) : !b.base64 && !as_uu && !as_xx)
		return false;
	*out = (struct text_file){ .begin = at };
	size_t name_bytes = begin.length - b.name;
	out->name = g_strndup((const char *)begin.at + b.name, name_bytes < TEXT_FILE_NAME_MAX_BYTES ? name_bytes : TEXT_FILE_NAME_MAX_BYTES);
	if (b.base64)
		decode_base64(text, n, begin.next, out);
	else
		decode_either(text, n, begin.next, as_uu, as_xx, max_bytes, out);
	return true;
}

bool uu_find(const uint8_t *text, size_t n, size_t from, size_t max_bytes, struct text_file *out)
{
	while (from < n) {
		const uint8_t *hit = memmem(text + from, n - from, "begin", 5);
		if (!hit)
			return false;
		size_t at = (size_t)(hit - text);
		if ((at == 0 || text[at - 1] == '\n') && uu_at(text, n, at, max_bytes, out))
			return true;
		from = at + 5;
	}
	return false;
}
