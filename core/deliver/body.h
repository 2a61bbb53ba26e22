/* body.h - send the edited mail and the final dot behind a 354. */
#ifndef POSTERN_DELIVER_BODY_H
#define POSTERN_DELIVER_BODY_H

#include "deliver/connection.h"
#include "mail/edit.h"

#define BODY_BLOCK 65536

enum body_outcome {
	BODY_SENT,		/* with its dot: from here on only the server knows */
	BODY_EARLY_REPLY,	/* the server speaks, or has closed, before the dot was sent */
	BODY_FAILED,		/* errno; the dot was not sent */
	BODY_UNREADABLE		/* errno; the mail cannot be read, the dot was not sent */
};
/* d.cancel_fd counts until the last block, which carries the dot, is about to be sent. blocks: two of BODY_BLOCK bytes. */
enum body_outcome body_send(struct connection *c, struct edit_stream *s, char *const blocks[2], struct deadline d);

#endif
