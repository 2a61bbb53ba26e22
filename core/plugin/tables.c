/* tables.c - what load() of a lookup plugin reads: files that are watched from then on, and lines of a table that lookup/ asks.
 *
 * What a line means is lookup/'s business. */
#include "config.h"

#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include "base/lines.h"
#include "plugin/inside.h"

#define LEFT_OUT_MAX 100	/* told of one table; the rest is only counted */
#define CHUNK_BYTES (64 * 1024)

static int table_free(struct plugin_table *t)
{
	g_ptr_array_free(t->left_out, TRUE);
	g_string_chunk_free(t->texts);
	return 0;
}

/* What is being read. Nothing of the old table is touched. */
static struct plugin_table *reading(struct postern_instance *instance)
{
	struct plugin_instance *i = to_instance(instance);
	if (!i->reading) {
		i->reading = talloc_zero(i, struct plugin_table);
		i->reading->left_out = g_ptr_array_new_with_free_func(g_free);
		i->reading->texts = g_string_chunk_new(CHUNK_BYTES);
		talloc_set_destructor(i->reading, table_free);
	}
	return i->reading;
}

static void watch(struct plugin_table *t, const char *path, const struct file_stamp *stamp)
{
	t->files = talloc_realloc(t, t->files, struct plugin_file, t->file_count + 1);
	t->files[t->file_count++] = (struct plugin_file){ g_string_chunk_insert(t->texts, path), *stamp };
}

bool files_changed(const struct plugin_table *t)
{
	for (size_t k = 0; t && k < t->file_count; k++) {
		struct file_stamp now = file_stamp_of(t->files[k].path);
		if (!file_stamp_equal(&now, &t->files[k].stamp))
			return true;
	}
	return false;
}

const char *plugin_table_file(const struct plugin_table *t)
{
	return t->file_count > 0 ? t->files[t->file_count - 1].path : "";
}

static void leave_out_v(struct plugin_table *t, unsigned line, const char *format, va_list arguments) __attribute__((format(printf, 3, 0)));

static void leave_out_v(struct plugin_table *t, unsigned line, const char *format, va_list arguments)
{
	if (t->left_out->len > LEFT_OUT_MAX)
		return;
	char *why = t->left_out->len < LEFT_OUT_MAX ? g_strdup_vprintf(format, arguments) : g_strdup("and more lines that cannot be used");
	g_ptr_array_add(t->left_out, g_strdup_printf("%s:%u: %s", plugin_table_file(t), line, why));
	g_free(why);
}

void plugin_table_leave_out(struct plugin_table *t, unsigned line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	leave_out_v(t, line, format, arguments);
	va_end(arguments);
}

void postern_table_leave_out(struct postern_instance *i, unsigned line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	leave_out_v(reading(i), line, format, arguments);
	va_end(arguments);
}

static const char *keep(struct plugin_table *t, const char *text)
{
	return text ? g_string_chunk_insert(t->texts, text) : NULL;
}

void postern_table_add(struct postern_instance *i, const struct postern_table_line *line)
{
	struct plugin_table *t = reading(i);
	if (t->line_count == t->line_room) {
		t->line_room = t->line_room ? t->line_room * 2 : 64;
		t->lines = talloc_realloc(t, t->lines, struct postern_table_line, t->line_room);
	}
	t->lines[t->line_count++] = (struct postern_table_line){ .line = line->line, .flags = line->flags, .key = keep(t, line->key),
		.letters = keep(t, line->letters), .value = keep(t, line->value) };
}

struct each_line { struct postern_instance *instance; void (*each)(struct postern_instance *, char *text, unsigned line); };

static void take_line(void *context, struct line *line)
{
	struct each_line *k = context;
	if (line->wrong)
		postern_table_leave_out(k->instance, line->number, "%s", line->wrong);
	else
		k->each(k->instance, line->text, line->number);
}

enum postern_result postern_read_lines(struct postern_instance *i, const char *file,
	void (*each)(struct postern_instance *, char *text, unsigned line), struct postern_error *complaint)
{
	struct each_line k = { i, each };
	struct file_stamp stamp;
	struct error e = { 0 };
	size_t size;
	char *text = trusted_file_read(file, &size, &stamp, &e);
	if (!text)
		return postern_complain(complaint, POSTERN_BROKEN, "%s", e.text);
	watch(reading(i), file, &stamp);
	lines_each(text, size, take_line, &k);
	g_free(text);
	return POSTERN_OK;
}

char *postern_line_cut(char *text)
{
	return line_cut(text);
}

int postern_watch_file(struct postern_instance *i, const char *file, struct postern_error *complaint)
{
	struct error e = { 0 };
	int fd = trusted_file_open(file, &e);
	if (fd < 0) {
		postern_complain(complaint, POSTERN_BROKEN, "%s", e.text);
		return -1;
	}
	struct file_stamp stamp = file_stamp_of_fd(fd);
	watch(reading(i), file, &stamp);
	return fd;
}
