/* files.c - the only place where configuration opens files, those that may be trusted, and runs them. */
#include "config.h"

#include "config/inside.h"

#include <lauxlib.h>
#include <string.h>
#include <talloc.h>

#include "base/trusted_file.h"
#include "config/statements.h"

char *file_read_trusted(const char *path, size_t *size, char **why)
{
	struct error e = { 0 };
	char *text = trusted_file_read(path, size, NULL, &e);

	*why = text ? NULL : g_strdup(e.text);
	return text;
}

static int file_number(struct config *c, const char *name, const char *text, size_t size)
{
	struct source_file *f = talloc_zero(c, struct source_file);
	int *starts = statements_map(text, size, &f->line_count);

	f->name = talloc_strdup(f, name);
	f->statement_start = talloc_memdup(f, starts, sizeof(int) * (size_t)f->line_count);
	g_free(starts);
	g_ptr_array_add(c->files, f);
	return (int)c->files->len;
}

void source_run(struct config *c, const char *name, const char *text, size_t size)
{
	struct sandbox_fault fault;
	int number = file_number(c, name, text, size);

	if (sandbox_compile(&c->sandbox, text, size, number, &fault) != 0) {
		problem_fault(c, &fault, name);
		return;
	}
	environment_give(c);
	if (sandbox_call(&c->sandbox, 0, 0, &fault) != 0)
		problem_fault(c, &fault, name);
}

void file_run(struct config *c, const char *path, const char *asked_file, int asked_line)
{
	char *why;
	size_t size = 0;
	char *text;

	if (c->include_depth >= CONFIG_DEPTH_MAX) {
		problem_add(c, asked_file, asked_line, false, "include: %s: files include each other %d deep", path, CONFIG_DEPTH_MAX);
		return;
	}
	text = file_read_trusted(path, &size, &why);
	if (!text) {
		c->cut_short = true;
		if (asked_file)
			problem_add(c, asked_file, asked_line, false, "include: %s", why);
		else
			problem_add(c, path, 0, false, "%s", why + strlen(path) + 2);
		g_free(why);
		return;
	}
	c->include_depth++;
	source_run(c, path, text, size);
	c->include_depth--;
	g_free(text);
}

char *path_beside(struct config *c, const char *path)
{
	const char *file = NULL;
	int line;
	char *folder, *joined;

	if (path[0] == '/' || !place_here(c, false, &file, &line))
		return g_strdup(path);
	folder = g_path_get_dirname(file);
	joined = strcmp(folder, ".") ? g_build_filename(folder, path, NULL) : g_strdup(path);
	g_free(folder);
	return joined;
}
