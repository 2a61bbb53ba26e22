/* walk.h - the state of one mail's taking apart, shared by walk.c (the tree) and leaf.c (contents). */
#ifndef POSTERN_OPENER_WALK_H
#define POSTERN_OPENER_WALK_H

#include <glib.h>
#include <gmime/gmime.h>

#include "opener/opener.h"
#include "opener/transfer.h"

/* Caps of our own, whatever the order says: they keep recursion and memory finite. */
#define WALK_PARTS_MAX 20000
#define WALK_NESTING_MAX 100		/* multiparts and messages within each other */

struct walk {
	const struct open_order *order;
	const struct opener_sink *sink;
	struct opened *out;
	void *owner;			/* of what `out` points to */
	int dir_fd;
	GMimeParserOptions *options;
	uint64_t bytes;			/* decoded so far */
	bool stopped;			/* a limit was hit or writing failed: unwind */
};

/* Bytes that a parser or a part looks at; borrowed. */
struct slice {
	const uint8_t *data;
	size_t n;
};

/* Where in the tree something hangs. */
struct place {
	uint32_t parent, index;
	unsigned nesting;		/* multiparts and messages above */
	unsigned level;			/* of decoding: messages within messages */
};

/* A part under way. */
struct node {
	struct part_record record;
	GPtrArray *names;
	char mime_type[256];
};

/* --- walk.c --- */
/* Stop with a reason: the first one stays. */
void walk_limit(struct walk *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* `problem` is the errno: a lack of the machine (space, files, memory) is told apart from a mail that cannot be read. */
void walk_broken(struct walk *w, int problem, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Something about the MIME structure that the bad-header test reports; the first one stays. */
void walk_mime_error(struct walk *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Is there still time? Stops when not. */
bool walk_may_go_on(struct walk *w);
/* A numbered node at this place; false: a limit (nothing to clear). */
bool node_begin(struct walk *w, struct node *n, struct place at);
void node_add_attributes(struct walk *w, struct node *n, unsigned attributes);
void node_send(struct walk *w, struct node *n);
void node_clear(struct node *n);
/* Take a mail within a mail apart: the children hang below `at.parent`. */
void walk_message_bytes(struct walk *w, struct slice bytes, struct place at);

/* --- leaf.c --- */
/* Decode, write, type and send a leaf, then look into it (mail, uuencoded files). n was begun and has names and type. */
void leaf_take(struct walk *w, struct node *n, struct slice raw, enum transfer_encoding encoding, struct place at);

#endif
