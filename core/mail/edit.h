/* edit.h - header edits, and the edited mail as a stream.
 *
 * An edit list never re-serialises the mail: new fields go on top, fields to be
 * removed are left out as byte ranges, a replaced one has other bytes in its place, everything else keeps its bytes.  Used by
 * the next-hop client and by quarantines. */
#ifndef POSTERN_MAIL_EDIT_H
#define POSTERN_MAIL_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mail/header.h"

struct edit_list;
struct edit_list *edit_list_new(void *owner);
/* A new field on top of what is there; later calls go above earlier ones. Body may be folded with "\n " ; CRLF is made here. */
void edit_prepend(struct edit_list *l, const char *name, const char *body);
/* Remove every existing field of that name (case does not matter). */
void edit_remove(struct edit_list *l, const char *name);
/* Other bytes in the place of one existing field: name, colon, body and the final line end, line ends as LF or CRLF.  A later
 * replacement of the same field counts; a removal counts more. */
void edit_replace(struct edit_list *l, const struct header_field *f, const char *field, size_t n);
/* Equal lists mean one transaction. */
bool edit_list_equal(const struct edit_list *a, const struct edit_list *b);

enum edit_eol { EDIT_CRLF, EDIT_LF };
struct edit_stream;
/* The edited mail from its first byte; dot_stuff: SMTP transparency without the final dot.  fd stays the caller's and open;
 * h and l may be NULL and are not needed after this call.  Under EDIT_CRLF a bare LF becomes CRLF. */
struct edit_stream *edit_stream_open(void *owner, int fd, uint64_t size, const struct header *h, const struct edit_list *l,
	enum edit_eol eol, bool dot_stuff);
/* Bytes read into buffer; 0 at the end; -1/errno. */
ssize_t edit_stream_read(struct edit_stream *s, void *buffer, size_t n);
/* Bytes the whole stream will have without dot stuffing (for SIZE=); the first question looks at the whole mail once. */
uint64_t edit_stream_size(struct edit_stream *s);
/* Is there a byte above 127 in the edited mail? (BODY=8BITMIME); answered by the same look. */
bool edit_stream_has_8bit(struct edit_stream *s);
/* Is there one in the header or in the new fields? (SMTPUTF8) */
bool edit_header_has_8bit(const struct header *h, const struct edit_list *l);

#endif
