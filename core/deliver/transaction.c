/* transaction.c - see transaction.h.
 *
 * Two rules stand above all others here.  A recipient counts as delivered only
 * when a 2xx reply to the final dot was read, and whoever asked is told at that
 * very moment.  And once the dot is on its way the mail is never given to
 * another hop: an answer that does not come is a 4xx for that recipient. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>

#include "deliver/body.h"
#include "deliver/envelope.h"
#include "deliver/smtp_client.h"
#include "deliver/transaction.h"

#define BATCH_MAX 100		/* commands sent before their replies are read: those fit any socket buffer */

enum recipient_state { RCPT_UNSAID, RCPT_ACCEPTED, RCPT_REFUSED, RCPT_PUT_OFF };

struct rcpt {
	enum recipient_state state;
	int code;
	const char *reply;	/* when refused or put off */
};

struct run {			/* one transaction while it runs */
	struct transaction *t;
	void *work;
	struct reply reply;
	struct rcpt *rcpts;	/* as t->open */
	unsigned accepted;
	bool mail_answered, mail_taken;
	bool data_wanted;	/* 354 was said */
	struct edit_stream *stream;
};

/* ---- outcomes ---- */

static const char *hop_name(const struct run *r)
{
	return r->t->connection->hop.name;
}

static void fail_with(struct run *r, int code, const char *reply)
{
	r->t->failure_code = code;
	r->t->failure = reply;
}

/* The server's own reply as the reason. */
static void fail_with_reply(struct run *r, const char *subject_detail)
{
	fail_with(r, reply_code_onward(&r->reply), reply_from_next_hop(&r->reply, subject_detail, hop_name(r), r->t->owner));
}

static void fail_with_errno(struct run *r, int errnum, const char *what)
{
	const char *enhanced = errnum == ECANCELED ? "4.3.0" : "4.4.2";

	fail_with(r, 451, talloc_asprintf(r->t->owner, "451 %s from MTA(%s): %s: %s", enhanced, hop_name(r), what,
		smtp_errno_text(errnum)));
}

static void settle(struct run *r, unsigned slot, int code, const char *reply, const char *queued_as)
{
	struct deliver_result *result = &r->t->results[r->t->open[slot]];

	result->code = code;
	result->reply = reply;
	result->queued_as = queued_as;
	result->next_hop = talloc_strdup(r->t->owner, hop_name(r));
}

/* The hop went away, the time is over, or the client has gone: what that means for the mail. Nobody has it yet. */
static enum transaction_outcome lost(struct run *r, int errnum, const char *what)
{
	struct transaction *t = r->t;

	if (t->connection->reused && !r->mail_answered && errnum != ETIMEDOUT && errnum != ECANCELED)
		return TRANSACTION_STALE;
	fail_with_errno(r, errnum, what);
	if (errnum == ECANCELED || deadline_left_ms(t->deadline) == 0)
		return TRANSACTION_STOPPED;
	return TRANSACTION_DOWN;
}

/* Recipients that are still open move to the front. */
static void take_out_settled(struct run *r)
{
	struct transaction *t = r->t;
	unsigned kept = 0;

	for (unsigned i = 0; i < t->open_count; i++)
		if (t->results[t->open[i]].code == 0)
			t->open[kept++] = t->open[i];
	t->open_count = kept;
}

/* All that RCPT has answered; what was put off stays open unless nobody was accepted. */
static void settle_refused(struct run *r)
{
	for (unsigned i = 0; i < r->t->open_count; i++) {
		const struct rcpt *p = &r->rcpts[i];

		if (p->state == RCPT_REFUSED || (p->state == RCPT_PUT_OFF && r->accepted == 0))
			settle(r, i, p->code, p->reply, NULL);
	}
}

static void settle_accepted(struct run *r, int code, const char *reply)
{
	for (unsigned i = 0; i < r->t->open_count; i++)
		if (r->rcpts[i].state == RCPT_ACCEPTED && r->t->results[r->t->open[i]].code == 0)
			settle(r, i, code, reply, NULL);
}

