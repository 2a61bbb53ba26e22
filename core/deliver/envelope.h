/* envelope.h - the commands of one transaction's envelope, XFORWARD to DATA, as text and as the replies to expect. */
#ifndef POSTERN_DELIVER_ENVELOPE_H
#define POSTERN_DELIVER_ENVELOPE_H

#include <glib.h>

#include "deliver/connection.h"
#include "deliver/deliver.h"

enum step_kind { STEP_RESET, STEP_XFORWARD, STEP_MAIL, STEP_RCPT, STEP_DATA };
struct step {
	enum step_kind kind;
	unsigned slot;		/* STEP_RCPT: which of the transaction's recipients */
	size_t end;		/* offset behind the command in the text */
};

struct envelope_commands {
	GString *text;
	GArray *steps;		/* struct step */
};

/* Parameters of MAIL that need a look at the mail. */
struct envelope_needs { bool eight_bit, smtputf8; uint64_t size_bytes; };

void envelope_commands_init(struct envelope_commands *e);
void envelope_commands_clear(struct envelope_commands *e);
void envelope_add_reset(struct envelope_commands *e);
void envelope_add_xforward(struct envelope_commands *e, const struct mail *m, unsigned offered);
void envelope_add_mail(struct envelope_commands *e, const struct deliver_order *order, const struct capabilities *offers,
	const struct envelope_needs *needs);
void envelope_add_rcpt(struct envelope_commands *e, const struct deliver_order *order, const struct capabilities *offers,
	unsigned recipient, unsigned slot);
void envelope_add_data(struct envelope_commands *e);

/* Could this address be said at all: no control characters, no end of path within? */
bool envelope_address_is_safe(const char *address);
bool envelope_address_is_ascii(const char *address);

#endif
