/* convert.c - Lua values as struct value, as written: what the setting makes of them comes later (check.c). */
#include "config.h"

#include "config/inside.h"

#include <lauxlib.h>
#include <string.h>
#include <talloc.h>

struct conversion {
	struct config *c;
	void *owner;
	const char *file;
	int line;
	int depth;
	enum convert_shape shape;
	bool too_deep;
};

static const struct value *convert_at(struct conversion *k, int index);

static struct value *fresh(struct conversion *k, enum value_kind kind)
{
	struct value *v = talloc_zero(k->owner, struct value);

	v->kind = kind;
	v->file = k->file;
	v->line = k->line;
	return v;
}

static const struct value *wrong(struct conversion *k, const char *text)
{
	struct value *v;

	if (!k->c->problems)	/* a function's result, long after the files were read */
		luaL_error(k->c->sandbox.L, "%s", text);
	v = fresh(k, VALUE_LIST);
	failure_add(failure_new(k->c, v, "table"), "", text);
	return v;
}

static int compare_keys(gconstpointer a, gconstpointer b)
{
	return strcmp((*(const struct value *const *)a)->u.string, (*(const struct value *const *)b)->u.string);
}

static void count_keys(lua_State *L, int index, size_t *positions, size_t *names)
{
	*positions = *names = 0;
	lua_pushnil(L);
	while (lua_next(L, index)) {
		++*(lua_type(L, -2) == LUA_TNUMBER ? positions : names);
		lua_pop(L, 1);
	}
}

/* Keys of the table at index as sorted VALUE_STRINGs; only_names: without its positions. */
static GPtrArray *keys_sorted(struct conversion *k, int index, bool only_names)
{
	lua_State *L = k->c->sandbox.L;
	GPtrArray *keys = g_ptr_array_new();

	lua_pushnil(L);
	while (lua_next(L, index)) {
		struct value *key;

		lua_pop(L, 1);
		if (!lua_isstring(L, -1) || (only_names && lua_type(L, -1) == LUA_TNUMBER))
			continue;
		key = fresh(k, VALUE_STRING);
		lua_pushvalue(L, -1);
		key->u.string = talloc_strdup(key, lua_tostring(L, -1));
		lua_pop(L, 1);
		g_ptr_array_add(keys, key);
	}
	g_ptr_array_sort(keys, compare_keys);
	return keys;
}

static void push_by_text(lua_State *L, int index, const char *key)
{
	char *end;
	long long number = g_ascii_strtoll(key, &end, 10);

	if (lua_getfield(L, index, key) != LUA_TNIL || *end || end == key)
		return;
	lua_pop(L, 1);
	lua_geti(L, index, (lua_Integer)number);
}

static void add_item(struct value *v, const struct value *key, const struct value *item)
{
	if (v->kind == VALUE_HASH)
		v->u.list.keys[v->u.list.count] = key;
	v->u.list.items[v->u.list.count++] = item;
}

static struct value *container(struct conversion *k, enum value_kind kind, size_t count)
{
	struct value *v = fresh(k, kind);

	v->u.list.items = talloc_array(v, const struct value *, count + 1);
	v->u.list.keys = kind == VALUE_HASH ? talloc_array(v, const struct value *, count + 1) : NULL;
	return v;
}

static void add_named(struct conversion *k, struct value *v, int index, bool only_names)
{
	lua_State *L = k->c->sandbox.L;
	GPtrArray *keys = keys_sorted(k, index, only_names);

	for (guint i = 0; i < keys->len && i < talloc_array_length(v->u.list.items); i++) {
		const struct value *key = g_ptr_array_index(keys, i);

		push_by_text(L, index, key->u.string);
		add_item(v, key, convert_at(k, lua_gettop(L)));
		lua_pop(L, 1);
	}
	g_ptr_array_free(keys, TRUE);
}

/* Positions in their order; holes (nil in the source) are left out. */
static void add_positions(struct conversion *k, struct value *v, int index, size_t count)
{
	lua_State *L = k->c->sandbox.L;
	lua_Integer last = 0;

	lua_pushnil(L);
	while (lua_next(L, index)) {
		lua_pop(L, 1);
		if (lua_isinteger(L, -1) && lua_tointeger(L, -1) > last)
			last = lua_tointeger(L, -1);
	}
	if (last > (lua_Integer)count + 1000)
		last = (lua_Integer)count + 1000;
	for (lua_Integer i = 1; i <= last; i++) {
		struct value *key;

		if (lua_geti(L, index, i) != LUA_TNIL && v->u.list.count < count) {
			key = fresh(k, VALUE_STRING);
			key->u.string = talloc_asprintf(key, "%lld", (long long)i);
			add_item(v, key, convert_at(k, lua_gettop(L)));
		}
		lua_pop(L, 1);
	}
}

