/* msg.h - Outlook's messages (MS-OXMSG): properties as streams, attachments and recipients as storages. */
#ifndef POSTERN_DECODER_MSG_H
#define POSTERN_DECODER_MSG_H

#include "cfb.h"

/* Is this storage a message? The root of a .msg file is one, and so is each message that is attached to it. */
bool msg_is_message(const struct cfb *c, uint32_t storage);
/* Its texts and attachments as children, not those of messages within it. false: over a limit. */
bool msg_put_message(struct cfb *c, uint32_t storage);
/* Does this stream belong to a message, so that msg_put_message() has told of it? */
bool msg_owns(const struct cfb *c, uint32_t stream);

#endif
