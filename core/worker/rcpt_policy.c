/* rcpt_policy.c - reading what was settled for a recipient; nothing is looked up and nothing is decided here. */
#include "worker/rcpt_policy.h"

#define RECIPIENT RCPT_KEY_RECIPIENT
#define SENDER RCPT_KEY_SENDER
#define FIRST RCPT_HOW_FIRST
#define ALL RCPT_HOW_ALL
const struct rcpt_definition rcpt_definitions[RCPT_COUNT] = {
#define RCPT(word, by, many) [RCPT_##word] = { .setting = SET_##word, .key = by, .how = many },
#include "worker/rcpt_settings.def"
#undef RCPT
};

const struct cell_definition cell_definitions[CELL_COUNT] = {
#define CELL(name, word, type) [CELL_##name] = { .setting = SET_##word, .kind = CELL_KIND_##type },
#include "worker/rcpt_cells.def"
#undef CELL
};

/* --- lookup lists --- */

bool rcpt_policy_true(const struct rcpt_policy *p, enum rcpt_setting s)
{
	return value_true_p(p->values[s]);
}

const char *rcpt_policy_text(const struct rcpt_policy *p, enum rcpt_setting s, void *owner)
{
	return value_text(p->values[s], owner);
}

bool rcpt_policy_number(const struct rcpt_policy *p, enum rcpt_setting s, double *number)
{
	const double none = -1e308;
	double n = value_defined(p->values[s]) ? value_to_float(p->values[s], none) : none;
	if (n <= none)
		return false;
	*number = n;
	return true;
}

/* --- by content category --- */

static const struct { unsigned char major, minors; } key_space[] = {
	{ CC_CATCHALL, 0 }, { CC_CLEAN, 1 }, { CC_MTA, 2 }, { CC_OVERSIZED, 0 }, { CC_BADH, 8 }, { CC_SPAMMY, 1 },
	{ CC_SPAM, 0 }, { CC_UNCHECKED, 3 }, { CC_BANNED, 0 }, { CC_VIRUS, 0 },
};

int rcpt_policy_key(unsigned major, unsigned minor)
{
	int base = 0;
	for (size_t i = 0; i < sizeof key_space / sizeof *key_space; i++) {
		if (key_space[i].major == major)
			return minor <= key_space[i].minors ? base + (int)minor : -1;
		base += key_space[i].minors + 1;
	}
	return -1;
}

static const struct value *cell_of(const struct rcpt_policy *p, enum policy_cell cell, struct category c)
{
	int exact = rcpt_policy_key(c.major, c.minor), plain = rcpt_policy_key(c.major, 0);
	if (exact >= 0 && p->cells[cell][exact])
		return p->cells[cell][exact];
	return plain >= 0 ? p->cells[cell][plain] : NULL;
}

const struct value *rcpt_policy_cell_from(const struct rcpt_policy *p, enum policy_cell cell, const struct categories *c, struct category from)
{
	for (unsigned i = 0; i < c->count; i++) {
		struct category at = c->at[i];
		if (at.major > from.major || (at.major == from.major && at.minor > from.minor))
			continue;
		const struct value *v = cell_of(p, cell, at);
		if (v)
			return v->kind == VALUE_UNDEF ? NULL : v;
	}
	const struct value *v = cell_of(p, cell, (struct category){ CC_CATCHALL, 0 });
	return value_defined(v) ? v : NULL;
}

const struct value *rcpt_policy_cell(const struct rcpt_policy *p, enum policy_cell cell, const struct categories *c)
{
	return rcpt_policy_cell_from(p, cell, c, (struct category){ 255, 255 });
}

static const char *first_text(const struct value *v, void *owner)
{
	if (v && v->kind == VALUE_LIST)
		return v->u.list.count ? first_text(v->u.list.items[0], owner) : NULL;
	const char *text = value_text(v, owner);
	return text && *text ? text : NULL;
}

const char *rcpt_policy_cell_text(const struct rcpt_policy *p, enum policy_cell cell, const struct categories *c, struct category from, void *owner)
{
	return first_text(rcpt_policy_cell_from(p, cell, c, from), owner);
}
