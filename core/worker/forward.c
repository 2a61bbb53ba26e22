/* forward.c - hands the mail on for every recipient that passes, one transaction for those with equal edits and next hop.
 * COMMITTED and the ledger entry come right after each 250; nothing else happens in between. */
#include <glib.h>
#include <poll.h>
#include <string.h>
#include <talloc.h>

#include "base/fdpass.h"
#include "base/log.h"
#include "worker/act.h"
#include "worker/earlier.h"
#include "worker/rcpt_policy.h"
#include "worker/rewrite.h"

#define RECEIVED_MAX 100

struct forwarding {
	struct worker *worker;
	struct mail *mail;
	const struct policy *policy;
	uint32_t owner_pid;
	bool anything_taken;
	struct wire_writer record;
};

struct cluster {
	const struct value *methods;
	struct edit_list *edits;
	unsigned *recipients;
	unsigned count;
	bool tagged;
};

/* Tell reception who has the mail; where it has gone, the ledger must say so for the next try. */
static void announce(struct forwarding *f, const unsigned *recipients, unsigned count, const char *reply)
{
	struct committed c = { .count = count, .recipients = (uint32_t *)(uintptr_t)recipients, .reply = reply };
	size_t n;
	f->anything_taken = true;
	committed_write(&f->record, &c);
	const void *data = wire_end(&f->record, &n);
	if (fdpass_send(f->worker->token_fd, data, n, NULL, 0, 0) == 0)
		return;
	log_write(LOG_LEVEL_WARNING, "reception has gone after the next hop had taken the mail: noted for the next try");
	for (unsigned i = 0; i < count; i++) {
		struct ledger_key key = earlier_key(f->mail, recipients[i]);
		if (!ledger_delivered_note(f->worker->shared, key, f->owner_pid))
			continue;	/* the master was quicker: it notes all that a dead reception owned */
		ledger_file_delivered(f->worker->setup->ledger_fd, key);
		shared_count(f->worker->shared, COUNT_DELIVERED_NOTED, 1);
	}
}

/* Called by deliver/ at once when the next hop has taken recipients. */
static void committed(void *context, const unsigned *recipients, unsigned count, const char *reply)
{
	struct forwarding *f = context;
	for (unsigned i = 0; i < count; i++)
		ledger_delivered_pending(f->worker->shared, earlier_key(f->mail, recipients[i]), f->owner_pid);
	announce(f, recipients, count, reply);
}

/* --- who goes with whom --- */

static bool passes(const struct recipient *r)
{
	return r->fate == FATE_UNDECIDED && r->destiny == D_PASS;
}

static unsigned count_passing(const struct mail *m)
{
	unsigned n = 0;
	for (unsigned i = 0; i < m->recipient_count; i++)
		n += passes(&m->recipients[i]);
	return n;
}

static struct cluster *cluster_for(struct cluster *list, unsigned *count, const struct cluster *wanted, unsigned room)
{
	for (unsigned i = 0; i < *count; i++)
		if (list[i].methods == wanted->methods && edit_list_equal(list[i].edits, wanted->edits))
			return &list[i];
	struct cluster *c = &list[(*count)++];
	*c = *wanted;
	c->recipients = talloc_array(list, unsigned, room);
	return c;
}

static unsigned make_clusters(struct forwarding *f, struct cluster **out)
{
	struct mail *m = f->mail;
	unsigned passing = count_passing(m), count = 0;
	struct cluster *list = talloc_zero_array(m, struct cluster, passing + 1);
	const struct rcpt_policy *last_policy = NULL;
	struct cluster *last = NULL;
	for (unsigned i = 0; i < m->recipient_count; i++) {
		struct recipient *r = &m->recipients[i];
		if (!passes(r))
			continue;
		/* Equal policy means equal edits: thousands of recipients cost one comparison each. */
		if (!last || r->policy != last_policy) {
			struct cluster wanted = { .methods = rcpt_policy_cell(r->policy, CELL_FORWARD_METHOD, &r->categories) };
			wanted.edits = act_edits_for(m, f->policy, r, passing == 1, &wanted.tagged);
			last = cluster_for(list, &count, &wanted, passing);
		}
		last_policy = r->policy;
		r->tagged |= last->tagged;
		last->recipients[last->count++] = i;
	}
	*out = list;
	return count;
}

/* --- delivered before by a try that could not say so --- */

static void skip_delivered(struct forwarding *f)
{
	struct mail *m = f->mail;
	for (unsigned i = 0; i < m->recipient_count; i++) {
		struct recipient *r = &m->recipients[i];
		struct ledger_key key = earlier_key(m, i);
		if (!passes(r) || !ledger_delivered_take(f->worker->shared, key, f->owner_pid))
			continue;
		ledger_file_used(f->worker->setup->ledger_fd, key);
		r->delivered = r->skipped = true;
		r->fate = FATE_PASSED;
		r->reply = talloc_asprintf(m, "250 2.0.0 Ok, id=%s, was delivered by an earlier try", m->log_id);
		shared_count(f->worker->shared, COUNT_DELIVERED_SKIPPED, 1);
		log_write(LOG_LEVEL_NOTICE, "<%s> has this mail from an earlier try, not sent again", r->envelope->address);
		announce(f, &i, 1, r->reply);
	}
}

