/* check_run.c - checks a configuration without running it; -tt shows each scanner a harmless test virus and a clean text, and asks
 * directories and databases whether what they will be asked for is there.
 * It changes nothing and needs no running daemon. */
#include "template/check_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <talloc.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <glib/gstdio.h>

#include "config/config.h"
#include "plugin/call.h"
#include "plugin/host.h"
#include "template/renewal.h"

/* The EICAR test file, in two pieces so that no scanner takes this program for it. */
static const char eicar[] = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$" "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*";
static const char clean[] = "Nothing but a clean text.\r\n";

struct probe { char folder[64]; int dir_fd; };

static int probe_open(struct probe *p)
{
	snprintf(p->folder, sizeof p->folder, "/tmp/postern-check-XXXXXX");
	if (!g_mkdtemp(p->folder))
		return -1;
	p->dir_fd = open(p->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dir_fd >= 0)
		fchmod(p->dir_fd, 0755);	/* daemons that open files by name are somebody else, and there is no secret in it */
	return p->dir_fd;
}

static void probe_close(struct probe *p)
{
	unlinkat(p->dir_fd, "p001", 0);
	close(p->dir_fd);
	rmdir(p->folder);
}

static void scan_text(struct plugin_instance *i, const char *text, void *owner, struct plugin_outcome *out)
{
	struct probe p;
	struct mail *m = talloc_zero(owner, struct mail);
	struct envelope *envelope = talloc_zero(m, struct envelope);
	struct part *part = talloc_zero(m, struct part);
	*out = (struct plugin_outcome){ .result = POSTERN_BROKEN, .error = "cannot make a folder below /tmp" };
	if (probe_open(&p) < 0)
		return;
	int fd = openat(p.dir_fd, "p001", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	envelope->sender = "";
	*m = (struct mail){ .magic = MAIL_MAGIC, .log_id = "check", .fd = -1, .envelope = envelope };
	*part = (struct part){ .number = 1, .has_file = true, .size_bytes = strlen(text), .placement = "1", .mime_type = "text/plain", .type_short = "txt" };
	struct plugin_view *view = plugin_view_new(m, m, p.dir_fd, p.folder);
	plugin_view_add_part(view, part, -1);
	if (written)
		plugin_scan(i, view, deadline_in(60000), false, owner, out);
	probe_close(&p);
}

static const char *said(const struct plugin_outcome *o)
{
	if (o->found_count > 0)
		return o->found[0].name;
	return o->result == POSTERN_OK ? "clean" : o->error ? o->error : "no answer";
}

/* What it said when asked for it, or with its first answer. */
static const char *version_text(const struct plugin_outcome *o, void *owner)
{
	if (o->version)
		return o->version;
	return o->error ? talloc_asprintf(owner, "unknown (%s)", o->error) : "unknown";
}

static bool try_scanner(struct plugin_instance *i)
{
	struct error e = { 0 };
	void *owner = talloc_new(NULL);
	struct plugin_outcome version = { 0 }, infected = { 0 }, harmless = { 0 };
	bool good = false;
	if (plugin_instance_check(i, &e) != 0 || plugin_instance_load(i, &e) != 0 || plugin_instance_start(i, &e) != 0) {
		printf("%s: FAILED: %s\n", i->name, e.text);
	} else {
		plugin_version(i, deadline_in(60000), owner, &version);
		scan_text(i, eicar, owner, &infected);
		scan_text(i, clean, owner, &harmless);
		good = infected.found_count > 0 && harmless.found_count == 0 && harmless.result == POSTERN_OK;
		printf("%s: %s\n  way: %s\n  version: %s\n  test virus: %s (%u us)\n  clean text: %s (%u us)\n", i->name, good ? "good" : "FAILED", infected.way ? infected.way : "none",
			version_text(&version, owner), said(&infected), infected.elapsed_us, said(&harmless), harmless.elapsed_us);
		plugin_instance_stop(i);
	}
	talloc_free(owner);
	return good;
}

static bool try_lookup(struct plugin_instance *i)
{
	struct error e = { 0 };
	void *owner = talloc_new(NULL);
	struct plugin_outcome said = { .result = POSTERN_BROKEN };
	if (plugin_instance_check(i, &e) == 0 && plugin_instance_load(i, &e) == 0 && plugin_instance_start(i, &e) == 0) {
		plugin_probe(i, deadline_in(60000), owner, &said);
		plugin_instance_stop(i);
	}
	bool good = said.result == POSTERN_OK;
	char **lines = g_strsplit(said.output ? said.output : "", "\n", -1);
	if (good)
		printf("%s: good\n", i->name);
	else
		printf("FAILED: %s\n", said.error ? said.error : e.text);
	for (char **line = lines; *line; line++)
		if ((*line)[0])
			printf("  %s\n", *line);
	g_strfreev(lines);
	talloc_free(owner);
	return good;
}

static bool is_table(const struct plugin_instance *i)
{
	return (i->plugin->roles & POSTERN_LOOKUP) && !(i->plugin->capabilities & POSTERN_CAP_NETWORK);
}

/* "file:line: why" */
static void print_left_out(const char *text)
{
	const char *why = strstr(text, ": ");
	fprintf(stderr, "%.*s: warning: %s: the line is left out\n", (int)(why - text), text, why + 2);
}

/* Tables in files are part of the configuration. */
static bool read_tables(const struct config *config)
{
	GPtrArray *problems = g_ptr_array_new_with_free_func(g_free), *warnings = g_ptr_array_new_with_free_func(g_free);
	size_t count;
	struct plugin_instance *const *instances = config_instances(config, &count);
	bool good = renewal_load(instances, count, is_table, problems, warnings);
	for (guint i = 0; i < problems->len; i++)
		fprintf(stderr, "%s\n", (const char *)g_ptr_array_index(problems, i));
	for (guint i = 0; i < warnings->len; i++)
		print_left_out(g_ptr_array_index(warnings, i));
	g_ptr_array_free(problems, TRUE);
	g_ptr_array_free(warnings, TRUE);
	return good;
}

/* Tables that are asked over a network: whether they answer at all. */
static bool try_table(struct plugin_instance *i)
{
	static const char *const keys[] = { "postern-check@localhost" };
	struct error e = { 0 };
	struct plugin_answer answer = { .result = POSTERN_BROKEN };
	void *owner = talloc_new(NULL);
	if (plugin_instance_check(i, &e) == 0 && plugin_instance_load(i, &e) == 0 && plugin_instance_start(i, &e) == 0) {
		plugin_lookup(i, keys, 1, deadline_in(60000), owner, &answer);
		plugin_instance_stop(i);
	}
	bool good = answer.result == POSTERN_OK || answer.result == POSTERN_NOTHING;
	const char *why = answer.error ? answer.error : e.text;
	printf("%s: %s%s\n", i->name, good ? "good: it answers" : "FAILED: ", good ? "" : why);
	talloc_free(owner);
	return good;
}

static bool try_instances(const struct config *config)
{
	size_t count;
	bool good = true;
	struct policy policy;
	struct plugin_instance *const *instances = config_instances(config, &count);
	policy_init(&policy, config);
	plugin_call_setup(NULL, policy_string(&policy, SET_path));
	for (size_t i = 0; i < count; i++) {
		if (instances[i]->plugin->roles & POSTERN_SCANNER)
			good = try_scanner(instances[i]) && good;
		if ((instances[i]->plugin->roles & POSTERN_LOOKUP) && !is_table(instances[i]))
			good = (instances[i]->plugin->lookup->probe ? try_lookup(instances[i]) : try_table(instances[i])) && good;
	}
	return good;
}

/* Databases and directories: asked as a worker would ask them. */
static bool try_sources(const struct config *config)
{
	size_t count;
	bool good = true;
	struct plugin_instance *const *instances = config_instances(config, &count);
	for (size_t i = 0; i < count; i++) {
		struct error e = { 0 };
		bool asked = (instances[i]->plugin->roles & POSTERN_DATABASE) != 0;
		if (asked && (plugin_instance_load(instances[i], &e) != 0 || plugin_instance_start(instances[i], &e) != 0)) {
			printf("%s: FAILED: %s\n", instances[i]->name, e.text);
			good = false;
		}
	}
	good = config_check_sources(config, stdout) && good;
	for (size_t i = 0; i < count; i++)
		if (instances[i]->plugin->roles & POSTERN_DATABASE)
			plugin_instance_stop(instances[i]);
	return good;
}

int check_run(const struct role_options *o, bool thorough)
{
	GPtrArray *problems;
	struct config_options options = {
		.file = o->config_file, .plugin_dir = o->plugin_dir, .build_dir = o->build_dir, .embedded = config_embedded_default, .load_plugins = true,
	};
	struct config *config = config_load(&options, &problems);
	config_print_problems(stderr, problems);
	bool good = config_error_count(problems) == 0;
	good = read_tables(config) && good;	/* whatever else is wrong: all errors come at once */
	g_ptr_array_unref(problems);
	if (good && thorough) {
		bool instances_good = try_instances(config);
		good = try_sources(config) && instances_good;
	}
	talloc_free(config);
	return good ? 0 : 78;
}
