/* record_probe.c - reads a configuration and asks its sources of records about addresses; for the tests of directories and databases.
 *
 * record_probe [-b BUILD] [-t DEADLINE_MS] [-x CANCEL_FD] -c FILE [-k ldap|sql] [-l] [-m]
 * Each line of standard input is an address, bytes may be written \xHH; one line of JSON answers it.  -l: the static tables call them local.
 * -m: not a source but the lookup list local_domains_maps is asked.  "!" alone ends. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include "base/text.h"
#include "config/config.h"
#include "lookup/record.h"
#include "plugin/call.h"

static struct { const char *build, *file; long deadline_ms; int kind, cancel_fd; bool local, maps; } opt = {
	.deadline_ms = 20000, .kind = RECORD_LDAP, .cancel_fd = -1
};

static void read_arguments(int argc, char **argv)
{
	int c;
	opt.build = getenv("POSTERN_BUILD");
	while ((c = getopt(argc, argv, "b:t:c:k:x:lm")) != -1) {
		switch (c) {
		case 'b': opt.build = optarg; break;
		case 't': opt.deadline_ms = atol(optarg); break;
		case 'c': opt.file = optarg; break;
		case 'k': opt.kind = strcmp(optarg, "sql") == 0 ? RECORD_SQL : RECORD_LDAP; break;
		case 'x': opt.cancel_fd = atoi(optarg); break;
		case 'l': opt.local = true; break;
		case 'm': opt.maps = true; break;
		default: exit(2);
		}
	}
}

static void start_instances(const struct config *c)
{
	size_t count;
	struct plugin_instance *const *all = config_instances(c, &count);
	for (size_t i = 0; i < count; i++) {
		struct error e = { 0 };
		if (plugin_instance_check(all[i], &e) != 0 || plugin_instance_load(all[i], &e) != 0 || plugin_instance_start(all[i], &e) != 0) {
			fprintf(stderr, "record_probe: %s\n", e.text);
			exit(2);
		}
	}
}

static void unescape(char *text)
{
	char *to = text;
	for (const char *at = text; *at; at++) {
		unsigned byte;
		if (at[0] == '\\' && at[1] == 'x' && sscanf(at + 2, "%2x", &byte) == 1) {
			*to++ = (char)byte;
			at += 3;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
}

static void put_text(GString *out, const char *before, const char *text, size_t size)
{
	g_string_append(out, before);
	if (text)
		text_append_json(out, text, size);
	else
		g_string_append(out, "null");
}

static void put_row(GString *out, const struct record_row *row)
{
	put_text(out, "{\"key\":", row->key, row->key ? strlen(row->key) : 0);
	g_string_append(out, ",\"fields\":[");
	for (size_t i = 0; i < row->count; i++) {
		const struct record_field *f = &row->fields[i];
		put_text(out, i ? ",[" : "[", f->name, strlen(f->name));
		put_text(out, ",", f->value, f->size);
		g_string_append_c(out, ']');
	}
	g_string_append(out, "]}");
}

static struct deadline now_deadline(void)
{
	struct deadline d = deadline_in(opt.deadline_ms);
	d.cancel_fd = opt.cancel_fd;
	return d;
}

static int ask(struct record_source *s, const char *address, void *owner, struct record *r, struct error *e)
{
	const struct lookup_style style = { .recipient_delimiter = "+" };
	const struct lookup_context context = { .deadline = now_deadline() };
	const struct record_question q = { .key = lookup_key_address(owner, address, &style), .local_by_tables = opt.local, .context = &context };
	return s->fetch(s, &q, owner, r, e);
}

static void answer(struct record_source *s, const char *address)
{
	void *owner = talloc_new(NULL);
	struct record r = { 0 };
	struct error e = { 0 };
	GString *out = g_string_new(NULL);
	int64_t began_ms = clock_now_ms();
	if (ask(s, address, owner, &r, &e) != 0) {
		put_text(out, "{\"error\":", e.text, strlen(e.text));
		g_string_append_printf(out, ",\"cancelled\":%s", e.class == ERROR_CANCELLED ? "true" : "false");
	} else {
		put_text(out, "{\"origin\":", r.origin, strlen(r.origin));
		g_string_append(out, ",\"rows\":[");
		for (size_t i = 0; i < r.row_count; i++) {
			g_string_append(out, i ? "," : "");
			put_row(out, &r.rows[i]);
		}
		g_string_append_c(out, ']');
	}
	printf("%s,\"ms\":%lld}\n", out->str, (long long)(clock_now_ms() - began_ms));
	fflush(stdout);
	g_string_free(out, TRUE);
	talloc_free(owner);
}

/* As the worker asks a lookup plugin. */
static const struct value *ask_plugin(struct plugin_instance *instance, const char *const *keys, size_t count, const struct lookup_context *context,
	void *owner, const char **matched, struct error *failed)
{
	struct plugin_answer a;
	plugin_lookup(instance, keys, count, context->deadline, owner, &a);
	*matched = a.key;
	if (a.result != POSTERN_OK && a.result != POSTERN_NOTHING)
		error_set(failed, ERROR_ENVIRONMENT, "%s", a.error);
	return a.result == POSTERN_OK ? value_string(owner, a.value) : NULL;
}

static void answer_maps(const struct config *c, const char *address)
{
	void *owner = talloc_new(NULL);
	const struct lookup_style style = { .recipient_delimiter = "+" };
	const struct lookup_context context = { .deadline = now_deadline() };
	struct lookup_match match;
	struct error e = { 0 };
	const struct value *v = lookup_first(config_value(c, SET_local_domains_maps), lookup_key_address(owner, address, &style), &context, owner, &match, &e);
	const char *text = v ? value_text(v, owner) : NULL;
	GString *out = g_string_new(NULL);
	put_text(out, "{\"value\":", text, text ? strlen(text) : 0);
	put_text(out, ",\"key\":", v ? match.key : NULL, v ? strlen(match.key) : 0);
	put_text(out, ",\"error\":", e.class == ERROR_NONE ? NULL : e.text, strlen(e.text));
	printf("%s}\n", out->str);
	fflush(stdout);
	g_string_free(out, TRUE);
	talloc_free(owner);
}

int main(int argc, char **argv)
{
	read_arguments(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	GPtrArray *problems;
	const struct config_options options = { .file = opt.file, .build_dir = opt.build, .load_plugins = true };
	struct config *config = config_load(&options, &problems);
	config_print_problems(stderr, problems);
	if (config_error_count(problems) > 0)
		return 78;
	plugin_call_setup(NULL, "/usr/bin:/bin");
	start_instances(config);
	struct record_source *s = config_record_source(config, opt.kind);
	if (!lookup_call_plugin)
		lookup_call_plugin = ask_plugin;
	if (!s && !opt.maps) {
		fprintf(stderr, "record_probe: the configuration names no such source\n");
		return 2;
	}
	char line[4096];
	while (fgets(line, sizeof line, stdin) && strcmp(line, "!\n") != 0) {
		line[strcspn(line, "\n")] = '\0';
		unescape(line);
		if (opt.maps)
			answer_maps(config, line);
		else
			answer(s, line);
	}
	size_t count;
	struct plugin_instance *const *all = config_instances(config, &count);
	for (size_t i = 0; i < count; i++)
		plugin_instance_stop(all[i]);
	g_ptr_array_unref(problems);
	talloc_free(config);
	return 0;
}
