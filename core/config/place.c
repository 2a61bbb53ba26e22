/* place.c - where the Lua program stands: the file and the line, or the line at which its statement began. */
#include "config.h"

#include "config/inside.h"

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

const char *setting_file(const struct config *c, enum setting_id id, const struct value *v, int *line)
{
	if (v && v->file) {
		*line = v->line;
		return v->file;
	}
	*line = c->slots[id].line;
	return c->slots[id].file ? c->slots[id].file : c->options.file ? c->options.file : "(built-in configuration)";
}