/* ---- what the mail needs ---- */

/* false: the hop cannot take it; failure says why. */
static bool hop_is_fit(struct run *r, struct envelope_needs *needs)
{
	const struct deliver_order *order = r->t->order;
	const struct capabilities *offers = &r->t->connection->offers;
	const struct envelope *v = order->mail->envelope;
	bool utf8_sender = !envelope_address_is_ascii(v->sender);
	bool utf8_header = v->smtputf8 && edit_header_has_8bit(&order->mail->header, order->edits);
	const char *why = NULL;

	if (offers->size)
		needs->size_bytes = edit_stream_size(r->stream);
	/* a mail that declares nothing and has 8-bit bytes is sent as it is to a hop that offers nothing */
	if (offers->eight_bit_mime ? v->body_8bitmime != 2 : v->body_8bitmime == 2)
		needs->eight_bit = edit_stream_has_8bit(r->stream);
	if (!offers->smtputf8 && utf8_sender)
		why = "550 5.6.7 SMTPUTF8 is required for the sender's address but not supported";
	else if (!offers->smtputf8 && utf8_header)
		why = "554 5.6.9 SMTPUTF8 is required for the header but not supported";
	else if (!offers->eight_bit_mime && needs->eight_bit)
		why = "550 5.6.3 Conversion to 7BIT required but not supported";
	needs->smtputf8 = offers->smtputf8 && (utf8_sender || utf8_header);
	if (why)
		fail_with(r, why[2] == '4' ? 554 : 550, talloc_asprintf(r->t->owner, "%s by %s", why, hop_name(r)));
	return !why;
}

/* What must not or cannot be said to this hop is refused here. */
static void check_recipient(struct run *r, unsigned slot, struct envelope_needs *needs)
{
	const struct transaction *t = r->t;
	const struct mail *m = t->order->mail;
	const char *address = recipient_forward_address(&m->recipients[t->results[t->open[slot]].recipient]);
	struct rcpt *p = &r->rcpts[slot];

	if (!envelope_address_is_safe(address)) {
		*p = (struct rcpt){ RCPT_REFUSED, 553, "553 5.1.3 Bad recipient address syntax" };
		return;
	}
	if (envelope_address_is_ascii(address))
		return;
	if (t->connection->offers.smtputf8)
		needs->smtputf8 = true;
	else
		*p = (struct rcpt){ RCPT_REFUSED, 553, talloc_asprintf(t->owner,
			"553 5.6.7 SMTPUTF8 is required for the recipient's address but not supported by %s", hop_name(r)) };
}

/* false: there is no recipient left to ask for. */
static bool build_commands(struct run *r, struct envelope_commands *e, struct envelope_needs *needs)
{
	struct transaction *t = r->t;
	struct connection *c = t->connection;
	unsigned said = 0;

	for (unsigned i = 0; i < t->open_count; i++)
		check_recipient(r, i, needs);
	if (c->needs_reset)
		envelope_add_reset(e);
	if (t->order->settings->xforward && c->offers.xforward)
		envelope_add_xforward(e, t->order->mail, c->offers.xforward);
	envelope_add_mail(e, t->order, &c->offers, needs);
	for (unsigned i = 0; i < t->open_count; i++) {
		if (r->rcpts[i].state != RCPT_UNSAID)
			continue;
		envelope_add_rcpt(e, t->order, &c->offers, t->results[t->open[i]].recipient, i);
		said++;
	}
	envelope_add_data(e);
	return said > 0;
}

/* ---- the envelope ---- */

/* Each takes the reply to one command; false: it makes no sense there. */
static bool take_mail_reply(struct run *r)
{
	int class = r->reply.code / 100;

	r->mail_answered = true;
	r->mail_taken = class == 2;
	if (class == 4 || class == 5)
		fail_with_reply(r, ".1.0");
	return class != 3;
}

