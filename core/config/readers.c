/* readers.c - the only readers of the configuration language: include, read_hash, read_array, read_text.
 *
 * Names are relative to the file that asks. */
#include "config.h"

#include "config/inside.h"

#include <glob.h>
#include <lauxlib.h>
#include <string.h>
#include <talloc.h>

#include "base/lines.h"
#include "mail/address.h"

static bool has_wildcard(const char *pattern)
{
	return strpbrk(pattern, "*?[") != NULL;
}

static int do_include(lua_State *L)
{
	struct config *c = config_of(L);
	char *pattern;
	const char *file = NULL;
	int line = 0;
	glob_t found;

	only_while_reading(c);
	pattern = path_beside(c, luaL_checkstring(L, 1));
	place_here(c, false, &file, &line);
	if (!has_wildcard(pattern)) {
		file_run(c, pattern, file, line);
	} else if (glob(pattern, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			file_run(c, found.gl_pathv[i], file, line);
		globfree(&found);
	} else {
		problem_add(c, file, line, true, "include: %s: no such files", pattern);
	}
	g_free(pattern);
	return 0;
}

/* ---- tables in text files: "key value", "#" comments, lines that begin with a blank continue the one before ---- */

struct pairs {
	struct config *c;
	void *owner;
	const char *file;
	bool keep_case;
	GPtrArray *keys, *items;
};

/* A comment may stand behind the value; a "#" within double quotes is none. */
static void cut_comment(char *line)
{
	bool quoted = false;
	char *p = line;

	for (; *p && (quoted || *p != '#'); p++) {
		if (*p == '\\' && quoted && p[1])
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	*p = '\0';
	g_strchomp(line);
}

static void add_pair(void *context, struct line *line)
{
	struct pairs *p = context;
	struct value *key, *item;
	char *rest;

	if (line->wrong) {
		problem_add(p->c, p->file, (int)line->number, true, "%s: the line is left out", line->wrong);
		return;
	}
	cut_comment(line->text);
	rest = line_cut(line->text);
	key = (struct value *)value_string(p->owner, lookup_key_of_text(p->owner, line->text, p->keep_case));
	item = (struct value *)(*rest ? value_string(p->owner, rest) : value_int(p->owner, 1));
	key->file = item->file = p->file;
	key->line = item->line = (int)line->number;
	g_ptr_array_add(p->keys, key);
	g_ptr_array_add(p->items, item);
}

/* Later lines of the same key win. */
static void drop_repeated(struct pairs *p, struct value *hash)
{
	GHashTable *seen = g_hash_table_new(g_str_hash, g_str_equal);

	for (guint i = 0; i < p->keys->len; i++) {
		const struct value *key = g_ptr_array_index(p->keys, i);
		gpointer at = g_hash_table_lookup(seen, key->u.string);
		size_t slot = at ? (size_t)GPOINTER_TO_UINT(at) - 1 : hash->u.list.count++;

		hash->u.list.keys[slot] = key;
		hash->u.list.items[slot] = g_ptr_array_index(p->items, i);
		g_hash_table_insert(seen, (gpointer)key->u.string, GUINT_TO_POINTER((guint)slot + 1));
	}
	g_hash_table_destroy(seen);
}

/* A VALUE_HASH of the file, or NULL with *why. */
static struct value *hash_of_file(struct config *c, const char *path, bool keep_case, char **why)
{
	size_t size;
	char *text = file_read_trusted(path, &size, why);
	struct value *v;
	struct pairs p;

	if (!text)
		return NULL;
	v = talloc_zero(c, struct value);
	v->kind = VALUE_HASH;
	p = (struct pairs){ c, v, talloc_strdup(v, path), keep_case, g_ptr_array_new(), g_ptr_array_new() };
	lines_each(text, size, add_pair, &p);
	v->u.list.keys = talloc_array(v, const struct value *, p.keys->len + 1);
	v->u.list.items = talloc_array(v, const struct value *, p.keys->len + 1);
	drop_repeated(&p, v);
	v->file = p.file;
	g_ptr_array_free(p.keys, TRUE);
	g_ptr_array_free(p.items, TRUE);
	g_free(text);
	return v;
}

/* The text of the file named by argument 1, or NULL after reporting. */
static char *read_argument(lua_State *L, const char *function, size_t *size)
{
	struct config *c = config_of(L);
	const char *asked = luaL_checkstring(L, 1);
	char *path, *why = NULL, *text;

	only_while_reading(c);
	path = path_beside(c, asked);
	text = file_read_trusted(path, size, &why);
	if (!text)
		problem_here(c, false, "%s: %s", function, why);
	g_free(why);
	g_free(path);
	return text;
}

/* read_hash(file [, keep_case]) */
static int read_hash(lua_State *L)
{
	struct config *c = config_of(L);
	const char *asked = luaL_checkstring(L, 1);
	char *path, *why = NULL;
	struct value *content;
	bool keep_case = lua_toboolean(L, 2);

	only_while_reading(c);
	path = path_beside(c, asked);
	content = hash_of_file(c, path, keep_case, &why);
	if (content) {
		convert_push(c, content);
	} else {
		problem_here(c, false, "read_hash: %s", why);
		handle_push(L, &value_inert);
	}
	g_free(why);
	g_free(path);
	return 1;
}

/* The item of one line as amavisd-new reads it: a "#" outside of double quotes begins a comment; a quoted local part loses its quotes. */
static char *array_item(void *owner, char *line)
{
	char *p = line;
	bool quoted = false;

	for (; *p && (quoted || *p != '#'); p++) {
		if (*p == '\\' && quoted && p[1])
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	*p = '\0';
	return address_unquote(owner, g_strstrip(line));
}

static int read_array(lua_State *L)
{
	size_t size;
	char *text = read_argument(L, "read_array", &size);
	char **lines;
	lua_Integer n = 0;

	if (!text) {
		handle_push(L, &value_inert);
		return 1;
	}
	lines = g_strsplit(text, "\n", -1);
	lua_newtable(L);
	for (int i = 0; lines[i]; i++) {
		char *item = array_item(config_of(L), lines[i]);

		if (*item) {
			lua_pushstring(L, item);
			lua_rawseti(L, -2, ++n);
		}
		talloc_free(item);
	}
	g_strfreev(lines);
	g_free(text);
	return 1;
}

static int read_text(lua_State *L)
{
	size_t size;
	char *text = read_argument(L, "read_text", &size);

	if (text)
		lua_pushlstring(L, text, size);
	else
		handle_push(L, &value_inert);
	g_free(text);
	return 1;
}

void readers_define(struct config *c)
{
	static const struct luaL_Reg readers[] = {
		{ "include", do_include }, { "read_hash", read_hash }, { "read_array", read_array }, { "read_text", read_text }, { NULL, NULL }
	};

	for (const struct luaL_Reg *r = readers; r->name; r++) {
		lua_pushcfunction(c->sandbox.L, r->func);
		environment_define(c, r->name);
	}
}
