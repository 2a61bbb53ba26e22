/* scan_probe.c - loads plugins of the build tree and asks them about files; for the tests of scanners and deliveries.
 *
 * scan_probe [-b BUILD] [-t DEADLINE_MS] [-r TIMES] [-i] [-1] [-m MAILFILE] [-P PARTFILE]... [-w WORKFOLDER] [-x] [-v]
 *            [-f SIZE_LIMIT] [-d METHOD [-T TARGET] [-s NAME=VALUE]...] -p PLUGIN [-o OPTION=VALUE]... [-p PLUGIN ...] | -c CONFIGURATION
 * -i waits for a line on standard input before each further time; -x removes the work folder after start;
 * -v asks for versions; -c takes the plugins that a configuration makes.  One line of answers per instance and time. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <talloc.h>
#include <unistd.h>

#include "base/io.h"
#include "config/config.h"
#include "plugin/call.h"

#define INSTANCES_MAX 128
#define WANTED_MAX 8
#define PAIRS_MAX 64

struct wanted { const char *plugin; const char *names[PAIRS_MAX], *values[PAIRS_MAX]; size_t count; };

static struct {
	const char *build, *mail, *work, *method, *target, *config;
	const char *parts[32];
	size_t part_count;
	struct wanted wanted[WANTED_MAX];
	size_t wanted_count;
	const char *settings[16];
	size_t setting_count;
	long deadline_ms, times, file_limit;
	bool stop_at_first, interactive, drop_work, version;
} opt = { .times = 1, .target = "virus-quarantine" };

static const char *const result_names[] = { "OK", "NOTHING", "TEMPFAIL", "LIMIT", "BROKEN" };

static void die(const char *what, const char *why)
{
	fprintf(stderr, "scan_probe: %s: %s\n", what, why);
	exit(2);
}

static void add_pair(char *text)
{
	char *equals = strchr(text, '=');
	if (!equals || opt.wanted_count == 0)
		die(text, "-o OPTION=VALUE comes after -p PLUGIN");
	*equals = '\0';
	struct wanted *w = &opt.wanted[opt.wanted_count - 1];
	w->names[w->count] = text;
	w->values[w->count++] = equals + 1;
}

static void read_arguments(int argc, char **argv)
{
	int c;
	opt.build = getenv("POSTERN_BUILD");
	while ((c = getopt(argc, argv, "b:t:r:i1m:P:w:xvf:d:T:s:p:o:c:")) != -1) {
		switch (c) {
		case 'b': opt.build = optarg; break;
		case 't': opt.deadline_ms = atol(optarg); break;
		case 'r': opt.times = atol(optarg); break;
		case 'i': opt.interactive = true; break;
		case '1': opt.stop_at_first = true; break;
		case 'm': opt.mail = optarg; break;
		case 'P': opt.parts[opt.part_count++] = optarg; break;
		case 'w': opt.work = optarg; break;
		case 'x': opt.drop_work = true; break;
		case 'v': opt.version = true; break;
		case 'f': opt.file_limit = atol(optarg); break;
		case 'd': opt.method = optarg; break;
		case 'T': opt.target = optarg; break;
		case 's': opt.settings[opt.setting_count++] = optarg; break;
		case 'p': opt.wanted[opt.wanted_count++].plugin = optarg; break;
		case 'o': add_pair(optarg); break;
		case 'c': opt.config = optarg; break;
		default: exit(2);
		}
	}
	if (!opt.build || (opt.wanted_count == 0) == !opt.config)
		die("usage", "-b BUILD and -p PLUGIN or -c CONFIGURATION are needed");
}

static struct plugin_instance *make(void *owner, struct plugin_host *host, const struct wanted *w)
{
	struct error e = { 0 };
	const struct postern_plugin *p = plugin_host_find(host, w->plugin, &e);
	if (!p)
		die(w->plugin, e.text);
	struct plugin_instance *i = plugin_instance_from_pairs(owner, p, w->names, w->values, w->count, &e);
	if (!i || plugin_instance_check(i, &e) != 0 || plugin_instance_load(i, &e) != 0)
		die(w->plugin, e.text);
	i->work_folder = opt.work;
	if (plugin_instance_start(i, &e) != 0)
		printf("start failed: %s\n", e.text);
	return i;
}

/* What a configuration makes; its warnings and errors are printed. */
static size_t make_configured(void *owner, struct plugin_instance **out)
{
	GPtrArray *problems;
	struct config_options options = { .file = opt.config, .build_dir = opt.build, .load_plugins = true };
	struct config *config = talloc_steal(owner, config_load(&options, &problems));
	struct policy policy;
	size_t count;
	config_print_problems(stdout, problems);
	if (config_error_count(problems) > 0)
		die(opt.config, "wrong");
	g_ptr_array_unref(problems);
	policy_init(&policy, config);
	plugin_call_setup(NULL, policy_string(&policy, SET_path));
	struct plugin_instance *const *instances = config_instances(config, &count);
	if (count > INSTANCES_MAX)
		die(opt.config, "too many plugins");
	size_t scanners = 0;
	for (size_t k = 0; k < count; k++) {
		struct error e = { 0 };
		if (!(instances[k]->plugin->roles & POSTERN_SCANNER))
			continue;
		if (plugin_instance_load(instances[k], &e) != 0 || plugin_instance_start(instances[k], &e) != 0)
			printf("start failed: %s\n", e.text);
		out[scanners++] = instances[k];
	}
	return scanners;
}

