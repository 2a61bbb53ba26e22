/* plugins.c - plugins' names as constructors: find the plugin, make an instance of it, keep what its options lack. */
#include "config.h"

#include "config/inside.h"

#include <errno.h>
#include <lauxlib.h>
#include <string.h>
#include <talloc.h>

#include "base/text.h"

#define INSTALLED_DECODERS "postern.installed_decoders"

struct complaint_context { struct config *c; const struct value *v; const char *constructor; };

static void keep_complaint(void *context, const char *path, const char *text)
{
	struct complaint_context *k = context;
	struct failure *f = failure_of(k->c, k->v);
	char *full = path && *path && *path != '[' ? g_strconcat(".", path, NULL) : g_strdup(path ? path : "");

	failure_add(f ? f : failure_new(k->c, k->v, k->constructor), full, text);
	g_free(full);
}

static bool name_taken(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->instance_count; i++)
		if (!strcmp(c->instances[i]->name, name))
			return true;
	return false;
}

static size_t instances_of(const struct config *c, const struct postern_plugin *p)
{
	size_t n = 0;

	for (size_t i = 0; i < c->instance_count; i++)
		n += c->instances[i]->plugin == p;
	return n;
}

/* The name that the administrator gave, or the plugin's, numbered from the second on. */
static bool settle_name(struct config *c, struct plugin_instance *i, const struct value *argument, struct complaint_context *k)
{
	const struct value *given = argument->kind == VALUE_HASH ? value_hash_get(argument, "name") : NULL;
	size_t number = instances_of(c, i->plugin) + 1;

	if (given && given->kind == VALUE_STRING) {
		if (!name_taken(c, given->u.string))
			return true;
		keep_complaint(k, "name", talloc_asprintf(c, "\"%s\" names another instance already; expected a name of its own", given->u.string));
		return false;
	}
	if (number > 1)
		i->name = talloc_asprintf(i, "%s/%zu", i->plugin->name, number);
	while (name_taken(c, i->name))
		i->name = talloc_asprintf(i, "%s/%zu", i->plugin->name, ++number);
	return true;
}

void instance_add(struct config *c, struct plugin_instance *i, const char *file, int line)
{
	i->number = (unsigned)c->instance_count;
	i->file = file;
	i->line = line;
	c->instances = talloc_realloc(c, c->instances, struct plugin_instance *, c->instance_count + 2);
	c->instances[c->instance_count++] = i;
	c->instances[c->instance_count] = NULL;
}

/* What the plugin calls secret is masked wherever the constructor is printed. */
static void mark_secrets(const struct postern_plugin *plugin, const struct value *argument)
{
	for (size_t i = 0; argument->kind == VALUE_HASH && i < argument->u.list.count; i++)
		for (const struct postern_option *o = plugin->options; o && o->name; o++)
			if ((o->flags & POSTERN_SECRET) && !strcmp(o->name, argument->u.list.keys[i]->u.string) && argument->u.list.items[i]->kind != VALUE_UNDEF)
				((struct value *)argument->u.list.items[i])->secret = true;
}

/* A constructor within an option has failed, rx() of what does not compile: told with the option's name, and no instance is made. */
static bool option_failed(struct config *c, const char *option, const struct value *v, struct complaint_context *k)
{
	struct failure *f = failure_of(c, v);
	bool failed = f != NULL;

	for (guint i = 0; f && i < f->texts->len; i++)
		keep_complaint(k, option, g_ptr_array_index(f->texts, i));
	if (f)
		f->told = true;
	for (size_t i = 0; !f && (v->kind == VALUE_LIST || v->kind == VALUE_HASH) && i < v->u.list.count; i++)
		failed |= option_failed(c, *option || v->kind == VALUE_LIST ? option : v->u.list.keys[i]->u.string, v->u.list.items[i], k);
	return failed;
}

/* The option that a constructor's lone string, or the key "1" or its name, is for. */
static const struct postern_option *file_option(const struct postern_plugin *plugin, const char *key)
{
	for (const struct postern_option *o = plugin->options; o && o->name; o++) {
		bool first = o->flags & POSTERN_POSITIONAL;

		if (!key || !strcmp(key, "1") ? first : !strcmp(key, o->name))
			return o->type == POSTERN_FILE ? o : NULL;
	}
	return NULL;
}

static const struct value *path_value(struct config *c, const struct value *v)
{
	char *beside, *absolute;
	struct value *resolved;

	if (v->kind != VALUE_STRING || v->u.string[0] == '/' || !v->u.string[0])
		return v;
	beside = path_beside(c, v->u.string);
	absolute = g_canonicalize_filename(beside, NULL);
	resolved = talloc_memdup(c, v, sizeof *v);
	resolved->u.string = talloc_strdup(resolved, absolute);
	g_free(absolute);
	g_free(beside);
	return resolved;
}

