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

/* Where decoders differ on damaged or odd input: what most of them do, and what others do instead. */
enum transfer_reading {
	TRANSFER_USUAL,
	TRANSFER_UNTIL_PADDING,		/* base64 ends at its padding */
	TRANSFER_THROUGH_PADDING,	/* padding is skipped as if it were not there */
	TRANSFER_UNTIL_JUNK,		/* base64 ends at the first character that is none of it */
	TRANSFER_URL_ALPHABET,		/* '-' and '_' stand for '+' and '/' */
	TRANSFER_WITHOUT_TAIL,		/* a last group that is not whole is dropped */
	TRANSFER_STRICT_BREAKS,		/* quoted-printable: "=" with blanks behind it is no soft line break */
	TRANSFER_NO_BLANK_ENDS,		/* blanks at the end of a line are dropped */
	TRANSFER_NO_LONE_ESCAPE,	/* "=" that escapes nothing is dropped */
	TRANSFER_READINGS		/* how many */
};

struct transfer {
	enum transfer_encoding encoding;
	enum transfer_reading reading;
	uint32_t bits;			/* base64: sextets not yet given out */
	unsigned held;			/* how many of them */
	bool padded;			/* '=' was seen */
	uint64_t valid, junk;		/* characters of the alphabet; neither alphabet, padding nor blank */
	uint64_t after_padding;		/* characters of the alphabet behind the padding */
	uint64_t before_junk;		/* base64: characters of the alphabet before the first junk */
	bool ended;			/* this reading reads no more */
	unsigned doubts;		/* 1 << enum transfer_reading: may give something else */
};

void transfer_begin(struct transfer *t, enum transfer_encoding encoding);
void transfer_begin_reading(struct transfer *t, enum transfer_encoding encoding, enum transfer_reading reading);
/* At most this many bytes come out of n bytes of input. */
size_t transfer_room(size_t n);
/* Decode n bytes (base64 and quoted-printable); how many came out. Cut quoted-printable only where transfer_cut() says. */
size_t transfer_decode(struct transfer *t, const uint8_t *in, size_t n, uint8_t *out);
/* After the last piece: what was still held; at most 2 bytes. */
size_t transfer_end(struct transfer *t, uint8_t *out);
/* After that: the other readings that may give something else, 1 << enum transfer_reading. */
unsigned transfer_doubts(const struct transfer *t);
/* Where to cut before `want` (0 < want <= n) so that no escape is torn. */
size_t transfer_cut(const uint8_t *in, size_t n, size_t want);
/* After the last piece: the content is not what its sender meant, nor near it. */
bool transfer_failed(const struct transfer *t);

#endif
