/* yenc.c - yEnc 1.3: "=ybegin line=128 size=N name=..." ... "=yend size=N", in one piece or in parts that follow each other. */
#include "config.h"

#include <string.h>

#include "opener/text_file.h"
#include "opener/text_line.h"

struct head {
	char *name;
	uint64_t part, total, size;	/* 0: not said */
};

/* " size=" and its number; 0: not there. */
static uint64_t number_of(const char *line, const char *key)
{
	const char *at = strstr(line, key);
	return at ? g_ascii_strtoull(at + strlen(key), NULL, 10) : 0;
}

/* The name is last, and goes to the end of the line. */
static bool read_head(const struct text_line *l, struct head *out)
{
	if (!text_line_begins(l, "=ybegin "))
		return false;
	char *line = g_strndup((const char *)l->at, l->length < 2 * TEXT_FILE_NAME_MAX_BYTES ? l->length : 2 * TEXT_FILE_NAME_MAX_BYTES);
	char *name = strstr(line, " name=");
	bool good = name && (strstr(line, " line=") || strstr(line, " size="));
	if (good) {
		out->name = g_strstrip(g_strdup(name + 6));
		*name = '\0';
		out->part = number_of(line, " part=");
		out->total = number_of(line, " total=");
		out->size = number_of(line, " size=");
	}
	g_free(line);
	return good;
}

static void decode_line(const struct text_line *l, GByteArray *out)
{
	guint old = out->len, made = old;
	g_byte_array_set_size(out, old + (guint)l->length);
	for (size_t i = 0; i < l->length; i++) {
		uint8_t c = l->at[i];
		if (c == '=' && i + 1 < l->length)
			c = (uint8_t)(l->at[++i] - 64);
		out->data[made++] = (uint8_t)(c - 42);
	}
	g_byte_array_set_size(out, made);
}

/* Data lines up to "=yend": false when the text ends before. */
static bool decode_part(const uint8_t *text, size_t n, size_t *at, GByteArray *out)
{
	while (*at < n) {
		struct text_line l = text_line_at(text, n, *at);
		if (text_line_begins(&l, "=ybegin "))
			return false;
		*at = l.next;
		if (text_line_begins(&l, "=yend"))
			return true;
		if (!text_line_begins(&l, "=ypart "))
			decode_line(&l, out);
	}
	return false;
}

/* Where the next part of the same file begins, behind nothing but blank lines: n when it does not. */
static size_t next_part(const uint8_t *text, size_t n, size_t at, const struct head *before)
{
	while (at < n) {
		struct text_line l = text_line_at(text, n, at);
		struct head h;
		if (text_line_is(&l, "")) {
			at = l.next;
			continue;
		}
		if (!read_head(&l, &h))
			return n;
		bool follows = strcmp(h.name, before->name) == 0 && h.part == before->part + 1;
		g_free(h.name);
		return follows ? at : n;
	}
	return n;
}

bool yenc_at(const uint8_t *text, size_t n, size_t at, struct text_file *out)
{
	struct text_line l = text_line_at(text, n, at);
	struct head h;
	if (!read_head(&l, &h))
		return false;
	*out = (struct text_file){ .name = h.name, .content = g_byte_array_new(), .begin = at, .end = l.next };
	bool ended = decode_part(text, n, &out->end, out->content), from_first = h.part <= 1;
	for (size_t next; ended && h.part > 0 && (next = next_part(text, n, out->end, &h)) < n; h.part++) {
		l = text_line_at(text, n, next);
		out->end = l.next;
		ended = decode_part(text, n, &out->end, out->content);
	}
	bool whole = h.size == 0 ? h.part >= h.total : h.size == out->content->len;
	out->broken = !ended || !whole;
	out->ambiguous = h.part > 0 && (!from_first || !whole);	/* a piece: another file to who puts it together with those of other parts */
	return true;
}