static size_t make_wanted(void *owner, struct plugin_instance **out)
{
	struct plugin_host *host = plugin_host_new(owner, NULL, opt.build);
	plugin_call_setup(NULL, NULL);
	for (size_t k = 0; k < opt.wanted_count; k++) {
		out[k] = make(owner, host, &opt.wanted[k]);
		if (k > 0)
			out[k]->name = talloc_asprintf(owner, "%s/%zu", out[k]->name, k + 1);
	}
	return opt.wanted_count;
}

static void copy_file(const char *from, int dir_fd, const char *name)
{
	char block[65536];
	ssize_t n;
	int in = open(from, O_RDONLY), out = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL, 0640);
	if (in < 0 || out < 0)
		die(from, strerror(errno));
	while ((n = read(in, block, sizeof block)) > 0)
		if (io_write_all(out, block, (size_t)n, deadline_none()) != 0)
			die(from, strerror(errno));
	close(in);
	close(out);
}

static void print_outcome(const char *verb, const struct plugin_instance *i, const struct plugin_outcome *o, int64_t ms)
{
	printf("%s %s result=%s ms=%lld", verb, i->name, result_names[o->result], (long long)ms);
	for (unsigned k = 0; k < o->found_count; k++)
		printf(" found=p%03u:%s", o->found[k].part, o->found[k].name);
	printf(" version=<<%s>> error=<<%s>>\n", o->version ? o->version : "", o->error ? o->error : "");
}

static struct deadline probe_deadline(void)
{
	return opt.deadline_ms ? deadline_in(opt.deadline_ms) : deadline_in(20000);
}

static void scan(void *owner, struct plugin_instance **instances, size_t count, struct plugin_view *view)
{
	struct plugin_outcome out[INSTANCES_MAX];
	int64_t began = clock_now_ms();
	plugin_scan_all(instances, count, view, probe_deadline(), opt.stop_at_first, owner, out);
	int64_t ms = clock_now_ms() - began;
	for (size_t k = 0; k < count; k++)
		print_outcome("scan", instances[k], &out[k], ms);
}

static void ask_version(void *owner, struct plugin_instance *i)
{
	struct plugin_outcome out;
	int64_t began = clock_now_ms();
	plugin_version(i, probe_deadline(), owner, &out);
	print_outcome("version", i, &out, clock_now_ms() - began);
}

static const char *setting(void *context, const char *name)
{
	size_t n = strlen(name);
	for (size_t k = 0; k < opt.setting_count; k++) {
		if (strncmp(opt.settings[k], name, n) == 0 && opt.settings[k][n] == '=')
			return opt.settings[k] + n + 1;
	}
	return NULL;
}

