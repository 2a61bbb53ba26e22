/* lmdb.c - LMDB databases of keys and values, as "postmap lmdb:" and others make them.
 *
 * Opened by each worker for itself: an environment does not survive a fork.  What
 * others write is seen by the next lookup; a file put in another's place is opened
 * anew.  Where there is a lock file the library's own table of readers is used, else
 * the file is locked as Postfix does it. */
#include <postern/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define VALUE_BYTES_MAX (64 * 1024)
#define LOCK_PAUSE_NS (5 * 1000 * 1000)

struct options { const char *file, *database; };

static const struct postern_option options[] = {
	{ .name = "file", .type = POSTERN_FILE, .offset = offsetof(struct options, file), .flags = POSTERN_REQUIRED | POSTERN_POSITIONAL,
	  .doc = "The database: a file, or a folder with data.mdb in it." },
	{ .name = "database", .type = POSTERN_STRING, .offset = offsetof(struct options, database),
	  .doc = "Name of the database within the file; default the unnamed one." },
	{ .name = NULL }
};

struct state {
	MDB_env *env;
	MDB_dbi dbi;
	struct stat opened;
	bool has_own_locks;
	int lock_fd;		/* where it has not */
};

/* Where data and locks lie. False: there is no such file. */
static bool locate(const char *path, char *data, char *lock, size_t room, struct stat *st)
{
	if (stat(path, st) != 0)
		return false;
	bool folder = S_ISDIR(st->st_mode);
	snprintf(data, room, folder ? "%s/data.mdb" : "%s", path);
	snprintf(lock, room, folder ? "%s/lock.mdb" : "%s-lock", path);
	return stat(data, st) == 0;
}

static void close_env(struct state *s)
{
	if (s->env)
		mdb_env_close(s->env);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	s->env = NULL;
	s->lock_fd = -1;
}

static int open_database(struct state *s, const char *name)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
	if (rc != 0)
		return rc;
	rc = mdb_dbi_open(txn, name, 0, &s->dbi);
	if (rc != 0)
		mdb_txn_abort(txn);
	else
		rc = mdb_txn_commit(txn);
	return rc;
}

/* NULL, or why not. */
static const char *open_env(struct state *s, const struct options *o)
{
	char data[4096], lock[4096];
	if (!locate(o->file, data, lock, sizeof data, &s->opened))
		return strerror(errno);
	if (s->opened.st_mode & S_IWOTH)
		return "writable by everyone: chmod o-w it";
	s->has_own_locks = access(lock, F_OK) == 0;
	if (s->has_own_locks && access(lock, R_OK | W_OK) != 0)
		return "its lock file cannot be written: who reads while others write must be able to";
	int rc = mdb_env_create(&s->env);
	if (rc != 0)
		return mdb_strerror(rc);
	mdb_env_set_maxdbs(s->env, 1);
	rc = mdb_env_open(s->env, data, MDB_RDONLY | MDB_NOSUBDIR | MDB_NOTLS | (s->has_own_locks ? 0 : MDB_NOLOCK), 0600);
	if (rc == 0 && s->has_own_locks)
		mdb_reader_check(s->env, NULL);
	if (rc == 0 && !s->has_own_locks && (s->lock_fd = open(data, O_RDONLY | O_CLOEXEC)) < 0)
		rc = errno;
	if (rc == 0)
		rc = open_database(s, o->database);
	if (rc != 0)
		close_env(s);
	return rc == 0 ? NULL : mdb_strerror(rc);
}

/* For checks: whether it can be opened; nothing of it stays open across the fork. */
static enum postern_result load(struct postern_instance *i, struct postern_error *e)
{
	const struct options *o = postern_options(i);
	struct state s = { .lock_fd = -1 };
	const char *why = open_env(&s, o);
	close_env(&s);
	return why ? postern_complain(e, POSTERN_BROKEN, "%s: %s", o->file, why) : POSTERN_OK;
}

/* What cannot be opened now may be there for the next mail. */
static enum postern_result start(struct postern_instance *i, struct postern_error *e)
{
	struct state *s = calloc(1, sizeof *s);
	if (!s)
		return postern_complain(e, POSTERN_TEMPFAIL, "out of memory");
	s->lock_fd = -1;
	*postern_state(i) = s;
	open_env(s, postern_options(i));
	return POSTERN_OK;
}

