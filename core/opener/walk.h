/* walk.h - the state of one mail's taking apart, shared by take_apart.c (all of it), walk.c (the MIME tree), leaf.c (contents), decode.c (decoders). */
#ifndef POSTERN_OPENER_WALK_H
#define POSTERN_OPENER_WALK_H

#include <glib.h>
#include <gmime/gmime.h>

#include "opener/budget.h"
#include "opener/opener.h"
#include "opener/transfer.h"

struct walk {
	const struct opener_job *job;
	struct opener_tree *tree;
	struct opened *out;
	void *owner;			/* of what `out` points to */
	struct budget budget;
	GMimeParserOptions *options;
	struct decoding *decoding;	/* decode.c's own */
	struct view *view;		/* views.c's own: of the mail in hand, mails around it above */
	bool broken;			/* reading or writing failed: unwind */
	bool header_only;		/* what is read is the header of another mail, as bounces return it: its parts are not missing */
};

/* Bytes that a parser or a part looks at; borrowed. */
struct slice {
	const uint8_t *data;
	size_t n;
};

/* A leaf as it stands in its mail, and how it is to be decoded. */
struct encoded {
	struct slice raw;
	enum transfer_encoding encoding;
	enum transfer_reading reading;
	const GPtrArray *charsets;	/* declared of a text; NULL */
	bool quoted;			/* within text that declares no parts: half a file is no doubt there */
};

/* Where in the tree something hangs. */
struct place {
	uint32_t parent, index;
	unsigned nesting;		/* multiparts, messages and containers above */
	unsigned level;			/* of decoding: messages and containers within each other */
};

/* A part under way. */
struct node {
	struct part_record record;
	GPtrArray *names, *mime_types;
	bool locked;			/* a zip archive that needs a password: whoever opens it says more */
	bool embeds;			/* an archive may begin somewhere in it */
	bool hides;			/* text in which an encoded file may begin, or a mail */
};

/* --- outcome.c --- */
/* Stop with a reason: the first one stays. */
void walk_limit(struct walk *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* `problem` is the errno: a lack of the machine (space, files, memory) is told apart from a mail that cannot be read. */
void walk_broken(struct walk *w, int problem, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Something about the MIME structure that the bad-header test reports; the first one stays. */
void walk_mime_error(struct walk *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Was a limit met that ends everything, or something broken? */
bool walk_stopped(const struct walk *w);
/* Is there still time? Stops when not. */
bool walk_may_go_on(struct walk *w);
/* One level deeper. false: too deep, this branch ends. */
bool walk_deeper(struct walk *w, struct place *at);

/* --- node.c --- */
/* A numbered node at this place; false: a limit (nothing to clear). */
bool node_begin(struct walk *w, struct node *n, struct place at);
void node_add_name(struct node *n, const char *name);
void node_add_attributes(struct node *n, unsigned attributes);
/* The node becomes a part of the tree. In the order of numbers: nothing is begun between a node's begin and its send. */
void node_send(struct walk *w, struct node *n);
void node_clear(struct node *n);
/* Set the types of n by its content; they live in *guess. */
struct type_guess;
struct type_content;
void node_find_type(struct node *n, const struct type_content *c, struct type_guess *guess);

/* --- part_file.c --- */
/* A part's file, made once: a descriptor for reading and writing, or -1 (said). Half a content is none unless `good`: closing says so. */
int part_file_open(struct walk *w, uint32_t number);
bool part_file_write(struct walk *w, int fd, const uint8_t *data, size_t n);
bool part_file_close(struct walk *w, uint32_t number, int fd, bool good);
/* The file of a part in memory, or NULL (not there, or larger than max_bytes: noted as a limit). */
const uint8_t *part_file_map(struct walk *w, uint32_t number, size_t max_bytes, size_t *n);
void part_file_unmap(const uint8_t *data, size_t n);

/* --- walk.c --- */
/* What GMime is to do with a mail, and to whom it tells what is wrong in it; g_mime_parser_options_free(). */
GMimeParserOptions *walk_options_new(struct walk *w);
/* Take a mail within a mail apart: the children hang below at->parent; at->index moves on. */
void walk_message_bytes(struct walk *w, struct slice bytes, struct place *at);

/* --- leaf.c --- */
/* Decode, write, type and send a leaf, then look into it (mail, uuencoded files). n was begun and has names and type. */
void leaf_take(struct walk *w, struct node *n, struct encoded content, struct place at);
/* What of itself hides in a content that is in the tree: a mail, uuencoded files in text. */
void leaf_look_inside(struct walk *w, const struct part *p, struct slice bytes, struct place at);

/* --- hiding.c --- */
/* May something hide in a content of these types? Not all of it need be looked at: then it may. */
bool hiding_may_be(const char *types, struct slice beginning, bool all);
/* Encoded files, by the types; yEnc by its sign. */
bool hiding_may_be_files(const char *types, struct slice beginning);
/* A text in which PGP has encrypted something. */
bool hiding_is_encrypted(struct slice text);
/* What is declared to be encoded, and looks like a text with files in it all the same. */
bool hiding_seems_to_be_files(struct slice raw);

/* --- charset.c --- */
/* The charsets that an entity names, several only where readers may differ; to be freed. */
GPtrArray *charsets_declared(GMimeObject *entity);
/* Part n is text that is declared to be in one of these: where ASCII is not itself there, a child with the text as it is shown. */
void charset_take(struct walk *w, uint32_t number, const GPtrArray *charsets, struct slice text, struct place *below);

/* --- readings.c --- */
/* Part n was decoded as usual, to `usual`; make a child of each other reading among `doubts` (transfer_doubts()) that gives something else. */
void readings_take(struct walk *w, const struct part *p, const struct encoded *content, unsigned doubts, struct slice usual, struct place *below);
/* SHA-256 of what a leaf decodes to, line ends at its end left out; g_malloc'd. *blank: nothing but blanks. */
char *readings_digest(const struct encoded *content, bool *blank);

/* --- queue.c --- */
/* A part with a file, just sent: open it later if a decoder takes its type, look inside it where n->hides. */
void queue_add(struct walk *w, const struct node *n, struct place at);

/* --- decode.c --- */
/* Open what was enqueued, and what comes out of that, level by level. */
void decode_run(struct walk *w);
void decode_clear(struct walk *w);
/* Does the part hold other files, or did it come out of one that does? (Else what is wrong with it is MIME's.) */
bool decode_is_business_of(const struct walk *w, const struct part *p);

#endif
