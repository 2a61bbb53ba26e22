/* clamav.c - libclamav in the jailed opener: one engine, loaded once in the opener template, shared copy-on-write.
 *
 * libclamav calls a file clean when it could not make its temporary folder; it
 * only says so in an error message.  So every error message during a scan is
 * a failed scan, and a canary (the EICAR test text, where the database knows
 * it) goes the same way at start and every few minutes: while it is not found,
 * no scan counts. */
#include <postern/plugin.h>

#include <clamav.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MEMORY_BYTES_MAX (1024 * 1024)	/* larger parts are mapped by the library */
#define ERROR_TEXT_MAX 200

struct options {
	const char *database;
	bool bytecode, alert_exceeds_max, alert_encrypted, alert_broken, alert_macros, phishing;
	int64_t max_scansize, max_filesize, max_recursion, max_files;
	int64_t canary_interval_ms;
};

struct state {
	struct cl_engine *engine;
	pid_t loaded_by;		/* its forks leave the engine's pages alone, also when they end */
	struct cl_stat folder;
	bool folder_watched;
	bool canary_known;		/* the database finds the test text */
	bool canary_failed;
	time_t canary_at;
	int64_t file_max;
	char version[160];
};

/* What libclamav said during the scan in hand: one scan at a time in a process, and its callback has no other place. */
static unsigned error_count;
static char error_text[ERROR_TEXT_MAX];

static void take_message(enum cl_msg severity, const char *full, const char *text, void *context)
{
	(void)full;
	(void)context;
	if (severity < CL_MSG_ERROR)
		return;
	if (error_count++ == 0)
		snprintf(error_text, sizeof error_text, "%.*s", (int)strcspn(text, "\n"), text);
}

static void messages_reset(void)
{
	error_count = 0;
	error_text[0] = '\0';
}

static struct cl_scan_options scan_options(const struct options *o, bool whole_mail)
{
	struct cl_scan_options s = { .general = CL_SCAN_GENERAL_HEURISTICS, .parse = ~0u };
	/* The opener walks MIME itself; mails inside archives come back to it as parts. */
	if (!whole_mail)
		s.parse &= ~(uint32_t)CL_SCAN_PARSE_MAIL;
	/* Always asked for: a scan that stopped at a limit must not look clean. */
	s.heuristic = CL_SCAN_HEURISTIC_EXCEEDS_MAX;
	if (o->alert_encrypted)
		s.heuristic |= CL_SCAN_HEURISTIC_ENCRYPTED_ARCHIVE | CL_SCAN_HEURISTIC_ENCRYPTED_DOC;
	if (o->alert_broken)
		s.heuristic |= CL_SCAN_HEURISTIC_BROKEN;
	if (o->alert_macros)
		s.heuristic |= CL_SCAN_HEURISTIC_MACROS;
	return s;
}

/* The test text, put together here so that no scanner finds it in this program. */
static void canary_text(char text[80])
{
	snprintf(text, 80, "%s%s%s", "X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-", "TEST-FILE!$H+H*");
}

static cl_error_t scan_memory(struct state *s, const void *data, size_t n, struct cl_scan_options *how, const char **name)
{
	unsigned long scanned = 0;
	cl_fmap_t *map = cl_fmap_open_memory(data, n);
	if (!map)
		return CL_EMEM;
	cl_error_t rc = cl_scanmap_callback(map, NULL, name, &scanned, s->engine, how, NULL);
	cl_fmap_close(map);
	return rc;
}

static bool canary_found(struct state *s, const struct options *o)
{
	char text[80];
	const char *name = NULL;
	struct cl_scan_options how = scan_options(o, false);
	canary_text(text);
	messages_reset();
	return scan_memory(s, text, strlen(text), &how, &name) == CL_VIRUS && error_count == 0;
}

static void canary_send(struct postern_instance *instance)
{
	struct state *s = *postern_state(instance);
	if (!s || !s->canary_known)
		return;
	s->canary_failed = !canary_found(s, postern_options(instance));
	s->canary_at = time(NULL);
}

/* ---- load, in the template ---- */

static int engine_set(struct state *s, enum cl_engine_field field, int64_t value)
{
	return value <= 0 || cl_engine_set_num(s->engine, field, value) == CL_SUCCESS ? 0 : -1;
}

/* Of a packed file larger than max_filesize libclamav scans the beginning and says nothing; when a part as a whole may not hold
 * more than that either, it says that a limit was exceeded. */
