/* deliver.c - one order: its next hops in turn, transactions until every recipient has an answer.
 *
 * Methods are tried in the order written, those remembered as dead last.  A hop
 * that answers, be it by 5xx, ends the search; one that is down, refuses the
 * sender for now or lacks an extension leaves the mail to the next. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <talloc.h>

#include "base/log.h"
#include "deliver/next_hop.h"
#include "deliver/pool.h"
#include "deliver/smtp_client.h"
#include "deliver/transaction.h"

#define NEXT_HOP_RETRY_MS 30000

struct delivery {
	struct deliver_pool *pool;
	const struct deliver_order *order;
	void *owner;
	struct deliver_result *results;
	unsigned *open;
	unsigned open_count;
	char *identity;			/* what a kept connection must agree in */
	unsigned hops_left;		/* this one included */
	int failure_code;
	const char *failure;		/* for those that stay open */
	bool stopped;
};

/* A 4xx stands before a 5xx: where one hop was down, another try may succeed. */
static void note_failure(struct delivery *d, int code, const char *reply)
{
	if (d->failure_code / 100 == 4 && code / 100 != 4)
		return;
	d->failure_code = code;
	d->failure = reply;
	log_write(LOG_LEVEL_INFO, "deliver: %s", reply);
}

static int64_t retry_ms(const struct delivery *d)
{
	int64_t ms = d->order->settings->next_hop_retry_ms;

	return ms > 0 ? ms : NEXT_HOP_RETRY_MS;
}

static const char *own_name(const struct delivery *d)
{
	const char *name = d->order->settings->localhost_name;

	return name && *name ? name : "localhost";
}

/* Waiting for one hop must leave time to ask the others. */
static struct deadline envelope_deadline(const struct delivery *d)
{
	struct deadline whole = d->order->mail->deadline;
	int left_ms = deadline_left_ms(whole);

	return left_ms > 0 && d->hops_left > 1 ? deadline_sooner(whole, left_ms / (int)d->hops_left) : whole;
}

/* ---- connections ---- */

static void note_connect_failure(struct delivery *d, const struct next_hop *hop, const struct error *e)
{
	d->stopped = e->class == ERROR_CANCELLED || deadline_left_ms(d->order->mail->deadline) == 0;
	if (e->class == ERROR_CANCELLED)
		note_failure(d, 451, talloc_asprintf(d->owner, "451 4.3.0 Not connected to %s: the client has gone", hop->name));
	else
		note_failure(d, 451, talloc_asprintf(d->owner, "451 4.4.1 Can't connect to %s: %.300s", hop->name, e->text));
	if (!d->stopped)
		next_hop_failed(d->pool->shared, hop->name, retry_ms(d));
}

/* A negative greeting, even a permanent one, says nothing of the mail. */
static void note_hello_failure(struct delivery *d, const struct next_hop *hop, const struct reply *reply, const struct error *e)
{
	const char *enhanced = reply->code ? "4.3.0" : "4.4.2";
	char *folded = reply->code ? reply_fold(reply, NULL) : NULL;

	d->stopped = e->class == ERROR_CANCELLED || deadline_left_ms(d->order->mail->deadline) == 0;
	note_failure(d, 451, talloc_asprintf(d->owner, "451 %s from MTA(%s): %s%s%.400s", enhanced, hop->name, e->text,
		folded ? ": " : "", folded ? folded : ""));
	talloc_free(folded);
	if (!d->stopped)
		next_hop_failed(d->pool->shared, hop->name, retry_ms(d));
}

static struct connection *connect_afresh(struct delivery *d, const struct next_hop *hop)
{
	struct deadline until = envelope_deadline(d);
	struct error e = { 0 };
	struct reply reply;
	struct connection *c = connection_open(d->pool, hop, d->order->settings->local_client_bind_address, d->identity,
		deadline_sooner(until, CONNECT_TIMEOUT_MS), &e);

	if (!c) {
		note_connect_failure(d, hop, &e);
		return NULL;
	}
	reply_init(&reply);
	if (smtp_say_hello(c, own_name(d), &reply, until, &e) < 0) {
		note_hello_failure(d, hop, &reply, &e);
		talloc_free(c);
		c = NULL;
	}
	reply_clear(&reply);
	return c;
}

static void put_away(struct delivery *d, struct connection *c, bool clean)
{
	if (!clean)
		talloc_free(c);
	else if (d->order->settings->connection_cache)
		pool_keep(d->pool, c);
	else
		pool_leave(d->pool, c);
}

