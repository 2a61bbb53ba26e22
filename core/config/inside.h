/* inside.h - what the files of this room share: the configuration in the making, handles in Lua, and checks.
 *
 * Not for other rooms: they include config/config.h.  A configuration comes into being in this order:
 *   load.c         runs the files in a sandbox,
 *   globals.c      keeps what they assign, as Lua values with the place,
 *   convert.c      turns Lua values into struct value, as written,
 *   check*.c       turn those into values of the setting's type, or complain,
 *   bank.c         keeps policy banks, lays them over the base,
 *   consistency.c  looks at the whole. */
#ifndef POSTERN_CONFIG_INSIDE_H
#define POSTERN_CONFIG_INSIDE_H

#include <glib.h>
#include <lua.h>
#include <stdarg.h>

#include "config/config.h"
#include "config/sandbox.h"
#include "config/types.h"
#include "lookup/lookup.h"
#include "plugin/host.h"

#define CONFIG_MAGIC 0x434f4e46u
#define CONFIG_DEPTH_MAX 20	/* of tables in tables, and of files that include files */

struct source_file {
	char *name;		/* as shown */
	int *statement_start;	/* from statements.h */
	int line_count;
};

/* One setting while the files run. */
struct slot {
	int value_ref;		/* Lua registry: the value, or for tables with keys their entries */
	int places_ref;		/* Lua registry: key -> place_pack() of its assignment; LUA_NOREF: none */
	const char *file;	/* of the latest assignment */
	int line;
	bool replaced;		/* assigned as a whole: the default's entries are gone */
	bool touched;		/* entries were added, or a default table was handed out and may have changed */
};

struct bank_entry {
	enum setting_id id;
	const struct value *value;
};

struct bank {
	const char *name, *file;
	int line;
	const char *shown;		/* its policy_bank_name, else its name */
	struct value_function *action;	/* NULL: none */
	size_t count;
	struct bank_entry *entries;
};

struct config {
	uint32_t magic;
	struct sandbox sandbox;
	struct config_options options;
	GPtrArray *files;		/* struct source_file *; number 1 is the first */
	GPtrArray *problems;		/* struct config_problem *; NULL after config_load() */
	GHashTable *names;		/* setting name or alias -> enum setting_id + 1 */
	GHashTable *banks;		/* name -> struct bank * */
	GHashTable *failures;		/* value of a handle whose constructor failed -> struct failure * */
	GHashTable *origins;		/* value of a handle -> how it was written: av.clamscan {} */
	struct slot slots[SETTING_COUNT];
	const struct value *defaults[SETTING_COUNT];	/* typed; may contain VALUE_SETTING */
	const struct value *raw[SETTING_COUNT];		/* the same after the files */
	const struct value *base[SETTING_COUNT];	/* raw with VALUE_SETTING replaced */
	bool changed[SETTING_COUNT];	/* assigned by a file */
	bool follows[SETTING_COUNT];	/* raw has a VALUE_SETTING in it */
	struct plugin_host *host;	/* NULL: plugins are not loaded */
	struct plugin_instance **instances;
	size_t instance_count;
	const char **ldap_attributes;	/* talloc array: what ldap_field named */
	struct record_source *sources[2];	/* by enum record_source_kind; NULL: not configured */
	struct ldap_url *ldap_urls;	/* lookup "ldap:...": made when default_ldap is known */
	struct sql_table_wish *sql_tables;	/* sql{}: their databases are found when all files are read */
	int include_depth;
	int default_depth;
	bool cut_short;			/* a file could not be run to its end: what is missing may stand in the rest */
	char *absent_programs;		/* "zoo (zoo), F (freeze)"; NULL */
	bool scanner_failed;		/* a scanner was meant, and what is wrong with it is reported */
};

struct value_function {
	struct config *config;
	int ref;		/* Lua registry */
	const char *file;
	int line;
};

/* A constructor does not know yet in which setting its value will stand, so what it found wrong is kept with the value
 * and told by whoever meets it there. */
struct failure {
	char *constructor;
	GPtrArray *paths, *texts;	/* paths: ".sockett", "[3]" or "" */
	bool told;
};

struct checker;	/* below: checker.c */

