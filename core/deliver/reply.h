/* reply.h - replies of SMTP and LMTP servers: read line by line, bounded, made safe to quote (RFC 5321 4.2, RFC 3463). */
#ifndef POSTERN_DELIVER_REPLY_H
#define POSTERN_DELIVER_REPLY_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define REPLY_LINES_MAX 128
#define REPLY_QUOTED_MAX 480	/* bytes of a reply built from another one */

struct reply {
	int code;		/* of the last line */
	GString *lines;		/* texts behind the codes, joined by '\n', control and 8-bit bytes replaced */
	unsigned line_count;
};

void reply_init(struct reply *r);
void reply_clear(struct reply *r);

enum reply_step { REPLY_MORE, REPLY_DONE, REPLY_BAD };
/* One line without its CRLF. The first line of a reply empties what was there. */
enum reply_step reply_add_line(struct reply *r, const char *line, size_t n);

/* "250 2.0.0 Ok: queued as X": one line; an enhanced code that the further lines repeat is said once. talloc on owner. */
char *reply_fold(const struct reply *r, void *owner);
/* "2.0.0", "5.1.1" as the server said, else the class of the code with `subject_detail` (".1.0"). */
void reply_enhanced(const struct reply *r, const char *subject_detail, char out[12]);
/* "X" of "queued as X", NULL where it is not said. talloc on owner. */
char *reply_queued_as(const struct reply *r, void *owner);

/* The code for whoever gave us the mail: the server's, but 421, which would end that session too, is 451 there. */
int reply_code_onward(const struct reply *r);
/* What the client gets: "250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as X". */
char *reply_from_next_hop(const struct reply *r, const char *subject_detail, const char *next_hop, void *owner);

#endif
