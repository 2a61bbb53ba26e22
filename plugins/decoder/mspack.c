/* mspack.c - cabinets, CHM and COMPRESS.EXE's files by libmspack.
 *
 * libmspack asks for files by name: it gets the part for any name that it reads,
 * and the child under way for any that it writes.  No file is ever opened. */
#include <postern/plugin.h>

#include <mspack.h>
#include <stdlib.h>
#include <string.h>

/* One part in hand; libmspack hands its own first argument back, so the system is the first member. */
struct job {
	struct mspack_system system;
	struct postern_call *call;
	const struct postern_part *part;
	const uint8_t *data;
	size_t n;
	bool over;
	unsigned damaged;
	int error;			/* the first */
};

/* Our end of a struct mspack_file. */
struct handle {
	struct mspack_file file;
	struct job *job;
	bool writes;
	off_t at;
};

static struct handle *to_handle(struct mspack_file *file)
{
	return (struct handle *)(void *)file;
}

/* --- what libmspack calls --- */

static struct mspack_file *open_any(struct mspack_system *self, const char *name, int mode)
{
	struct handle *f = malloc(sizeof *f);
	(void)name;
	if (!f)
		return NULL;
	*f = (struct handle){ .job = (struct job *)(void *)self, .writes = mode != MSPACK_SYS_OPEN_READ };
	return &f->file;
}

static void close_any(struct mspack_file *file)
{
	free(file);
}

static int read_part(struct mspack_file *file, void *buffer, int bytes)
{
	struct handle *f = to_handle(file);
	struct job *j = f->job;
	if (f->writes || bytes < 0 || f->at < 0 || !postern_may_go_on(j->call)) {
		j->over |= !f->writes;
		return -1;
	}
	size_t left = (size_t)f->at < j->n ? j->n - (size_t)f->at : 0, n = (size_t)bytes < left ? (size_t)bytes : left;
	if (n > 0)
		memcpy(buffer, j->data + f->at, n);
	f->at += (off_t)n;
	return (int)n;
}

static int write_child(struct mspack_file *file, void *buffer, int bytes)
{
	struct handle *f = to_handle(file);
	if (!f->writes || bytes < 0)
		return -1;
	if (!postern_child_write(f->job->call, buffer, (size_t)bytes)) {
		f->job->over = true;
		return -1;
	}
	f->at += bytes;
	return bytes;
}

static int seek_any(struct mspack_file *file, off_t offset, int mode)
{
	struct handle *f = to_handle(file);
	off_t from = mode == MSPACK_SYS_SEEK_START ? 0 : mode == MSPACK_SYS_SEEK_CUR ? f->at : (off_t)f->job->n;
	off_t at;
	if (f->writes || __builtin_add_overflow(from, offset, &at) || at < 0)
		return -1;
	f->at = at;
	return 0;
}

static off_t tell_any(struct mspack_file *file)
{
	return to_handle(file)->at;
}

static void ignore_message(struct mspack_file *file, const char *format, ...)
{
	(void)file;
	(void)format;
}

static void *allocate(struct mspack_system *self, size_t n)
{
	(void)self;
	return malloc(n);
}

static void copy_bytes(void *from, void *to, size_t n)
{
	memcpy(to, from, n);
}

static const struct mspack_system our_system = {
	.open = open_any, .close = close_any, .read = read_part, .write = write_child, .seek = seek_any, .tell = tell_any,
	.message = ignore_message, .alloc = allocate, .free = free, .copy = copy_bytes,
};

/* --- children --- */

static void note(struct job *j, int error)
{
	if (error == MSPACK_ERR_OK)
		return;
	j->damaged++;
	if (j->error == MSPACK_ERR_OK)
		j->error = error;
}

/* false: over a limit. */
static bool end_child(struct job *j, int error)
{
	note(j, error);
	if (error != MSPACK_ERR_OK && !j->over)
		postern_child_attribute(j->call, 'U');
	j->over |= !postern_child_end(j->call);
	return !j->over;
}

static bool begin_child(struct job *j, const char *name)
{
	j->over |= !postern_child_begin(j->call, name);
	return !j->over;
}

