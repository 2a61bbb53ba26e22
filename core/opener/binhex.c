/* binhex.c - BinHex 4 (RFC 1741): a line that announces it, then ":" six bits a character, runs shortened, ":".
 *
 * Checksums are not compared: whatever the file holds is its content.  The
 * content is the data fork, beside it the resource fork. */
#include "config.h"

#include <string.h>

#include "opener/text_file.h"
#include "opener/text_line.h"

#define RUN_MARK 0x90
#define START_WITHIN_BYTES 2000		/* of the announcement: comments may stand between */

static const char alphabet[] = "!\"#$%&'()*+,-012345689@ABCDEFGHIJKLMNPQRSTUVXYZ[`abcdefhijklmpqr";

/* Bytes out of sextets, runs expanded. */
struct unpacker {
	GByteArray *out;
	size_t max_bytes;
	uint32_t bits;
	unsigned held;
	bool in_run;
};

static void put_run(struct unpacker *u, uint8_t c, size_t n)
{
	guint old = u->out->len;
	n = MIN(n, u->max_bytes - old);
	g_byte_array_set_size(u->out, old + (guint)n);
	memset(u->out->data + old, c, n);
}

static void put_byte(struct unpacker *u, uint8_t c)
{
	if (u->in_run) {
		u->in_run = false;
		uint8_t last = u->out->len > 0 ? u->out->data[u->out->len - 1] : 0;
		put_run(u, c == 0 ? RUN_MARK : last, c == 0 ? 1 : c - 1u);
	} else if (c == RUN_MARK) {
		u->in_run = true;
	} else {
		put_run(u, c, 1);
	}
}

static void put_sextet(struct unpacker *u, unsigned value)
{
	u->bits = u->bits << 6 | value;
	u->held += 6;
	if (u->held < 8)
		return;
	u->held -= 8;
	put_byte(u, (uint8_t)(u->bits >> u->held));
	u->bits &= (1u << u->held) - 1;
}

/* The ':' that starts a line behind the announcement; n: there is none near. */
static size_t find_start(const uint8_t *text, size_t n, size_t at)
{
	size_t end = n - at > START_WITHIN_BYTES ? at + START_WITHIN_BYTES : n;
	for (struct text_line l = text_line_at(text, n, at); l.next < end; l = text_line_at(text, n, l.next))
		if (l.next < n && text[l.next] == ':')
			return l.next + 1;
	return n;
}

/* Up to the ':' at the end. false: it ends otherwise. */
static bool unpack(const uint8_t *text, size_t n, size_t *at, struct unpacker *u)
{
	for (; *at < n && u->out->len < u->max_bytes; (*at)++) {
		uint8_t c = text[*at];
		const char *value = c ? strchr(alphabet, c) : NULL;
		if (value)
			put_sextet(u, (unsigned)(value - alphabet));
		else if (c == ':')
			return true;
		else if (c != '\r' && c != '\n' && c != ' ' && c != '\t')
			return false;
	}
	return false;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* A fork of `wanted` bytes at *at of the unpacked file; less where there is not so much. */
static GByteArray *take_fork(const GByteArray *file, size_t *at, uint32_t wanted)
{
	GByteArray *fork = g_byte_array_new();
	size_t there = *at < file->len ? file->len - *at : 0, n = wanted < there ? wanted : there;
	g_byte_array_append(fork, file->data + *at, (guint)n);
	*at += n + 2;
	return fork;
}

/* Length of the name, name, version 0, type, creator, flags, lengths of both forks, checksum. */
static bool read_file(const GByteArray *file, struct text_file *out)
{
	size_t name = file->len > 0 ? file->data[0] : 0, at = 1 + name + 1 + 4 + 4 + 2 + 4 + 4 + 2;
	if (name == 0 || name > 63 || file->len < at)
		return false;
	uint32_t data = be32(file->data + at - 10), resource = be32(file->data + at - 6);
	out->name = g_strndup((const char *)file->data + 1, name);
	out->ambiguous = (uint64_t)at + data + 2 + resource > file->len;
	out->broken |= out->ambiguous;
	out->content = take_fork(file, &at, data);
	out->other = resource > 0 && at < file->len ? take_fork(file, &at, resource) : NULL;
	return true;
}

bool binhex_at(const uint8_t *text, size_t n, size_t at, size_t max_bytes, struct text_file *out)
{
	struct unpacker u = { .max_bytes = max_bytes };
	size_t end = text[at] == ':' ? at + 1 : find_start(text, n, at);
	if (end >= n)
		return false;
	u.out = g_byte_array_new();
	bool ended = unpack(text, n, &end, &u);
	*out = (struct text_file){ .begin = at, .end = end < n ? end + 1 : n, .broken = !ended };
	bool good = read_file(u.out, out);
	g_byte_array_unref(u.out);
	return good;
}
