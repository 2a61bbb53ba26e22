/* call.c - one call of one instance: its memory, its time, what it says it found, and who is to blame when it failed.
 *
 * A call may run on a thread of its own: everything of it hangs on a talloc
 * root of its own and is copied out by the thread that asked. */
#include "config.h"

#include <string.h>
#include <sys/mman.h>
#include <talloc.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
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

struct postern_instance *postern_call_instance(struct postern_call *c)
{
	return from_instance(c->instance);
}

int postern_time_left_ms(struct postern_call *c)
{
	int left = deadline_left_ms(c->deadline);
	return left < 0 ? INT32_MAX : left;
}

void *postern_alloc(struct postern_call *c, size_t n)
{
	void *memory = talloc_zero_size(c->scratch, n ? n : 1);
	if (!memory)
		g_error("out of memory: %zu bytes for %s", n, c->instance->name);
	return memory;
}

char *postern_printf(struct postern_call *c, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	char *text = talloc_vasprintf(c->scratch, format, arguments);
	va_end(arguments);
	return text;
}

enum postern_result call_fail_v(struct postern_call *c, enum postern_result result, const char *format, va_list arguments)
{
	char *raw = talloc_vasprintf(c->arena, format, arguments);
	GString *text = g_string_new(NULL);
	text_append_escaped(text, raw, strlen(raw));
	c->error = talloc_strndup(c->arena, text->str, 900);
	g_string_free(text, TRUE);
	talloc_free(raw);
	return result;
}

enum postern_result postern_fail(struct postern_call *c, enum postern_result result, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	call_fail_v(c, result, format, arguments);
	va_end(arguments);
	return result;
}

const char *plugin_call_error(const struct postern_call *c)
{
	return c->error;
}

void postern_log(struct postern_call *c, int level, const char *format, ...)
{
	if (!log_wants(level))
		return;
	va_list arguments;
	va_start(arguments, format);
	char *text = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	log_write(level, "%s: %s", c->instance->name, text);
	g_free(text);
}

/* What a scanner calls a thing goes into logs, headers and databases: no control characters, not endless. */
static const char *clean_name(struct postern_call *c, const char *name)
{
	if (!name || !name[0])
		return "(unnamed)";
	GString *text = g_string_new(NULL);
	text_append_escaped(text, name, strnlen(name, 4 * NAME_BYTES_MAX));
	if (text->len > NAME_BYTES_MAX) {
		const char *end = g_utf8_find_prev_char(text->str, text->str + NAME_BYTES_MAX + 1);
		g_string_truncate(text, end ? (gsize)(end - text->str) : NAME_BYTES_MAX);
	}
	const char *copy = talloc_strdup(c->arena, text->str);
	g_string_free(text, TRUE);
	return copy;
}

static bool found_before(const struct postern_call *c, const char *name, uint32_t part)
{
	for (unsigned k = 0; k < c->found_count; k++) {
		if (c->found[k].part == part && strcmp(c->found[k].name, name) == 0)
			return true;
	}
	return false;
}

void postern_found(struct postern_call *c, const struct postern_part *part, const char *malware_name)
{
	const char *name = clean_name(c, malware_name);
	uint32_t number = part ? part->number : 0;
	if (c->found_count >= FOUND_MAX || found_before(c, name, number))
		return;
	c->found = talloc_realloc(c->arena, c->found, struct plugin_found, c->found_count + 1);
	c->found[c->found_count++] = (struct plugin_found){ name, number };
}

void postern_set_version(struct postern_call *c, const char *text)
{
	c->version = text ? clean_name(c, text) : NULL;
}

void postern_set_output(struct postern_call *c, const char *text, size_t n)
{
	char *copy = talloc_strndup(c->arena, text, n < OUTPUT_BYTES_MAX ? n : OUTPUT_BYTES_MAX);
	for (char *p = copy; *p; p++) {
		if ((unsigned char)*p < ' ' && *p != '\n' && *p != '\t')
			*p = '?';
	}
	c->output = copy;
}

void postern_add_score(struct postern_call *c, const char *test, double points)
{
	if (c->score_count >= FOUND_MAX)
		return;
	c->scores = talloc_realloc(c->arena, c->scores, struct plugin_score, c->score_count + 1);
	c->scores[c->score_count++] = (struct plugin_score){ clean_name(c, test), points };
}
