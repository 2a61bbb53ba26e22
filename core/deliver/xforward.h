/* xforward.h - tell the next hop who the real client is (the XFORWARD command as Postfix documents it). */
#ifndef POSTERN_DELIVER_XFORWARD_H
#define POSTERN_DELIVER_XFORWARD_H

#include <glib.h>

#include "mail/mail.h"

enum xforward_attribute {
	XFORWARD_NAME = 1 << 0, XFORWARD_ADDR = 1 << 1, XFORWARD_PORT = 1 << 2, XFORWARD_PROTO = 1 << 3,
	XFORWARD_HELO = 1 << 4, XFORWARD_IDENT = 1 << 5, XFORWARD_SOURCE = 1 << 6
};

/* The attributes named in the server's "XFORWARD NAME ADDR ..." line behind the keyword. */
unsigned xforward_offered(const char *words);
/* Append the commands that carry all offered attributes, with their CRLFs, no line longer than 512 bytes; every attribute is
 * said each time, since a server keeps what it was told before. Returns how many commands. */
unsigned xforward_append(GString *out, const struct mail *m, unsigned offered);

#endif