static void stop(struct postern_instance *i)
{
	struct state *s = *postern_state(i);
	if (s)
		close_env(s);
	free(s);
	*postern_state(i) = NULL;
}

/* Another file of that name, or none was open. */
static enum postern_result freshen(struct postern_call *c, struct state *s, const struct options *o)
{
	char data[4096], lock[4096];
	struct stat now;
	bool same = s->env && locate(o->file, data, lock, sizeof data, &now) && now.st_ino == s->opened.st_ino && now.st_dev == s->opened.st_dev;
	if (same)
		return POSTERN_OK;
	close_env(s);
	const char *why = open_env(s, o);
	return why ? postern_fail(c, POSTERN_TEMPFAIL, "%s: %s", o->file, why) : POSTERN_OK;
}

static enum postern_result lock(struct postern_call *c, const struct state *s)
{
	while (!s->has_own_locks && flock(s->lock_fd, LOCK_SH | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return postern_fail(c, POSTERN_TEMPFAIL, "lock: %s", strerror(errno));
		if (postern_time_left_ms(c) == 0)
			return postern_fail(c, POSTERN_TEMPFAIL, "the database is locked by who writes it: time over");
		nanosleep(&(struct timespec){ .tv_nsec = LOCK_PAUSE_NS }, NULL);
	}
	return POSTERN_OK;
}

static void unlock(const struct state *s)
{
	if (!s->has_own_locks)
		flock(s->lock_fd, LOCK_UN);
}

static int get(MDB_txn *txn, MDB_dbi dbi, const char *key, MDB_val *value)
{
	MDB_val k = { strlen(key), (void *)(uintptr_t)key };
	int rc = k.mv_size > 0 ? mdb_get(txn, dbi, &k, value) : MDB_NOTFOUND;
	k.mv_size++;	/* some tools count the NUL as part of a key */
	return rc == MDB_NOTFOUND ? mdb_get(txn, dbi, &k, value) : rc;
}

static enum postern_result ask(struct postern_call *c, MDB_txn *txn, MDB_dbi dbi, const char *const *keys, size_t count)
{
	for (size_t k = 0; k < count; k++) {
		MDB_val value;
		int rc = get(txn, dbi, keys[k], &value);
		if (rc == MDB_NOTFOUND || rc == MDB_BAD_VALSIZE)
			continue;	/* a key that is longer than any can be is in no database */
		if (rc != 0)
			return postern_fail(c, POSTERN_BROKEN, "%s", mdb_strerror(rc));
		if (value.mv_size > VALUE_BYTES_MAX)
			return postern_fail(c, POSTERN_BROKEN, "the value of \"%s\" is longer than %d bytes", keys[k], VALUE_BYTES_MAX);
		postern_lookup_answer(c, keys[k], postern_printf(c, "%.*s", (int)value.mv_size, (const char *)value.mv_data));
		return POSTERN_OK;
	}
	return POSTERN_NOTHING;
}

/* Another process may have made the file larger than the map. */
static int begin(struct state *s, MDB_txn **txn)
{
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, txn);
	if (rc == MDB_MAP_RESIZED && (rc = mdb_env_set_mapsize(s->env, 0)) == 0)
		rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, txn);
	return rc;
}

static enum postern_result look_up(struct postern_call *c, const char *const *keys, size_t count)
{
	struct postern_instance *i = postern_call_instance(c);
	struct state *s = *postern_state(i);
	MDB_txn *txn;
	enum postern_result r = freshen(c, s, postern_options(i));
	if (r == POSTERN_OK)
		r = lock(c, s);
	if (r != POSTERN_OK)
		return r;
	int rc = begin(s, &txn);
	if (rc == 0) {
		r = ask(c, txn, s->dbi, keys, count);
		mdb_txn_abort(txn);
	} else {
		r = postern_fail(c, POSTERN_TEMPFAIL, "%s", mdb_strerror(rc));
	}
	unlock(s);
	return r;
}

static const struct postern_lookup_ops lookup = { .size = sizeof lookup, .lookup = look_up };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "lmdb", .version = "1", .doc = "LMDB databases of keys and values", .roles = POSTERN_LOOKUP,
	.options = options, .options_size = sizeof(struct options), .load = load, .start = start, .stop = stop, .lookup = &lookup,
};
