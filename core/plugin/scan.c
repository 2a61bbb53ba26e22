/* scan.c - asks one scanner about one mail: part by part, or all at once; the worst answer counts. */
#include "config.h"

#include <talloc.h>
#include <unistd.h>

#include "plugin/inside.h"

/* How bad an answer is; the worst of all parts is the mail's. */
static int badness(enum postern_result r)
{
	switch (r) {
	case POSTERN_OK: return 0;
	case POSTERN_NOTHING: return 1;
	case POSTERN_LIMIT: return 2;
	case POSTERN_BROKEN: return 3;
	case POSTERN_TEMPFAIL: return 4;
	}
	return 3;
}

static bool over(const struct postern_call *c, int64_t size_bytes)
{
	int64_t max = c->instance->max_size_bytes;
	return max > 0 && size_bytes > max;
}

static void close_part_fds(struct postern_call *c)
{
	for (struct call_fd *f = c->fds; f; f = f->next)
		close(f->fd);
	c->fds = NULL;
}

static enum postern_result scan_one(struct postern_call *c, const struct postern_part *p)
{
	if (p->damaged)
		return postern_fail(c, POSTERN_BROKEN, "part p%03u is not there, or no regular file", p->number);
	if (p->size_bytes == 0)
		return POSTERN_OK;
	if (over(c, p->size_bytes))
		return postern_fail(c, POSTERN_LIMIT, "part p%03u has %lld bytes, more than max_size", p->number, (long long)p->size_bytes);
	if (deadline_left_ms(c->deadline) == 0)
		return postern_fail(c, POSTERN_TEMPFAIL, "time over");
	/* A mail may have more parts than there is room for what each of them needs. */
	c->scratch = talloc_new(c->arena);
	c->refused = false;
	enum postern_result r = c->instance->plugin->scanner->scan_part(c, p);
	close_part_fds(c);
	talloc_free(c->scratch);
	c->scratch = c->arena;
	return r;
}

/* What goes wrong with one part may be that part's doing, and shall not hide the others. Only where nobody can be asked any more is the
 * rest left: the time is over, the mail no longer wanted, or no connection came about. connects, sent_bytes: the call's before the part. */
static bool may_go_on(const struct postern_call *c, unsigned connects, uint64_t sent_bytes)
{
	bool reached = c->connects > connects || c->sent_bytes > sent_bytes;
	bool unreachable = c->connect_refused || c->connect_failed_ms > 0;
	return deadline_left_ms(c->deadline) != 0 && !deadline_cancelled(c->deadline) && (reached || !unreachable);
}

static enum postern_result scan_parts(struct postern_call *c, bool stop_at_first)
{
	const struct postern_scanner_ops *ops = c->instance->plugin->scanner;
	const struct postern_mail *m = &c->view->mail;
	enum postern_result worst = ops->begin ? ops->begin(c, m) : POSTERN_OK;
	const char *error = c->error;
	c->refused = worst == POSTERN_OK;	/* until a part is asked about */
	bool on = badness(worst) < badness(POSTERN_BROKEN);	/* else nothing it could say would count */
	for (size_t k = 0; k < m->part_count && on && !(stop_at_first && c->found_count > 0); k++) {
		unsigned connects = c->connects;
		uint64_t sent_bytes = c->sent_bytes;
		c->error = NULL;
		enum postern_result r = scan_one(c, &m->parts[k]);
		on = badness(r) < badness(POSTERN_BROKEN) || may_go_on(c, connects, sent_bytes);
		if (badness(r) > badness(worst)) {
			worst = r;
			error = c->error;
		}
	}
	c->error = NULL;
	enum postern_result last = ops->end ? ops->end(c, m) : POSTERN_OK;
	if (badness(last) > badness(worst))
		return last;
	c->error = error;
	return worst;
}

