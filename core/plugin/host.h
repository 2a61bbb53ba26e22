/* host.h - finds, checks and loads plugins; makes instances from option tables.
 *
 * host.c is the only file that includes ltdl.h.  Templates load, workers and
 * openers inherit by fork.  Never the master, never reception. */
#ifndef POSTERN_PLUGIN_HOST_H
#define POSTERN_PLUGIN_HOST_H

#include <glib.h>
#include <stdio.h>

#include "base/error.h"
#include "base/trusted_file.h"
#include "base/value.h"
#include "postern/plugin.h"

/* Trust is decided against the user who makes the host: make it before privileges are dropped. */
struct plugin_host;
/* plugin_dir: absolute folder of installed plugins (files NAME.so / NAME.la directly in it); build_dir: absolute top of a build tree whose
 * plugins/<role>/NAME.la are used instead, or NULL. */
struct plugin_host *plugin_host_new(void *owner, const char *plugin_dir, const char *build_dir);
/* NULL and e when there is none, it is of another ABI, damaged, of another name, world- or group-writable, or owned by neither root
 * nor the user who started the host.  e->errnum == ENOENT: simply not there. */
const struct postern_plugin *plugin_host_find(struct plugin_host *h, const char *name, struct error *e);
const struct postern_plugin *plugin_host_load_file(struct plugin_host *h, const char *name, const char *absolute_file, struct error *e);
/* The file that a loaded plugin came from; NULL: none of that name is loaded. */
const char *plugin_host_file(const struct plugin_host *h, const char *name);
/* Names of all plugins that could be loaded (nearest-name suggestions). NULL-terminated talloc array. */
const char *const *plugin_host_names(struct plugin_host *h, void *owner);

enum on_error { ON_ERROR_IGNORE, ON_ERROR_TEMPFAIL, ON_ERROR_UNCHECKED };

struct plugin_instance {		/* struct postern_instance of plugins is this */
	uint32_t magic;
	const struct postern_plugin *plugin;
	char *name;			/* "clamd", then "clamd/2" */
	unsigned number;		/* index in the configuration */
	void *options;			/* the plugin's struct */
	void *state;
	int64_t timeout_ms;		/* 0: only the mail's deadline */
	int64_t max_size_bytes;		/* 0: none */
	int64_t probe_interval_ms;	/* between two tries of one that does not answer */
	enum on_error on_error;
	bool absent;			/* its program is not on this machine: it is not asked, and vouches for nothing */
	const char *file; int line;	/* of the constructor call */
	const char *version;		/* last postern_set_version */
	const char *work_folder;
	int kept_fd;			/* postern_conn_keep */
	const struct value *argument;	/* the constructor's table, for dumps and records */
	void *call_state;		/* call.c's own */
	struct plugin_table *read;	/* what load() has read, NULL: nothing that the host knows of */
	struct plugin_table *reading;	/* while load() runs */
	struct lookup_table *table;	/* lookup/'s own, made of `read` */
};
/* Make one from a constructor's argument: a VALUE_HASH/LIST (positional items first; where
 * both kinds of key stand in one constructor it is a HASH whose positional items have the keys "1", "2", ...), a string, or undef. All errors at once: each goes to
 * `complain` with the path of the key ("sockett: unknown option; did you mean \"socket\"?"). NULL when any was reported. */
typedef void (*plugin_complain_fn)(void *context, const char *path, const char *text);
struct plugin_instance *plugin_instance_new(void *owner, const struct postern_plugin *p, const struct value *argument,
	plugin_complain_fn complain, void *context);
/* The same from text pairs "option=value" (the opener template gets instances so; secrets never travel). */
struct plugin_instance *plugin_instance_from_pairs(void *owner, const struct postern_plugin *p, const char *const *names,
	const char *const *values, size_t count, struct error *e);
/* Text pairs of an instance, secrets left out: NULL-terminated names and values (lists repeat the name). */
size_t plugin_instance_pairs(const struct plugin_instance *i, void *owner, const char ***names, const char ***values);

/* What the instance's POSTERN_PROGRAM options name and is not to be found, with where it was looked for: `no program "a" or "b" in
 * /usr/bin:/bin` on owner; NULL: all there. path: the setting, NULL: the usual folders. Any process; reads the file system. */
const char *plugin_instance_missing(const struct plugin_instance *i, const char *path, void *owner);

/* check, load, start. An instance whose start failed answers every call with TEMPFAIL and that reason. */
int plugin_instance_check(struct plugin_instance *i, struct error *e);
int plugin_instance_load(struct plugin_instance *i, struct error *e);
/* Load once more beside what is there: *fresh (to be given to plugin_instance_accept() or talloc_free'd) is what load() has read now. */
int plugin_instance_load_beside(struct plugin_instance *i, struct plugin_table **fresh, struct error *e);
void plugin_instance_accept(struct plugin_instance *i, struct plugin_table *fresh);
int plugin_instance_start(struct plugin_instance *i, struct error *e);
void plugin_instance_idle(struct plugin_instance *i);
void plugin_instance_stop(struct plugin_instance *i);
bool plugin_instance_changed(struct plugin_instance *i);

/* What load() has handed to the host: the files as they were, and the lines of a table.  Strings live as long as this. */
struct plugin_table {
	struct plugin_file { const char *path; struct file_stamp stamp; } *files;
	size_t file_count;
	struct postern_table_line *lines;
	size_t line_count, line_room;
	GPtrArray *left_out;		/* char *: "file:line: why" */
	GStringChunk *texts;
};
void plugin_table_leave_out(struct plugin_table *t, unsigned line, const char *format, ...) __attribute__((format(printf, 3, 4)));
const char *plugin_table_file(const struct plugin_table *t);	/* the one its lines are of; "" where there is none */
/* mdoc list of options for the plugin's man page. */
void plugin_print_options(FILE *to, const struct postern_plugin *p);

#endif
