/* instance.c - the life of one configured use of a plugin: check, load, start, idle, stop. */
#include "config.h"

#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include "plugin/inside.h"

struct instance_calls *instance_calls(struct plugin_instance *i)
{
	if (!i->call_state)
		i->call_state = talloc_zero(i, struct instance_calls);
	return i->call_state;
}

typedef enum postern_result (*life_fn)(struct postern_instance *, struct postern_error *);

static int live(struct plugin_instance *i, life_fn step, struct error *e)
{
	struct postern_error complaint = { "" };
	enum postern_result r = step ? step(from_instance(i), &complaint) : POSTERN_OK;
	if (r == POSTERN_OK)
		return 0;
	return error_set(e, r == POSTERN_BROKEN ? ERROR_CONFIG : ERROR_ENVIRONMENT, "%s: %s", i->name,
		complaint.text[0] ? complaint.text : "failed without a reason");
}

int plugin_instance_check(struct plugin_instance *i, struct error *e)
{
	return live(i, i->plugin->check, e);
}

int plugin_instance_load_beside(struct plugin_instance *i, struct plugin_table **fresh, struct error *e)
{
	i->reading = NULL;
	int rc = live(i, i->plugin->load, e);
	if (rc != 0)
		talloc_free(i->reading);
	*fresh = rc == 0 ? i->reading : NULL;
	i->reading = NULL;
	return rc;
}

void plugin_instance_accept(struct plugin_instance *i, struct plugin_table *fresh)
{
	talloc_free(i->read);
	i->read = fresh;
}

int plugin_instance_load(struct plugin_instance *i, struct error *e)
{
	struct plugin_table *fresh;
	if (plugin_instance_load_beside(i, &fresh, e) != 0)
		return -1;
	plugin_instance_accept(i, fresh);
	return 0;
}

int plugin_instance_start(struct plugin_instance *i, struct error *e)
{
	struct error mine = { 0 };
	struct instance_calls *calls = instance_calls(i);
	calls->unusable = NULL;
	if (live(i, i->plugin->start, &mine) == 0)
		return 0;
	calls->unusable = talloc_strdup(calls, mine.text);
	if (e)
		*e = mine;
	return -1;
}

void plugin_instance_idle(struct plugin_instance *i)
{
	struct instance_calls *calls = instance_calls(i);
	if (i->plugin->idle && !calls->unusable && !atomic_load(&calls->busy))
		i->plugin->idle(from_instance(i));
}

void plugin_instance_stop(struct plugin_instance *i)
{
	if (atomic_load(&instance_calls(i)->busy))
		return;
	if (i->plugin->stop)
		i->plugin->stop(from_instance(i));
	if (i->kept_fd >= 0)
		close(i->kept_fd);
	i->kept_fd = -1;
}

bool plugin_instance_changed(struct plugin_instance *i)
{
	return i->plugin->changed ? i->plugin->changed(from_instance(i)) : files_changed(i->read);
}

const void *postern_options(const struct postern_instance *i)
{
	return to_instance(i)->options;
}

void **postern_state(struct postern_instance *i)
{
	return &to_instance(i)->state;
}

const char *postern_instance_name(const struct postern_instance *i)
{
	return to_instance(i)->name;
}

const char *postern_work_folder(const struct postern_instance *i)
{
	return to_instance(i)->work_folder;
}
