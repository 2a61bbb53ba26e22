/* program.c - decoders that are programs: asks the worker for one, watches what it makes, makes children of that.
 *
 * This process can start nothing.  What the program made was made by hostile
 * content: no link is followed, only regular files with one name are read, and
 * their names are texts.  All of it goes before the next program comes. */
#include "config.h"

#include "opener/decode.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#define DEPTH_MAX 64			/* folders within each other */
#define BLOCK_BYTES (64 * 1024)
#define SAID_MAX_BYTES (64 * 1024)	/* of its words, the last ones */
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define FILE_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static DIR *open_folder(int at_fd, const char *name)
{
	int fd = openat(at_fd, name, DIR_FLAGS);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	if (!d && fd >= 0)
		close(fd);
	return d;
}

/* --- while it runs: it may not make more than the mail has left --- */

struct use { uint64_t files, entries, bytes, files_max, bytes_max; };

static bool is_within(const struct use *u)
{
	return u->files <= u->files_max && u->bytes <= u->bytes_max && u->entries <= 2 * (uint64_t)WIRE_PARTS_MAX;
}

static void measure(int at_fd, const char *name, unsigned depth, struct use *u)
{
	DIR *d = open_folder(at_fd, name);
	struct stat st;
	for (struct dirent *e = d ? readdir(d) : NULL; e && is_within(u); e = readdir(d)) {
		if (is_dots(e->d_name) || fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		u->entries++;
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
			measure(dirfd(d), e->d_name, depth + 1, u);
		} else if (S_ISREG(st.st_mode)) {
			u->files++;
			u->bytes += (uint64_t)st.st_size;
		}
	}
	if (d)
		closedir(d);
}

static bool watch(void *context)
{
	struct walk *w = context;
	struct use u = {
		.files_max = budget_parts_left(&w->budget) + 2,	/* its words, its content */
		.bytes_max = budget_bytes_left(&w->budget),
	};
	measure(w->job->dir_fd, WIRE_UNPACK_FOLDER "/out", 0, &u);
	return is_within(&u) && member_may_go_on(w);
}

/* --- running it --- */

void program_clear(struct walk *w)
{
	int fd = openat(w->job->dir_fd, WIRE_UNPACK_FOLDER, DIR_FLAGS);
	if (fd < 0)
		return;
	bool emptied = scratch_empty(fd) == 0;
	close(fd);
	if (!emptied || unlinkat(w->job->dir_fd, WIRE_UNPACK_FOLDER, AT_REMOVEDIR) != 0)
		walk_broken(w, errno, "remove what a program made: %s", g_strerror(errno));
}

static void read_said(struct walk *w, void *owner, struct postern_unpacked *out)
{
	struct stat st;
	int fd = openat(w->job->dir_fd, WIRE_UNPACK_FOLDER "/out/said", FILE_FLAGS);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		off_t from = st.st_size > SAID_MAX_BYTES ? st.st_size - SAID_MAX_BYTES : 0;
		char *text = talloc_zero_size(owner, SAID_MAX_BYTES + 1);
		ssize_t n = pread(fd, text, SAID_MAX_BYTES, from);
		for (ssize_t i = 0; i < n; i++)
			text[i] = text[i] ? text[i] : '?';
		out->said = text;
		out->said_size = n > 0 ? (size_t)n : 0;
	}
	if (fd >= 0)
		close(fd);
}

static enum postern_result conclude(const struct unpacked_record *u, void *owner, struct postern_unpacked *out, const char **error)
{
	out->exit_code = u->signal ? -1 : (int)(u->exit_code & 0xff);
	out->signal = (int)(u->signal & 0x7f);
	out->stopped = u->outcome == UNPACKED_STOPPED;
	*error = u->error ? talloc_strdup(owner, u->error) : NULL;
	if (u->outcome == UNPACKED_NOT_STARTED)
		return POSTERN_BROKEN;
	return u->outcome == UNPACKED_ENVIRONMENT ? POSTERN_TEMPFAIL : POSTERN_OK;
}