static bool take_rcpt_reply(struct run *r, unsigned slot)
{
	struct rcpt *p = &r->rcpts[slot];
	int class = r->reply.code / 100;

	if (!r->mail_taken)
		return true;
	if (class == 3)
		return false;
	if (class == 2) {
		p->state = RCPT_ACCEPTED;
		r->accepted++;
		return true;
	}
	p->state = r->reply.code == 452 ? RCPT_PUT_OFF : RCPT_REFUSED;
	p->code = r->reply.code;
	p->reply = reply_from_next_hop(&r->reply, ".1.0", hop_name(r), r->t->owner);
	return true;
}

static bool take_data_reply(struct run *r)
{
	int class = r->reply.code / 100;

	r->data_wanted = r->reply.code == 354;
	if (r->data_wanted)
		return true;
	if (class == 2 || class == 3)
		return false;
	if (r->mail_taken && r->accepted > 0)
		fail_with_reply(r, ".5.0");
	return true;
}

static bool take_reply(struct run *r, const struct step *step)
{
	switch (step->kind) {
	case STEP_RESET: return r->reply.code / 100 == 2;
	case STEP_XFORWARD: return true;	/* the mail goes on without */
	case STEP_MAIL: return take_mail_reply(r);
	case STEP_RCPT: return take_rcpt_reply(r, step->slot);
	default: return take_data_reply(r);
	}
}

static const char *step_name(enum step_kind kind)
{
	static const char *const names[] = { "RSET", "XFORWARD", "MAIL", "RCPT", "DATA" };

	return names[kind];
}

/* TRANSACTION_ANSWERED: the reply was taken. */
static enum transaction_outcome read_step(struct run *r, const struct step *step)
{
	struct deadline d = deadline_sooner(r->t->envelope_deadline, step->kind == STEP_DATA ? DATA_TIMEOUT_MS : COMMAND_TIMEOUT_MS);
	const struct connection *c = r->t->connection;

	if (smtp_read_reply(r->t->connection, &r->reply, d) < 0)
		return lost(r, errno, step_name(step->kind));
	if (r->reply.code == 421) {
		if (c->reused && !r->mail_answered)
			return TRANSACTION_STALE;
		fail_with_reply(r, ".4.2");
		return TRANSACTION_DOWN;
	}
	if (take_reply(r, step))
		return TRANSACTION_ANSWERED;
	if (c->reused && !r->mail_answered)
		return TRANSACTION_STALE;
	fail_with(r, 451, talloc_asprintf(r->t->owner, "451 4.5.0 from MTA(%s): %s was answered by %03d", hop_name(r),
		step_name(step->kind), r->reply.code));
	return TRANSACTION_DOWN;
}

static enum transaction_outcome run_batch(struct run *r, const struct envelope_commands *e, unsigned first, unsigned end)
{
	size_t from = first ? g_array_index(e->steps, struct step, first - 1).end : 0;
	size_t to = g_array_index(e->steps, struct step, end - 1).end;
	struct iovec v = { e->text->str + from, to - from };
	int write_errno = 0;

	/* a server that hangs up may have said why: read on after a failed write */
	if (connection_write(r->t->connection, &v, 1, deadline_sooner(r->t->envelope_deadline, COMMAND_TIMEOUT_MS)) < 0)
		write_errno = errno;
	if (write_errno == ETIMEDOUT || write_errno == ECANCELED)
		return lost(r, write_errno, step_name(g_array_index(e->steps, struct step, first).kind));
	for (unsigned i = first; i < end; i++) {
		enum transaction_outcome o = read_step(r, &g_array_index(e->steps, struct step, i));

		if (o != TRANSACTION_ANSWERED)
			return o;
	}
	return TRANSACTION_ANSWERED;
}