static void open_cabinet(struct job *j)
{
	struct mscab_decompressor *d = mspack_create_cab_decompressor(&j->system);
	struct mscabd_cabinet *cabinet = d ? d->search(d, "part") : NULL;
	if (d && !cabinet)
		note(j, d->last_error(d) != MSPACK_ERR_OK ? d->last_error(d) : MSPACK_ERR_SIGNATURE);
	for (struct mscabd_cabinet *c = cabinet; c && !j->over; c = c->next)
		for (struct mscabd_file *f = c->files; f && !j->over; f = f->next)
			if (begin_child(j, f->filename))
				end_child(j, d->extract(d, f, "child"));
	if (cabinet)
		d->close(d, cabinet);
	if (d)
		mspack_destroy_cab_decompressor(d);
}

static void open_help(struct job *j)
{
	struct mschm_decompressor *d = mspack_create_chm_decompressor(&j->system);
	struct mschmd_header *help = d ? d->open(d, "part") : NULL;
	if (d && !help)
		note(j, d->last_error(d));
	for (struct mschmd_file *f = help ? help->files : NULL; f && !j->over; f = f->next)
		if (begin_child(j, f->filename))
			end_child(j, d->extract(d, f, "child"));
	if (help)
		d->close(d, help);
	if (d)
		mspack_destroy_chm_decompressor(d);
}

/* "SETUP.EX_": the last character was kept in the header. */
static const char *expanded_name(struct job *j, char missing)
{
	const char *name = postern_part_name(j->part);
	size_t n = name ? strlen(name) : 0;
	if (n == 0 || name[n - 1] != '_' || missing == '\0')
		return name;
	return postern_printf(j->call, "%.*s%c", (int)(n - 1), name, missing);
}

static void open_szdd(struct job *j)
{
	struct msszdd_decompressor *d = mspack_create_szdd_decompressor(&j->system);
	struct msszddd_header *h = d ? d->open(d, "part") : NULL;
	if (d && !h)
		note(j, d->last_error(d));
	if (h && begin_child(j, expanded_name(j, h->missing_char)))
		end_child(j, d->extract(d, h, "child"));
	if (h)
		d->close(d, h);
	if (d)
		mspack_destroy_szdd_decompressor(d);
}

static void open_kwaj(struct job *j)
{
	struct mskwaj_decompressor *d = mspack_create_kwaj_decompressor(&j->system);
	struct mskwajd_header *h = d ? d->open(d, "part") : NULL;
	if (d && !h)
		note(j, d->last_error(d));
	if (h && begin_child(j, h->filename ? h->filename : postern_part_name(j->part)))
		end_child(j, d->extract(d, h, "child"));
	if (h)
		d->close(d, h);
	if (d)
		mspack_destroy_kwaj_decompressor(d);
}

/* --- the plugin --- */

static const struct format {
	const char *type;
	void (*open)(struct job *j);
} formats[] = { { "cab", open_cabinet }, { "chm", open_help }, { "szdd", open_szdd }, { "kwaj", open_kwaj } };

static enum postern_result conclude(struct job *j)
{
	if (j->over)
		return POSTERN_LIMIT;
	if (j->error == MSPACK_ERR_NOMEMORY)
		return postern_fail(j->call, POSTERN_LIMIT, "it wants more memory than there is");
	return j->damaged ? postern_fail(j->call, POSTERN_BROKEN, "damaged (libmspack's error %d)", j->error) : POSTERN_OK;
}

static enum postern_result decode(struct postern_call *call, const struct postern_part *part)
{
	struct job j = { .system = our_system, .call = call, .part = part };
	const char *types = postern_part_type(part);
	j.data = postern_part_data(call, part, &j.n);
	if (!j.data)
		return POSTERN_TEMPFAIL;
	postern_part_keep(call);	/* the library does not tell where it ends: something may stand behind */
	size_t length = strcspn(types, ",");
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (strlen(formats[i].type) == length && memcmp(formats[i].type, types, length) == 0) {
			formats[i].open(&j);
			return conclude(&j);
		}
	return POSTERN_NOTHING;
}

static const struct postern_decoder_ops decoder_ops = { .size = sizeof decoder_ops, .types = "cab|chm|szdd|kwaj", .decode = decode };

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD, .name = "mspack", .version = "1", .doc = "Opens cabinets, CHM and what COMPRESS.EXE made.",
	.roles = POSTERN_DECODER, .capabilities = POSTERN_CAP_HOSTILE_PARSER, .decoder = &decoder_ops,
};
