/* yara.c - YARA rules in the jailed opener: compiled once in the opener template, shared copy-on-write.
 *
 * Every rule that matches is malware, named by its namespace, its own name and, if
 * wanted, its tags.  libyara gives up a string that matches too often and goes on
 * as if it had not: then the part is over the limit, whatever else has matched.
 *
 * libyara would catch faults with signal handlers of its own; it is told not to:
 * a fault ends this opener, and its mail is not called clean. */
#include <postern/plugin.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <yara.h>

#define ERROR_TEXT_MAX 300
#define NAME_MAX_BYTES 300
#define HOW_TO_SCAN (SCAN_FLAGS_FAST_MODE | SCAN_FLAGS_NO_TRYCATCH | SCAN_FLAGS_REPORT_RULES_MATCHING)

struct options {
	struct postern_strings rules, tags;
	const char *prefix;
	bool namespaces, tags_in_names;
};

#define INCLUDES_MAX 1000
#define INCLUDE_BYTES_MAX (64 * 1024 * 1024)

/* A file of rules as it was when it was read. */
struct source {
	char *path, *written;		/* as the rule that includes it names it: by that libyara knows it */
	struct timespec changed;
	ino_t inode;
	off_t size;
};

struct state {
	struct source *sources;		/* one for each file, and for each that one of them includes */
	size_t source_count;
	YR_RULES **sets;		/* all sources in one, then one for each compiled file */
	YR_SCANNER **scanners;		/* one for each set, made in the opener */
	size_t set_count;
	unsigned rule_count;
	pid_t loaded_by;
	char version[64];
};

/* One scan in hand. */
struct scan {
	struct postern_call *call;
	const struct postern_part *part;
	const struct options *options;
	bool gave_up;			/* on a string that matched too often */
};

/* What goes along with the compiler: where it finds fault first, and whose files it opens. */
struct loading {
	struct state *state;
	const struct options *options;
	YR_COMPILER *compiler;
	char complaint[ERROR_TEXT_MAX];
	int include_errno;		/* why the last include could not be read */
	bool any_source;
};

/* "owner" is asked for by collections of rules for file systems: nobody owns a part. */
static const char *const variables[] = { "filename", "filepath", "extension", "filetype", "mimetype", "owner" };

/* ---- load, in the template ---- */

static void take_message(int level, const char *file, int line, const YR_RULE *rule, const char *message, void *user_data)
{
	struct loading *l = user_data;
	(void)rule;
	if (level == YARA_ERROR_LEVEL_ERROR && !l->complaint[0])
		snprintf(l->complaint, sizeof l->complaint, "%s:%d: %s%s%s", file ? file : "rules", line, message, l->include_errno ? ": " : "",
			l->include_errno ? strerror(l->include_errno) : "");
}

/* Up to the first dot. */
static size_t base_name(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	*name = slash ? slash + 1 : path;
	return strcspn(*name, ".");
}

/* The namespace of a file's rules: its base name, with a number behind it where files before have the same. */
static void make_namespace(const struct options *o, size_t at, char *to, size_t size)
{
	const char *name, *other;
	size_t n = base_name(o->rules.v[at], &name);
	unsigned same = 1;
	for (size_t k = 0; k < at; k++)
		same += base_name(o->rules.v[k], &other) == n && strncmp(name, other, n) == 0;
	if (same > 1)
		snprintf(to, size, "%.*s_%u", (int)n, name, same);
	else
		snprintf(to, size, "%.*s", (int)n, name);
}

static bool is_compiled(FILE *f)
{
	char mark[4];
	size_t n = fread(mark, 1, sizeof mark, f);
	rewind(f);
	return n == sizeof mark && memcmp(mark, "YARA", sizeof mark) == 0;
}

static void add_set(struct state *s, YR_RULES *rules)
{
	s->sets[s->set_count++] = rules;
	s->rule_count += rules->num_rules;
}

static enum postern_result load_compiled(struct state *s, const char *path, struct postern_error *error)
{
	YR_RULES *rules = NULL;
	int rc = yr_rules_load(path, &rules);
	if (rc != ERROR_SUCCESS)
		return postern_complain(error, POSTERN_BROKEN, "%s: libyara does not load these compiled rules (error %d): of another version? "
			"compile them anew, or give the sources", path, rc);
	add_set(s, rules);
	return POSTERN_OK;
}

