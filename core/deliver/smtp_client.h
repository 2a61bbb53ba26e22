/* smtp_client.h - the client's side of the dialogue up to the envelope: replies, greeting, EHLO or LHLO (RFC 5321, 2033). */
#ifndef POSTERN_DELIVER_SMTP_CLIENT_H
#define POSTERN_DELIVER_SMTP_CLIENT_H

#include "deliver/connection.h"
#include "deliver/reply.h"

/* How long each step may take; the mail's deadline may shorten every one of them. */
#define CONNECT_TIMEOUT_MS 35000
#define COMMAND_TIMEOUT_MS 300000	/* greeting, EHLO, XFORWARD, MAIL, RCPT, RSET */
#define DATA_TIMEOUT_MS 120000
#define TRANSFER_TIMEOUT_MS 180000	/* each block of the body */
#define FINAL_DOT_TIMEOUT_MS 600000

/* Read one whole reply. 0; -1/errno as connection_read_line, EPROTO for what is no reply. */
int smtp_read_reply(struct connection *c, struct reply *r, struct deadline d);
/* Greeting and EHLO (HELO where that is refused) or LHLO; fills c->offers. 0; -1 with the reason in e, and in r the
 * reply that was the reason, r->code 0 when it was not a reply. */
int smtp_say_hello(struct connection *c, const char *own_name, struct reply *r, struct deadline d, struct error *e);
/* "timed out", "connection lost" ... for errno as set by the above. */
const char *smtp_errno_text(int errnum);

#endif
