/* inside.h - what the files of this room share and nobody else sees: the objects behind plugin.h's opaque names. */
#ifndef POSTERN_PLUGIN_INSIDE_H
#define POSTERN_PLUGIN_INSIDE_H

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>

#include "base/deadline.h"
#include "base/error.h"
#include "plugin/call.h"
#include "plugin/host.h"

#define INSTANCE_MAGIC 0x494e5354u
#define CALL_MAGIC 0x43414c4cu
#define NAME_BYTES_MAX 255		/* of malware, as reported */
#define FOUND_MAX 1000			/* findings of one call; what comes after is dropped */
#define OUTPUT_BYTES_MAX (16 * 1024)	/* of a scanner's own words that are kept */

struct postern_error {
	char text[800];
};

struct postern_part {
	unsigned number;		/* 0: the whole mail */
	int64_t size_bytes;
	int fd;				/* whole mail only, else -1 */
	bool damaged;			/* the opener named a part that is no regular file */
	const char *mime_type, *type, *full_type, *name, *placement;
	const char **names;
	size_t name_count;
};

struct postern_mail {
	const char *log_id, *sender;
	const char **recipients;
	size_t recipient_count;
	int64_t size_bytes;
	int fd;
	int dir_fd;
	const char *folder;
	struct postern_part *parts;
	size_t part_count, part_size;
	bool whole_in_folder;		/* the whole mail was copied to p000 for plugins that want paths */
};

/* A copy of its own with descriptors of its own: a thread that was left behind may go on reading it. */
struct plugin_view {
	struct postern_mail mail;
	_Atomic unsigned references;
};
void view_ref(struct plugin_view *v);
void view_unref(struct plugin_view *v);
/* A scanner that is given nothing has nothing to find: without parts the whole mail is one. */
void view_never_empty(struct plugin_view *v);
/* Put the whole mail into the folder where a plugin wants paths. 0 or -1. */
int view_give_paths(struct plugin_view *v, struct error *e);

struct postern_conn {
	struct postern_conn *next;
	int fd;
	bool is_local;
	char endpoint[320];
	size_t buffered, consumed;
	char buffer[8192];
};

struct call_fd { struct call_fd *next; int fd; };
struct call_map { struct call_map *next; void *data; size_t n; };
struct call_answer { const char *key, *value; };

struct postern_call {
	uint32_t magic;
	struct plugin_instance *instance;
	struct deadline deadline;
	void *arena;				/* a talloc root: the call may run on a thread of its own */
	void *scratch;				/* what the plugin asks for: the arena, or within it what goes with the part in hand */
	struct plugin_view *view;
	const char *error;
	const char *version;			/* set anew by this call */
	const char *output;
	struct plugin_found *found;
	unsigned found_count;
	struct plugin_score *scores;
	unsigned score_count;
	int64_t connect_failed_ms;		/* time lost in connections since the last that came about */
	bool connect_refused;			/* the last try of one ended at once */
	bool refused;				/* nobody was asked: the breaker did not let it, or there was nothing to ask about */
	const char *program;			/* run last, or NULL */
	char endpoint[320];			/* talked to last, or "" */
	bool passed_fd;
	uint64_t sent_bytes;
	unsigned connects;			/* that came about, and the time they took */
	uint64_t connect_us;
	pthread_mutex_t conns_lock;		/* the list only: another thread may shut what is in it */
	struct postern_conn *conns;
	struct call_fd *fds;
	struct call_map *maps;
	const struct plugin_decode_sink *sink;
	plugin_row_fn row;
	void *row_context;
	const struct plugin_record_sink *records;
	int64_t affected_rows, insert_id;
	struct call_answer answer;
	struct plugin_delivered *delivered;
};

/* What call.c hangs on an instance (call_state). */
struct instance_calls {
	_Atomic bool busy;			/* in a call; for ever when its thread was left behind */
	const char *unusable;			/* start() failed: why */
	char kept_endpoint[320];
	unsigned leaks;				/* calls that left descriptors open */
	struct shared_instance *slot;
};
struct instance_calls *instance_calls(struct plugin_instance *i);

