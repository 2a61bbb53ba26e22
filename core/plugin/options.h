/* options.h - option tables: which options an instance takes, and how texts become fields of the plugin's struct. */
#ifndef POSTERN_PLUGIN_OPTIONS_H
#define POSTERN_PLUGIN_OPTIONS_H

#include "plugin/host.h"

/* The options that every instance takes; offsets are into struct common_options. */
struct common_options {
	const char *name;
	int64_t timeout_ms;
	const char *on_error;
	int64_t max_size_bytes;
	int64_t probe_interval_ms;
};
extern const struct postern_option common_option_table[];

/* Bytes that a field of this type takes in the plugin's struct. */
size_t option_field_size(enum postern_type type);
bool option_is_list(enum postern_type type);
/* What a value of the option looks like, for errors and manuals: "a size like 25M". */
const char *option_expected(enum postern_type type);
/* Set the field from texts (one, or several for list types); memory hangs on owner. -1: e says what is wrong. */
int option_set(const struct postern_option *o, void *fields, void *owner, const char *const *texts, size_t count, struct error *e);
/* Put the default there (nothing when the table has none). */
int option_set_default(const struct postern_option *o, void *fields, void *owner, struct error *e);
/* The texts that option_set() would make the same field from; 0 when nothing is set. */
size_t option_get(const struct postern_option *o, const void *fields, void *owner, const char ***texts);
/* Does this entry of the common table mean anything to the plugin? A lookup that fails is a failure of the mail, whatever is asked for. */
bool option_applies(const struct postern_plugin *p, const struct postern_option *common);
/* Entry by name in the plugin's table or the common one; *fields gets the struct it belongs to. NULL: unknown. */
const struct postern_option *option_find(const struct postern_plugin *p, const char *name, bool *common);
/* Names of all options of the plugin, for suggestions; NULL-terminated talloc array. */
const char **option_names(const struct postern_plugin *p, void *owner, size_t *count);

#endif