/* False: too many of them. */
static bool remember(struct state *s, const char *path, const char *written, const struct stat *st)
{
	struct source *more = s->source_count < INCLUDES_MAX ? realloc(s->sources, (s->source_count + 1) * sizeof *more) : NULL;
	if (!more)
		return false;
	s->sources = more;
	more += s->source_count++;
	*more = (struct source){ strdup(path), strdup(written), st->st_mtim, st->st_ino, st->st_size };
	return more->path && more->written;
}

/* Of an include: NULL and errno. */
static char *read_whole(struct state *s, const char *path, const char *written, FILE *f)
{
	struct stat st;
	if (fstat(fileno(f), &st) != 0)
		return NULL;
	errno = EINVAL;
	if (!S_ISREG(st.st_mode) || st.st_size > INCLUDE_BYTES_MAX || !remember(s, path, written, &st))
		return NULL;
	char *text = calloc(1, (size_t)st.st_size + 1);
	if (text && fread(text, 1, (size_t)st.st_size, f) != (size_t)st.st_size) {
		free(text);
		return NULL;
	}
	return text;
}

/* A relative name counts from the folder of the file that includes it. */
static void resolve_include(const struct state *s, const char *name, const char *by_file, char *to, size_t size)
{
	size_t k = s->source_count;
	while (k > 0 && strcmp(s->sources[k - 1].written, by_file) != 0)
		k--;
	const char *from = k > 0 ? s->sources[k - 1].path : "/";
	snprintf(to, size, "%.*s%s", name[0] == '/' ? 0 : (int)(strrchr(from, '/') - from + 1), from, name);
}

/* Included files are read here, to know of them. */
static const char *take_include(const char *name, const char *by_file, const char *by_namespace, void *user_data)
{
	struct loading *l = user_data;
	char path[PATH_MAX], *text = NULL;
	(void)by_namespace;
	resolve_include(l->state, name, by_file ? by_file : "", path, sizeof path);
	FILE *f = fopen(path, "re");
	if (f)
		text = read_whole(l->state, path, name, f);
	l->include_errno = text ? 0 : errno;
	if (f)
		fclose(f);
	return text;
}

static void free_include(const char *text, void *user_data)
{
	(void)user_data;
	free((void *)(uintptr_t)text);
}

static enum postern_result compile(struct loading *l, size_t at, FILE *f, struct postern_error *error)
{
	char namespace[NAME_MAX_BYTES];
	const char *path = l->options->rules.v[at];
	make_namespace(l->options, at, namespace, sizeof namespace);
	l->any_source = true;
	if (yr_compiler_add_file(l->compiler, f, namespace, path) == 0)
		return POSTERN_OK;
	return postern_complain(error, POSTERN_BROKEN, "%s", l->complaint[0] ? l->complaint : path);
}

static enum postern_result load_file(struct loading *l, size_t at, struct postern_error *error)
{
	struct stat st;
	const char *path = l->options->rules.v[at];
	FILE *f = fopen(path, "re");
	if (!f)
		return postern_complain(error, POSTERN_TEMPFAIL, "%s: %s", path, strerror(errno));
	enum postern_result r;
	if (fstat(fileno(f), &st) != 0 || !remember(l->state, path, path, &st))
		r = postern_complain(error, POSTERN_TEMPFAIL, "%s: it is one of more than %d files", path, INCLUDES_MAX);
	else
		r = is_compiled(f) ? load_compiled(l->state, path, error) : compile(l, at, f, error);
	fclose(f);
	return r;
}

