/* renewal.c - load what workers inherit, look whether it has changed, and have workers replaced that inherited the old. */
#include "template/renewal.h"

#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include "base/deadline.h"
#include "base/log.h"
#include "lookup/lookup.h"

static void add_problem(GPtrArray *problems, const struct plugin_instance *i, const char *text)
{
	g_ptr_array_add(problems, g_strdup_printf("%s:%d: %s", i->file ? i->file : "configuration", i->line, text));
}

bool renewal_load(struct plugin_instance *const *instances, size_t count, bool (*wanted)(const struct plugin_instance *),
	GPtrArray *problems, GPtrArray *warnings)
{
	guint before = problems->len;
	for (size_t k = 0; k < count; k++) {
		struct error e = { 0 };
		struct plugin_instance *i = instances[k];
		if (plugin_instance_check(i, &e) != 0 || (wanted(i) && lookup_instance_load(i, warnings, &e) != 0))
			add_problem(problems, i, e.text);
	}
	return problems->len == before;
}

void renewal_init(struct renewal *r, void *owner, struct plugin_instance *const *instances, size_t count,
	bool (*wanted)(const struct plugin_instance *), int64_t interval_ms)
{
	*r = (struct renewal){ .instances = instances, .count = count, .wanted = wanted, .interval_ms = interval_ms,
		.next_check_ms = clock_now_ms() + interval_ms };
	r->told = talloc_zero_array(owner, char *, (unsigned)count + 1);
}

/* An administrator who sees the line once has seen it; another fault of the same table is another line. */
static void tell_once(struct renewal *r, size_t k, const char *text)
{
	if (r->told[k] && strcmp(r->told[k], text) == 0)
		return;
	talloc_free(r->told[k]);
	r->told[k] = talloc_strdup(r->told, text);
	log_write(LOG_LEVEL_ERROR, "%s; what was read before stays in use", text);
}

static bool renew(struct renewal *r, size_t k)
{
	struct plugin_instance *i = r->instances[k];
	struct error e = { 0 };
	if (!r->wanted(i) || !plugin_instance_changed(i))
		return false;
	if (lookup_instance_reload(i, &e) != 0) {
		tell_once(r, k, e.text);
		return false;
	}
	TALLOC_FREE(r->told[k]);
	log_write(LOG_LEVEL_NOTICE, "%s: changed on disk, read anew; idle workers are replaced one by one", i->name);
	return true;
}

bool renewal_check(struct renewal *r, struct children *workers)
{
	int64_t now = clock_now_ms();
	bool any = false;
	if (now < r->next_check_ms)
		return false;
	for (size_t k = 0; k < r->count; k++)
		any |= renew(r, k);
	for (unsigned k = 0; any && k < workers->count; k++)
		workers->entries[k].is_stale = true;
	r->next_check_ms = clock_now_ms() + r->interval_ms;
	return any;
}

static enum worker_stage stage_of(const struct children_entry *e, const struct shared *shared)
{
	return (enum worker_stage)atomic_load(&shared->workers[e->slot].stage);
}

/* With nothing in hand; the one reserved for questions counts, too. */
static bool is_idle(const struct children_entry *e, const struct shared *shared)
{
	return stage_of(e, shared) == STAGE_IDLE || stage_of(e, shared) == STAGE_RESERVED;
}

static void tell_to_leave(struct children_entry *e)
{
	e->is_told = e->link_fd < 0 || write(e->link_fd, "l", 1) == 1;
}

bool renewal_retire(struct children *workers, const struct shared *shared, unsigned wanted)
{
	unsigned stale = 0;
	bool one_is_on_its_way = workers->count < wanted;
	for (unsigned k = 0; k < workers->count; k++) {
		const struct children_entry *e = &workers->entries[k];
		stale += e->is_stale;
		one_is_on_its_way |= stage_of(e, shared) == STAGE_STARTING || (e->is_told && is_idle(e, shared));
	}
	for (unsigned k = 0; stale > 0 && k < workers->count; k++) {
		struct children_entry *e = &workers->entries[k];
		bool idle = is_idle(e, shared);
		if (!e->is_stale || e->is_told || (idle && one_is_on_its_way))
			continue;
		tell_to_leave(e);
		one_is_on_its_way |= idle;
	}
	return stale > 0;
}
