/* uudecode.c - see uudecode.h. */
#include "config.h"

#include "opener/uudecode.h"

#include <string.h>

#include "opener/transfer.h"

#define NAME_MAX_BYTES 1000

struct line {
	const uint8_t *at;
	size_t length;		/* without its end */
	size_t next;		/* offset of the next line */
};

static struct line line_at(const uint8_t *text, size_t n, size_t from)
{
	struct line l = { .at = text + from };
	const uint8_t *end = memchr(text + from, '\n', n - from);
	l.length = end ? (size_t)(end - l.at) : n - from;
	l.next = end ? from + l.length + 1 : n;
	if (l.length > 0 && l.at[l.length - 1] == '\r')
		l.length--;
	return l;
}

static bool line_is(const struct line *l, const char *word)
{
	size_t n = l->length;
	while (n > 0 && (l->at[n - 1] == ' ' || l->at[n - 1] == '\t'))
		n--;
	return n == strlen(word) && memcmp(l->at, word, n) == 0;
}

/* "begin 644 name" or "begin-base64 644 name": the offset of the name in the line, 0 when it is neither. */
static size_t begin_line(const struct line *l, bool *base64)
{
	static const char plain[] = "begin ", armoured[] = "begin-base64 ";
	size_t i;
	if (l->length > sizeof plain && memcmp(l->at, plain, sizeof plain - 1) == 0) {
		*base64 = false;
		i = sizeof plain - 1;
	} else if (l->length > sizeof armoured && memcmp(l->at, armoured, sizeof armoured - 1) == 0) {
		*base64 = true;
		i = sizeof armoured - 1;
	} else {
		return 0;
	}
	size_t digits = i;
	while (i < l->length && l->at[i] >= '0' && l->at[i] <= '7')
		i++;
	if (i - digits < 3 || i - digits > 5 || i >= l->length || l->at[i] != ' ')
		return 0;
	while (i < l->length && l->at[i] == ' ')
		i++;
	return i < l->length ? i : 0;
}

static uint8_t uu_value(const struct line *l, size_t i)
{
	return i < l->length ? (uint8_t)(l->at[i] - 32) & 63 : 0;	/* trailing blanks get lost in transport */
}

static size_t uu_line_bytes(const struct line *l)
{
	return l->length > 0 ? uu_value(l, 0) : 0;
}

/* A data line holds what it announces, give or take lost blanks and a checksum character. */
static bool plausible(const struct line *l)
{
	size_t bytes = uu_line_bytes(l), needed = (bytes + 2) / 3 * 4;
	if (l->length == 0 || l->at[0] < 32 || l->at[0] > 96)
		return false;
	for (size_t i = 0; i < l->length; i++)
		if (l->at[i] < 32 || l->at[i] > 127)
			return false;
	return l->length <= needed + 3;
}

static void decode_uu_line(const struct line *l, GByteArray *out)
{
	size_t bytes = uu_line_bytes(l);
	uint8_t decoded[66];
	size_t n = 0;
	for (size_t i = 1; n < bytes; i += 4) {
		uint32_t v = (uint32_t)uu_value(l, i) << 18 | (uint32_t)uu_value(l, i + 1) << 12 | (uint32_t)uu_value(l, i + 2) << 6
			| uu_value(l, i + 3);
		decoded[n] = (uint8_t)(v >> 16);
		decoded[n + 1] = (uint8_t)(v >> 8);
		decoded[n + 2] = (uint8_t)v;
		n += 3;
	}
	g_byte_array_append(out, decoded, (guint)bytes);
}

static void decode_uu(const uint8_t *text, size_t n, size_t at, struct uu_block *b)
{
	while (at < n) {
		struct line l = line_at(text, n, at);
		if (line_is(&l, "end")) {
			b->end = l.next;
			return;
		}
		if (!plausible(&l))
			break;
		at = l.next;
		decode_uu_line(&l, b->content);
	}
	b->broken = true;
	b->end = at;
}

static void decode_base64(const uint8_t *text, size_t n, size_t at, struct uu_block *b)
{
	struct transfer t;
	transfer_begin(&t, TRANSFER_BASE64);
	while (at < n) {
		struct line l = line_at(text, n, at);
		at = l.next;
		if (line_is(&l, "====")) {
			b->broken = transfer_failed(&t);
			b->end = at;
			return;
		}
		guint old = b->content->len;
		g_byte_array_set_size(b->content, old + (guint)transfer_room(l.length));
		g_byte_array_set_size(b->content, old + (guint)transfer_decode(&t, l.at, l.length, b->content->data + old));
	}
	b->broken = true;
	b->end = n;
}

/* Prose may hold a line "begin 123 times": only a plausible line behind it makes a block. */
static bool take_block(const uint8_t *text, size_t n, const struct line *begin, struct uu_block *out)
{
	bool base64;
	size_t name = begin_line(begin, &base64);
	if (!name || begin->next >= n)
		return false;
	struct line first = line_at(text, n, begin->next);
	if (!base64 && (!plausible(&first) || (first.length - 1) * 2 < (uu_line_bytes(&first) + 2) / 3 * 4))
		return false;
	*out = (struct uu_block){ .content = g_byte_array_new() };
	size_t name_bytes = begin->length - name;
	out->name = g_strndup((const char *)begin->at + name, name_bytes < NAME_MAX_BYTES ? name_bytes : NAME_MAX_BYTES);
	if (base64)
		decode_base64(text, n, begin->next, out);
	else
		decode_uu(text, n, begin->next, out);
	return true;
}

bool uu_find(const uint8_t *text, size_t n, size_t from, struct uu_block *out)
{
	while (from < n) {
		const uint8_t *hit = memmem(text + from, n - from, "begin", 5);
		if (!hit)
			return false;
		size_t at = (size_t)(hit - text);
		struct line l = line_at(text, n, at);
		if ((at == 0 || text[at - 1] == '\n') && take_block(text, n, &l, out)) {
			out->begin = at;
			return true;
		}
		from = at + 5;
	}
	return false;
}

void uu_clear(struct uu_block *b)
{
	g_free(b->name);
	if (b->content)
		g_byte_array_unref(b->content);
	*b = (struct uu_block){ 0 };
}
