/* call.c - the life of one call of one instance: its memory, its time, who may make it, and what is told of it at its end.
 *
 * A call may run on a thread of its own: everything of it hangs on a talloc
 * root of its own and is copied out by the thread that asked. */
#include "config.h"

#include <string.h>
#include <sys/mman.h>
#include <talloc.h>
#include <unistd.h>

#include "plugin/inside.h"

void plugin_call_setup(struct shared *shared, const char *program_path)
{
	account_setup(shared);
	run_setup(program_path);
}

struct postern_call *call_begin(struct plugin_instance *i, struct plugin_view *v, struct deadline d)
{
	void *arena = talloc_new(NULL);
	struct postern_call *c = talloc_zero(arena, struct postern_call);
	c->magic = CALL_MAGIC;
	c->arena = c->scratch = arena;
	c->instance = i;
	c->view = v;
	c->deadline = deadline_sooner(d, i->timeout_ms);
	pthread_mutex_init(&c->conns_lock, NULL);
	if (v)
		view_ref(v);
	return c;
}

void call_end(struct postern_call *c)
{
	while (c->conns)
		postern_conn_close(c, c->conns);
	for (struct call_fd *f = c->fds; f; f = f->next)
		close(f->fd);
	for (struct call_map *m = c->maps; m; m = m->next)
		munmap(m->data, m->n);
	if (c->view)
		view_unref(c->view);
	pthread_mutex_destroy(&c->conns_lock);
	c->magic = 0;
	talloc_free(c->arena);
}

const char *call_claim(struct plugin_instance *i, void *owner)
{
	struct instance_calls *calls = instance_calls(i);
	if (calls->unusable)
		return talloc_strdup(owner, calls->unusable);
	bool idle = false;
	if (!atomic_compare_exchange_strong(&calls->busy, &idle, true))
		return talloc_asprintf(owner, "%s: an earlier call has not come back", i->name);
	return NULL;
}

void call_release(struct plugin_instance *i)
{
	atomic_store(&instance_calls(i)->busy, false);
}

static const char *result_text(enum postern_result result)
{
	switch (result) {
	case POSTERN_OK: return "ok";
	case POSTERN_NOTHING: return "inconclusive";
	case POSTERN_TEMPFAIL: return "failed without a reason";
	case POSTERN_LIMIT: return "over a limit";
	case POSTERN_BROKEN: return "its answer made no sense";
	}
	return "an unknown result";
}

const char *call_blame(const struct postern_call *c, enum postern_result result, void *owner)
{
	if (result == POSTERN_OK && !c->error)
		return NULL;
	return talloc_asprintf(owner, "%s: %s", c->instance->name, c->error ? c->error : result_text(result));
}

void call_account(const struct postern_call *c, enum postern_result result, unsigned found, uint32_t elapsed_us)
{
	account_call(c, result, found, elapsed_us);
	breaker_note(c, result);
}

void outcome_fail(struct plugin_outcome *out, enum postern_result result, const char *error, void *owner)
{
	*out = (struct plugin_outcome){ .result = result, .error = talloc_strdup(owner, error) };
}

static uint64_t content_bytes(const struct plugin_view *v)
{
	uint64_t sum = 0;
	for (size_t k = 0; v && k < v->mail.part_count; k++)
		sum += (uint64_t)v->mail.parts[k].size_bytes;
	return sum;
}

/* For people who try scanners out. */
static const char *call_way(const struct postern_call *c, void *owner)
{
	if (c->program)
		return talloc_asprintf(owner, "program %s", c->program);
	if (!c->endpoint[0])
		return talloc_strdup(owner, "within this process");
	if (c->passed_fd)
		return talloc_asprintf(owner, "%s, descriptor passed", c->endpoint);
	return talloc_asprintf(owner, "%s, %s", c->endpoint, c->sent_bytes > content_bytes(c->view) ? "content sent" : "named by path");
}

void call_report(const struct postern_call *c, enum postern_result result, void *owner, struct plugin_outcome *out)
{
	struct plugin_instance *i = c->instance;
	if (result < POSTERN_OK || result > POSTERN_BROKEN) {
		out->result = POSTERN_BROKEN;
		out->error = talloc_asprintf(owner, "%s: it returned %d, which is no result", i->name, (int)result);
	} else {
		out->result = result;
		out->error = call_blame(c, result, owner);
	}
	if (c->version) {
		talloc_free((void *)(uintptr_t)i->version);
		i->version = talloc_strdup(i, c->version);
	}
	out->version = i->version ? talloc_strdup(owner, i->version) : NULL;
	out->output = c->output ? talloc_strdup(owner, c->output) : NULL;
	out->way = call_way(c, owner);
	out->found_count = c->found_count;
	out->found = talloc_zero_array(owner, struct plugin_found, c->found_count + 1);
	for (unsigned k = 0; k < c->found_count; k++)
		out->found[k] = (struct plugin_found){ talloc_strdup(out->found, c->found[k].name), c->found[k].part };
}