static int engine_limits(struct state *s, const struct options *o)
{
	if (engine_set(s, CL_ENGINE_MAX_FILESIZE, o->max_filesize) || engine_set(s, CL_ENGINE_MAX_RECURSION, o->max_recursion) ||
		engine_set(s, CL_ENGINE_MAX_FILES, o->max_files))
		return -1;
	s->file_max = cl_engine_get_num(s->engine, CL_ENGINE_MAX_FILESIZE, NULL);
	return engine_set(s, CL_ENGINE_MAX_SCANSIZE, o->max_scansize ? o->max_scansize : s->file_max);
}

static unsigned database_options(const struct options *o)
{
	unsigned options = CL_DB_STDOPT;
	if (!o->bytecode)
		options &= ~(unsigned)CL_DB_BYTECODE;
	if (!o->phishing)
		options &= ~(unsigned)(CL_DB_PHISHING | CL_DB_PHISHING_URLS);
	return options;
}

static enum postern_result load_engine(struct state *s, const struct options *o, unsigned *signatures, struct postern_error *error)
{
	s->engine = cl_engine_new();
	if (!s->engine)
		return postern_complain(error, POSTERN_TEMPFAIL, "libclamav makes no engine: out of memory?");
	if (engine_limits(s, o) != 0)
		return postern_complain(error, POSTERN_BROKEN, "libclamav does not take these limits");
	messages_reset();
	cl_error_t rc = cl_load(o->database, s->engine, signatures, database_options(o));
	if (rc == CL_SUCCESS)
		rc = cl_engine_compile(s->engine);
	if (rc != CL_SUCCESS)
		return postern_complain(error, POSTERN_TEMPFAIL, "database %s: %s%s%s", o->database, cl_strerror(rc),
			error_count ? ": " : "", error_text);
	if (*signatures == 0)
		return postern_complain(error, POSTERN_TEMPFAIL, "database %s holds no signature; run freshclam", o->database);
	return POSTERN_OK;
}

static void make_version(struct state *s, unsigned signatures)
{
	long long database = cl_engine_get_num(s->engine, CL_ENGINE_DB_VERSION, NULL);
	time_t made = (time_t)cl_engine_get_num(s->engine, CL_ENGINE_DB_TIME, NULL);
	char date[32] = "";
	struct tm tm;
	if (made > 0 && gmtime_r(&made, &tm))
		strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y", &tm);
	if (database > 0)
		snprintf(s->version, sizeof s->version, "ClamAV %s/%lld/%s", cl_retver(), database, date);
	else
		snprintf(s->version, sizeof s->version, "ClamAV %s/%u signatures", cl_retver(), signatures);
}

static enum postern_result library_init(struct postern_error *error)
{
	static bool ready;
	if (ready)
		return POSTERN_OK;
	cl_error_t rc = cl_init(CL_INIT_DEFAULT);
	if (rc != CL_SUCCESS)
		return postern_complain(error, POSTERN_TEMPFAIL, "libclamav does not start: %s", cl_strerror(rc));
	cl_set_clcb_msg(take_message);
	ready = true;
	return POSTERN_OK;
}

static enum postern_result clamav_load(struct postern_instance *instance, struct postern_error *error)
{
	const struct options *o = postern_options(instance);
	unsigned signatures = 0;
	if (library_init(error) != POSTERN_OK)
		return POSTERN_TEMPFAIL;
	struct state *s = calloc(1, sizeof *s);
	if (!s)
		return postern_complain(error, POSTERN_TEMPFAIL, "out of memory");
	enum postern_result r = load_engine(s, o, &signatures, error);
	if (r != POSTERN_OK) {
		if (s->engine)
			cl_engine_free(s->engine);
		free(s);
		return r;
	}
	s->loaded_by = getpid();
	s->folder_watched = cl_statinidir(o->database, &s->folder) == CL_SUCCESS;
	s->canary_known = canary_found(s, o);
	make_version(s, signatures);
	*postern_state(instance) = s;
	return POSTERN_OK;
}

static bool clamav_changed(struct postern_instance *instance)
{
	struct state *s = *postern_state(instance);
	return s && s->folder_watched && cl_statchkdir(&s->folder) == 1;
}

/* ---- in the opener ---- */

