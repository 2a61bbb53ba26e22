/* call.h - one call of one instance: its deadline, arena, accounting and blame; and the mail as plugins see it. */
#ifndef POSTERN_PLUGIN_CALL_H
#define POSTERN_PLUGIN_CALL_H

#include "base/deadline.h"
#include "mail/edit.h"
#include "mail/mail.h"
#include "plugin/host.h"
#include "wire/shared.h"

/* Where calls are accounted (may be NULL) and where programs are looked up (setting `path`). Once per process. */
void plugin_call_setup(struct shared *shared, const char *program_path);
/* Why the last helper that the call used failed, NULL: none has. Memory of the call. */
const char *plugin_call_error(const struct postern_call *c);

/* The view of a mail that scanners get: the parts with files (leaves; containers too where kept), or the mail itself.
 * `mail` may be NULL in the opener. The view keeps copies and descriptors of its own. Without any part the whole mail is scanned.
 * parts_dir_fd: the opener's scratch folder; parts_folder: its absolute path (POSTERN_CAP_PATH). */
struct plugin_view;
struct plugin_view *plugin_view_new(void *owner, const struct mail *mail, int parts_dir_fd, const char *parts_folder);
/* Add a part to what scanners get: `part` is borrowed. part->number 0 with fd >= 0: the whole mail as a part; fd stays the caller's. */
void plugin_view_add_part(struct plugin_view *v, const struct part *part, int fd);

struct plugin_found { const char *name; uint32_t part; };
/* The result is the worst of all parts: TEMPFAIL, BROKEN, LIMIT, NOTHING, OK. A scanner that found something has answered, whatever the
 * result: what it has found stands, and NOTHING of other parts is OK then. Only OK without findings is clean. */
struct plugin_outcome {
	enum postern_result result;	/* of the whole call: a scanner may have found something and failed behind it */
	const char *error;		/* why not OK, with the instance's name in front; else NULL */
	const char *version, *output;
	const char *way;		/* how it went: "program /usr/bin/x", "/run/x.sock, descriptor passed" */
	struct plugin_found *found;
	unsigned found_count;
	uint32_t elapsed_us;
};
/* Ask one scanner about the whole view, on the calling thread. Everything in *out hangs on owner. */
void plugin_scan(struct plugin_instance *i, struct plugin_view *v, struct deadline d, bool stop_at_first, void *owner, struct plugin_outcome *out);
/* Ask several side by side, each on a thread of its own (the calling thread when there is one). At the deadline their
 * descriptors are shut; a thread that stays is left behind and reported TEMPFAIL. cancel: d.cancel_fd. */
void plugin_scan_all(struct plugin_instance *const *instances, size_t count, struct plugin_view *v, struct deadline d, bool stop_at_first,
	void *owner, struct plugin_outcome *outcomes);
/* Count what a scanner answered in the opener, which has no shared memory: called by the worker that hears of it. */
void plugin_account(const struct plugin_instance *i, const struct plugin_outcome *out);
/* A thread was left behind: this worker should leave after the mail. */
bool plugin_threads_left(void);
/* An instance leaves descriptors open, as the log says: this process should not go on for long. */
bool plugin_leaks_found(void);
/* In a worker: from now on its slot tells whom it asks. By who has reaped it: the names of those it was asking when it died,
 * "clamd, words" on owner, each counted; NULL: nobody. */
void plugin_blame_setup(struct shared_worker *slot);
const char *plugin_blame_dead(struct shared *shared, struct shared_worker *slot, void *owner);
/* VERSION/PING: result and version text. */
void plugin_version(struct plugin_instance *i, struct deadline d, void *owner, struct plugin_outcome *out);