/* Tables lie beside the file that names them, as what it includes does. */
static const struct value *resolve_paths(struct config *c, const struct postern_plugin *plugin, const struct value *argument)
{
	struct value *resolved;

	if (!(plugin->roles & POSTERN_LOOKUP))
		return argument;
	if (argument->kind == VALUE_STRING)
		return file_option(plugin, NULL) ? path_value(c, argument) : argument;
	if (argument->kind != VALUE_HASH && argument->kind != VALUE_LIST)
		return argument;
	resolved = talloc_memdup(c, argument, sizeof *argument);
	resolved->u.list.items = talloc_memdup(resolved, argument->u.list.items, sizeof *argument->u.list.items * argument->u.list.count);
	for (size_t i = 0; i < argument->u.list.count; i++) {
		const char *key = argument->kind == VALUE_HASH ? value_text(argument->u.list.keys[i], resolved) : i == 0 ? "1" : "";

		if (file_option(plugin, key))
			resolved->u.list.items[i] = path_value(c, argument->u.list.items[i]);
	}
	return resolved;
}

void plugin_instance_of_value(struct config *c, struct value *v, const struct postern_plugin *plugin, const struct value *argument)
{
	struct complaint_context k = { c, v, plugin->name };
	struct plugin_instance *i;

	mark_secrets(plugin, argument);
	i = option_failed(c, "", argument, &k) ? NULL : plugin_instance_new(c, plugin, resolve_paths(c, plugin, argument), keep_complaint, &k);
	if (!i && !failure_of(c, v))
		keep_complaint(&k, "", "could not be made");
	if (i && !failure_of(c, v) && settle_name(c, i, argument, &k)) {
		i->argument = argument;		/* as it was written */
		v->u.instance = i;
		instance_add(c, i, v->file, v->line);
	}
}

/* Upvalue 1: the plugin. */
static int construct(lua_State *L)
{
	struct config *c = config_of(L);
	const struct postern_plugin *plugin = lua_touserdata(L, lua_upvalueindex(1));
	struct value *v = value_at_call(c, VALUE_INSTANCE);
	const struct value *argument = convert(c, v, 1, CONVERT_OPTIONS, v->file, v->line);

	lua_settop(L, 1);
	plugin_instance_of_value(c, v, plugin, argument);
	handle_push(L, v);
	return 1;
}

static void complain_of_setting(void *context, const char *path, const char *text)
{
	struct checker *k = context;
	size_t mark = k->path->len;

	g_string_append_printf(k->path, "%s%s", path && *path && *path != '[' ? "." : "", path ? path : "");
	check_complain(k, NULL, "%s", text);
	check_leave(k, mark);
}

struct plugin_instance *plugin_instance_of_setting(struct checker *k, const char *name, const struct value *argument)
{
	struct config *c = k->config;
	struct error e = { 0 };
	const struct postern_plugin *plugin = plugin_host_find(c->host, name, &e);
	struct plugin_instance *i;

	if (!plugin) {
		check_complain(k, NULL, "the plugin %s cannot be used: %s", name, e.text);
		return NULL;
	}
	mark_secrets(plugin, argument);
	i = plugin_instance_new(c, plugin, argument, complain_of_setting, k);
	if (!i)
		return NULL;
	if (name_taken(c, i->name))
		i->name = talloc_asprintf(i, "%s/%zu", plugin->name, instances_of(c, plugin) + 1);
	instance_add(c, i, k->file, k->line);
	return i;
}

void plugin_constructor_make(struct config *c, const struct postern_plugin *plugin)
{
	lua_pushlightuserdata(c->sandbox.L, (void *)plugin);
	lua_pushcclosure(c->sandbox.L, construct, 1);
}

/* "did you mean" over settings, the language's own words and plugins. */
static const char *nearest_word(struct config *c, const char *name)
{
	static const char *const words[] = { "rx", "re", "cidr", "const", "setting", "include", "read_hash", "read_array", "read_text",
		"lookup", "plugin", "scanner", "av", "unpackers", "undef", "true", "false" };
	GPtrArray *all = g_ptr_array_new();
	const char *const *plugins = c->host ? plugin_host_names(c->host, c) : NULL;
	guint settings;
	gpointer *names = g_hash_table_get_keys_as_array(c->names, &settings);
	const char *near;

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		g_ptr_array_add(all, (gpointer)words[i]);
	for (const struct constant *k = constants; k->name; k++)
		g_ptr_array_add(all, (gpointer)k->name);
	for (size_t i = 0; plugins && plugins[i]; i++)
		g_ptr_array_add(all, (gpointer)plugins[i]);
	for (guint i = 0; i < settings; i++)
		g_ptr_array_add(all, names[i]);
	near = text_nearest(name, (const char *const *)(void *)all->pdata, all->len);
	g_ptr_array_free(all, TRUE);
	g_free(names);
	return near;
}