/* --- problems.c --- */
void problem_add(struct config *c, const char *file, int line, bool warning, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/* At the place where the Lua program is now. */
void problem_here(struct config *c, bool warning, const char *format, ...) __attribute__((format(printf, 3, 4)));
void problem_fault(struct config *c, const struct sandbox_fault *fault, const char *file);
GPtrArray *problems_new(void);
void problems_sort(GPtrArray *problems);
#define PROBLEM_IN_DEFAULT "(default)"
void problems_drop_defaults(GPtrArray *problems);

/* --- files.c --- */
/* Read, after the checks of owner and mode. NULL: *why set (g_free). */
char *file_read_trusted(const char *path, size_t *size, char **why);
/* Run one file (its name relative to `folder` when not absolute); problems are kept. */
void file_run(struct config *c, const char *path, const char *asked_file, int asked_line);
void source_run(struct config *c, const char *name, const char *text, size_t size);
char *path_beside(struct config *c, const char *path);	/* relative to the file at hand; g_free */

/* --- place.c --- */
/* Where the Lua program is: the file's name and the line; statement: the line where its statement began. */
bool place_here(struct config *c, bool statement, const char **file, int *line);
lua_Integer place_pack_here(struct config *c);
void place_unpack(struct config *c, lua_Integer packed, const char **file, int *line);
/* Where a setting, or this value of it, was written. */
const char *setting_file(const struct config *c, enum setting_id id, const struct value *v, int *line);

/* --- names.c --- */
bool name_find(const struct config *c, const char *name, enum setting_id *id);
GHashTable *names_new(void);
const struct setting_definition *definition(enum setting_id id);
bool type_has_keys(enum setting_type type);	/* assigned key by key: policy_bank.X = ... */
/* "; did you mean "x"?" or "", on owner. */
const char *nearest_setting(const struct config *c, const char *name, void *owner);
/* "CC_UNCHECKED,1" -> "7,1", "9" -> "9"; NULL: not a content category. On owner. */
const char *category_key(const char *key, void *owner);
const char *category_name(const char *key, void *owner);	/* the other way, for print */
int compare_texts(gconstpointer a, gconstpointer b);	/* of char * in a GPtrArray */
bool destiny_number(const char *name, int64_t *number);
const char *destiny_name(int64_t number);
extern const struct constant { const char *name; int number; } constants[];	/* D_* and CC_*; ends with NULL */

/* --- handle.c: values in Lua that Lua has no type for --- */
extern const struct value value_inert;	/* stands for what was reported already; nobody complains about it again */
void handle_setup(lua_State *L);
/* `value` is borrowed: it lives as long as the configuration. */
void handle_push(lua_State *L, const struct value *value);
const struct value *handle_get(lua_State *L, int index);	/* NULL: not a handle */
struct config *config_of(lua_State *L);
/* How a handle was written, for dumps. */
void handle_remember(struct config *c, const struct value *v, char *source);
/* A value of that kind with the place of the constructor call. */
struct value *value_at_call(struct config *c, enum value_kind kind);

const char *value_describe(const struct value *v, void *owner);	/* describe.c */

/* --- failure.c --- */
struct failure *failure_new(struct config *c, const struct value *v, const char *constructor);
struct failure *failure_of(const struct config *c, const struct value *v);	/* NULL: all is well */
void failure_add(struct failure *f, const char *path, const char *text);
void failure_take(struct failure *to, const char *path, struct failure *from);	/* of a part, at `path` */
void failures_tell_rest(struct config *c);	/* of values that no setting took */

/* --- environment.c --- */
/* Raises a Lua error once the files have been read: functions that run in workers compute, they change and open nothing. */
void only_while_reading(struct config *c);
void environment_make(struct config *c, lua_CFunction read, lua_CFunction assign);
void environment_push(struct config *c);	/* the table that chunks have as _ENV */
void environment_give(struct config *c);	/* to the chunk on top of the stack */
/* Define a global that cannot be assigned; takes the value on top of the stack. */
void environment_define(struct config *c, const char *name);
bool builtin_push(struct config *c, const char *name);	/* a word of the language; false: it is none, nothing was pushed */
int default_push(struct config *c, enum setting_id id, struct sandbox_fault *fault);	/* evaluates the default's source */

/* --- entries.c --- */
void entries_setup(lua_State *L);
void default_or_nil_push(struct config *c, enum setting_id id);
void slot_forget(lua_State *L, struct slot *slot);	/* what the files have put there */
/* policy_bank and the like as they are read in Lua stand for their entries: push those as a plain table. False: not such a value. */
bool entries_push(struct config *c, int index);
void entries_handle_push(lua_State *L, enum setting_id id);
/* policy_bank = { ... }: the value on top of the stack, which is taken. */
void entries_assign(struct config *c, enum setting_id id);

/* --- globals.c --- */
void globals_setup(struct config *c);

/* --- constructors.c, readers.c, plugins.c --- */
void constructors_define(struct config *c);
void readers_define(struct config *c);
void plugins_define(struct config *c);
void schemes_define(struct config *c);	/* schemes.c */
/* Push the constructor of a plugin. */
void plugin_constructor_make(struct config *c, const struct postern_plugin *plugin);
void instance_add(struct config *c, struct plugin_instance *i, const char *file, int line);
void lua_scanner_define(struct config *c);	/* lua_scanner.c */
/* NAME is a library shipped in Lua: read it, define it, push it (after a complaint: inert). False: there is none. library.c */
#define AV_FILE "av.lua"	/* what errors within a shipped scanner of Lua are told by */
bool library_push(struct config *c, const char *name);
/* Call the constructor of the plugin of that name with what is on top of the stack: its handle takes that place (inert after a complaint). */
void plugin_construct(struct config *c, const char *name);

/* v becomes an instance of the plugin with the options of `argument`; what is wrong with them is kept for v. */
void plugin_instance_of_value(struct config *c, struct value *v, const struct postern_plugin *plugin, const struct value *argument);

/* --- unpackers.c --- */
/* Append the programs that are installed to the list of decoders at this index, the stack's top. */
void unpackers_push(struct config *c, int list);
/* NAME is no setting: look for a plugin, define its constructor, push it. False: there is none; *why (g_free) when it is unusable. */
bool plugin_constructor_push(struct config *c, const char *name, char **why);

/* An instance that no constructor call made: of plugin `name`, its options the value of a setting, at which `k` stands. NULL after complaining. */
struct plugin_instance *plugin_instance_of_setting(struct checker *k, const char *name, const struct value *argument);

/* --- sources.c, source_ldap.c --- */
struct record_cache_limits;
void sources_make(struct config *c);
/* ldap_field names an attribute: it is read along with the others. */
void ldap_attribute_wanted(struct config *c, const char *name);
void ldap_source_make(struct config *c, const struct record_cache_limits *limits);

/* --- ldap_url.c --- */
bool ldap_url_has_scheme(const char *text);
/* The table of lookup "TEXT", one that has such a scheme; inert after a complaint. An instance only behind ldap_urls_finish(). */
const struct value *ldap_url_table(struct config *c, const char *text);
void ldap_urls_finish(struct config *c);	/* default_ldap is settled, no table is yet */

/* --- convert.c --- */
enum convert_shape {
	CONVERT_AS_WRITTEN,	/* a table is a list or a hash, never both */
	CONVERT_KEYS,		/* its whole numbers are keys too (by category, by port) */
	CONVERT_OPTIONS		/* positional items first, with the keys "1", "2", ... where named ones stand beside them */
};
/* The Lua value at index as written, on owner. Items of both kinds in one table: a LIST with a failure kept for it. Never NULL. */
const struct value *convert(struct config *c, void *owner, int index, enum convert_shape shape, const char *file, int line);
void convert_push(struct config *c, const struct value *v);	/* the other way */

/* --- checker.c --- */
struct checker {
	struct config *config;
	const char *file;	/* of the statement at hand */
	int line;
	GString *path;		/* av_scanners[2] */
	bool secret;		/* do not show values */
	bool of_default;	/* a default: plugins it names need not be there */
	unsigned errors;
};
struct checker *checker_new(struct config *c, const char *file, int line, const char *path);
void checker_free(struct checker *k);
void check_complain(struct checker *k, const struct value *v, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* `v is wrong; expected ...` with the type's text. Returns NULL. */
const struct value *check_wrong(struct checker *k, const struct value *v, const char *expected);
size_t check_enter_index(struct checker *k, size_t index);	/* returns what check_leave() wants */
size_t check_enter_key(struct checker *k, const char *key);
void check_leave(struct checker *k, size_t mark);
/* Reported already, now or before. */
bool check_is_dead(struct checker *k, const struct value *v);
struct value *value_like(struct checker *k, const struct value *like, enum value_kind kind);	/* a new value with the place of another */

/* --- check.c --- */
/* The value in the form that the setting's type wants; NULL after complaining. */
const struct value *check_setting(struct checker *k, enum setting_id id, const struct value *v);
/* Warn of what has no effect, refuse what would be a false promise. */
void setting_status_check(struct checker *k, enum setting_id id, const struct value *v);

/* --- check_tables.c, check_places.c --- */
const struct value *check_maps(struct checker *k, const struct value *v);
const struct value *check_table(struct checker *k, const struct value *v);	/* one lookup table */
const struct value *check_pairs(struct checker *k, const struct value *v);
const struct value *check_scanners(struct checker *k, enum setting_id id, const struct value *v);
const struct value *check_methods(struct checker *k, const struct value *v);
const struct value *check_dsn(struct checker *k, const struct value *v);
const struct value *check_clauses(struct checker *k, const struct value *v);
/* A statement of lookups with its placeholders: complains, false. */
bool check_statement(struct checker *k, const struct value *v, bool takes_argument);
/* dbi.c: "DBI:mysql:database=x;host=y" as an address (g_free). NULL: not understood; *unknown (g_free) is the part, where one is to blame. */
char *dbi_to_url(const char *text, const char *user, const char *password, char **unknown);

/* --- bank.c --- */
/* The bank's table is on top of the Lua stack; the path stands at it. */
void bank_build(struct checker *k, const char *name);
const struct value *banks_value(struct config *c);	/* all banks as a VALUE_HASH, for dumps */
/* `v` with every VALUE_SETTING in it replaced by what raw[] says. */
const struct value *follow(const struct config *c, const struct value *const *raw, enum setting_type type, const struct value *v, void *owner, int depth);
bool follows_settings(const struct value *v);
const struct value *merge_hash(const struct value *under, const struct value *over, void *owner);

/* --- circles.c --- */
void circles_break(struct config *c);	/* reports them, and leaves nothing that follows for ever */

/* --- sql_sources.c, sql_constructor.c --- */
void sql_source_make(struct config *c, const struct record_cache_limits *limits);
bool sql_source_try(const struct config *c, FILE *to);
/* The databases that a typed DSN setting names, by now instances of their plugins; what is wrong with one is a problem at `path`. */
struct plugin_instance **config_databases(struct config *c, const struct value *dsns, const char *file, int line, const char *path, size_t *count);
struct record_source *config_sql_source(struct config *c, struct plugin_instance *const *databases, size_t count, const struct record_cache_limits *limits);
void sql_constructor_define(struct config *c);
void sql_constructor_push(struct config *c);	/* the function */
void sql_tables_finish(struct config *c, const struct record_cache_limits *limits);
bool sql_tables_try(const struct config *c, FILE *to);

/* --- consistency.c --- */
void consistency_check(struct config *c);
/* config/check_banned.c; prefix: "policy_bank.NAME." or "" */
void check_banned_maps(struct config *c, const char *prefix, const struct value *maps);
void check_header_tests(struct config *c, const char *prefix, const struct value *tests);
/* config/check_results.c */
void check_sizes(struct config *c, const char *prefix, const struct value *maps);
void check_destinies(struct config *c, const char *prefix, const struct value *by_ccat);
void check_next_hops(struct config *c, const char *prefix, const struct value *maps);
/* config/check_places.c; what is wrong with a delivery method, on c; NULL: nothing. known: its scheme is not looked for. */
const char *method_fault(struct config *c, const char *method, bool known);

/* --- lua_function.c --- */
struct value_function *lua_function_new(struct config *c, int index);
const char *lua_function_place(const struct value_function *f, int *line);

/* --- lua_call.c --- */
void lua_call_setup(void);	/* lookups can call functions from now on */

/* --- print.c --- */
void setting_print(const struct config *c, GString *out, enum setting_id id, const struct value *v);

#endif
