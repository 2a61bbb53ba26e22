/* reply.h - the text of replies: lines of bounded length, nothing in them that could end a line. */
#ifndef POSTERN_RECEPTION_REPLY_H
#define POSTERN_RECEPTION_REPLY_H

#include <stdbool.h>

struct session;

/* Sends "ddd [d.d.d ]text" as one reply, over several lines when it is long; what is no such text becomes a 451.
 * Octets above 127 become "?" unless the latest MAIL had SMTPUTF8. */
void reply_send(struct session *s, const char *reply);
/* Would reply_send tell the client success? */
bool reply_is_positive(const char *reply);
void reply_sendf(struct session *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* ${helo-name}, ${protocol}, ${product} and ${version} of a banner; talloc on owner. */
char *reply_expand_banner(void *owner, const char *banner, const char *helo_name, const char *protocol);
/* "[127.0.0.1]": the address the client connected to; the host's name on unix sockets. talloc on owner. */
char *reply_helo_name(void *owner, const struct session *s);

#endif
