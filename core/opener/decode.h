/* decode.h - the state of the decoders' work on one mail, shared by queue.c, decode.c, member.c (what decoders make), passwords.c.
 *
 * Only the opener's main thread, one decoder at a time. */
#ifndef POSTERN_OPENER_DECODE_H
#define POSTERN_OPENER_DECODE_H

#include <openssl/evp.h>

#include "opener/walk.h"
#include "plugin/call.h"

struct decoding {
	GQueue *queue;			/* of struct pending */
	struct plugin_view *view;	/* what decoders see of the mail */
	size_t shown;			/* parts in it */
	unsigned next_index;		/* of a child of the part in hand */
	/* the call in hand */
	const char *decoder;		/* instance */
	uint32_t number;		/* its number */
	bool unpacked;			/* a program ran: what it made is to go */
	struct place parent;		/* where its children hang; .parent: the part in hand */
	bool keep;			/* it says that scanners need the part, too */
	bool refused;			/* it was told to stop */
	struct member *child;		/* member.c's own: the one under way */
	GPtrArray *passwords;		/* passwords.c's own; NULL: not collected yet */
};

/* --- queue.c --- */
#define DECODER_EMBEDDED "embedded"	/* stands for a type: what has an archive somewhere within */
struct pending {
	uint32_t number;
	struct place at;
	bool look, locked;
	bool wanted, embeds;		/* a decoder takes its type; takes what has archives within */
	unsigned declared;		/* what it is said to be, where a decoder takes that */
};
/* The decoder of a number in the order; NULL: it is none. */
struct plugin_instance *queue_decoder(const struct walk *w, uint32_t number);
bool queue_takes(const struct plugin_instance *decoder, const char *type, size_t length);
/* Each short type of a part in turn. */
const char *queue_next_type(const char **list, size_t *length);
bool queue_is_container(const char *types);
/* Nothing but containers: what was taken out of it is all of it. */
bool queue_is_container_only(const char *types);

/* --- member.c --- */
/* What plugin_decode() is to be given, but for words that open and programs. */
struct plugin_decode_sink member_sink(struct walk *w);
/* Is the call in hand to go on? */
bool member_may_go_on(struct walk *w);
/* End a child that its decoder did not end. */
void member_close(struct walk *w);
void member_clear(struct walk *w);

/* --- program.c: what of the sink is about programs --- */
enum postern_result program_run(void *walk, unsigned part, const char *password, void *owner, struct postern_unpacked *out, const char **error);
bool program_files(void *walk, size_t *count);
bool program_content(void *walk);
/* Remove what the last one made. */
void program_clear(struct walk *w);

/* --- passwords.c --- */
/* The i-th word of the mail that may be a password; NULL: no more. */
const char *passwords_get(struct walk *w, size_t i);

#endif
