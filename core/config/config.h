/* config.h - one evaluated configuration: the settings, the policy banks, the plugin instances.
 *
 * Evaluated in the worker template (or by `posternd -t`), read by its workers,
 * which inherit it by fork.  `struct policy` is the overlay that holds for one
 * session or mail: base values with banks laid over them. */
#ifndef POSTERN_CONFIG_CONFIG_H
#define POSTERN_CONFIG_CONFIG_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/value.h"

/* Every setting has an id SET_<name>, from config/settings/<theme>.def:
 *   SETTING(name, type, "default as Lua source", BANK|GLOBAL [|SECRET], IN_FORCE|ACCEPTED|REFUSED, "one line of meaning (or the reason of refusal)") */
enum setting_id {
#define SETTING(name, type, dflt, flags, status, doc) SET_##name,
#include "config/settings/all.def"
#undef SETTING
	SETTING_COUNT
};

struct config;

struct config_options {
	const char *file;		/* NULL: the embedded default */
	const char *plugin_dir;		/* absolute */
	const char *build_dir;		/* uninstalled: absolute top of the build tree, else NULL */
	const char *embedded;		/* Lua source used when file is NULL */
	bool load_plugins;		/* false: constructors check options only as far as that needs no code */
};

struct config_problem { char *file; int line; char *text; bool warning; };	/* text: "setting: what is wrong, what was expected" */

/* Evaluate. Always returns a config (talloc; free with talloc_free) unless memory ends; `problems` gets every struct
 * config_problem * (g_free'd by the array's free function) sorted by file and line.  It is good when no problem is an error. */
struct config *config_load(const struct config_options *options, GPtrArray **problems);
unsigned config_error_count(const GPtrArray *problems);
void config_print_problems(FILE *to, const GPtrArray *problems);	/* "file:line: setting: text" */
/* -n: settings that differ from their default, with file:line of their origin; -d: all defaults with their meaning. */
void config_print_changed(FILE *to, const struct config *c, bool json);
void config_print_defaults(FILE *to, bool json);
void config_print_manual(FILE *to);	/* the generated part of postern.lua(5), mdoc */
const char *setting_name(enum setting_id id);

const struct value *config_value(const struct config *c, enum setting_id id);	/* base bank; never NULL */
/* Every plugin instance of the configuration in the order of construction; an instance's number is its index. */
struct plugin_instance *const *config_instances(const struct config *c, size_t *count);
/* The file that an instance's plugin was loaded from; NULL: it is part of the configuration itself. */
/* File types that stay shut, and the programs that would open them: "zoo (zoo), F (freeze)"; NULL: none, or decoders are the administrator's. */
const char *config_absent_programs(const struct config *c);
const char *config_plugin_file(const struct config *c, const struct plugin_instance *i);

/* Where recipients' own settings are asked for: lookup_sql_dsn, default_ldap. NULL: the configuration names none. */
struct record_source *config_record_source(const struct config *c, int kind);	/* enum record_source_kind */
/* Try each of them, once its instances have been started; tells people. False: one failed. */
bool config_check_sources(const struct config *c, FILE *to);

/* The settings that hold for one session or mail. Copyable by assignment. */
struct policy {
	const struct config *config;
	const struct value *values[SETTING_COUNT];
	const struct value *const *raw;	/* the same before settings that follow others were replaced; config/bank.c's own */
	const struct bank *last;	/* loaded last; config/bank.c's own */
	char path[200];			/* loaded banks joined with '/', as policy_bank_name shows them */
};
void policy_init(struct policy *p, const struct config *c);
/* Overlay a bank (amavisd-new's merge rule: hashes key by key unless REPLACE). false: no such bank (or just loaded). */
bool policy_load_bank(struct policy *p, const char *name, void *owner);
/* `names` as "A, B". */
void policy_load_banks(struct policy *p, const char *names, void *owner);
/* Does the base or any bank say anything in this list? */
bool config_sets_list(const struct config *c, enum setting_id id);
bool config_has_bank(const struct config *c, const char *name);
/* The bank's ACTION, to be called once it is loaded; NULL: none. */
struct value_function *config_bank_action(const struct config *c, const char *name);
/* "A, B" -> its names, NULL-terminated on owner. */
const char *const *policy_bank_names(const char *names, void *owner);

