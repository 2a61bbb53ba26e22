/* method.h - delivery methods of the core, "smtp:..." and "lmtp:...", as administrators write them.
 *
 *   smtp:[127.0.0.1]:10025   smtp:host:port   smtp:[::1]:25   smtp:/socket   lmtp:/socket
 *   smtp:*:*    host `*`: the connecting MTA; port `*`: the port by which the mail came in, plus one
 * Further `:option` fields are ignored, as amavisd-new does.  No I/O here. */
#ifndef POSTERN_DELIVER_METHOD_H
#define POSTERN_DELIVER_METHOD_H

#include <stdbool.h>

#include "base/error.h"
#include "base/io.h"
#include "wire/records.h"

struct next_hop {
	bool lmtp;
	struct endpoint endpoint;
	char name[340];		/* "smtp:[127.0.0.1]:10025": in replies, in logs, and as the key of what is remembered */
};

/* `envelope` answers the `*`s; it may be NULL where none is allowed. 0, or -1 with a text that names the method. */
int method_parse(const char *method, const struct envelope *envelope, struct next_hop *out, struct error *e);

#endif