static enum postern_result load_files(struct loading *l, struct postern_error *error)
{
	struct state *s = l->state;
	const struct options *o = l->options;
	YR_RULES *rules = NULL;
	yr_compiler_set_callback(l->compiler, take_message, l);
	yr_compiler_set_include_callback(l->compiler, take_include, free_include, l);
	for (size_t k = 0; k < sizeof variables / sizeof *variables; k++)
		yr_compiler_define_string_variable(l->compiler, variables[k], "");
	for (size_t k = 0; k < o->rules.count; k++) {
		enum postern_result r = load_file(l, k, error);
		if (r != POSTERN_OK)
			return r;
	}
	if (l->any_source && yr_compiler_get_rules(l->compiler, &rules) != ERROR_SUCCESS)
		return postern_complain(error, POSTERN_TEMPFAIL, "libyara does not make its rules: out of memory?");
	if (l->any_source)
		add_set(s, rules);
	if (s->rule_count == 0)
		return postern_complain(error, POSTERN_BROKEN, "%s: there is no rule in it", o->rules.v[0]);
	return POSTERN_OK;
}

static void free_state(struct state *s)
{
	for (size_t k = 0; k < s->set_count; k++)
		yr_rules_destroy(s->sets[k]);
	for (size_t k = 0; k < s->source_count; k++) {
		free(s->sources[k].path);
		free(s->sources[k].written);
	}
	free(s->sources);
	free(s->sets);
	free(s);
}

static struct state *new_state(size_t files)
{
	struct state *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	s->sets = calloc(files + 1, sizeof(YR_RULES *));
	s->loaded_by = getpid();
	if (s->sets)
		return s;
	free_state(s);
	return NULL;
}

static enum postern_result library_init(struct postern_error *error)
{
	static bool ready;
	if (!ready && yr_initialize() != ERROR_SUCCESS)
		return postern_complain(error, POSTERN_TEMPFAIL, "libyara does not start: out of memory?");
	ready = true;
	return POSTERN_OK;
}

static enum postern_result yara_load(struct postern_instance *instance, struct postern_error *error)
{
	const struct options *o = postern_options(instance);
	struct loading l = { .options = o };
	if (library_init(error) != POSTERN_OK)
		return POSTERN_TEMPFAIL;
	struct state *s = new_state(o->rules.count);
	if (!s || yr_compiler_create(&l.compiler) != ERROR_SUCCESS) {
		if (s)
			free_state(s);
		return postern_complain(error, POSTERN_TEMPFAIL, "out of memory");
	}
	l.state = s;
	enum postern_result r = load_files(&l, error);
	yr_compiler_destroy(l.compiler);
	if (r != POSTERN_OK) {
		free_state(s);
		return r;
	}
	snprintf(s->version, sizeof s->version, "YARA %s/%u rules", YR_VERSION, s->rule_count);
	*postern_state(instance) = s;
	return POSTERN_OK;
}

/* A file that is away at the moment is about to be replaced. */
static bool yara_changed(struct postern_instance *instance)
{
	const struct state *s = *postern_state(instance);
	struct stat st;
	for (size_t k = 0; s && k < s->source_count; k++) {
		const struct source *was = &s->sources[k];
		if (stat(was->path, &st) != 0)
			continue;
		if (st.st_ino != was->inode || st.st_size != was->size || st.st_mtim.tv_sec != was->changed.tv_sec ||
			st.st_mtim.tv_nsec != was->changed.tv_nsec)
			return true;
	}
	return false;
}

static enum postern_result yara_check(struct postern_instance *instance, struct postern_error *error)
{
	const struct options *o = postern_options(instance);
	for (size_t k = 0; k < o->rules.count; k++) {
		if (o->rules.v[k][0] != '/')
			return postern_complain(error, POSTERN_BROKEN, "rules \"%s\": expected an absolute path", o->rules.v[k]);
	}
	return o->rules.count > 0 ? POSTERN_OK : postern_complain(error, POSTERN_BROKEN, "rules: expected at least one file");
}

/* ---- in the opener ---- */

static bool has_tag(const YR_RULE *rule, const char *text)
{
	const char *tag;
	yr_rule_tags_foreach(rule, tag) {
		if (strcmp(tag, text) == 0)
			return true;
	}
	return false;
}

static bool counts(const struct options *o, const YR_RULE *rule)
{
	for (size_t k = 0; k < o->tags.count; k++) {
		if (has_tag(rule, o->tags.v[k]))
			return true;
	}
	return o->tags.count == 0;
}