static inline const struct value *policy_value(const struct policy *p, enum setting_id id) { return p->values[id]; }
bool policy_bool(const struct policy *p, enum setting_id id);
int64_t policy_int(const struct policy *p, enum setting_id id, int64_t otherwise);	/* counts, bytes, seconds as the setting says */
int64_t policy_ms(const struct policy *p, enum setting_id id, int64_t otherwise_ms);	/* of settings of type SECONDS */
const char *policy_string(const struct policy *p, enum setting_id id);			/* NULL: undef */
/* What a lookup has given as a destiny, a number or a name "D_REJECT"; as a size, a number or "200k". false: it is none. */
bool config_destiny(const struct value *v, int64_t *out);
bool config_size(const struct value *v, int64_t *out);
/* A setting that is a string or a list of strings: NULL-terminated talloc array on owner. */
const char *const *policy_strings(const struct policy *p, enum setting_id id, void *owner);
/* Entry `index` of a *_by_ccat setting stands for another setting as a whole (setting "virus_lovers_maps"): that one. */
bool policy_ccat_follows(const struct policy *p, enum setting_id id, size_t index, enum setting_id *followed);
struct categories;
/* The entry of exactly that key of a *_by_ccat setting; NULL when absent (undef is an entry). */
const struct value *policy_ccat_entry(const struct policy *p, enum setting_id id, unsigned major, unsigned minor);
/* A *_by_ccat setting: the value for keys "major,minor", "major", CC_CATCHALL, first existing key wins; NULL when none. */
const struct value *policy_by_ccat(const struct policy *p, enum setting_id id, const struct categories *c, bool *found);

/* A setting that, under the banks that hold, is not its default. */
struct policy_difference {
	enum setting_id setting;
	const char *lua;		/* its value as Lua source, secrets masked */
	const char *bank;		/* that says so; NULL: the base */
	const char *file;		/* where; NULL: unknown */
	int line;
};
typedef void (*policy_difference_fn)(void *context, const struct policy_difference *d);
/* All of them; banks: those that were loaded, in order, NULL-terminated. */
void policy_tell_differences(const struct policy *p, const char *const *banks, policy_difference_fn tell, void *context);
/* A value as Lua source, as the setting `like` would have it written (D_REJECT), secrets masked. */
void config_print_value(const struct config *c, GString *out, enum setting_id like, const struct value *v);
const char *config_category_name(const char *key, void *owner);	/* "7,1" -> "CC_UNCHECKED,1" */

/* Where to listen: listen_sockets, then unix_socketname and inet_socket_port at each of inet_socket_bind, without repetitions:
 * "127.0.0.1:10024", "[::1]:10024", "/path". NULL-terminated talloc array on owner. */
const char *const *config_listen_sockets(const struct config *c, void *owner);
/* The configuration used without a file. */
extern const char *const config_embedded_default;

/* What an administrator's function sees of the mail in hand; the worker says how to get it. All may be NULL. */
struct config_mail_view {
	const char *log_id, *sender, *client_address, *client_name, *helo, *protocol, *interface, *policy_banks;
	const char *const *recipients;		/* NULL-terminated */
	int64_t size_bytes;			/* -1: not known */
	int64_t received_wall_us;		/* its local time is the table `time`, with the fields of os.date("*t"); 0: no time */
	bool originating;
};
typedef void (*config_mail_view_fn)(const void *mail, struct config_mail_view *view);
void config_set_mail_view(config_mail_view_fn view);
/* Call an administrator's hook as f(mail) or f(mail, text).  0: *out is its result on owner, NULL for nil and undef.
 * -1: it failed, with file:line. Workers only. */
struct deadline;
int config_call_hook(struct value_function *f, const void *mail, const char *text, struct deadline d, void *owner,
	const struct value **out, struct error *e);

#endif
