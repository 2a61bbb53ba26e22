/* say.c - what a plugin says to its host: why it cannot start, and in a call its failure, what it found, its version and words, lines for the log.
 *
 * All of a call's is somebody else's text: it is kept on the call's arena, escaped and of a bounded length, and means nothing
 * until call.c reports it. */
#include "config.h"

#include <string.h>
#include <talloc.h>

#include "base/log.h"
#include "base/text.h"
#include "plugin/inside.h"

enum postern_result postern_complain(struct postern_error *e, enum postern_result result, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_vsnprintf(e->text, sizeof e->text, format, arguments);
	va_end(arguments);
	return result;
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