/* "bad,big", cut where there is no room. */
static void list_tags(const YR_RULE *rule, char *to, size_t size)
{
	const char *tag;
	size_t n = 0;
	yr_rule_tags_foreach(rule, tag) {
		if (n < size)
			n += (size_t)snprintf(to + n, size - n, "%s%s", n ? "," : "", tag);
	}
}

static void report(struct scan *scan, const YR_RULE *rule)
{
	const struct options *o = scan->options;
	char tags[NAME_MAX_BYTES] = "";
	if (!counts(o, rule))
		return;
	if (o->tags_in_names)
		list_tags(rule, tags, sizeof tags);
	bool namespace = o->namespaces && rule->ns && rule->ns->name;
	postern_found(scan->call, scan->part, postern_printf(scan->call, "%s%s%s%s%s%s", o->prefix, namespace ? rule->ns->name : "",
		namespace ? "." : "", rule->identifier, tags[0] ? ":" : "", tags));
}

static int take_event(YR_SCAN_CONTEXT *context, int message, void *data, void *user_data)
{
	struct scan *scan = user_data;
	(void)context;
	if (message == CALLBACK_MSG_RULE_MATCHING)
		report(scan, data);
	else if (message == CALLBACK_MSG_TOO_MANY_MATCHES)
		scan->gave_up = true;
	return CALLBACK_CONTINUE;
}

static void drop_scanners(struct state *s)
{
	for (size_t k = 0; s->scanners && k < s->set_count; k++) {
		if (s->scanners[k])
			yr_scanner_destroy(s->scanners[k]);
	}
	free(s->scanners);
	s->scanners = NULL;
}

/* Openers are forks of one template: each seeds the numbers from which libyara makes its canaries anew. */
static enum postern_result yara_start(struct postern_instance *instance, struct postern_error *error)
{
	struct state *s = *postern_state(instance);
	struct timespec now;
	if (!s)
		return postern_complain(error, POSTERN_BROKEN, "no rules were loaded");
	clock_gettime(CLOCK_MONOTONIC, &now);
	srand((unsigned)getpid() ^ (unsigned)now.tv_nsec);
	s->scanners = calloc(s->set_count, sizeof(YR_SCANNER *));
	for (size_t k = 0; s->scanners && k < s->set_count; k++) {
		if (yr_scanner_create(s->sets[k], &s->scanners[k]) != ERROR_SUCCESS) {
			drop_scanners(s);
			break;
		}
		yr_scanner_set_flags(s->scanners[k], HOW_TO_SCAN);
	}
	return s->scanners ? POSTERN_OK : postern_complain(error, POSTERN_TEMPFAIL, "out of memory");
}

static void yara_stop(struct postern_instance *instance)
{
	struct state *s = *postern_state(instance);
	if (!s)
		return;
	drop_scanners(s);
	if (s->loaded_by != getpid())
		return;		/* the rules' pages are the template's */
	free_state(s);
	*postern_state(instance) = NULL;
}

/* What rules may ask about the part. Sets that were compiled without a variable do not take it: no matter. */
static void set_variables(YR_SCANNER *scanner, const struct postern_part *part)
{
	const char *name = postern_part_name(part), *type = postern_part_type(part), *mime_type = postern_part_mime_type(part);
	const char *dot = name ? strrchr(name, '.') : NULL;
	(void)yr_scanner_define_string_variable(scanner, "filename", name ? name : "");
	(void)yr_scanner_define_string_variable(scanner, "filepath", name ? name : "");
	(void)yr_scanner_define_string_variable(scanner, "extension", dot ? dot : "");
	(void)yr_scanner_define_string_variable(scanner, "filetype", type ? type : "");
	(void)yr_scanner_define_string_variable(scanner, "mimetype", mime_type ? mime_type : "");
}

static enum postern_result failure(struct postern_call *call, unsigned number, int rc)
{
	if (rc == ERROR_SCAN_TIMEOUT)
		return postern_fail(call, POSTERN_TEMPFAIL, "part p%03u: time over", number);
	return postern_fail(call, POSTERN_TEMPFAIL, "part p%03u: libyara ended with error %d", number, rc);
}