/* Openers are forks of one template: without a seed of its own each would invent the same temporary names. */
static enum postern_result clamav_start(struct postern_instance *instance, struct postern_error *error)
{
	struct state *s = *postern_state(instance);
	const char *folder = postern_work_folder(instance);
	struct timespec now;
	if (!s)
		return postern_complain(error, POSTERN_BROKEN, "no database was loaded");
	clock_gettime(CLOCK_MONOTONIC, &now);
	srand((unsigned)getpid() ^ (unsigned)now.tv_nsec);
	if (folder && cl_engine_set_str(s->engine, CL_ENGINE_TMPDIR, folder) != CL_SUCCESS)
		return postern_complain(error, POSTERN_TEMPFAIL, "libclamav does not take the temporary folder %s", folder);
	canary_send(instance);
	if (s->canary_failed)
		return postern_complain(error, POSTERN_TEMPFAIL, "libclamav does not find the EICAR test text%s%s", error_count ? ": " : "", error_text);
	return POSTERN_OK;
}

static void clamav_idle(struct postern_instance *instance)
{
	struct state *s = *postern_state(instance);
	const struct options *o = postern_options(instance);
	if (s && (s->canary_failed || time(NULL) - s->canary_at >= o->canary_interval_ms / 1000))
		canary_send(instance);
}

static void clamav_stop(struct postern_instance *instance)
{
	struct state *s = *postern_state(instance);
	if (!s || s->loaded_by != getpid())
		return;
	if (s->folder_watched)
		cl_statfree(&s->folder);
	cl_engine_free(s->engine);
	free(s);
	*postern_state(instance) = NULL;
}

static cl_error_t scan_descriptor(struct state *s, int fd, struct cl_scan_options *how, const char **name)
{
	unsigned long scanned = 0;
	return cl_scandesc_callback(fd, NULL, name, &scanned, s->engine, how, NULL);
}

/* From memory when small: no page of it is touched twice. */
static cl_error_t scan_small(struct state *s, int fd, size_t size, struct cl_scan_options *how, const char **name)
{
	char *data = malloc(size);
	size_t have = 0;
	ssize_t n = 1;
	if (!data)
		return CL_EMEM;
	while (have < size && (n = pread(fd, data + have, size - have, (off_t)have)) > 0)
		have += (size_t)n;
	cl_error_t rc = have == size ? scan_memory(s, data, size, how, name) : CL_EREAD;
	free(data);
	return rc;
}

static bool is_limit_code(cl_error_t rc)
{
	return rc == CL_EMAXSIZE || rc == CL_EMAXREC || rc == CL_EMAXFILES;
}

static enum postern_result report_virus(struct postern_call *call, const struct postern_part *part, const struct options *o, const char *name)
{
	static const char limit[] = "Heuristics.Limits.Exceeded";
	bool is_limit = name && strncmp(name, limit, sizeof limit - 1) == 0;
	if (is_limit && strstr(name, "MaxScanTime"))
		return postern_fail(call, POSTERN_TEMPFAIL, "part p%03u: time over", postern_part_number(part));
	if (is_limit && !o->alert_exceeds_max)
		return postern_fail(call, POSTERN_LIMIT, "part p%03u: %s", postern_part_number(part), name);
	postern_found(call, part, name);
	return POSTERN_OK;
}

static enum postern_result judge(struct postern_call *call, const struct postern_part *part, const struct options *o, cl_error_t rc, const char *name)
{
	unsigned number = postern_part_number(part);
	if (rc == CL_VIRUS)
		return report_virus(call, part, o, name);
	if (error_count > 0)
		return postern_fail(call, POSTERN_TEMPFAIL, "part p%03u: libclamav says: %s", number, error_text);
	if (is_limit_code(rc))
		return postern_fail(call, POSTERN_LIMIT, "part p%03u: %s", number, cl_strerror(rc));
	if (rc != CL_CLEAN)
		return postern_fail(call, POSTERN_TEMPFAIL, "part p%03u: %s", number, cl_strerror(rc));
	return POSTERN_OK;
}

