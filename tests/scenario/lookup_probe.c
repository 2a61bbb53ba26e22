/* lookup_probe.c - evaluates a configuration, loads its lookup plugins as a worker would have them, and asks one of its settings; for the
 * tests of lookups and their bench.
 *
 * lookup_probe [-b BUILD] [-s SETTING] [-t TIMEOUT_MS] CONFIGURATION, then commands on standard input:
 *   a ADDRESS, i CLIENT, n NAME,NAME    ask: "result<TAB>key<TAB>file:line", "nothing" or "failed<TAB>why"
 *   A ADDRESS                           all results, joined with " ; "
 *   k ADDRESS                           the search keys
 *   reload                              what has changed on disk: "reloaded", "unchanged" or "kept<TAB>why"
 *   bench SECONDS FILE                  the addresses of FILE over and over: "lookups<TAB>nanoseconds"
 *   pss N FILE                          fork N children that ask the addresses of FILE and wait: "KiB of this process<TAB>KiB of each child on average"
 * Lines of tables that are left out go to standard error. */
#include "config.h"

#include <glib.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <talloc.h>
#include <time.h>
#include <unistd.h>

#include "base/deadline.h"
#include "config/config.h"
#include "lookup/lookup.h"
#include "lookup/record_asker.h"
#include "plugin/call.h"

static struct config *config;
static struct policy policy;
static const struct value *maps;
static struct lookup_style style;
static struct plugin_instance *const *instances;
static size_t instance_count;
static struct record_source *sources[RECORD_SOURCE_COUNT];
static int64_t timeout_ms = 60000;

static void die(const char *what, const char *why)
{
	fprintf(stderr, "lookup_probe: %s: %s\n", what, why);
	exit(2);
}

static void load_tables(void)
{
	GPtrArray *left_out = g_ptr_array_new_with_free_func(g_free);

	instances = config_instances(config, &instance_count);
	for (size_t i = 0; i < instance_count; i++) {
		struct error e = { 0 };

		if (plugin_instance_check(instances[i], &e) != 0 || lookup_instance_load(instances[i], left_out, &e) != 0)
			die("load", e.text);
		if (plugin_instance_start(instances[i], &e) != 0)
			die("start", e.text);
	}
	for (guint i = 0; i < left_out->len; i++)
		fprintf(stderr, "%s\n", (const char *)g_ptr_array_index(left_out, i));
	g_ptr_array_free(left_out, TRUE);
}

static struct lookup_key *make_key(void *owner, char kind, const char *text)
{
	struct lookup_key *k;
	char **names;

	if (kind == 'i')
		return lookup_key_ip(owner, text);
	if (kind != 'n')
		return lookup_key_address(owner, text, &style);
	names = g_strsplit(text, ",", -1);
	k = lookup_key_strings(owner, (const char *const *)names, g_strv_length(names));
	g_strfreev(names);
	return k;
}

/* As a mail has it: its records are its own. */
static struct lookup_context make_context(void *owner)
{
	struct lookup_context context = { .deadline = deadline_in((int)timeout_ms) };
	struct record_terms terms = { .local_domains = policy_value(&policy, SET_local_domains_maps), .recipient_delimiter = style.recipient_delimiter,
		.localpart_is_case_sensitive = style.localpart_is_case_sensitive, .wanted = { [RECORD_SQL] = true, [RECORD_LDAP] = true } };

	if (sources[RECORD_SQL] == NULL && sources[RECORD_LDAP] == NULL)
		return context;
	context.records = record_asker_new(owner, sources);
	record_asker_set_terms(context.records, &terms);
	return context;
}

static const char *show(const struct value *v, void *owner)
{
	if (v->kind == VALUE_BOOL)
		return v->u.boolean ? "true" : "false";
	return value_text(v, owner);
}

static void ask(char kind, const char *text)
{
	void *owner = talloc_new(NULL);
	struct lookup_context context = make_context(owner);
	struct lookup_match match;
	struct error failed;
	const struct value *v = lookup_first(maps, make_key(owner, kind, text), &context, owner, &match, &failed);

	if (failed.class != ERROR_NONE)
		printf("failed\t%s\n", failed.text);
	else if (v == NULL)
		printf("nothing\n");
	else
		printf("%s\t%s\t%s:%d\n", show(v, owner), match.key, v->file != NULL ? v->file : "", v->line);
	talloc_free(owner);
}

static void ask_all(const char *text)
{
	void *owner = talloc_new(NULL);
	struct lookup_context context = make_context(owner);
	struct error failed;
	const struct value *all = lookup_all(maps, make_key(owner, 'a', text), &context, owner, &failed);

	for (size_t i = 0; i < all->u.list.count; i++)
		printf("%s%s", i > 0 ? " ; " : "", show(all->u.list.items[i], owner));
	printf("%s\n", failed.class != ERROR_NONE ? failed.text : all->u.list.count > 0 ? "" : "nothing");
	talloc_free(owner);
}

static void show_keys(const char *text)
{
	void *owner = talloc_new(NULL);
	size_t count;
	const char *const *keys = lookup_key_list(make_key(owner, 'a', text), &count);

	for (size_t i = 0; i < count; i++)
		printf("%s%s", i > 0 ? "\t" : "", keys[i]);
	printf("\n");
	talloc_free(owner);
}

static void reload(void)
{
	bool any = false;

	for (size_t i = 0; i < instance_count; i++) {
		struct error e = { 0 };

		if (!plugin_instance_changed(instances[i]))
			continue;
		any = true;
		if (lookup_instance_reload(instances[i], &e) == 0)
			continue;
		printf("kept\t%s\n", e.text);
		return;
	}
	printf("%s\n", any ? "reloaded" : "unchanged");
}