/* All sets are asked: what one of them meets its limits over, another may know. */
static enum postern_result scan_bytes(struct scan *scan, struct state *s, const uint8_t *data, size_t size)
{
	unsigned number = postern_part_number(scan->part);
	enum postern_result result = POSTERN_OK;
	for (size_t k = 0; k < s->set_count; k++) {
		int left_ms = postern_time_left_ms(scan->call);
		if (left_ms == 0)
			return failure(scan->call, number, ERROR_SCAN_TIMEOUT);
		yr_scanner_set_callback(s->scanners[k], take_event, scan);
		yr_scanner_set_timeout(s->scanners[k], left_ms / 1000 + 1);	/* it counts seconds */
		set_variables(s->scanners[k], scan->part);
		int rc = yr_scanner_scan_mem(s->scanners[k], data, size);
		if (rc != ERROR_SUCCESS)
			result = failure(scan->call, number, rc);
	}
	if (result != POSTERN_OK)
		return result;
	if (scan->gave_up)
		return postern_fail(scan->call, POSTERN_LIMIT, "part p%03u: a string of the rules matches too often", number);
	return POSTERN_OK;
}

static enum postern_result yara_scan_part(struct postern_call *call, const struct postern_part *part)
{
	struct postern_instance *instance = postern_call_instance(call);
	struct state *s = *postern_state(instance);
	struct scan scan = { .call = call, .part = part, .options = postern_options(instance) };
	size_t size = (size_t)postern_part_size(part);
	int fd = postern_part_fd(call, part);
	if (!s || !s->scanners)
		return postern_fail(call, POSTERN_BROKEN, "no rules were loaded");
	if (fd < 0)
		return POSTERN_TEMPFAIL;
	void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return postern_fail(call, POSTERN_TEMPFAIL, "part p%03u: %s", postern_part_number(part), strerror(errno));
	enum postern_result r = scan_bytes(&scan, s, data, size);
	munmap(data, size);
	return r;
}

static enum postern_result yara_version(struct postern_call *call)
{
	struct state *s = *postern_state(postern_call_instance(call));
	if (!s)
		return postern_fail(call, POSTERN_BROKEN, "no rules were loaded");
	postern_set_version(call, s->version);
	return POSTERN_OK;
}

static enum postern_result yara_begin(struct postern_call *call, const struct postern_mail *mail)
{
	(void)mail;
	return yara_version(call);
}

static const struct postern_option option_table[] = {
	{ .name = "rules", .type = POSTERN_STRINGS, .offset = offsetof(struct options, rules), .flags = POSTERN_POSITIONAL | POSTERN_REQUIRED,
	  .doc = "Files of rules, sources or compiled by yarac; absolute paths." },
	{ .name = "tags", .type = POSTERN_STRINGS, .offset = offsetof(struct options, tags),
	  .doc = "Only rules with one of these tags count; default: all." },
	{ .name = "prefix", .type = POSTERN_STRING, .offset = offsetof(struct options, prefix), .value = "YARA.",
	  .doc = "What the names of findings begin with." },
	{ .name = "namespaces", .type = POSTERN_BOOL, .offset = offsetof(struct options, namespaces), .value = "true",
	  .doc = "Put the namespace, a file's base name, before the rule's name." },
	{ .name = "tags_in_names", .type = POSTERN_BOOL, .offset = offsetof(struct options, tags_in_names), .value = "false",
	  .doc = "Put the rule's tags behind its name." },
	{ .name = NULL }
};

static const struct postern_scanner_ops scanner_ops = {
	.size = sizeof scanner_ops, .scan_part = yara_scan_part, .version = yara_version, .begin = yara_begin
};

const struct postern_plugin postern_plugin = {
	POSTERN_PLUGIN_HEAD,
	.name = "yara", .version = "1", .doc = "YARA rules in the jailed opener.",
	.roles = POSTERN_SCANNER, .capabilities = POSTERN_CAP_PER_PART | POSTERN_CAP_HOSTILE_PARSER,
	.options = option_table, .options_size = sizeof(struct options),
	.check = yara_check, .load = yara_load, .start = yara_start, .stop = yara_stop, .changed = yara_changed, .scanner = &scanner_ops,
};