/* ---- one hop ---- */

/* One transaction. true: this hop may be given what is still open. */
static bool transact(struct delivery *d, struct connection *c)
{
	struct transaction t = {
		.order = d->order, .connection = c, .deadline = d->order->mail->deadline,
		.envelope_deadline = envelope_deadline(d), .blocks = d->pool->block, .owner = d->owner,
		.results = d->results, .open = d->open, .open_count = d->open_count
	};
	struct next_hop hop = c->hop;
	enum transaction_outcome outcome = transaction_run(&t);

	d->open_count = t.open_count;
	put_away(d, c, t.connection_is_clean && outcome != TRANSACTION_STOPPED && outcome != TRANSACTION_DOWN
		&& outcome != TRANSACTION_STALE);
	if (outcome == TRANSACTION_STALE)
		return true;
	if (outcome == TRANSACTION_ANSWERED) {
		next_hop_works(d->pool->shared, hop.name);
		return true;
	}
	note_failure(d, t.failure_code, t.failure);
	d->stopped = outcome == TRANSACTION_STOPPED;
	if (outcome == TRANSACTION_DOWN)
		next_hop_failed(d->pool->shared, hop.name, retry_ms(d));
	return false;
}

static void try_hop(struct delivery *d, const struct next_hop *hop)
{
	bool keep_on = true, kept_are_good = d->order->settings->connection_cache;

	while (keep_on && d->open_count > 0) {
		struct connection *c = kept_are_good ? pool_take(d->pool, hop, d->identity) : NULL;
		bool was_kept = c != NULL;
		unsigned before = d->open_count;

		if (!c)
			c = connect_afresh(d, hop);
		if (!c)
			return;
		keep_on = transact(d, c);
		/* a stale connection settles nobody: the next one is made afresh */
		if (was_kept && before == d->open_count)
			kept_are_good = false;
		else if (before == d->open_count)
			return;
	}
}

/* ---- all hops ---- */

/* Good methods in their order, dead hops behind them. Returns how many. */
static unsigned list_hops(struct delivery *d, struct next_hop *hops)
{
	const char *const *methods = d->order->methods;
	unsigned count = 0;

	for (int dead = 0; dead < 2; dead++) {
		for (unsigned i = 0; methods[i]; i++) {
			struct error e = { 0 };

			if (method_parse(methods[i], d->order->mail->envelope, &hops[count], &e) < 0) {
				if (dead == 0)
					log_write(LOG_LEVEL_ERROR, "deliver: %s", e.text);
				continue;
			}
			if (next_hop_is_dead(d->pool->shared, hops[count].name) == (dead == 1))
				count++;
		}
	}
	return count;
}

static unsigned count_methods(const char *const *methods)
{
	unsigned n = 0;

	while (methods[n])
		n++;
	return n;
}

static void try_hops(struct delivery *d, void *work)
{
	unsigned most = count_methods(d->order->methods);
	/* a hop that dies between the two looks at it is listed twice at most */
	struct next_hop *hops = talloc_array(work, struct next_hop, 2 * most + 1);
	unsigned count = list_hops(d, hops);

	if (count == 0)
		note_failure(d, 451, "451 4.3.5 No usable next hop is configured");
	for (unsigned i = 0; i < count && d->open_count > 0 && !d->stopped; i++) {
		d->hops_left = count - i;
		try_hop(d, &hops[i]);
	}
}

static void settle_rest(struct delivery *d)
{
	for (unsigned i = 0; i < d->open_count; i++) {
		struct deliver_result *r = &d->results[d->open[i]];

		r->code = d->failure ? d->failure_code : 451;
		r->reply = d->failure ? d->failure : "451 4.4.1 No next hop took the mail";
	}
}

void deliver_mail(struct deliver_pool *pool, const struct deliver_order *order, void *owner, struct deliver_result *results)
{
	void *work = talloc_new(NULL);
	struct delivery d = { .pool = pool, .order = order, .owner = owner, .results = results, .open_count = order->recipient_count };
	const char *from = order->settings->local_client_bind_address;

	d.open = talloc_array(work, unsigned, order->recipient_count);
	d.identity = talloc_asprintf(work, "%s %s", from ? from : "", own_name(&d));
	for (unsigned i = 0; i < order->recipient_count; i++) {
		results[i] = (struct deliver_result){ .recipient = order->recipients[i] };
		d.open[i] = i;
	}
	try_hops(&d, work);
	settle_rest(&d);
	talloc_free(work);
}
