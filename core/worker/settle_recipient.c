/* settle_recipient.c - every setting for one address, each source asked once.
 * It knows settings by their tables (rcpt_settings.def, rcpt_cells.def, fields.def) and none by name but those with a member of their own. */
#include "worker/settle_recipient.h"

#include <stdlib.h>
#include <talloc.h>

#include "base/log.h"
#include "config/types.h"
#include "lookup/record_asker.h"

#define SIZE_LIMIT_LEAST 65536	/* RFC 5321 4.5.3.1.7: nobody may refuse less */

/* --- one lookup list --- */

static void keep_failure(struct settling *s, enum setting_id id, struct lookup_key *key, struct error *e)
{
	if (e->class == ERROR_NONE || s->failed.class != ERROR_NONE)
		return;
	error_prefix(e, "<%s>: %s", lookup_key_text(key), setting_name(id));
	s->failed = *e;
}

static const struct value *ask_record(struct settling *s, enum setting_id id, const struct setting_field *field, enum record_source_kind kind,
	struct lookup_key *key, void *owner, struct settle_origin *origin)
{
	struct error e = { 0 };
	const struct record *record;
	if (record_asker_get(s->context.records, kind, key, &s->context, &record, &e) != 0) {
		keep_failure(s, id, key, &e);
		return NULL;
	}
	const struct value *v = record ? record_field(record, field->names[kind], field->type, owner, &origin->row, &e) : NULL;
	if (e.class != ERROR_NONE)
		log_write(LOG_LEVEL_WARNING, "<%s>: %s", lookup_key_text(key), e.text);
	if (v)
		origin->record = record;
	return v;
}

/* The field of SQL and LDAP that stands before the tables of this list; NULL: none, or nobody is to be asked. */
static const struct setting_field *implied_field(const struct settling *s, enum setting_id id)
{
	if (!record_asker_is_wanted(s->context.records) || !policy_bool(s->policy, SET_lookup_maps_imply_sql_and_ldap))
		return NULL;
	return setting_field_of((int)id);
}

static const struct value *ask_records(struct settling *s, enum setting_id id, struct lookup_key *key, void *owner, struct settle_origin *origin,
	enum record_source_kind *kind)
{
	const struct setting_field *field = implied_field(s, id);
	const struct value *v = NULL;
	if (!field)
		return NULL;
	for (int k = (int)*kind; k < RECORD_SOURCE_COUNT && !v && s->failed.class == ERROR_NONE; k++) {
		v = ask_record(s, id, field, (enum record_source_kind)k, key, owner, origin);
		*kind = (enum record_source_kind)(k + 1);
	}
	return v;
}

const struct value *settle_ask(struct settling *s, enum setting_id id, struct lookup_key *key, void *owner, struct settle_origin *origin)
{
	struct settle_origin ignored;
	struct error e = { 0 };
	enum record_source_kind kind = RECORD_SQL;
	origin = origin ? origin : &ignored;
	*origin = (struct settle_origin){ .list = id };
	if (s->failed.class != ERROR_NONE)
		return NULL;
	const struct value *v = ask_records(s, id, key, owner, origin, &kind);
	if (v || s->failed.class != ERROR_NONE)
		return v;
	v = lookup_first(policy_value(s->policy, id), key, &s->context, owner, &origin->match, &e);
	keep_failure(s, id, key, &e);
	return v;
}

/* All results, those of SQL and LDAP first; NULL: none. */
static const struct value *ask_all(struct settling *s, enum setting_id id, struct lookup_key *key, void *owner, struct settle_origin *origin)
{
	struct value *all = talloc_zero(owner, struct value);
	struct error e = { 0 };
	enum record_source_kind kind = RECORD_SQL;
	const struct value *said;
	*origin = (struct settle_origin){ .list = id };
	const struct value *tables = s->failed.class == ERROR_NONE ? lookup_all(policy_value(s->policy, id), key, &s->context, owner, &e) : NULL;
	size_t count = tables ? tables->u.list.count : 0;
	keep_failure(s, id, key, &e);
	all->kind = VALUE_LIST;
	all->u.list.items = talloc_array(all, const struct value *, count + RECORD_SOURCE_COUNT);
	while ((said = ask_records(s, id, key, owner, origin, &kind)))
		all->u.list.items[all->u.list.count++] = said;
	for (size_t i = 0; i < count; i++)
		all->u.list.items[all->u.list.count++] = tables->u.list.items[i];
	return all->u.list.count > 0 ? all : NULL;
}