enum postern_result program_run(void *context, unsigned part, const char *password, void *owner, struct postern_unpacked *out, const char **error)
{
	struct walk *w = context;
	const struct opener_job *j = w->job;
	struct unpack_record order = { .decoder = w->decoding->number, .part = part, .password = password };
	struct unpacked_record u = { 0 };
	if (!j->run_program) {
		*error = "programs are not started from here";
		return POSTERN_BROKEN;
	}
	program_clear(w);
	if (!member_may_go_on(w)) {
		out->stopped = true;
		return POSTERN_OK;
	}
	if (j->run_program(j->program_context, &order, watch, w, owner, &u) != 0) {
		walk_broken(w, EPIPE, "the worker has gone");
		return POSTERN_TEMPFAIL;
	}
	w->decoding->unpacked = true;
	budget_charge_cpu(&w->budget, u.cpu_us);
	read_said(w, owner, out);
	return conclude(&u, owner, out, error);
}

/* --- what it made --- */

static bool copy_content(struct walk *w, int fd)
{
	struct plugin_decode_sink sink = member_sink(w);
	uint8_t *block = g_malloc(BLOCK_BYTES);
	bool good = true;
	ssize_t n = 0;
	while (good && (n = read(fd, block, BLOCK_BYTES)) > 0)
		good = sink.write(w, block, (size_t)n);
	g_free(block);
	if (n < 0)
		sink.attribute(w, true, 'U');
	return good;
}

bool program_content(void *context)
{
	struct walk *w = context;
	struct stat st;
	int fd = openat(w->job->dir_fd, WIRE_UNPACK_FOLDER "/out/content", FILE_FLAGS);
	bool good = true;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		good = copy_content(w, fd);
	else
		member_sink(w).attribute(w, true, 'U');
	if (fd >= 0)
		close(fd);
	return good;
}

/* A child for what cannot be read: a link, a device, a file that lies elsewhere, too. */
static bool take_oddity(struct walk *w, const char *path, const struct stat *st)
{
	struct plugin_decode_sink sink = member_sink(w);
	if (!sink.begin(w, path))
		return false;
	sink.attribute(w, true, S_ISLNK(st->st_mode) ? 'L' : S_ISREG(st->st_mode) || S_ISDIR(st->st_mode) ? 'U' : 'S');
	return sink.end(w);
}

static bool take_file(struct walk *w, int fd, const char *path)
{
	struct plugin_decode_sink sink = member_sink(w);
	return sink.begin(w, path) && copy_content(w, fd) && sink.end(w);
}

static int by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The order of a folder is nobody's; that of its names is always the same. */
static GPtrArray *sorted_names(DIR *d)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	for (struct dirent *e = readdir(d); e && names->len < 2u * WIRE_PARTS_MAX; e = readdir(d))
		if (!is_dots(e->d_name))
			g_ptr_array_add(names, g_strdup(e->d_name));
	g_ptr_array_sort(names, by_name);
	return names;
}

static bool take_folder(struct walk *w, DIR *d, const char *path, unsigned depth, size_t *count);

static bool take_entry(struct walk *w, int dir_fd, const char *name, const char *path, unsigned depth, size_t *count)
{
	struct stat st = { 0 };
	int fd = fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) ? openat(dir_fd, name, FILE_FLAGS) : -1;
	DIR *below = S_ISDIR(st.st_mode) && depth < DEPTH_MAX ? open_folder(dir_fd, name) : NULL;
	bool good;
	if (below)
		return take_folder(w, below, path, depth + 1, count);
	++*count;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1) {
		unlinkat(dir_fd, name, 0);	/* so that nothing is there twice for longer than it takes */
		good = take_file(w, fd, path);
	} else {
		good = take_oddity(w, path, &st);
	}
	if (fd >= 0)
		close(fd);
	return good;
}

/* Closes d. */
static bool take_folder(struct walk *w, DIR *d, const char *path, unsigned depth, size_t *count)
{
	GPtrArray *names = sorted_names(d);
	bool good = true;
	for (guint i = 0; i < names->len && good; i++) {
		const char *name = g_ptr_array_index(names, i);
		char *full = *path ? g_strconcat(path, "/", name, NULL) : g_strdup(name);
		good = take_entry(w, dirfd(d), name, full, depth, count);
		g_free(full);
	}
	g_ptr_array_free(names, TRUE);
	closedir(d);
	return good;
}

bool program_files(void *context, size_t *count)
{
	struct walk *w = context;
	DIR *d = open_folder(w->job->dir_fd, WIRE_UNPACK_FOLDER "/out/files");
	return !d || take_folder(w, d, "", 0, count);
}