/* Without plugins' code a constructor's name is all that can be checked. */
static bool known_but_not_loaded(struct config *c, const char *name)
{
	const char *const *names = c->options.load_plugins || !c->host ? NULL : plugin_host_names(c->host, c);

	return names && g_strv_contains(names, name);
}

/* NULL: there is none, and *why (g_free) says so; or plugins are not loaded, and *why is NULL. */
static const struct postern_plugin *find_plugin(struct config *c, const char *name, char **why)
{
	struct error e = { 0 };
	const struct postern_plugin *plugin = c->host && c->options.load_plugins ? plugin_host_find(c->host, name, &e) : NULL;
	const char *near;

	if (plugin || known_but_not_loaded(c, name))
		return plugin;
	if (e.errnum != ENOENT && e.text[0]) {
		*why = g_strdup(e.text);
		return NULL;
	}
	near = nearest_word(c, name);
	*why = near ? g_strdup_printf("%s: unknown name; did you mean \"%s\"?", name, near)
		: g_strdup_printf("%s: unknown name: no setting, no word of the language and no plugin is called so", name);
	return NULL;
}

bool plugin_constructor_push(struct config *c, const char *name, char **why)
{
	const struct postern_plugin *plugin = find_plugin(c, name, why);

	if (!plugin)
		return false;
	plugin_constructor_make(c, plugin);
	lua_pushvalue(c->sandbox.L, -1);
	environment_define(c, name);
	return true;
}

void plugin_construct(struct config *c, const char *name)
{
	lua_State *L = c->sandbox.L;
	char *why = NULL;
	const struct postern_plugin *plugin = find_plugin(c, name, &why);

	if (plugin) {
		plugin_constructor_make(c, plugin);
		lua_insert(L, -2);
		lua_call(L, 1, 1);
		return;
	}
	if (why)
		problem_here(c, false, "%s", why);
	g_free(why);
	lua_pop(L, 1);
	handle_push(L, &value_inert);
}

/* plugin("NAME", "/abs/file.so"): the constructor of a plugin that lies elsewhere. */
static int load_plugin(lua_State *L)
{
	struct config *c = config_of(L);
	const char *name = luaL_checkstring(L, 1), *file = luaL_checkstring(L, 2);
	const struct postern_plugin *plugin = NULL;
	struct error e = { 0 };

	only_while_reading(c);
	if (file[0] != '/')
		error_set(&e, ERROR_CONFIG, "\"%s\" is not an absolute file name", file);
	else if (c->host && c->options.load_plugins)
		plugin = plugin_host_load_file(c->host, name, file, &e);
	if (plugin) {
		plugin_constructor_make(c, plugin);
		return 1;
	}
	if (e.text[0])
		problem_here(c, false, "%s", e.text);
	handle_push(L, &value_inert);
	return 1;
}

/* ---- the default of `decoders` ---- */

/* Those that ship, in the order in which they are tried: libraries before programs. */
static const char *const shipped_decoders[] = {
	"archive", "mspack", "lzop", "tnef", "ole", "rtf", "onenote", "pdf", "htmldata", "calendar", "shortcut", "smime", "apple",
};

static void push_decoder(struct config *c, const char *name, int list)
{
	struct error e = { 0 };
	const struct postern_plugin *plugin = plugin_host_find(c->host, name, &e);
	struct value *v;

	if (!plugin && e.errnum != ENOENT)
		problem_here(c, false, "decoders: %s", e.text);
	if (!plugin || !(plugin->roles & POSTERN_DECODER))
		return;
	v = value_at_call(c, VALUE_INSTANCE);
	plugin_instance_of_value(c, v, plugin, &value_undef);
	handle_push(c->sandbox.L, v);
	lua_rawseti(c->sandbox.L, list, (lua_Integer)lua_rawlen(c->sandbox.L, list) + 1);
}

/* installed_decoders(): made once; nothing where the administrator has a list of his own. */
static int installed_decoders(lua_State *L)
{
	struct config *c = config_of(L);

	if (lua_getfield(L, LUA_REGISTRYINDEX, INSTALLED_DECODERS) == LUA_TTABLE)
		return 1;
	lua_newtable(L);
	if (!c->host || !c->options.load_plugins || c->slots[SET_decoders].touched)
		return 1;
	for (size_t i = 0; i < G_N_ELEMENTS(shipped_decoders); i++)
		push_decoder(c, shipped_decoders[i], lua_gettop(L));
	unpackers_push(c, lua_gettop(L));
	lua_pushvalue(L, -1);
	lua_setfield(L, LUA_REGISTRYINDEX, INSTALLED_DECODERS);
	return 1;
}

void plugins_define(struct config *c)
{
	lua_pushcfunction(c->sandbox.L, installed_decoders);
	environment_define(c, "installed_decoders");
	lua_pushcfunction(c->sandbox.L, load_plugin);
	environment_define(c, "plugin");
}
