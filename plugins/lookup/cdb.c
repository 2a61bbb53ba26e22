/* cdb.c - constant databases of keys and values, as cdb(5) and "postmap cdb:" make them.
 *
 * The file is copied to memory that all workers share: one that is overwritten
 * in place, which its tools never do, cannot pull the ground from under them. */
#include <postern/plugin.h>

#include <cdb.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define VALUE_BYTES_MAX (64 * 1024)

struct options { const char *file; };

static const struct postern_option options[] = {
	{ .name = "file", .type = POSTERN_FILE, .offset = offsetof(struct options, file), .flags = POSTERN_REQUIRED | POSTERN_POSITIONAL,
	  .doc = "The database." },
	{ .name = NULL }
};

struct state { struct cdb db; int fd; };

/* A copy that nobody can change any more; -1. */
static int copy_of(int fd)
{
	struct stat st;
	int copy = memfd_create("postern-cdb", MFD_CLOEXEC);
	if (copy < 0 || fstat(fd, &st) != 0)
		goto failed;
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(copy, fd, NULL, (size_t)left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENODATA;	/* it shrank meanwhile */
		if (n <= 0)
			goto failed;
		left -= n;
	}
	return copy;
failed:
	if (copy >= 0)
		close(copy);
	return -1;
}

static struct state *open_copy(int fd)
{
	struct state *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->fd = copy_of(fd);
	if (s->fd >= 0 && cdb_init(&s->db, s->fd) == 0)
		return s;
	if (s->fd >= 0)
		close(s->fd);
	free(s);
	return NULL;
}

static void close_copy(struct state *s)
{
	if (!s)
		return;
	cdb_free(&s->db);
	close(s->fd);
	free(s);
}

static enum postern_result load(struct postern_instance *i, struct postern_error *e)
{
	const struct options *o = postern_options(i);
	int fd = postern_watch_file(i, o->file, e);
	if (fd < 0)
		return POSTERN_BROKEN;
	struct state *fresh = open_copy(fd);
	int why = errno;
	close(fd);
	if (!fresh)
		return postern_complain(e, POSTERN_BROKEN, "%s: %s", o->file, why == EPROTO ? "not a constant database, or damaged" : strerror(why));
	close_copy(*postern_state(i));
	*postern_state(i) = fresh;
	return POSTERN_OK;
}

static void stop(struct postern_instance *i)
{
	close_copy(*postern_state(i));
	*postern_state(i) = NULL;
}

static enum postern_result answer(struct postern_call *c, struct cdb *db, const char *key)
{
	unsigned n = cdb_datalen(db);
	if (n > VALUE_BYTES_MAX)
		return postern_fail(c, POSTERN_BROKEN, "the value of \"%s\" is longer than %d bytes", key, VALUE_BYTES_MAX);
	char *value = postern_alloc(c, n + 1);
	if (cdb_read(db, value, n, cdb_datapos(db)) != 0)
		return postern_fail(c, POSTERN_BROKEN, "the database is damaged at \"%s\"", key);
	postern_lookup_answer(c, key, value);
	return POSTERN_OK;
}

/* Some tools count the NUL as part of a key, some do not. */
static enum postern_result look_up(struct postern_call *c, const char *const *keys, size_t count)
{
	struct state *s = *postern_state(postern_call_instance(c));
	for (size_t k = 0; k < count; k++) {
		size_t n = strlen(keys[k]);
		int found = cdb_find(&s->db, keys[k], (unsigned)n);
		if (found == 0)
			found = cdb_find(&s->db, keys[k], (unsigned)n + 1);
		if (found < 0)
			return postern_fail(c, POSTERN_BROKEN, "the database is damaged");
		if (found > 0)
			return answer(c, &s->db, keys[k]);
	}
	return POSTERN_NOTHING;
}

static const struct postern_lookup_ops lookup = { .size = sizeof lookup, .lookup = look_up };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "cdb", .version = "1", .doc = "constant databases of keys and values",
	.roles = POSTERN_LOOKUP, .options = options, .options_size = sizeof(struct options), .load = load, .stop = stop, .lookup = &lookup,
};
