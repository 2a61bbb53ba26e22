/* codec.c - puts the fields of records into bytes and takes them out again.
 *
 * Little-endian by shifts, so that nothing here depends on the machine.  The
 * reader never trusts a length; it must not allocate before it has seen that
 * the bytes are there.  */
#include "wire/codec.h"

#include <string.h>
#include <talloc.h>

#define HEAD_BYTES 8
#define LENGTH_AT 4
#define NULL_STRING UINT32_MAX	/* as a string's length: there is none */

static void store_le(uint8_t *to, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t load_le(const uint8_t *from, unsigned bytes)
{
	uint64_t v = 0;
	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)from[i] << (8 * i);
	return v;
}

/* Room for n bytes at the end of the record. */
static uint8_t *writer_extend(struct wire_writer *w, size_t n)
{
	guint before = w->bytes->len;
	g_byte_array_set_size(w->bytes, before + (guint)n);
	return w->bytes->data + before;
}

void wire_begin(struct wire_writer *w, uint16_t kind)
{
	if (!w->bytes)
		w->bytes = g_byte_array_sized_new(512);
	g_byte_array_set_size(w->bytes, HEAD_BYTES);
	store_le(w->bytes->data, kind, 2);
	store_le(w->bytes->data + 2, WIRE_VERSION, 2);
	store_le(w->bytes->data + LENGTH_AT, 0, 4);
}

void wire_put_u8(struct wire_writer *w, uint8_t v)
{
	*writer_extend(w, 1) = v;
}

void wire_put_u32(struct wire_writer *w, uint32_t v)
{
	store_le(writer_extend(w, 4), v, 4);
}

void wire_put_u64(struct wire_writer *w, uint64_t v)
{
	store_le(writer_extend(w, 8), v, 8);
}

void wire_put_i64(struct wire_writer *w, int64_t v)
{
	wire_put_u64(w, (uint64_t)v);
}

void wire_put_double(struct wire_writer *w, double v)
{
	uint64_t bits;
	memcpy(&bits, &v, sizeof bits);
	wire_put_u64(w, bits);
}

void wire_put_blob(struct wire_writer *w, const void *data, size_t n)
{
	uint8_t *to = writer_extend(w, 4 + n);
	store_le(to, n, 4);
	if (n > 0)
		memcpy(to + 4, data, n);
}

void wire_put_str(struct wire_writer *w, const char *text)
{
	if (text)
		wire_put_blob(w, text, strlen(text));
	else
		wire_put_u32(w, NULL_STRING);
}

void wire_put_str_cut(struct wire_writer *w, const char *text, size_t max)
{
	size_t n = text ? strnlen(text, max + 1) : 0;
	if (n <= max) {
		wire_put_str(w, text);
		return;
	}
	n = max;
	while (n > 0 && max - n < 3 && ((unsigned char)text[n] & 0xC0) == 0x80)
		n--;
	wire_put_blob(w, text, n);
}

const void *wire_end(struct wire_writer *w, size_t *n)
{
	store_le(w->bytes->data + LENGTH_AT, w->bytes->len - HEAD_BYTES, 4);
	*n = w->bytes->len;
	return w->bytes->data;
}

void wire_free(struct wire_writer *w)
{
	if (w->bytes)
		g_byte_array_unref(w->bytes);
	w->bytes = NULL;
}

bool wire_open(struct wire_reader *r, const void *data, size_t n)
{
	const uint8_t *bytes = data;
	*r = (struct wire_reader){ .at = bytes, .end = bytes, .bad = true };
	if (n < HEAD_BYTES || load_le(bytes + 2, 2) != WIRE_VERSION ||
	    load_le(bytes + LENGTH_AT, 4) != n - HEAD_BYTES)
		return false;
	r->kind = (uint16_t)load_le(bytes, 2);
	r->at = bytes + HEAD_BYTES;
	r->end = bytes + n;
	r->bad = false;
	return true;
}

static size_t reader_left(const struct wire_reader *r)
{
	return (size_t)(r->end - r->at);
}

/* The next n bytes, or NULL and a bad reader. */
static const uint8_t *reader_take(struct wire_reader *r, size_t n)
{
	if (r->bad || reader_left(r) < n) {
		r->bad = true;
		return NULL;
	}
	const uint8_t *from = r->at;
	r->at += n;
	return from;
}

uint8_t wire_get_u8(struct wire_reader *r)
{
	const uint8_t *from = reader_take(r, 1);
	return from ? *from : 0;
}

uint32_t wire_get_u32(struct wire_reader *r)
{
	const uint8_t *from = reader_take(r, 4);
	return from ? (uint32_t)load_le(from, 4) : 0;
}

uint64_t wire_get_u64(struct wire_reader *r)
{
	const uint8_t *from = reader_take(r, 8);
	return from ? load_le(from, 8) : 0;
}

int64_t wire_get_i64(struct wire_reader *r)
{
	return (int64_t)wire_get_u64(r);
}

double wire_get_double(struct wire_reader *r)
{
	uint64_t bits = wire_get_u64(r);
	double v;
	memcpy(&v, &bits, sizeof v);
	return v;
}

const void *wire_get_blob(struct wire_reader *r, size_t *n)
{
	uint32_t length = wire_get_u32(r);
	const uint8_t *from = reader_take(r, length);
	*n = from ? length : 0;
	return from;
}

char *wire_get_str(struct wire_reader *r, void *owner, size_t max)
{
	uint32_t length = wire_get_u32(r);
	if (r->bad || length == NULL_STRING)
		return NULL;
	const uint8_t *from = length <= max ? reader_take(r, length) : NULL;
	if (!from || memchr(from, 0, length)) {
		r->bad = true;
		return NULL;
	}
	char *copy = talloc_size(owner, (size_t)length + 1);
	if (!copy)
		g_error("out of memory for a string of %u bytes", length);
	memcpy(copy, from, length);
	copy[length] = '\0';
	return copy;
}

uint32_t wire_get_count(struct wire_reader *r, size_t min_element_bytes)
{
	uint32_t count = wire_get_u32(r);
	if (r->bad || (min_element_bytes > 0 && count > reader_left(r) / min_element_bytes)) {
		r->bad = true;
		return 0;
	}
	return count;
}

bool wire_reader_ok(const struct wire_reader *r)
{
	return !r->bad && r->at == r->end;
}
