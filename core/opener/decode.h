/* decode.h - the state of the decoders' work on one mail, shared by decode.c (the queue), member.c (what decoders make), passwords.c.
 *
 * Only the opener's main thread, one decoder at a time. */
#ifndef POSTERN_OPENER_DECODE_H
#define POSTERN_OPENER_DECODE_H

#include <openssl/evp.h>

#include "opener/walk.h"
#include "plugin/call.h"

struct decoding {
	GQueue *queue;			/* of decode.c's struct pending */
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

/* --- member.c --- */
/* What plugin_decode() is to be given. */
struct plugin_decode_sink member_sink(struct walk *w);
/* Is the call in hand to go on? */
bool member_may_go_on(struct walk *w);
/* End a child that its decoder did not end. */
void member_close(struct walk *w);
void member_clear(struct walk *w);
/* The file of a part in memory, or NULL (not there, or larger than max_bytes: noted as a limit). */
const uint8_t *member_map(struct walk *w, uint32_t number, size_t max_bytes, size_t *n);
void member_unmap(const uint8_t *data, size_t n);

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
