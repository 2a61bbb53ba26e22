/* views.h - two readers' views of one mail compared: what only the lenient one sees (lenient.h) is opened too, and makes the mail ambiguous.
 *
 * The walker begins a view, tells of each leaf that it takes, and ends it.
 * Ambiguous is a mail whose readers get other contents, names or types, not
 * one whose syntax is odd. */
#ifndef POSTERN_OPENER_VIEWS_H
#define POSTERN_OPENER_VIEWS_H

#include "opener/lenient.h"

/* A mail within the mail has a view of its own, within the other's. */
void view_begin(struct walk *w, struct slice mail);
/* More than a parser should be given: why; else NULL. */
const char *view_limit(const struct walk *w);
/* Before a leaf is taken: what the lenient reader says it is called and declared to be. false: it knows none in this place. */
bool view_describe(struct walk *w, struct node *n, struct slice raw);
/* Text around parts is GMime's copy, up to the first NUL and without CR: the same in the mail's own memory, or the copy where it is not found. */
struct slice view_find_around(const struct walk *w, const char *text);
/* A leaf was taken. What is not in the mail's own memory must stay until view_end(). */
void view_saw(struct walk *w, struct slice raw, enum transfer_encoding encoding, uint32_t part);
/* Open what was not seen; at->index moves on. */
void view_end(struct walk *w, struct place *at);
/* What mail programs put in front of the first part for readers without MIME; harmless, and in every second mail. */
bool view_is_usual_preamble(struct slice text);

#endif