static void deliver(void *owner, struct plugin_instance *i, const struct mail *mail)
{
	struct plugin_delivered out;
	struct edit_list *edits = edit_list_new(owner);
	edit_prepend(edits, "X-Quarantine-ID", "<" "AbcDefGhiJkl" ">");
	const char *const recipients[] = { "r@example.com", NULL };
	const struct plugin_delivery_order order = { .mail = mail, .method = opt.method, .target = opt.target, .sender = "s/../x@example.org",
		.recipients = recipients, .edits = edits, .setting = setting };
	plugin_deliver(i, &order, probe_deadline(), owner, &out);
	printf("deliver %s result=%s location=%s type=%c reply=<<%s>> error=<<%s>>\n", i->name, result_names[out.result],
		out.location ? out.location : "", out.type ? out.type : '-', out.reply ? out.reply : "", out.error ? out.error : "");
}

static void open_mail(struct mail *mail, void *owner)
{
	struct stat st;
	mail->fd = -1;
	mail->log_id = "00001-01";
	strcpy(mail->mail_id, "AbcDefGhiJkl");
	if (!opt.mail)
		return;
	mail->fd = open(opt.mail, O_RDONLY | O_CLOEXEC);
	if (mail->fd < 0 || fstat(mail->fd, &st) != 0 || header_read(mail->fd, (uint64_t)st.st_size, owner, &mail->header) != 0)
		die(opt.mail, strerror(errno));
	mail->size_bytes = (uint64_t)st.st_size;
}

static struct plugin_view *make_view(void *owner, const struct mail *mail, char *folder, int dir_fd)
{
	struct plugin_view *view = plugin_view_new(owner, mail, dir_fd, folder);
	for (size_t k = 0; k < opt.part_count; k++) {
		char name[16];
		struct part part = { .number = (uint32_t)k + 1, .has_file = true, .placement = "1", .mime_type = "text/plain" };
		snprintf(name, sizeof name, "p%03u", part.number);
		if (opt.times == 1 || faccessat(dir_fd, name, F_OK, 0) != 0)
			copy_file(opt.parts[k], dir_fd, name);
		plugin_view_add_part(view, &part, -1);
	}
	return view;
}

static void limit_files(void)
{
	const struct rlimit limit = { (rlim_t)opt.file_limit, (rlim_t)opt.file_limit };
	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		die("setrlimit", strerror(errno));
}

static void once(struct plugin_instance **instances, size_t count, const struct mail *mail, char *folder, int dir_fd)
{
	void *owner = talloc_new(NULL);
	for (size_t k = 0; opt.version && k < count; k++)
		ask_version(owner, instances[k]);
	if (opt.method)
		deliver(owner, instances[0], mail);
	else if (opt.mail || opt.part_count > 0)
		scan(owner, instances, count, make_view(owner, mail, folder, dir_fd));
	talloc_free(owner);
	for (size_t k = 0; k < count; k++)
		plugin_instance_idle(instances[k]);
	fflush(stdout);
}

static void remove_folder(const char *folder, int dir_fd)
{
	for (unsigned k = 0; k < 64; k++) {
		char name[16];
		snprintf(name, sizeof name, "p%03u", k);
		unlinkat(dir_fd, name, 0);
	}
	close(dir_fd);
	rmdir(folder);
}

int main(int argc, char **argv)
{
	void *owner = talloc_new(NULL);
	struct plugin_instance *instances[INSTANCES_MAX];
	struct mail *mail = talloc_zero(owner, struct mail);
	char folder[] = "/tmp/scan_probe-XXXXXX", line[16];
	read_arguments(argc, argv);
	if (!mkdtemp(folder))
		die("mkdtemp", strerror(errno));
	int dir_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t count = opt.config ? make_configured(owner, instances) : make_wanted(owner, instances);
	open_mail(mail, owner);
	if (opt.drop_work && rmdir(opt.work) != 0)
		die(opt.work, strerror(errno));
	if (opt.file_limit)
		limit_files();
	for (long n = 0; n < opt.times; n++) {
		if (n > 0 && opt.interactive && !fgets(line, sizeof line, stdin))
			break;
		once(instances, count, mail, folder, dir_fd);
	}
	remove_folder(folder, dir_fd);
	if (plugin_threads_left()) {
		printf("threads left\n");
		fflush(stdout);
		_exit(0);
	}
	for (size_t k = 0; k < count; k++)
		plugin_instance_stop(instances[k]);
	talloc_free(owner);
	return 0;
}
