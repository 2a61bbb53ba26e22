/* text_file.h - files that were put into plain text: uuencode and xxencode, yEnc, BinHex 4.  Pure.
 *
 * Lengths in such text lie easily: what there is becomes the content, `broken`
 * says that it is not what was announced, and where decoders take other bytes
 * for it these are kept beside. */
#ifndef POSTERN_OPENER_TEXT_FILE_H
#define POSTERN_OPENER_TEXT_FILE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_FILE_NAME_MAX_BYTES 1000

struct text_file {
	char *name;			/* bytes as given */
	GByteArray *content;
	GByteArray *other;		/* a second reading, or a BinHex file's resource fork; NULL: there is none */
	bool broken;			/* no end, or lengths that do not fit */
	bool ambiguous;			/* and decoders make different bytes of it */
	size_t begin, end;		/* offsets of its first line and behind it */
};
void text_file_clear(struct text_file *f);

/* A search for all of them, in order. */
struct text_files {
	const uint8_t *text;
	size_t n, from;
	size_t max_bytes;		/* that one may become: BinHex compresses, uuencode loses blanks */
	size_t next_binhex;		/* offset of the next announcement; n: none */
	bool binhex_known;
	bool is_binhex;			/* it is declared to be that: the announcement may be missing */
};
/* The next one. false: there is none (nothing to clear). */
bool text_files_next(struct text_files *s, struct text_file *out);

/* One kind each: a file that begins in the line at offset `at`. */
bool uu_at(const uint8_t *text, size_t n, size_t at, size_t max_bytes, struct text_file *out);
bool yenc_at(const uint8_t *text, size_t n, size_t at, struct text_file *out);
#define BINHEX_MARK "(This file must be converted with BinHex"
bool binhex_at(const uint8_t *text, size_t n, size_t at, size_t max_bytes, struct text_file *out);
/* The first uuencoded or xxencoded file at or behind `from`. */
bool uu_find(const uint8_t *text, size_t n, size_t from, size_t max_bytes, struct text_file *out);

#endif