static const struct value *convert_table(struct conversion *k, int index)
{
	enum convert_shape shape = k->shape;
	size_t positions, names;
	struct value *v;

	if (k->depth > CONFIG_DEPTH_MAX) {
		k->too_deep = true;
		return &value_inert;
	}
	count_keys(k->c->sandbox.L, index, &positions, &names);
	k->shape = CONVERT_AS_WRITTEN;
	if (shape == CONVERT_AS_WRITTEN && positions && names)
		return wrong(k, "a table with both list items and keys; expected either { \"a\", \"b\" } or { [\"key\"] = value }");
	if (shape == CONVERT_OPTIONS && positions && names) {
		v = container(k, VALUE_HASH, positions + names);
		add_positions(k, v, index, positions);
		add_named(k, v, index, true);
	} else if (names || (shape == CONVERT_KEYS && positions)) {
		v = container(k, VALUE_HASH, positions + names);
		add_named(k, v, index, false);
	} else {
		v = container(k, VALUE_LIST, positions);
		add_positions(k, v, index, positions);
	}
	return v;
}

static const struct value *convert_number(struct conversion *k, int index)
{
	lua_State *L = k->c->sandbox.L;
	struct value *v;

	if (lua_isinteger(L, index)) {
		v = fresh(k, VALUE_INT);
		v->u.integer = lua_tointeger(L, index);
	} else {
		v = fresh(k, VALUE_FLOAT);
		v->u.number = lua_tonumber(L, index);
	}
	return v;
}

static const struct value *convert_userdata(struct conversion *k, int index)
{
	const struct value *handle = handle_get(k->c->sandbox.L, index), *v;

	if (handle)
		return handle;
	if (!entries_push(k->c, index))
		return wrong(k, "a value that a setting cannot hold");
	v = convert_at(k, lua_gettop(k->c->sandbox.L));
	lua_pop(k->c->sandbox.L, 1);
	return v;
}

static const struct value *convert_function(struct conversion *k, int index)
{
	struct value *v;

	only_while_reading(k->c);
	if (lua_iscfunction(k->c->sandbox.L, index))
		return wrong(k, "a constructor without its call; write { } or ( ) behind its name");
	v = fresh(k, VALUE_FUNCTION);
	v->u.function = lua_function_new(k->c, index);
	v->file = lua_function_place(v->u.function, &v->line);
	return v;
}

static const struct value *convert_string(struct conversion *k, int index)
{
	size_t n;
	const char *text = lua_tolstring(k->c->sandbox.L, index, &n);
	struct value *v;

	if (strlen(text) != n)
		return wrong(k, "a text with a NUL character in it");
	v = fresh(k, VALUE_STRING);
	v->u.string = talloc_strndup(v, text, n);
	return v;
}

static const struct value *convert_one(struct conversion *k, int index)
{
	lua_State *L = k->c->sandbox.L;
	struct value *v;

	switch (lua_type(L, index)) {
	case LUA_TBOOLEAN:
		v = fresh(k, VALUE_BOOL);
		v->u.boolean = lua_toboolean(L, index);
		return v;
	case LUA_TNUMBER: return convert_number(k, index);
	case LUA_TSTRING: return convert_string(k, index);
	case LUA_TTABLE: return convert_table(k, index);
	case LUA_TFUNCTION: return convert_function(k, index);
	case LUA_TUSERDATA: return convert_userdata(k, index);
	default: return &value_undef;
	}
}

static const struct value *convert_at(struct conversion *k, int index)
{
	const struct value *v;

	luaL_checkstack(k->c->sandbox.L, 10, "tables within tables");
	k->depth++;
	v = convert_one(k, index);
	k->depth--;
	return v;
}

const struct value *convert(struct config *c, void *owner, int index, enum convert_shape shape, const char *file, int line)
{
	struct conversion k = { .c = c, .owner = owner, .file = file, .line = line, .shape = shape };
	const struct value *v = convert_at(&k, lua_absindex(c->sandbox.L, index));

	return k.too_deep ? wrong(&k, "tables within tables without end; a table must not contain itself") : v;
}

static void push_table(struct config *c, const struct value *v)
{
	lua_State *L = c->sandbox.L;

	luaL_checkstack(L, 10, "tables within tables");
	lua_createtable(L, v->kind == VALUE_LIST ? (int)v->u.list.count : 0, v->kind == VALUE_HASH ? (int)v->u.list.count : 0);
	for (size_t i = 0; i < v->u.list.count; i++) {
		if (v->kind == VALUE_HASH)
			lua_pushstring(L, v->u.list.keys[i]->u.string);
		else
			lua_pushinteger(L, (lua_Integer)i + 1);
		convert_push(c, v->u.list.items[i]);
		lua_rawset(L, -3);
	}
}

void convert_push(struct config *c, const struct value *v)
{
	lua_State *L = c->sandbox.L;

	switch (v->kind) {
	case VALUE_BOOL: lua_pushboolean(L, v->u.boolean); break;
	case VALUE_INT: lua_pushinteger(L, v->u.integer); break;
	case VALUE_FLOAT: lua_pushnumber(L, v->u.number); break;
	case VALUE_STRING: lua_pushstring(L, v->u.string); break;
	case VALUE_LIST: case VALUE_HASH: push_table(c, v); break;
	default: handle_push(L, v);
	}
}
