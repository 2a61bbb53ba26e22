/* lenient.h - the second reader of MIME: the structure of a mail as the sloppiest mail programs may see it, all of them at once.
 *
 * Where programs differ (on where a header ends, which field or parameter
 * counts, what a delimiter line is) each way is followed, and what comes out is
 * the union of leaves.  Nothing is decoded here but whole multiparts that claim
 * an encoding; views.c compares the leaves with GMime's.  Pure. */
#ifndef POSTERN_OPENER_LENIENT_H
#define POSTERN_OPENER_LENIENT_H

#include "opener/walk.h"

/* Past these nobody has to read on: the mail is over limits. */
#define LENIENT_ENTITIES_MAX (2 * WIRE_PARTS_MAX)
#define LENIENT_FIELDS_MAX 100000	/* of all headers together */
#define LENIENT_HEADER_BYTES_MAX (16 * 1024 * 1024)	/* the same */
#define LENIENT_FIELD_BYTES_MAX (256 * 1024)	/* of those that say what a part is */
#define LENIENT_MARKS_MAX (4 * 1000 * 1000)	/* lines that begin with "--" */

/* Values of the fields that matter, as they stand (folded, with comments), the same one once; an array is NULL where there is none. */
struct lenient_fields {
	GPtrArray *types, *encodings, *dispositions;
	bool too_long;			/* one of them is longer than LENIENT_FIELD_BYTES_MAX */
};

enum lenient_kind {
	LENIENT_LEAF,
	LENIENT_AROUND,			/* before the first part of a multipart, or behind its last */
	LENIENT_QUOTED			/* in a text that has parts only for who looks for them */
};

struct lenient_leaf {
	enum lenient_kind kind;
	struct slice body;
	struct lenient_fields fields;
	unsigned encodings;		/* 1 << enum transfer_encoding: each that somebody undoes */
};

struct lenient {
	GArray *leaves;			/* struct lenient_leaf */
	const char *limit;		/* too much of something: more than GMime should be given; else NULL */
	bool unsure;			/* there are more readings than were followed */
	bool too_deep;			/* more nesting than is followed */
	/* the reader's own */
	GPtrArray *buffers, *declared;
	size_t entities, field_count, header_bytes, steps, decoded_bytes;
};

/* Read a mail. The leaves' bodies point into it, or to memory of l. */
void lenient_read(struct lenient *l, struct slice mail);
void lenient_clear(struct lenient *l);

/* --- lenient_fields.c: one header --- */

/* Where a header may end: [0, end) are its lines, the body begins at `body`. */
struct lenient_header {
	size_t end, body;
};
#define LENIENT_HEADERS 3
/* The ways to read it, the usual one first; how many. *lines: of the longest. */
unsigned lenient_header_ends(struct slice entity, struct lenient_header out[LENIENT_HEADERS], size_t *lines);
void lenient_fields_read(struct slice header, struct lenient_fields *out);
void lenient_fields_clear(struct lenient_fields *f);
unsigned lenient_encodings(const struct lenient_fields *f);
/* "type/subtype" in lower case out of a Content-Type value, g_malloc'd, or NULL. */
char *lenient_type(const char *value);
/* What may be the boundary: g_malloc'd strings. false: there are more. */
bool lenient_boundaries(const struct lenient_fields *f, GPtrArray *out);

#endif