static void refuse_all(struct mail *m, const char *reply)
{
	for (unsigned i = 0; i < m->recipient_count; i++) {
		struct recipient *r = &m->recipients[i];
		if (!passes(r))
			continue;
		r->fate = FATE_FAILED;
		r->reply = reply;
	}
}

/* --- one transaction --- */

/* A method, a list of them, or a constant that holds a list: all in one row. */
static void flatten_methods(const struct value *v, GPtrArray *row, void *owner)
{
	if (v && v->kind == VALUE_LIST) {
		for (size_t i = 0; i < v->u.list.count; i++)
			flatten_methods(v->u.list.items[i], row, owner);
		return;
	}
	const char *text = v ? value_text(v, owner) : NULL;
	if (text && *text)
		g_ptr_array_add(row, (void *)(uintptr_t)text);
}

static const char *const *method_list(const struct value *v, void *owner)
{
	GPtrArray *row = g_ptr_array_new();
	flatten_methods(v, row, owner);
	const char **list = talloc_zero_array(owner, const char *, row->len + 1);
	for (guint i = 0; i < row->len; i++)
		list[i] = g_ptr_array_index(row, i);
	g_ptr_array_free(row, TRUE);
	return list;
}

static void take_result(struct mail *m, const struct deliver_result *d)
{
	struct recipient *r = &m->recipients[d->recipient];
	r->reply = d->reply;
	r->queued_as = d->queued_as;
	r->next_hop = d->next_hop;
	r->delivered = d->code >= 200 && d->code < 300;
	r->fate = r->delivered ? FATE_PASSED : FATE_FAILED;
	if (!r->delivered)
		categories_add(&r->categories, CC_MTA, d->code >= 500 ? CC_MTA_REJECTED : CC_MTA_TEMPFAILED);
}

static void send_cluster(struct forwarding *f, const struct cluster *c)
{
	struct mail *m = f->mail;
	const char *const *methods = method_list(c->methods, m);
	struct deliver_settings settings = {
		.localhost_name = policy_string(f->policy, SET_localhost_name),
		.local_client_bind_address = policy_string(f->policy, SET_local_client_bind_address),
		.connection_cache = policy_bool(f->policy, SET_smtp_connection_cache_enable),
		.xforward = true,
		.propagate_dsn = policy_bool(f->policy, SET_propagate_dsn_if_possible),
		.next_hop_retry_ms = policy_ms(f->policy, SET_next_hop_retry_interval, 30000),
	};
	struct deliver_order order = {
		.mail = m, .methods = methods, .recipients = c->recipients, .recipient_count = c->count, .edits = c->edits,
		.settings = &settings, .committed = committed, .committed_context = f,
	};
	struct deliver_result *results = talloc_zero_array(m, struct deliver_result, c->count + 1);
	deliver_mail(f->worker->pool, &order, m, results);
	for (unsigned i = 0; i < c->count; i++)
		take_result(m, &results[i]);
}

static bool client_gone(const struct forwarding *f)
{
	struct pollfd p = { .fd = f->mail->deadline.cancel_fd, .events = POLLIN };
	return !f->anything_taken && p.fd >= 0 && poll(&p, 1, 0) > 0;
}

int act_forward(struct worker *w, struct mail *m, const struct policy *p, uint32_t owner_pid, struct error *e)
{
	struct forwarding f = { .worker = w, .mail = m, .policy = p, .owner_pid = owner_pid };
	struct cluster *clusters;
	if (count_passing(m) == 0)
		return 0;
	if (header_count(&m->header, "received") > RECEIVED_MAX) {
		refuse_all(m, talloc_asprintf(m, "554 5.4.6 Reject, id=%s, mail loop: more than %d Received fields", m->log_id, RECEIVED_MAX));
		return 0;
	}
	if (earlier_wait(w, m, e) != 0) {
		if (e->class == ERROR_CANCELLED)
			return -1;
		refuse_all(m, talloc_asprintf(m, "451 4.3.0 id=%s - an earlier try of this mail is still under way, try again", m->log_id));
		return 0;
	}
	skip_delivered(&f);
	for (unsigned i = 0; i < m->recipient_count; i++)
		if (passes(&m->recipients[i]))
			rewrite_recipient(m, p, &m->recipients[i]);
	unsigned count = make_clusters(&f, &clusters);
	for (unsigned i = 0; i < count; i++) {
		if (client_gone(&f)) {
			wire_free(&f.record);
			return error_set(e, ERROR_CANCELLED, "the client has gone");
		}
		send_cluster(&f, &clusters[i]);
	}
	wire_free(&f.record);
	return 0;
}
