/* execute.c - one statement, put a second time where the server has gone away under it: once, and only if it cannot have been done. */
#include "shared.h"

#include "statements.h"

static enum postern_result gone_within(struct postern_call *call, const struct server_ops *ops, void *state)
{
	ops->disconnect(state);
	return postern_fail(call, POSTERN_TEMPFAIL, "the server has gone away in the middle of a transaction");
}

static bool worth_another(const char *text, const struct try *t)
{
	if (t->told || (!t->lost && !t->stale))
		return false;
	/* What writes may have been done; but not if it had not come so far, or there was nobody to do it. */
	return statement_only_reads(text) || !t->executed || t->had_left || t->stale;
}

enum postern_result server_execute(struct postern_call *call, const struct server_ops *ops, const char *text,
	const struct postern_parameter *parameters, size_t count)
{
	void *state = *postern_state(postern_call_instance(call));
	bool within = ops->in_transaction(state);
	struct try t = { 0 };
	if (within && !ops->is_alive(state))
		return gone_within(call, ops, state);
	enum postern_result r = ops->try_once(call, text, parameters, count, &t);
	if (within && t.lost)
		return gone_within(call, ops, state);
	if (r == POSTERN_OK || within || !worth_another(text, &t))
		return r;
	postern_log(call, 2, "asked once more: %s", t.lost ? "the server has gone away" : "the statement had to be prepared anew");
	ops->disconnect(state);
	t = (struct try){ 0 };
	return ops->try_once(call, text, parameters, count, &t);
}