static char **read_addresses(const char *path)
{
	char *text, **lines;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		die(path, "cannot be read");
	lines = g_strsplit(g_strchomp(text), "\n", -1);
	g_free(text);
	return lines;
}

static void bench(double seconds, const char *path)
{
	char **addresses = read_addresses(path);
	int64_t began = clock_wall_us(), now;
	uint64_t lookups = 0;

	do {
		for (size_t i = 0; addresses[i] != NULL; i++, lookups++) {
			void *owner = talloc_new(NULL);
			struct lookup_context context = make_context(owner);
			struct error failed;

			lookup_first(maps, lookup_key_address(owner, addresses[i], &style), &context, owner, NULL, &failed);
			if (failed.class != ERROR_NONE)
				die("bench", failed.text);
			talloc_free(owner);
		}
		now = clock_wall_us();
	} while ((double)(now - began) < seconds * 1e6);
	printf("%" PRIu64 "\t%" PRId64 "\n", lookups, (now - began) * 1000);
	g_strfreev(addresses);
}

/* KiB that the process takes, its part of what it shares included. */
static long pss_of(pid_t pid)
{
	char path[64], line[256];
	long kib = -1;
	FILE *in;

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	in = fopen(path, "r");
	while (in != NULL && fgets(line, sizeof line, in) != NULL)
		if (strncmp(line, "Pss:", 4) == 0)
			kib = atol(line + 4);
	if (in != NULL)
		fclose(in);
	return kib;
}

static void child(int ready, char **addresses)
{
	for (size_t i = 0; addresses[i] != NULL; i++) {
		void *owner = talloc_new(NULL);
		struct error failed;

		lookup_first(maps, lookup_key_address(owner, addresses[i], &style), NULL, owner, NULL, &failed);
		talloc_free(owner);
	}
	if (write(ready, "r", 1) == 1)
		pause();
	_exit(0);
}

static void measure_pss(int count, const char *path)
{
	char **addresses = read_addresses(path), byte;
	pid_t *children = g_new0(pid_t, (gsize)count);
	int ready[2];
	long sum = 0;

	if (pipe(ready) != 0)
		die("pss", "no pipe");
	fflush(stdout);
	for (int i = 0; i < count; i++) {
		children[i] = fork();
		if (children[i] == 0)
			child(ready[1], addresses);
	}
	for (int i = 0; i < count; i++)
		if (read(ready[0], &byte, 1) != 1)
			die("pss", "a child is gone");
	for (int i = 0; i < count; i++)
		sum += pss_of(children[i]);
	printf("%ld\t%ld\n", pss_of(getpid()), sum / count);
	for (int i = 0; i < count; i++) {
		kill(children[i], SIGKILL);
		waitpid(children[i], NULL, 0);
	}
	close(ready[0]);
	close(ready[1]);
	g_free(children);
	g_strfreev(addresses);
}

static void command(char *line)
{
	char **words = g_strsplit(line, " ", 3);
	guint count = g_strv_length(words);

	if (strncmp(line, "a ", 2) == 0 || strncmp(line, "i ", 2) == 0 || strncmp(line, "n ", 2) == 0)
		ask(line[0], line + 2);
	else if (strncmp(line, "A ", 2) == 0)
		ask_all(line + 2);
	else if (strncmp(line, "k ", 2) == 0)
		show_keys(line + 2);
	else if (strcmp(line, "reload") == 0)
		reload();
	else if (count == 3 && strcmp(words[0], "bench") == 0)
		bench(g_ascii_strtod(words[1], NULL), words[2]);
	else if (count == 3 && strcmp(words[0], "pss") == 0)
		measure_pss(atoi(words[1]), words[2]);
	else
		die(line, "unknown command");
	g_strfreev(words);
	fflush(stdout);
}

static void read_configuration(const char *file, const char *build, const char *setting)
{
	struct config_options options = { .file = file, .build_dir = build, .embedded = config_embedded_default, .load_plugins = true };
	GPtrArray *problems;
	int id = 0;

	config = config_load(&options, &problems);
	config_print_problems(stderr, problems);
	if (config_error_count(problems) > 0)
		die(file, "has errors");
	g_ptr_array_unref(problems);
	policy_init(&policy, config);
	while (id < SETTING_COUNT && strcmp(setting_name((enum setting_id)id), setting) != 0)
		id++;
	if (id == SETTING_COUNT)
		die(setting, "no such setting");
	maps = policy_value(&policy, (enum setting_id)id);
	style = (struct lookup_style){ policy_string(&policy, SET_recipient_delimiter), policy_bool(&policy, SET_localpart_is_case_sensitive) };
	for (int kind = 0; kind < RECORD_SOURCE_COUNT; kind++)
		sources[kind] = config_record_source(config, kind);
	plugin_call_setup(NULL, NULL);
}

int main(int argc, char **argv)
{
	const char *build = getenv("POSTERN_BUILD"), *setting = "virus_lovers_maps";
	char *line = NULL;
	size_t size = 0;
	int c;

	while ((c = getopt(argc, argv, "b:s:t:")) != -1) {
		if (c == 'b')
			build = optarg;
		else if (c == 's')
			setting = optarg;
		else if (c == 't')
			timeout_ms = atol(optarg);
		else
			return 2;
	}
	signal(SIGPIPE, SIG_IGN);	/* as in a worker */
	if (optind + 1 != argc)
		die("usage", "lookup_probe [-b BUILD] [-s SETTING] [-t TIMEOUT_MS] CONFIGURATION");
	read_configuration(argv[optind], build, setting);
	load_tables();
	printf("ready\n");
	fflush(stdout);
	while (getline(&line, &size, stdin) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		command(line);
	}
	free(line);
	for (size_t i = 0; i < instance_count; i++)
		plugin_instance_stop(instances[i]);
	talloc_free(config);
	return 0;
}
