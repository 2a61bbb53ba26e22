/* transfer.h - content transfer encodings (RFC 2045 section 6), decoded in pieces with an account of what was wrong.
 *
 * Tolerant as mail programs are, and honest about it: the caller learns how much
 * of the input was no part of the encoding.  Pure; no memory is owned. */
#ifndef POSTERN_OPENER_TRANSFER_H
#define POSTERN_OPENER_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum transfer_encoding { TRANSFER_IDENTITY, TRANSFER_BASE64, TRANSFER_QUOTED_PRINTABLE, TRANSFER_UUENCODE };

struct transfer {
	enum transfer_encoding encoding;
	uint32_t bits;			/* base64: sextets not yet given out */
	unsigned held;			/* how many of them */
	bool padded;			/* '=' was seen */
	uint64_t valid, junk;		/* characters of the alphabet; neither alphabet, padding nor blank */
	uint64_t after_padding;		/* characters of the alphabet behind the padding */
};

void transfer_begin(struct transfer *t, enum transfer_encoding encoding);
/* At most this many bytes come out of n bytes of input. */
size_t transfer_room(size_t n);
/* Decode n bytes (base64 and quoted-printable); how many came out. Cut quoted-printable only where transfer_cut() says. */
size_t transfer_decode(struct transfer *t, const uint8_t *in, size_t n, uint8_t *out);
/* Where to cut before `want` (0 < want <= n) so that no escape is torn. */
size_t transfer_cut(const uint8_t *in, size_t n, size_t want);
/* After the last piece: the content is not what its sender meant, nor near it. */
bool transfer_failed(const struct transfer *t);
/* After the last piece: readers may differ on what it decodes to. */
bool transfer_ambiguous(const struct transfer *t);

#endif
