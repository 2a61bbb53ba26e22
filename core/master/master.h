/* master.h - the one process that outlives every configuration: listeners, generations, the control socket.
 *
 * It never runs Lua, loads a plugin or parses mail; what it knows of the configuration comes in records. */
#ifndef POSTERN_MASTER_MASTER_H
#define POSTERN_MASTER_MASTER_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "template/role.h"
#include "wire/records.h"
#include "wire/shared.h"

struct master;
struct generation;

/* --- children (child.c) --- */
struct child {
	enum role role;
	struct generation *generation;
	pid_t pid;			/* 0: not running */
	int fd;				/* SEQPACKET, -1: closed */
	bool ready;
	int64_t started_ms;
};
struct child_fd { int from, to; };	/* descriptor here, number there */
/* Execute this program again as a role. 0 or -1; c->pid, c->fd set. fds: besides ROLE_FD_MASTER. */
int child_start(struct master *m, struct child *c, enum role role, struct generation *g, const struct child_fd *fds, unsigned fd_count);
void child_close(struct child *c);	/* our end of its channel */

/* --- listeners (listeners.c) --- */
struct listeners;
struct listeners *listeners_new(void);
/* Open what is in `texts` and not open yet (or handed over by systemd); close what no generation alive names any more.
 * -1: `problem` says which and why; nothing is closed then. */
int listeners_apply(struct listeners *l, const char *const *texts, int backlog, int unix_mode, uid_t owner, char **problem);
int listeners_fd(const struct listeners *l, const char *text);	/* -1: none */
void listeners_retain(struct listeners *l, const char *const *texts);	/* close the others */
void listeners_close(struct listeners *l);	/* unlinks unix sockets too */

/* --- generations (generation.c) --- */
enum generation_state { GENERATION_LOADING, GENERATION_OPENING /* reception starts */, GENERATION_ACTIVE, GENERATION_DRAINING };
struct generation {
	unsigned number;
	enum generation_state state;
	struct child worker_template, opener_template, next_opener_template, reception;
	int tokens[2], openers[2], life[2];	/* 0: receive/read, 1: send/write */
	void *memory;				/* talloc: the records below */
	struct settings_record for_master, for_reception, for_opener;
	GString *problems;
	int64_t started_ms, drained_since_ms, reception_again_ms;
	unsigned reception_deaths;		/* in a row, soon after start */
	bool told_to_leave;
};
struct generation *generation_start(struct master *m);
void generation_drain(struct master *m, struct generation *g);
void generation_kill(struct master *m, struct generation *g);	/* hard: SIGKILL to its own children */
void generation_child_ended(struct master *m, struct child *c, int status);
void generation_child_speaks(struct master *m, struct child *c);
void generation_tick(struct master *m, struct generation *g);	/* restarts that were put off */
bool generation_gone(const struct master *m, const struct generation *g);	/* with its last worker */
void generation_free(struct generation *g);
const char *generation_state_name(enum generation_state s);

/* --- folders (folders.c) --- */
uid_t master_user(const struct generation *g);			/* uid the roles become; our own when not root */
int master_prepare_folders(struct master *m, struct generation *g, char **problem);
void master_sweep_work_area(const struct master *m);		/* what openers have left there; when all are gone */

/* --- control (control.c, status.c) --- */
int control_listen(struct master *m, const char *path);
void control_accept(struct master *m);
void control_speak(struct master *m, int fd);
void control_answer_reloads(struct master *m, bool good, const char *text);
char *status_text(struct master *m, bool json);	/* g_free */
void notify_systemd(const char *state);

/* --- the master itself (master.c) --- */
struct master {
	const struct role_options *options;
	const char *program;			/* what to execute */
	struct shared *shared;
	int shared_fd, signal_fd, control_fd, ledger_fd;
	char *control_path;
	struct listeners *listeners;
	GPtrArray *generations;			/* oldest first; two at most */
	unsigned last_number;
	GArray *control_connections;		/* int */
	GArray *waiting_reloads;		/* int: control connections that asked for a reload */
	GArray *waiting_stop;			/* int */
	bool reload_wanted, stopping, settled_once;
	int64_t reload_not_before_ms;
	int64_t started_wall_us;
	char *temp_base;			/* swept when all have left */
	uid_t user;				/* whom it belongs to */
	int exit_code, start_pipe;		/* start_pipe: tell the waiting parent; -1 */
};
int master_run(const struct role_options *o, int start_pipe);
void master_generation_active(struct master *m, struct generation *g);
void master_generation_failed(struct master *m, struct generation *g);
struct generation *master_active(const struct master *m);	/* the one that accepts; NULL */
void master_want_reload(struct master *m);
void master_stop(struct master *m);

#endif