static enum postern_result clamav_scan_part(struct postern_call *call, const struct postern_part *part)
{
	struct postern_instance *instance = postern_call_instance(call);
	struct state *s = *postern_state(instance);
	const struct options *o = postern_options(instance);
	const char *name = NULL;
	if (s->canary_failed)
		canary_send(instance);
	if (s->canary_failed)
		return postern_fail(call, POSTERN_TEMPFAIL, "libclamav does not find the EICAR test text: no scan of it counts");
	int fd = postern_part_fd(call, part);
	if (fd < 0)
		return POSTERN_TEMPFAIL;
	struct cl_scan_options how = scan_options(o, postern_part_number(part) == 0);
	int left_ms = postern_time_left_ms(call);
	cl_engine_set_num(s->engine, CL_ENGINE_MAX_SCANTIME, left_ms > 0 ? left_ms : 1);	/* 0 is no limit */
	messages_reset();
	int64_t size = postern_part_size(part);
	if (s->file_max > 0 && size > s->file_max)	/* the library would call it malware without a name */
		return report_virus(call, part, o, "Heuristics.Limits.Exceeded.MaxFileSize");
	cl_error_t rc = size <= MEMORY_BYTES_MAX ? scan_small(s, fd, (size_t)size, &how, &name) : scan_descriptor(s, fd, &how, &name);
	return judge(call, part, o, rc, name);
}

static enum postern_result clamav_begin(struct postern_call *call, const struct postern_mail *mail)
{
	(void)mail;
	struct state *s = *postern_state(postern_call_instance(call));
	if (!s)
		return postern_fail(call, POSTERN_BROKEN, "no database was loaded");
	postern_set_version(call, s->version);
	return POSTERN_OK;
}

static enum postern_result clamav_version(struct postern_call *call)
{
	return clamav_begin(call, NULL);
}

#define LIMIT_OPTION(field, low, high, text) \
	{ .name = #field, .type = POSTERN_INT, .offset = offsetof(struct options, field), .min = low, .max = high, .doc = text }
#define SIZE_OPTION(field, text) \
	{ .name = #field, .type = POSTERN_SIZE, .offset = offsetof(struct options, field), .min = 1, .max = 1023LL * 1024 * 1024, .doc = text }
#define BOOL_OPTION(field, preset, text) \
	{ .name = #field, .type = POSTERN_BOOL, .offset = offsetof(struct options, field), .value = preset, .doc = text }

static const struct postern_option option_table[] = {
	{ .name = "database", .type = POSTERN_FILE, .offset = offsetof(struct options, database), .value = "/var/lib/clamav",
	  .flags = POSTERN_POSITIONAL, .doc = "Folder (or file) of the virus database." },
	BOOL_OPTION(bytecode, "true", "Load and run bytecode signatures."),
	BOOL_OPTION(phishing, "true", "Load the phishing signatures."),
	BOOL_OPTION(alert_exceeds_max, "false", "Report an exceeded limit as malware; otherwise the part counts as over the limit."),
	BOOL_OPTION(alert_encrypted, "false", "Report encrypted archives and documents as malware."),
	BOOL_OPTION(alert_broken, "false", "Report broken executables as malware."),
	BOOL_OPTION(alert_macros, "false", "Report office macros as malware."),
	SIZE_OPTION(max_scansize, "Bytes scanned of one part with all that is in it; default as max_filesize. Larger than that, the end of large packed files is not looked at."),
	SIZE_OPTION(max_filesize, "Bytes of one part, and of one file in it; default libclamav's."),
	LIMIT_OPTION(max_recursion, 1, 100, "Depth of archives in archives; default libclamav's."),
	LIMIT_OPTION(max_files, 1, 1000000, "Files inside one part; default libclamav's."),
	{ .name = "canary_interval", .type = POSTERN_DURATION, .offset = offsetof(struct options, canary_interval_ms), .value = "5m",
	  .min = 1000, .max = 86400000, .doc = "How often the EICAR test text is sent through the engine, where the database knows it." },
	{ .name = NULL }
};

static const struct postern_scanner_ops scanner_ops = {
	.size = sizeof scanner_ops, .scan_part = clamav_scan_part, .version = clamav_version, .begin = clamav_begin
};

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD,
	.name = "clamav", .version = "1", .doc = "libclamav in the jailed opener.",
	.roles = POSTERN_SCANNER, .capabilities = POSTERN_CAP_PER_PART | POSTERN_CAP_HOSTILE_PARSER | POSTERN_CAP_CACHEABLE,
	.options = option_table, .options_size = sizeof(struct options),
	.load = clamav_load, .start = clamav_start,
	.idle = clamav_idle, .stop = clamav_stop, .changed = clamav_changed, .scanner = &scanner_ops,
};
