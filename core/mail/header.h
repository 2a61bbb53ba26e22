/* header.h - where the fields of a mail's header lie; the only hostile content that a worker itself reads.
 *
 * The reader indexes byte ranges, it changes nothing: edits are streamed in
 * front of and between these ranges.  Bounded: past header_max fields or bytes
 * the rest counts as body and `truncated` is set. */
#ifndef POSTERN_MAIL_HEADER_H
#define POSTERN_MAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct header_field {
	uint64_t offset;	/* of the name's first byte in the mail */
	uint32_t length;	/* whole field with its final CRLF */
	uint16_t name_length;	/* 0: a line that is no field (kept, reported by bad-header tests) */
	char name[40];		/* lower case, cut; "" when name_length is 0 */
};

struct header {
	unsigned count;
	struct header_field *fields;	/* talloc */
	uint64_t length;	/* bytes of the header, without the empty line */
	uint64_t body_offset;	/* first byte after the empty line; size of the mail when there is none */
	bool truncated;
	const char *text;	/* the header's bytes, talloc, NUL-terminated for convenience (may hold NULs) */
};

#define HEADER_MAX_FIELDS 20000
#define HEADER_MAX_BYTES (4 * 1024 * 1024)

/* Read the header of the mail in fd (size bytes). Line ends CRLF (or LF). 0 or -1/errno on a read error only. */
int header_read(int fd, uint64_t size, void *owner, struct header *out);
/* The same over memory (fuzz target, opener). */
void header_parse(const char *data, size_t n, bool complete, void *owner, struct header *out);
/* First field of that name (lower case), NULL when absent. */
const struct header_field *header_find(const struct header *h, const char *name);
unsigned header_count(const struct header *h, const char *name);
/* Body of a field: after the colon, unfolded, surrounding blanks cut, NULs become blanks; talloc on owner. */
char *header_value(const struct header *h, const struct header_field *f, void *owner);

#endif
