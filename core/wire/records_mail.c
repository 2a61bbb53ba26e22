/* records_mail.c - the records between reception and worker: tokens, jobs, envelopes, what became of a mail.
 *
 * Only fields and their bounds; what they mean is the business of both ends.  */
#include "wire/records.h"

#include <string.h>

#include "wire/fields.h"

/* Whole replies in one RESULT take at most this much; past it only their codes are sent, so that the record
 * fits its socket whatever the number of recipients. */
#define REPLIES_BUDGET_BYTES (96 * 1024)
#define RECIPIENT_MIN_BYTES 9

void token_write(struct wire_writer *w, const struct token *t)
{
	wire_begin(w, RECORD_TOKEN);
	wire_put_u32(w, t->slot);
	wire_put_u32(w, t->pid);
	wire_put_u8(w, t->serves);
}

int token_read(struct wire_reader *r, struct token *t)
{
	fields_expect(r, RECORD_TOKEN);
	t->slot = wire_get_u32(r);
	t->pid = wire_get_u32(r);
	t->serves = fields_get_range(r, TOKEN_MAILS, TOKEN_QUESTIONS);
	return fields_end(r);
}

void job_write(struct wire_writer *w, const struct job *j)
{
	wire_begin(w, RECORD_JOB);
	wire_put_u8(w, j->kind);
	wire_put_u64(w, j->size_bytes);
	wire_put_i64(w, j->deadline_ms);
	wire_put_str(w, j->log_id);
	wire_put_u32(w, j->owner_pid);
	wire_put_blob(w, j->envelope, j->envelope_bytes);
}

int job_read(struct wire_reader *r, void *owner, struct job *j)
{
	fields_expect(r, RECORD_JOB);
	j->kind = fields_get_range(r, JOB_MAIL, JOB_FILTER);
	j->size_bytes = wire_get_u64(r);
	j->deadline_ms = wire_get_i64(r);
	j->log_id = fields_get_text(r, owner, WIRE_LOG_ID_MAX);
	j->owner_pid = wire_get_u32(r);
	j->envelope = wire_get_blob(r, &j->envelope_bytes);
	if (j->envelope_bytes > WIRE_ENVELOPE_WITHIN_MAX)
		r->bad = true;
	return fields_end(r);
}

static void client_write(struct wire_writer *w, const struct envelope_client *c)
{
	wire_put_str(w, c->address);
	wire_put_str(w, c->port);
	wire_put_str(w, c->name);
	wire_put_str(w, c->helo);
	wire_put_str(w, c->protocol);
	wire_put_str(w, c->source);
	wire_put_str(w, c->ident);
}

static void client_read(struct wire_reader *r, void *owner, struct envelope_client *c)
{
	c->address = wire_get_str(r, owner, WIRE_ADDRESS_MAX);
	c->port = wire_get_str(r, owner, WIRE_ADDRESS_MAX);
	c->name = wire_get_str(r, owner, WIRE_ADDRESS_MAX);
	c->helo = wire_get_str(r, owner, WIRE_ADDRESS_MAX);
	c->protocol = wire_get_str(r, owner, WIRE_ADDRESS_MAX);
	c->source = wire_get_str(r, owner, WIRE_ADDRESS_MAX);
	c->ident = wire_get_str(r, owner, WIRE_ADDRESS_MAX);
}

static void recipient_write(struct wire_writer *w, const struct envelope_recipient *rcpt)
{
	wire_put_str(w, rcpt->address);
	wire_put_str(w, rcpt->orcpt);
	wire_put_u8(w, rcpt->notify);
}

static void recipients_read(struct wire_reader *r, void *owner, struct envelope *e)
{
	e->recipient_count = fields_get_count(r, RECIPIENT_MIN_BYTES, WIRE_RECIPIENTS_MAX);
	e->recipients = fields_array(owner, sizeof *e->recipients, e->recipient_count);
	for (uint32_t i = 0; i < e->recipient_count && !r->bad; i++) {
		struct envelope_recipient *rcpt = &e->recipients[i];
		rcpt->address = fields_get_text(r, owner, WIRE_ADDRESS_MAX);
		rcpt->orcpt = wire_get_str(r, owner, WIRE_ADDRESS_MAX);
		rcpt->notify = fields_get_range(r, 0, NOTIFY_NEVER | NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY);
	}
}

void envelope_write(struct wire_writer *w, const struct envelope *e)
{
	wire_begin(w, RECORD_ENVELOPE);
	wire_put_str(w, e->log_id);
	wire_put_str(w, e->sender);
	wire_put_str(w, e->protocol);
	wire_put_str(w, e->socket_text);
	wire_put_str(w, e->listener_text);
	wire_put_str(w, e->peer_address);
	client_write(w, &e->client);
	wire_put_str(w, e->helo);
	wire_put_str(w, e->ret);
	wire_put_str(w, e->envid);
	wire_put_str(w, e->auth);
	wire_put_u8(w, e->body_8bitmime);
	wire_put_u8(w, e->smtputf8);
	wire_put_i64(w, e->received_wall_us);
	wire_put_i64(w, e->declared_size);
	wire_put_u8(w, e->had_bare_cr_or_lf);
	wire_put_u32(w, e->recipient_count);
	for (uint32_t i = 0; i < e->recipient_count; i++)
		recipient_write(w, &e->recipients[i]);
}