/* Is it pointless to send this command now that the ones before it are answered? */
static bool is_needless(const struct run *r, const struct step *step)
{
	if (step->kind != STEP_RCPT && step->kind != STEP_DATA)
		return false;
	return !r->mail_taken || (step->kind == STEP_DATA && r->accepted == 0);
}

static enum transaction_outcome run_envelope(struct run *r, const struct envelope_commands *e)
{
	unsigned batch = r->t->connection->offers.pipelining ? BATCH_MAX : 1;

	for (unsigned first = 0; first < e->steps->len; first += batch) {
		unsigned end = first + batch < e->steps->len ? first + batch : e->steps->len;
		enum transaction_outcome o;

		if (r->mail_answered && is_needless(r, &g_array_index(e->steps, struct step, first)))
			break;
		o = run_batch(r, e, first, end);
		if (o != TRANSACTION_ANSWERED)
			return o;
	}
	return TRANSACTION_ANSWERED;
}

/* ---- the body and its answers ---- */

static bool is_final(int code)
{
	return code / 100 == 2 || code / 100 == 4 || code / 100 == 5;
}

/* Tell at once who has it, then keep the rest. `slots` share this reply. */
static void take_final_reply(struct run *r, const unsigned *slots, unsigned count)
{
	const struct transaction *t = r->t;
	const struct deliver_order *order = t->order;
	const char *reply = reply_from_next_hop(&r->reply, ".5.0", hop_name(r), t->owner);
	char *queued_as = NULL;

	if (r->reply.code / 100 == 2) {
		unsigned *indices = talloc_array(r->work, unsigned, count);

		for (unsigned i = 0; i < count; i++)
			indices[i] = t->results[t->open[slots[i]]].recipient;
		if (order->committed)
			order->committed(order->committed_context, indices, count, reply);
		queued_as = reply_queued_as(&r->reply, t->owner);
	}
	for (unsigned i = 0; i < count; i++)
		settle(r, slots[i], reply_code_onward(&r->reply), reply, queued_as);
}

/* No cancel any more: only the server knows whether it has the mail. */
static int read_final_reply(struct run *r)
{
	struct deadline d = r->t->deadline;

	d.cancel_fd = -1;
	if (smtp_read_reply(r->t->connection, &r->reply, deadline_sooner(d, FINAL_DOT_TIMEOUT_MS)) < 0)
		return -1;
	if (is_final(r->reply.code))
		return 0;
	errno = EPROTO;
	return -1;
}

static void take_final_replies(struct run *r)
{
	struct transaction *t = r->t;
	unsigned *slots = talloc_array(r->work, unsigned, r->accepted), count = 0;
	unsigned replies = t->connection->hop.lmtp ? r->accepted : 1;

	for (unsigned i = 0; i < t->open_count; i++)
		if (r->rcpts[i].state == RCPT_ACCEPTED)
			slots[count++] = i;
	for (unsigned i = 0; i < replies; i++) {
		if (read_final_reply(r) < 0) {
			fail_with_errno(r, errno, "after the end of data, so that it is unknown whether it took the mail");
			settle_accepted(r, t->failure_code, t->failure);
			return;
		}
		take_final_reply(r, slots + i, replies == 1 ? count : 1);
	}
	t->connection_is_clean = r->reply.code != 421;
}

/* The server speaks before the dot: a refusal counts, anything else is no answer to a mail it has not seen whole. */
static enum transaction_outcome take_early_reply(struct run *r, int errnum)
{
	struct connection *c = r->t->connection;

	if (!connection_has_input(c))
		return lost(r, errnum, "data");
	if (smtp_read_reply(c, &r->reply, deadline_sooner(r->t->deadline, 1000)) < 0)
		return lost(r, errno == ETIMEDOUT ? errnum : errno, "data");
	if (r->reply.code == 421) {
		fail_with_reply(r, ".4.2");
		return TRANSACTION_DOWN;
	}
	if (r->reply.code < 400)
		return lost(r, EPROTO, "data");
	fail_with_reply(r, ".5.0");
	settle_accepted(r, r->t->failure_code, r->t->failure);
	return TRANSACTION_ANSWERED;
}

