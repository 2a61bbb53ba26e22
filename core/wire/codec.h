/* codec.h - the reader and writer of records: fields in order, no pointers, no structs.
 *
 * A record is: kind u16, version u16, length u32 (of what follows), then its
 * fields, little-endian; strings and blobs are u32 length + bytes.  The reader
 * treats its input as hostile: every get checks bounds, and after the first bad
 * field all further gets return zero or empty, so that callers check once at
 * the end with wire_reader_ok().  */
#ifndef POSTERN_WIRE_CODEC_H
#define POSTERN_WIRE_CODEC_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_VERSION 1

struct wire_writer {
	GByteArray *bytes;
};
void wire_begin(struct wire_writer *w, uint16_t kind);	/* allocates or empties w->bytes (zero w first) */
void wire_put_u8(struct wire_writer *w, uint8_t v);
void wire_put_u32(struct wire_writer *w, uint32_t v);
void wire_put_u64(struct wire_writer *w, uint64_t v);
void wire_put_i64(struct wire_writer *w, int64_t v);
void wire_put_double(struct wire_writer *w, double v);
void wire_put_blob(struct wire_writer *w, const void *data, size_t n);
void wire_put_str(struct wire_writer *w, const char *text);	/* NULL is kept apart from "" */
/* As wire_put_str, cut to at most max bytes, not within a UTF-8 character: for texts whose length a mail or a peer
 * chooses, so that a long one does not make the whole record unreadable. */
void wire_put_str_cut(struct wire_writer *w, const char *text, size_t max);
/* Fills the length in; the bytes stay w's until the next wire_begin or wire_free. */
const void *wire_end(struct wire_writer *w, size_t *n);
void wire_free(struct wire_writer *w);

struct wire_reader {
	const uint8_t *at, *end;
	uint16_t kind;
	bool bad;
};
/* false: shorter than a head, wrong version or length (then w.bad is set too). */
bool wire_open(struct wire_reader *r, const void *data, size_t n);
uint8_t wire_get_u8(struct wire_reader *r);
uint32_t wire_get_u32(struct wire_reader *r);
uint64_t wire_get_u64(struct wire_reader *r);
int64_t wire_get_i64(struct wire_reader *r);
double wire_get_double(struct wire_reader *r);
const void *wire_get_blob(struct wire_reader *r, size_t *n);	/* points into the record; NULL when bad */
/* A string copied onto the talloc context `owner`; NULL for a NULL string. Longer than max, or a NUL
 * inside: the reader turns bad. */
char *wire_get_str(struct wire_reader *r, void *owner, size_t max);
/* A count of elements that each take at least min_element_bytes: bad (and 0) when the rest cannot hold so many. */
uint32_t wire_get_count(struct wire_reader *r, size_t min_element_bytes);
/* Everything was good and nothing is left over. */
bool wire_reader_ok(const struct wire_reader *r);

#endif
