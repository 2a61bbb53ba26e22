/* files.c - the only place where configuration opens files, those that may be trusted; and the places of statements in them. */
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
	lua_State *L = c->sandbox.L;
	struct sandbox_fault fault;
	int number = file_number(c, name, text, size);

	if (sandbox_compile(&c->sandbox, text, size, number, &fault) != 0) {
		problem_fault(c, &fault, name);
		return;
	}
	environment_push(c);
	if (!lua_setupvalue(L, -2, 1))
		lua_pop(L, 1);
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

static struct source_file *file_of(struct config *c, int number)
{
	return number > 0 && (guint)number <= c->files->len ? g_ptr_array_index(c->files, number - 1) : NULL;
}

static int statement_line(const struct source_file *f, int line)
{
	return line > 0 && line <= f->line_count ? f->statement_start[line - 1] : line;
}

bool place_here(struct config *c, bool statement, const char **file, int *line)
{
	int chunk = 0, at = 0;
	struct source_file *f;

	if (!sandbox_where(c->sandbox.L, 0, &chunk, &at) || !(f = file_of(c, chunk)))
		return false;
	*file = f->name;
	*line = statement ? statement_line(f, at) : at;
	return true;
}

lua_Integer place_pack_here(struct config *c)
{
	int chunk = 0, at = 0;
	struct source_file *f;

	if (!sandbox_where(c->sandbox.L, 0, &chunk, &at) || !(f = file_of(c, chunk)))
		return 0;
	return ((lua_Integer)chunk << 32) | statement_line(f, at);
}

void place_unpack(struct config *c, lua_Integer packed, const char **file, int *line)
{
	struct source_file *f = file_of(c, (int)(packed >> 32));

	if (!f)
		return;
	*file = f->name;
	*line = (int)(packed & 0x7fffffff);
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