static const struct value *ask_definition(struct settling *s, int i, struct lookup_key *key, void *owner, int recipient)
{
	const struct rcpt_definition *d = &rcpt_definitions[i];
	struct settle_origin origin;
	const struct value *v = d->how == RCPT_HOW_ALL ? ask_all(s, d->setting, key, owner, &origin) : settle_ask(s, d->setting, key, owner, &origin);
	if (s->watch)
		s->watch->settled(s->watch, recipient, d->setting, NULL, v, &origin);
	return v;
}

/* --- what is the same for every recipient --- */

struct planned_cell {
	enum policy_cell cell;
	int place;
	const char *category;
	const struct value *entry;
	int follows;		/* enum rcpt_setting whose value it has; -1: none */
	enum setting_id list;
};
struct settle_plan {
	struct rcpt_policy common;
	unsigned asked_count;
	int asked[RCPT_COUNT];	/* lists whose answer depends on the recipient */
	unsigned count;
	struct planned_cell *cells;
};

/* "7,1" or "7" -> its place; -1: no such category. */
static int place_of(const char *text)
{
	char *end;
	unsigned long major = strtoul(text, &end, 10), minor = 0;
	if (*end == ',')
		minor = strtoul(end + 1, &end, 10);
	return *end ? -1 : rcpt_policy_key((unsigned)major, (unsigned)minor);
}

static int followed_list(const struct settling *s, enum setting_id id, size_t index, enum setting_id *followed)
{
	*followed = id;
	if (!policy_ccat_follows(s->policy, id, index, followed))
		return -1;
	for (int i = 0; i < RCPT_COUNT; i++)
		if (rcpt_definitions[i].setting == *followed && rcpt_definitions[i].key == RCPT_KEY_RECIPIENT && rcpt_definitions[i].how == RCPT_HOW_FIRST)
			return i;
	return -1;
}

/* Tables and functions are asked for each recipient; everything else stands for itself. */
static bool is_asked(enum policy_cell cell, const struct value *entry)
{
	if (entry->kind == VALUE_FUNCTION)
		return true;
	return cell_definitions[cell].kind == CELL_KIND_MAPS && (entry->kind == VALUE_LIST || entry->kind == VALUE_TABLE);
}

/* "D_REJECT" as its number; what is none was refused with the configuration. */
static const struct value *plain_destiny(void *owner, enum policy_cell cell, const struct value *v)
{
	int64_t number;
	return cell == CELL_DESTINY && v->kind == VALUE_STRING && config_destiny(v, &number) ? value_int(owner, number) : v;
}

static void plan_entry(struct settling *s, enum policy_cell cell, const struct value *hash, size_t index)
{
	struct settle_plan *plan = s->plan;
	struct planned_cell c = { .cell = cell, .category = value_text(hash->u.list.keys[index], plan), .entry = hash->u.list.items[index] };
	struct settle_origin origin = { .list = cell_definitions[cell].setting };
	c.place = place_of(c.category);
	if (c.place < 0)
		return;
	c.follows = followed_list(s, cell_definitions[cell].setting, index, &c.list);
	if (c.follows < 0 && !is_asked(cell, c.entry)) {
		plan->common.cells[cell][c.place] = plain_destiny(plan, cell, c.entry);
		origin.list = c.list;
		if (s->watch)
			s->watch->settled(s->watch, -1, cell_definitions[cell].setting, c.category, c.entry, &origin);
		return;
	}
	plan->cells = talloc_realloc(plan, plan->cells, struct planned_cell, plan->count + 1);
	plan->cells[plan->count++] = c;
}

static void plan_cells(struct settling *s)
{
	for (int cell = 0; cell < CELL_COUNT; cell++) {
		const struct value *hash = policy_value(s->policy, cell_definitions[cell].setting);
		for (size_t i = 0; hash->kind == VALUE_HASH && i < hash->u.list.count; i++)
			plan_entry(s, (enum policy_cell)cell, hash, i);
	}
}

/* Most lists of most sites are empty or begin with a constant: then it is nobody's in particular. */
static bool depends_on_recipient(const struct settling *s, const struct rcpt_definition *d)
{
	const struct value *v = policy_value(s->policy, d->setting);
	if (d->key == RCPT_KEY_SENDER)
		return false;
	if (d->how == RCPT_HOW_ALL || implied_field(s, d->setting))
		return true;
	if (v->kind == VALUE_UNDEF || (v->kind == VALUE_LIST && v->u.list.count == 0))
		return false;
	const struct value *first = v->kind == VALUE_LIST ? v->u.list.items[0] : v;
	return first->kind != VALUE_TABLE || lookup_table_kind(first->u.table) != LOOKUP_CONSTANT;
}

