/* ask.c - calls of the roles other than scanner, delivery and database: decode, score, look up, report.
 *
 * Each is one call on the calling thread; what the plugin says goes to a sink
 * or is copied to the owner. */
#include "config.h"

#include <string.h>
#include <talloc.h>

#include "plugin/inside.h"

/* NULL and *out filled when the instance cannot be asked. */
static struct postern_call *ask_begin(struct plugin_instance *i, const void *ops, struct plugin_view *v, struct deadline d, void *owner,
	struct plugin_outcome *out)
{
	*out = (struct plugin_outcome){ .result = POSTERN_BROKEN };
	const char *why = ops ? call_claim(i, owner) : "the plugin does not play this role";
	if (!why)
		return call_begin(i, v, d);
	outcome_fail(out, ops ? POSTERN_TEMPFAIL : POSTERN_BROKEN, why, owner);
	return NULL;
}

static void ask_end(struct postern_call *c, enum postern_result r, void *owner, struct plugin_outcome *out)
{
	struct plugin_instance *i = c->instance;
	call_report(c, r, owner, out);
	call_end(c);
	call_release(i);
}

static enum postern_result decode_part(struct postern_call *c, const struct postern_decoder_ops *ops, const struct postern_part *p)
{
	int64_t max = c->instance->max_size_bytes;
	if (!p || p->damaged)
		return postern_fail(c, POSTERN_BROKEN, "the part is not there, or no regular file");
	if (max > 0 && p->size_bytes > max)
		return postern_fail(c, POSTERN_LIMIT, "part p%03u has %lld bytes, more than max_size", p->number, (long long)p->size_bytes);
	return ops->decode(c, p);
}

void plugin_decode(struct plugin_instance *i, struct plugin_view *v, size_t part_index, const struct plugin_decode_sink *sink,
	struct deadline d, void *owner, struct plugin_outcome *out)
{
	const struct postern_decoder_ops *ops = i->plugin->decoder;
	struct postern_call *c = ask_begin(i, ops, v, d, owner, out);
	if (!c)
		return;
	c->sink = sink;
	ask_end(c, decode_part(c, ops, postern_mail_part(&v->mail, part_index)), owner, out);
}

bool postern_child_begin(struct postern_call *c, const char *name)
{
	return c->sink && c->sink->begin(c->sink->context, name);
}

void postern_child_name(struct postern_call *c, const char *name)
{
	if (c->sink && name)
		c->sink->name(c->sink->context, name);
}

void postern_child_mime_type(struct postern_call *c, const char *mime_type)
{
	if (c->sink && mime_type)
		c->sink->mime_type(c->sink->context, mime_type);
}

void postern_child_attribute(struct postern_call *c, char letter)
{
	if (c->sink)
		c->sink->attribute(c->sink->context, true, letter);
}

void postern_part_attribute(struct postern_call *c, char letter)
{
	if (c->sink)
		c->sink->attribute(c->sink->context, false, letter);
}

void postern_part_keep(struct postern_call *c)
{
	if (c->sink)
		c->sink->keep(c->sink->context);
}

bool postern_may_go_on(struct postern_call *c)
{
	return c->sink ? c->sink->may_go_on(c->sink->context) : deadline_left_ms(c->deadline) != 0;
}

const char *postern_password(struct postern_call *c, size_t i)
{
	return c->sink ? c->sink->password(c->sink->context, i) : NULL;
}

bool postern_child_write(struct postern_call *c, const void *data, size_t n)
{
	return c->sink && c->sink->write(c->sink->context, data, n);
}

bool postern_child_end(struct postern_call *c)
{
	return c->sink && c->sink->end(c->sink->context);
}

void plugin_score(struct plugin_instance *i, struct plugin_view *v, struct deadline d, void *owner,
	struct plugin_outcome *out, struct plugin_score **scores, unsigned *count)
{
	const struct postern_score_ops *ops = i->plugin->score;
	*scores = NULL;
	*count = 0;
	struct postern_call *c = ask_begin(i, ops, v, d, owner, out);
	if (!c)
		return;
	enum postern_result r = ops->score(c, &v->mail);
	*scores = talloc_zero_array(owner, struct plugin_score, c->score_count + 1);
	*count = c->score_count;
	for (unsigned k = 0; k < c->score_count; k++)
		(*scores)[k] = (struct plugin_score){ talloc_strdup(*scores, c->scores[k].test), c->scores[k].points };
	ask_end(c, r, owner, out);
}

void postern_lookup_answer(struct postern_call *c, const char *key, const char *value)
{
	c->answer.key = key ? talloc_strdup(c->arena, key) : NULL;
	c->answer.value = value ? talloc_strdup(c->arena, value) : NULL;
}

typedef enum postern_result (*lookup_op)(struct postern_call *, const char *const *keys, size_t count);

/* Who is asked over a network is counted, and not asked where nobody answers there. */
static enum postern_result look_up(struct postern_call *c, lookup_op op, const char *const *keys, size_t count)
{
	if (!(c->instance->plugin->capabilities & POSTERN_CAP_NETWORK))
		return op(c, keys, count);
	int64_t began_us = clock_wall_us();
	enum postern_result r = breaker_admit(c);
	if (r == POSTERN_OK)
		r = op(c, keys, count);
	call_account(c, r, 0, elapsed_since_us(began_us));
	return r;
}

void plugin_lookup(struct plugin_instance *i, const char *const *keys, size_t count, struct deadline d, void *owner,
	struct plugin_answer *out)
{
	struct plugin_outcome outcome;
	const struct postern_lookup_ops *ops = i->plugin->lookup;
	*out = (struct plugin_answer){ .result = POSTERN_BROKEN };
	struct postern_call *c = ask_begin(i, ops && ops->lookup ? ops : NULL, NULL, d, owner, &outcome);
	if (c) {
		enum postern_result r = look_up(c, ops->lookup, keys, count);
		out->key = c->answer.key ? talloc_strdup(owner, c->answer.key) : NULL;
		out->value = c->answer.value ? talloc_strdup(owner, c->answer.value) : NULL;
		ask_end(c, r, owner, &outcome);
	}
	out->result = outcome.result;
	out->error = outcome.error;
}

void plugin_rows(struct plugin_instance *i, const char *const *keys, size_t count, plugin_row_fn row, void *row_context,
	struct deadline d, void *owner, struct plugin_outcome *out)
{
	const struct postern_lookup_ops *ops = i->plugin->lookup;
	struct postern_call *c = ask_begin(i, ops && ops->rows ? ops : NULL, NULL, d, owner, out);
	if (!c)
		return;
	c->row = row;
	c->row_context = row_context;
	ask_end(c, look_up(c, ops->rows, keys, count), owner, out);
}

void plugin_probe(struct plugin_instance *i, struct deadline d, void *owner, struct plugin_outcome *out)
{
	const struct postern_lookup_ops *ops = i->plugin->lookup;
	struct postern_call *c = ask_begin(i, ops && ops->probe ? ops : NULL, NULL, d, owner, out);
	if (c)
		ask_end(c, ops->probe(c), owner, out);
}

void postern_row(struct postern_call *c, const char *const *names, const char *const *values, size_t count)
{
	if (c->row)
		c->row(c->row_context, names, values, count);
}

void plugin_report(struct plugin_instance *i, struct plugin_view *v, const char *json, struct deadline d, void *owner,
	struct plugin_outcome *out)
{
	const struct postern_report_ops *ops = i->plugin->report;
	struct postern_call *c = ask_begin(i, ops, v, d, owner, out);
	if (!c)
		return;
	ask_end(c, ops->report(c, v ? &v->mail : NULL, json), owner, out);
}
