/* explain.c - settles a mail that is not there, and listens to where everything comes from.  It judges nothing. */
#include "worker/explain.h"

#include <string.h>
#include <talloc.h>

#include "config/types.h"
#include "worker/explained.h"
#include "worker/settle.h"

#define ANSWER_MAX 65000	/* the answer is one record */

struct listener {
	struct settle_watch watch;
	struct explanation *x;
	void *owner;
};

/* --- listening --- */

static const char *as_lua(const struct listener *l, enum setting_id id, const struct value *v)
{
	GString *out = g_string_new(NULL);
	bool destiny = id == SET_final_destiny_maps_by_ccat;
	config_print_value(l->x->policy->config, out, destiny ? SET_final_virus_destiny : id, v ? v : &value_undef);
	const char *copy = talloc_strdup(l->owner, out->str);
	g_string_free(out, TRUE);
	return copy;
}

static void by_record(struct explained *e, enum setting_id id, const struct settle_origin *o)
{
	const struct setting_field *field = setting_field_of((int)id);
	e->source = o->record->kind == RECORD_SQL ? "sql" : "ldap";
	e->origin = o->record->origin;
	e->row = o->record->rows[o->row].key;
	e->field = field ? field->names[o->record->kind] : NULL;
}

static const char *place_of(const struct listener *l, const struct settle_origin *o, const struct value *v)
{
	const char *label = o->match.table ? lookup_table_label(o->match.table) : "";
	if (*label)
		return label;
	return v && v->file ? talloc_asprintf(l->owner, "%s:%d", v->file, v->line) : NULL;
}

/* Only what somebody has said: neither nothing nor a default. */
static void listen(struct settle_watch *w, int recipient, enum setting_id id, const char *category, const struct value *v, const struct settle_origin *o)
{
	struct listener *l = (struct listener *)(void *)w;
	const char *place = o->record ? NULL : place_of(l, o, v);
	if (!o->record && !(value_defined(v) && place))
		return;
	struct explained *e = talloc_zero(l->owner, struct explained);
	*e = (struct explained){ .recipient = recipient, .setting = setting_name(id), .lua = as_lua(l, id, v), .source = "table",
		.category = category ? config_category_name(category, l->owner) : NULL, .list = setting_name(o->list),
		.table = o->match.table_index, .key = o->match.key ? talloc_strdup(l->owner, o->match.key) : NULL,
		.place = place ? talloc_strdup(l->owner, place) : NULL };
	if (o->record)
		by_record(e, id, o);
	g_ptr_array_add(l->x->settings, e);
}

static void keep_difference(void *context, const struct policy_difference *d)
{
	struct explanation *x = context;
	struct policy_difference *copy = talloc_memdup((void *)(uintptr_t)x->mail, d, sizeof *d);
	copy->lua = talloc_strdup(copy, d->lua);
	g_ptr_array_add(x->differences, copy);
}

static const char *const *banks_of(const struct mail *m)
{
	const char **list = talloc_zero_array((void *)(uintptr_t)m, const char *, m->bank_step_count + 1);
	unsigned n = 0;
	for (unsigned i = 0; i < m->bank_step_count; i++)
		if (m->bank_steps[i].known)
			list[n++] = m->bank_steps[i].name;
	return list;
}

/* --- the answer --- */

static char *answer(const struct explanation *x, struct mail *m)
{
	GString *out = g_string_new(x->failure ? "2\n" : "0\n");
	if (strcmp(m->envelope->protocol, "explain json") == 0)
		explain_print_json(out, x);
	else
		explain_print_text(out, x);
	if (out->len > ANSWER_MAX)
		g_string_assign(out, "2\nthe answer is too long; ask for fewer recipients at once\n");
	char *text = talloc_strdup(m, out->str);
	g_string_free(out, TRUE);
	return text;
}

char *explain_run(struct worker *w, struct mail *m)
{
	struct policy policy = w->base;
	struct error e = { 0 };
	struct explanation x = { .mail = m, .policy = &policy, .settings = g_ptr_array_new(), .differences = g_ptr_array_new() };
	struct listener l = { .watch = { .settled = listen }, .x = &x, .owner = m };
	if (settle_mail(m, &policy, &l.watch, &e) != 0)
		x.failure = e.text;
	policy_tell_differences(&policy, banks_of(m), keep_difference, &x);
	char *text = answer(&x, m);
	g_ptr_array_free(x.settings, TRUE);
	g_ptr_array_free(x.differences, TRUE);
	return text;
}
