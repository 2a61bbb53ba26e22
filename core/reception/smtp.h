/* smtp.h - the dialect SMTP, ESMTP and LMTP (RFC 5321, 2033, 3030, 3461, 6531; Postfix' XFORWARD).
 *
 * The files: smtp.c (lines, the table of commands, the simple ones),
 * smtp_envelope.c (MAIL, RCPT), smtp_ask.c, smtp_xforward.c, smtp_bdat.c and smtp_data.c
 * (mail bytes), smtp_end.c (from the last byte to the reply). */
#ifndef POSTERN_RECEPTION_SMTP_H
#define POSTERN_RECEPTION_SMTP_H

#include "reception/session.h"
#include "reception/smtp_data.h"

extern const struct dialect smtp_dialect;

enum smtp_mode { SMTP_COMMANDS, SMTP_LONG_LINE, SMTP_DATA, SMTP_CHUNK };

struct smtp {
	struct session *session;
	enum smtp_mode mode;
	bool greeted, lmtp, esmtp;
	char *helo;
	unsigned errors, junk;
	unsigned mails;				/* the second part of log ids */
	struct envelope_client *xforward;	/* for the next mail; NULL: none given */
	/* from MAIL on */
	struct mail_job *job;
	unsigned refused_recipients;
	struct envelope_recipient asked;	/* the one that a worker is asked about; strings on the job */
	bool in_chunks;				/* a BDAT was accepted: neither RCPT nor DATA may follow */
	struct data_reader reader;
	size_t stored;				/* in the shared output buffer */
	/* BDAT */
	uint64_t chunk_left, chunk_size;
	bool chunk_last;
	char *chunk_refusal;			/* the chunk is swallowed, then this is the reply */
};

/* A command's argument: what stands behind the verb and one space. */
typedef void smtp_command(struct smtp *m, const char *argument);
smtp_command smtp_mail, smtp_rcpt, smtp_xforward, smtp_data, smtp_bdat;

/* A reply that counts as the client's fault; too many end the session. */
void smtp_error(struct smtp *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The mail under way is thrown away, and what XFORWARD said of it. */
void smtp_reset(struct smtp *m);
bool smtp_offers(const struct smtp *m, enum extension x);
/* May this client say where the mail came from? */
bool smtp_xforward_allowed(const struct smtp *m);
/* What the session knows of itself: protocol, socket, peer, client; strings on owner, but for what XFORWARD said. */
void smtp_describe(const struct smtp *m, void *owner, struct envelope *e);
/* smtp_ask.c: a worker is asked whether the recipient may have a mail of the declared size. false: there is nothing to ask. */
bool smtp_ask_recipient(struct smtp *m, const struct envelope_recipient *to);
void smtp_recipient_answered(struct smtp *m, const struct mail_job *question);
/* Adds it; reply NULL: the usual one. */
void smtp_accept_recipient(struct smtp *m, struct envelope_recipient to, const char *reply);
/* "503 5.5.1 Need MAIL command before DATA" and its like, or NULL when recipients are there; talloc on m */
char *smtp_not_ready(struct smtp *m, const char *verb);
/* Opens the spool file of the mail under way. */
void smtp_start_spool(struct smtp *m, bool dots);
void smtp_store(void *user, const uint8_t *data, size_t n);	/* a data_sink; user: struct smtp */
void smtp_store_flush(struct smtp *m);
/* What speaks against the mail as it was stored (size, space, line ends), or NULL; talloc on the job. */
char *smtp_fault_of_mail(struct smtp *m);
/* The last byte has come. */
void smtp_end_of_mail(struct smtp *m);
/* The reply to the mail: once, or once per recipient. */
void smtp_reply_all(struct smtp *m, struct mail_job *job, const char *reply);
size_t smtp_data_input(struct smtp *m, const uint8_t *data, size_t n);
size_t smtp_chunk_input(struct smtp *m, const uint8_t *data, size_t n);

#endif