/* The other roles: one call on the calling thread each; *out hangs on owner. */
struct plugin_decode_sink {		/* the opener's: what postern_child_* reach */
	bool (*begin)(void *context, const char *name);		/* this and the other bools: false: over a limit, stop */
	void (*name)(void *context, const char *name);
	void (*mime_type)(void *context, const char *type);
	void (*attribute)(void *context, bool of_child, char letter);
	bool (*write)(void *context, const void *data, size_t n);
	bool (*end)(void *context);
	bool (*may_go_on)(void *context);
	void (*keep)(void *context);
	const char *(*password)(void *context, size_t i);
	/* Programs. On owner; the text of what went wrong in *error. */
	enum postern_result (*unpack)(void *context, unsigned part, const char *password, void *owner, struct postern_unpacked *out, const char **error);
	bool (*unpacked_files)(void *context, size_t *count);
	bool (*unpacked_content)(void *context);
	void *context;
};
void plugin_decode(struct plugin_instance *i, struct plugin_view *v, size_t part_index, const struct plugin_decode_sink *sink,
	struct deadline d, void *owner, struct plugin_outcome *out);
/* Types that an instance takes, "zip|jar"; "" for none. */
const char *plugin_decoder_types(const struct plugin_instance *i);
/* What a decoder by program wants to be started, asked in the worker; everything in *program hangs on owner, argv[0] is absolute,
 * and out->error has no name in front. */
void plugin_program(struct plugin_instance *i, const char *password, void *owner, struct postern_program *program, struct plugin_outcome *out);
struct plugin_score { const char *test; double points; };
void plugin_score(struct plugin_instance *i, struct plugin_view *v, struct deadline d, void *owner,
	struct plugin_outcome *out, struct plugin_score **scores, unsigned *count);
struct plugin_answer { enum postern_result result; const char *error, *key, *value; };	/* NOTHING: no such key */
void plugin_lookup(struct plugin_instance *i, const char *const *keys, size_t count, struct deadline d, void *owner,
	struct plugin_answer *out);
typedef void (*plugin_row_fn)(void *context, const char *const *names, const char *const *values, size_t count);
/* Every record of the keys (postern_lookup_ops.rows); the strings handed to `row` are the plugin's. NOTHING: none. */
void plugin_rows(struct plugin_instance *i, const char *const *keys, size_t count, plugin_row_fn row, void *row_context,
	struct deadline d, void *owner, struct plugin_outcome *out);
/* Can it be asked, and is what it will be asked for there? out->output tells people. Only where the plugin has the op. */
void plugin_probe(struct plugin_instance *i, struct deadline d, void *owner, struct plugin_outcome *out);
/* Databases (plugin/database.c).  The sink may be NULL: rows are not wanted.  A database that answers nobody is asked once per
 * probe_interval only (the breaker), and is TEMPFAIL at once in between. */
struct plugin_record_sink {
	void (*columns)(void *context, const char *const *names, size_t count);
	bool (*record)(void *context, const char *const *values, const size_t *sizes, size_t count);	/* false: no more */
	void *context;
};
struct plugin_executed {
	enum postern_result result;
	const char *error;		/* with the instance's name in front, NULL when OK */
	int64_t affected_rows, insert_id;
	uint32_t elapsed_us;
};
void plugin_execute(struct plugin_instance *i, const char *statement, const struct postern_parameter *parameters, size_t count,
	const struct plugin_record_sink *sink, struct deadline d, void *owner, struct plugin_executed *out);
void plugin_ping(struct plugin_instance *i, struct deadline d, void *owner, struct plugin_executed *out);
void plugin_report(struct plugin_instance *i, struct plugin_view *v, const char *json, struct deadline d, void *owner,
	struct plugin_outcome *out);

struct plugin_delivery_order {
	const struct mail *mail;
	const char *method;		/* "local:virus-%m" */
	const char *target;		/* "virus-quarantine" */
	const char *sender;
	const char *const *recipients;	/* NULL-terminated */
	const struct edit_list *edits;
	const char *(*setting)(void *context, const char *name);	/* text of a setting, NULL: undef */
	void *setting_context;
};
struct plugin_delivered { enum postern_result result; const char *error, *reply, *location; char type; };
void plugin_deliver(struct plugin_instance *i, const struct plugin_delivery_order *order, struct deadline d, void *owner,
	struct plugin_delivered *out);

#endif