static enum transaction_outcome run_body(struct run *r)
{
	struct transaction *t = r->t;
	int errnum;

	switch (body_send(t->connection, r->stream, t->blocks, t->deadline)) {
	case BODY_SENT:
		take_final_replies(r);
		return TRANSACTION_ANSWERED;
	case BODY_EARLY_REPLY:
		return take_early_reply(r, ECONNRESET);
	case BODY_UNREADABLE:
		fail_with(r, 451, talloc_asprintf(t->owner, "451 4.3.0 Cannot read the mail: %s", strerror(errno)));
		return TRANSACTION_STOPPED;
	default:
		break;
	}
	errnum = errno;
	if (errnum == ECANCELED || deadline_left_ms(t->deadline) == 0)
		return lost(r, errnum, "data");
	if (errnum == ETIMEDOUT && !connection_has_input(t->connection)) {
		/* so much time went into this hop that another one gets none */
		fail_with_errno(r, errnum, "data");
		settle_accepted(r, t->failure_code, t->failure);
		return TRANSACTION_ANSWERED;
	}
	return take_early_reply(r, errnum);
}

static enum transaction_outcome conclude(struct run *r)
{
	struct transaction *t = r->t;
	enum transaction_outcome o = TRANSACTION_ANSWERED;

	t->connection->needs_reset = true;
	t->connection_is_clean = !r->data_wanted;
	if (!r->mail_taken && t->failure_code / 100 == 4)
		return TRANSACTION_REFUSED;
	if (!r->mail_taken) {
		for (unsigned i = 0; i < t->open_count; i++)
			settle(r, i, t->failure_code, t->failure, NULL);
	} else if (r->accepted == 0) {
		/* 354 all the same: the connection is closed rather than an empty mail sent */
	} else if (r->data_wanted) {
		o = run_body(r);
		t->connection->needs_reset = false;
	} else {
		settle_accepted(r, t->failure_code, t->failure);
	}
	if (o == TRANSACTION_ANSWERED && r->mail_taken)
		settle_refused(r);
	return o;
}

static enum transaction_outcome run(struct run *r)
{
	struct envelope_commands commands;
	struct envelope_needs needs = { 0 };
	enum transaction_outcome o = TRANSACTION_ANSWERED;

	if (!envelope_address_is_safe(r->t->order->mail->envelope->sender)) {
		fail_with(r, 553, "553 5.1.7 Bad sender address syntax");
		return TRANSACTION_STOPPED;
	}
	if (!hop_is_fit(r, &needs)) {
		r->t->connection_is_clean = true;
		return TRANSACTION_UNFIT;
	}
	envelope_commands_init(&commands);
	if (build_commands(r, &commands, &needs)) {
		o = run_envelope(r, &commands);
		if (o == TRANSACTION_ANSWERED)
			o = conclude(r);
	} else {
		r->t->connection_is_clean = true;
		settle_refused(r);
	}
	envelope_commands_clear(&commands);
	return o;
}

enum transaction_outcome transaction_run(struct transaction *t)
{
	void *work = talloc_new(NULL);
	struct run r = { .t = t, .work = work };
	const struct mail *m = t->order->mail;
	enum transaction_outcome o;

	reply_init(&r.reply);
	r.rcpts = talloc_zero_array(work, struct rcpt, t->open_count);
	r.stream = edit_stream_open(work, m->fd, m->size_bytes, &m->header, t->order->edits, EDIT_CRLF, true);
	t->connection_is_clean = false;
	t->failure_code = 0;
	t->failure = NULL;
	o = run(&r);
	take_out_settled(&r);
	reply_clear(&r.reply);
	talloc_free(work);
	return o;
}
