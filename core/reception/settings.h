/* settings.h - what reception needs from the settings record, in its own types. */
#ifndef POSTERN_RECEPTION_SETTINGS_H
#define POSTERN_RECEPTION_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "reception/acl.h"
#include "wire/records.h"

enum session_protocol { PROTOCOL_AUTO, PROTOCOL_SMTP, PROTOCOL_LMTP };
enum bare_newline { BARE_NEWLINE_NORMALISE, BARE_NEWLINE_REJECT };

/* Extensions in the order of the EHLO reply; the bit of each in listener_options.discarded is 1 << value. */
enum extension {
	EXTENSION_VRFY, EXTENSION_PIPELINING, EXTENSION_SIZE, EXTENSION_ENHANCEDSTATUSCODES, EXTENSION_8BITMIME, EXTENSION_SMTPUTF8,
	EXTENSION_DSN, EXTENSION_CHUNKING, EXTENSION_XFORWARD, EXTENSION_COUNT
};
extern const char *const extension_names[EXTENSION_COUNT];

struct listener_options {
	enum session_protocol protocol;
	struct acl *inet_acl;
	int64_t message_size_limit;	/* 0: none */
	int64_t timeout_ms;		/* idle input */
	int64_t child_timeout_ms;	/* from the last byte of a mail to its reply */
	const char *greeting_banner, *quit_banner;
	unsigned discarded;		/* extensions not offered */
	const char *local_text;		/* of locals: the session's own end, "192.0.2.1:10024" */
	struct listener_options *locals;	/* instead of these, for sessions there; whole, what they do not say is as here */
	unsigned local_count;
};

struct reception_options {
	const char *work_area;		/* TEMPBASE */
	const char *myhostname;
	unsigned recipient_limit, line_length_limit, error_limit, junk_command_limit;
	enum bare_newline bare_newline;
	bool chunking;
	unsigned max_connections, max_connections_per_peer;	/* 0: no limit */
	unsigned queue_mails;
	uint64_t queue_bytes;
	int64_t queue_time_ms;
	uint64_t work_area_limit, work_area_peer_limit;		/* bytes, 0: no limit */
	int64_t grace_ms;		/* child_timeout_grace */
	int64_t ask_above;		/* of a mail declared larger a worker is asked for each recipient; -1: never */
	int64_t ask_ms;			/* how long an answer is waited for */
	struct acl *xforward_hosts;
	unsigned listener_count;
	struct listener_options *listeners;
};

/* All strings are copied onto the result, a talloc object on owner. NULL: e says which setting is wrong and how. */
struct reception_options *reception_options_read(void *owner, const struct settings_record *s, unsigned listener_count, struct error *e);

#endif