static enum postern_result scan_mail(struct postern_call *c)
{
	const struct postern_mail *m = &c->view->mail;
	const struct postern_scanner_ops *ops = c->instance->plugin->scanner;
	if (over(c, m->size_bytes))
		return postern_fail(c, POSTERN_LIMIT, "the mail has %lld bytes, more than max_size", (long long)m->size_bytes);
	for (size_t k = 0; k < m->part_count; k++) {
		c->refused = m->parts[k].damaged;
		if (m->parts[k].damaged)
			return postern_fail(c, POSTERN_BROKEN, "part p%03u is not there, or no regular file", m->parts[k].number);
	}
	return ops->scan(c, m);
}

enum postern_result scan_view(struct postern_call *c, bool stop_at_first)
{
	const struct postern_plugin *p = c->instance->plugin;
	bool per_part = (p->capabilities & POSTERN_CAP_PER_PART) && p->scanner->scan_part;
	if (!per_part && !p->scanner->scan)
		return postern_fail(c, POSTERN_BROKEN, "the plugin has no call to scan with");
	blame_enter(c->instance);
	enum postern_result r = breaker_admit(c);
	regex_begin();
	if (r == POSTERN_OK)
		r = per_part ? scan_parts(c, stop_at_first) : scan_mail(c);
	blame_leave(c->instance);
	if ((r == POSTERN_OK || r == POSTERN_NOTHING) && regex_gave_up())
		return postern_fail(c, POSTERN_TEMPFAIL, "a regular expression of its options took too much time over the answer");
	return r;	/* what it has found stands; that it failed or cannot say behind that, too */
}

static void account_scan(const struct postern_call *c, struct plugin_outcome *out, int64_t began_us)
{
	out->elapsed_us = elapsed_since_us(began_us);
	call_account(c, out->result, out->found_count, out->elapsed_us);
}

void scan_here(struct plugin_instance *i, struct plugin_view *v, struct deadline d, bool stop_at_first, void *owner,
	struct plugin_outcome *out)
{
	struct error e = { 0 };
	*out = (struct plugin_outcome){ .result = POSTERN_BROKEN };
	if (!i->plugin->scanner) {
		outcome_fail(out, POSTERN_BROKEN, "the plugin is no scanner", owner);
		return;
	}
	const char *why = call_claim(i, owner);
	if (why) {
		outcome_fail(out, POSTERN_TEMPFAIL, why, owner);
		return;
	}
	int64_t began_us = clock_wall_us();
	view_never_empty(v);
	struct postern_call *c = call_begin(i, v, d);
	bool paths = i->plugin->capabilities & POSTERN_CAP_PATH;
	enum postern_result r = paths && view_give_paths(v, &e) != 0 ? postern_fail(c, POSTERN_TEMPFAIL, "%s", e.text) :
		scan_view(c, stop_at_first);
	call_report(c, r, owner, out);
	account_scan(c, out, began_us);
	call_end(c);
	call_release(i);
}

void plugin_scan(struct plugin_instance *i, struct plugin_view *v, struct deadline d, bool stop_at_first, void *owner,
	struct plugin_outcome *out)
{
	struct leak_watch watch;
	view_never_empty(v);	/* which opens what the view keeps */
	leaks_begin(&watch);
	scan_here(i, v, d, stop_at_first, owner, out);
	leaks_end(&watch, &i, 1);
}

void plugin_version(struct plugin_instance *i, struct deadline d, void *owner, struct plugin_outcome *out)
{
	*out = (struct plugin_outcome){ .result = POSTERN_NOTHING };
	if (!i->plugin->scanner || !i->plugin->scanner->version)
		return;
	if (!breaker_is_closed(i)) {
		outcome_fail(out, POSTERN_TEMPFAIL, "not asked, it does not answer", owner);
		return;
	}
	const char *why = call_claim(i, owner);
	if (why) {
		outcome_fail(out, POSTERN_TEMPFAIL, why, owner);
		return;
	}
	struct postern_call *c = call_begin(i, NULL, d);
	blame_enter(i);
	enum postern_result r = i->plugin->scanner->version(c);
	blame_leave(i);
	if (r == POSTERN_TEMPFAIL)
		breaker_suspect(i);
	call_report(c, r, owner, out);
	call_end(c);
	call_release(i);
}