void settle_prepare(struct settling *s, const char *sender)
{
	struct lookup_key *key = lookup_key_address(s->mail, sender, &s->style);
	s->plan = talloc_zero(s->mail, struct settle_plan);
	for (int i = 0; i < RCPT_COUNT; i++) {
		if (depends_on_recipient(s, &rcpt_definitions[i]))
			s->plan->asked[s->plan->asked_count++] = i;
		else
			s->plan->common.values[i] = ask_definition(s, i, key, s->mail, -1);
	}
	plan_cells(s);
}

/* --- one recipient --- */

static const struct value *ask_entry(struct settling *s, const struct planned_cell *c, struct lookup_key *key, void *owner, struct settle_origin *origin)
{
	struct error e = { 0 };
	const struct value *v = s->failed.class == ERROR_NONE ? lookup_first(c->entry, key, &s->context, owner, &origin->match, &e) : NULL;
	keep_failure(s, cell_definitions[c->cell].setting, key, &e);
	return v;
}

/* A destiny that is none must not become "pass". */
static const struct value *understand(struct settling *s, const struct planned_cell *c, const struct value *v, struct lookup_key *key, void *owner)
{
	struct error e = { 0 };
	int64_t number;
	if (c->cell != CELL_DESTINY || !value_defined(v))
		return v;
	if (config_destiny(v, &number))
		return v->kind == VALUE_INT ? v : value_int(owner, number);
	error_set(&e, ERROR_CONFIG, "%s says \"%s\"; expected D_PASS, D_BOUNCE, D_REJECT, D_DISCARD or D_TEMPFAIL", config_category_name(c->category, owner), value_text(v, owner));
	keep_failure(s, cell_definitions[c->cell].setting, key, &e);
	return NULL;
}

static void settle_cells(struct settling *s, struct rcpt_policy *p, struct lookup_key *key, int recipient)
{
	for (unsigned i = 0; i < s->plan->count; i++) {
		const struct planned_cell *c = &s->plan->cells[i];
		struct settle_origin origin = { .list = c->list };
		const struct value *v = understand(s, c, c->follows >= 0 ? p->values[c->follows] : ask_entry(s, c, key, p, &origin), key, p);
		p->cells[c->cell][c->place] = v ? v : &value_undef;
		if (s->watch && c->follows < 0)
			s->watch->settled(s->watch, recipient, cell_definitions[c->cell].setting, c->category, v, &origin);
	}
}

static int64_t size_limit(const struct settling *s, const struct rcpt_policy *p, struct lookup_key *key)
{
	const struct value *v = p->values[RCPT_message_size_limit_maps];
	int64_t limit = 0;
	if (value_defined(v) && !config_size(v, &limit))
		log_write(LOG_LEVEL_WARNING, "<%s>: message_size_limit_maps: \"%s\" is no size; it counts as none", lookup_key_text(key), value_text(v, key));
	if (limit > 0 && limit < SIZE_LIMIT_LEAST && policy_bool(s->policy, SET_enforce_smtpd_message_size_limit_64kb_min))
		limit = SIZE_LIMIT_LEAST;
	return limit > 0 ? limit : 0;
}

struct rcpt_policy *settle_recipient(struct settling *s, const struct recipient *r)
{
	struct rcpt_policy *p = talloc_memdup(s->mail, &s->plan->common, sizeof *p);
	struct lookup_key *key = lookup_key_address(p, r->address, &s->style);
	for (unsigned i = 0; i < s->plan->asked_count; i++)
		p->values[s->plan->asked[i]] = ask_definition(s, s->plan->asked[i], key, p, (int)r->index);
	p->is_local = rcpt_policy_true(p, RCPT_local_domains_maps);
	p->bypass_virus = rcpt_policy_true(p, RCPT_bypass_virus_checks_maps);
	p->bypass_banned = rcpt_policy_true(p, RCPT_bypass_banned_checks_maps);
	p->bypass_header = rcpt_policy_true(p, RCPT_bypass_header_checks_maps);
	p->bypass_spam = rcpt_policy_true(p, RCPT_bypass_spam_checks_maps);
	p->message_size_limit = size_limit(s, p, key);
	settle_cells(s, p, key, (int)r->index);
	return p;
}