int envelope_read(struct wire_reader *r, void *owner, struct envelope *e)
{
	fields_expect(r, RECORD_ENVELOPE);
	e->log_id = fields_get_text(r, owner, WIRE_LOG_ID_MAX);
	e->sender = fields_get_text(r, owner, WIRE_ADDRESS_MAX);
	e->protocol = fields_get_text(r, owner, WIRE_ADDRESS_MAX);
	e->socket_text = fields_get_text(r, owner, WIRE_ADDRESS_MAX);
	e->listener_text = wire_get_str(r, owner, WIRE_ADDRESS_MAX);
	e->peer_address = wire_get_str(r, owner, WIRE_ADDRESS_MAX);
	client_read(r, owner, &e->client);
	e->helo = wire_get_str(r, owner, WIRE_ADDRESS_MAX);
	e->ret = wire_get_str(r, owner, WIRE_ADDRESS_MAX);
	e->envid = wire_get_str(r, owner, WIRE_ADDRESS_MAX);
	e->auth = wire_get_str(r, owner, WIRE_ADDRESS_MAX);
	e->body_8bitmime = fields_get_range(r, 0, 2);
	e->smtputf8 = fields_get_flag(r);
	e->received_wall_us = wire_get_i64(r);
	e->declared_size = wire_get_i64(r);
	e->had_bare_cr_or_lf = fields_get_flag(r);
	recipients_read(r, owner, e);
	return fields_end(r);
}

void committed_write(struct wire_writer *w, const struct committed *c)
{
	wire_begin(w, RECORD_COMMITTED);
	wire_put_u32(w, c->count);
	for (uint32_t i = 0; i < c->count; i++)
		wire_put_u32(w, c->recipients[i]);
	wire_put_str_cut(w, c->reply, WIRE_REPLY_MAX);
}

int committed_read(struct wire_reader *r, void *owner, struct committed *c)
{
	fields_expect(r, RECORD_COMMITTED);
	c->count = fields_get_count(r, 4, WIRE_RECIPIENTS_MAX);
	c->recipients = fields_array(owner, sizeof *c->recipients, c->count);
	for (uint32_t i = 0; i < c->count; i++) {
		c->recipients[i] = wire_get_u32(r);
		if (c->recipients[i] >= WIRE_RECIPIENTS_MAX)
			r->bad = true;
	}
	c->reply = fields_get_text(r, owner, WIRE_REPLY_MAX);
	return fields_end(r);
}

/* "250 2.0.0 from MTA(...): ..." -> length of "250 2.0.0" */
static size_t reply_codes_length(const char *reply)
{
	size_t n = strspn(reply, "0123456789");
	if (reply[n] == ' ') {
		size_t enhanced = strspn(reply + n + 1, "0123456789.");
		if (enhanced > 0)
			n += 1 + enhanced;
	}
	return n;
}

static uint32_t run_length(const char *const *replies, uint32_t count, uint32_t from)
{
	uint32_t n = 1;
	while (from + n < count && g_strcmp0(replies[from + n], replies[from]) == 0)
		n++;
	return n;
}

/* Neighbours mostly have the same reply: runs of (how many, reply) until all recipients have one. */
static void replies_write(struct wire_writer *w, const char *const *replies, uint32_t count)
{
	size_t start = w->bytes->len;
	for (uint32_t i = 0; i < count;) {
		uint32_t n = run_length(replies, count, i);
		wire_put_u32(w, n);
		if (w->bytes->len - start < REPLIES_BUDGET_BYTES || !replies[i])
			wire_put_str_cut(w, replies[i], WIRE_REPLY_MAX);
		else
			wire_put_str_cut(w, replies[i], reply_codes_length(replies[i]));
		i += n;
	}
}

static void replies_read(struct wire_reader *r, void *owner, struct result *res)
{
	res->replies = fields_array(owner, sizeof *res->replies, res->recipient_count);
	for (uint32_t i = 0; i < res->recipient_count && !r->bad;) {
		uint32_t n = wire_get_u32(r);
		const char *reply = fields_get_text(r, owner, WIRE_REPLY_MAX);
		if (n == 0 || n > res->recipient_count - i)
			r->bad = true;
		else
			while (n-- > 0)
				res->replies[i++] = reply;
	}
}

void result_write(struct wire_writer *w, const struct result *res)
{
	wire_begin(w, RECORD_RESULT);
	wire_put_u8(w, res->leaving);
	wire_put_str_cut(w, res->reply, WIRE_REPLY_MAX);
	wire_put_str_cut(w, res->answer, WIRE_TEXT_MAX);
	wire_put_u32(w, res->recipient_count);
	wire_put_u8(w, res->replies != NULL);
	if (res->replies)
		replies_write(w, res->replies, res->recipient_count);
}

int result_read(struct wire_reader *r, void *owner, struct result *res)
{
	fields_expect(r, RECORD_RESULT);
	res->replies = NULL;
	res->leaving = fields_get_flag(r);
	res->reply = wire_get_str(r, owner, WIRE_REPLY_MAX);
	res->answer = wire_get_str(r, owner, WIRE_TEXT_MAX);
	res->recipient_count = wire_get_u32(r);
	if (res->recipient_count > WIRE_RECIPIENTS_MAX)
		r->bad = true;
	if (fields_get_flag(r) && !r->bad)
		replies_read(r, owner, res);
	return fields_end(r);
}