struct postern_call *call_begin(struct plugin_instance *i, struct plugin_view *v, struct deadline d);
void call_end(struct postern_call *c);		/* closes what is open, frees the arena */
/* Blame: "clamd/2: connect /run/clamd.ctl: Permission denied", on owner. */
const char *call_blame(const struct postern_call *c, enum postern_result result, void *owner);
void call_shut(struct postern_call *c);		/* from another thread: shut its sockets */
/* Copy what the call found out to owner. */
void call_report(const struct postern_call *c, enum postern_result result, void *owner, struct plugin_outcome *out);
/* Into the counters of the instance, and its health. */
void call_account(const struct postern_call *c, enum postern_result result, unsigned found, uint32_t elapsed_us);
/* NULL, or why the instance cannot be called now (text on owner). On NULL it is this caller's until call_release(). */
const char *call_claim(struct plugin_instance *i, void *owner);
void call_release(struct plugin_instance *i);
/* The scan itself, on any thread: begin, parts, end, or the one call. */
enum postern_result scan_view(struct postern_call *c, bool stop_at_first);
/* A whole call on this thread. Leaks are not looked for: other threads may be opening descriptors meanwhile. */
void scan_here(struct plugin_instance *i, struct plugin_view *v, struct deadline d, bool stop_at_first, void *owner, struct plugin_outcome *out);
/* Fill an outcome without a call. */
void outcome_fail(struct plugin_outcome *out, enum postern_result result, const char *error, void *owner);

void account_setup(struct shared *shared);
struct shared *account_memory(void);				/* may be NULL */
struct shared_instance *account_slot(struct plugin_instance *i);	/* NULL: not counted */
uint32_t elapsed_since_us(int64_t began_us);			/* by clock_wall_us(); 0 where that was set meanwhile */
void account_call(const struct postern_call *c, enum postern_result result, unsigned found, uint32_t elapsed_us);

/* plugin/say.c */
enum postern_result call_fail_v(struct postern_call *c, enum postern_result result, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

/* plugin/breaker.c: may this call ask now? POSTERN_OK, or TEMPFAIL with the reason; it may itself ask a question without content. */
enum postern_result breaker_admit(struct postern_call *c);
bool breaker_is_closed(struct plugin_instance *i);	/* else what is not a mail has no business trying */
void breaker_suspect(struct plugin_instance *i);	/* it did not answer a question that was no mail's */
void breaker_note(const struct postern_call *c, enum postern_result result);
/* plugin/question.c: OK: it is there; NOTHING: that does not tell; else it does not answer, and the call's failure text says why. */
enum postern_result question_ask(struct postern_call *c);
bool question_settles(const struct plugin_instance *i);	/* the plugin has one of its own */
int question_time_ms(const struct postern_call *c);	/* what it may take; 0: there is no time for it */

/* plugin/blame.c: this thread begins and ends to ask the instance. */
void blame_enter(struct plugin_instance *i);
void blame_leave(struct plugin_instance *i);
/* The lowest free descriptors before a call of these instances, and whether they are free again behind it. */
#define LEAK_WATCHED 8
struct leak_watch { int fds[LEAK_WATCHED]; };
void leaks_begin(struct leak_watch *w);
void leaks_end(const struct leak_watch *w, struct plugin_instance *const *instances, size_t count);
bool leaks_need_one_by_one(void);	/* one of several leaks: to learn which, they are asked one after another */

const char *run_program_path(void);
void run_setup(const char *program_path);

bool files_changed(const struct plugin_table *t);	/* plugin/tables.c; t may be NULL */

/* plugin/regex.c */
struct postern_regex *regex_compile(void *owner, const char *pattern, struct error *e);
const char *regex_source(const struct postern_regex *r);
/* One that met its limits since regex_begin(), on this thread: that it did not match says nothing. */
void regex_begin(void);
bool regex_gave_up(void);

/* plugin/abi.c: the plugin as this host reads it (a full struct on owner), or NULL and e naming both numbers and the file. */
const struct postern_plugin *abi_accept(void *owner, const struct postern_plugin *raw, const char *name, const char *file, struct error *e);
/* plugin/trust.c: the file and its folder may only be written by root or the user who started the host; it is a whole ELF file. */
int trust_file(const char *absolute_file, uid_t started_by, gid_t started_by_group, struct error *e);
int trust_elf(const char *absolute_file, struct error *e);

struct plugin_export { const char *name; void (*function)(void); };
extern const struct plugin_export plugin_exports[];
extern const size_t plugin_export_count;

static inline struct plugin_instance *to_instance(const struct postern_instance *i)
{
	return (struct plugin_instance *)(uintptr_t)i;
}
static inline struct postern_instance *from_instance(struct plugin_instance *i)
{
	return (struct postern_instance *)i;
}

#endif
